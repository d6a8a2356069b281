"""What the views of one process show: the usage summary, the live page and the report, as a person reads them."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

from answers.figures import by_scope
from answers.judge import Judged, judged
from streamtap._cli import main
from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from answers.exact import Answers
    from answers.world import Records

Scope = tuple[str, ...]
Shown = dict[Scope, 'Mapping[str, float | None]']

PAGE_NAMES = {
    'runs': 'runs',
    'failed': 'failed_runs',
    'cancelled': 'cancelled_runs',
    'cost': 'cost_usd',
    'cost_of_runs': 'total_cost_usd',
    'output': 'output_tokens',
    'first_token': 'time_to_first_token',
    'first_output': 'time_to_first_output',
    'speed': 'output_tokens_per_second',
    'duration': 'run_duration',
}
HEALTH_NAMES = {
    'objective': 'objective_share',
    'counted': 'objective_counted',
    'again': 'repeated_calls',
    'context': 'context_used_max',
    'hits': 'cache_hit_share',
}
"""The page's figures by the names of the records."""


def judged_views(where: str, records: Records, shown: Shown) -> list[Judged]:
    """Every figure that a view shows, beside the exact one.

    Args:
        where: The view.
        records: The records of the process.
        shown: What it shows, by scope and name.
    """
    exact = by_scope(records)
    rows: list[Judged] = []
    for name in sorted({name for figures in shown.values() for name in figures}):
        answers: Answers = {scope: figures[name] for scope, figures in exact.items() if name in figures}
        found = {
            scope: value
            for scope, figures in shown.items()
            if (value := figures.get(name)) is not None and scope in answers
        }
        answers = {scope: answer for scope, answer in answers.items() if name in shown.get(scope, {})}
        rows += judged(where, name.replace('_', ' '), answers, found)
    return rows


def summary_shows(summary: Mapping[str, Any]) -> Shown:
    """The figures of a summary as JSON: of `tap.usage`, and of `streamtap report --format json`."""
    shown: Shown = {('all',): _of_runs(summary['total'])}
    shown |= {('agent', row['agent']): _of_runs(row) for row in summary['agents']}
    shown |= {('model', row['model']): _of_requests(row) for row in summary['models']}
    for row in summary['tools']:
        failed = sum(row['outcomes'].get(outcome, 0) for outcome in FAILED_TOOLS)
        shown['tool', row['agent'], row['tool']] = {**row, 'failed_calls': failed}
    return {scope: _numbers(figures) for scope, figures in shown.items()}


def page_shows(now: Mapping[str, Any]) -> Shown:
    """The figures of the live page, of the last 15 minutes."""
    figures = {known: now['now'][name] for name, known in PAGE_NAMES.items()}
    shown: Shown = {('all',): _spread({**figures, **_of_health(now['now']['health'])})}
    for row in now['agents']:
        shown['agent', row['name']] = _spread(
            {
                # As its table has them: those that users asked for.
                'runs': row['count'] - row['nested'],
                'failed_runs': row['failed'],
                'cancelled_runs': row['cancelled'],
                'nested_runs': row['nested'],
                'time_to_first_output': row['first'],
                'run_duration': row['duration'],
                'cost_usd': row['cost'],
                'total_cost_usd': row['total_cost'],
                'objective_share': row['objective'],
                'repeated_calls': row['again'],
                'context_used_max': row['context'],
            }
        )
    for row in now['models']:
        shown['model', row['name'].partition(':')[2]] = _spread(
            {
                'requests': row['count'],
                'failed_requests': row['failed'],
                'time_to_first_token': row['first'],
                'output_tokens_per_second': row['speed'],
                'cost_usd': row['cost'],
                'context_used_max': row['context'],
                'cache_hit_share': row['hits'],
            }
        )
    for row in now['tools']:
        shown['tool', row['agent'], row['name']] = _spread(
            {
                'calls': row['count'],
                'failed_calls': row['failed'],
                'duration': row['duration'],
                'repeated_calls': row['again'],
            }
        )
    return shown


def report_shows(journal: Path) -> Shown:
    """The figures of `streamtap report --format json`."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main(['report', str(journal), '--format', 'json'])
    return summary_shows(json.loads(out.getvalue()))


def _of_runs(figures: Mapping[str, Any]) -> dict[str, Any]:
    outcomes: Mapping[str, int] = figures['outcomes']
    failed = sum(outcomes.get(outcome, 0) for outcome in FAILED_RUNS)
    return {**_of_requests(figures), 'failed_runs': failed, 'cancelled_runs': outcomes.get('cancelled', 0)}


def _of_requests(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {**figures, 'cache_missed_tokens': sum(figures['cache_missed'].values())}


def _of_health(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {known: figures[name] for name, known in HEALTH_NAMES.items()}


def _numbers(figures: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: value for name, value in figures.items() if value is None or isinstance(value, (int, float))}


def _spread(figures: Mapping[str, Any]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, value in figures.items():
        if isinstance(value, list):
            found[f'{name}_p50'], found[f'{name}_p95'] = value
        else:
            found[name] = value
    return found
