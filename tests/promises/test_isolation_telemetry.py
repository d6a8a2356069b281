"""OpenTelemetry may fail, give nonsense, hang or be shut down: the run is as it is without the tap."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpCounter, NoOpHistogram, NoOpMeter, NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, NoOpTracer, NoOpTracerProvider, SpanContext, TraceFlags

from streamtap import BaseSink, OTelMetricSink, OTelSpanSink, Tap
from streamtap.testing import MemorySink
from support.callers_view import STORIES, WAYS, logged, seen_by_caller, tapped, untapped
from support.real_servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


pytestmark = pytest.mark.usefixtures('nothing_old_is_collected')


# Spans


class BrokenSpan(NonRecordingSpan):
    """A span one of whose methods raises.

    Args:
        broken: The name of the method.
    """

    def __init__(self, broken: str) -> None:
        super().__init__(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
        if broken:
            setattr(self, broken, _fail)

    def is_recording(self) -> bool:
        """It is."""
        return True


class Spans(NoOpTracerProvider, NoOpTracer):
    """A provider and its tracer, whose spans are whatever is made for them.

    Args:
        make: Makes a span.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def get_tracer(self, *_: Any, **__: Any) -> Any:
        """Itself."""
        return self

    def start_span(self, *_: Any, **__: Any) -> Any:
        """What is made."""
        return self._make()


def _fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError('a secret that must not be logged')


METHODS = ('get_span_context', 'set_attribute', 'set_attributes', 'add_event', 'set_status', 'end', 'is_recording')

SPANS: dict[str, Callable[[], Any]] = {
    'start_span raises': _fail,
    'start_span gives nothing': lambda: None,
    'start_span gives anything': object,
    **{f'{method} raises': lambda method=method: BrokenSpan(method) for method in METHODS},
}


@pytest.mark.parametrize('broken', SPANS)
@pytest.mark.parametrize('way', WAYS)
def test_spans_that_fail_leave_the_run_and_its_numbers_as_they_are(
    way: str, broken: str, caplog: pytest.LogCaptureFixture
):
    """Whichever method it is; every record is there."""
    for story in STORIES:
        sound, memory = MemorySink(), MemorySink()
        expected = untapped(way, story)
        assert tapped(way, story, Tap([sound])) == expected
        assert tapped(way, story, Tap([memory, OTelSpanSink(Spans(SPANS[broken]))])) == expected
        assert [moment for moment, _ in memory.moments] == [moment for moment, _ in sound.moments]
        assert {fault.subject for fault in memory.faults} <= {'spans'}
    assert 'secret' not in caplog.text


# Metrics


def _nothing(name: str) -> None:
    pass


class BrokenCounter(NoOpCounter):
    add = _fail


class BrokenHistogram(NoOpHistogram):
    record = _fail


class BrokenMeter(NoOpMeter):
    """Its instruments fail, or are none."""

    counter: ClassVar[Any] = BrokenCounter
    histogram: ClassVar[Any] = BrokenHistogram

    def create_counter(self, name: str, *_: Any, **__: Any) -> Any:
        """One that fails."""
        return self.counter(name)

    def create_histogram(self, name: str, *_: Any, **__: Any) -> Any:
        """One that fails."""
        return self.histogram(name)


class EmptyMeter(BrokenMeter):
    """Makes nothing."""

    counter: ClassVar[Any] = staticmethod(_nothing)
    histogram: ClassVar[Any] = staticmethod(_nothing)


class Metrics(NoOpMeterProvider):
    """A provider of such a meter.

    Args:
        meter: Its class.
    """

    def __init__(self, meter: type[NoOpMeter]) -> None:
        self._meter = meter

    def get_meter(self, name: str, *_: Any, **__: Any) -> Any:
        """The meter."""
        return self._meter(name)


