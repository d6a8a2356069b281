"""Tables of the live view and the HTML report fit the window: columns are left out, and no number is cut."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from streamtap import CalledRuns, FailureRecord, serve
from support.made_records import full_response, run, tool
from support.made_runs_tap import MadeRunsTap
from support.varied_runs import give, reported, varied_runs

pytestmark = pytest.mark.real
pytest.importorskip('playwright', reason='playwright is not installed: the dev extra gives it')

from playwright.sync_api import expect  # noqa: E402

from support.browser import opened  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from support.varied_runs import Record

OUTSIDE = 'document.documentElement.scrollWidth - innerWidth'
EXTENT = """(cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), boxes = [];
  while (texts.nextNode()) {
    if (texts.currentNode.parentElement.closest('.unseen')) continue;
    const words = document.createRange();
    words.selectNodeContents(texts.currentNode);
    boxes.push(...words.getClientRects());
  }
  const edge = (which, side) => Math[which](...boxes.map((box) => box[side]));
  return { left: edge('min', 'left'), right: edge('max', 'right'), top: edge('min', 'top'), bottom: edge('max', 'bottom') };
}"""
"""Where the text of a cell that can be seen is."""
CUT_OFF = f"""(boxes) => boxes.filter((box) => box.offsetWidth).flatMap((box) => {{
  const extent = {EXTENT};
  const start = box.getBoundingClientRect().left + box.clientLeft;
  return [...box.querySelectorAll('th, td')].filter((cell) => cell.offsetWidth).filter((cell) => {{
    const {{left, right}} = extent(cell);
    return left < start - 1 || right > start + box.clientWidth + 1;
  }}).map((cell) => cell.textContent);
}})"""
"""The cells of which a part is outside of the box of their table, which would have to be scrolled."""
SPLIT = """(names) => names.filter((name) => name.offsetWidth).flatMap((name) => {
  const texts = document.createTreeWalker(name, NodeFilter.SHOW_TEXT), broken = [];
  while (texts.nextNode()) {
    const range = document.createRange(), {currentNode: text} = texts;
    for (const part of text.data.matchAll(/[^\\s_\\-:/=]+/g)) {
      range.setStart(text, part.index);
      range.setEnd(text, part.index + part[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(part[0]);
    }
  }
  return broken;
})"""
"""The words of names that are on two lines."""
OVERLAPPING = f"""(rows) => rows.flatMap((row) => {{
  const extent = {EXTENT};
  const cells = [...row.cells].filter((cell) => cell.offsetWidth);
  return cells.slice(1).filter((cell, place) => extent(cells[place]).right > extent(cell).left + 1)
    .map((cell) => cell.textContent);
}})"""
"""The cells over which the text of the one before them is painted."""
HEADINGS = """(table) => [...table.querySelectorAll('thead th')]
  .filter((heading) => heading.offsetWidth).map((heading) => heading.textContent)"""
LEFT_OUT = """(boxes) => boxes.map((box) => {
  const [sentence] = [...box.querySelectorAll('.lacking')].filter((one) => one.offsetWidth);
  const said = (sentence?.innerText ?? '').replace('Left out for lack of room: ', '').split(', ');
  const { tHead: { rows: [heads] }, tBodies: [body] } = box.querySelector('table');
  const saysSome = (place) => [...body.rows].some((row) => !['\u2013', '-'].includes(row.cells[place].textContent));
  const hidden = [...heads.cells].filter((heading, place) => !heading.offsetWidth && saysSome(place));
  const name = (text) => text.split(' ').at(-1);
  return [said.map(name), hidden.map((heading) => name(heading.textContent))];
}).map((both) => both.map((names) => names.filter(Boolean).sort()))"""
"""The last words of what is said to be left out of each table, and of the headings of hidden columns that say something."""
BARS = """(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth)
  .map((box) => box.offsetHeight - box.clientHeight)"""
"""How high the scroll bar is below each table that needs one."""

OF_PLOTS = """(texts) => texts.filter((text) => {
  const inside = text.getBoundingClientRect(), plot = text.closest('svg').getBoundingClientRect();
  return inside.left < plot.left - 1 || inside.right > plot.right + 1;
}).map((text) => text.textContent)"""
"""The labels of plots of which a part is outside."""

TENANT = 'initech-industries-northern-europe'
TOOL = 'check_stock_in_regional_warehouses'


def busy_runs() -> Iterator[list[Record]]:
    """Runs of a tenant with a long name, which call another agent; one fails, one is cancelled, streams stall.

    The speed of no model is known, so that a column says nothing.
    """
    for number, outcome in enumerate(('success', 'success', 'error', 'cancelled')):
        run_id, inner = (f'01a22df3-2d8a-73c9-9ca5-{last}{number}' for last in ('55d200b7583', '66d200b7583'))
        error = 'ModelHTTPError_503' if outcome == 'error' else None
        failed = (
            FailureRecord(agent='concierge', error=error, place='model', name='function:gpt-4o', step=2)
            if error
            else None
        )
        outer_of: dict[str, Any] = {'run_id': run_id, 'agent': 'concierge'}
        inner_of: dict[str, Any] = {'run_id': inner, 'agent': 'researcher'}
        asked: dict[str, Any] = {'provider': 'function', 'output_tokens_per_second': None}
        labels = {'tenant': TENANT}
        yield [
            full_response(**outer_of, **asked, model='gpt-4o', stalls=2, stall_seconds=12.5, cost_usd=0.0542),
            full_response(**inner_of, **asked, model='house-7b', stalls=0, stall_seconds=0.0, cost_usd=0.00241),
            run(
                **inner_of,
                parent_run_id=run_id,
                cost_usd=0.00241,
                labels=labels,
                time_to_first_output=None,
                duration=1.5,
            ),
            tool(**outer_of, tool=TOOL, duration=0.227 + number * 1.4),
            tool(**outer_of, tool='quote_shipping', outcome='error', error_type='RuntimeError'),
            tool(**outer_of, tool='ask_researcher', outcome='interrupted'),
            run(
                **outer_of,
                outcome=outcome,
                error_type=error,
                failure=failed,
                cost_usd=0.0542,
                labels=labels,
                time_to_first_output=0.976,
                duration=3.5,
                called=CalledRuns(runs=1, requests=1, cost_usd=0.00241),
            ),
        ]


@pytest.fixture(scope='module')
def busy_page(browser: Browser) -> Iterator[Page]:
    """The live view of these runs."""
    tap = MadeRunsTap()
    with (
        serve(tap, port=0, registry=CollectorRegistry()) as server,
        opened(browser, str(server.live_url), color_scheme='light') as page,
    ):
        for records in busy_runs():
            give(tap.added, records)
        expect(page.locator('#tools')).to_contain_text('quote_')
        yield page


@pytest.fixture(scope='module')
def busy_report(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The report of these runs."""
    with opened(browser, reported(tmp_path_factory.mktemp('busy'), busy_runs()), color_scheme='light') as page:
        yield page


@pytest.mark.parametrize('width', [360, 390, 768, 1280, 1920])
def test_no_number_of_a_table_is_cut_at_any_width(busy_page: Page, busy_report: Page, width: int):
    """And nothing has to be scrolled to be seen: columns are left out, and names are broken between their words."""
    for page, boxes in ((busy_page, '#tables .table'), (busy_report, 'div.table')):
        page.set_viewport_size({'width': width, 'height': 900})
        page.wait_for_function(
            '() => [...document.querySelectorAll(".table")].every((box) => box.scrollWidth <= box.clientWidth)'
        )
        assert page.evaluate(OUTSIDE) <= 0
        assert page.locator(boxes).count() == 5
        assert page.locator(boxes).evaluate_all(CUT_OFF) == []
        assert page.locator(f'{boxes} :is(tbody th, td)').evaluate_all(SPLIT) == []


@pytest.mark.parametrize('width', [360, 390, 768, 1280, 1920])
def test_a_run_as_a_table_fits_too(busy_page: Page, width: int):
    """Names are on several lines where there is little room; when each step began and what it wrote go first."""
    busy_page.set_viewport_size({'width': width, 'height': 900})
    busy_page.locator('.run').first.click()
    busy_page.get_by_text('As a table').click()
    busy_page.wait_for_function(
        '() => [...document.querySelectorAll(".detail .scroll")].every((box) => box.scrollWidth <= box.clientWidth)'
    )
    assert busy_page.locator('.detail .scroll').evaluate_all(CUT_OFF) == []
    assert busy_page.locator('.detail .scroll tr').evaluate_all(OVERLAPPING) == []
    assert busy_page.locator('.detail .scroll :is(tbody th, td)').evaluate_all(SPLIT) == []
    for heading in 'took', 'outcome':
        expect(busy_page.locator('.detail thead').get_by_text(heading, exact=True)).to_be_visible()
    busy_page.locator('.run').first.click()
    expect(busy_page.locator('.detail')).to_have_count(0)


def test_nested_runs_come_on_top_of_those_that_users_asked_for(busy_page: Page, busy_report: Page):
    """In the rows of agents, their total and labels: four runs, each of which called another one."""
    runs = """(table) => [...table.querySelectorAll('tbody tr')].map((row) => {
      const titles = [...table.querySelectorAll('thead th')].map((title) => title.textContent.split(' ')[0]);
      return ['runs', 'nested'].map((name) => row.children[titles.indexOf(name)].textContent.replace('\u2013', '0'));
    })"""
    for page in (busy_page, busy_report):
        page.set_viewport_size({'width': 1920, 'height': 900})
    on_page: list[list[str]] = busy_page.locator('#agents').evaluate(runs)
    assert sorted(on_page) == [['0', '4'], ['4', '0']]
    table = busy_report.locator('div.table > table', has=busy_report.locator('thead th:text-is("nested")'))
    assert [sorted(each.evaluate(runs)) for each in table.all()] == [
        [['0', '4'], ['4', '0'], ['4', '4']],
        [['4', '4']],
    ]


@pytest.mark.parametrize('width', [360, 390])
def test_a_phone_shows_the_columns_that_are_worth_most(busy_page: Page, busy_report: Page, width: int):
    """Where streams stall and which tool is slow can be told; a column without a figure has made room for them."""
    for page in (busy_page, busy_report):
        page.set_viewport_size({'width': width, 'height': 900})
    page_models, page_tools = busy_page.locator('#models'), busy_page.locator('#tools')
    models, tools = (
        busy_report.locator('div.table > table', has=busy_report.locator(f'thead th:text-is("{name}")'))
        for name in ('model', 'tool')
    )
    for table, needed in ((page_models, 'stalls'), (models, 'stalls'), (page_tools, 'p95'), (tools, 'p95')):
        expect(table.locator('thead th:visible', has_text=needed)).to_be_visible()
        headings: list[str] = table.evaluate(HEADINGS)
        assert not any(heading.startswith('tokens/s') for heading in headings)


@pytest.mark.parametrize('width', [360, 390, 768, 1280])
def test_the_columns_that_are_left_out_are_named_below_their_table(busy_page: Page, busy_report: Page, width: int):
    """Those that say something, by the name that tells them apart: a p95 says of what."""
    for page, boxes in ((busy_page, '#tables .table'), (busy_report, 'div.table')):
        page.set_viewport_size({'width': width, 'height': 900})
        page.wait_for_function(
            '() => [...document.querySelectorAll(".table")].every((box) => box.scrollWidth <= box.clientWidth)'
        )
        left_out = page.locator(boxes).evaluate_all(LEFT_OUT)
        assert [said for said, _ in left_out] == [hidden for _, hidden in left_out]
        assert any(said for said, _ in left_out) or width > 700
    if width < 700:
        expect(busy_report.locator('.lacking:visible').nth(1)).to_contain_text('blank p95', use_inner_text=True)


def test_a_wide_report_has_all_columns(busy_report: Page):
    """A long name of a tenant takes two lines for it."""
    busy_report.set_viewport_size({'width': 1280, 'height': 900})
    for table in busy_report.locator('div.table > table').all():
        expect(table.locator('thead th:not(:visible)')).to_have_count(0)


@pytest.mark.parametrize('width', [360, 390])
def test_a_phone_shows_all_ways_in_which_runs_failed(browser: Browser, tmp_path: Path, width: int):
    """Counts of outcomes take several lines, none of which is broken inside a count, and nothing is scrolled."""
    outcomes = (*['error'] * 14, *['timeout'] * 3, 'limit')
    runs = [
        [
            run(
                run_id=f'{tenant} {number}',
                agent='concierge',
                outcome=outcome,
                labels={'tenant': tenant},
                cost_usd=0.03,
            )
            for number, outcome in enumerate(outcomes)
        ]
        for tenant in ('acme', 'initech')
    ]
    with opened(browser, reported(tmp_path, runs), viewport={'width': width, 'height': 900}) as page:
        assert page.locator('div.table').evaluate_all(CUT_OFF) == []
        assert (
            page.locator('div.table').evaluate_all('(all) => all.filter((one) => one.scrollWidth > one.clientWidth)')
            == []
        )
        counts = page.locator('tr.total .counts span')
        assert counts.all_text_contents() == ['28 errors,', '6 timeouts,', '2 limits']
        assert all(
            page.locator('.counts span').evaluate_all('(all) => all.map((one) => one.getClientRects().length === 1)')
        )


@pytest.mark.parametrize('width', [360, 390, 1280])
def test_no_label_of_a_plot_is_cut(busy_report: Page, width: int):
    """On a phone labels are larger, beside the same lines."""
    busy_report.set_viewport_size({'width': width, 'height': 900})
    assert busy_report.locator('figure svg text').count() > 10
    assert busy_report.locator('figure svg text').evaluate_all(OF_PLOTS) == []


def test_a_table_that_does_not_fit_is_seen_to_be_scrolled(browser: Browser, tmp_path: Path):
    """A comparison has columns that all must stay: there is a scroll bar, which tests hide elsewhere."""
    address = reported(tmp_path, varied_runs(), '--compare', str(tmp_path / 'journal'))
    kind = browser.browser_type
    with (
        kind.launch(
            executable_path=shutil.which('chromium'), args=['--no-sandbox'], ignore_default_args=['--hide-scrollbars']
        ) as with_bars,
        opened(with_bars, address, viewport={'width': 390, 'height': 900}) as page,
    ):
        bars: list[int] = page.locator('div.table').evaluate_all(BARS)
        assert bars
        assert min(bars) > 5
