"""What all tests share."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
import victoria
from prometheus_client import CollectorRegistry

from streamtap._upstream.versions import TooOldError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from victoria import VictoriaMetrics

pytest_plugins = ['pytester', 'streamtap.testing']

SERVERS = Path(__file__).parents[1] / '.servers' / 'usr' / 'bin'
REQUIRE_REAL = os.environ.get('STREAMTAP_REQUIRE_REAL') == '1'


def missing(server: str, remedy: str) -> NoReturn:
    """Skip the test for want of a real server, saying so; in CI, which must have it, fail."""
    if REQUIRE_REAL:
        pytest.fail(f'{server} is missing, and CI must have it: {remedy}')
    pytest.skip(f'{server} is not installed: {remedy}')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Skip a test of a door that the installed pydantic-ai is too old for; test_upstream.py says which it may be."""
    try:
        return (yield)
    except TooOldError as error:
        pytest.skip(str(error))


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


@pytest.fixture
def victoria_metrics(tmp_path: Path) -> Iterator[VictoriaMetrics]:
    """A VictoriaMetrics of the test's own; without it the test skips, and in CI it fails."""
    # Not one from the PATH: stable distributions have releases that take no OTLP.
    program = shutil.which('victoria-metrics', path=SERVERS)
    with victoria.serving(
        program or missing('VictoriaMetrics', '`make servers` fetches it, on Debian'), tmp_path
    ) as it:
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
