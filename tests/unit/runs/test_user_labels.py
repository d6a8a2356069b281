"""The user's own labels of a run whose metadata has none of them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import Tap
from streamtap.testing import MemorySink
from support.scripted import agent

if TYPE_CHECKING:
    from collections.abc import Iterable

WARNING = (
    'streamtap: the metadata of a run has none of these labels: tenant, tier. The run counts under their empty value. '
    'Is a key misspelt? Further runs like this are not logged'
)


def run_with(
    every_metadata: Iterable[dict[str, Any] | None], labels: tuple[str, ...] = ('tenant', 'tier')
) -> list[dict[str, str]]:
    """The labels of runs, each with its metadata."""
    memory = MemorySink()
    with Tap([memory], labels=labels) as tap:
        for metadata in every_metadata:
            asyncio.run(agent(['done'], capabilities=[tap.capability()], metadata=metadata).run('hello'))
    return [dict(run.labels) for run in memory.runs]


def test_metadata_without_any_label_is_warned_of_once(caplog: pytest.LogCaptureFixture):
    """Without the keys and values of the metadata, which are the user's own."""
    with caplog.at_level(logging.WARNING, 'streamtap'):
        found = run_with([{'tennant': 'acme'}, {'tennant': 'globex'}])
    assert found == [{'tenant': '', 'tier': ''}] * 2
    assert caplog.messages == [WARNING]


@pytest.mark.parametrize('metadata', [None, {}, {'tenant': 'acme', 'other': 1}, {'tier': ''}])
def test_metadata_that_is_empty_or_has_a_label_is_not_warned_of(
    metadata: dict[str, Any] | None, caplog: pytest.LogCaptureFixture
):
    """A label may be missing, and a run needs no metadata."""
    with caplog.at_level(logging.WARNING, 'streamtap'):
        run_with([metadata])
    assert caplog.messages == []


def test_without_labels_metadata_is_not_looked_at(caplog: pytest.LogCaptureFixture):
    """It is there for something else."""
    with caplog.at_level(logging.WARNING, 'streamtap'):
        assert run_with([{'tennant': 'acme'}], labels=()) == [{}]
    assert caplog.messages == []
