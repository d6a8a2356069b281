"""The demo's screen, at the size of several terminals."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from streamtap import Live, LiveResponse, LiveRun, LiveTool, Tap, UsageSink
from streamtap._demo import screen as module
from streamtap._demo.screen import Screen
from support.made_records import full_response, run, tool

LONG = 'the-agent-that-answers-questions-about-bills-and-late-orders'
STALLED: dict[str, Any] = {'run_id': 's', 'agent': 'researcher', 'labels': {}}


def screen(patch: pytest.MonkeyPatch, *agents: str) -> Screen:
    """The screen of a tap that ran these agents, and has a stalled response."""
    tap = Tap([UsageSink()])
    for number, agent in enumerate(agents):
        named = {'run_id': agent, 'agent': agent, 'root_agent': agent}
        phases = {'wait': 1.0, 'stream': 2.0, 'tools': 1.0, 'other': 1.0 + number}
        tap.usage.response_ended(full_response(**named, model='gpt-5.2', provider='openai', cost_usd=0.0004))
        tap.usage.tool_ended(tool(run_id=agent, agent=agent, tool='search', outcome='error' if number else 'success'))
        tap.usage.run_ended(
            run(**named, duration=5.0 + number, time_to_first_output=0.5, input_tokens=300, phases=phases)
        )
    live = Live(
        runs=(LiveRun(**STALLED, parent_run_id=None, root_agent='researcher', door='capability', age=9.0),),
        responses=(
            LiveResponse(
                **STALLED, provider='openai', model='gpt-5.2', streamed=True, age=8.0, wait=2.5, chunks=0, window=None,
                stalled='first_token'
            ),
        ),
        tools=(LiveTool(**STALLED, tool='search', kind='function', age=1.0),),
    )  # fmt: skip
    patch.setattr(tap, 'live', lambda: live)
    patch.setattr(module.time, 'monotonic', lambda: 100.0)
    return Screen(tap, 'http://127.0.0.1:9464/', 'nothing is charged')


def drawn(shown: Screen, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    with console.capture() as captured:
        console.print(shown)
    return '\n'.join(line.rstrip() for line in captured.get().splitlines())


NARROW = """\
╭─ streamtap demo ─────────────────────────────────────────────────────────────╮
│ up 0:00   runs 2   in progress 1   stalled now 1   tokens out 40             │
│ cost $0.0008                                                                 │
│ gpt-5.2 has been silent for 2.50 s before its first token (researcher)       │
╰───────────────────────────────────────────────────── http://127.0.0.1:9464/ ─╯
agent       now  runs      failed  blank p50      p95  run p50   tokens     cost
----------  ---  ----  ----------  ---------  -------  -------  -------  -------
researcher    1     1           -     500 ms   500 ms   5.00 s      320  $0.0004
the-agent-that-answers-questions-about-bills-and-late-orders
              -     1           -     500 ms   500 ms   6.00 s      320  $0.0004

model           now  stalled  reqs  failed  TTFT p50      p95  tokens/s     cost
--------------  ---  -------  ----  ------  --------  -------  --------  -------
openai:gpt-5.2    1        1     2       -    400 ms   400 ms        55  $0.0008

tool               now  calls      failed      p50      p95
-----------------  ---  -----  ----------  -------  -------
researcher/search    1      1           -   750 ms   750 ms
the-agent-that-answers-questions-about-bills-and-late-orders/search
                     -      1     1 error   750 ms   750 ms

 plug in  tap = streamtap.Tap()
          agent = Agent(..., capabilities=[tap.capability(stream=True)])
 cost     nothing is charged
"""

BETWEEN = """\
╭─ streamtap demo ─────────────────────────────────────────────────────────────────────────────────╮
│ up 0:00   runs 2   in progress 1   stalled now 1   tokens out 40   cost $0.0008                  │
│ gpt-5.2 has been silent for 2.50 s before its first token (researcher)                           │
╰───────────────────────────────────────────────────────────────────────── http://127.0.0.1:9464/ ─╯
agent                                                         now  runs      failed  blank p50      p95     cost
------------------------------------------------------------  ---  ----  ----------  ---------  -------  -------
researcher                                                      1     1           -     500 ms   500 ms  $0.0004
the-agent-that-answers-questions-about-bills-and-late-orders    -     1           -     500 ms   500 ms  $0.0004

