"""`python -m judges`: real servers as judges of the tap; exits with 1 if a number is wrong."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from judges.agents import model
from judges.answers import KINDS, asked
from judges.cases import Cases
from judges.environment import SCRIPTS, SERVER, environment
from judges.ordinary import natural, ordinary
from judges.section import of_answers, of_case, section
from judges.servers import LlamaServer, wire
from judges.shapes import AS_THEY_CAME, SHAPES
from judges.trial import Served
from support.accuracy_page import PAGE, with_section

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from judges.cases import Case
    from judges.environment import Environment
    from judges.ordinary import Ordinary
    from judges.servers import WireLog

TEMPLATE = SCRIPTS / 'tools.jinja'
"""A chat template with tool calls, which SmolLM2's own has not."""


@contextlib.contextmanager
def served(needed: Environment, weights: Path, folder: Path) -> Generator[tuple[LlamaServer, WireLog]]:
    """A server of a model, with a wire before it.

    Args:
        needed: The environment.
        weights: The file of the model.
        folder: Where logs go.
    """
    server = LlamaServer(needed.python, weights, template=TEMPLATE)
    try:
        server.start(folder / 'server.log')
        with wire(server, AS_THEY_CAME, folder) as log:
            yield server, log
    finally:
        server.stop()


async def answers(needed: Environment, folder: Path, count: int) -> AsyncGenerator[Ordinary]:
    """Ordinary answers of a model that really answers, and of one whose answers are decided."""
    with served(needed, needed.smollm2, folder) as (server, log):
        async for row in ordinary('SmolLM2-135M', natural, KINDS[:2], server, log, count):
            yield row
    with served(needed, needed.echo, folder) as (server, log):
        async for row in ordinary('echo', asked, KINDS, server, log, count):
            yield row


async def cases(needed: Environment, folder: Path) -> AsyncGenerator[Case]:
    """Everything that goes otherwise."""
    with served(needed, needed.echo, folder) as (server, log):
        of_server = Cases(Served(server, log, model('chat', log.port)), folder / 'server.log')
        for shape in SHAPES:
            async for case in of_server.shaped(shape):
                yield case
        for some in (of_server.starved(), of_server.disturbed()):
            async for case in some:
                yield case
    with served(needed, needed.fast, folder) as (server, log):
        fast = Cases(Served(server, log, model('chat', log.port)), folder / 'server.log')
        async for case in fast.plain('A very fast stream'):
            yield case


async def main() -> int:
    """Ask, judge, print, and write the section if asked to."""
    parser = argparse.ArgumentParser(prog='python -m judges', description=__doc__)
    parser.add_argument('--answers', type=int, default=10, help='answers of each kind in each format')
    parser.add_argument('--write', action='store_true', help='write the section of docs/accuracy.md')
    options = parser.parse_args()
    needed = environment()
    found: list[Ordinary] = []
    other: list[Case] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.answers:
            async for row in answers(needed, folder, options.answers):
                found.append(row)
                print(' | '.join(of_answers(row)), flush=True)
        async for case in cases(needed, folder):
            other.append(case)
            print(' | '.join(of_case(case)), flush=True)
    wrong = sum(bool(row.faults) for row in found) + sum(bool(case.faults) for case in other)
    print(f'{len(found)} kinds of answers and {len(other)} cases, {wrong} wrong')
    if options.write:
        text = with_section(PAGE.read_text(encoding='utf-8'), 'real-servers', section(found, other, SERVER))
        PAGE.write_text(text, encoding='utf-8')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(asyncio.run(main()))
