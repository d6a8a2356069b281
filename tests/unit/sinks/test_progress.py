"""Progress of runs: what is told while they stream, and at their end."""

from __future__ import annotations

import asyncio
import gc
import io
import re
import subprocess
import sys
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel
from rich.console import Console

from streamtap import (
    Attachment,
    CalledRuns,
    Live,
    LiveResponse,
    LiveRun,
    LiveTool,
    PartRecord,
    Progress,
    RunProgress,
    Tap,
)
from streamtap.testing import FakeClock
from support.doors import DOORS
from support.made_records import response, run, run_start
from support.scripted import agent, nap
from support.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

    from support.doors import Door

OPEN: dict[str, Any] = {'run_id': 'r', 'agent': 'a', 'labels': {}}
RUN = LiveRun(**OPEN, parent_run_id=None, root_agent='a', door='capability', age=3.0)


def streaming(**changes: Any) -> LiveResponse:
    """A response that has streamed for two seconds, with some fields changed."""
    fields: dict[str, Any] = {
        **OPEN, 'provider': 'p', 'model': 'm', 'streamed': True, 'age': 2.5, 'wait': 0.1, 'chunks': 21, 'window': 2.0,
        'stalled': None, 'since_first_chunk': 2.1, 'since_first_output': 2.1,
    }  # fmt: skip
    return LiveResponse(**{**fields, **changes})


TAPS: list[Open] = []
"""Held, as their progress does not hold them."""


@dataclass
class Open:
    """A tap with these open runs."""

    shown: Live

    def live(self) -> Live:
        return self.shown


def progress_of(
    *responses: LiveResponse,
    tools: tuple[LiveTool, ...] = (),
    called: tuple[LiveRun, ...] = (),
    clock: FakeClock | None = None,
) -> Progress:
    """The progress of one run that is open, and of those that it called."""
    tap = Open(Live(runs=(RUN, *called), responses=responses, tools=tools))
    TAPS.append(tap)
    progress = Progress(clock=clock)
    progress.attached(Attachment((), 200, tap.live, lambda: None))
    progress.run_started(run_start('r'))
    return progress


async def first_of(updates: AsyncIterator[tuple[RunProgress, ...]]) -> tuple[RunProgress, ...]:
    return await anext(updates)


def test_from_the_first_stream_on_it_has_a_speed_and_tokens_as_estimates():
    """How many tokens a chunk of the model has is not known yet: one, and nothing measured says otherwise."""
    (now,) = progress_of(streaming()).now()
    assert now == RunProgress(
        run_id='r',
        parent_run_id=None,
        agent='a',
        elapsed=3.0,
        doing='streaming',
        names=('m',),
        chunks=21,
        tokens_per_second=10.0,
        is_estimate=True,
        output_tokens=0,
        estimated_tokens=21,
        silent_for=0.1,
    )
    assert str(now) == 'a  3.00 s  m writes  ~10 tokens/s  ~21 tokens'


MEASURED: dict[str, Any] = {'chunks': 11, 'output_tokens_per_second': 60.0, 'inter_chunk_latency_sum': 0.5}
"""Three tokens in each chunk after the first."""


def test_estimates_learn_what_a_chunk_of_that_model_had():
    """Of tokens that were in no chunk the measured speed knows nothing, and so the estimate does not."""
    progress = progress_of(streaming())
    progress.response_ended(response(**MEASURED, output_tokens=50, reasoning_tokens=20, cost_usd=0.5))
    (now,) = progress.now()
    assert (now.tokens_per_second, now.is_estimate, now.cost_usd) == (30.0, True, 0.5)
    assert (now.output_tokens, now.estimated_tokens) == (50, 63)
    assert str(now) == 'a  3.00 s  m writes  ~30 tokens/s  ~113 tokens'


def part(kind: str, chunks: int) -> PartRecord:
    return PartRecord(index=0, kind=kind, tool=None, tool_call_id=None, start=0.0, duration=1.0, chunks=chunks)


