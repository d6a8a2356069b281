"""Which share of the input came from a provider's cache, of those whose provider says something of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.queries import ratio

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

INPUT = 'pydantic_ai_input_tokens_total'
CACHED = 'pydantic_ai_cache_read_tokens_total'
WRITTEN = 'pydantic_ai_cache_write_tokens_total'
MISSED = 'pydantic_ai_cache_missed_tokens_total'


def cache_share(promql: Promql, by: str = '') -> str:
    """The share in the time range of the board; nothing where nothing was said of a cache in it.

    Args:
        promql: Queries of the board.
        by: The labels.
    """
    return _of_those_with_a_cache(promql, ratio(promql.count(CACHED, by=by), promql.count(INPUT, by=by)), by)


def cache_share_over_time(promql: Promql, by: str) -> str:
    """The share about each point; nothing where nothing was said of a cache in the time range of the board.

    Args:
        promql: Queries of the board.
        by: The labels.
    """
    return _of_those_with_a_cache(promql, ratio(promql.about(CACHED, by=by), promql.about(INPUT, by=by)), by)


def _of_those_with_a_cache(promql: Promql, share: str, by: str) -> str:
    said = ' or '.join(f'{promql.count(each, by=by)} > 0' for each in (CACHED, WRITTEN, MISSED))
    return f'{share} and on ({by}) ({said})'
