"""Labels from OpenTelemetry's baggage: where they come from, who wins, and what is no label."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context

from streamtap import Tap
from streamtap.testing import MemorySink
from support.doors import DOORS
from support.event_readers import read
from support.scripted import Calls, agent

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def carried(**values: Any) -> Generator[None]:
    """Baggage that is there while the block runs, as middleware would leave it."""
    ctx = context.get_current()
    for name, value in values.items():
        ctx = baggage.set_baggage(name, value, ctx)
    token = context.attach(ctx)
    try:
        yield
    finally:
        context.detach(token)


def labels_of(
    door: str, metadata: dict[str, Any] | None = None, *, asked: tuple[str, ...] = ('tenant',)
) -> dict[str, str]:
    """The labels of a run at a door, of the two that the tap has."""
    memory = MemorySink()
    tap = Tap([memory], labels=('tenant', 'tier'), baggage_labels=asked)
    made = agent(['done'], capabilities=[tap.capability()] if door == 'capability' else [], metadata=metadata)
    if door == 'watch':
        asyncio.run(read(made, 'events', tap.watch))
    else:
        asyncio.run(made.run('hello', event_stream_handler=tap if door == 'handler' else None))
    tap.close()
    (run,) = memory.runs
    assert [response.labels for response in memory.responses] == [run.labels]
    return dict(run.labels)


@pytest.mark.parametrize('door', DOORS)
def test_a_label_comes_from_baggage_if_it_may(door: str):
    """Only those that were asked for."""
    with carried(tenant='acme', tier='gold'):
        assert labels_of(door) == {'tenant': 'acme', 'tier': ''}
        assert labels_of(door, asked=()) == {'tenant': '', 'tier': ''}


@pytest.mark.parametrize('door', DOORS)
def test_metadata_wins(door: str):
    """What the code says is more than what came along."""
    with carried(tenant='acme'):
        assert labels_of(door, {'tenant': 'ours'}) == {'tenant': 'ours', 'tier': ''}


def test_a_run_that_a_tool_calls_has_its_callers():
    """Even if the tool's code carries something else."""
    memory = MemorySink()
    tap = Tap([memory], labels=('tenant', 'tier'), baggage_labels=('tenant', 'tier'))
    inner = agent(['inner'], name='inner', capabilities=[tap.capability()])
    outer = agent([Calls('ask')], ['done'], name='outer', capabilities=[tap.capability()])

    @outer.tool_plain
    async def ask() -> str:
        with carried(tenant='other', tier='gold'):
            return str((await inner.run('go')).output)

    with carried(tenant='acme'):
        asyncio.run(outer.run('hello'))
    tap.close()
    assert {run.agent: dict(run.labels) for run in memory.runs} == {
        'outer': {'tenant': 'acme', 'tier': ''},
        'inner': {'tenant': 'acme', 'tier': 'gold'},
    }


@pytest.mark.parametrize(
    ('value', 'label'),
    [('a' * 300, 'a' * 200), ('two\nlines\u202e', 'two\ufffdlines\ufffd'), (7, ''), (object(), ''), ('', '')],
)
def test_values_are_clean_and_short(value: object, label: str):
    """They may come from anywhere; what is no text is none."""
    with carried(tenant=value):
        assert labels_of('capability')['tenant'] == label


def test_it_must_be_a_label():
    """With what to do instead."""
    with pytest.raises(ValueError, match="'team', which is none of labels"):
        Tap([], labels=('tenant',), baggage_labels=('team',))
    with pytest.raises(TypeError, match=r"for instance baggage_labels=\('tenant',\)"):
        Tap([], labels=('tenant',), baggage_labels='tenant')
