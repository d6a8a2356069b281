"""The durations of runs, requests and tools under the names of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._sinks.otel import semconv as names
from streamtap._sinks.otel.instruments import NO_TRACE, context_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.metrics import Histogram, Meter

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._sinks.label_cap import LabelCap


class SemconvMetrics:
    """Three histograms, for tools that are made for these conventions.

    Args:
        meter: Creates them.
        cap: Caps the values of attributes, in common with the catalogue's metrics.
    """

    def __init__(self, meter: Meter, cap: LabelCap) -> None:
        self._cap = cap
        self._runs = _seconds(meter, names.RUN_DURATION, 'Duration of an agent run.', names.AGENT_SECONDS)
        self._requests = _seconds(
            meter, names.REQUEST_DURATION, 'Duration of a request to a model.', names.OPERATION_SECONDS
        )
        self._tools = _seconds(meter, names.TOOL_DURATION, 'Duration of a tool call.', names.OPERATION_SECONDS)

    def run_ended(self, record: RunRecord) -> None:
        """Record the run."""
        if record.duration is not None:
            attributes = {names.OPERATION: names.INVOKE_AGENT, names.AGENT_NAME: self._cap('agent', record.agent)}
            self._record(self._runs, record, record.duration, attributes)

    def response_ended(self, record: ResponseRecord) -> None:
        """Record the request."""
        if record.duration is not None:
            attributes = {
                names.OPERATION: names.CHAT,
                names.PROVIDER: self._cap('provider', record.provider),
                names.REQUEST_MODEL: self._cap('model', record.model),
                names.AGENT_NAME: self._cap('agent', record.agent),
            }
            self._record(self._requests, record, record.duration, attributes)

    def tool_ended(self, record: ToolRecord) -> None:
        """Record the call."""
        if record.duration is not None:
            attributes = {
                names.OPERATION: names.EXECUTE_TOOL,
                names.TOOL_NAME: self._cap('tool', record.tool),
                names.TOOL_TYPE: names.TOOL_TYPES[record.kind],
                names.AGENT_NAME: self._cap('agent', record.agent),
            }
            self._record(self._tools, record, record.duration, attributes)

    def _record(
        self,
        histogram: Histogram,
        record: RunRecord | ResponseRecord | ToolRecord,
        seconds: float,
        attributes: dict[str, str],
    ) -> None:
        if record.error_type is not None:
            attributes[names.ERROR_TYPE] = self._cap('error_type', record.error_type)
        histogram.record(seconds, attributes, context_of(record) or NO_TRACE)


def _seconds(meter: Meter, name: str, text: str, bounds: Sequence[float]) -> Histogram:
    return meter.create_histogram(name, 's', text, explicit_bucket_boundaries_advisory=bounds)
