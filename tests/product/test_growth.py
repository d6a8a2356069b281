"""What boards call the growth of a counter, by Prometheus' own evaluation of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamtap._dashboards.promql.growth import grown
from support.promtool_expressions import differences

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = 'pydantic_ai_run_errors_total'


@pytest.mark.parametrize(
    ('samples', 'expected'),
    [
        pytest.param('3x240', 0, id='it did not grow'),
        pytest.param('_x200 1x40', 1, id='it began at 1 within the window'),
        pytest.param('_x200 1 2 2 4x37', 4, id='it began and went on'),
        pytest.param('0+1x240', 60, id='it grows all the time'),
        pytest.param('5x200 0 2x39', 2, id='its process was replaced'),
        pytest.param('_x190 1 2 1 1x47', 3, id='it began, and then its process was replaced'),
        pytest.param('7x181 stale _x58', 0, id='it ended with one sample in the window'),
        pytest.param('9x170 _x20 9 10x50', 1, id='its scrapes failed when the window began'),
        pytest.param('_x100 4x20 _x121', 0, id='it was gone before the window'),
    ],
)
def test_growth_over_an_hour_is_right(samples: str, expected: float, each_promtool: str, tmp_path: Path):
    """A sample a minute for four hours, asked at their end; Prometheus guesses half a minute at the edges of a window."""
    counted = f'round(sum ({grown(ERRORS, "1h")}) or vector(0))'
    series = {f'{ERRORS}{{agent="a"}}': samples}
    assert differences(each_promtool, tmp_path, series, {counted: expected}, at='240m') == ''
