"""The span that is current while the user's code runs."""

from __future__ import annotations

import contextvars

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider

from streamtap._delivery.dispatch import Dispatch
from streamtap._delivery.tracing import GuardedTrace, RunTrace
from streamtap._sinks.otel.current_span import CurrentSpan

tracer = TracerProvider(shutdown_on_exit=False).get_tracer('test')


def test_what_is_left_elsewhere_changes_nothing_there(caplog: pytest.LogCaptureFixture):
    """A coroutine that was dropped is closed in the context of whatever runs when the garbage is collected."""
    dropped = CurrentSpan(tracer.start_span('dropped'))
    contextvars.copy_context().run(dropped.__enter__)
    with tracer.start_as_current_span('elsewhere') as elsewhere:
        dropped.__exit__()
        assert trace.get_current_span() is elsewhere
    assert caplog.messages == []


def test_what_was_current_before_is_so_again(caplog: pytest.LogCaptureFixture):
    """Also where the code in between made a span current, or two, and never took it back."""
    with tracer.start_as_current_span('around') as around:
        with CurrentSpan(tracer.start_span('run')), CurrentSpan(tracer.start_span('tool')):
            context.attach(trace.set_span_in_context(tracer.start_span('left open')))
        assert trace.get_current_span() is around
    assert caplog.messages == []


def test_a_block_that_raises_is_left_all_the_same():
    """And what it raised goes on."""
    guard = GuardedTrace(RunTrace(), Dispatch((), include_content=False))
    with tracer.start_as_current_span('around') as around:
        with pytest.raises(LookupError), guard.inside(CurrentSpan(tracer.start_span('tool'))):
            raise LookupError
        assert trace.get_current_span() is around
