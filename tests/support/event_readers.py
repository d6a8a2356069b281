"""The ways in which a user reads the events of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


async def native(made: Agent[Any, Any]) -> AsyncIterator[Any]:
    """Events of a run as an adapter's `run_stream_native()` gives them: a generator."""
    async with made.run_stream_events('hello') as events:
        async for event in events:
            yield event


async def read(made: Agent[Any, Any], mode: str, watch: Callable[[Any], Any]) -> list[Any]:
    """All events of a run, read in one of the ways there are."""
    if mode == 'native':
        return [event async for event in watch(native(made))]
    if mode == 'events':
        async with made.run_stream_events('hello') as events:
            return [event async for event in watch(events)]
    found: list[Any] = []
    async with made.iter('hello') as run:
        async for node in run:
            if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                async with node.stream(run.ctx) as events:
                    found.extend([event async for event in watch(events)])
    return found
