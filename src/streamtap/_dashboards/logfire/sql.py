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
NESTED = f"""(parent_span_id IS NOT NULL AND parent_span_id IN (
    SELECT span_id FROM records WHERE attributes->>'{names.OPERATION}' = '{names.EXECUTE_TOOL}'
  ))"""
"""Spans of runs that the tool of another run called; a span of the user's own between the two hides that."""

OUTERMOST = f'{RUNS} AND NOT {NESTED}'
"""Runs that users started."""

REQUESTS = f"attributes->>'{names.OPERATION}' = '{names.CHAT}'"
TOOL_CALLS = f"attributes->>'{names.OPERATION}' = '{names.EXECUTE_TOOL}'"

RETRIED = (
    f"(coalesce(attributes->>'{names.OUTCOME}', '') = 'retried' OR coalesce(exception_type, '') LIKE '%ToolRetryError')"
)
"""Tool calls that the model is asked to make again: Pydantic AI's spans are marked as errors then, ours are not."""

CALL_FAILED = f'{FAILED} AND NOT {RETRIED}'
"""Tool calls that failed."""

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


def share(condition: str) -> str:
    """The share of the rows for which a condition holds."""
    return f'{how_many(condition)} / count(1)'


def how_many(condition: str) -> str:
    """The number of the rows for which a condition holds."""
    return f'sum(CASE WHEN {condition} THEN 1.0 ELSE 0.0 END)'


COST = f'sum({number(names.COST)})'
TTFT = number(names.TIME_TO_FIRST_CHUNK)
STALLS = f'sum({number(names.STALLS)})'
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
