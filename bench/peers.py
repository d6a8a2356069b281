"""The peers that are installed where the bench runs; `make bench-peers` gives them an environment of their own."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings

from bench.arms import Arm, Discard, discarding

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import SpanProcessor

PACKAGES = ('agento11y-pydantic-ai', 'openinference-instrumentation-pydantic-ai', 'langfuse', 'logfire')


def installed_peers() -> list[Arm]:
    """An arm for each peer that can be imported; none of them sends anything anywhere."""
    found: list[Arm] = []
    makers: tuple[Callable[[], Arm], ...] = (_agento11y, _openinference, _langfuse, _logfire)
    for make in makers:
        with suppress(ImportError):
            found.append(make())
    return found


def _agento11y() -> Arm:
    agento11y: Any = import_module('agento11y')
    config: Any = import_module('agento11y.config')
    door: Any = import_module('agento11y_pydantic_ai')
    client = agento11y.Client(
        agento11y.ClientConfig(
            generation_export=config.GenerationExportConfig(protocol='none'),
            tracer_provider=discarding(),
            meter_provider=MeterProvider([InMemoryMetricReader()]),
        )
    )
    return Arm(
        'agento11y (forced: it pins pydantic-ai<2)',
        capabilities=[door.create_agento11y_pydantic_ai_capability(client=client)],
    )


def _openinference() -> Arm:
    module: Any = import_module('openinference.instrumentation.pydantic_ai')
    return _on_native_spans('OpenInference', module.OpenInferenceSpanProcessor())


def _langfuse() -> Arm:
    module: Any = import_module('langfuse._client.span_processor')
    processor = module.LangfuseSpanProcessor(
        public_key='pk', secret_key='sk', base_url='http://127.0.0.1:9', span_exporter=Discard()
    )
    return _on_native_spans('Langfuse', processor)


def _on_native_spans(name: str, processor: SpanProcessor) -> Arm:
    provider = TracerProvider()
    provider.add_span_processor(processor)
    provider.add_span_processor(SimpleSpanProcessor(Discard()))
    settings = InstrumentationSettings(tracer_provider=provider, meter_provider=MeterProvider())
    return Arm(f'{name}, on native spans', capabilities=[Instrumentation(settings=settings)])


def _logfire() -> Arm:
    logfire: Any = import_module('logfire')
    own = logfire.configure(
        local=True,
        send_to_logfire=False,
        console=False,
        metrics=logfire.MetricsOptions(additional_readers=[InMemoryMetricReader()]),
        additional_span_processors=[SimpleSpanProcessor(Discard())],
    )
    settings = InstrumentationSettings(
        tracer_provider=own.config.get_tracer_provider(), meter_provider=own.config.get_meter_provider()
    )
    return Arm('Logfire', capabilities=[Instrumentation(settings=settings)])
