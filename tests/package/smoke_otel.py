"""A run's spans and metrics by OpenTelemetry's SDK, and the exporters that the extra brings."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

import streamtap

exporters = OTLPSpanExporter(), OTLPMetricExporter()
reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
tracers = TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
tap = streamtap.Tap([streamtap.OTelSpanSink(tracers), streamtap.OTelMetricSink(MeterProvider([reader]))])
Agent(TestModel(), name='greeter', capabilities=[tap.capability(stream=True)]).run_sync('hello')
tap.close()
assert [span.name for span in spans.get_finished_spans()] == ['text', 'chat test', 'invoke_agent greeter']
data = reader.get_metrics_data()
assert data is not None
names = {metric.name for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics}
assert {'pydantic_ai.runs', 'pydantic_ai.time_to_first_token'} <= names, names
