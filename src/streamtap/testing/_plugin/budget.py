"""The marker `streamtap_budget`: a test whose captures measured more than it allows has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import pytest

from streamtap._budgets.measured import Measured
from streamtap._budgets.quantities import QUANTITIES, judge
from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
from streamtap._records.starts import RunStart
from streamtap.testing._plugin.captures import captures_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from streamtap._budgets.quantities import QuantityName
    from streamtap.testing._memory import Capture

    Made: TypeAlias = pytest.Item | pytest.Collector | list[pytest.Item | pytest.Collector] | None

MARKER = 'streamtap_budget'


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    keywords = ', '.join(f'{name}=' for name in QUANTITIES)
    config.addinivalue_line(
        'markers', f'{MARKER}({keywords}): limits of what the captures of a test measure, with which it fails or passes'
    )


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class) -> Generator[None, Made, Made]:
    """Refuse a budget that is none when its test is collected."""
    made = yield
    for item in made if isinstance(made, list) else [made]:
        if isinstance(item, pytest.Function):
            try:
                limits_of(item)
            except (TypeError, ValueError) as error:
                raise collector.CollectError(f'{item.nodeid}: {error}') from None
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Judge a test that passed."""
    yield
    if limits := limits_of(item):
        captures = {name: _measured(seen) for name, seen in captures_of(item).items()}
        if broken := list(_broken(limits, captures)):
            pytest.fail('\n'.join(broken), pytrace=False)


def limits_of(item: pytest.Item) -> dict[QuantityName, float]:
    """The budget of a test: of two limits of the same, that of the nearest marker.

    Args:
        item: The test.

    Raises:
        TypeError: If a marker has something else than keywords, or a limit is of the wrong type.
        ValueError: If there is no such keyword, or a limit is out of range.
    """
    limits: dict[QuantityName, float] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args or not marker.kwargs:
            raise TypeError(f'{MARKER} takes keywords, such as {MARKER}(first_output=2.0, cost=0.05)')
        for name, limit in marker.kwargs.items():
            if name not in QUANTITIES:
                raise ValueError(f'{MARKER} has no {name!r}: use {", ".join(QUANTITIES)}')
            name = cast('QuantityName', name)
            QUANTITIES[name].check(f'{MARKER}: {name}', limit)
            limits.setdefault(name, limit)
    return limits


def _measured(seen: Capture) -> Measured:
    measured = Measured()
    for _, fact in seen.moments():
        if isinstance(fact, RunStart):
            measured.run_started(fact)
        elif isinstance(fact, ResponseRecord):
            measured.response_ended(fact)
        elif isinstance(fact, ToolRecord):
            measured.tool_ended(fact)
        elif isinstance(fact, RunRecord):
            measured.run_ended(fact)
    return measured


def _broken(limits: Mapping[QuantityName, float], captures: Mapping[str, Measured]) -> Generator[str]:
    """What was not kept, a line each; each capture has the whole budget."""
    if not captures:
        yield f'{MARKER} has nothing to judge: take a capture as a fixture of the test, such as captap'
    elif not any(measured.runs or measured.open for measured in captures.values()):
        yield f'{MARKER} has nothing to judge: no run used the tap of {" or ".join(captures)}'
    else:
        for name, measured in captures.items():
            if measured.runs or measured.open:
                verdicts = (judge(quantity, limit, measured) for quantity, limit in limits.items())
                yield from (f'over budget, by {name}: {each.reason}' for each in verdicts if not each.kept)
