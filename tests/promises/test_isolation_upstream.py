"""What the tap knows of pydantic-ai may be wrong after its next release: the run is as it is without the tap."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections import Counter
from types import FunctionType
from typing import Any

import pytest

from streamtap import OTelSpanSink, Tap, _upstream
from streamtap._upstream import versions
from streamtap.testing import MemorySink
from support.callers_view import WAYS, tapped, untapped

PREFIX = f'{_upstream.__name__}.'

pytestmark = pytest.mark.usefixtures('nothing_old_is_collected')


def functions() -> dict[str, FunctionType]:
    """Everything that knows pydantic-ai, by its path, but for `versions`: what it refuses, the user is to hear."""
    modules = [importlib.import_module(found.name) for found in pkgutil.iter_modules(_upstream.__path__, PREFIX)]
    return {
        f'{module.__name__}.{name}': function
        for module in modules
        if module is not versions
        for name, function in vars(module).items()
        if isinstance(function, FunctionType) and function.__module__ == module.__name__ and name[0] != '_'
    }


@functools.cache
def used(way: str, story: str) -> tuple[str, ...]:
    """Those of them that a run needs."""
    calls: set[str] = set()

    def spied(name: str, function: FunctionType) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.add(name)
            return function(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name, function in functions().items():
            patch.setattr(name, spied(name, function))
        tapped(way, story, Tap([MemorySink(), OTelSpanSink()]))
    return tuple(sorted(calls))


@pytest.mark.parametrize('story', ['answers', 'it is cancelled'])
@pytest.mark.parametrize('way', WAYS)
def test_a_failure_of_the_taps_own_code_stays_inside(way: str, story: str, monkeypatch: pytest.MonkeyPatch):
    """Whatever pydantic-ai changes under it, in turn for all that the tap knows of it; what began has ended."""

    def fail(*_: object, **__: object) -> None:
        raise TypeError('the shape of things changed')

    for name in used(way, story):
        memory = MemorySink()
        with monkeypatch.context() as patch:
            patch.setattr(name, fail)
            assert tapped(way, story, Tap([memory, OTelSpanSink()])) == untapped(way, story), name
        moments = Counter(moment for moment, _ in memory.moments)
        assert moments['run_started'] == moments['run_ended'], name
        assert memory.faults != [], name
