"""What is missing in the usage summary or may be too low, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.hints import NO_PRICE, NO_SPEED_WITHOUT_USAGE, NO_USAGE, Measured, lacking, shared_name
from streamtap._display.text import plural
from streamtap._sinks.usage.failure_table import left_out

if TYPE_CHECKING:
    from streamtap._sinks.usage.tables import Groups


def notes_of(groups: Groups) -> list[str]:
    """A sentence for each reason."""
    total = groups.total
    measured = Measured(
        requests=total.requests,
        streamed=total.streamed_requests,
        unmeasured=total.unmeasured_responses,
        unpriced=total.unpriced_responses,
        has_first_token=total.time_to_first_token_p50 is not None,
        has_speed=total.output_tokens_per_second_p50 is not None,
        has_cost=total.cost_usd is not None,
    )
    notes = measured.sentences
    interrupted = total.interrupted_responses
    is_said = bool({NO_USAGE, NO_SPEED_WITHOUT_USAGE} & {measured.speed, measured.cost})
    notes += lacking(interrupted if is_said else total.unmeasured_responses, interrupted)
    if total.unpriced_responses and measured.cost is not NO_PRICE:
        notes.append(f'Responses without a known price: {total.unpriced_responses} (not in cost)')
    if 0 < total.runs_with_output < total.runs:
        notes.append(
            f'Blank screen of {total.runs_with_output:,} of {total.runs:,} runs: the others did not stream, or ended before '
            'they showed anything'
        )
    calls, timed = (sum(getattr(each, name) for each in groups.tools) for name in ('calls', 'timed_calls'))
    if timed < calls:
        notes.append(
            f'Tool times of {timed:,} of {plural(calls, "call")}: the others were interrupted, or were never seen to end'
        )
    if total.repeated_calls:
        notes.append('Again: tool calls with the same arguments as two or more before them in their run')
    if any(each.tool == '_several' for each in groups.tools):
        notes.append('Tool _several: results of several tools that came back together, which cannot be told apart')
    notes += [shared_name(agent.unnamed_agents) for agent in groups.agents if agent.unnamed_agents > 1]
    return [*notes, *filter(None, [left_out(groups.failures)])]
