"""Tool calls that do not succeed: refused, to be made again, failed and broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_ai import ModelRetry, Tool, ToolFailed
from pydantic_ai.exceptions import UnexpectedModelBehavior

from streamtap.testing import Call
from truth.case import Expected, Group
from truth.replies import SHORT, calling, in_turn
from truth.tools import THREE, TWO, calls, napping, once, one, raising

if TYPE_CHECKING:
    from truth.world import World

REFUSALS = Group('Tools that do not succeed')


@REFUSALS.case(
    once('slow'),
    one('slow retried timeout'),
)
async def timeout(w: World) -> None:
    """A tool that takes longer than it may."""
    await w.run(w.agent(tools=[Tool(w.tool('slow', 5), timeout=0.05)]))


@REFUSALS.case(
    in_turn(calling(*calls('picky')), calling(*calls('picky')), SHORT),
    Expected(requests=THREE, tools=('picky retried model_retry', 'picky success')),
)
async def retried(w: World) -> None:
    """A tool that asks for another try and gets it; its call has the id of the first."""
    await w.run(w.agent(tools=[raising(w, 'picky', lambda: ModelRetry('again'))]))


@REFUSALS.case(
    in_turn(
        calling(Call('nap', {'seconds': 'x'}, id='a'), *calls('beside')),
        calling(Call('nap', {'seconds': 0.04}, id='a')),
        SHORT,
    ),
    Expected(requests=THREE, tools=('nap retried validation_error', 'nap success', 'beside success')),
)
async def wrong_arguments(w: World) -> None:
    """Wrong arguments beside a good call, then right ones."""
    await w.run(napping(w))


@REFUSALS.case(
    in_turn(
        calling(Call('nap', '{"seconds": 0.0', id='a'), *calls('beside')),
        calling(Call('nap', {'seconds': 0.04}, id='b')),
        SHORT,
    ),
    Expected(requests=THREE, tools=('nap retried validation_error', 'nap success', 'beside success')),
)
async def no_json(w: World) -> None:
    """Arguments that are no JSON, then right ones."""
    await w.run(napping(w))


@REFUSALS.case(
    in_turn(calling(*calls('made_up', 'beside', 'invented')), SHORT),
    one('_unknown retried unknown_tool', '_unknown retried unknown_tool', 'beside success'),
)
async def unknown(w: World) -> None:
    """Tools that the model invents, beside a good one."""
    await w.run(napping(w))


@REFUSALS.case(
    in_turn(calling(Call('made_up', {}, id='a'), Call('nap', '{', id='b')), SHORT),
    one('_unknown retried unknown_tool', 'nap retried validation_error'),
    doors=('capability',),
)
async def refused_unstreamed(w: World) -> None:
    """Calls that are refused in a run that nobody streams."""

    async def nap(seconds: float) -> str:
        return 'rested'

    await w.run(w.agent(tools=[nap], stream=False))


@REFUSALS.case(once('hidden'), one('hidden retried unavailable_tool'))
async def unavailable(w: World) -> None:
    """A tool that is not available yet."""
    await w.run(w.agent(tools=[Tool(w.tool('hidden'), defer_loading=True), w.tool('shown')]))


@REFUSALS.case(once('fails', 'beside'), one('fails failed', 'beside success'))
async def failed(w: World) -> None:
    """A tool that tells the model it failed, beside a good one."""
    await w.run(w.agent(tools=[raising(w, 'fails', lambda: ToolFailed('no such file')), w.tool('beside')]))


@REFUSALS.case(once('breaks'), Expected('error LookupError', tools=('breaks error LookupError',)), raises=LookupError)
async def breaks(w: World) -> None:
    """A tool that raises, alone."""
    await w.run(w.agent(tools=[raising(w, 'breaks', lambda: LookupError('gone'))]))


@REFUSALS.case(
    once('quick', 'breaks', 'slow'),
    Expected('error LookupError', tools=('quick success', 'breaks error LookupError', 'slow interrupted')),
    but={door: {'tools': ('quick success', 'breaks interrupted', 'slow interrupted')} for door in ('handler', 'watch')},
    raises=LookupError,
)
async def breaks_beside(w: World) -> None:
    """A tool that raises while another runs, and after a third: which of two, only the capability can tell."""
    tools = [w.tool('quick', 0.01), raising(w, 'breaks', lambda: LookupError('gone')), w.tool('slow', 5)]
    await w.run(w.agent(tools=tools))


@REFUSALS.case(
    in_turn(calling(*calls('picky')), calling(*calls('picky'))),
    Expected(
        'error UnexpectedModelBehavior',
        requests=TWO,
        tools=('picky retried model_retry', 'picky error UnexpectedModelBehavior'),
    ),
    raises=UnexpectedModelBehavior,
)
async def retries_exhausted(w: World) -> None:
    """A tool that asks for one try more than it may."""
    await w.run(w.agent(tools=[raising(w, 'picky', lambda: ModelRetry('again'), times=5)], retries=1))
