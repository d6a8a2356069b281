"""Agents behind the protocols of user interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import SubmitMessage, TextUIPart, UIMessage

from support.endings import ag_ui as of_ag_ui
from truth.case import Expected, Group
from truth.modes import NAP, TWO_STEPS

if TYPE_CHECKING:
    from pydantic_ai.ui.ag_ui import AGUIAdapter

    from truth.world import World

ADAPTERS = Group('Adapters of user interfaces')


def ag_ui(w: World) -> AGUIAdapter[Any, Any]:
    """An agent asked by AG-UI."""
    return of_ag_ui(w.agent(tools=[w.tool('nap')], stream=False))


def vercel(w: World) -> VercelAIAdapter[Any, Any]:
    """An agent asked by the Vercel AI SDK."""
    asked = SubmitMessage(
        id='chat', trigger='submit-message', messages=[UIMessage(id='m', role='user', parts=[TextUIPart(text='hello')])]
    )
    return VercelAIAdapter(agent=w.agent(tools=[w.tool('nap')], stream=False), run_input=asked)


async def serve(w: World, adapter: Any) -> None:
    """Read what the user interface gets; the tap watches the events behind it, if that is its door."""
    native = adapter.run_stream_native()
    events = w.seen.tap.watch(native, agent='truth') if w.door == 'watch' else native
    async for _ in adapter.encode_stream(adapter.transform_stream(events)):
        pass


@ADAPTERS.case(NAP, TWO_STEPS, doors=('capability', 'watch'))
async def by_ag_ui(w: World) -> None:
    """AG-UI: a tool, then a text."""
    await serve(w, ag_ui(w))


@ADAPTERS.case(NAP, TWO_STEPS, doors=('capability', 'watch'))
async def by_vercel_ai(w: World) -> None:
    """Vercel AI: a tool, then a text."""
    await serve(w, vercel(w))


@ADAPTERS.case(NAP, Expected('cancelled', requests=('cancelled',)), doors=('capability', 'watch'))
async def left(w: World) -> None:
    """AG-UI, whose reader leaves."""
    adapter = ag_ui(w)
    native = adapter.run_stream_native()
    events = w.seen.tap.watch(native) if w.door == 'watch' else native
    async for event in events:
        if event.event_kind == 'part_delta':
            break
    close: Any = getattr(native, 'aclose', None)
    if close is not None:
        await close()
