"""`python -m judges`: real servers as judges of the tap; exits with 1 if a number is wrong."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from judges.agents import model
from judges.answers import KINDS, asked
from judges.cases import Cases
from judges.environment import LITELLM, SCRIPTS, environment, interpreter, vllm_interpreter, vllm_model
from judges.litellm_proxy import litellm
from judges.ordinary import natural, ordinary
from judges.section import of_answers, of_case, section
from judges.servers import LlamaServer, wire
from judges.shapes import AS_THEY_CAME, SHAPES
from judges.targets import TARGETS
from judges.trial import Served
from judges.vllm_server import VllmServer
from support.accuracy_page import PAGE, with_section

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from judges.cases import Case
    from judges.environment import Environment
    from judges.ordinary import Ordinary
    from judges.servers import Server, WireLog
    from judges.targets import Target

    Serve: TypeAlias = Callable[[Path], contextlib.AbstractContextManager[tuple[Server, WireLog]]]

TEMPLATE = SCRIPTS / 'tools.jinja'
"""A chat template with tool calls, which SmolLM2's own has not."""


@contextlib.contextmanager
def served(
    server_of: Callable[[Path], Server], proxy: Path | None, folder: Path, weights: Path
) -> Generator[tuple[Server, WireLog]]:
    """A server of a model, with a wire before it.

    Args:
        server_of: Makes the server of a model's file.
        proxy: The interpreter of LiteLLM's proxy, which is then between the two.
        folder: Where logs go.
        weights: The file of the model.
    """
    server = server_of(weights)
    with contextlib.ExitStack() as ends:
        ends.callback(server.stop)
        server.start(folder / 'server.log')
        port = server.port if proxy is None else ends.enter_context(litellm(proxy, server.port, folder))
        yield server, ends.enter_context(wire(port, AS_THEY_CAME, folder))


async def answers(serve: Serve, needed: Environment, target: Target, count: int) -> AsyncGenerator[Ordinary]:
    """Ordinary answers of a model that really answers, and of one whose answers are decided."""
    with serve(needed.smollm2) as (server, log):
        async for row in ordinary('SmolLM2-135M', natural, target.formats, KINDS[:2], server, log, count):
            yield row
    with serve(needed.echo) as (server, log):
        async for row in ordinary('echo', asked, target.formats, KINDS, server, log, count):
            yield row


async def cases(serve: Serve, needed: Environment, folder: Path) -> AsyncGenerator[Case]:
    """What goes otherwise, whatever is asked."""
    with serve(needed.echo) as (server, log):
        async for case in Cases(Served(server, log, model('chat', log.port)), folder / 'server.log').disturbed():
            yield case


async def shaped_cases(serve: Serve, needed: Environment, folder: Path) -> AsyncGenerator[Case]:
    """Streams of other shapes and paces than a server's own."""
    with serve(needed.echo) as (server, log):
        of_server = Cases(Served(server, log, model('chat', log.port)), folder / 'server.log')
        for shape in SHAPES:
            async for case in of_server.shaped(shape):
                yield case
        async for case in of_server.starved():
            yield case
    with serve(needed.fast) as (server, log):
        fast = Cases(Served(server, log, model('chat', log.port)), folder / 'server.log')
        async for case in fast.plain('A very fast stream'):
            yield case


def _server(target: str, needed: Environment) -> Callable[[Path], Server]:
    if target == 'vllm':
        python = vllm_interpreter()
        return lambda weights: VllmServer(python, vllm_model(python, weights), TEMPLATE)
    return lambda weights: LlamaServer(needed.python, weights, template=TEMPLATE)


async def main() -> int:
    """Ask, judge, print, and write the section if asked to."""
    parser = argparse.ArgumentParser(prog='python -m judges', description=__doc__)
    parser.add_argument('--target', choices=TARGETS, default='llama.cpp', help='what is judged')
    parser.add_argument('--answers', type=int, default=10, help='answers of each kind in each format')
    parser.add_argument('--write', action='store_true', help="write the target's section of docs/accuracy-tables.md")
    options = parser.parse_args()
    target = TARGETS[options.target]
    needed = environment()
    proxy = interpreter('litellm', LITELLM) if options.target == 'litellm' else None
    found: list[Ordinary] = []
    other: list[Case] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        serve = partial(served, _server(options.target, needed), proxy, folder)
        if options.answers:
            async for row in answers(serve, needed, target, options.answers):
                found.append(row)
                print(' | '.join(of_answers(row)), flush=True)
        for some in (shaped_cases, cases) if options.target == 'llama.cpp' else (cases,):
            async for case in some(serve, needed, folder):
                other.append(case)
                print(' | '.join(of_case(case)), flush=True)
    wrong = sum(bool(row.faults) for row in found) + sum(bool(case.faults) for case in other)
    print(f'{len(found)} kinds of answers and {len(other)} cases, {wrong} wrong')
    if options.write:
        text = with_section(PAGE.read_text(encoding='utf-8'), target.command, section(found, other, target))
        PAGE.write_text(text, encoding='utf-8')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(asyncio.run(main()))
