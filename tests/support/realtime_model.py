"""A realtime model that says what a script says, over a connection of pydantic-ai's own shape."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pydantic_ai.realtime import RealtimeModel
from pydantic_ai.realtime.codec import RealtimeConnection
from pydantic_ai.realtime.lifecycle import InferredLifecycle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence


class ScriptedConnection(RealtimeConnection):
    """Answers each input with the next turn.

    Args:
        turns: What is said in answer to each input, in codec events.
    """

    def __init__(self, turns: Sequence[Sequence[Any]]) -> None:
        self._turns = list(turns)
        self._asked: asyncio.Queue[None] = asyncio.Queue()
        self._lifecycle = InferredLifecycle()

    async def send(self, content: Any) -> Any:
        """Take an input."""
        with self._lifecycle.sending(content):
            self._asked.put_nowait(None)
        return self._lifecycle.take_pending()

    async def frames(self) -> AsyncIterator[Any]:
        """What the model does."""
        for turn in self._turns:
            await self._asked.get()
            for event in turn:
                await asyncio.sleep(0)
                yield self._lifecycle.frame_for([event])
        await asyncio.sleep(30)


class ScriptedRealtimeModel(RealtimeModel):
    """A realtime model on such a connection.

    Args:
        turns: What is said in answer to each input.
    """

    def __init__(self, *turns: Sequence[Any]) -> None:
        super().__init__()
        self._turns = turns

    @property
    def model_name(self) -> str:
        """Its name."""
        return 'scripted-realtime'

    @property
    def system(self) -> str:
        """Its provider."""
        return 'scripted'

    @contextlib.asynccontextmanager
    async def connect(self, **_: Any) -> AsyncGenerator[ScriptedConnection]:
        """Open the connection."""
        yield ScriptedConnection(self._turns)
