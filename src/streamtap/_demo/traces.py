"""Exports the demo's spans to a collector, if the user names one."""

from __future__ import annotations

import contextlib
import os

from opentelemetry import trace

_ENDPOINTS = 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'


def exported_traces() -> contextlib.ExitStack:
    """Export spans over OTLP/HTTP if OpenTelemetry's own variables name an endpoint; otherwise make none.

    Returns:
        A stack that sends the remaining spans when it is closed.

    Raises:
        ImportError: If there is an endpoint, but OpenTelemetry's SDK or exporter is not installed.
    """
    sending = contextlib.ExitStack()
    if any(os.environ.get(name) for name in _ENDPOINTS):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        sending.callback(provider.shutdown)
    return sending
