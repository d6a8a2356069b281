"""The agents of `--model`: small tasks for a model and a key of the user's own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from pydantic_ai import Agent
from pydantic_ai.models import infer_model

from streamtap._demo.load import Load

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pydantic_ai.models import Model

    from streamtap._tap import Tap


def own_model(name: str) -> Model:
    """The model of that name, with the key from the environment.

    Args:
        name: Any Pydantic AI model name.

    Raises:
        ValueError: If there is no such model, its key is missing, or its provider's package is.
    """
    try:
        return infer_model(name)
    except Exception as error:  # Each provider's constructor complains in its own way.
        raise ValueError(f'cannot use model {name!r}: {error} (without --model the demo needs no key)') from error


@contextlib.asynccontextmanager
async def own_loads(tap: Tap, model: Model) -> AsyncGenerator[tuple[Load, ...]]:
    """Two agents with the user's model, tapped: one run of each at a time.

    Args:
        tap: The tap they are given.
        model: The user's model.
    """
    tapped = [tap.capability(stream=True)]
    short = 'Answer in at most three sentences.'
    guide = Agent(model, name='guide', instructions=f'{short} Look up what you are asked.', capabilities=tapped)
    poet = Agent(model, name='poet', instructions=short, capabilities=tapped)

    @guide.tool_plain
    async def opening_hours(place: str) -> str:
        """When a place is open."""
        await asyncio.sleep(0.3)
        return f'{place}: 9 to 17, closed on Mondays'

    async with guide, poet:
        yield (
            Load(
                agent=guide,
                tap=tap,
                prompts=('When does the museum open?', 'Is the library open on Monday?'),
                workers=1,
                pause=2.0,
            ),
            Load(
                agent=poet,
                tap=tap,
                prompts=('Two lines about the sea.', 'Two lines about the moon.'),
                workers=1,
                pause=2.0,
            ),
        )
