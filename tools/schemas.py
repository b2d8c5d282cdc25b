"""Writes the JSON schemas of what commands print with `--json` into docs/schemas: `python -m tools.schemas`.

Each is held against real output: the tests read what a command printed through its schema. New fields may
come with a new version, so that readers should pass over what they do not know; the tests do not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "docs" / "schemas"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}
ANYTHING: Schema = {}


def told(schema: Schema, description: str) -> Schema:
    """A schema with what it means."""
    return {**schema, "description": description}


def some(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


def maybe(schema: Schema) -> Schema:
    """Or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def named(value: Schema) -> Schema:
    """An object whose names are not known beforehand."""
    return {"type": "object", "additionalProperties": value}


def record(fields: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object with these fields, and perhaps with the optional ones."""
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": list(fields),
        "additionalProperties": False,
    }


ID = told(TEXT, "A GUID in lower case.")
MOMENT = told(TEXT, "ISO 8601 with an offset.")
DRY_RUN = told(YES_NO, "Nothing was done.")

_PART = record(
    {
        "kind": TEXT,
        "name": TEXT,
        "result": told(TEXT, "exists, made, changed, removed, kept, in the way, or what is to be done."),
        "detail": TEXT,
    }
)
_QUEUED = {
    "seen": told(WHOLE, "Bookings that were looked at."),
    "total": told(maybe(WHOLE), "Bookings that match; null where nobody could tell."),
    "from": MOMENT,
    "correlationId": TEXT,
    "dryRun": DRY_RUN,
}
_QUEUED_OPTIONAL = {
    "queued": WHOLE,
    "toQueue": told(WHOLE, "With --dry-run."),
    "seconds": told(WHOLE, "With --dry-run: how long queueing takes at least."),
    "losingTheirEvent": told(WHOLE, "With --dry-run, where bookings are compared."),
}
_DEAD_LETTER = {
    "id": told(TEXT, "Of the message."),
    "reason": TEXT,
    "deadLetteredAt": told(TEXT, "When it was given up; empty for those of the Functions host."),
    "came": told(TEXT, "When it came onto the queue in this form."),
    "expires": told(TEXT, "Empty for never."),
    "booking": TEXT,
    "about": TEXT,
    "replayable": YES_NO,
}
_PROBLEM = record({"line": maybe(WHOLE), "column": maybe(WHOLE), "words": TEXT})

SCHEMAS: Final[dict[str, Schema]] = {
    "provision": record(
        {
            "complete": told(YES_NO, "Everything is as it should be; it was read back."),
            "changed": YES_NO,
            "parts": some(_PART),
            "dryRun": DRY_RUN,
            "settings": told(named(TEXT), "What the app's settings should say, by name."),
        }
    ),
    "doctor": record(
        {
            "healthy": told(YES_NO, "Neither errors nor warnings."),
            "summary": TEXT,
            "findings": some(
                record(
                    {
                        "area": TEXT,
                        "check": TEXT,
                        "severity": {"enum": ["ok", "skipped", "warning", "error"]},
                        "found": TEXT,
                        "remedy": TEXT,
                    }
                )
            ),
        }
    ),
    "certify": {
        "anyOf": [
            record(
                {
                    "nothingToDo": YES_NO,
                    "summary": TEXT,
                    "leftBehind": told(YES_NO, "Something could not be removed again."),
                    "results": some(
                        record(
                            dict.fromkeys(
                                (
                                    *("assumption", "service", "question", "expected"),
                                    *("outcome", "seen", "means", "action"),
                                ),
                                TEXT,
                            )
                        )
                    ),
                }
            ),
            told(some(record({"assumptions": ANYTHING, "does": TEXT})), "With --dry-run."),
        ]
    },
    "status": record(
        {
            "bookingId": ID,
            "verdict": TEXT,
            "words": some(TEXT),
            "workerWould": some(TEXT),
            "because": TEXT,
            "row": maybe(
                record(
                    {
                        "name": TEXT,
                        "start": maybe(MOMENT),
                        "end": maybe(MOMENT),
                        "resource": record({"id": maybe(TEXT), "name": maybe(TEXT)}),
                        "status": maybe(TEXT),
                        "workOrder": maybe(TEXT),
                        "active": YES_NO,
                        "modified": maybe(MOMENT),
                    }
                )
            ),
            "record": maybe(
                record(
                    {
                        "eventId": maybe(TEXT),
                        "mailbox": maybe(TEXT),
                        "generation": WHOLE,
                        "fingerprint": TEXT,
                        "fingerprintIs": TEXT,
                        "seal": {"enum": ["valid", "wrong", "unknown key", "none"]},
                        "error": TEXT,
                    }
                )
            ),
            "events": some(
                record(
                    {
                        "id": TEXT,
                        "mailbox": ID,
                        "recorded": told(YES_NO, "The row names it."),
                        "subject": TEXT,
                        "start": maybe(MOMENT),
                        "end": maybe(MOMENT),
                        "showAs": TEXT,
                        "differences": some(TEXT),
                    }
                )
            ),
            "wayBack": told(
                maybe(
                    record(
                        {
                            "agreed": told(TEXT, "What both sides last agreed on; empty: never."),
                            "booking": TEXT,
                            "event": told(TEXT, "Empty where it is gone, or can't be read."),
                            "stamp": told(TEXT, "What the app last wrote there, as the event tells."),
                            "stampSeen": told(YES_NO, "The row knows of that write."),
                            "changed": told(TEXT, "Who changed the times since both agreed."),
                            "would": told(TEXT, "What the worker would do about that."),
                            "proposal": told(TEXT, "move, cancel, or empty."),
                            "proposed": TEXT,
                            "answer": told(TEXT, "accept, reject, or empty."),
                            "leaving": told(
                                WHOLE, "Events that the row names no more, and that may be there."
                            ),
                            "told": told(TEXT, "What the row tells people of the last change."),
                        }
                    )
                ),
                "What comes back from Outlook; null while RETURN_PATH is off. Times are in UTC, in words.",
            ),
            "closedMailboxes": told(named(TEXT), "By mailbox, why it could not be looked into."),
            "poison": some(record({"messageId": TEXT, "at": TEXT, "reason": TEXT})),
        }
    ),
    "backfill": record(_QUEUED, _QUEUED_OPTIONAL),
    "resync": {
        "anyOf": [
            record(
                {
                    "bookings": some(ID),
                    "missing": told(some(ID), "There are no such bookings."),
                    "correlationId": TEXT,
                    "dryRun": DRY_RUN,
                },
                {"queued": WHOLE, "toQueue": told(WHOLE, "With --dry-run.")},
            ),
            told(record(_QUEUED, _QUEUED_OPTIONAL), "With --all."),
        ]
    },
    "audit": record(
        {
            "auditId": TEXT,
            "from": MOMENT,
            "to": MOMENT,
            "mailboxes": WHOLE,
            "bookings": WHOLE,
            "events": WHOLE,
            "counts": told(named(WHOLE), "Findings by kind."),
            "inMotion": told(WHOLE, "Findings left out, since their bookings changed meanwhile."),
            "withheld": told(WHOLE, "Repairs that are too many to be true; --force has them done."),
            "enqueued": WHOLE,
            "findings": some(
                record({"kind": TEXT, "words": TEXT}, {"bookingId": ID, "mailbox": TEXT, "eventId": TEXT})
            ),
            "findingsNotShown": WHOLE,
            "goesOn": told(YES_NO, "The app goes on with it; never for the command."),
        }
    ),
    "purge": record(
        {
            "mailboxes": some(
                record(
                    {
                        "mailbox": TEXT,
                        "events": WHOLE,
                        "bookings": WHOLE,
                        "stillWanted": WHOLE,
                        "eventsRemoved": WHOLE,
                        "bookingsCleared": WHOLE,
                        "left": told(maybe(WHOLE), "Found when it looked again; null with --dry-run."),
                        "copies": WHOLE,
                        "foreign": WHOLE,
                        "problems": some(TEXT),
                    }
                )
            ),
            "unreadableBookings": some(TEXT),
            "closedMailboxes": some(TEXT),
            "clean": told(YES_NO, "Nothing of ours is left."),
            "dryRun": DRY_RUN,
        }
    ),
    "adopt": record(
        {
            "counts": told(named(WHOLE), "Bookings by what became of their events."),
            "removedNext": some(ID),
            "bookings": some(
                record(
                    {
                        "booking": TEXT,
                        "fate": TEXT,
                        "detail": TEXT,
                        "mailbox": TEXT,
                        "eventId": TEXT,
                        "otherEvents": some(record({"mailbox": TEXT, "eventId": TEXT})),
                        "removedNext": YES_NO,
                    }
                )
            ),
            "problems": some(TEXT),
            "complete": YES_NO,
            "dryRun": DRY_RUN,
        }
    ),
    "exports": told(named(TEXT), "By name the value that the app has."),
    "event-check": record(
        {
            "file": told(TEXT, "As EVENT_FILE names it."),
            "path": told(TEXT, "Where it was looked for, in full."),
            "found": told(YES_NO, "Without it the built-in texts count."),
            "usable": YES_NO,
            "problems": some(_PROBLEM),
            "idleConditions": told(some(_PROBLEM), "Conditions of rules that no booking meets."),
            "columns": some(record({"name": TEXT, "path": TEXT, "holds": TEXT, "watched": YES_NO})),
            "rules": some(record({"rule": ANYTHING, "when": TEXT, "says": TEXT})),
            "untranslated": told(named(some(TEXT)), "By language, words without a translation."),
        }
    ),
    "event-preview": some(
        record(
            {
                "booking": ID,
                "event": maybe(
                    record(
                        {
                            **dict.fromkeys(
                                ("subject", "start", "end", "timeZone", "location", "showAs", "body"), TEXT
                            ),
                            "categories": some(TEXT),
                            "rules": told(some(ANYTHING), "Which had a say."),
                        },
                        {"sensitivity": TEXT, "importance": TEXT, "reminder": WHOLE},
                    )
                ),
                "reason": told(TEXT, "Why there is no event."),
            },
            {"reader": record({"language": TEXT, "zone": TEXT})},
        )
    ),
    "event-colours": some(record({"mailbox": ID, "made": some(TEXT), "problem": TEXT, "denied": YES_NO})),
    "event-apply": record(_QUEUED, _QUEUED_OPTIONAL),
    "poison-list": record({"messages": some(record(_DEAD_LETTER))}),
    "poison-show": record({**_DEAD_LETTER, "message": ANYTHING}),
    "poison-replay": {
        "anyOf": [
            record({"replayed": WHOLE, "ids": some(TEXT), "unreadable": WHOLE, "dryRun": DRY_RUN}),
            told(
                record({"messages": some(record(_DEAD_LETTER))}, {"dryRun": DRY_RUN}),
                "With --dry-run.",
            ),
        ]
    },
    "poison-drop": {
        "anyOf": [
            record({"dropped": WHOLE, "ids": some(TEXT), "dryRun": DRY_RUN}),
            told(
                record({"messages": some(record(_DEAD_LETTER))}, {"dryRun": DRY_RUN}),
                "With --dry-run.",
            ),
        ]
    },
}
"""By command, the words of a group joined by a hyphen."""


def text_of(command: str) -> str:
    """A schema as its file holds it."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"booking-sync {command.replace('-', ' ')} --json",
    }
    return json.dumps({**head, **SCHEMAS[command]}, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of them, and remove those of commands that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path.stem not in SCHEMAS:
            path.unlink()
    for command in SCHEMAS:
        (FOLDER / f"{command}.json").write_text(text_of(command), encoding="utf-8")


if __name__ == "__main__":
    main()
