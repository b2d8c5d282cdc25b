"""The built-in templates.

The body uses nothing but what Outlook shows alike everywhere, in light and dark: paragraphs, line breaks,
bold and italic letters, links; no colour and no size. Without its tags it reads as well.

It tells no time and no duration, which the event itself shows: a booking that is only moved or prolonged
keeps its body, and with it the notes that the technician made there.
"""

from __future__ import annotations

DEFAULT_SUBJECT_TEMPLATE = (
    "{{ [account, booking_name or work_order_number or 'Booking'] | select | join(' \u2013 ') }}"
)

DEFAULT_BODY_TEMPLATE = """\
<p>
{%- if status %}<b>Status:</b> {{ status }}<br>{% endif %}
{%- if priority %}<b>Priority:</b> {{ priority }}<br>{% endif %}
{%- if work_order_number %}<b>Work order:</b> {{ work_order_number }}<br>{% endif %}
{%- if work_order_type %}<b>Type:</b> {{ work_order_type }}<br>{% endif %}
{%- if incident_type %}<b>Incident:</b> {{ incident_type }}<br>{% endif %}
{%- if account %}<b>Customer:</b> {{ account }}<br>{% endif %}
{%- if contact or phone %}<b>Contact:</b> {{ contact }}
{%- if phone | dialled %} <a href="tel:{{ phone | dialled }}">{{ phone }}</a>
{%- elif phone %} {{ phone }}{% endif %}<br>{% endif %}
{%- if address %}<b>Address:</b> <a href="{{ map_url }}">{{ address }}</a><br>{% endif %}
{%- if travel %}<b>Travel:</b> {{ travel }} of this time<br>{% endif -%}
</p>
{%- if summary %}<p>{{ summary | lines }}</p>{% endif %}
{%- if instructions %}<p><b>Instructions:</b><br>{{ instructions | lines }}</p>{% endif %}
<p><a href="{{ booking_url }}">Open the booking in Dynamics 365</a><br>
<i>Made by Dynamics 365. Changes here are put back.</i></p>"""
