"""The OpenTelemetry log sink: each record as a log event."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import _logs as otel_logs
from opentelemetry import trace
from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import Context

from streamtap._base.clock import after
from streamtap._delivery.sink import BaseSink
from streamtap._display.exits import in_log
from streamtap._display.text import model_name
from streamtap._records.as_json import record_name
from streamtap._records.failed import has_failed
from streamtap._records.flat import flat_fields
from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
from streamtap._sinks.otel.events import CURRENT_SCHEMA, KIND, PREFIX, SCHEMA
from streamtap._version import __version__

if TYPE_CHECKING:
    from streamtap._records.as_json import Record

OLDEST = (1, 37)
"""The OpenTelemetry from which on its SDK takes events through its API."""


class OTelLogSink(BaseSink):
    """Sends each run, response and tool call as an OpenTelemetry log event: names, times, counts and ids, and no content.

    The events are `streamtap.run`, `streamtap.response` and `streamtap.tool`. Their attributes are the fields of the record
    that do not have their default, each with `streamtap.` before its name: an object's fields follow after a dot, an array
    of plain values is one, and any other array is JSON text. The trace and the span of the record are those of the event;
    what failed has severity ERROR, the rest INFO. The conversation's id is left out, as it may be one that your users know.

    `streamtap report` reads what OpenTelemetry's collector writes of them with its file exporter. The SDK keeps 128
    attributes of an event, unless it is told otherwise.

    Args:
        logger_provider: The provider to send with; OpenTelemetry's global one if `None`.

    Raises:
        ImportError: If OpenTelemetry is older than 1.37.
        TypeError: If `logger_provider` is not a `LoggerProvider`.
    """

    def __init__(self, logger_provider: LoggerProvider | None = None) -> None:
        installed = version('opentelemetry-api')
        if tuple(map(int, installed.split('.')[:2])) < OLDEST:
            raise ImportError(f'OTelLogSink needs opentelemetry-sdk 1.37 or newer; {installed} is installed')
        if logger_provider is not None and not isinstance(logger_provider, LoggerProvider):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'logger_provider must be an OpenTelemetry LoggerProvider, not {logger_provider!r}')
        self._logger = otel_logs.get_logger('streamtap', __version__, logger_provider)

    def run_ended(self, record: RunRecord) -> None:
        """Send a run."""
        self._send(record)

    def response_ended(self, record: ResponseRecord) -> None:
        """Send a response."""
        self._send(record)

    def tool_ended(self, record: ToolRecord) -> None:
        """Send a tool call."""
        self._send(record)

    def _send(self, record: Record) -> None:
        name = record_name(record)
        level = SeverityNumber.ERROR if has_failed(record) else SeverityNumber.INFO
        fields = flat_fields(record, without=('conversation_id', 'trace_id', 'span_id'))
        self._logger.emit(
            LogRecord(
                timestamp=after(record.started_ns, record.duration or 0.0),
                context=_context(record),
                severity_text=level.name,
                severity_number=level,
                body=_in_words(record),
                attributes={
                    f'{PREFIX}{KIND}': name,
                    f'{PREFIX}{SCHEMA}': CURRENT_SCHEMA,
                    **{f'{PREFIX}{field}': value for field, value in fields.items()},
                },
                event_name=f'{PREFIX}{name}',
            )
        )


def _context(record: Record) -> Context:
    """The record's own trace, or none: never that of the thread which sends."""
    span = trace.INVALID_SPAN
    if record.trace_id is not None and record.span_id is not None:
        ids = int(record.trace_id, 16), int(record.span_id, 16)
        span = trace.NonRecordingSpan(trace.SpanContext(*ids, is_remote=False))
    return trace.set_span_in_context(span, Context())


def _in_words(record: Record) -> str:
    if isinstance(record, RunRecord):
        what = f'run of {in_log(record.agent)}'
    elif isinstance(record, ResponseRecord):
        what = f'request to {in_log(model_name(record.provider, record.model))}'
    else:
        what = f'tool {in_log(record.agent)}/{in_log(record.tool)}'
    return f'{what}: {record.outcome}'
