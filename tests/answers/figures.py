"""The figures of one process's records, exactly, under the names that its own views give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers.exact import FEWEST, Exact, Number, Quantile
from streamtap._records.failed import FAILED_REQUESTS, FAILED_RUNS, FAILED_TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from answers.world import Records
    from streamtap import ResponseRecord, RunRecord, ToolRecord

    Record = TypeVar('Record')

Figures = dict[str, Exact]


def of_requests(responses: Sequence[ResponseRecord]) -> Figures:
    """What is said of some requests."""
    contexts = [each.context_used for each in responses if each.context_used is not None]
    tokens = sum(each.input_tokens or 0 for each in responses)
    cached = sum(each.cache_read_tokens or 0 for each in responses)
    return {
        'requests': Number('count', len(responses)),
        'failed_requests': _count(responses, lambda each: each.outcome in FAILED_REQUESTS),
        'input_tokens': _sum(each.input_tokens for each in responses),
        'output_tokens': _sum(each.output_tokens for each in responses),
        'cost_usd': _sum(each.cost_usd for each in responses),
        **_quantiles('time_to_first_token', (each.time_to_first_token for each in responses)),
        **_quantiles('output_tokens_per_second', (each.output_tokens_per_second for each in responses)),
        'cache_hit_share': Number('share', cached / tokens if tokens else 0.0),
        'cache_missed_tokens': _sum(each.cache_missed_tokens for each in responses),
        'cache_saved_usd': _sum(each.cache_saved_usd for each in responses),
        'cache_lost_usd': _sum(each.cache_lost_usd for each in responses),
        'context_used_max': Number('share', max(contexts, default=0.0)),
        **_quantiles('context_used', contexts),
    }


def of_runs(runs: Sequence[RunRecord]) -> Figures:
    """What is said of some runs."""
    counted = [run for run in runs if run.objective_met is not None]
    first = [run for run in runs if run.attempt == 1]
    met = sum(run.objective_met is True for run in counted)
    return {
        'runs': _count(runs, lambda each: not each.nested),
        'failed_runs': _count(runs, lambda each: each.outcome in FAILED_RUNS),
        'cancelled_runs': _count(runs, lambda each: each.outcome == 'cancelled'),
        'total_cost_usd': _sum(each.total_cost_usd for each in runs),
        **_quantiles('time_to_first_output', (each.time_to_first_output for each in runs if not each.nested)),
        **_quantiles('run_duration', (each.duration for each in runs)),
        'objective_counted': Number('count', len(counted)),
        'objective_met': Number('count', met),
        'objective_share': Number('share', met / len(counted) if counted else 0.0),
        'questions': Number('count', len(first)),
        'attempts': _count(runs, lambda each: each.attempt is not None),
        'first_try': _count(first, lambda each: each.outcome == 'success'),
        'first_try_failed': _count(first, lambda each: each.outcome in FAILED_RUNS),
        **_quantiles('time_to_answer', (each.time_to_answer for each in runs)),
    }


def of_calls(tools: Sequence[ToolRecord]) -> Figures:
    """What is said of some tool calls."""
    return {
        'calls': Number('count', len(tools)),
        'failed_calls': _count(tools, lambda each: each.outcome in FAILED_TOOLS),
        **_quantiles('duration', (each.duration for each in tools)),
        **of_loops(tools),
    }


def of_loops(tools: Sequence[ToolRecord]) -> Figures:
    """What is said of the calls among them that repeat others."""
    repeated = [each for each in tools if each.repeated]
    return {
        'repeated_calls': Number('count', len(repeated)),
        'repeated_seconds': _sum(each.duration for each in repeated),
        'repeated_tokens': _sum(each.request_tokens for each in repeated),
    }


def by_scope(records: Records) -> dict[tuple[str, ...], Figures]:
    """The figures of everything, and of each agent, model and tool, by what they are of.

    Args:
        records: The records of one process.
    """
    asked = [run for run in records.runs if not run.nested]
    found: dict[tuple[str, ...], Figures] = {
        ('all',): {
            **of_requests(records.responses),
            **of_runs(asked),
            **of_loops(records.tools),
            'nested_runs': Number('count', len(records.runs) - len(asked)),
            'tool_calls': _sum(each.tool_calls for each in records.runs),
        }
    }
    for agent in sorted({run.agent for run in records.runs}):
        runs = [run for run in records.runs if run.agent == agent]
        found['agent', agent] = {
            **of_requests([each for each in records.responses if each.agent == agent]),
            **of_runs(runs),
            **of_loops([each for each in records.tools if each.agent == agent]),
            'nested_runs': _count(runs, lambda each: each.nested),
            'tool_calls': _sum(each.tool_calls for each in runs),
        }
    for model in sorted({each.model for each in records.responses}):
        found['model', model] = of_requests([each for each in records.responses if each.model == model])
    for agent, tool in sorted({(each.agent, each.tool) for each in records.tools}):
        calls = [each for each in records.tools if (each.agent, each.tool) == (agent, tool)]
        filled = [each for each in records.responses if (each.agent, each.tool_results_of) == (agent, tool)]
        found['tool', agent, tool] = {
            **of_calls(calls),
            'result_tokens': _sum(each.tool_result_tokens for each in filled),
        }
    return found


def _count(records: Iterable[Record], which: Callable[[Record], bool]) -> Number:
    return Number('count', sum(map(which, records)))


def _sum(values: Iterable[float | None]) -> Number:
    return Number('sum', sum(value or 0.0 for value in values))


def _quantiles(name: str, values: Iterable[float | None]) -> Figures:
    known = tuple(sorted(value for value in values if value is not None))
    if len(known) < FEWEST:
        return {}
    return {f'{name}_p50': Quantile(0.5, known), f'{name}_p95': Quantile(0.95, known)}
