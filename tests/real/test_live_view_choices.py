"""From a number on the live page to its runs, in a real browser: filters, search, order, range, links and pause."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from streamtap import FailureRecord, serve
from support.made_records import full_response, run, run_start, tool
from support.made_runs_tap import MadeRunsTap

pytestmark = pytest.mark.real
pytest.importorskip('playwright', reason='playwright is not installed: the dev extra gives it')

from playwright.sync_api import expect  # noqa: E402

from support.browser import opened  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from streamtap import MetricsServer

TOKEN = 'hvXq2-bMWc71_kTzRpLd'
TRACE = '0af7651916cd43dd8448eb211c80319c'


@pytest.fixture
def tap() -> MadeRunsTap:
    return MadeRunsTap()


@pytest.fixture
def server(tap: MadeRunsTap) -> Iterator[MetricsServer]:
    url = 'https://traces.example.org/{trace_id}?of={trace_id}'
    with serve(tap, port=0, token=TOKEN, trace_url=url, registry=CollectorRegistry()) as it:
        yield it


@pytest.fixture
def page(browser: Browser, server: MetricsServer) -> Iterator[Page]:
    allowed = ['clipboard-read', 'clipboard-write']
    with opened(browser, f'{server.live_url}?token={TOKEN}', permissions=allowed) as it:
        expect(it.locator('#state')).to_have_text('live')
        yield it


def add(tap: MadeRunsTap, run_id: str, model: str, tool_name: str, error: str | None = None, **of_run: Any) -> None:
    """A run with a request, and a tool call that may fail."""
    agent = of_run.get('agent', 'a')
    outcome = 'error' if error else 'success'
    for sink in tap.added:
        sink.run_started(run_start(run_id))
        sink.response_ended(full_response(run_id=run_id, agent=agent, model=model, parts=(), stalls=0))
        sink.tool_ended(
            tool(run_id=run_id, agent=agent, tool=tool_name, started_ns=2 * 10**9, outcome=outcome, error_type=error)
        )
        why = FailureRecord(agent=agent, error=error, place='tool', name=tool_name, step=2) if error else None
        sink.run_ended(run(**{'run_id': run_id, 'outcome': outcome, 'error_type': error, 'failure': why, **of_run}))


def add_some(tap: MadeRunsTap) -> None:
    """Six runs of two agents."""
    add(tap, 'one', 'gpt', 'search', duration=1.0, agent='billing', labels={'tenant': 'acme'}, trace_id=TRACE)
    add(tap, 'two', 'gpt', 'lookup', duration=5.0, agent='billing', labels={'tenant': 'globex'})
    add(tap, 'three', 'claude', 'search', duration=3.0, agent='editor', labels={'tenant': 'acme'})
    add(tap, 'four', 'claude', 'lookup', 'KeyError', duration=2.0, agent='editor', labels={'tenant': 'acme'})
    add(tap, 'five', 'claude', 'lookup', 'KeyError', duration=4.0, agent='editor', labels={'tenant': ''})
    add(tap, 'six', 'gpt', 'search', agent='billing', labels={'tenant': 'acme'}, outcome='cancelled')


def shown(page: Page) -> Locator:
    """The times of the runs in the list, by which the runs above are told apart."""
    return page.locator('.run .time')


def press(page: Page, name: str) -> None:
    """One of the buttons above the list or at the top."""
    page.locator('.choice').get_by_role('button', name=name, exact=True).click()


def test_each_name_in_a_table_leads_to_its_runs(page: Page, tap: MadeRunsTap):
    """By click or by Enter; filters combine, stand above the list, and go one by one or all at once."""
    add_some(tap)
    expect(shown(page)).to_have_count(6)
    page.locator('#agents').get_by_role('button', name='editor').click()
    expect(shown(page)).to_have_text(['4.00 s', '2.00 s', '3.00 s'])
    expect(page.locator('#kept')).to_have_text('3 of 6 kept runs match.')
    expect(page.locator('#all-others')).to_contain_text('the tables below are of all runs')
    page.locator('#tools').get_by_role('button', name='tool editor/search').press('Enter')
    expect(shown(page)).to_have_text(['3.00 s'])
    expect(page.locator('.chip')).to_have_text(['agent editor', 'tool editor/search'])
    page.get_by_role('button', name='Remove agent editor').click()
    expect(page.locator('.chip')).to_have_text(['tool editor/search'])
    page.click('#clear')
    expect(page.locator('.chip')).to_have_count(0)
    expect(page.locator('#all-others')).to_be_hidden()
    page.locator('#models').get_by_role('button', name='p:gpt').click()
    page.locator('#tables').get_by_role('button', name='tenant: acme').click()
    expect(shown(page)).to_have_text(['4.00 s', '1.00 s'])
    page.click('#clear')
    page.locator('#tables').get_by_role('button', name='Only runs of no tenant').click()
    expect(shown(page)).to_have_text(['4.00 s'])
    page.click('#clear')
    error = page.locator('#errors tbody tr')
    expect(error.locator('th, td:nth-child(-n + 5)')).to_have_text(['KeyError', 'in tool lookup', '2', 'editor', '2'])
    error.get_by_role('button', name='KeyError in tool lookup (editor)').click()
    expect(page.locator('#kept')).to_have_text('2 of 2 kept failed runs match.')
    expect(shown(page)).to_have_text(['4.00 s', '2.00 s'])
    page.locator('.run').first.click()
    page.locator('.detail').get_by_role('button', name='tool editor/lookup').click()
    expect(page.locator('.chip')).to_have_text(['KeyError in tool lookup (editor)', 'tool editor/lookup'])


def test_a_missing_label_is_not_a_value_called_none(page: Page, tap: MadeRunsTap):
    """Nor one that is called as the page calls it."""
    for number, tenant in enumerate(('', 'none', 'no tenant'), 1):
        add(tap, str(number), 'gpt', 'search', duration=float(number), labels={'tenant': tenant})
    for name, time in ('no tenant', '1.00 s'), ('tenant: none', '2.00 s'), ('tenant: no tenant', '3.00 s'):
        page.locator('#tables').get_by_role('button', name=f'Only runs of {name}', exact=True).click()
        expect(page.locator('.chip')).to_have_text([name])
        expect(shown(page)).to_have_text([time])
        page.locator('.run').click()
        expect(page.locator('.facts').get_by_role('button', name=f'Only runs of {name}', exact=True)).to_be_visible()
        page.click('#clear')


def test_runs_are_found_by_id_and_by_words(page: Page, tap: MadeRunsTap):
    """An id by its beginning, and names by any part of them, all words at once."""
    add_some(tap)
    expect(shown(page)).to_have_count(6)
    for words, found in (
        (TRACE, ['1.00 s']),
        (TRACE[:6].upper(), ['1.00 s']),
        ('thr', ['3.00 s']),
        ('hree', []),
        ('keyerr', ['4.00 s', '2.00 s']),
        (' claude  sear ', ['3.00 s']),
        ('glob bill', ['5.00 s']),
        ('nothing', []),
    ):
        page.fill('#search', words)
        expect(shown(page)).to_have_text(found)
    expect(page.locator('#kept')).to_have_text('None of 6 kept runs match.')
    page.click('#clear')
    expect(shown(page)).to_have_count(6)
    # Also one that is opened has to match.
    page.locator('.run').first.click()
    page.fill('#search', 'glob')
    expect(shown(page)).to_have_text(['5.00 s'])
    assert page.url.endswith('#q=glob')


def test_each_choice_is_complete_and_says_what_is_left_out(page: Page, tap: MadeRunsTap):
    """However many other runs come later; a range hides what ended before."""
    add_some(tap)
    for number in range(250):
        tap.add_run(f'{number}', duration=0.5)
    expect(page.locator('#kept')).to_contain_text('200 of 256 runs since')
    for choice, found, said in (
        ('Slowest', ['5.00 s', '4.00 s', '4.00 s', '3.00 s', '2.00 s', '1.00 s', '500 ms'], '100 of 256 runs since'),
        ('Failed', ['4.00 s', '2.00 s'], 'All 2 failed runs since'),
        ('Cancelled', ['4.00 s'], 'The only cancelled run since'),
    ):
        press(page, choice)
        expect(page.locator('#kept')).to_contain_text(said)
        assert shown(page).all_text_contents()[:7] == found
    page.locator('#figures').get_by_role('button', name='2 failed').click()
    expect(shown(page)).to_have_text(['4.00 s', '2.00 s'])
    press(page, '1 min')
    expect(page.locator('#agents caption')).to_have_text('Agentslast minute')
    press(page, 'Slowest')
    expect(page.locator('#kept')).to_contain_text('30 of 256 runs since')


def test_tab_leads_to_the_first_run_of_what_was_chosen(page: Page, tap: MadeRunsTap):
    """Also where somebody had been at another one before, and where runs came since."""

    def tab_to_the_list() -> None:
        for _ in range(12):
            page.keyboard.press('Tab')
            if page.locator('.run:focus').count():
                return

    add(tap, 'first', 'gpt', 'search', duration=1.0)
    expect(shown(page)).to_have_count(1)
    add_some(tap)
    expect(shown(page)).to_have_count(7)
    first, choices = page.locator('.run').first, page.locator('#order button')
    choices.first.focus()
    tab_to_the_list()
    expect(first).to_be_focused()
    page.keyboard.press('End')
    for place in (1, 0):
        choices.nth(place).focus()
        page.keyboard.press('Enter')
        tab_to_the_list()
        expect(first).to_be_focused()
        page.keyboard.press('ArrowDown')


def test_tables_are_sorted_by_what_hurts_or_by_any_column(page: Page, tap: MadeRunsTap):
    """The highest first, then the lowest, with what is unknown last; and a row stays while it is pointed at."""
    add_some(tap)
    names, heads = page.locator('#agents tbody th'), page.locator('#agents thead th')
    expect(names).to_have_text(['editor', 'billing'])
    expect(heads.filter(has_text='failed')).to_have_attribute('aria-sort', 'descending')
    page.locator('#agents').get_by_role('button', name='blank screen').click()
    expect(heads.filter(has_text='failed')).to_have_attribute('aria-sort', 'none')
    page.locator('#agents').get_by_role('button', name='runs', exact=True).click()
    page.locator('#agents').get_by_role('button', name='runs', exact=True).click()
    expect(heads.nth(1)).to_have_attribute('aria-sort', 'ascending')
    page.locator('#agents').get_by_role('button', name='agent', exact=True).click()
    expect(names).to_have_text(['billing', 'editor'])
    page.locator('#agents').get_by_role('button', name='failed').click()
    expect(names).to_have_text(['editor', 'billing'])
    add(tap, 'seven', 'gpt', 'search', 'ValueError', agent='billing')
    page.fill('#search', TRACE)
    expect(shown(page)).to_have_text(['1.00 s'])
    expect(page.locator('#agents tbody td.bad')).to_have_text(['2', '1'])
    # Now neither the list nor the table of errors grows, which would move this one away from the pointer.
    names.first.hover()
    for number in range(2):
        add(tap, f'{number}', 'gpt', 'search', 'ValueError', agent='billing')
    expect(page.locator('#agents tbody td.bad')).to_have_text(['2', '3'])
    expect(names).to_have_text(['editor', 'billing'])
    page.hover('h1')
    expect(names).to_have_text(['billing', 'editor'])


@pytest.mark.parametrize('width', [390, 1280])
def test_a_name_in_a_table_leads_to_the_beginning_of_the_list(page: Page, tap: MadeRunsTap, width: int):
    """Where the filter stands and the first run is, also of a list that is longer than the window."""
    page.set_viewport_size({'width': width, 'height': 700})
    for number in range(30):
        add(tap, f'{number}', 'gpt', 'search', agent='billing', labels={'tenant': 'acme'})
    page.locator('#tables').get_by_role('button', name='acme').click()
    expect(page.locator('.chip')).to_be_in_viewport()
    expect(page.locator('.run').first).to_be_in_viewport()


def test_the_link_to_the_runs_leaves_the_address_as_it_is(page: Page, tap: MadeRunsTap):
    """Which says what is shown; the next step of the keyboard is in the list."""
    add_some(tap)
    press(page, 'Failed')
    address = page.url
    assert address.endswith('#order=failed')
    page.locator('.skip').focus()
    page.keyboard.press('Enter')
    expect(page.locator('#runs')).to_be_focused()
    assert page.url == address
    page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.closest("#runs") !== null')


def test_the_address_says_what_is_shown(page: Page, tap: MadeRunsTap, server: MetricsServer):
    """For back and forward, for whoever opens it, and to be copied; the token is not in it."""
    add_some(tap)
    press(page, 'Slowest')
    page.locator('#agents').get_by_role('button', name='billing').click()
    page.fill('#search', 'search')
    expect(shown(page)).to_have_text(['4.00 s', '1.00 s'])
    page.locator('.run').nth(1).click()
    said = f'{server.live_url}#agent=billing&order=slowest&q=search&run=one'
    assert page.url == said
    page.go_back()
    expect(page.locator('.detail')).to_have_count(0)
    page.go_back()
    expect(page.locator('#search')).to_have_value('')
    page.go_forward()
    page.go_forward()
    expect(page.locator('.detail')).to_have_count(1)
    page.click('#copy-link')
    expect(page.locator('#copy-link')).to_have_text('Copied')
    assert page.evaluate('navigator.clipboard.readText()') == said
    # As somebody would who keeps the address with the token.
    page.goto('about:blank')
    page.goto(said.replace('#', f'?token={TOKEN}#'))
    expect(page.locator('.run[aria-expanded=true] .time')).to_have_text('1.00 s')
    expect(page.locator('.chip')).to_have_text(['agent billing'])
    assert page.url == said
    page.get_by_role('button', name='Copy link').nth(1).click()
    expect(page.get_by_role('button', name='Copied')).to_be_visible()
    assert page.evaluate('navigator.clipboard.readText()') == f'{server.live_url}#run=one'
    page.get_by_role('button', name='Copy as JSON').click()
    expect(page.get_by_role('button', name='Copied')).to_have_count(2)
    copied = json.loads(page.evaluate('navigator.clipboard.readText()'))
    assert (copied['id'], copied['trace'], len(copied['rows'])) == ('one', TRACE, 2)
    link = page.get_by_role('link', name='Open the trace')
    expect(link).to_have_attribute('href', f'https://traces.example.org/{TRACE}?of={TRACE}')
    expect(link).to_have_attribute('rel', 'noopener')
    expect(link).to_have_attribute('target', '_blank')


def test_an_address_of_anything_shows_what_it_can(page: Page, tap: MadeRunsTap, server: MetricsServer):
    """A run that is not kept is said to be so, and the rest is as if it was not there; none of it is markup."""
    add_some(tap)
    name = '<img src=x onerror="document.title=1">'
    page.goto(
        f'{server.live_url}#run=gone{name}&order=7&range=7&agent=%&agent=a/b&label=tenant/acme&x=y&&=&agent={name}'
    )
    page.reload()
    expect(page.locator('#not-kept')).to_contain_text(
        f'The run gone{name} is not here: this process has not seen it, or no longer keeps it.'
    )
    expect(page.locator('.chip')).to_have_text(['tenant: acme', f'agent {name}'])
    expect(page.locator('#kept')).to_have_text('None of 6 kept runs match.')
    assert page.locator('main img').count() == 0
    page.click('#forget-run')
    expect(page.locator('#not-kept')).to_be_hidden()
    assert page.url.startswith(f'{server.live_url}#label=tenant/acme&agent=')
    page.click('#clear')
    expect(shown(page)).to_have_count(6)


def test_a_paused_page_stands_still(page: Page, tap: MadeRunsTap):
    """It says since when and how many runs have come meanwhile, can be read as usual, and then shows all of them."""
    add_some(tap)
    expect(shown(page)).to_have_count(6)
    page.click('#pause')
    add(tap, 'seven', 'gpt', 'search', agent='late')
    add(tap, 'eight', 'gpt', 'search', agent='late')
    expect(page.locator('#paused')).to_contain_text(': 2 runs since')
    expect(page.locator('#paused')).to_contain_text('Paused at')
    expect(page.locator('#state')).to_be_hidden()
    expect(page.locator('#since')).to_contain_text(': 6 runs')
    expect(page.locator('#agents tbody th')).to_have_count(2)
    page.locator('#agents').get_by_role('button', name='billing').click()
    expect(shown(page)).to_have_count(3)
    page.click('#clear')
    expect(shown(page)).to_have_count(6)
    page.click('#pause')
    expect(page.locator('#paused')).to_be_hidden()
    expect(page.locator('#state')).to_have_text('live')
    expect(page.locator('#state')).to_be_visible()
    page.hover('h1')
    expect(shown(page)).to_have_count(8)
    expect(page.locator('#agents tbody th')).to_have_count(3)
