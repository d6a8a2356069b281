"""The metrics of agents and tools, which newer conventions than 1.41 have."""

from __future__ import annotations

from streamtap._sinks.otel.conventions import shared
from streamtap._sinks.otel.conventions.tables import CALLS, RUN_SECONDS, SECONDS, Instrument


def agent_instruments(*, is_later: bool) -> tuple[Instrument, ...]:
    """The metrics of runs and of the tools that they call.

    Args:
        is_later: Whether the profile is older than they are.
    """
    return (
        Instrument(
            'gen_ai.invoke_agent.duration',
            'histogram',
            's',
            'run',
            shared.OF_RUNS,
            RUN_SECONDS,
            'duration',
            note='Where the end of the run was seen.',
            is_later=is_later,
        ),
        Instrument(
            'gen_ai.invoke_agent.inference_calls',
            'histogram',
            '{inference_call}',
            'run',
            shared.OF_RUN_COUNTS,
            CALLS,
            'requests',
            note='Of the run itself, failed ones included.',
            is_later=is_later,
        ),
        Instrument(
            'gen_ai.invoke_agent.tool_calls',
            'histogram',
            '{tool_call}',
            'run',
            shared.OF_RUN_COUNTS,
            CALLS,
            'tool_calls',
            note='Of the run itself: function and MCP tools that ran.',
            is_later=is_later,
        ),
        Instrument(
            'gen_ai.execute_tool.duration',
            'histogram',
            's',
            'tool call',
            shared.OF_TOOLS,
            SECONDS,
            'duration',
            note='Tools of the provider included.',
            is_later=is_later,
        ),
    )
