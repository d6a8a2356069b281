"""Makes the usage summary of the sums of a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from streamtap._base.names import clean
from streamtap._display.moments import iso
from streamtap._sinks.usage.figures import (
    AgentUsage,
    FailureUsage,
    LabelUsage,
    ModelUsage,
    RecentRun,
    RunsUsage,
    ToolUsage,
)
from streamtap._sinks.usage.summary import UsageSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streamtap._records.records import FailureRecord, RunRecord
    from streamtap._sinks.usage.failures import FailureGroup
    from streamtap._sinks.usage.tally import Tally, ToolTally


class Sums(NamedTuple):
    """The sums of a ledger.

    Args:
        total: Those of all runs.
        agents: By agent.
        models: By provider and model.
        tools: By agent, tool and kind.
        results: The tokens that results of tools filled, by agent and tool.
        no_calls: Those of a tool without calls.
        labels: By label and value.
        failures: The groups of runs that failed, in order.
        recent: The last runs.
        slowest: The slowest runs, in order.
    """

    total: Tally
    agents: Mapping[tuple[str, ...], Tally]
    models: Mapping[tuple[str, ...], Tally]
    tools: Mapping[tuple[str, ...], ToolTally]
    results: Mapping[tuple[str, str], int]
    no_calls: ToolTally
    labels: Mapping[tuple[str, ...], Tally]
    failures: Sequence[tuple[FailureRecord, FailureGroup]]
    recent: Sequence[RunRecord]
    slowest: Sequence[RunRecord]


def summary_of(sums: Sums) -> UsageSummary:
    """The summary.

    Args:
        sums: The sums that it is made of.
    """
    return UsageSummary(
        total=RunsUsage(**sums.total.runs_usage()),
        agents=tuple(
            AgentUsage(agent=key[0], unnamed_agents=t.unnamed_agents, **t.runs_usage())
            for key, t in sorted(sums.agents.items())
        ),
        models=tuple(ModelUsage(provider=key[0], model=key[1], **t.usage()) for key, t in sorted(sums.models.items())),
        tools=tuple(_tools(sums)),
        labels=tuple(
            LabelUsage(label=key[0], value=key[1], **t.runs_usage()) for key, t in sorted(sums.labels.items())
        ),
        failures=tuple(_failures(kind, group) for kind, group in sums.failures),
        recent_runs=tuple(map(_run, sums.recent)),
        slowest_runs=tuple(map(_run, sums.slowest)),
    )


def _tools(sums: Sums) -> Iterator[ToolUsage]:
    """The tools, each with what its results filled; those whose calls are not known, such as `_several`, at last."""
    results = dict(sums.results)
    for (agent, tool, kind), tally in sorted(sums.tools.items()):
        # What the provider runs stands in its answer, and not in the next prompt.
        filled = None if kind == 'native' else results.pop((agent, tool), None)
        yield ToolUsage(agent=agent, tool=tool, kind=kind, result_tokens=filled, **tally.usage())
    for (agent, tool), filled in sorted(results.items()):
        yield ToolUsage(agent=agent, tool=tool, kind='', result_tokens=filled, **sums.no_calls.usage())


def _failures(kind: FailureRecord, group: FailureGroup) -> FailureUsage:
    return FailureUsage(
        agent=kind.agent,
        error=kind.error,
        place=kind.place,
        name=kind.name,
        first_step=group.first_step,
        last_step=group.last_step,
        runs=group.runs,
        first_seen=iso(group.first_ns),
        last_seen=iso(group.last_ns),
        run_ids=tuple(run_id for _, run_id in sorted(group.newest, reverse=True)),
    )


def _run(record: RunRecord) -> RecentRun:
    # A journal's records may not be those of a tap.
    fields: dict[str, Any] = {name: getattr(record, name) for name in RecentRun.model_fields}
    if not record.usage_reported:
        fields |= dict.fromkeys(('input_tokens', 'output_tokens'))
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = clean(value)
    return RecentRun(**fields)
