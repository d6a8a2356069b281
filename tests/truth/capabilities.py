"""Other people's capabilities that more than one case needs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_ai.capabilities import AbstractCapability

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from truth.world import World


class Recovers(AbstractCapability[Any]):
    """Might recover a failed request, and does not; it makes pydantic-ai open streams early."""

    async def on_model_request_error(self, ctx: Any, *, request_context: Any, error: Exception) -> Any:
        raise error


@dataclass
class HoldsEvents(AbstractCapability[Any]):
    """Another capability that takes its time with every event."""

    w: World
    seconds: float

    async def wrap_run_event_stream(self, ctx: Any, *, stream: AsyncIterable[Any]) -> AsyncIterator[Any]:
        async for event in stream:
            yield event
            with self.w.spending('consumer'):
                await asyncio.sleep(self.seconds)
