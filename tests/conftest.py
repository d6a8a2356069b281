"""What all tests share."""

from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from streamtap._upstream import run_end
from support import victoria_server
from support.required import SERVERS, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from support.victoria_server import VictoriaMetrics

pytest_plugins = ['pytester', 'streamtap.testing']


def pytest_collection_finish() -> None:
    """Take what thousands of collected tests hold out of every garbage collection that a test asks for."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope='session', autouse=True)
def no_authorities() -> Iterator[None]:
    """No HTTP client reads the certificates of all authorities, which takes each 25 ms: nothing here leaves the machine."""

    def without(*_: object, **__: object) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, 'create_default_context', without)
        yield


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run's end is told, as if pydantic-ai gave no way to."""

    def cannot(ctx: object, ended: object) -> bool:
        return False

    monkeypatch.setattr(run_end, 'tell_end', cannot)


@pytest.fixture
def registry() -> CollectorRegistry:
    """A Prometheus registry of the test's own."""
    return CollectorRegistry()


@pytest.fixture
def promtool() -> str:
    """The path of promtool; without it the test skips, and in CI it fails."""
    return shutil.which('promtool') or missing('promtool', '`make servers`, or `apt-get install prometheus`, gives it')


@pytest.fixture(params=[None, SERVERS], ids=['2', '3'])
def each_promtool(request: pytest.FixtureRequest) -> str:
    """The path of promtool as stable distributions have it, then of the newer one that `make servers` fetches."""
    found = shutil.which('promtool', path=request.param)
    return found or missing('promtool, of Prometheus 2 or 3,', '`make servers` gives both, on Debian')


@pytest.fixture(scope='session')
def prometheus() -> str:
    """The path of Prometheus; without it the test skips, and in CI it fails."""
    return shutil.which('prometheus') or missing('Prometheus', '`make servers` gives it, on Debian')


@pytest.fixture(params=[None, SERVERS], ids=['2', '3'])
def each_prometheus(request: pytest.FixtureRequest) -> str:
    """The path of Prometheus as stable distributions have it, then of the newer one that `make servers` fetches."""
    found = shutil.which('prometheus', path=request.param)
    return found or missing('Prometheus 2 or 3', '`make servers` gives both, on Debian')


@pytest.fixture
def victoria_metrics(tmp_path: Path) -> Iterator[VictoriaMetrics]:
    """A VictoriaMetrics of the test's own; without it the test skips, and in CI it fails."""
    # Not one from the PATH: stable distributions have releases that take no OTLP.
    program = shutil.which('victoria-metrics', path=SERVERS)
    with victoria_server.serving(
        program or missing('VictoriaMetrics', '`make servers` fetches it, on Debian'), tmp_path
    ) as it:
        yield it


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    """A headless Chromium; without it the test skips, and in CI it fails."""
    # Not at the top: where playwright is missing, everything else can be tested.
    from support.browser import chromium

    with chromium(shutil.which('chromium') or missing('Chromium', '`make servers` gives it, on Debian')) as it:
        yield it


@pytest.fixture(scope='session')
def oteltap() -> str:
    """The module that is an OTLP collector; where it does not load the test skips, and in CI it fails."""
    # In a process of its own, as it loads a native library that not every platform can.
    loads = subprocess.run([sys.executable, '-c', 'import oteltap'], capture_output=True, check=False, timeout=30)
    return 'oteltap' if loads.returncode == 0 else missing('oteltap', '`pip install oteltap` gives it')


@pytest.fixture
def event_loop_of_the_thread() -> Iterator[None]:
    """A loop for `run_sync()`, which takes the thread's own and leaves it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope='module')
def nothing_old_is_collected() -> Iterator[None]:
    """The garbage is collected after each of a thousand runs: only what they left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.collect()
    gc.freeze()
