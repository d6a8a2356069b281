"""The OpenTelemetry metric sink: the metric catalogue, pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from opentelemetry import metrics as otel_metrics
from opentelemetry.metrics import MeterProvider

from streamtap._sinks.metrics.exposition import Exposition, Shape, exposition_on
from streamtap._sinks.metrics.gauges import OpenGauges
from streamtap._sinks.metrics.sink import CatalogueSink
from streamtap._sinks.otel.conventions.profiles import Semconv, profile_named
from streamtap._sinks.otel.instruments import OTelInstruments, make_gauges
from streamtap._sinks.otel.semconv_metrics import Chunks, SemconvMetrics
from streamtap._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._delivery.sink import Attachment
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

MAX_LABEL_SETS = 1900
"""Below 2000, past which the SDK folds new attribute sets into one without labels."""

EMITTED_BY_PYDANTIC_AI = frozenset(
    {
        'pydantic_ai_request_input_tokens',
        'pydantic_ai_input_tokens_total',
        'pydantic_ai_output_tokens_total',
        'pydantic_ai_cost_usd_total',
    }
)
"""What pydantic-ai's own instrumentation records as `gen_ai.client.token.usage` and `operation.cost`."""


class OTelMetricSink(CatalogueSink):
    """Records the metric catalogue with OpenTelemetry's metrics API.

    A Prometheus-compatible receiver turns its names into those of `PrometheusSink`: `pydantic_ai.run_duration` with
    unit `s` becomes `pydantic_ai_run_duration_seconds`. Only inter-chunk latency differs: here it is the mean and the
    maximum of each response. The sink needs a meter provider that exports, such as the one that `logfire.configure()`
    sets up; without one, nothing is exported.

    Two taps on one provider share the metrics; a run that both measure is counted once.

    Args:
        meter_provider: The provider to record with; OpenTelemetry's global one if `None`.
        semconv: Whose names to record runs, requests, tokens and tools under as well: `'1.41'` is the last version of
            OpenTelemetry's conventions for generative AI that has a number, `'latest'` is the newest. What pydantic-ai's
            own instrumentation records under the same name is left out beside it. Default `None`: none.
        output_chunks: Whether `semconv` has the time of each chunk, too: `'each'` takes about 10 µs for each of them, when a
            response has ended. Default `'left_out'`.
        usage: When to count input tokens, output tokens and cost: `'always'`, or (the default)
            `'unless_instrumented'`, which leaves out runs whose usage pydantic-ai's own instrumentation emits already.
        labels: Which of the tap's own labels the metrics have. Default `None`: all of them.

    Raises:
        TypeError: If `meter_provider` is not a `MeterProvider`.
        ValueError: If `usage`, `semconv` or `output_chunks` is neither of the two, or there is no `semconv` for the latter.
    """

    def __init__(
        self,
        meter_provider: MeterProvider | None = None,
        *,
        semconv: Semconv | None = None,
        output_chunks: Chunks = 'left_out',
        usage: Literal['unless_instrumented', 'always'] = 'unless_instrumented',
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(labels)
        if meter_provider is not None and not isinstance(meter_provider, MeterProvider):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'meter_provider must be an OpenTelemetry MeterProvider, not {meter_provider!r}')
        if usage not in ('unless_instrumented', 'always'):
            raise ValueError(f"usage must be 'unless_instrumented' or 'always', not {usage!r}")
        if output_chunks not in get_args(Chunks):
            raise ValueError(f"output_chunks must be 'left_out' or 'each', not {output_chunks!r}")
        if output_chunks == 'each' and semconv is None:
            raise ValueError("output_chunks='each' is of OpenTelemetry's conventions: give semconv, too")
        self._provider = meter_provider
        self._output_chunks: Chunks = output_chunks
        self._usage_always = usage == 'always'
        self._meter = otel_metrics.get_meter('streamtap', __version__, meter_provider)
        self._profile = None if semconv is None else profile_named(semconv)
        self._semconv: SemconvMetrics | None = None

    def run_ended(self, record: RunRecord) -> None:
        """Count the run."""
        if self._semconv is not None and self._mine(record.run_id) is not None:
            self._semconv.run_ended(record)
        super().run_ended(record)

    def response_ended(self, record: ResponseRecord) -> None:
        """Count the request and its response."""
        if self._semconv is not None and self._mine(record.run_id) is not None:
            self._semconv.response_ended(record)
        super().response_ended(record)

    def tool_ended(self, record: ToolRecord) -> None:
        """Count the call."""
        if self._semconv is not None and self._mine(record.run_id) is not None:
            self._semconv.tool_ended(record)
        super().tool_ended(record)

    def attached(self, attachment: Attachment) -> None:
        """Create the metrics, or share those that another tap created.

        Raises:
            ValueError: If the sink already has a tap, or another tap on this provider has other labels.
        """
        super().attached(attachment)
        if self._profile is not None and self._exposition is not None:
            self._semconv = SemconvMetrics(
                self._meter, self._exposition.instruments.cap, self._profile, self._output_chunks
            )

    def _counted_elsewhere(self, record: ResponseRecord) -> frozenset[str]:
        return EMITTED_BY_PYDANTIC_AI if record.instrumented and not self._usage_always else frozenset()

    def _not_declared(self) -> frozenset[str]:
        return frozenset() if self._usage_always else EMITTED_BY_PYDANTIC_AI

    def _expose(self, attachment: Attachment) -> Exposition:
        labels = self._labels_of(attachment)

        def make() -> Exposition:
            instruments = OTelInstruments(
                self._meter,
                user_labels=labels,
                max_label_values=attachment.max_label_values,
                max_label_sets=MAX_LABEL_SETS,
            )
            gauges = OpenGauges(
                user_labels=labels,
                cap=instruments.cap,
                max_label_sets=MAX_LABEL_SETS,
                service_version=attachment.service_version,
                pydantic_ai_version=attachment.pydantic_ai_version,
            )
            make_gauges(self._meter, gauges)
            return Exposition(Shape(labels), instruments, gauges)

        # The global provider may be set later, so the API's module is the key for it.
        is_global = self._provider is None or self._provider is otel_metrics.get_meter_provider()
        return exposition_on(otel_metrics if is_global else self._provider, Shape(labels), make)
