"""Tools that return an error instead of raising it, and what the user says about their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_ai import ToolReturn

from streamtap.testing import Call
from truth.case import Expected, Group
from truth.replies import SHORT, calling, in_turn

if TYPE_CHECKING:
    from truth.world import World

POLITE = Group('Tools that fail politely')


def read(tool: str, result: object) -> str | None:
    """A user's own reading of results."""
    return 'NotFound' if isinstance(result, dict) and 'error' in result else None


def finding(w: World, **options: Any) -> Any:
    """An agent with a tool that finds nothing, one that says so beside what it keeps for itself, and one that works."""

    async def find() -> dict[str, str]:
        with w.stamping('find'):
            return {'error': 'nothing there'}

    async def keep() -> ToolReturn[dict[str, str]]:
        with w.stamping('keep'):
            return ToolReturn(return_value={'error': 'nothing there'}, metadata='for the application')

    return w.agent(tools=[find, keep, w.tool('nap')], **options)


CALLS = in_turn(calling(Call('find', '', id='a'), Call('keep', '', id='b'), Call('nap', '', id='c')), SHORT)
FAILED = Expected(
    requests=('success', 'success'),
    tools=('find failed NotFound', 'keep failed NotFound', 'nap success'),
    facts={'run.failure': (None,)},
)


@POLITE.case(CALLS, FAILED, tool_error=read)
async def returned(w: World) -> None:
    """Results that tell of an error: the calls failed, the run did not."""
    await w.run(finding(w))


@POLITE.case(CALLS, FAILED, doors=('capability',), tool_error=read)
async def returned_unstreamed(w: World) -> None:
    """Results that tell of an error, in a run that nobody streams."""
    await w.run(finding(w, stream=False))


@POLITE.case(CALLS, Expected(requests=('success', 'success'), tools=('find success', 'keep success', 'nap success')))
async def unread(w: World) -> None:
    """The same results where nobody says what they mean."""
    await w.run(finding(w))
