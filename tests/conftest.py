"""What all tests share."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRE_REAL = os.environ.get('STREAMTAP_REQUIRE_REAL') == '1'


@pytest.fixture
def registry() -> CollectorRegistry:
    """A Prometheus registry of the test's own."""
    return CollectorRegistry()


@pytest.fixture
def promtool() -> str:
    """The path of promtool; without it the test skips, and in CI it fails."""
    found = shutil.which('promtool')
    if found is None:
        if REQUIRE_REAL:
            pytest.fail('promtool is missing, and CI must have it: run `make servers`')
        pytest.skip('promtool is not installed: `apt-get install prometheus` gives it')
    return found


@pytest.fixture
def event_loop_of_the_thread() -> Iterator[None]:
    """A loop for `run_sync()`, which takes the thread's own and leaves it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
