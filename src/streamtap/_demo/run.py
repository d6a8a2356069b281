"""Runs the demo: starts everything, shows it, and ends it when the time is up or at Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
import secrets
import signal
from functools import partial
from typing import TYPE_CHECKING

from pydantic_ai.exceptions import ModelHTTPError
from rich.console import Console
from rich.live import Live

from streamtap._demo.fault import FAULTS
from streamtap._demo.own_model import own_loads, own_model
from streamtap._demo.scenario import fake_loads
from streamtap._demo.screen import PLUG_IN, Screen, in_short
from streamtap._demo.traces import exported_traces
from streamtap._display.terminal import has_styles, is_terminal, terminal_width
from streamtap._records.objective import Objective
from streamtap._serve import serve
from streamtap._tap import Tap
from streamtap._web.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from contextlib import AbstractAsyncContextManager

    from pydantic_ai.models import Model

    from streamtap._demo.fault import Fault
    from streamtap._demo.load import Load
    from streamtap._serve import MetricsServer

FAKE_NOTE = 'list prices of the named models, for fake traffic: nothing is charged'
FIRST_BLOCK_AFTER = 2.0
BLOCK_EVERY = 5.0
"""Seconds between the tables where the output is not a terminal."""

_ANY = 1000
"""Columns and lines of what has no size: more than the screen can have."""

_HOPELESS = 401, 403, 404
"""What a provider answers to a wrong key or a model that it does not have: asking again is no use."""


class DemoError(Exception):
    """Why the demo cannot run, in one line for its user."""


STALL_AFTER = 1.0

OBJECTIVE = Objective(first_output=6.0, stall=3.0, duration=30.0, cost=0.1)
"""What the demo's agents keep, unless a run fails; most faults miss a part of it."""


def make_tap() -> Tap:
    """The demo's tap, with low thresholds, so that a short demo has stalls."""
    return Tap(objective=OBJECTIVE, stall_after=STALL_AFTER, slow_start_after=1.5, loop_lag_every=0.1)


def run_demo(*, seconds: float | None, addr: str, port: int, model: str | None, fault: Fault) -> None:
    """Run the demo, and print the usage summary at its end.

    Args:
        seconds: When to end; `None` waits for Ctrl-C.
        addr: The address on which `/metrics` listens.
        port: The port of `/metrics`; 0 takes any free one.
        model: A Pydantic AI model name to use instead of the fake provider.
        fault: What goes wrong with the fake provider instead of the usual mishaps.

    Raises:
        DemoError: If the address, the port or the model cannot be used, or traces are asked for that cannot be exported.
    """
    # It would be drawn into the screen.
    os.environ.setdefault('PYDANTIC_AI_NO_BANNER', '1')
    try:
        own = None if model is None else own_model(model)
    except ValueError as error:
        raise DemoError(str(error)) from error
    note = FAKE_NOTE if model is None else f'requests go to {model}, at whatever its provider charges'
    with _traces(), make_tap() as tap, _serve(tap, addr, port) as (server, live_url):
        screen = Screen(tap, live_url, note)

        def failed(agent: str, error: Exception) -> None:
            screen.failed(agent, error)
            if own is not None and isinstance(error, ModelHTTPError) and error.status_code in _HOPELESS:
                raise DemoError(f'cannot use model {model!r}: {in_short(error)}') from error

        print(f'Metrics: {server.url}', f'Live view: {live_url}', f'Cost: {note}.', sep='\n', flush=True)
        if fault.name is not None:
            print(f'Fault: {FAULTS[fault.name]}.', flush=True)
        # Where asyncio cannot handle signals (Windows), Ctrl-C arrives as the exception.
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(drive(_loads(tap, own, fault), partial(_show, screen), failed, seconds=seconds))
        print(f'\n{tap.usage.summary()}\n')
        print('Runs that were open at the end count as cancelled. Tap your own agent:')
        for line in PLUG_IN:
            print(f'    {line}', flush=True)


@contextlib.contextmanager
def _serve(tap: Tap, addr: str, port: int) -> Generator[tuple[MetricsServer, str]]:
    """Serve metrics and live view; yields the server and the URL of its live view."""
    token = None if is_loopback(addr) else secrets.token_urlsafe()
    try:
        server = serve(tap, port, addr, token=token)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DemoError(f'port {port} is in use: choose another with --port (0 takes any free one)') from error
        raise DemoError(f'cannot listen on {addr}:{port}: {os.strerror(error.errno or 0)}') from error
    with server:
        live_url = str(server.live_url)
        for everywhere in ('//0.0.0.0:', '//[::]:'):
            # No address that a browser knows everywhere.
            live_url = live_url.replace(everywhere, '//localhost:')
        yield server, f'{live_url}?token={token}' if token else live_url


def _traces() -> contextlib.ExitStack:
    try:
        return exported_traces()
    except ImportError as error:
        raise DemoError(f'to export traces install the extra, streamtap[otel]: {error}') from error


def _loads(tap: Tap, own: Model | None, fault: Fault) -> AbstractAsyncContextManager[Sequence[Load]]:
    return fake_loads(tap, fault) if own is None else own_loads(tap, own)


async def drive(
    traffic: AbstractAsyncContextManager[Sequence[Load]],
    show: Callable[[], Coroutine[object, object, None]],
    failed: Callable[[str, Exception], None],
    *,
    seconds: float | None = None,
) -> None:
    """Keep the agents running until the time is up, Ctrl-C comes, or `show` returns.

    Args:
        traffic: The agents.
        show: Shows what happens meanwhile; cancelled at the end.
        failed: Called for each run that raised; what it raises itself ends the demo.
        seconds: The time after which to end; `None` for no end.
    """
    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        async with traffic as loads:
            tasks: list[asyncio.Task[None]] = [asyncio.create_task(_wait(stop)), asyncio.create_task(show())]
            for load in loads:
                numbers = itertools.count(1)
                tasks += [asyncio.create_task(load.work(numbers, failed)) for _ in range(load.workers)]
            try:
                done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Generator[None]:
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []
    # Not on Windows, nor outside the main thread: there Ctrl-C arrives as KeyboardInterrupt, or not at all.
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _show(screen: Screen) -> None:
    """Show the screen until cancelled: live in a terminal, elsewhere as plain text every few seconds."""
    if is_terminal() and not Console().is_dumb_terminal:
        console = Console() if has_styles() else Console(color_system=None)
        # Drawn from a thread of its own, so that drawing does not block the agents' event loop.
        with Live(get_renderable=lambda: screen, console=console, screen=True, refresh_per_second=5):
            await asyncio.Event().wait()
    pause = FIRST_BLOCK_AFTER
    try:
        while True:
            await asyncio.sleep(pause)
            _print_block(screen)
            pause = BLOCK_EVERY
    finally:
        if pause == FIRST_BLOCK_AFTER:
            _print_block(screen)


def _print_block(screen: Screen) -> None:
    console = Console(width=terminal_width() or _ANY, height=_ANY, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(screen)
    print('\n'.join(line.rstrip() for line in captured.get().splitlines()), end='\n\n', flush=True)