@pytest.mark.parametrize(
    ('tokens', 'reasoning', 'parts', 'estimate'),
    [
        (50, 0, [part('text', 10)], 105),
        (50, 20, [part('thinking', 0), part('text', 10)], 63),
        (50, 20, [part('thinking', 5), part('text', 5)], 105),
        (50, 20, [part('text', 10)], 63),
        (50, 0, [part('thinking', 0), part('text', 10)], 21),
        (50, 0, [part('tool-call', 10)], 21),
        (0, 0, [part('text', 10)], 21),
    ],
    ids=[
        'text',
        'hidden thinking',
        'shown thinking',
        'thinking that is only counted',
        'hidden thinking that nobody counts',
        'a call',
        'nothing',
    ],
)
def test_a_response_without_a_speed_teaches_what_is_sure(
    tokens: int, reasoning: int, parts: list[PartRecord], estimate: int
):
    """The tokens that were in its chunks: not hidden thinking, nor a call with its markup."""
    progress = progress_of(streaming())
    usage = {'usage_complete': True, 'output_tokens': tokens, 'reasoning_tokens': reasoning}
    progress.response_ended(response(chunks=10, parts=tuple(parts), **usage))
    (now,) = progress.now()
    assert (now.estimated_tokens, now.output_tokens) == (estimate, tokens)


@pytest.mark.parametrize('changes', [{'usage_complete': False}, {'outcome': 'cancelled'}, {'chunks': 0}], ids=str)
def test_a_response_that_is_not_whole_teaches_nothing(changes: dict[str, Any]):
    """Its tokens and its chunks may not be of the same text."""
    progress = progress_of(streaming())
    whole = {'chunks': 10, 'parts': (part('text', 10),), 'usage_complete': True, 'output_tokens': 50}
    progress.response_ended(response(**{**whole, **changes}))
    assert [now.estimated_tokens for now in progress.now()] == [21]


@pytest.mark.parametrize(
    'seen', [{'chunks': 1001, 'window': 0.5}, {'window': None}, {'chunks': 1, 'window': 0.0}], ids=str
)
def test_a_pace_that_is_not_the_models_gives_no_speed(seen: dict[str, Any]):
    """A thousand chunks at once out of a buffer, a consumer that holds the stream, a single chunk: tokens there are."""
    progress = progress_of(streaming(**seen))
    progress.response_ended(response(**MEASURED))
    (now,) = progress.now()
    assert (now.tokens_per_second, now.is_estimate) == (None, False)
    assert now.estimated_tokens == 3 * now.chunks


def test_another_models_chunks_say_nothing():
    """Each model has its own."""
    progress = progress_of(streaming(model='other'))
    progress.response_ended(response(**MEASURED))
    assert [now.tokens_per_second for now in progress.now()] == [10.0]


@pytest.mark.parametrize('door', DOORS)
def test_estimates_come_through_every_door(door: Door):
    """While the first response of the first run is being written."""
    progress, seen, clock = Progress(), list[RunProgress](), FakeClock()
    tap = Tap([progress], clock=clock)

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        for word in ('so ', 'it ', 'is ', 'written'):
            clock.advance(0.02)
            yield word
        seen.extend(progress.now())

    async def main() -> None:
        capabilities = [tap.capability(stream=True)] if door == 'capability' else []
        answers = FunctionModel(stream_function=stream, model_name='scripted')
        made = Agent(answers, name='a', capabilities=capabilities)
        if door == 'watch':
            async with made.run_stream_events('hello') as events:
                async for _ in tap.watch(events):
                    """Read on."""
        else:
            await made.run('hello', event_stream_handler=tap if door == 'handler' else None)

    asyncio.run(main())
    (now,) = seen
    assert (now.doing, now.names, now.chunks, now.estimated_tokens) == ('streaming', ('scripted',), 4, 4)
    assert (now.tokens_per_second, now.is_estimate) == (pytest.approx(50.0), True)


def test_the_speed_is_exact_at_the_end():
    """Of all responses that had one, each for as long as it was being written; hidden reasoning has no part in it."""
    progress = progress_of()
    progress.response_ended(response(output_tokens=101, output_tokens_per_second=50.0, inter_chunk_latency_sum=2.0))
    hidden = response(
        output_tokens=5101, reasoning_tokens=5000, output_tokens_per_second=25.0, inter_chunk_latency_sum=4.0
    )
    progress.response_ended(hidden)
    progress.response_ended(response(output_tokens=500))
    updates = progress.updates(every=0)
    progress.run_ended(run(output_tokens=5702, cost_usd=0.25))
    ended, _ = asyncio.run(first_of(updates))
    assert str(ended) == 'a  4.00 s  success  33 tokens/s  5,702 tokens  $0.25'
    assert (ended.is_estimate, ended.doing) == (False, 'ended')


