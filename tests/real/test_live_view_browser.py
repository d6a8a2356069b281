"""The live view as people use it, in a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from streamtap import BaseSink, CalledRuns, FailureRecord, LoopRecord, PartRecord, serve
from streamtap._delivery.sink import Attachment
from streamtap._records.live import Live, LiveResponse, LiveRun, LiveTool
from streamtap._web.kept import NEWEST
from support.costs import COSTS
from support.made_records import full_response, response, run, run_start, tool
from support.made_runs_tap import SECOND, MadeRunsTap
from support.real_servers import free_port, wait_for
from support.varied_runs import give

pytestmark = pytest.mark.real
pytest.importorskip('playwright', reason='playwright is not installed: the dev extra gives it')

from playwright.sync_api import expect  # noqa: E402

from support.browser import opened  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from playwright.sync_api import Browser, Page

    from streamtap import MetricsServer, ResponseRecord, RunRecord, ToolRecord


@pytest.fixture
def tap() -> MadeRunsTap:
    return MadeRunsTap()


@pytest.fixture
def server(tap: MadeRunsTap) -> Iterator[MetricsServer]:
    with serve(tap, port=0, registry=CollectorRegistry()) as it:
        yield it


@pytest.fixture
def page(browser: Browser, server: MetricsServer) -> Iterator[Page]:
    with opened(browser, str(server.live_url), color_scheme='light') as it:
        expect(it.locator('#state')).to_have_text('live')
        yield it


def test_an_empty_page_says_what_to_paste(page: Page):
    """And shows neither tables nor runs."""
    expect(page.locator('#empty code')).to_contain_text('capabilities=[tap.capability(stream=True)]')
    expect(page.locator('#runs')).to_be_hidden()
    expect(page.locator('#tables')).to_be_hidden()


def test_a_finished_run_shows_within_a_second(page: Page, tap: MadeRunsTap):
    """A real one, of a real agent."""
    agent = Agent(TestModel(), name='greeter', capabilities=[tap.capability(stream=True)])
    # Not in this thread: playwright has an event loop of its own in it.
    run = threading.Thread(target=lambda: asyncio.run(agent.run('hello')))
    run.start()
    run.join()
    page.locator('.run', has_text='greeter').wait_for(timeout=1000)
    expect(page.locator('#agents tbody th')).to_have_text(['greeter'])


def test_pointing_at_a_bar_shows_its_numbers(page: Page, tap: MadeRunsTap):
    """And leaving it hides them, as Escape does."""
    tap.add_run('r')
    tip = page.locator('#tip')
    page.hover('.run .seg.text')
    expect(tip).to_contain_text('text 800 ms\np:m: 1.50 s from 0 ms\nfirst token after 400 ms')
    page.hover('h1')
    expect(tip).to_be_hidden()
    page.hover('.run .seg.text')
    expect(tip).to_be_visible()
    page.keyboard.press('Escape')
    expect(tip).to_be_hidden()


def test_a_cost_reads_as_in_a_terminal(page: Page):
    """On the page it has the digits that it has everywhere."""
    said = page.evaluate("async (costs) => costs.map((await import('./numbers.js')).dollars)", list(COSTS))
    assert said == list(COSTS.values())


def test_the_newest_run_is_the_one_that_ended_last(page: Page, tap: MadeRunsTap):
    """And when it ended is what its row says; pointing at that shows when it began, as does its detail."""
    began = 1_700_000_000 * 10**9
    tap.add_run('long', agent='long', started_ns=began, duration=3600.0)
    row = page.locator('.run', has_text='long')
    at = page.evaluate('(at) => new Date(at * 1000).toLocaleTimeString("en-GB")', 1_700_003_600)
    expect(row.locator('.when')).to_have_text(at)
    at = page.evaluate('(at) => new Date(at * 1000).toLocaleTimeString("en-GB")', 1_700_000_000)
    expect(row.locator('.when')).to_have_attribute('title', f'Began at {at}')
    row.click()
    expect(page.locator('.facts')).to_contain_text(f'began{at}')


def test_everything_is_there_for_the_keyboard(page: Page, tap: MadeRunsTap):
    """Arrows walk through runs and bars, Enter opens a waterfall, focus shows the numbers, Escape closes it."""
    tap.add_run('r')
    tap.add_failure('f')
    first, second = page.locator('.run').nth(0), page.locator('.run').nth(1)
    expect(second).to_be_visible()
    first.focus()
    page.keyboard.press('ArrowDown')
    expect(second).to_be_focused()
    page.keyboard.press('Enter')
    expect(second).to_have_attribute('aria-expanded', 'true')
    # The buttons that filter and copy are one stop.
    page.keyboard.press('Tab')
    page.keyboard.press('ArrowRight')
    expect(page.locator('.facts button').nth(1)).to_be_focused()
    # They may stand on several lines.
    page.keyboard.press('ArrowDown')
    expect(page.locator('.facts button').nth(2)).to_be_focused()
    page.keyboard.press('ArrowUp')
    expect(page.locator('.facts button').nth(1)).to_be_focused()
    page.keyboard.press('Tab')
    expect(page.locator('.detail .seg.waiting')).to_be_focused()
    expect(page.locator('#tip')).to_contain_text('waiting 400 ms')
    page.keyboard.press('ArrowRight')
    expect(page.locator('#tip')).to_contain_text('text 800 ms')
    page.keyboard.press('ArrowDown')
    expect(page.locator('#tip')).to_contain_text('look_up: 750 ms from 2.00 s')
    page.keyboard.press('Escape')
    expect(page.locator('.detail')).to_have_count(0)
    expect(second).to_be_focused()
    page.keyboard.press('Enter')
    expect(page.locator('.detail')).to_have_count(1)
    assert page.url.endswith('#run=r')
    page.keyboard.press('Escape')
    expect(page.locator('.detail')).to_have_count(0)
    assert 'run=' not in page.url


def stopped_run() -> list[ResponseRecord | ToolRecord | RunRecord]:
    """A run that was stopped while a tool ran; another one had ended, and one had been refused."""
    return [
        response(run_id='r', duration=1.0, time_to_first_token=1.0),
        tool(run_id='r', tool='refused', started_ns=1 * SECOND, duration=None, outcome='denied'),
        tool(run_id='r', tool='fast', started_ns=1 * SECOND, duration=0.5),
        tool(run_id='r', tool='slow', started_ns=1 * SECOND, duration=None, outcome='interrupted'),
        run(run_id='r', outcome='cancelled', duration=4.0, phases={'wait': 1.0, 'tools': 3.0}),
    ]


def test_an_interrupted_tool_is_drawn_to_the_end_of_its_run(page: Page, tap: MadeRunsTap):
    """It is what the run waited for; the keyboard reaches it, and a call of which no time is known, too."""
    give(tap.added, stopped_run())
    expect(page.locator('.run .why')).to_have_text('cancelled in tool slow; 75 % tool slow')
    page.locator('.run').click()
    track = page.locator('.lane', has_text='slow').locator('.track')
    expect(track.locator('.seg')).to_have_class('seg interrupted')
    whole, drawn = track.bounding_box(), track.locator('.seg').bounding_box()
    assert whole is not None
    assert drawn is not None
    assert [(drawn['x'] - whole['x']) / whole['width'], drawn['width'] / whole['width']] == pytest.approx(
        [0.25, 0.75], abs=0.01
    )
    page.locator('.detail .seg.waiting').focus()
    for tip in ('its time is not known\nrefused: \u2013 from 1.00 s\ndenied', 'tool 500 ms\nfast: 500 ms from 1.00 s'):
        page.keyboard.press('ArrowDown')
        expect(page.locator('#tip')).to_have_text(tip)
    page.keyboard.press('ArrowDown')
    expect(page.locator('#tip')).to_have_text('interrupted after 3.00 s\nslow: 3.00 s from 1.00 s')
    page.get_by_text('As a table').click()
    expect(page.locator('.detail tbody tr', has_text='slow')).to_contain_text('1.00 s3.00 s')


def test_the_queue_has_one_name(page: Page, tap: MadeRunsTap):
    """In the legend, at its bar and in the table; its seconds are said once."""
    for sink in tap.added:
        sink.run_started(run_start('queued'))
        sink.run_ended(run(run_id='queued', duration=1.5, phases={'queue': 0.814, 'wait': 0.686}))
    page.locator('.run').click()
    page.get_by_text('As a table').click()
    expect(page.locator('.run .why')).to_have_text('54 % the queue')
    expect(page.locator('#legend li').first).to_have_text('queue')
    expect(page.locator('.lane .name').last).to_have_text('queue')
    expect(page.locator('.detail tbody th').last).to_have_text('queue')
    expect(page.locator('.detail .seg.queue')).to_have_attribute('aria-label', 'queue 814 ms. from 0 ms')


def test_a_screen_reader_says_what_the_bars_show(page: Page, tap: MadeRunsTap):
    """A run and each bar have names with their numbers, and the same stands in a table."""
    tap.add_run('r')
    page.get_by_role('button', name='success a 4.00 s').click()
    expect(page.get_by_role('img', name='text 800 ms. p:m: 1.50 s from 0 ms')).to_be_visible()
    page.get_by_text('As a table').click()
    for name in (
        'request p:m 0 ms 1.50 s 400 ms 55 20 \u2013 success',
        'tool look_up 2.00 s 750 ms \u2013 \u2013 \u2013 \u2013 success',
    ):
        expect(page.get_by_role('row', name=name, exact=True)).to_be_visible()


def test_bars_are_as_long_as_what_they_show(page: Page, tap: MadeRunsTap):
    """Also of text, and also where that is short and at the end."""
    text = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=9.95, duration=0.05, chunks=9)
    answer = full_response(run_id='r', parts=(text,), time_to_first_token=9.95, duration=10.0)
    give(tap.added, [answer, run(run_id='r', agent='a', duration=10.0)])
    page.locator('.run').click()
    drawn = page.locator('.detail .seg').evaluate_all(
        """(bars) => bars.map((bar) => {
            const [box, track] = [bar.getBoundingClientRect(), bar.parentElement.getBoundingClientRect()];
            return [(box.left - track.left) / track.width, box.width / track.width];
        })"""
    )
    assert [pytest.approx(each, abs=0.005) for each in [(0.0, 0.995), (0.995, 0.005)]] == [
        tuple(each) for each in drawn
    ]


def test_a_tool_in_which_the_time_of_its_run_was_up_has_a_mark(page: Page, tap: MadeRunsTap):
    """As any other place where a run failed; one that was interrupted with it has none."""
    why = FailureRecord(agent='a', error='RunTimedOut', place='tool', name='slow', step=1)
    cut: dict[str, Any] = {
        'run_id': 'r',
        'agent': 'a',
        'outcome': 'interrupted',
        'duration': None,
        'started_ns': SECOND,
    }
    over = run(run_id='r', agent='a', duration=4.0, outcome='timeout', failure=why)
    give(tap.added, [tool(**cut, tool='slow'), tool(**cut, tool='beside', tool_call_id='b'), over])
    expect(page.locator('.run .seg.failed')).to_have_count(1)
    page.locator('.run').click()
    expect(page.locator('.detail .seg.failed')).to_have_count(1)
    expect(page.get_by_role('img', name='RunTimedOut. slow: 3.00 s from 1.00 s')).to_be_visible()


def test_a_bar_with_a_stall_in_it_says_how_much_was_stalled(page: Page, tap: MadeRunsTap):
    """So that nobody takes the silence for writing."""
    text = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.4, duration=3.0, chunks=9)
    stalled: dict[str, Any] = {'stalls': 1, 'stall_seconds': 2.5, 'stall_starts': (0.6,)}
    give(tap.added, [full_response(run_id='r', parts=(text,), duration=3.4, **stalled), run(run_id='r', agent='a')])
    page.locator('.run').click()
    for said in 'text 3.00 s, 2.50 s of it stalled', 'stall 2.50 s':
        expect(page.get_by_role('img', name=f'{said}. p:m')).to_be_visible()


def test_a_quiet_minute_is_not_called_the_beginning(page: Page):
    """What is missing from a range that is chosen may have been there before: nothing is missing only yet."""
    for button in 'All kept', '1 min':
        page.get_by_role('button', name=button).click()
        expect(page.locator('#figures .note')).to_have_text(
            ['0 requests, 0 tools', *['nothing measured'] * 3, 'none', 'nothing priced']
        )


def test_the_first_run_is_counted_while_it_is_open(page: Page, tap: MadeRunsTap):
    """What it has cost so far is not called unpriced, and it is no run more than others."""
    of_run: dict[str, Any] = {'parent_run_id': None, 'labels': {}, 'root_agent': 'going', 'door': 'capability'}
    live = Live(runs=(LiveRun(run_id='open', agent='going', age=9.0, **of_run),))
    for sink in tap.added:
        if isinstance(sink, BaseSink):
            sink.run_started(run_start('open'))
            sink.attached(Attachment((), 200, lambda: live, lambda: None))
            sink.response_ended(full_response(run_id='open', cost_usd=0.25))
    expect(page.locator('#kept')).to_contain_text(re.compile(r'No runs since \S+ 1 in progress\.'))
    expect(page.locator('#figures')).to_contain_text('$0.25')
    expect(page.locator('#figures .note').last).to_have_text('no run finished')
    expect(page.locator('.run .why')).to_have_text('other work')
    unseen = Live(runs=(LiveRun(run_id='open', agent='going', age=9.0, is_unseen=True, **of_run),))
    for sink in tap.added:
        if isinstance(sink, BaseSink):
            sink.attached(Attachment((), 200, lambda: unseen, lambda: None))
    expect(page.locator('.run .why')).to_have_text('the rest of its answer is not seen')


def test_the_trace_id_can_be_copied(browser: Browser, tap: MadeRunsTap, server: MetricsServer):
    """To look for it where traces are kept; the button says so for a moment, however often it is pressed."""
    with opened(browser, str(server.live_url), permissions=['clipboard-read', 'clipboard-write']) as page:
        tap.add_run('r')
        page.click('.run')
        button = page.get_by_role('button', name='Copy the trace id')
        page.clock.install()
        for _ in range(2):
            button.click()
            expect(button).to_have_text('Copied')
        assert page.evaluate('navigator.clipboard.readText()') == '0af7651916cd43dd8448eb211c80319c'
        page.clock.fast_forward(5000)
        expect(button).to_have_text('Copy')


def background(page: Page) -> str:
    return page.evaluate('getComputedStyle(document.body).backgroundColor')


def test_dark_follows_the_system_or_the_button(page: Page):
    """And the choice outlasts the page."""
    light = background(page)
    page.emulate_media(color_scheme='dark')
    dark = background(page)
    assert dark != light
    page.click('#theme')
    assert (page.inner_text('#theme'), background(page)) == ('Theme: light', light)
    page.reload()
    assert (page.inner_text('#theme'), background(page)) == ('Theme: light', light)


def test_two_hundred_runs_are_kept_and_no_more(page: Page, tap: MadeRunsTap):
    """However many there were: the elements of the page do not grow."""
    for number in range(NEWEST + 50):
        tap.add_run(f'first {number}')
    expect(page.locator('#more')).to_have_text(f'Show all {NEWEST}')
    page.click('#more')
    expect(page.locator('.run')).to_have_count(NEWEST)
    page.hover('h1')
    page.locator('#more').blur()
    elements = page.evaluate('document.querySelectorAll("*").length')
    for number in range(NEWEST):
        tap.add_run(f'then {number}', agent='b')
    expect(page.locator('.run', has_text='b').first).to_be_visible()
    expect(page.locator('.run')).to_have_count(NEWEST)
    assert page.evaluate('document.querySelectorAll("*").length') < elements + 50


def test_the_list_stands_still_for_whoever_reads_it(page: Page, tap: MadeRunsTap):
    """New runs wait until they are asked for."""
    for number in range(20):
        tap.add_run(f'{number}')
    page.locator('.run').nth(3).click()
    tap.add_run('new', agent='new')
    expect(page.locator('#held')).to_have_text('1 new run: show')
    expect(page.locator('.run', has_text='new')).to_have_count(0)
    page.click('#held')
    expect(page.locator('.run').first).to_contain_text('new')


def test_runs_that_failed_can_be_seen_alone(page: Page, tap: MadeRunsTap):
    """With what went wrong."""
    tap.add_run('r')
    tap.add_failure('f')
    page.get_by_role('button', name='Failed', exact=True).click()
    expect(page.locator('.run')).to_have_count(1)
    expect(page.locator('.run')).to_contain_text('ModelHTTPError_503')


@pytest.mark.parametrize('order', ['Failed', 'Cancelled'])
def test_a_run_that_is_not_of_an_order_is_not_in_its_list(page: Page, tap: MadeRunsTap, order: str):
    """Although it was open on the page when the order was pressed, in progress or over; nor when it ends well."""
    tap.add_failure('f')
    give(tap.added, stopped_run())
    tap.add_run('over', agent='good')
    of_run: dict[str, Any] = {'parent_run_id': None, 'labels': {}, 'root_agent': 'going', 'door': 'capability'}
    live = Live(runs=(LiveRun(run_id='open', agent='going', age=9.0, **of_run),))
    views = [sink for sink in tap.added if isinstance(sink, BaseSink)]
    for sink in views:
        sink.run_started(run_start('open'))
        sink.attached(Attachment((), 200, lambda: live, lambda: None))
    for agent in ('good', 'going'):
        page.get_by_role('button', name='Newest', exact=True).click()
        page.locator('.run', has_text=agent).click()
        expect(page.locator('.detail')).to_have_count(1)
        page.get_by_role('button', name=order, exact=True).click()
        expect(page.locator('.run')).to_have_count(1)
        expect(page.locator('#kept')).to_contain_text(f'The only {order.lower()} run')
    for sink in views:
        sink.attached(Attachment((), 200, Live, lambda: None))
        sink.run_ended(run(run_id='open', agent='going'))
    expect(page.locator('#since')).to_contain_text('4 runs')
    expect(page.locator('.run')).to_have_count(1)
    assert 'run=' not in page.url


def test_a_short_time_is_not_none_at_all(page: Page, tap: MadeRunsTap):
    """As in the tables of the terminal."""
    tap.add_run('r', duration=0.0004)
    expect(page.locator('.run')).to_contain_text('<1 ms')


@pytest.mark.parametrize('width', [360, 1280, 1366, 1440, 1920])
def test_no_table_is_cut_off(page: Page, tap: MadeRunsTap, width: int):
    """On the screens that people have, with names of the usual length, and with all columns."""
    page.set_viewport_size({'width': width, 'height': 900})
    health = {'objective_met': True, 'loops': LoopRecord(calls=2, seconds=1.0), 'context_used': 0.5}
    for agent in 'researcher', 'support-escalation':
        tap.add_run(agent, agent=agent, **health)
    expect(page.locator('#tables')).to_contain_text('support-escalation')
    cut = '(tables) => tables.filter((table) => table.scrollWidth > table.clientWidth).map((table) => table.innerText)'
    assert page.locator('.table').evaluate_all(cut) == []


def test_what_agents_do_wrong_shows_where_it_is_known(page: Page, tap: MadeRunsTap):
    """A line of figures, columns, the facts of a run, and a mark at each call that was made again; nothing before."""
    tap.add_failure('plain')
    expect(page.locator('.run')).to_have_count(1)
    expect(page.locator('#health')).to_be_hidden()
    assert page.get_by_role('columnheader', name='again').count() == 0
    for sink in tap.added:
        sink.run_started(run_start('loop'))
        sink.response_ended(full_response(run_id='loop', context_window=1000, context_tokens=912))
        sink.tool_ended(tool(run_id='loop', agent='looper', tool='search', repeated=True, started_ns=10**9))
        loops = LoopRecord(calls=1, seconds=3.0, tokens=5)
        missed = {'objective_met': False, 'objective_missed': ('first_output',)}
        sink.run_ended(run(run_id='loop', agent='looper', loops=loops, context_used=0.912, **missed))
    expect(page.locator('#health')).to_contain_text('objective met0.0 % of 1 run')
    expect(page.locator('#health')).to_contain_text('fullest context91.2 % of its window')
    assert page.get_by_role('columnheader', name='again').count() == 2
    row = page.locator('.run', has_text='looper')
    expect(row.locator('.why')).to_have_text('in a loop: tool search again once')
    row.click()
    expect(page.locator('.facts')).to_contain_text('missed: first output')
    mark = page.locator('.detail .seg.again')
    expect(mark).to_have_attribute('aria-label', re.compile(r'the same call again\. search: '))


def test_a_run_that_calls_another_agent_says_what_that_does(page: Page, tap: MadeRunsTap):
    """While both go on, and when they are over: it has the tokens of both, and the tool's time is the other agent's."""
    of_run: dict[str, Any] = {'labels': {}, 'root_agent': 'boss', 'door': 'capability'}
    live = Live(
        runs=(
            LiveRun(run_id='outer', parent_run_id=None, agent='boss', age=9.0, **of_run),
            LiveRun(run_id='inner', parent_run_id='outer', agent='helper', age=9.0, **of_run),
        ),
        responses=(
            LiveResponse(run_id='inner', agent='helper', provider='p', model='m', labels={}, streamed=True, age=7.0, wait=7.0, chunks=0, window=None, stalled=None),
        ),
        tools=(LiveTool(run_id='outer', agent='boss', tool='ask', kind='function', labels={}, age=9.0),),
    )  # fmt: skip
    tap.add_run('over')
    views = [sink for sink in tap.added if isinstance(sink, BaseSink)]
    for sink in views:
        for run_id in 'outer', 'inner':
            sink.run_started(run_start(run_id))
        sink.attached(Attachment((), 200, lambda: live, lambda: None))
    row = page.locator('.run', has_text='boss')
    expect(row.locator('.why')).to_have_text('waiting for p:m (helper)')
    expect(page.locator('#kept')).to_contain_text('1 run since')
    expect(page.locator('#kept')).to_contain_text('1 more in progress.')
    row.click()
    page.fill('#search', 'look_up')
    expect(row).to_have_count(0)
    expect(page.locator('.run')).to_have_count(1)
    page.fill('#search', 'boss')
    expect(row).to_have_count(1)
    for sink in views:
        sink.attached(Attachment((), 200, Live, lambda: None))
        sink.run_ended(run(run_id='inner', parent_run_id='outer', agent='helper', duration=8.5))
        sink.tool_ended(tool(run_id='outer', agent='boss', tool='ask', duration=9.0))
        called = CalledRuns(runs=1, input_tokens=30, output_tokens=4)
        sink.run_ended(run(run_id='outer', agent='boss', input_tokens=5, output_tokens=1, called=called))
    expect(row.locator('.tokens')).to_have_text('40 tokens')
    expect(page.locator('#tools tbody th')).to_have_text(['look_up', 'askcalls helper'])


def test_a_called_run_is_below_the_tool_that_called_it(page: Page, tap: MadeRunsTap):
    """Also where tools run at the same time, in the lanes and in the table; and *mostly* is what was waited for."""
    for sink in tap.added:
        for run_id in 'outer', 'inner':
            sink.run_started(run_start(run_id))
        sink.run_ended(run(run_id='inner', parent_run_id='outer', agent='stock', duration=4.0, phases={'model': 4.0}))
        for name, took in (('find', 0.5), ('ask', 4.1), ('quote', 5.0)):
            sink.tool_ended(tool(run_id='outer', tool=name, duration=took))
        sink.run_ended(run(run_id='outer', duration=6.0, phases={'tools': 5.0, 'other': 1.0}))
    expect(page.locator('.run .why')).to_have_text('83 % tool quote')
    page.click('.run')
    expect(page.locator('.lane .name')).to_have_text(['tool find', 'tool ask', 'agent stock', 'tool quote'])
    page.click('summary')
    expect(page.locator('.detail tbody th')).to_have_text(['tool find', 'tool ask', 'agent stock', 'tool quote'])


def test_a_slow_run_that_failed_says_both(page: Page, tap: MadeRunsTap):
    """Why it failed, and where its time went."""
    tap.add_run('r', outcome='error', error_type='KeyError')
    expect(page.locator('.run .why')).to_have_text('KeyError; 44 % other work, 28 % p:m writing')


@pytest.mark.parametrize(('agent', 'words'), [('boss', 'in step 2'), ('helper', 'in step 2 of helper')])
def test_a_failure_says_in_which_step_and_of_which_agent(page: Page, tap: MadeRunsTap, agent: str, words: str):
    """Of another one only where a called run failed."""
    why = FailureRecord(agent=agent, error='ModelHTTPError_429', place='model', name='p:m', step=2)
    give(tap.added, [run(run_id='r', agent='boss', outcome='error', error_type='ModelHTTPError_429', failure=why)])
    page.click('.run')
    expect(page.locator('.facts div', has_text='outcome').locator('dd').first).to_have_text(
        f'error: ModelHTTPError_429 {words}'
    )


def test_names_are_never_markup(page: Page, tap: MadeRunsTap):
    """Whatever they are."""
    name = '<img src=x onerror="document.title=1">"\'&lt;'
    tap.add_run(name, agent=name, labels={name: name})
    page.click('.run')
    expect(page.locator('.run .agent .named')).to_have_text(name)
    expect(page.locator('.facts')).to_contain_text(name)
    assert page.locator('main img').count() == 0


SERVED = """
import sys, time
from streamtap import serve
from support.made_runs_tap import SECOND, MadeRunsTap
tap = MadeRunsTap()
with serve(tap, port=int(sys.argv[1])):
    tap.add_run('r', agent='before')
    time.sleep(60)
