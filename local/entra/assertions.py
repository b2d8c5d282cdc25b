"""Client assertions, the two ways to sign in without a secret: checked as Entra checks them.

A certificate's assertion is a JWT about the application itself, signed with the certificate's key; `x5t` or
`x5t#S256` in its head names the certificate, which must be one of the registration's. A federated one is a
token that somebody else issued, here the managed identity; issuer, subject (with its case) and audience must
be those of one of the registration's federated credentials. Whether they are right is only seen here: Entra
takes any text when the credential is made.

Codes are those of Microsoft's "Microsoft Entra authentication and authorization error codes" and of public
threads: 700211, 700213 and 7002121 for a federated assertion of an unknown issuer, subject and audience,
700027 for a certificate, all with status 401 and `invalid_client`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from local.entra.registration import Refusal
from local.standin import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local.entra.certificates import RegisteredCertificate
    from local.entra.registration import FederatedCredential, Registration

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS256", "PS256")
SKEW_SECONDS = 300


@dataclass(frozen=True)
class AssertionCheck:
    """What is needed to check assertions besides the registration."""

    key: bytes
    """The stack's shared key, by which tokens of the managed identity are signed."""
    token_url: str
    """The token endpoint that was called: the audience of a certificate's assertion."""
    now: datetime


def refuse_assertion(
    registration: Registration, form: Mapping[str, str], check: AssertionCheck
) -> Refusal | None:
    """Why a request with a `client_assertion` gets no token, or None when it is fine."""
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        text = "The request body must contain the following parameter: 'client_assertion_type'."
        return Refusal(400, "invalid_request", 900144, text)
    assertion = form["client_assertion"]
    try:
        header = jwt.get_unverified_header(assertion)
        claims = tokens.read_claims(assertion)
    except (ValueError, jwt.InvalidTokenError):
        return _invalid_client(50027, "JWT token is invalid or malformed.")
    client = registration.client_id
    if claims.get("iss") == client or "x5t" in header or "x5t#S256" in header:
        return _refuse_signed(registration, assertion, header, claims, check)
    return _refuse_federated(registration, assertion, claims, check)


def _refuse_signed(
    registration: Registration,
    assertion: str,
    header: Mapping[str, Any],
    claims: Mapping[str, object],
    check: AssertionCheck,
) -> Refusal | None:
    client = registration.client_id
    if claims.get("iss") != client or claims.get("sub") != client:
        text = "Client assertion application identifier doesn't match 'client_id' parameter."
        return _invalid_client(700021, text)
    named = [each for each in registration.certificates if each.is_named_by(header)]
    if not named or header.get("alg") not in ALGORITHMS:
        return _invalid_client(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on "
            "application. [Reason - The key was not found.]",
        )
    (known, *_) = named
    if not known.start <= check.now < known.end:
        return _invalid_client(
            700027,
            "Client assertion contains an invalid signature. [Reason - The key used is expired., Found key "
            f"'Start={known.start}, End={known.end}']",
        )
    return _refuse_signature(known, assertion, check)


def _refuse_signature(known: RegisteredCertificate, assertion: str, check: AssertionCheck) -> Refusal | None:
    required = ["aud", "exp", "jti"]
    try:
        jwt.decode(
            assertion,
            known.public_key,
            algorithms=list(ALGORITHMS),
            audience=check.token_url,
            leeway=SKEW_SECONDS,
            options={"require": required},
        )
    except jwt.InvalidAudienceError:
        return _invalid_client(700023, "Client assertion audience claim does not match Realm issuer.")
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        return _out_of_time()
    except jwt.MissingRequiredClaimError as error:
        return _invalid_client(50027, f"JWT token is invalid or malformed: {error}.")
    except jwt.InvalidTokenError:
        text = "Client assertion failed signature validation. [Reason - The key was found.]"
        return _invalid_client(700027, text)
    return None


def _refuse_federated(
    registration: Registration, assertion: str, claims: Mapping[str, object], check: AssertionCheck
) -> Refusal | None:
    if not registration.federated:
        text = f"The client '{registration.client_id}' has no configured federated identity credentials."
        return _invalid_client(70025, text)
    mismatch = _mismatch(registration.federated, claims)
    if mismatch is not None:
        return mismatch
    reason = tokens.check(check.key, assertion, str(claims.get("aud", "")))
    if reason == "expired":
        return _out_of_time()
    if reason is not None:
        return _invalid_client(50013, f"Assertion failed signature validation. [Reason - {reason}.]")
    return None


def _mismatch(known: tuple[FederatedCredential, ...], claims: Mapping[str, object]) -> Refusal | None:
    """What of issuer, subject and audience no credential has, in the order in which Entra looks."""
    issuer, subject, audience = (str(claims.get(name, "")) for name in ("iss", "sub", "aud"))
    left = [each for each in known if each.issuer == issuer]
    if not left:
        return _no_match(700211, f"issuer '{issuer}'")
    left = [each for each in left if each.subject == subject]
    if not left:
        return _no_match(700213, f"subject '{subject}'")
    if audience not in {each.audience for each in left}:
        return _no_match(7002121, f"audience '{audience}'")
    return None


def _no_match(code: int, what: str) -> Refusal:
    return _invalid_client(
        code,
        f"No matching federated identity record found for presented assertion {what}. Check your federated "
        "identity credential Subject, Audience and Issuer against the presented assertion. Note that the "
        "matching is done using a case-sensitive comparison. "
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    )


def _out_of_time() -> Refusal:
    return _invalid_client(700024, "Client assertion is not within its valid time range.")


def _invalid_client(code: int, text: str) -> Refusal:
    return Refusal(401, "invalid_client", code, text)
