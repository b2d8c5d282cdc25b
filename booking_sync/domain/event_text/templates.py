"""Templates of subject and body: Jinja in its sandbox.

The sandbox keeps templates from Python's insides and from endless ranges; what they cost otherwise is the
administrator's, who could deploy other code as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from booking_sync.domain.event_text.links import dialled
from booking_sync.domain.text import shorten

if TYPE_CHECKING:
    from jinja2 import Template

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


def fill(template: Template, names: dict[str, str], *, quoting: bool = False) -> str:
    """Render; with `quoting`, an error tells what Jinja says, which may quote the names' values.

    Raises:
        BadTemplateError: the template fails on these names.
    """
    try:
        return template.render(names)
    except Exception as error:
        told = f"{type(error).__name__}: {error}" if quoting else type(error).__name__
        raise BadTemplateError(shorten(told, _MAX_TOLD)) from error


def _dialled(text: str) -> str:
    return dialled(str(text))


def _lines(text: str) -> str:
    return Markup("<br>").join(escape(line) for line in str(text).splitlines())
