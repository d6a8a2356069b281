"""The address of a trace, which the live page links to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from streamtap import BaseSink, Tap, live_app, serve
from streamtap._web.trace_links import checked_trace_url

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    'address',
    [
        None,
        'http://localhost:16686/trace/{trace_id}',
        'http://[::1]:16686/trace/{trace_id}',
        'https://logfire-us.pydantic.dev/org/project?q=trace_id%3D%27{trace_id}%27',
        'https://grafana.example.org/explore?panes=%7B%22a%22:%7B%22query%22:%22{trace_id}%22%7D%7D#{trace_id}',
    ],
)
def test_addresses_of_traces_are_taken_as_they_are(address: str | None):
    """Those of Jaeger, Logfire and Grafana, and none."""
    assert checked_trace_url(address) == address


def served(tap: Tap, trace_url: Any) -> object:
    return serve(tap, port=0, registry=CollectorRegistry(), trace_url=trace_url)


def mounted(tap: Tap, trace_url: Any) -> object:
    return live_app(tap, trace_url=trace_url)


WRONG: list[tuple[Any, type[Exception], str]] = [
    (7, TypeError, 'trace_url must be a string, not int'),
    ('', ValueError, r'must contain \{trace_id\}'),
    ('https://example.org/trace/{id}', ValueError, r'must contain \{trace_id\}.*pass for instance'),
    ('https://example.org/{trace_id}?{span_id}', ValueError, 'nothing in braces but.*%7B and %7D'),
    ('https://example.org/{{trace_id}}', ValueError, 'nothing in braces'),
    ('https://example.org/a b/{trace_id}', ValueError, 'characters that an address cannot have'),
    ('https://example.org/{trace_id}\n', ValueError, 'characters'),
    ('javascript:alert("{trace_id}")', ValueError, 'characters'),
    ('javascript:alert({trace_id})', ValueError, 'must begin with https:// or http://'),
    ('data:text/html,{trace_id}', ValueError, 'must begin with'),
    ('//example.org/{trace_id}', ValueError, 'must begin with'),
    ('https:///{trace_id}', ValueError, 'and a host'),
    ('https://{trace_id}.example.org/', ValueError, 'neither the id of the trace nor a user'),
    ('https://user:password@example.org/{trace_id}', ValueError, 'neither the id of the trace nor a user'),
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
