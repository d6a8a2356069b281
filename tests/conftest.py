"""What all tests share."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import victoria
from prometheus_client import CollectorRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from victoria import VictoriaMetrics

SERVERS = Path(__file__).parents[1] / '.servers' / 'usr' / 'bin'
REQUIRE_REAL = os.environ.get('STREAMTAP_REQUIRE_REAL') == '1'


@pytest.fixture
def registry() -> CollectorRegistry:
    """A Prometheus registry of the test's own."""
    return CollectorRegistry()


@pytest.fixture
def promtool() -> str:
    """The path of promtool; without it the test skips, and in CI it fails."""
    return _real('promtool')


@pytest.fixture
def victoria_metrics(tmp_path: Path) -> Iterator[VictoriaMetrics]:
    """A VictoriaMetrics of the test's own; without it the test skips, and in CI it fails."""
    with victoria.running(Path(_real('victoria-metrics')), tmp_path) as server:
        yield server


def _real(program: str) -> str:
    found = shutil.which(program, path=SERVERS) or shutil.which(program)
    if found is None:
        if REQUIRE_REAL:
            pytest.fail(f'{program} is missing, and CI must have it: run `make servers`')
        pytest.skip(f'{program} is not installed: `make servers` does it, on Debian as root')
    return found


@pytest.fixture
def event_loop_of_the_thread() -> Iterator[None]:
    """A loop for `run_sync()`, which takes the thread's own and leaves it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
