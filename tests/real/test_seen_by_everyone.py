"""The live view and the HTML report for those who see less, have a small window, or use the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from streamtap import serve
from support.made_runs_tap import MadeRunsTap
from support.varied_runs import HEBREW, HEBREW_TOOL, LONG, give, reported, varied_runs

pytestmark = pytest.mark.real
pytest.importorskip('playwright', reason='playwright is not installed: the dev extra gives it')
pytest.importorskip('axe_playwright_python', reason='axe is not installed: the dev extra gives it')

from playwright.sync_api import expect  # noqa: E402

from support.browser import opened  # noqa: E402
from support.seen import as_seen_with, least_difference, spoken_name, violations  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from support.seen import Deficiency

DEFICIENCIES: tuple[Deficiency, ...] = ('protanopia', 'deuteranopia', 'tritanopia', 'achromatopsia')
LEAST_DIFFERENCE = 15
"""Of two kinds of bars: the mean over their pixels, of 255."""

SWATCHES = {'page': '#legend .seg', 'report': '.legend .key:has(.bar, .stall, .again, .failed)'}


@pytest.fixture(scope='module')
def tap() -> MadeRunsTap:
    return MadeRunsTap()


@pytest.fixture(scope='module')
def live(browser: Browser, tap: MadeRunsTap) -> Iterator[Page]:
    """The live view of runs of every kind, one of them open."""
    with (
        serve(tap, port=0, registry=CollectorRegistry()) as server,
        opened(browser, str(server.live_url), color_scheme='light') as page,
    ):
        page.set_viewport_size({'width': 390, 'height': 900})
        expect(page.locator('#empty')).to_be_visible()
        assert violations(page) == [], 'without a run'
        for records in varied_runs():
            give(tap.added, records)
        page.locator('.run', has_text='researcher').click()
        page.get_by_text('As a table').click()
        yield page


@pytest.fixture(scope='module')
def report(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The report of the same runs."""
    with opened(browser, reported(tmp_path_factory.mktemp('report'), varied_runs()), color_scheme='light') as page:
        yield page


@pytest.fixture(params=['page', 'report'])
def either(request: pytest.FixtureRequest) -> Iterator[tuple[str, Page]]:
    """The live view, then the report; afterwards it looks as before."""
    page: Page = request.getfixturevalue('live' if request.param == 'page' else 'report')
    page.set_viewport_size({'width': 1400, 'height': 900})
    yield request.param, page
    page.emulate_media(color_scheme='light', forced_colors='none')


def test_axe_finds_nothing(either: tuple[str, Page]):
    """In light and dark, on a desk and on a phone, with a waterfall and its table open."""
    _, page = either
    for scheme in ('light', 'dark'):
        for width in (1400, 390):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({'width': width, 'height': 900})
            # Contrast, which takes long, is the same at any width.
            without = ['color-contrast'] if (scheme, width) in (('light', 390), ('dark', 1400)) else []
            assert violations(page, *without) == [], f'{scheme}, {width} px'


def test_axe_finds_nothing_on_a_comparison_on_one_run_and_side_by_side(browser: Browser, tmp_path: Path):
    """On a phone."""
    for options in (('--compare', str(tmp_path / 'journal')), ('--run', 'long'), ('--by', 'agent')):
        with opened(
            browser, reported(tmp_path, varied_runs(), *options), viewport={'width': 390, 'height': 900}
        ) as page:
            assert violations(page) == []
            assert page.evaluate(OUTSIDE) <= 0


def test_kinds_of_bars_are_told_apart_without_their_hue(either: tuple[str, Page]):
    """By a pattern or by lightness, with each deficiency of colour vision, in light and in dark."""
    name, page = either
    for deficiency in DEFICIENCIES:
        for scheme in ('light', 'dark'):
            page.emulate_media(color_scheme=scheme)
            with as_seen_with(page, deficiency):
                difference, which = least_difference(page, SWATCHES[name])
            assert difference > LEAST_DIFFERENCE, f'{deficiency}, {scheme}: {which}'


def test_bars_are_seen_and_told_apart_in_forced_colours(either: tuple[str, Page]):
    """As with high contrast of Windows, on black and on white."""
    name, page = either
    for scheme in ('light', 'dark'):
        page.emulate_media(color_scheme=scheme, forced_colors='active')
        difference, which = least_difference(page, SWATCHES[name])
        assert difference > LEAST_DIFFERENCE, f'{scheme}: {which}'


