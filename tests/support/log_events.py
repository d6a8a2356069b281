"""What `OTelLogSink` sends, as the SDK has it, and as OpenTelemetry's collector writes it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from streamtap import OTelLogSink, ResponseRecord, RunRecord

if TYPE_CHECKING:
    from streamtap._records.as_json import Record


class LogEvents:
    """A sink, and the events that it sent."""

    def __init__(self) -> None:
        self._exporter = InMemoryLogRecordExporter()
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(self._exporter))
        self.sink = OTelLogSink(provider)

    def send(self, *records: Record) -> None:
        """Send some records."""
        for record in records:
            if isinstance(record, RunRecord):
                self.sink.run_ended(record)
            elif isinstance(record, ResponseRecord):
                self.sink.response_ended(record)
            else:
                self.sink.tool_ended(record)

    def seen(self) -> list[dict[str, Any]]:
        """Everything of each event but when it was observed."""
        return [_event(each.log_record) for each in self._exporter.get_finished_logs()]

    def exported(self) -> bytes:
        """A line of all of them, as the exporter encodes them and the collector's file exporter writes them."""
        found: dict[str, Any] = MessageToDict(encode_logs(self._exporter.get_finished_logs()))
        for resource in found['resourceLogs']:
            for scope in resource['scopeLogs']:
                for record in scope['logRecords']:
                    # OTLP has them as hexadecimal digits, protobuf's JSON as base64; the collector leaves no field out.
                    for name in ('traceId', 'spanId'):
                        record[name] = base64.b64decode(record.get(name, '')).hex()
        return json.dumps(found, separators=(',', ':'), ensure_ascii=False).encode() + b'\n'


def _event(record: Any) -> dict[str, Any]:
    return {
        'event_name': record.event_name,
        'body': record.body,
        'severity': (record.severity_text, record.severity_number.value),
        'timestamp': record.timestamp,
        'trace_id': f'{record.trace_id:032x}' if record.trace_id else None,
        'span_id': f'{record.span_id:016x}' if record.span_id else None,
        'attributes': dict(cast('dict[str, object]', record.attributes)),
    }
