"""Every way to run an agent and every way a run can end, against the server's clock and the tools' own.

The bounds are generous, as a busy machine must not fail them; `make truth` has the tight ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from truth.cases import all_cases
from truth.judge import GENEROUS, judge
from truth.world import happen

if TYPE_CHECKING:
    from truth.case import Case, Door

TRIES = 3
"""A machine that stands still for a moment disturbs one try, and not three; what is wrong is wrong each time."""


@pytest.mark.parametrize(
    ('case', 'door'), [pytest.param(case, door, id=f'{case.group}: {case.name} [{door}]') for case, door in all_cases()]
)
def test_what_is_recorded_is_true(case: Case, door: Door):
    """Outcomes, counts, tokens and cost exactly; times within the bounds; absent where nobody can know."""
    faults: list[str] = []
    for _ in range(TRIES):
        faults = judge(case, door, *happen(case, door), GENEROUS).faults
        if not faults:
            break
    assert faults == []
