"""What is at 0 as soon as its labels are known: a series that begins at 1 adds nothing to an `increase()`."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._records.records import PHASES
from streamtap._sinks.metrics.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamtap._sinks.metrics.metric import Metric

    Zero: TypeAlias = tuple[str, tuple[str, ...]]
    """The name of a metric, and the values of its own labels."""

Subject = Literal['agent', 'model', 'tool']

_OF_ITS_OWN = ('model', 'tool')

HISTOGRAMS = frozenset(
    {
        'pydantic_ai_run_duration_seconds',
        'pydantic_ai_run_requests',
        'pydantic_ai_run_tool_calls',
        'pydantic_ai_run_tokens',
        'pydantic_ai_request_duration_seconds',
        'pydantic_ai_request_input_tokens',
        'pydantic_ai_time_to_first_token_seconds',
        'pydantic_ai_inter_chunk_latency_seconds',
        'pydantic_ai_tool_duration_seconds',
    }
)
"""Those that every success observes: an empty histogram that stays empty would be a series, or twenty, for nothing."""

OF_USERS = frozenset({'pydantic_ai_run_requests', 'pydantic_ai_run_tool_calls', 'pydantic_ai_run_tokens'})
"""Those that no nested run observes."""

STREAMED_ONLY = frozenset(
    {
        'pydantic_ai_time_to_first_token_seconds',
        'pydantic_ai_inter_chunk_latency_seconds',
        'pydantic_ai_stream_stalls_total',
        'pydantic_ai_stream_stall_seconds_total',
    }
)

RARE = frozenset(
    {
        'pydantic_ai_cache_missed_tokens_total',
        'pydantic_ai_cache_saved_usd_total',
        'pydantic_ai_cache_lost_usd_total',
        'pydantic_ai_repeated_tool_seconds_total',
        'pydantic_ai_repeated_tool_tokens_total',
        'pydantic_ai_tool_result_tokens_total',
    }
)
"""Counters that most models and tools never have, and that are read along with another one."""

PLACES = ('capability', 'handler', 'watch', 'spans', 'price', 'tool_error', 'redact', 'loop_lag')
"""Where the tap itself can fail, besides its sinks."""

DROPPED = ('records', 'open_runs', 'reopened_runs', 'parts', 'tool_calls', 'labels')
"""What can be dropped: at a cap, or, of labels, because it is no plain value."""


def zeros(subject: Subject, known: Mapping[str, str]) -> Iterator[Zero]:
    """The series that can be at 0 when something is first seen.

    Args:
        subject: What is seen.
        known: The labels that are known of it, with their values.
    """
    for metric in _metrics(subject, frozenset(known)):
        if metric.name in STREAMED_ONLY and known.get('streamed') != 'true':
            continue
        if metric.name in OF_USERS and known.get('nested') == 'true':
            continue
        for values in product(*[(known[label],) if label in known else PHASES for label in metric.labels]):
            yield metric.name, values


def zeros_of_tap(user_labels: tuple[str, ...]) -> Iterator[Zero]:
    """The series of the tap itself.

    Args:
        user_labels: Names of the user's own labels.
    """
    capped = {'agent', 'provider', 'model', 'tool', 'error_type', 'label_sets', *user_labels}
    for name, values in (
        ('streamtap_errors_total', PLACES),
        ('streamtap_dropped_total', DROPPED),
        ('streamtap_label_overflow_total', sorted(capped)),
    ):
        yield from ((name, (value,)) for value in values)


@cache
def _metrics(subject: Subject, known: frozenset[str]) -> tuple[Metric, ...]:
    others = {label for label in _OF_ITS_OWN if label != subject}
    return tuple(
        metric
        for metric in CATALOGUE
        if metric.is_about_runs
        and subject in metric.labels
        and others.isdisjoint(metric.labels)
        and known.union({'phase'}).issuperset(metric.labels)
        and ((metric.type == 'counter' and metric.name not in RARE) or metric.name in HISTOGRAMS)
    )
