"""The built-in templates."""

from __future__ import annotations

DEFAULT_SUBJECT_TEMPLATE = (
    "{{ [account, booking_name or work_order_number or 'Booking'] | select | join(' \u2013 ') }}"
)

DEFAULT_BODY_TEMPLATE = """\
<p>
{%- if status %}<b>Status:</b> {{ status }}<br>{% endif %}
{%- if work_order_number %}<b>Work order:</b> {{ work_order_number }}<br>{% endif %}
{%- if account %}<b>Customer:</b> {{ account }}<br>{% endif %}
{%- if address %}<b>Address:</b> {{ address }}<br>{% endif -%}
</p>
{%- if summary %}<p>{{ summary | lines }}</p>{% endif %}
{%- if instructions %}<p><b>Instructions:</b><br>{{ instructions | lines }}</p>{% endif %}
<p><a href="{{ booking_url }}">Open the booking in Dynamics 365</a></p>"""
