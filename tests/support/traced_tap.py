"""A tap with spans, everything that it exported, and what is wrong with a trace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai.models.instrumented import InstrumentationSettings

from streamtap import OTelSpanSink, Tap
from streamtap.testing import MemorySink

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from streamtap import Sink
    from streamtap.typing import Semconv


OWN = 'streamtap'
"""The scope of the spans that the tap makes."""

PARTS = ('thinking', 'text', 'tool_call')


class Counted(SpanProcessor):
    """How often each of the tap's own spans was started, and how often ended."""

    def __init__(self) -> None:
        self.started: Counter[int] = Counter()
        self.ended: Counter[int] = Counter()

    def on_start(self, span: ReadableSpan, parent_context: object = None) -> None:
        self.started.update([id_of(each) for each in own([span])])

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.update([id_of(each) for each in own([span])])


@dataclass
class Traced:
    """A tap with spans, and everything that was exported."""

    provider: TracerProvider
    exporter: InMemorySpanExporter
    counted: Counted
    memory: MemorySink
    tap: Tap

    @property
    def native(self) -> InstrumentationSettings:
        """pydantic-ai's own instrumentation, into the same trace."""
        return InstrumentationSettings(tracer_provider=self.provider, include_content=False)

    def plugged(self, door: str) -> tuple[list[Any], dict[str, Any]]:
        """The capabilities of an agent and the arguments of its run that plug the tap in."""
        if door == 'capability':
            return [self.tap.capability(stream=True)], {}
        return [], {'event_stream_handler': self.tap}

    def spans(self) -> list[ReadableSpan]:
        """Everything that was exported, in the order of the starts."""
        self.tap.close()
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def tree(self) -> list[str]:
        """Each span's name and scope, indented below its parent, in the order of their starts."""
        spans = self.spans()
        lines = [f'{"  " * depth}{span.name} [{scope_of(span)}]' for depth, span in nested(spans)]
        assert len(lines) == len(spans), 'an orphan'
        return lines


def traced(
    *processors: SpanProcessor,
    sampler: Any = None,
    sinks: Sequence[Sink] = (),
    semconv: Semconv = '1.41',
    **options: Any,
) -> Traced:
    """A tap that makes spans, with further processors of them, further sinks and options of the tap's."""
    # Shut down at exit, every provider of every test would be kept until then.
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    exporter, counted, memory = InMemorySpanExporter(), Counted(), MemorySink()
    for processor in (*processors, counted, SimpleSpanProcessor(exporter)):
        provider.add_span_processor(processor)
    spans = OTelSpanSink(provider, semconv=semconv)
    return Traced(provider, exporter, counted, memory, Tap([spans, memory, *sinks], **options))


def id_of(span: ReadableSpan) -> int:
    """The span's id."""
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def hex_id(span: ReadableSpan) -> str:
    """The span's id as records show it."""
    return f'{id_of(span):016x}'


def scope_of(span: ReadableSpan) -> str:
    """Who made the span."""
    return span.instrumentation_scope.name if span.instrumentation_scope else ''


def own(spans: Iterable[ReadableSpan]) -> list[ReadableSpan]:
    """The spans that the tap made."""
    return [span for span in spans if scope_of(span) == OWN]


def children(spans: Iterable[ReadableSpan], parent: int | None) -> list[ReadableSpan]:
    """The spans below that one."""
    return [span for span in spans if (span.parent.span_id if span.parent else None) == parent]


def nested(spans: Sequence[ReadableSpan]) -> list[tuple[int, ReadableSpan]]:
    """Each span with its depth, after its parent; an orphan is none of them."""
    found: list[tuple[int, ReadableSpan]] = []

    def show(parent: int | None, depth: int) -> None:
        for span in children(spans, parent):
            found.append((depth, span))
            show(id_of(span), depth + 1)

    show(None, 0)
    return found


def outside_parent(spans: Iterable[ReadableSpan], *, slack_ns: int, outliving: Container[str] = ()) -> list[str]:
    """The spans without times, that end before they start, or that reach out of their parents.

    Args:
        spans: Where parents are looked for, too; a span whose parent is elsewhere reaches out of none.
        slack_ns: By how much they may.
        outliving: The names of spans that may by any time.
    """
    by_id = {id_of(span): span for span in spans}
    found: list[str] = []
    for span in by_id.values():
        parent = None if span.parent is None or span.name in outliving else by_id.get(span.parent.span_id)
        if not _lies(span, span if parent is None else parent, slack_ns):
            found.append(span.name)
    return found


def _lies(span: ReadableSpan, around: ReadableSpan, slack_ns: int) -> bool:
    start, end, first, last = span.start_time, span.end_time, around.start_time, around.end_time
    if start is None or end is None or first is None or last is None:
        return False
    return start <= end and first - slack_ns <= start and end <= last + slack_ns


def contradictions(spans: Iterable[ReadableSpan], memory: MemorySink) -> list[str]:
    """The tap's spans that end otherwise than the records tell, or that no record tells of.

    A call that was refused points at its run, whose own record comes last.
    """
    told = {record.span_id: record for record in (*memory.tools, *memory.responses, *memory.runs)}
    found: list[str] = []
    for span in own(spans):
        record = told.get(hex_id(span))
        shown = _ending(span)
        if span.name in PARTS:
            expected = ('UNSET', None, None, None)
        elif record is None:
            expected = None
        else:
            failed = record.error_type is not None
            expected = ('ERROR' if failed else 'UNSET', None, record.error_type, record.outcome)
        if shown != expected:
            found.append(f'{span.name}: {shown} instead of {expected}')
    return found


def _ending(span: ReadableSpan) -> tuple[object, ...]:
    attributes = span.attributes or {}
    status = span.status
    return (
        status.status_code.name,
        status.description,
        attributes.get('error.type'),
        attributes.get('streamtap.outcome'),
    )
