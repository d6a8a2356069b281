"""Reads OpenTelemetry's baggage, which an application or a caller in another process has set for what runs now."""

from __future__ import annotations

from opentelemetry import baggage

from streamtap._base.names import clean


def baggage_label(name: str) -> str:
    """The value of that name in the current baggage, as a label; '' if it has none that is text."""
    value = baggage.get_baggage(name)
    return clean(value) if isinstance(value, str) else ''
