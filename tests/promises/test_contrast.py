"""Colours of the page and of reports can be told from what is behind them, in light and in dark."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

BARS = ('waiting', 'thinking', 'text', 'tool_call', 'tool', 'model', 'stall', 'failed', 'spark')
BEHIND_BARS = ('card', 'track')
TEXTS = ('ink', 'soft', 'link', 'ok', 'bad', 'warn')
BEHIND_TEXTS = ('page', 'card', 'hover', 'inside')


def page_colours(theme: int) -> dict[str, str]:
    static = files('streamtap._web') / 'static'
    css = (static / 'live.css').read_text() + (static / 'bars.css').read_text()
    return {name: pair[theme] for name, *pair in re.findall(r'--(\w+): light-dark\((#\w{6}), (#\w{6})\)', css)}


def report_colours(theme: int) -> dict[str, str]:
    css = files('streamtap._report').joinpath('report.css').read_text()
    roots = re.findall(r':root \{(.*?)\}', css, re.DOTALL)
    return dict(re.findall(r'--(\w+): (#\w{6})', roots[theme]))


def contrast(one: str, other: str) -> float:
    """The ratio that WCAG 2 defines."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize('theme', [0, 1], ids=['light', 'dark'])
def test_the_pages_bars_have_a_contrast_of_three_and_its_texts_of_four_and_a_half(theme: int):
    """To everything that is ever behind them."""
    colours = page_colours(theme)
    pairs = [(3, bar, behind) for bar in BARS for behind in BEHIND_BARS if (bar, behind) != ('spark', 'track')]
    pairs += [(4.5, text, behind) for text in TEXTS for behind in BEHIND_TEXTS]
    too_low = [pair for least, *pair in pairs if contrast(colours[pair[0]], colours[pair[1]]) < least]
    assert too_low == []


@pytest.mark.parametrize('theme', [0, 1], ids=['light', 'dark'])
def test_a_reports_bars_have_a_contrast_of_three_and_its_texts_of_four_and_a_half(theme: int):
    """Its figures are on cards, all else on paper."""
    colours = report_colours(theme)
    texts = {'ink', 'dim', 'accent', 'bad', 'good'}
    least = {name: 4.5 if name in texts else 3 for name in colours if name not in ('paper', 'card', 'rule')}
    pairs = [(name, behind) for name in least for behind in ('paper', 'card')]
    assert [pair for pair in pairs if contrast(colours[pair[0]], colours[pair[1]]) < least[pair[0]]] == []
