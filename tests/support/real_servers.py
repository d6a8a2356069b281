"""Servers of others, on loopback, for as long as a test needs them."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import time
from typing import TYPE_CHECKING, TypeVar

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    Found = TypeVar('Found')


UNASSIGNED = range(20_000, 32_000)
"""Ports that no system gives out by itself, so that none is taken before the server that it is for listens there."""


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    # Not the seeded generator, whose ports would be the same ones in every process of the tests.
    for port in secrets.SystemRandom().sample(UNASSIGNED, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(('127.0.0.1', port))
            return port
    raise OSError(f'100 ports of 127.0.0.1 from {UNASSIGNED.start} on are in use')


def wait_for(look: Callable[[], Found | None], what: str, *, seconds: float = 20.0, pause: float = 0.05) -> Found:
    """What `look` finds, as soon as it finds something.

    Args:
        look: What to try again and again.
        what: What is waited for, for people.
        seconds: How long to wait at most.
        pause: How long between two looks.

    Raises:
        TimeoutError: If nothing was found in that time.
    """
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f'waited {seconds} s for {what}')
        time.sleep(pause)
    return found


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, output: Path, *, env: Mapping[str, str] | None = None, seconds: float = 20.0
) -> Generator[subprocess.Popen[bytes]]:
    """Run a server, from when it listens until the end of the block, which kills it if it still runs.

    Args:
        command: The program and its arguments.
        port: The port on loopback on which it is to listen.
        output: The file that gets what it prints.
        env: Its whole environment, if not this process's own.
        seconds: How long it may take to listen.

    Raises:
        RuntimeError: If it ends before it listens.
        TimeoutError: If it does not listen in time.
    """
    with output.open('wb') as out:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)

    def listens() -> bool | None:
        if server.poll() is not None:
            raise RuntimeError(f'{command[0]} ended at once: {output.read_text(encoding="utf-8", errors="replace")}')
        with socket.socket() as client:
            return client.connect_ex(('127.0.0.1', port)) == 0 or None

    try:
        wait_for(listens, f'{command[0]} on port {port}', seconds=seconds)
        yield server
    finally:
        server.kill()
        server.wait()


def exporting_provider(
    url: str, resource: Mapping[str, str] | None = None
) -> tuple[TracerProvider, InMemorySpanExporter]:
    """A provider whose spans go out as an application's would, and those spans, kept here to compare.

    Args:
        url: Where OTLP over HTTP is taken.
        resource: What describes this process.
    """
    provider, here = TracerProvider(resource=Resource.create(dict(resource or {}))), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(here))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    return provider, here
