"""Whoever attacks the port that an application is watched through does not hurt the application."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from support import hostile_clients as hostile
from support.besieged_process import NOTHING
from support.paths import TESTS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from support.hostile_clients import Attack

pytestmark = [
    pytest.mark.skipif(sys.platform != 'linux', reason='only there the system tells what a process had in memory'),
    pytest.mark.timeout(180),
]

SECONDS = 1.2
"""How long each attack goes on."""

TRIES = 3
"""How often a lag is measured: on a machine with others, only one that always comes is of the attack."""

MAX_LAG = 0.020
MAX_MEMORY_MIB = 50

# (attack, what is asked for, how many clients)
ON_A_SERVER: list[tuple[Attack, str, int]] = [
    (hostile.silent, '/', 400),
    (hostile.slow, '/events', 100),
    (hostile.huge, '/metrics', 15),
    (hostile.resetting, '/metrics', 20),
    (hostile.resetting, '/events', 20),
    (hostile.unread, '/metrics', 100),
    (hostile.unread, '/events', 100),
    (hostile.too_many, '/metrics', 100),
    (hostile.too_many, '/', 100),
    (hostile.too_many, '/events', 100),
]
"""All that the server must bear, which has 256 descriptors together with the application."""


def on_a_mount(path: str) -> list[tuple[Attack, str, int]]:
    """What an application must bear that is mounted in another server, which itself bears only so many clients."""
    return [
        (hostile.silent, path, 60),
        (hostile.slow, path, 60),
        (hostile.huge, path, 8),
        (hostile.resetting, path, 6),
        (hostile.unread, path, 60),
        (hostile.too_many, path, 12),
    ]


SIEGES = {
    'serve': ON_A_SERVER,
    'metrics_app': on_a_mount('/metrics'),
    'live_app': [*on_a_mount('/events'), (hostile.unread, '/metrics', 60), (hostile.too_many, '/', 12)],
}


@dataclass
class Application:
    """An application in a process of its own.

    Args:
        process: The process.
        port: The port that is attacked.
    """

    process: asyncio.subprocess.Process
    port: int
    problems: list[str] = field(default_factory=list[str])

    async def order(self, what: str) -> Any:
        """Have it do something, and return what it says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f'{what}\n'.encode())
        return json.loads(await asyncio.wait_for(self.process.stdout.readline(), 30))

    async def during(self, attack: Attack, path: str, clients: int) -> Mapping[str, Any]:
        """What it reports of the time of an attack."""
        await self.order('measure')
        await attack(self.port, path, SECONDS, clients)
        seen = await self.order('report')
        assert seen['calls'] > 0
        return seen

    async def bears(
        self, attack: Attack, path: str, clients: int, at_rest: Mapping[str, Any], control: str | None
    ) -> None:
        """Note what an attack does to it.

        Args:
            attack: The attack.
            path: What is asked for.
            clients: How many attack.
            at_rest: What it reported while only a scraper asked.
            control: What else is asked for in the same way, to see what of the lag is not ours; `None` if all is.
        """
        name = f'{attack.__name__} {path}'
        lags: list[float] = []
        while not lags or (min(lags) > MAX_LAG and len(lags) < TRIES):
            before = at_rest if control is None else await self.during(attack, control, clients)
            seen = await self.during(attack, path, clients)
            lags.append(seen['lag'] - max(before['lag'], at_rest['lag']))
            if seen['failed']:
                self.problems.append(f'{name}: {seen["failed"]} of {seen["calls"]} calls of the application failed')
            more: float = seen['peak'] - at_rest['peak']
            if more > MAX_MEMORY_MIB:
                self.problems.append(f'{name}: {more:.0f} MiB more')
        if min(lags) > MAX_LAG:
            self.problems.append(f'{name}: the loop lags {[round(1000 * lag) for lag in lags]} ms more')


async def scraped(port: int, path: str, seconds: float, clients: int) -> None:
    """No attack: a scraper that reads what it asks for, once a second."""
    for _ in range(clients):
        reader, writer = await asyncio.open_connection('127.0.0.1', port)
        writer.write(f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'.encode())
        assert (await reader.readline()).split()[1] == b'200'
        await reader.read()
        writer.close()
        await asyncio.sleep(seconds / clients)


async def still_answers(port: int) -> None:
    """Scrape it as soon as it lets the attackers go."""
    for left in reversed(range(50)):
        try:
            await scraped(port, '/metrics', 0, 1)
            break
        except AssertionError:
            if not left:
                raise
        await asyncio.sleep(0.2)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be the provider of the application."""
    with contextlib.suppress(OSError):
        writer.write(await reader.readline())
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def application(served: str) -> AsyncGenerator[Application]:
    """An application that runs, and is ended."""
    provider = await asyncio.start_server(echo, '127.0.0.1', 0, backlog=500)
    async with provider:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, '-m', 'support.besieged_process', served, str(provider.sockets[0].getsockname()[1])),
            env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path])},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            yield Application(process, json.loads(await asyncio.wait_for(process.stdout.readline(), 60)))
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@pytest.mark.parametrize('served', SIEGES)
def test_the_application_does_not_notice_an_attack(served: str):
    """None of its calls fails, its loop is not late, its memory stays, and nothing is left when the port is closed."""

    async def besieged() -> list[str]:
        async with application(served) as app:
            await app.during(scraped, '/metrics', 1)
            at_rest = await app.during(scraped, '/metrics', 2)
            control = None if served == 'serve' else NOTHING
            for attack, path, clients in SIEGES[served]:
                await app.bears(attack, path, clients, at_rest, control)
            await still_answers(app.port)
            left = await app.order('close')
            said = (await app.process.communicate())[1].decode()
            assert (left['threads'], left['took'] < 2, said, app.process.returncode) == ([], True, '', 0)
            return app.problems

    assert asyncio.run(besieged()) == []
