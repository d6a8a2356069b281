"""The share of the input that came from a cache, on the boards of Grafana: there is none where nothing was said of a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.boards import FILES, asked
from support.promtool_expressions import differences

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600
WHO = 'agent="a", provider="p", model="m", job="j", instance="i"'


@pytest.mark.parametrize(
    ('read', 'written', 'missed', 'share'),
    [
        pytest.param('0', '0', None, None, id='nothing was said of a cache'),
        pytest.param('0+5', '0', None, 0.5, id='half was read from it'),
        pytest.param('0', '0+5', None, 0.0, id='it was only written'),
        pytest.param('0', '0', '0+5', 0.0, id='it was only missed'),
    ],
)
@pytest.mark.parametrize(
    ('board', 'title'),
    [
        ('models', 'Input from the cache'),
        ('models', 'Input from the cache by model'),
        ('health', 'Input from the cache by agent'),
    ],
)
def test_who_says_nothing_of_a_cache_has_no_share(
    board: str,
    title: str,
    read: str,
    written: str,
    missed: str | None,
    share: float | None,
    promtool: str,
    tmp_path: Path,
):
    """As in the summary; who wrote to one or missed one has one."""
    (path,) = [each for each in FILES if each.stem == board]
    (query,) = [each.expr for each in asked(path, HOUR) if each.panel == title]
    counted = {'input': '0+10', 'cache_read': read, 'cache_write': written}
    series = {f'pydantic_ai_{name}_tokens_total{{{WHO}}}': f'{values}x240' for name, values in counted.items()}
    if missed is not None:
        series[f'pydantic_ai_cache_missed_tokens_total{{{WHO}, reason="unknown"}}'] = f'{missed}x240'
    found = f'round(sum ({query}), 0.01)'
    assert differences(promtool, tmp_path, series, {found: share}, at='240m') == ''
