"""Adds what pydantic-ai's own spans of a run leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace

from streamtap._delivery.tracing import RunTrace, ToolTrace, ids_of, with_ids
from streamtap._sinks.otel import semconv as names
from streamtap._sinks.otel import span_facts as facts

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._sinks.otel.traced_runs import Claim

    Attributes = dict[str, AttributeValue]


class AddedTrace(RunTrace):
    """Adds to pydantic-ai's own spans.

    Args:
        tracer: Makes the part spans.
        claimed: That no other tap makes spans of the run.
        parts: Whether parts get spans.
    """

    adds_to_requests = True

    def __init__(self, tracer: Tracer, claimed: Claim, *, parts: bool) -> None:
        super().__init__()
        self._tracer = tracer
        self._claimed: Claim | None = claimed
        self._parts = parts
        self._run = _current(names.INVOKE_AGENT)

    def request_over(self, record: ResponseRecord) -> None:
        """Add what was measured to the `chat` span, which ends right after this call."""
        chat = self._chat
        if chat is None or not chat.is_recording():
            return
        chat.set_attributes(facts.measured(record))
        facts.fill(self._tracer, chat, record, parts=self._parts)

    def tool(self, tool: str, tool_call_id: str, started_ns: int) -> ToolTrace:
        """pydantic-ai's own span of the tool, which is current while the tool runs."""
        return AddedToolTrace()

    def tool_ended(self, record: ToolRecord, seen: ToolTrace | None, ended_ns: int | None) -> ToolRecord:
        """Make the span of a tool that the provider ran: pydantic-ai only has spans of tools that it runs itself.

        Add to its own span of a tool why it failed, which MCP server ran it, and whether it repeats others.
        """
        if isinstance(seen, AddedToolTrace):
            seen.add({**facts.of_mcp(record), **facts.repeated(record), **facts.failed(record)})
        if record.kind != 'native' or record.duration is None or self._chat is None:
            return super().tool_ended(record, seen, ended_ns)
        span = facts.executed(self._tracer, self._chat, record)
        facts.end_tool(span, record, ended_ns)
        return with_ids(record, ids_of(span))

    def ended(self, record: RunRecord, ended_ns: int) -> RunRecord:
        """The spans are pydantic-ai's own, which ends them; what is missing is why the run failed, and how it did."""
        self._claimed = None
        if self._run is not None and self._run.is_recording():
            self._run.set_attributes({**facts.judged(record), **facts.failed(record)})
        return super().ended(record, ended_ns)


class AddedToolTrace(ToolTrace):
    """pydantic-ai's own span of a tool, to which facts are added while the tool runs."""

    def __init__(self) -> None:
        super().__init__()
        self._span: Span | None = None

    def __enter__(self) -> AddedToolTrace:
        super().__enter__()
        self._span = _current(names.EXECUTE_TOOL)
        return self

    def add(self, attributes: Attributes) -> None:
        """Add facts to the span."""
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(attributes)


def _current(operation: str) -> Span | None:
    """pydantic-ai's own span of an operation, if that is the current one: somebody may have made another one current."""
    current = trace.get_current_span()
    return current if str(getattr(current, 'name', '')).startswith(operation) else None
