"""What counts as failed: one rule, for every view."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from streamtap._dashboards.config import Config
from streamtap._records.failed import has_failed
from streamtap._records.records import RequestOutcome, RunOutcome, ToolOutcome
from support.made_records import response, run, tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap import ResponseRecord, RunRecord, ToolRecord


@pytest.mark.parametrize(
    ('made', 'outcomes', 'failed'),
    [
        (run, get_args(RunOutcome), {'error', 'timeout', 'limit'}),
        (response, get_args(RequestOutcome), {'error', 'timeout'}),
        (tool, get_args(ToolOutcome), {'error', 'failed'}),
    ],
)
def test_only_these_outcomes_are_failures(
    made: Callable[..., RunRecord | ResponseRecord | ToolRecord], outcomes: tuple[str, ...], failed: set[str]
):
    """A person who pressed Stop did not fail, nor did what is deferred, denied, retried or incomplete."""
    assert {outcome for outcome in outcomes if has_failed(made(outcome=outcome))} == failed


def test_alerts_count_the_same_as_failures():
    """Unless somebody configures them otherwise."""
    assert (Config.bad_run_outcomes, Config.bad_tool_outcomes) == (('error', 'timeout', 'limit'), ('error', 'failed'))
