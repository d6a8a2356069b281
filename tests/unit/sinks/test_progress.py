"""Progress of runs: what is told while they stream, and at their end."""

from __future__ import annotations

import asyncio
import gc
import io
import subprocess
import sys
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from streamtap import Attachment, CalledRuns, Live, LiveResponse, LiveRun, LiveTool, Progress, RunProgress, Tap
from support.made_records import response, run, run_start
from support.scripted import agent, nap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPEN: dict[str, Any] = {'run_id': 'r', 'agent': 'a', 'labels': {}}
RUN = LiveRun(**OPEN, parent_run_id=None, root_agent='a', door='capability', age=3.0)


def streaming(**changes: Any) -> LiveResponse:
    """A response that has streamed for two seconds, with some fields changed."""
    fields: dict[str, Any] = {
        **OPEN, 'provider': 'p', 'model': 'm', 'streamed': True, 'age': 2.5, 'wait': 0.1, 'chunks': 21, 'window': 2.0,
        'stalled': None,
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


def progress_of(*responses: LiveResponse, tools: tuple[LiveTool, ...] = ()) -> Progress:
    """The progress of one run that is open."""
    tap = Open(Live(runs=(RUN,), responses=responses, tools=tools))
    TAPS.append(tap)
    progress = Progress()
    progress.attached(Attachment((), 200, tap.live, lambda: None))
    progress.run_started(run_start('r'))
    return progress


async def first_of(updates: AsyncIterator[tuple[RunProgress, ...]]) -> tuple[RunProgress, ...]:
    return await anext(updates)


def test_before_any_response_ended_chunks_are_no_tokens():
    """How many tokens a chunk has is not known yet, and not guessed."""
    (now,) = progress_of(streaming()).now()
    assert now == RunProgress(
        run_id='r',
        parent_run_id=None,
        agent='a',
        elapsed=3.0,
        doing='streaming',
        names=('m',),
        chunks=21,
        silent_for=0.1,
    )
    assert str(now) == 'a  3.00 s  m writes  21 chunks'


MEASURED: dict[str, Any] = {'chunks': 11, 'output_tokens_per_second': 60.0, 'inter_chunk_latency_sum': 0.5}
"""Three tokens in each chunk after the first."""


def test_the_speed_is_estimated_from_what_a_chunk_of_that_model_had():
    """And says so; of tokens that were in no chunk the measured speed knows nothing, and so the estimate does not."""
    progress = progress_of(streaming())
    progress.response_ended(response(**MEASURED, output_tokens=50, reasoning_tokens=20, cost_usd=0.5))
    (now,) = progress.now()
    assert (now.tokens_per_second, now.is_estimate, now.output_tokens, now.cost_usd) == (30.0, True, 50, 0.5)
    assert str(now) == 'a  3.00 s  m writes  about 30 tokens/s'


def test_responses_without_a_speed_give_no_estimate():
    """Some of their tokens were hidden, or their chunks came out of a buffer: chunks are no tokens."""
    progress = progress_of(streaming())
    progress.response_ended(response(chunks=10, output_tokens=50, output_tokens_per_second=None))
    (now,) = progress.now()
    assert (now.tokens_per_second, now.is_estimate) == (None, False)
    assert str(now) == 'a  3.00 s  m writes  21 chunks'


def test_chunks_out_of_a_buffer_give_no_estimate():
    """A thousand at once."""
    progress = progress_of(streaming(chunks=1001, window=0.5))
    progress.response_ended(response(**MEASURED))
    (now,) = progress.now()
    assert (now.tokens_per_second, now.is_estimate) == (None, False)


def test_another_models_chunks_say_nothing():
    """Each model has its own."""
    progress = progress_of(streaming(model='other'))
    progress.response_ended(response(**MEASURED))
    assert [now.is_estimate for now in progress.now()] == [False]


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
    assert str(ended) == 'a  4.00 s  success  33 tokens/s  5,702 tokens  $0.2500'
    assert (ended.is_estimate, ended.doing) == (False, 'ended')


def test_what_called_runs_use_is_part_of_their_callers_progress():
    """While they are open, and at the end; their speed is their own."""
    progress = progress_of()
    progress.run_started(replace(run_start('inner'), parent_run_id='r'))
    spent = {'output_tokens': 30, 'cost_usd': 0.25, 'output_tokens_per_second': 50.0, 'inter_chunk_latency_sum': 1.0}
    progress.response_ended(response(run_id='inner', chunks=30, **spent))
    (now,) = progress.now()
    assert (now.output_tokens, now.cost_usd, now.tokens_per_second) == (30, 0.25, None)
    updates = progress.updates(every=0.001)
    called = CalledRuns(runs=1, requests=1, output_tokens=30, cost_usd=0.25)
    progress.run_ended(run(run_id='r', output_tokens=10, called=called))
    ended, *_ = asyncio.run(first_of(updates))
    assert (ended.output_tokens, ended.cost_usd) == (40, 0.25)


def test_each_state_has_its_words():
    """Waiting, stalled, not streamed, tools, and between."""
    tool = LiveTool(**OPEN, tool='search', kind='function', age=1.0)
    assert [
        str(progress.now()[0])
        for progress in (
            progress_of(streaming(chunks=0, window=None, wait=1.0)),
            progress_of(streaming(wait=6.0, stalled='mid_stream')),
            progress_of(streaming(streamed=False, chunks=0, window=None, wait=None)),
            progress_of(tools=(tool,)),
            progress_of(),
        )
    ] == [
        'a  3.00 s  waits for m',
        'a  3.00 s  m has been silent for 6.00 s',
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
    """As long as the display is there; names cannot steer it."""
    progress = progress_of(streaming())
    out = io.StringIO()
    console = Console(file=out, width=80)
    with progress.display(console=console):
        progress.run_ended(run(agent='\x1b[2Jb', output_tokens=7))
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ['\N{REPLACEMENT CHARACTER}[2Jb', '4.00', 's', 'success', '7', 'tokens'],
        ['a', '3.00', 's', 'm', 'writes', '21', 'chunks'],
    ]


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
