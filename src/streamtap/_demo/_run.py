"""The demo from its first line to its last: start all, show it, and end it at the time or at Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
import signal
import sys
from typing import TYPE_CHECKING

from pydantic_ai.exceptions import ModelHTTPError
from rich.console import Console
from rich.live import Live

from streamtap._demo._own_model import own_loads, own_model
from streamtap._demo._scenario import fake_loads
from streamtap._demo._screen import PLUG_IN, WIDTH, Screen
from streamtap._serve import serve
from streamtap._tap import Tap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from pydantic_ai.models import Model

    from streamtap._demo._load import Load
    from streamtap._serve import MetricsServer

FAKE_NOTE = 'list prices of the named models, for fake traffic: nothing is charged'
FIRST_BLOCK_AFTER = 2.0
BLOCK_EVERY = 5.0
"""Seconds between the tables where the output is no terminal."""

_HOPELESS = 401, 403, 404


class DemoError(Exception):
    """Why the demo cannot run, in one line for its user."""


def make_tap() -> Tap:
    """The demo's tap: impatient, so that a short demo has stalls."""
    return Tap(stall_after=1.0, slow_start_after=1.5)


def run_demo(*, seconds: float | None, port: int, model: str | None) -> None:
    """Run the demo, and print the usage summary at its end.

    Args:
        seconds: When to end; `None` waits for Ctrl-C.
        port: The port of `/metrics`; 0 takes any free one.
        model: A Pydantic AI model name to use instead of the fake provider.

    Raises:
        DemoError: If the port or the model cannot be used.
    """
    try:
        own = None if model is None else own_model(model)
    except ValueError as error:
        raise DemoError(str(error)) from error
    with _serve(port) as server, make_tap() as tap:
        screen = Screen(tap, server.url, FAKE_NOTE if model is None else f'{model} is real: its provider charges you')
        for line in _welcome(server.url, model):
            print(line, flush=True)
        # Where asyncio knows no signals (Windows), Ctrl-C comes as the exception.
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_drive(_loads(tap, own), screen, seconds, stops_at=_HOPELESS if own else ()))
        print(f'\n{tap.usage.summary()}\n')
        print('Runs that were open at the end count as cancelled. Tap your own agent:')
        for line in PLUG_IN:
            print(f'    {line}', flush=True)


def _serve(port: int) -> MetricsServer:
    try:
        return serve(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DemoError(f'port {port} is in use: choose another with --port (0 takes any free one)') from error
        raise DemoError(f'cannot listen on port {port}: {os.strerror(error.errno or 0)}') from error


def _welcome(url: str, model: str | None) -> Iterator[str]:
    yield f'Metrics: {url}'
    yield 'Tap your own agent:'
    yield from (f'    {line}' for line in PLUG_IN)
    if model is None:
        yield f'Cost: {FAKE_NOTE}.'
    else:
        yield f'Real requests to {model}, small and one at a time for each of two agents: its provider charges you.'


def _loads(tap: Tap, own: Model | None) -> AbstractAsyncContextManager[Sequence[Load]]:
    return fake_loads(tap) if own is None else own_loads(tap, own)


async def _drive(
    traffic: AbstractAsyncContextManager[Sequence[Load]],
    screen: Screen,
    seconds: float | None,
    *,
    stops_at: Sequence[int],
) -> None:
    async with traffic as loads, working(loads, _failures(screen, stops_at)) as workers, _stop_signal() as stop:
        with _shown(screen) as blocks:
            watched = {*workers, asyncio.create_task(stop.wait()), asyncio.create_task(blocks)}
            done, _ = await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in watched - done:
                task.cancel()
            for task in done:
                task.result()