"""


@contextlib.contextmanager
def other_process(port: int) -> Generator[None]:
    """A process that serves the live view of one run, until it is killed."""
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, '-c', SERVED, str(port)], env=env) as it:
        try:
            yield
        finally:
            it.kill()


def test_a_page_finds_the_process_again_after_a_restart(browser: Browser, tap: MadeRunsTap):
    """It says that it lost it, and then shows what the new one knows, and nothing of the old one."""
    port = free_port()

    def answers() -> bool | None:
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', port)) == 0 or None

    with other_process(port):
        wait_for(answers, 'the live view')
        page = browser.new_page()
        page.goto(f'http://127.0.0.1:{port}/')
        expect(page.locator('.run .agent')).to_have_text('before')
    expect(page.locator('#state')).to_have_text('connection lost, reconnecting')
    with serve(tap, port=port, registry=CollectorRegistry()):
        tap.add_run('r', agent='after')
        expect(page.locator('.run .agent')).to_have_text('after', timeout=20_000)
        expect(page.locator('#state')).to_have_text('live')
        page.close()


def test_a_token_in_the_address_does_not_stay_there(browser: Browser, tap: MadeRunsTap):
    """The page opens, works, and has the address without it."""
    token = 'hvXq2-bMWc71_kTzRpLd'
    with (
        serve(tap, port=0, token=token, registry=CollectorRegistry()) as server,
        opened(browser, f'{server.live_url}?token={token}') as page,
    ):
        expect(page.locator('#state')).to_have_text('live')
        assert page.url == server.live_url


def test_a_page_whose_cookie_is_not_good_any_more_says_so(browser: Browser, tap: MadeRunsTap):
    """As after a restart: it asks for the token, and goes on where it is shown again."""
    token, port = 'hvXq2-bMWc71_kTzRpLd', free_port()
    context = browser.new_context()
    with serve(tap, port=port, token=token, registry=CollectorRegistry()) as server:
        page = context.new_page()
        page.goto(f'{server.live_url}?token={token}')
        expect(page.locator('#state')).to_have_text('live')
    with serve(tap, port=port, token=token, registry=CollectorRegistry()) as server:
        expect(page.locator('#state')).to_have_text('signed out: open the address with the token again', timeout=20_000)
        context.new_page().goto(f'{server.live_url}?token={token}')
        expect(page.locator('#state')).to_have_text('live', timeout=20_000)
    context.close()


def test_nothing_is_sent_while_the_page_is_hidden(page: Page, tap: MadeRunsTap):
    """And all of it when it is looked at again."""
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))")  # fmt: skip
    tap.add_run('r')
    time.sleep(1.2)
    assert page.locator('.run').count() == 0
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))")  # fmt: skip
    expect(page.locator('.run')).to_have_count(1)
