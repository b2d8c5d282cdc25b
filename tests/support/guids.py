"""One GUID in every form that is met: what services write, what people write, and what is none."""

from __future__ import annotations

GUID = "0d1e2f30-1111-4222-8333-44445555abcd"
CANONICAL = (GUID, GUID.upper(), "0D1e2F30-1111-4222-8333-44445555aBcD")
TYPED = (
    "{" + GUID + "}",
    "{" + GUID.upper() + "}",
    f"({GUID})",
    f"urn:uuid:{GUID}",
    GUID.replace("-", ""),
    "{" + GUID.replace("-", "") + "}",
    f" {GUID}\n",
    f"\ufeff{GUID}\u200b",
    f"\u00a0{GUID}",
)
NOT_AT_ALL = (
    "",
    "contoso",
    GUID[:-1],
    GUID + "0",
    "{" + GUID,
    GUID + "}",
    "0d1e2f301111-4222-8333-44445555abcd",
    "0d1e2f30-11114222-8333-44445555abcd",
    "0d-1e2f30-1111-4222-8333-44445555abcd",
    "-".join(GUID.replace("-", "")),
    f"uuid:{GUID}",
    f"urn:{GUID}",
    GUID.replace("0", "\u0660"),
    GUID.replace("-", "_"),
    GUID.replace("a", "g"),
    GUID.replace("-", "\u2010"),
    GUID.replace("-", "\x00"),
    f"{GUID},{GUID}",
    f"'{GUID}'",
)
