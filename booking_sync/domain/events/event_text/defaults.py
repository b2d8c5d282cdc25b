"""The built-in templates.

The body uses nothing but what Outlook shows alike everywhere, in light and dark: paragraphs, line breaks,
bold and italic letters, links; no colour and no size. Without its tags it reads as well.

Its own words stand in `_('…')`: `words` has them translated.

It tells no time and no duration, which the event itself shows: a booking that is only moved or prolonged
keeps its body, and with it the notes that the technician made there.
"""

from __future__ import annotations

DEFAULT_SUBJECT_TEMPLATE = (
    "{{ [account, booking_name or work_order_number or _('Booking')] | select | join(' \u2013 ') }}"
)

DEFAULT_BODY_TEMPLATE = """\
<p>
{%- if status %}<b>{{ _('Status:') }}</b> {{ status }}<br>{% endif %}
{%- if priority %}<b>{{ _('Priority:') }}</b> {{ priority }}<br>{% endif %}
{%- if work_order_number %}<b>{{ _('Work order:') }}</b> {{ work_order_number }}<br>{% endif %}
{%- if work_order_type %}<b>{{ _('Type:') }}</b> {{ work_order_type }}<br>{% endif %}
{%- if incident_type %}<b>{{ _('Incident:') }}</b> {{ incident_type }}<br>{% endif %}
{%- if account %}<b>{{ _('Customer:') }}</b> {{ account }}<br>{% endif %}
{%- if contact or phone %}<b>{{ _('Contact:') }}</b> {{ contact }}
{%- if phone | dialled %} <a href="tel:{{ phone | dialled }}">{{ phone }}</a>
{%- elif phone %} {{ phone }}{% endif %}<br>{% endif %}
{%- if address %}<b>{{ _('Address:') }}</b> <a href="{{ map_url }}">{{ address }}</a><br>{% endif %}
{%- if travel %}<b>{{ _('Travel:') }}</b> {{ _('%(travel)s of this time', travel=travel) }}<br>{% endif -%}
</p>
{%- if summary %}<p>{{ summary | lines }}</p>{% endif %}
{%- if instructions %}<p><b>{{ _('Instructions:') }}</b><br>{{ instructions | lines }}</p>{% endif %}
<p><a href="{{ booking_url }}">{{ _('Open the booking in Dynamics 365') }}</a><br>
<i>{{ _('Made by Dynamics 365. Changes here are put back.') }}</i></p>"""