# What is outside of the window, what has less room than it needs, and which cells of a row are over each other.
OUTSIDE = 'document.documentElement.scrollWidth - innerWidth'
CUT = """(cells) => cells
  .filter((cell) => cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).display !== 'inline')
  .map((cell) => cell.textContent)"""
OVER_EACH_OTHER = """(rows) => rows.flatMap((row) => {
  const boxes = [...row.children].filter((cell) => cell.offsetWidth).map((cell) => [cell, cell.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], place) => boxes.slice(place + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => `${one.className} and ${other.className}`));
})"""
STOP = """() => {
  const it = document.activeElement;
  if (it === document.body) return 'out';
  return it.closest('#tables table')?.id || ['run', 'seg'].find((kind) => it.classList.contains(kind)) || '';
}"""
IS_IN_ORDER = """(heading) => {
  const range = document.createRange();
  range.selectNode(heading.childNodes[1]);
  return heading.firstChild.getBoundingClientRect().right <= range.getBoundingClientRect().left + 1;
}"""
WHERE = """(element, part) => {
  const text = element.firstChild, range = document.createRange();
  range.setStart(text, text.data.indexOf(part));
  range.setEnd(text, text.data.indexOf(part) + part.length);
  return range.getBoundingClientRect().left;
}"""
NUMBERS = '.number, .value, .note, td:not(.text), .axis b'


@pytest.mark.parametrize(
    ('width', 'zoom'), [(390, 1), (640, 1), (1024, 1), (1400, 1), (2560, 1), (700, 2)], ids=lambda value: str(value)
)
def test_nothing_is_cut_or_over_another_at_any_width(live: Page, report: Page, width: int, zoom: int):
    """From a phone to a wide screen, and at 200 %, which halves the window: the verdict, tokens and cost are there, too."""
    for page in (live, report):
        page.set_viewport_size({'width': width, 'height': 900})
        page.evaluate('(zoom) => { document.documentElement.style.fontSize = zoom === 2 ? "175%" : ""; }', zoom)
        assert page.evaluate(OUTSIDE) <= 0
        assert page.locator(NUMBERS).evaluate_all(CUT) == []
    assert live.locator('.run, .lane, .facts').evaluate_all(OVER_EACH_OTHER) == []
    for part in ('.agent', '.time', '.why', '.tokens', '.cost', '.when'):
        expect(live.locator(f'.run:has-text("researcher") {part}')).to_be_visible()
    live.evaluate('document.documentElement.style.fontSize = ""')


def test_a_long_name_is_cut_in_its_middle_and_read_whole(live: Page):
    """Its beginning and its end are what tells it from others; nothing of a shorter one is cut."""
    live.set_viewport_size({'width': 390, 'height': 900})
    assert spoken_name(live, '.run:first-child').startswith(f'success {LONG} 1.00 s')
    name = live.locator('.run .agent .named').first
    assert name.get_attribute('title') == LONG
    box, end = name.bounding_box(), name.locator('.tail').bounding_box()
    assert box is not None
    assert end is not None
    assert end['x'] + end['width'] <= box['x'] + box['width'] + 1
    beginning = name.locator('.head')
    assert beginning.evaluate('(part) => part.scrollWidth > part.clientWidth')
    live.set_viewport_size({'width': 1400, 'height': 900})
    short = live.locator('.run', has_text='cancelled-runner').locator('.agent .named')
    assert not short.evaluate('(part) => part.scrollWidth > part.clientWidth')


def test_a_name_from_right_to_left_reorders_nothing(live: Page, report: Page):
    """In a row, in what pointing at a bar shows, for a screen reader, and in a report's heading."""
    assert report.locator('h3', has_text=HEBREW).first.evaluate(IS_IN_ORDER)
    live.set_viewport_size({'width': 1400, 'height': 900})
    row = live.get_by_role('button', name=f'success {HEBREW} 1.00 s')
    agent, time = row.locator('.agent').bounding_box(), row.locator('.time').bounding_box()
    assert agent is not None
    assert time is not None
    assert agent['x'] < time['x']
    live.locator('.lane .seg.tool').last.focus()
    tip = live.locator('#tip')
    expect(tip).to_contain_text(f'{HEBREW_TOOL}\u2069: 2.83 s')
    assert tip.evaluate(WHERE, HEBREW_TOOL) < tip.evaluate(WHERE, ': 2.83 s')


