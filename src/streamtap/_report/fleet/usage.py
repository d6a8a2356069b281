"""The usage of many records: sums and quantiles by agent, label, model and tool, as a single pass has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast, get_args

from streamtap._records.failed import FAILED_REQUESTS, FAILED_RUNS
from streamtap._records.words import ObjectivePart
from streamtap._report.fleet.names import folded
from streamtap._sinks.usage.ledger import UsageSink
from streamtap._sinks.usage.tally import Tally, ToolTally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._records.records import RunRecord
    from streamtap._records.sketch import Values
    from streamtap._report.fleet.store import Store
    from streamtap._sinks.usage.failures import FailureGroups

Groups: TypeAlias = dict[tuple[str, ...], Tally]

_TINY = 1e-13
"""What makes DuckDB's rank the nearest one: it rounds up, and a product may be a little too high."""

_SUMS = ('input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens')

TOTAL_COST = (
    'CASE WHEN called_cost_usd IS NULL THEN cost_usd WHEN cost_usd IS NULL THEN called_cost_usd '
    'ELSE cost_usd + called_cost_usd END'
)
"""What a run cost with those that it called."""

_MISSED = 'unnest(objective_missed) AS word, unnest(range(len(objective_missed))) AS place'
_IN_ORDER = f'pos * {len(get_args(ObjectivePart))} + place'
"""Where a run says what it missed: it can miss several parts at once, which are in order, too."""

_USERS = 'parent IS NULL'

_MORE_OF_RESPONSES = (
    'coalesce(sum(stall_seconds ORDER BY pos) FILTER (stalls > 0), 0)',
    'sum(cache_saved_usd ORDER BY pos)',
    'sum(cache_lost_usd ORDER BY pos)',
    'max(context_used)',
    'coalesce(bool_or(usage_reported OR input_tokens > 0 OR output_tokens > 0), false)',
)


def _words_of(words: Sequence[str]) -> str:
    return ', '.join(f"'{each}'" for each in words)


def quantile_of(column: str, q: float) -> str:
    """The quantile of a column by the nearest rank, as an expression."""
    return f'quantile_disc({column}, {q!r} - {_TINY!r})'


@dataclass(slots=True)
class Known:
    """How many values there are, and those of their quantiles that are asked for."""

    count: int = 0
    p50: float | None = None
    p95: float | None = None

    def add(self, value: float | None) -> None:
        """Ignore a value: all are counted already."""

    def quantile(self, q: float) -> float | None:
        """The median, or the 95th percentile."""
        return self.p50 if q == 0.5 else self.p95


