"""Events as a page for a browser, in light and in dark, as a calendar would show them. Pure.

A body is whatever an administrator's template makes, so it is shown in a frame without rights: no script runs
and nothing is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from booking_sync.preview.colours import CSS_COLOURS
from booking_sync.preview.text import NOTHING, ruled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.preview.look import Preview

_PAGE = Markup("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Events, as they would show</title>
<style>
body {{ margin: 0; font: 15px/1.45 "Segoe UI", system-ui, sans-serif; display: flex; flex-wrap: wrap; }}
.side {{ flex: 1 1 22rem; padding: 1.5rem; min-height: 100vh; box-sizing: border-box; }}
.light {{ color-scheme: light; background: #f5f5f5; color: #242424; }}
.dark {{ color-scheme: dark; background: #141414; color: #ffffff; }}
article {{ border-left: 8px solid #0f6cbd; border-radius: 4px; padding: .8rem 1rem; margin: 0 0 1.2rem; }}
.light article {{ background: #ffffff; }}
.dark article {{ background: #292929; }}
h1 {{ font-size: 1rem; font-weight: 600; }}
h2 {{ font-size: 1.1rem; margin: 0 0 .3rem; }}
dl {{ display: grid; grid-template-columns: auto 1fr; gap: .1rem .8rem; margin: 0; }}
dt {{ opacity: .7; }}
dd {{ margin: 0; }}
iframe {{ border: 0; width: 100%; height: 24rem; margin-top: .6rem; }}
</style>
</head>
<body>
<section class="side light"><h1>Light</h1>{light}</section>
<section class="side dark"><h1>Dark</h1>{dark}</section>
</body>
</html>
""")
_EVENT = Markup("""\
<article{style}>
<h2>{subject}</h2>
<dl>
<dt>When</dt><dd>{start} to {end} ({zone})</dd>
<dt>Where</dt><dd>{place}</dd>
<dt>Shown as</dt><dd>{show_as}</dd>
<dt>Categories</dt><dd>{categories}</dd>
{ruled}</dl>
<iframe sandbox title="The event's body" srcdoc="{body}"></iframe>
</article>
""")
_RULED = Markup("<dt>{name}</dt><dd>{value}</dd>\n")
_STYLE = Markup(' style="border-left-color: {colour}"')
_NONE = Markup("""\
<article>
<h2>No event</h2>
<dl><dt>Booking</dt><dd>{booking}</dd><dt>Why</dt><dd>{reason}</dd></dl>
</article>
""")
_BODY = Markup("""\
<meta charset="utf-8">
<style>
:root {{ color-scheme: {scheme}; }}
body {{ margin: 0; font: 15px/1.45 "Segoe UI", system-ui, sans-serif; }}
</style>
{html}""")


def page(previews: Iterable[Preview], colours: Iterable[CategoryColour] = ()) -> str:
    """The whole page.

    Args:
        previews: the bookings.
        colours: of categories, by which events have theirs.
    """
    shown = list(previews)
    by_category = {each.name: CSS_COLOURS.get(each.preset, "") for each in colours}
    sides = {
        side: Markup("").join(_article(each, side, by_category) for each in shown)
        for side in ("light", "dark")
    }
    return str(_PAGE.format(**sides))


def _article(preview: Preview, scheme: str, colours: Mapping[str, str]) -> Markup:
    if preview.content is None:
        return _NONE.format(booking=preview.booking_id, reason=preview.reason)
    return _event(preview.content, preview.rules, scheme, colours)


def _event(content: EventContent, rules: Sequence[int], scheme: str, colours: Mapping[str, str]) -> Markup:
    # As text of an attribute the whole document is escaped once more; the browser undoes that for the frame.
    document = str(_BODY.format(scheme=scheme, html=Markup(content.body_html)))  # noqa: S704 - goes into a frame without rights
    by_rules = [("by rules", ", ".join(map(str, rules)))] if rules else []
    told = [*ruled(content.options), *by_rules]
    colour = next(filter(None, (colours.get(each) for each in content.categories)), "")
    return _EVENT.format(
        style=_STYLE.format(colour=colour) if colour else "",
        subject=content.subject,
        start=content.start.date_time.replace("T", " "),
        end=content.end.date_time.replace("T", " "),
        zone=content.start.time_zone,
        place=content.location_name or NOTHING,
        show_as=content.show_as,
        categories=", ".join(content.categories) or NOTHING,
        ruled=Markup("").join(_RULED.format(name=name.capitalize(), value=value) for name, value in told),
        body=document,
    )