def test_the_list_is_one_stop_of_tab(live: Page, tap: MadeRunsTap):
    """Arrows, Home, End and the pages move in it; it stays where it was, also when runs arrive."""
    focused = 'document.activeElement.querySelector(".agent")?.textContent'
    rows = live.locator('.run')
    assert live.locator('.run[tabindex="0"]').count() == 1
    rows.nth(1).focus()
    for key, place in (('End', -1), ('Home', 0), ('ArrowDown', 1), ('PageDown', -1), ('PageUp', 0)):
        live.keyboard.press(key)
        expect(rows.nth(place)).to_be_focused()
    before = live.evaluate(focused)
    tap.add_run('new', agent='new')
    expect(live.locator('#held')).to_be_visible()
    assert live.evaluate(focused) == before
    assert live.locator('.run[tabindex="0"]').count() == 1
    live.keyboard.press('Tab')
    expect(live.locator('.run:focus')).to_have_count(0)


def test_a_table_is_one_stop_of_tab(live: Page, tap: MadeRunsTap):
    """Arrows lead from its headings to its names; it stays where it was, also when its figures change."""
    buttons = live.locator('#agents button')
    assert live.locator('#agents button[tabindex="0"]').count() == 1
    buttons.first.focus()
    live.keyboard.press('ArrowRight')
    expect(live.locator('#agents thead button').nth(1)).to_be_focused()
    live.keyboard.press('ArrowDown')
    first = live.locator('#agents tbody button').first
    expect(first).to_be_focused()
    tap.add_run('later', agent='later')
    expect(live.locator('#agents')).to_contain_text('later')
    expect(first).to_be_focused()
    live.keyboard.press('End')
    expect(buttons.last).to_be_focused()
    assert live.locator('#agents button[tabindex="0"]').count() == 1


def test_a_group_of_buttons_is_one_stop_of_tab(live: Page):
    """Tab stops at the one that is pressed, arrows move, and only Enter or space chooses."""
    group = live.locator('#order')
    pressed, second = group.locator('[aria-pressed=true]'), group.locator('button').nth(1)
    assert group.locator('[tabindex="0"]').evaluate_all('(all) => all.map((one) => one.textContent)') == ['Newest']
    pressed.focus()
    live.keyboard.press('ArrowRight')
    expect(second).to_be_focused()
    expect(pressed).to_have_text('Newest')
    live.keyboard.press('Enter')
    expect(pressed).to_have_text('Slowest')
    live.keyboard.press('Home')
    live.keyboard.press('Enter')
    expect(pressed).to_have_text('Newest')
    live.keyboard.press('Tab')
    expect(live.locator('#search')).to_be_focused()


def test_few_stops_of_tab_are_before_the_list(live: Page):
    """A group is one: range, counts in the figures, order; and there is a link that skips them all."""
    live.evaluate('document.activeElement.blur()')
    live.locator('h1').click()
    stops: list[str] = []
    while 'run' not in stops:
        live.keyboard.press('Tab')
        stops.append(live.evaluate(STOP))
        assert len(stops) < 20
    assert len(stops) == 10


def test_tab_leads_through_the_page_and_out_of_it(live: Page):
    """Through the list, the waterfall and each table by one step each: nothing holds the focus."""
    live.evaluate('document.activeElement.blur()')
    live.locator('h1').click()
    stops: list[str] = []
    while 'out' not in stops:
        live.keyboard.press('Tab')
        stops.append(live.evaluate(STOP))
        assert len(stops) < 100
    tables = ['errors', 'agents', 'models', 'tools']
    assert [stop for stop in stops if stop in ('run', 'seg', *tables)] == ['run', 'seg', *tables]


def test_a_short_run_beside_a_long_one_can_have_its_own_scale(live: Page):
    """The axis says so, and the browser keeps the choice."""
    bar = live.locator('.run', has_text='error-runner').locator('.span')
    shared = bar.evaluate('(bar) => bar.clientWidth')
    live.get_by_role('button', name='Own scale').click()
    expect(live.locator('#scale .axis')).to_contain_text('100 % of its time')
    assert bar.evaluate('(bar) => bar.clientWidth') > 5 * shared
    live.reload()
    expect(live.locator('#scale .axis')).to_contain_text('100 % of its time')
    live.get_by_role('button', name='Own scale').click()
    expect(live.locator('#scale .axis')).to_contain_text('10 s')
