"""`logfire.configure()` is all that it takes."""

from __future__ import annotations

import logfire
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

import streamtap

reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
logfire.configure(
    send_to_logfire=False,
    console=False,
    additional_span_processors=[SimpleSpanProcessor(spans)],
    metrics=logfire.MetricsOptions(additional_readers=[reader]),
)
tap = streamtap.Tap([*streamtap.default_sinks(), streamtap.OTelMetricSink()])
Agent(TestModel(), name='greeter', capabilities=[tap.capability(stream=True)]).run_sync('hello')
tap.close()
assert 'invoke_agent greeter' in {span.name for span in spans.get_finished_spans()}
data = reader.get_metrics_data()
assert data is not None
names = {metric.name for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics}
assert 'pydantic_ai.runs' in names, names