def test_a_run_that_ends_without_any_tokens_names_none():
    """Its request was refused: what it used is not known, and not 0."""
    progress = progress_of()
    updates = progress.updates(every=0)
    progress.run_ended(run(outcome='error'))
    ended, _ = asyncio.run(first_of(updates))
    assert str(ended) == 'a  4.00 s  error'


def test_what_called_runs_use_is_part_of_their_callers_progress():
    """While they are open, and at the end; their speed is their own."""
    progress = progress_of()
    progress.run_started(replace(run_start('inner'), parent_run_id='r'))
    spent = {'output_tokens': 30, 'cost_usd': 0.25, 'output_tokens_per_second': 50.0, 'inter_chunk_latency_sum': 1.0}
    progress.response_ended(response(run_id='inner', chunks=30, **spent))
    (now,) = progress.now()
    assert (now.output_tokens, now.cost_usd, now.tokens_per_second) == (30, 0.25, None)
    assert str(now) == 'a  3.00 s  ...  30 tokens'
    updates = progress.updates(every=0.001)
    called = CalledRuns(runs=1, requests=1, output_tokens=30, cost_usd=0.25)
    progress.run_ended(run(run_id='r', output_tokens=10, called=called))
    ended, *_ = asyncio.run(first_of(updates))
    assert (ended.output_tokens, ended.cost_usd) == (40, 0.25)


def test_what_called_runs_are_writing_is_part_of_their_callers_estimate():
    """The speed is their own, and none of the caller's."""
    inner = replace(RUN, run_id='inner', parent_run_id='r', age=1.0)
    asks = LiveTool(**OPEN, tool='ask', kind='function', age=2.0)
    progress = progress_of(streaming(run_id='inner'), tools=(asks,), called=(inner,))
    assert list(map(str, progress.now())) == [
        'a  3.00 s  runs ask  ~21 tokens',
        'a  1.00 s  m writes  ~10 tokens/s  ~21 tokens',
    ]


def test_each_state_has_its_words():
    """Waiting, silent, stalled, not streamed, tools, and between."""
    tool = LiveTool(**OPEN, tool='search', kind='function', age=1.0)
    assert [
        str(progress.now()[0])
        for progress in (
            progress_of(streaming(chunks=0, window=None, wait=1.0)),
            progress_of(streaming(wait=0.6, longest_wait=0.7)),
            progress_of(streaming(wait=0.6, longest_wait=0.3)),
            progress_of(streaming(wait=6.0, stalled='mid_stream')),
            progress_of(streaming(streamed=False, chunks=0, window=None, wait=None)),
            progress_of(tools=(tool,)),
            progress_of(),
        )
    ] == [
        'a  3.00 s  waits for m',
        'a  3.00 s  m writes  ~10 tokens/s  ~21 tokens',
        'a  3.00 s  m silent for 600 ms  ~21 tokens',
        'a  3.00 s  m silent for 6.00 s  ~21 tokens',
        'a  3.00 s  waits for m',
        'a  3.00 s  runs search',
        'a  3.00 s  ...',
    ]


def test_a_run_is_reported_until_its_end():
    """By real runs: each update has the open runs, and the last one the outcome."""
    progress = Progress()
    seen: list[RunProgress] = []

    async def follow() -> None:
        with Tap([progress]) as tap:
            made = agent([nap(0.1, 'n')], ['done'], capabilities=[tap.capability(stream=True)])
            task = asyncio.ensure_future(made.run('hello'))
            async for runs in progress.updates(every=0.01, until=task):
                seen.extend(runs)

    asyncio.run(follow())
    assert [each.outcome for each in seen if each.doing == 'ended'] == ['success']
    assert seen[-1].doing == 'ended'
    assert ('tools', ('nap',)) in {(each.doing, each.names) for each in seen}
    assert progress.now() == ()


