"""Entra, Key Vault and the managed identity: what they take, what they give, and what becomes refused.

Every text ends in a number. Of each kind what is below a floor is refused, and what is made from then on is
above it: a link breaks, and mends itself for whoever asks at the right place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.simulation.chance.conductor import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.chance.trouble import Troubles

Form = Literal["secret", "certificate", "federated"]
Link = Literal["service token", "proof", "identity token"]
LINKS: tuple[Link, ...] = ("service token", "proof", "identity token")
FORMS: tuple[Form, ...] = ("secret", "certificate", "federated")

BREAK_WEIGHT = 0.5


@dataclass
class Tenant:
    """What is valid at present, and how often each was asked for."""

    conductor: Conductor
    form: Form
    breakable: bool
    """Some link may break in this schedule."""
    floors: Counter[str] = field(default_factory=Counter)
    """By kind of text, the lowest number that is taken."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often Entra, the vault and the identity were asked."""

    def new(self, kind: str) -> str:
        """A text of this kind, as it is made now."""
        return f"{kind} {self.floors[kind]}"

    def takes(self, text: str) -> bool:
        """Whether whoever gets to see it accepts it."""
        kind, _, number = text.rpartition(" ")
        return int(number) >= self.floors[kind]

    def break_link(self, link: Link) -> None:
        """Everything of this kind that was given until now is refused from here on."""
        if link == "proof":
            # The proof of a federated registration is a token that the identity makes for Entra.
            self.floors["assertion" if self.form == "federated" else "vault text"] += 1
        elif link == "identity token":
            self.floors["vault token"] += 1
            self.floors["assertion"] += 1
        else:
            self.floors["https://graph.microsoft.com/.default"] += 1
            self.floors["https://contoso.crm4.dynamics.com/.default"] += 1

    async def ask(self, whom: str) -> None:
        """A request to one of the three: it takes its turn like any other step, where links may break."""
        self.asked[whom] += 1
        if self.breakable:
            await self.conductor.turn(f"asks {whom}")


@dataclass
class Breaker:
    """Breaks links, one or several at a time."""

    conductor: Conductor
    tenant: Tenant
    troubles: Troubles
    left: int

    def choices(self) -> Iterable[Choice]:
        """One more break."""
        if self.left and not self.troubles.healthy:
            yield Choice(BREAK_WEIGHT, self._act)

    def _act(self) -> None:
        self.left -= 1
        chosen = [link for link in LINKS if self.conductor.chance(0.5)] or [
            self.conductor.random.choice(LINKS)
        ]
        for link in chosen:
            self.tenant.break_link(link)
        self.troubles.tell(f"sign-in by {self.tenant.form}: {' and '.join(chosen)} refused")
