"""Logfire's tables in DuckDB: its documented columns, and its own functions by their nearest relatives."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan

    from streamtap._sinks.metrics.metric import Metric

RECORDS = """
    start_timestamp TIMESTAMP, end_timestamp TIMESTAMP, duration DOUBLE, trace_id TEXT, span_id TEXT,
    parent_span_id TEXT, span_name TEXT, message TEXT, level INTEGER, kind TEXT, service_name TEXT,
    otel_status_code TEXT, otel_status_message TEXT, otel_scope_name TEXT, is_exception BOOLEAN, exception_type TEXT,
    attributes JSON
"""

METRICS = """
    recorded_timestamp TIMESTAMP, metric_name TEXT, metric_type TEXT, unit TEXT, value DOUBLE, scalar_value DOUBLE,
    service_name TEXT, attributes JSON
"""

FUNCTIONS = {
    'metric_max(v)': 'max(v)',
    'metric_increase(v)': 'sum(v)',
    'metric_quantile(share, v)': 'quantile_cont(v, share)',
}


def raised(span: ReadableSpan) -> str | None:
    """The exception among a span's events, which Logfire has in a column.

    Args:
        span: The span.
    """
    found = [dict(event.attributes or {}) for event in span.events if event.name == 'exception']
    return str(found[0]['exception.type']) if found else None


def moment(seconds: float) -> datetime.datetime:
    """A time in UTC, which the columns leave unsaid.

    Args:
        seconds: Since the epoch.
    """
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(tzinfo=None)


class LogfireTables:
    """Answers the queries of Logfire's boards, near enough to tell a wrong column from a right one."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        self._database.execute(f'CREATE TABLE records ({RECORDS})')
        self._database.execute(f'CREATE TABLE metrics ({METRICS})')
        for head, body in FUNCTIONS.items():
            self._database.execute(f'CREATE MACRO {head} AS {body}')

    def add_spans(self, spans: Iterable[ReadableSpan]) -> None:
        """Insert spans as they were exported.

        Args:
            spans: The spans.
        """
        for span in spans:
            began, ended = (span.start_time or 0) / 1e9, (span.end_time or 0) / 1e9
            context = span.get_span_context()
            assert context is not None
            columns = {
                'start_timestamp': moment(began),
                'duration': ended - began,
                'trace_id': f'{context.trace_id:032x}',
                'span_id': f'{context.span_id:016x}',
                'parent_span_id': f'{span.parent.span_id:016x}' if span.parent else None,
                'span_name': span.name,
                'otel_status_code': span.status.status_code.name,
                'exception_type': raised(span),
                'attributes': json.dumps(dict(span.attributes or {})),
            }
            self._insert('records', columns)

    def add_metric(self, metric: Metric) -> None:
        """Insert a point with a value for every label.

        Args:
            metric: The metric.
        """
        columns = {
            'recorded_timestamp': moment(0),
            'metric_name': metric.otel_name,
            'value': 1.0,
            'attributes': json.dumps(dict.fromkeys(metric.labels, 'x')),
        }
        self._insert('metrics', columns)

    def ask(self, query: str) -> list[dict[str, object]]:
        """The rows that a query finds.

        Args:
            query: A query of a board.
        """
        ours = query.replace('$resolution', "INTERVAL '1 minute'").replace('approx_percentile_cont', 'percentile_cont')
        found = self._database.execute(ours)
        names = [str(column[0]) for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _insert(self, table: str, columns: Mapping[str, object]) -> None:
        marks = ', '.join('?' for _ in columns)
        self._database.execute(f'INSERT INTO {table} ({", ".join(columns)}) VALUES ({marks})', list(columns.values()))
