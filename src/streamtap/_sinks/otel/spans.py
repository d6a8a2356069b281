"""Spans through the OpenTelemetry API: the whole tree, or only what pydantic-ai's own instrumentation leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opentelemetry import trace
from opentelemetry.trace import TracerProvider

from streamtap._delivery.sink import BaseSink
from streamtap._delivery.tracing import RunTrace, Tracing
from streamtap._sinks.otel.added_trace import AddedTrace
from streamtap._sinks.otel.conventions.profiles import Semconv, profile_named
from streamtap._sinks.otel.own_trace import OwnTrace
from streamtap._sinks.otel.traced_runs import claim
from streamtap._version import __version__

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from streamtap._records.starts import RunStart

    Attributes = dict[str, AttributeValue]


class OTelSpanSink(BaseSink, Tracing):
    """Makes a trace of each run: spans `invoke_agent`, `chat` and `execute_tool`, and one for each part of a response.

    For a run that pydantic-ai instruments itself, no span is made twice: what is missing is added to pydantic-ai's
    `chat` spans, with the spans of parts and of the provider's own tools as their children.

    Two taps on one provider make the spans of a run that both measure once.

    Names and attributes are those of OpenTelemetry's conventions for generative AI. It leaves pydantic-ai's own spans with
    the names that they have.

    Args:
        tracer_provider: The provider to make spans with; OpenTelemetry's global one if `None`, so that
            `logfire.configure()` is all that Logfire needs.
        parts: Whether text, thinking and tool call parts get spans; leave them out if you pay per span. Default `True`.
        semconv: Which version of the conventions: `'1.41'`, the last one with a number, or `'latest'`. Default `'1.41'`.

    Raises:
        TypeError: If `tracer_provider` is not a `TracerProvider`.
        ValueError: If `semconv` is neither of the two.
    """

    inline: ClassVar[bool] = True

    def __init__(
        self, tracer_provider: TracerProvider | None = None, *, parts: bool = True, semconv: Semconv = '1.41'
    ) -> None:
        if tracer_provider is not None and not isinstance(tracer_provider, TracerProvider):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'tracer_provider must be an OpenTelemetry TracerProvider, not {tracer_provider!r}')
        self._provider = tracer_provider
        self._tracer = trace.get_tracer('streamtap', __version__, tracer_provider)
        self._parts = parts
        self._profile = profile_named(semconv)

    def open(self, start: RunStart, *, instrumented: bool, parent: RunTrace | None) -> RunTrace:
        """Begin the trace of a run; called by the doors."""
        claimed = claim(self._provider or trace.get_tracer_provider(), start.run_id)
        if claimed is None:
            return RunTrace()
        if instrumented:
            return AddedTrace(self._tracer, claimed, parts=self._parts)
        return OwnTrace(self._tracer, start, parent, claimed, self._profile, parts=self._parts)
