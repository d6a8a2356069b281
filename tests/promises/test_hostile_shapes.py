"""What cannot be shown, exported or looked at costs only itself."""

from __future__ import annotations

import asyncio
import enum
import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import MagicMock, Mock

import pytest
from pydantic_ai import RunContext
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage

from streamtap import Fault
from streamtap.testing import capture
from support.doors import DOORS
from support.scripted import Calls, agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from streamtap import Tap


def test_metadata_that_fails_to_become_text_costs_only_its_own_label():
    """That value is `_unknown`, as nobody asks it for a text; the other values, and the run, are measured."""

    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError('no')

    with capture(labels=('tenant', 'tier')) as seen:
        made = agent(['done'], capabilities=[seen.tap.capability()])
        asyncio.run(made.run('hello', metadata={'tenant': Unprintable(), 'tier': 'x' * 10_000_000}))
        assert [run.labels for run in seen.runs()] == [{'tenant': '_unknown', 'tier': 'x' * 200}]
        assert seen.faults() == [Fault('dropped', 'labels')]


class Tier(enum.Enum):
    """Values that an application names."""

    GOLD = 'gold'
    SECOND = 2
    ODD = object()


@pytest.mark.parametrize(
    ('value', 'label'),
    [
        ('gold', 'gold'), ('', ''), (None, ''), (7, '7'), (True, 'True'), (0.5, '0.5'), (float('nan'), 'nan'),
        (Tier.GOLD, 'gold'), (Tier.SECOND, '2'), (enum.IntEnum('Small', {'ONE': 1})['ONE'], '1'),
        (Tier.ODD, '_unknown'), (10**5000, '_unknown'), (b'gold', '_unknown'), (['gold'], '_unknown'),
        (Decimal(1), '_unknown'), (Mock(spec=str), '_unknown'),
    ],
    # A number of 5,000 digits cannot be shown.
    ids=map(str, itertools.count()),
)  # fmt: skip
def test_only_plain_values_become_labels(value: object, label: str):
    """Text, numbers, truth and the members of an enumeration of them; `None` is no value at all."""
    with capture(labels=('tier',)) as seen:
        made = agent(['done'], capabilities=[seen.tap.capability()])
        asyncio.run(made.run('hello', metadata={'tier': value}))
        assert [run.labels for run in seen.runs()] == [{'tier': label}]
        assert seen.faults() == ([Fault('dropped', 'labels')] if label == '_unknown' else [])


@pytest.mark.parametrize('argument', ['agent', 'provider', 'model'])
def test_names_that_are_no_text_are_refused(argument: str):
    """By what they are, and without asking them what they are called."""
    with capture() as seen, pytest.raises(TypeError, match=f'{argument} must be text, not Mock'):
        seen.tap.watch(cast('AsyncIterable[object]', MagicMock()), **{argument: Mock()})


@pytest.mark.parametrize('door', DOORS)
def test_names_that_nobody_could_export_are_made_fit(door: str):
    """A lone surrogate breaks OTLP and JSON, and ten million characters everything: records have neither."""
    hostile = '\ud800' + 'x' * 300
    fit = '\N{REPLACEMENT CHARACTER}' + 'x' * 199

    async def run(tap: Tap) -> None:
        made = agent(['done', Calls(hostile, id=hostile)], ['done'], name=hostile)
        if door == 'watch':
            async with made.run_stream_events('hello') as events:
                async for _ in tap.watch(events):
                    pass
        elif door == 'handler':
            await made.run('hello', event_stream_handler=tap)
        else:
            await made.run('hello', capabilities=[tap.capability()])

    with capture() as seen:
        asyncio.run(run(seen.tap))
        assert [run.agent for run in seen.runs()] == [fit]
        assert [tool.tool_call_id for tool in seen.tools()] == [fit]
        assert seen.faults() == []


@pytest.mark.parametrize('door', ['handler', 'watch'])
def test_events_that_cannot_be_looked_at_are_passed_on(door: str):
    """A proxy that raises for every attribute it lacks is read like any other stream."""

    class Proxy:
        async def __aiter__(self) -> Any:
            yield 'an event'

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError('outside its context')

    async def read(tap: Tap) -> list[object]:
        if door == 'watch':
            return [event async for event in tap.watch(cast('AsyncIterable[object]', Proxy()))]
        ctx: Any = RunContext(deps=None, model=TestModel(), usage=RunUsage(), run_id='r')
        for _ in range(2):
            await tap(ctx, cast('Any', Proxy()))
        return ['an event']

    with capture() as seen:
        assert asyncio.run(read(seen.tap)) == ['an event']