def test_a_terminal_shows_open_and_ended_runs():
    """As long as the display is there; names cannot steer it. In a pipe, too, the last line has an end."""
    progress = progress_of(streaming())
    out = io.StringIO()
    console = Console(file=out, width=80)
    with progress.display(console=console):
        progress.run_ended(run(agent='\x1b[2Jb', output_tokens=7))
    assert out.getvalue().endswith('\n')
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ['\N{REPLACEMENT CHARACTER}[2Jb', '4.00', 's', 'success', '7', 'tokens'],
        ['a', '3.00', 's', 'm', 'writes', '~10', 'tokens/s', '~21', 'tokens'],
    ]


def drawn(shown: Any, width: int, height: int = 24) -> str:
    """What a terminal of that size shows of it."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    with console.capture() as captured:
        console.print(shown)
    return '\n'.join(line.rstrip() for line in captured.get().splitlines())


LONG_AGENT = 'the-agent-that-answers-questions-about-bills-and-late-orders'
LONG_MODEL = 'claude-sonnet-4-5-20250929-with-a-long-deployment-name-12345'


def test_it_fits_the_terminal():
    """No name and no number is cut: the cost is left out first, then what a run does takes several lines, or its name is above."""
    progress = progress_of(streaming(model=LONG_MODEL))
    progress.run_ended(run(agent=LONG_AGENT, output_tokens=1204, cost_usd=0.0004))
    display = progress.display().get_renderable()
    progress.run_ended(run(agent=LONG_AGENT, output_tokens=1204, cost_usd=0.0004))
    assert drawn(display, 200) == (
        'the-agent-that-answers-questions-about-bills-and-late-orders  4.00 s  success                                     '
        '                                       1,204 tokens  $0.0004\n'
        'a                                                             3.00 s  '
        'claude-sonnet-4-5-20250929-with-a-long-deployment-name-12345 writes  ~10 tokens/s    ~21 tokens'
    )
    assert drawn(display, 118) == (
        'the-agent-that-answers-questions-about-bills-and-late-orders\n'
        '   4.00 s  success                                                                            1,204 tokens  $0.0004\n'
        'a  3.00 s  claude-sonnet-4-5-20250929-with-a-long-deployment-name-12345 writes  ~10 tokens/s    ~21 tokens'
    )
    assert drawn(display, 80) == (
        'the-agent-that-answers-questions-about-bills-and-late-orders\n'
        '   4.00 s  success                                                  1,204 tokens\n'
        'a  3.00 s  claude-sonnet-4-5-20250929-with-a-long-    ~10 tokens/s    ~21 tokens\n'
        '           deployment-name-12345 writes\n'
        'left out at 80 columns (174 show all): cost'
    )


def test_columns_do_not_jump():
    """They stay as wide as they were, unless that was for a long name."""
    progress = progress_of()
    display = progress.display().get_renderable()
    progress.run_ended(run(agent='b', output_tokens=1_234_567, cost_usd=12.5))
    wide = drawn(display, 80).splitlines()
    for _ in range(10):
        progress.run_ended(run(agent='b', output_tokens=7, cost_usd=0.5))
    assert wide == ['b  4.00 s  success    1,234,567 tokens  $12.50', 'a  3.00 s  ...']
    assert drawn(display, 80).splitlines()[1] == 'b  4.00 s  success            7 tokens   $0.50'


def test_a_batch_says_how_fast_it_goes_and_what_is_left():
    """Runs that other runs called are none of its own; the pace is that of the last hundred, also long after all have ended."""
    clock = FakeClock()
    progress = progress_of(clock=clock)
    progress.run_ended(run(run_id='before'))
    display = progress.display(total=1500).get_renderable()
    first = [drawn(display, 80).splitlines()[0]]
    for seconds, runs in ((30.0, 3), (1.0, 97), (10.0, 200), (2000.0, 1000), (20000.0, 200)):
        for number in range(runs):
            clock.advance(seconds / runs)
            progress.run_ended(run(outcome='error' if number == 0 else 'success'))
            progress.run_ended(run(parent_run_id='r', outcome='error'))
        first.append(drawn(display, 80).splitlines()[0])
    assert first == [
        '0 of 1,500 runs  0 failed  1 in progress',
        '3 of 1,500 runs  1 failed  1 in progress  6.0 runs/min  ~4 h 9 min left',
        '100 of 1,500 runs  2 failed  1 in progress  3.2 runs/s  ~7 min 14 s left',
        '300 of 1,500 runs  3 failed  1 in progress  20 runs/s  ~1 min 0 s left',
        '1,300 of 1,500 runs  4 failed  1 in progress  30 runs/min  ~6 min 40 s left',
        '1,500 of 1,500 runs  5 failed  1 in progress  36 runs/h',
    ]
    clock.advance(50_000.0)
    assert drawn(display, 80).splitlines()[0] == first[-1]


def test_without_a_total_many_runs_have_their_line():
    """From the eleventh on, so that a few are not told of twice; it takes two where there is no room for one."""
    clock = FakeClock()
    progress = progress_of(clock=clock)
    display = progress.display().get_renderable()
    for _ in range(11):
        clock.advance(2.0)
        assert 'runs' not in drawn(display, 80)
        progress.run_ended(run())
    assert drawn(display, 80).splitlines()[0] == '11 runs  0 failed  1 in progress  30 runs/min'
    assert drawn(display, 30).splitlines()[:2] == ['11 runs  0 failed', '1 in progress  30 runs/min']


@pytest.mark.parametrize(('environment', 'bold'), [({}, ['\x1b[1m']), ({'NO_COLOR': '1'}, [])], ids=str)
def test_who_wants_no_colours_gets_none(environment: dict[str, str], bold: list[str], monkeypatch: pytest.MonkeyPatch):
    """What is drawn again is only moved to."""
    shown = terminal(monkeypatch, 80, **environment)
    monkeypatch.setattr('rich._console', None)
    with progress_of(streaming()).display():
        """Drawn once."""
    assert list(dict.fromkeys(re.findall(r'\x1b\[[0-9;]*m', shown.getvalue())))[:1] == bold
    assert 'a  3.00 s  m writes' in shown.text()


def test_a_low_terminal_has_fewer_ended_runs():
    """So that those in progress are seen."""
    progress = progress_of(streaming())
    display = progress.display().get_renderable()
    for _ in range(20):
        progress.run_ended(run(agent='b'))
    assert [len(drawn(display, 80, height).splitlines()) for height in (24, 8)] == [12, 5]


@pytest.mark.parametrize(('total', 'error'), [(-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_total_that_is_none_is_refused(total: Any, error: type[Exception]):
    """When the display is made."""
    with pytest.raises(error, match='total must be'):
        Progress().display(total=total)


def test_without_rich_it_names_the_extra():
    """And only the display needs it."""
    program = (
        'import sys; sys.modules["rich"] = sys.modules["rich.live"] = None\n'
        'from streamtap import Progress\n'
        'print(Progress().now())\n'
        'try: Progress().display()\n'
        'except ImportError as error: print(error)'
    )
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ['()', 'progress.display() needs rich: install the extra, streamtap[rich]']


def test_what_is_forgotten_stays_forgotten():
    """A response of a run that ended long ago leaves nothing behind."""
    progress = Progress()
    for number in range(5):
        progress.run_started(run_start(str(number)))
        progress.run_ended(run(run_id=str(number)))
        progress.response_ended(response(run_id=str(number)))
    assert progress._open == {}  # pyright: ignore[reportPrivateUsage]


def test_every_ended_run_is_reported_once_however_many_there_are():
    """Of more than are kept between two updates, the oldest are lost."""

    async def main() -> list[int]:
        progress = Progress()
        updates = progress.updates(every=0)
        first = asyncio.ensure_future(anext(updates))
        await asyncio.sleep(0)
        for number in range(1500):
            progress.run_ended(run(run_id=str(number)))
        return [len(await first), len(await anext(updates))]

    assert asyncio.run(main()) == [1000, 0]


def test_progress_does_not_keep_a_tap():
    """Whoever makes a tap for each job may show all of them with one object."""
    progress = Progress()
    taps = [weakref.ref(Tap([progress])) for _ in range(3)]
    gc.collect()
    assert [tap() for tap in taps] == [None] * 3
    assert progress.now() == ()
