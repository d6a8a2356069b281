"""Reports for programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from streamtap._display.exits import in_cell, in_json
from streamtap._display.rounding import rounded
from streamtap._report.slowest import slowest_data
from streamtap._report.steps import step_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from streamtap._records.run_tree import RunTree
    from streamtap._report.compare import Change, Pair
    from streamtap._report.figures import Figures
    from streamtap._report.gate import Gate
    from streamtap._report.selection import Selection
    from streamtap._report.statistics import Estimate
    from streamtap._sinks.usage.summary import UsageSummary


def report_csv(gathered: Figures) -> str:
    """A row for the total and for each agent, label, model, tool and kind of failure; cells that do not apply are empty."""
    return _csv(list(_summary_rows(gathered.summary)))


def report_json(gathered: Figures, by: Sequence[Mapping[str, object]] = ()) -> str:
    """The summary as a JSON object, with the slowest runs, what was chosen, and the steps of a single run.

    Args:
        gathered: What is reported.
        by: The figures of values that stand side by side, if some do.
    """
    found: dict[str, object] = gathered.summary.model_dump(mode='json')
    found['slowest'] = [slowest_data(tree) for tree in gathered.slowest]
    found |= _chosen(gathered.selection)
    if by:
        found['by'] = by
    if gathered.single is not None:
        found['steps'] = list(step_data(gathered.single))
    return _json(found)


def steps_csv(run: RunTree) -> str:
    """The steps of a run: a row for each."""
    return _csv(list(step_data(run)))


def values_csv(figures: Sequence[Mapping[str, object]]) -> str:
    """Values side by side: a row for each quantity of each."""
    return _csv(figures)


def changes_csv(changes: Sequence[Change]) -> str:
    """A comparison: for each quantity a row for the total and for each agent, model and tool."""
    return _csv([_flat(change) for change in changes])


def changes_json(changes: Sequence[Change]) -> str:
    """A comparison, as a JSON array of the same rows."""
    return _json([_flat(change) for change in changes])


def gate_csv(gate: Gate) -> str:
    """The verdicts of a gate: a row for each."""
    return _csv([finding.data for finding in gate.findings])


def gate_json(gate: Gate, selection: Selection) -> str:
    """The verdict of a gate, and all that it is made of, as a JSON object."""
    verdicts = [finding.data for finding in gate.findings]
    return _json({'passed': gate.passed, 'verdict': gate.verdict, 'verdicts': verdicts, **_chosen(selection)})


def _chosen(selection: Selection) -> dict[str, object]:
    """What was chosen, and what could not be; nothing if everything is reported."""
    if selection.choice.is_everything:
        return {}
    figures = {'runs': selection.runs, 'called_by_others': selection.called}
    undecided = {'unfinished': selection.unfinished, 'given_up': selection.given_up}
    return {'chosen': {**selection.choice.data, **figures, **undecided}}


def _summary_rows(summary: UsageSummary) -> Iterator[dict[str, object]]:
    yield _row('all', '', summary.total)
    for agent in summary.agents:
        yield _row('agent', agent.agent, agent)
    for label in summary.labels:
        yield _row('label', f'{label.label}={label.value}', label)
    for model in summary.models:
        yield _row('model', f'{model.provider}:{model.model}', model)
    for tool in summary.tools:
        yield _row('tool', f'{tool.agent}/{tool.tool}', tool)
    for failure in summary.failures:
        found = failure.model_dump(exclude={'agent', 'name', 'place'})
        place, ids = failure.where, ' '.join(failure.run_ids)
        yield {'scope': 'failure', 'name': failure.agent, **found, 'place': place, 'run_ids': ids}


def _row(scope: str, name: str, figures: BaseModel) -> dict[str, object]:
    found = figures.model_dump(exclude={'agent', 'label', 'value', 'provider', 'model', 'tool'})
    for field in _COUNTED:
        counts: Mapping[str, int] = found.pop(field, {})
        found[field] = ' '.join(f'{key}={count}' for key, count in counts.items())
    return {'scope': scope, 'name': name, **found}


_COUNTED = 'outcomes', 'cache_missed', 'objective_missed'
"""The fields that have a count for each of some words."""


def _flat(change: Change) -> dict[str, object]:
    typical = 'share' if change.quantity.is_share else 'p50'
    return {
        'quantity': change.quantity.title,
        'scope': change.scope,
        'name': '' if change.scope == 'all' else change.name,
        'n_before': change.count_before,
        'n_after': change.count_after,
        **_figures(typical, change.typical, change),
        **({} if change.quantity.is_share else _figures('p95', change.high, change)),
    }


def _figures(name: str, pair: Pair, change: Change) -> dict[str, object]:
    return {
        f'{name}_before': _value(pair.before),
        f'{name}_after': _value(pair.after),
        f'{name}_change': pair.change(change.quantity),
        f'{name}_verdict': pair.verdict(change.quantity),
    }


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value


def _json(found: object) -> str:
    return in_json(json.dumps(rounded(found), indent=2, ensure_ascii=False))


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator='\n')
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _cell(value) for column, value in rounded(row).items()})
    return text.getvalue()


def _cell(value: object) -> object:
    return in_cell(value) if isinstance(value, str) else value
