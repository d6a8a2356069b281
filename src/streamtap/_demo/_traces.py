"""The demo's spans on their way to a collector, where its user names one."""

from __future__ import annotations

import contextlib
import os

from opentelemetry import trace

_ENDPOINTS = 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'


def exported_traces() -> contextlib.ExitStack:
    """Send spans by OTLP over HTTP, if OpenTelemetry's own variables say where to; else make none.

    Returns:
        Sends what is left when it is closed.

    Raises:
        ImportError: If they do, and OpenTelemetry's SDK or exporter is not installed.
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