@pytest.mark.parametrize(('meter', 'error'), [(BrokenMeter, 'RuntimeError'), (EmptyMeter, 'AttributeError')])
@pytest.mark.parametrize('way', WAYS)
def test_metrics_that_fail_leave_the_run_as_it_is(
    way: str, meter: type[NoOpMeter], error: str, caplog: pytest.LogCaptureFixture
):
    """It is counted, and logged once."""
    memory = MemorySink()
    tap = Tap([memory, OTelMetricSink(Metrics(meter), semconv='latest')])
    assert tapped(way, 'answers', tap) == untapped(way, 'answers')
    assert {fault.subject for fault in memory.faults} == {'OTelMetricSink'}
    assert logged(caplog) == [f'streamtap: OTelMetricSink failed with {error}']
    assert 'secret' not in caplog.text


# Shut down in mid-run


@pytest.mark.parametrize('moment', ['run_started', 'response_started', 'tool_started', 'tool_ended', 'response_ended'])
@pytest.mark.parametrize('way', WAYS)
def test_providers_that_are_shut_down_in_mid_run_leave_it_as_it_is(way: str, moment: str):
    """The records go on, and nothing in the tap fails."""
    spans, metrics = TracerProvider(shutdown_on_exit=False), MeterProvider(shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    left = [spans.shutdown, metrics.shutdown]

    def shut_down(_self: object, _fact: object) -> None:
        while left:
            left.pop()()

    sink: type[BaseSink] = type('ShutsDown', (BaseSink,), {moment: shut_down, 'inline': True})
    sound, memory = MemorySink(), MemorySink()
    assert tapped(way, 'answers', Tap([sound])) == untapped(way, 'answers')
    assert tapped(way, 'answers', Tap([sink(), memory, OTelSpanSink(spans), OTelMetricSink(metrics)])) == untapped(
        way, 'answers'
    )
    assert left == []
    assert [each for each, _ in memory.moments] == [each for each, _ in sound.moments]
    assert memory.faults == []


# Exporters


class Stuck(SpanExporter):
    """An exporter that hangs until it is let go; it knows whether it was in vain to wait."""

    def __init__(self) -> None:
        self.entered, self.hold = threading.Event(), threading.Event()
        self.waited_in_vain = False

    def export(self, spans: object) -> SpanExportResult:
        """Hang."""
        self.entered.set()
        self.waited_in_vain |= not self.hold.wait(20)
        return SpanExportResult.SUCCESS


@pytest.mark.parametrize('way', WAYS)
def test_an_exporter_that_hangs_delays_no_run(way: str):
    """The run begins and is over while it hangs, and what does not fit into the SDK's queue is the SDK's loss."""
    exporter = Stuck()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=1, max_export_batch_size=1, schedule_delay_millis=1)
    )
    provider.get_tracer('other').start_span('other').end()
    assert exporter.entered.wait(20)
    memory = MemorySink()
    assert tapped(way, 'answers', Tap([OTelSpanSink(provider), memory])) == untapped(way, 'answers')
    assert not exporter.hold.is_set()
    exporter.hold.set()
    provider.shutdown()
    assert not exporter.waited_in_vain
    assert memory.faults == []


@contextlib.contextmanager
def listening() -> Generator[int]:
    """The port of somebody who takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        yield int(silent.getsockname()[1])


@contextlib.contextmanager
def refusing() -> Generator[int]:
    """A port on which nobody listens."""
    yield free_port()


@pytest.mark.parametrize('receiver', [refusing, listening])
def test_a_receiver_that_refuses_or_hangs_is_no_matter_of_the_run(receiver: Any):
    """OTLP over HTTP is sent from the SDK's own threads; every moment is told, and nothing in the tap fails."""
    with receiver() as port:
        url = f'http://127.0.0.1:{port}'
        spans = TracerProvider(shutdown_on_exit=False)
        spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=0.1), schedule_delay_millis=1))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(url, timeout=0.1), export_interval_millis=5)
        metrics = MeterProvider([reader], shutdown_on_exit=False)
        memory = MemorySink()
        tap = Tap([OTelSpanSink(spans), OTelMetricSink(metrics), memory])
        for way in WAYS:
            assert asyncio.run(seen_by_caller(way, 'answers', tap)) == untapped(way, 'answers')
        tap.close()
        assert memory.faults == []
        assert {run.outcome for run in memory.runs} == {'success'}
        metrics.shutdown()
        spans.shutdown()
