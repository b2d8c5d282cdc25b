"""What the answer to a trial webhook says of the address and the key that were registered. Pure.

Dataverse takes any address and any key, and tells nobody when the app refuses them: changes are lost until
somebody looks. So the webhook is tried as Dataverse would call it, with a table that nobody has.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from booking_sync.provisioning.converge import PartOutcome

KIND: Final = "trial of the webhook"
ANSWERS: Final = "answers"
_NO_ANSWER = 0
_KEY = (
    "the function app refuses the key: take the one of the function receive_booking_change "
    "(docs/deployment.md, step 6), and give it with --key-file"
)
_ADDRESS = "there is no such function at this address: check --url, and that the app is published"
_WORDS: Final = {
    _NO_ANSWER: "nobody answers at this address within a minute: check --url, and that the app runs",
    HTTPStatus.UNAUTHORIZED: _KEY,
    HTTPStatus.FORBIDDEN: f"{_KEY}; or a sign-in of the platform stands before the app, or a network rule, "
    "which must let Dynamics 365 pass (then --no-trial)",
    HTTPStatus.NOT_FOUND: _ADDRESS,
    HTTPStatus.METHOD_NOT_ALLOWED: _ADDRESS,
    HTTPStatus.SERVICE_UNAVAILABLE: "the app is there and can't take changes now: its health says why",
}


def judge_trial(name: str, status: int) -> PartOutcome:
    """The outcome of posting one webhook.

    Args:
        name: of the webhook.
        status: the answer's; 0 for no answer.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return PartOutcome(KIND, name, ANSWERS, "the app took a trial webhook, and ignored it as it should")
    words = _WORDS.get(status, f"the app answers {status}")
    return PartOutcome(KIND, name, "fails", words)
