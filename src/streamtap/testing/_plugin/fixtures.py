"""The fixtures, and what was measured below a test that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamtap.testing._clock import FakeClock
from streamtap.testing._memory import Capture, capture
from streamtap.testing._plugin.captures import captures_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


@pytest.fixture
def tap_clock() -> FakeClock:
    """The clock of `captap`: time only passes through `tap_clock.advance(seconds)`."""
    return FakeClock()


@pytest.fixture
def captap(tap_clock: FakeClock) -> Iterator[Capture]:
    """A tap on a fake clock, and what it has recorded so far: `Agent(..., capabilities=[captap.tap.capability()])`.

    It measures even where `STREAMTAP_DISABLED` switches off the taps of the code under test.
    """
    with capture(clock=tap_clock) as seen:
        yield seen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what was measured to the report of a failed test, whichever fixture gave it a capture."""
    report = yield
    if report.when == 'call' and report.failed:
        report.sections += [(f'Measured by {name}', str(seen)) for name, seen in captures_of(item).items()]
    return report
