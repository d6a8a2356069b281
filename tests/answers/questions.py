"""The exact answer to each question of the documentation's queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers.exact import Number, counts, means, quantiles, shares, sums
from answers.health_questions import exact_health_answers
from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS

if TYPE_CHECKING:
    from answers.exact import Answers
    from answers.world import Records
    from streamtap import ResponseRecord, RunRecord, ToolRecord


def exact_answers(records: Records) -> dict[str, Answers]:
    """What is exact, by question.

    Args:
        records: Everything that happened.
    """
    asked = [run for run in records.runs if run.parent_run_id is None]
    return {
        'How long is the screen blank, at the 95th percentile': quantiles(
            0.95, asked, _agent, lambda run: run.time_to_first_output
        ),
        'How long does a run take, at the 95th percentile': quantiles(0.95, asked, _agent, lambda run: run.duration),
        'How many runs did users start': counts(asked, _agent),
        'What share of them failed': shares(asked, _agent, lambda run: run.outcome in FAILED_RUNS),
        'How many were stopped by their users': counts([run for run in asked if run.outcome == 'cancelled'], _agent),
        'How long until a model says anything, at the 95th percentile': quantiles(
            0.95, records.responses, _model, lambda response: response.time_to_first_token
        ),
        'How fast does it write, in tokens per second, at the median': quantiles(
            0.5, records.responses, _model, lambda response: response.output_tokens_per_second
        ),
        'Which streams are hanging right now': {},
        'Which model fails, and how': counts(
            [response for response in records.responses if response.error_type is not None],
            lambda response: (response.provider, response.model, response.error_type or ''),
        ),
        'Which tool is slow, at the 95th percentile': quantiles(0.95, records.tools, _tool, lambda tool: tool.duration),
        "What share of a tool's calls failed": shares(records.tools, _tool, lambda tool: tool.outcome in FAILED_TOOLS),
        'Where did the time of runs go, in seconds': {
            (agent, phase): Number('sum', seconds)
            for (agent,) in counts(records.runs, _agent)
            for phase, seconds in _phases([run for run in records.runs if run.agent == agent]).items()
            if seconds
        },
        'What did it cost, in US dollars, by who was asked and by model': sums(
            records.responses, lambda response: (response.root_agent, response.model), _cost
        ),
        'What did a run cost on average, with the runs that it called': means(
            [run for run in asked if run.total_cost_usd is not None], _agent, lambda run: run.total_cost_usd
        ),
        'Is the cost too low, because responses did not say all their usage, and why': counts(
            [response for response in records.responses if response.unmeasured is not None],
            lambda response: (response.model, response.unmeasured or ''),
        ),
        'Or because they have no known price': {},
        'Is the tap itself all right': {},
        **exact_health_answers(records),
    }


def _agent(run: RunRecord) -> tuple[str, ...]:
    return (run.agent,)


def _model(response: ResponseRecord) -> tuple[str, ...]:
    return (response.model,)


def _tool(tool: ToolRecord) -> tuple[str, ...]:
    return (tool.agent, tool.tool)


def _cost(response: ResponseRecord) -> float | None:
    return response.cost_usd


def _phases(runs: list[RunRecord]) -> dict[str, float]:
    found: dict[str, float] = {}
    for run in runs:
        for phase, seconds in run.phases.items():
            found[phase] = found.get(phase, 0.0) + seconds
    return found