class FleetUsage(UsageSink):
    """The usage ledger of the records in a store, which has named them.

    Args:
        store: The store.
        recent: The last runs.
        slowest: The slowest runs, in order.
        failures: The groups of runs that failed.
    """

    def __init__(
        self, store: Store, recent: Sequence[RunRecord], slowest: Sequence[RunRecord], failures: FailureGroups
    ) -> None:
        super().__init__()
        self._recent.extend(recent)
        for run in slowest:
            self._slowest.add(run)
        self._failures = failures
        self._add(store, None, 'named', ())
        self._add(store, self._agents, 'named', ('agent',), is_nested_too=True)
        self._responses(store, self._models, folded(store, "(FROM named WHERE kind = 'response')", _MODEL), _MODEL)
        self._tool_calls(store)
        self._add(
            store, self._labels, "(FROM named JOIN labelled USING (labels) WHERE kind <> 'tool')", ('label', 'value')
        )

    def _new_values(self) -> Values:
        return Known()

    def _tally(self, groups: Groups | None, key: tuple[str, ...]) -> Tally:
        return self._total if groups is None else groups.setdefault(key, Tally(self._new_values))

    def _add(
        self,
        store: Store,
        groups: Groups | None,
        source: str,
        keys: tuple[str, ...],
        *,
        is_nested_too: bool = False,
    ) -> None:
        of_runs = source if not keys else folded(store, f"(FROM {source} WHERE kind <> 'tool')", keys)
        self._responses(store, groups, of_runs, keys)
        self._runs(store, groups, of_runs, keys, is_nested_too=is_nested_too)

    def _responses(self, store: Store, groups: Groups | None, source: str, keys: tuple[str, ...]) -> None:
        failed = ', '.join(f"'{each}'" for each in FAILED_REQUESTS)
        counts = {
            'requests': 'count(*)',
            'failed_requests': f'count(*) FILTER (outcome IN ({failed}))',
            'streamed_requests': 'count(*) FILTER (streamed)',
            **{name: f'sum({name})' for name in _SUMS},
            'unmeasured_responses': 'count(unmeasured)',
            'interrupted_responses': "count(*) FILTER (unmeasured = 'interrupted')",
            'unpriced_responses': 'count(*) FILTER (usage_reported AND cost_usd IS NULL)',
            'stalls': 'sum(stalls)',
        }
        values = ', '.join(
            [
                *counts.values(),
                'sum(cost_usd ORDER BY pos)',
                _known('first_token'),
                _known('speed'),
                *_MORE_OF_RESPONSES,
                _known('context_used'),
            ]
        )
        for row in _grouped(store, values, source, "kind = 'response'", keys):
            key, figures = row[: len(keys)], row[len(keys) :]
            tally = self._tally(groups, key)
            tally.counts.update({name: figure or 0 for name, figure in zip(counts, figures, strict=False)})
            tally.cost_usd, *more = figures[len(counts) :]
            tally.ttft, tally.speed = Known(*more[:3]), Known(*more[3:6])
            tally.stall_seconds, tally.cache_saved_usd, tally.cache_lost_usd, tally.fullest_context = more[6:10]
            tally.says_tokens, tally.context = more[10], Known(*more[11:])
        missed = "kind = 'response' AND cache_missed IS NOT NULL"
        reason = "coalesce(cache_reason, 'unknown')"
        self._words(store, groups, source, missed, keys, (reason, 'sum(cache_missed)', 'cache_missed'))

    def _runs(
        self, store: Store, groups: Groups | None, source: str, keys: tuple[str, ...], *, is_nested_too: bool
    ) -> None:
        mine = 'true' if is_nested_too else 'parent IS NULL'
        counts = {
            'runs': f'count(*) FILTER ({_USERS})',
            'nested_runs': 'count(parent)',
            'tool_calls': 'sum(tool_calls)',
            'output_retries': 'sum(output_retries)',
            'repeated_calls': 'sum(loop_calls)',
            'repeated_tokens': 'sum(loop_tokens) FILTER (loop_calls > 0)',
            'objective_counted': f'count(objective_met) FILTER ({_USERS})',
            'objective_met': f'count(*) FILTER (objective_met AND {_USERS})',
            'attempts': f'count(attempt) FILTER ({_USERS})',
            'questions': f'count(*) FILTER (attempt = 1 AND {_USERS})',
            'first_try': f"count(*) FILTER (attempt = 1 AND outcome = 'success' AND {_USERS})",
            'first_try_failed': f'count(*) FILTER (attempt = 1 AND outcome IN ({_words_of(FAILED_RUNS)}) AND {_USERS})',
        }
        values = ', '.join(
            [
                *counts.values(),
                'max(unnamed_agents)',
                f'sum({TOTAL_COST} ORDER BY pos) FILTER ({mine})',
                _known('duration', mine),
                _known('first_output', _USERS),
                _known('answered', _USERS),
                'coalesce(sum(loop_seconds ORDER BY pos) FILTER (loop_calls > 0), 0)',
            ]
        )
        for row in _grouped(store, values, source, "kind = 'run'", keys):
            key, figures = row[: len(keys)], row[len(keys) :]
            tally = self._tally(groups, key)
            tally.counts.update({name: figure or 0 for name, figure in zip(counts, figures, strict=False)})
            tally.unnamed_agents, tally.total_cost_usd, *quantiles = figures[len(counts) :]
            tally.duration, tally.first_output, tally.answer = (
                Known(*quantiles[each : each + 3]) for each in (0, 3, 6)
            )
            tally.repeated_seconds = quantiles[9]
        words = f'(SELECT * REPLACE ({_IN_ORDER} AS pos) FROM (SELECT *, {_MISSED} FROM {source}))'
        of_users = f"kind = 'run' AND objective_met IS NOT NULL AND {_USERS}"
        self._words(store, groups, words, of_users, keys, ('word', 'count(*)', 'objective_missed'))
        self._words(store, groups, source, f"kind = 'run' AND {mine}", keys, ('outcome', 'count(*)', 'outcomes'))

    def _words(
        self,
        store: Store,
        groups: Groups | None,
        source: str,
        where: str,
        keys: tuple[str, ...],
        what: tuple[str, str, str],
    ) -> None:
        """Count words, in the order in which they were first seen: what they are, how much each counts, and where it goes."""
        word, count, into = what
        rows = store.rows(
            f'SELECT {"".join(f"{key}, " for key in keys)}{word} AS counted, {count} FROM {source} WHERE {where} '
            'GROUP BY ALL ORDER BY min(pos)'
        )
        for *key, counted, figure in cast('Sequence[tuple[Any, ...]]', rows):
            getattr(self._tally(groups, tuple(key)), into)[counted] = figure

    def _tool_calls(self, store: Store) -> None:
        source = folded(store, "(FROM named WHERE kind = 'tool')", _TOOL)
        values = (
            f'{_known("duration")}, count(*) FILTER (repeated), sum(request_tokens) FILTER (repeated), '
            'coalesce(sum(coalesce(duration, 0) ORDER BY pos) FILTER (repeated), 0)'
        )
        for row in _grouped(store, values, source, 'true', _TOOL):
            tally = self._tools.setdefault(row[: len(_TOOL)], ToolTally(self._new_values))
            count, p50, p95, tally.repeated_calls, tokens, tally.repeated_seconds = row[len(_TOOL) :]
            tally.duration, tally.repeated_tokens = Known(count, p50, p95), tokens or 0
        counted = _grouped(store, 'count(*)', source, 'true', (*_TOOL, 'outcome'), ' ORDER BY min(pos)')
        for *key, outcome, count in counted:
            self._tools[tuple(key)].outcomes[outcome] = count
        filled = folded(store, '(FROM named WHERE results_of IS NOT NULL)', _RESULT)
        for agent, tool, tokens in _grouped(store, 'sum(result_tokens)', filled, 'true', _RESULT):
            self._results[agent, tool] = tokens


_MODEL, _TOOL, _RESULT = ('provider', 'model'), ('agent', 'tool', 'tool_kind'), ('agent', 'results_of')


def _known(column: str, of: str = 'true') -> str:
    """How many values a column has, their median and their 95th percentile."""
    quantiles = ', '.join(f'{quantile_of(column, q)} FILTER ({of})' for q in (0.5, 0.95))
    return f'count({column}) FILTER ({of}), {quantiles}'


def _grouped(
    store: Store, values: str, source: str, where: str, keys: Sequence[str], order: str = ''
) -> Sequence[tuple[Any, ...]]:
    """The values of each group, after its key; without a key those of all, if there are any."""
    shown = ', '.join([*keys, values])
    by = f' GROUP BY {", ".join(keys)}' if keys else ' HAVING count(*) > 0'
    return cast('Sequence[tuple[Any, ...]]', store.rows(f'SELECT {shown} FROM {source} WHERE {where}{by}{order}'))
