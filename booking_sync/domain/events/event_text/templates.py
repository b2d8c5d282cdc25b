"""Templates of subject and body: Jinja in its sandbox.

The sandbox keeps templates from Python's insides and from endless ranges; what they cost otherwise is the
administrator's, who could deploy other code as well.

`_('…')` is a word of the template's own in the event's language. What comes of it is text like every other,
and escaped where the template makes HTML: somebody may put a column's text in there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from booking_sync.domain.events.event_text.links import dialled
from booking_sync.domain.events.event_text.words import ENGLISH
from booking_sync.domain.text import shorten

if TYPE_CHECKING:
    from jinja2 import Template

    from booking_sync.domain.events.event_text.words import Words

_MAX_TOLD = 300


class BadTemplateError(ValueError):
    """A subject or body template that can't be used; the text says why."""


def compile_template(source: str, *, escape: bool) -> Template:
    """The template, ready to be filled.

    Args:
        source: Jinja.
        escape: whether it makes HTML, in which every name is text only.

    Raises:
        BadTemplateError: it does not parse.
    """
    environment = ImmutableSandboxedEnvironment(autoescape=escape, undefined=StrictUndefined)
    environment.filters |= {"lines": _lines, "dialled": _dialled}
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise BadTemplateError(f"line {getattr(error, 'lineno', 1)}: {error}") from error
    except Exception as error:  # nested too deeply, a number too long: whatever Python's compiler meets
        raise BadTemplateError(f"{type(error).__name__}: {error}"[:_MAX_TOLD]) from error


def fill(template: Template, names: dict[str, str], words: Words = ENGLISH, *, quoting: bool = False) -> str:
    """Render; with `quoting`, an error tells what Jinja says, which may quote the names' values.

    A name takes the place of a function that is called like it.

    Raises:
        BadTemplateError: the template fails on these names.
    """
    try:
        return template.render(_functions(words) | names)
    except Exception as error:
        told = f"{type(error).__name__}: {error}" if quoting else type(error).__name__
        raise BadTemplateError(shorten(told, _MAX_TOLD)) from error


def _functions(words: Words) -> dict[str, Any]:
    """What templates may call: `_`, also as `gettext`, and `ngettext` for what is told of so many."""

    def translated(text: object, /, **places: object) -> str:
        said = str(text)
        told = words.gettext(said) if said else ""  # an empty text would be the catalogue's own header
        return told % places if places else told

    def counted(one: object, many: object, count: object, /, **places: object) -> str:
        number = int(str(count).strip() or 0)
        return words.ngettext(str(one), str(many), number) % {"count": number, **places}

    return {"_": translated, "gettext": translated, "ngettext": counted}


def _dialled(text: str) -> str:
    return dialled(str(text))


def _lines(text: str) -> str:
    return Markup("<br>").join(escape(line) for line in str(text).splitlines())
