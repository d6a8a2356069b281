"""The address of a trace, which the live page links to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from streamtap import BaseSink, Tap, live_app, serve

if TYPE_CHECKING:
    from collections.abc import Callable


def served(tap: Tap, trace_url: Any) -> object:
    return serve(tap, port=0, registry=CollectorRegistry(), trace_url=trace_url)


def mounted(tap: Tap, trace_url: Any) -> object:
    return live_app(tap, trace_url=trace_url)


WRONG: list[tuple[Any, type[Exception], str]] = [
    (7, TypeError, 'trace_url must be text, not int'),
    ('https://example.org/trace/{id}', ValueError, r'trace_url must have \{trace_id\} after its host'),
    ('javascript:alert("{trace_id}")', ValueError, 'trace_url must begin with http:// or https://'),
]


@pytest.mark.parametrize(('address', 'error', 'message'), WRONG)
@pytest.mark.parametrize('make', [served, mounted])
def test_anything_else_is_refused_at_once(
    make: Callable[[Tap, Any], object], address: Any, error: type[Exception], message: str
):
    """With what to write instead; and the tap has no sink of it."""
    tap = Tap([BaseSink()])
    with pytest.raises(error, match=message):
        make(tap, address)
    assert len(tap.sinks) == 1


def test_without_a_tap_there_is_nothing_to_link_from():
    """As there is no page."""
    with pytest.raises(ValueError, match='trace_url is for the live view'):
        serve(port=0, trace_url='https://example.org/{trace_id}')