model           now  stalled  reqs  failed  TTFT p50      p95  tokens/s     cost
--------------  ---  -------  ----  ------  --------  -------  --------  -------
openai:gpt-5.2    1        1     2       -    400 ms   400 ms        55  $0.0008

tool                                                                 now  calls      failed      p50      p95
-------------------------------------------------------------------  ---  -----  ----------  -------  -------
researcher/search                                                      1      1           -   750 ms   750 ms
the-agent-that-answers-questions-about-bills-and-late-orders/search    -      1     1 error   750 ms   750 ms

last runs                                                     outcome      time  where the time went
------------------------------------------------------------  --------  -------  -------------------------------------
researcher                                                    success    5.00 s  ░░░░░░████████████▒▒▒▒▒▒▒······
the-agent-that-answers-questions-about-bills-and-late-orders  success    6.00 s  ░░░░░░████████████▒▒▒▒▒▒▒············
░ waiting  █ streaming  ▒ tools  · rest

 left out at 118 columns (130 show all): of agents run p50, tokens
 plug in  tap = streamtap.Tap()
          agent = Agent(..., capabilities=[tap.capability(stream=True)])
 cost     nothing is charged
"""

WIDE = """\
╭─ streamtap demo ─────────────────────────────────────────────────────────────────────────────────╮
│ up 0:00   runs 2   in progress 1   stalled now 1   tokens out 40   cost $0.0008                  │
│ gpt-5.2 has been silent for 2.50 s before its first token (researcher)                           │
╰───────────────────────────────────────────────────────────────────────── http://127.0.0.1:9464/ ─╯
agent                                                         now  runs      failed  blank p50      p95  run p50   tokens     cost
------------------------------------------------------------  ---  ----  ----------  ---------  -------  -------  -------  -------
researcher                                                      1     1           -     500 ms   500 ms   5.00 s      320  $0.0004
the-agent-that-answers-questions-about-bills-and-late-orders    -     1           -     500 ms   500 ms   6.00 s      320  $0.0004

model           now  stalled  reqs  failed  TTFT p50      p95  tokens/s     cost
--------------  ---  -------  ----  ------  --------  -------  --------  -------
openai:gpt-5.2    1        1     2       -    400 ms   400 ms        55  $0.0008

tool                                                                 now  calls      failed      p50      p95
-------------------------------------------------------------------  ---  -----  ----------  -------  -------
researcher/search                                                      1      1           -   750 ms   750 ms
the-agent-that-answers-questions-about-bills-and-late-orders/search    -      1     1 error   750 ms   750 ms

last runs                                                     outcome      time  where the time went
------------------------------------------------------------  --------  -------  ----------------------------------------------------------------------------------------------------
researcher                                                    success    5.00 s  ░░░░░░░░░░░░░░░░░█████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒················
the-agent-that-answers-questions-about-bills-and-late-orders  success    6.00 s  ░░░░░░░░░░░░░░░░░█████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒·································
░ waiting  █ streaming  ▒ tools  · rest

 plug in  tap = streamtap.Tap()
          agent = Agent(..., capabilities=[tap.capability(stream=True)])
 cost     nothing is charged
"""


@pytest.mark.parametrize(('width', 'height', 'expected'), [(80, 24, NARROW), (118, 50, BETWEEN), (200, 50, WIDE)])
def test_it_fits_the_terminal(width: int, height: int, expected: str, monkeypatch: pytest.MonkeyPatch):
    """Columns of little worth are left out, long names stand above, and what is too high for it is not shown."""
    assert f'{drawn(screen(monkeypatch, "researcher", LONG), width, height)}\n' == expected


def test_an_error_is_shown_whole(monkeypatch: pytest.MonkeyPatch):
    """On as many lines as it takes."""
    shown = screen(monkeypatch, 'researcher')
    shown.failed('researcher', ValueError(f'nobody knows {LONG}, and this says what to do about it'))
    assert drawn(shown, 80, 50).splitlines()[-3:] == [
        ' failed   researcher: ValueError: nobody knows',
        '          the-agent-that-answers-questions-about-bills-and-late-orders, and this',
        '          says what to do about it',
    ]


def test_before_the_first_run_there_are_only_headings(monkeypatch: pytest.MonkeyPatch):
    """And no bars."""
    lines = drawn(screen(monkeypatch), 80, 50).splitlines()
    assert [line for line in lines if line.startswith('last runs')] == [
        'last runs  outcome      time  where the time went'
    ]
