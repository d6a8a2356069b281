"""Pieces of Logfire's SQL that can only name what the tap sends."""

from __future__ import annotations

from textwrap import dedent

from streamtap._sinks.metrics.catalogue import BY_NAME
from streamtap._sinks.otel import semconv as names

X = 'time_bucket($resolution, start_timestamp) AS x'
"""The time of a line drawn from spans."""

FAILED = "otel_status_code = 'ERROR'"
"""Pydantic AI's spans tell no outcome, only this; on a `chat` that broke off it is the tap that set it."""

RUNS = f"attributes->>'{names.OPERATION}' = '{names.INVOKE_AGENT}'"
REQUESTS = f"attributes->>'{names.OPERATION}' = '{names.CHAT}'"
TOOL_CALLS = f"attributes->>'{names.OPERATION}' = '{names.EXECUTE_TOOL}'"

AGENT = f"attributes->>'{names.AGENT_NAME}'"
MODEL = f"attributes->>'{names.REQUEST_MODEL}'"
TOOL = f"attributes->>'{names.TOOL_NAME}'"
ERROR = f"coalesce(attributes->>'{names.ERROR_TYPE}', exception_type)"
"""Pydantic AI's spans have the exception only."""


def sql(text: str) -> str:
    """A query without the indentation it has in Python."""
    return dedent(text).strip()


def number(attribute: str) -> str:
    """An attribute of a span as a number."""
    return f"(attributes->>'{attribute}')::float"


def quantile(share: float, of: str) -> str:
    """The value that a share of the rows stay below."""
    return f'approx_percentile_cont({share}) WITHIN GROUP (ORDER BY {of})'


def share_failed() -> str:
    """The share of the rows that failed."""
    return f'sum(CASE WHEN {FAILED} THEN 1.0 ELSE 0.0 END) / count(1)'


COST = f'sum({number(names.COST)})'
INPUT = number(names.USAGE_INPUT)


def over_time(what: str, who: str, where: str, values: str) -> str:
    """A query for lines drawn from spans.

    Args:
        what: The name of the column that tells the lines apart.
        who: What is in it.
        where: Which spans.
        values: What is drawn.
    """
    return sql(f"""
        SELECT {X}, {who} AS {what}, {values}
        FROM records
        WHERE {where}
        GROUP BY x, {what}
        ORDER BY x
    """)


def metric(name: str, *labels: str) -> str:
    """A condition for the points of a metric.

    Args:
        name: The metric's name in the catalogue.
        labels: Those of its labels that the query uses.

    Raises:
        ValueError: If the catalogue has no such metric, it is not sent by OTLP, or it has no such label.
    """
    found = BY_NAME.get(name)
    if found is None or found.only == 'scrape':
        raise ValueError(f'no metric {name} is sent by OTLP')
    if unknown := set(labels) - set(found.labels):
        raise ValueError(f'{name} has no label {", ".join(sorted(unknown))}')
    return f"metric_name = '{found.otel_name}'"
