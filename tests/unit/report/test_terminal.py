"""`streamtap report` on terminals: what it leaves out, and what it never cuts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._cli import main
from streamtap._sinks.journal.lines import header_line, record_line
from support.made_records import full_response, run, tool
from support.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

LONG = 'the-agent-that-answers-questions-about-bills-and-late-orders'


USED: dict[str, Any] = {
    'time_to_first_output': 0.5, 'requests': 1, 'tool_calls': 1, 'input_tokens': 300, 'output_tokens': 20, 'cost_usd': 0.0004
}  # fmt: skip


def records(agent: str, duration: float) -> list[Any]:
    """Thirty runs of an agent, each with a request and a tool call."""
    named = {'agent': agent, 'root_agent': agent}
    return [
        record
        for number in range(30)
        for record in (
            full_response(**named, run_id=f'{agent}{number}', model='gpt-5.2', cost_usd=0.0004, started_ns=number),
            tool(agent=agent, run_id=f'{agent}{number}', started_ns=number),
            run(**named, **USED, run_id=f'{agent}{number}', duration=duration, started_ns=number),
        )
    ]


@pytest.fixture
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`before` and `after` in the present folder."""
    monkeypatch.chdir(tmp_path)
    for name, duration in (('before', 2.0), ('after', 4.0)):
        lines = map(record_line, [*records('a', duration), *records(LONG, 1.0)])
        (tmp_path / name).write_bytes(header_line() + b''.join(lines))


def shown(patch: pytest.MonkeyPatch, columns: int, *arguments: str, **environment: str) -> str:
    """What it shows on a terminal of that width, without colours."""
    seen = terminal(patch, columns, **environment)
    assert main(['report', *arguments]) == 0
    return '\n'.join(line.rstrip() for line in seen.text().splitlines())


WIDE = """\
before: 60 runs, $0.024, 1970-01-01 00:00:00 to 00:00:02 UTC

agent                                                         runs  blank p50     p95  run p50     p95  reqs  tools     in   out    cost  failed  other
------------------------------------------------------------  ----  ---------  ------  -------  ------  ----  -----  -----  ----  ------  ------  -----
a                                                               30     500 ms  500 ms   2.00 s  2.00 s    30     30   9000   600  $0.012       -      -
the-agent-that-answers-questions-about-bills-and-late-orders    30     500 ms  500 ms   1.00 s  1.00 s    30     30   9000   600  $0.012       -      -
total                                                           60     500 ms  500 ms   1.00 s  2.00 s    60     60  18000  1200  $0.024       -      -

model      reqs  failed  TTFT p50     p95  tokens/s p50  stalls   stalled  tokens in  cached   hits   out  reasoning    cost
---------  ----  ------  --------  ------  ------------  ------  --------  ---------  ------  -----  ----  ---------  ------
p:gpt-5.2    60       0    400 ms  400 ms            55     120  750.00 s      18000    6000  33.3%  1200        300  $0.024

tool                                                            kind      calls     p50     p95  failed  other
--------------------------------------------------------------  --------  -----  ------  ------  ------  -----
a/t                                                             function     30  750 ms  750 ms       -      -
the-agent-that-answers-questions-about-bills-and-late-orders/t  function     30  750 ms  750 ms       -      -

slowest run    took  began           mostly
-----------  ------  --------------  ------
a a0         2.00 s  01-01 00:00:00  -
a a1         2.00 s  01-01 00:00:00  -
a a2         2.00 s  01-01 00:00:00  -
a a3         2.00 s  01-01 00:00:00  -
a a4         2.00 s  01-01 00:00:00  -
"""


NARROW = """\
before: 60 runs, $0.024, 1970-01-01 00:00:00 to 00:00:02 UTC

agent
   runs  blank p50     p95  run p50     p95  tools     in   out    cost  failed
-  ----  ---------  ------  -------  ------  -----  -----  ----  ------  ------
a    30     500 ms  500 ms   2.00 s  2.00 s     30   9000   600  $0.012       -
the-agent-that-answers-questions-about-bills-and-late-orders
     30     500 ms  500 ms   1.00 s  1.00 s     30   9000   600  $0.012       -
total
     60     500 ms  500 ms   1.00 s  2.00 s     60  18000  1200  $0.024       -

model      reqs  failed  TTFT p50  tokens/s p50  stalls   stalled    cost
---------  ----  ------  --------  ------------  ------  --------  ------
p:gpt-5.2    60       0    400 ms            55     120  750.00 s  $0.024

tool
     kind      calls     p50     p95  failed  other
---  --------  -----  ------  ------  ------  -----
a/t  function     30  750 ms  750 ms       -      -
the-agent-that-answers-questions-about-bills-and-late-orders/t
     function     30  750 ms  750 ms       -      -

slowest run    took  began           mostly
-----------  ------  --------------  ------
a a0         2.00 s  01-01 00:00:00  -
a a1         2.00 s  01-01 00:00:00  -
a a2         2.00 s  01-01 00:00:00  -
a a3         2.00 s  01-01 00:00:00  -
a a4         2.00 s  01-01 00:00:00  -

left out at 80 columns (151 show all): of agents reqs, other; of models TTFT
p95, tokens in, cached, cache hits, out, reasoning
"""


BETWEEN = """\
before: 60 runs, $0.024, 1970-01-01 00:00:00 to 00:00:02 UTC

agent                                                         runs  blank p50     p95  run p50   out    cost  failed
------------------------------------------------------------  ----  ---------  ------  -------  ----  ------  ------
a                                                               30     500 ms  500 ms   2.00 s   600  $0.012       -
the-agent-that-answers-questions-about-bills-and-late-orders    30     500 ms  500 ms   1.00 s   600  $0.012       -
total                                                           60     500 ms  500 ms   1.00 s  1200  $0.024       -

model      reqs  failed  TTFT p50     p95  tokens/s p50  stalls   stalled  tokens in  cached   hits   out    cost
---------  ----  ------  --------  ------  ------------  ------  --------  ---------  ------  -----  ----  ------
p:gpt-5.2    60       0    400 ms  400 ms            55     120  750.00 s      18000    6000  33.3%  1200  $0.024

tool                                                            kind      calls     p50     p95  failed  other
--------------------------------------------------------------  --------  -----  ------  ------  ------  -----
a/t                                                             function     30  750 ms  750 ms       -      -
the-agent-that-answers-questions-about-bills-and-late-orders/t  function     30  750 ms  750 ms       -      -

slowest run    took  began           mostly
-----------  ------  --------------  ------
a a0         2.00 s  01-01 00:00:00  -
a a1         2.00 s  01-01 00:00:00  -
a a2         2.00 s  01-01 00:00:00  -
a a3         2.00 s  01-01 00:00:00  -
a a4         2.00 s  01-01 00:00:00  -

left out at 118 columns (151 show all): of agents run p95, reqs, tools, in, other; of models reasoning
"""


@pytest.mark.usefixtures('journals')
@pytest.mark.parametrize(('columns', 'expected'), [(80, NARROW), (118, BETWEEN), (200, WIDE)])
def test_a_report_fits_the_terminal(columns: int, expected: str, monkeypatch: pytest.MonkeyPatch):
    """Columns of little worth are left out, and long names stand above their numbers, which leaves room for more."""
    assert f'{shown(monkeypatch, columns, "before")}\n' == expected


COMPARED = """\
before  before: 60 runs, $0.024, 1970-01-01 00:00:00 to 00:00:02 UTC
after   after: 60 runs, $0.024, 1970-01-01 00:00:00 to 00:00:04 UTC

duration of a run
     p50 before   after  change  clear?           p95 change  clear?
---  ----------  ------  ------  ---------------  ----------  ---------------
all      1.00 s  1.00 s      0%  no clear change       +100%  too few to tell
a        2.00 s  4.00 s   +100%  worse                 +100%  too few to tell
the-agent-that-answers-questions-about-bills-and-late-orders
         1.00 s  1.00 s      0%  no clear change          0%  no clear change

left out at 80 columns (173 show all): of percentile tables n before, n after,
p95 before, p95 after
Share tables leave out 5 rows that are 0% before and after.
A change is called better or worse where the confidence intervals of before and
after do not overlap, so that all verdicts together are right with 95 %
confidence, and where it is at least 5 %, or one point of a share; p95 is shown
from 20 values on.
"""


@pytest.mark.usefixtures('journals')
def test_a_comparison_fits_80_columns(monkeypatch: pytest.MonkeyPatch):
    """The verdicts stay, and the medians that they are of."""
    blocks = shown(monkeypatch, 80, '--compare', 'before', 'after').split('\n\n')
    assert '\n\n'.join([blocks[0], blocks[2], blocks[-1], '']).rstrip() == COMPARED.rstrip()
    assert all(len(line) <= 80 for block in blocks for line in block.splitlines())


JUDGED = """\
before: 60 runs, $0.024, 1970-01-01 00:00:00 to 00:00:02 UTC

budget                  of                               figure  verdict
----------------------  -------------------------------  ------  ---------------
run_duration.p95 <= 3s  a                                2.00 s  too few to tell
run_duration.p95 <= 3s  the-agent-that-answers-          1.00 s  too few to tell
                        questions-about-bills-and-late-
                        orders

left out at 80 columns (130 show all): n, interval
The intervals are such that all verdicts together are right with 95 %
confidence; a budget is missed where its whole interval is beyond the limit, and
met where none of it is.

gate passed: 2 too few to tell
"""


@pytest.mark.usefixtures('journals')
def test_a_verdict_of_a_gate_fits_80_columns(monkeypatch: pytest.MonkeyPatch):
    """With who must keep the budget, whatever the name."""
    budget = ('--budget', 'run_duration.p95 <= 3s', '--by', 'agent', 'before')
    assert f'{shown(monkeypatch, 80, *budget)}\n' == JUDGED


@pytest.mark.usefixtures('journals')
@pytest.mark.parametrize('arguments', [['before'], ['--compare', 'before', 'after']], ids=' '.join)
@pytest.mark.parametrize('environment', [{'NO_COLOR': '1'}, {'TERM': 'dumb'}], ids=str)
def test_who_wants_no_escape_sequences_gets_none(
    environment: dict[str, str], arguments: list[str], monkeypatch: pytest.MonkeyPatch
):
    """The same lines, without them."""
    plain = shown(monkeypatch, 80, *arguments, **environment)
    seen = terminal(monkeypatch, 80, **environment)
    main(['report', *arguments])
    assert '\x1b' not in seen.getvalue()
    assert shown(monkeypatch, 80, *arguments) == plain


@pytest.mark.usefixtures('journals')
def test_what_goes_into_a_pipe_has_every_column(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Whatever the terminal is."""
    monkeypatch.setenv('COLUMNS', '80')
    assert main(['report', 'before']) == 0
    assert capsys.readouterr().out == WIDE


NAME = f'{"x" * 60}{"y" * 60}'


def test_a_long_name_is_whole_on_several_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In the heading, in the table of labels and in that of the slowest runs: no name is cut where there is room for lines."""
    path = tmp_path / 'j'
    path.write_bytes(b''.join(map(record_line, (full_response(labels={'tenant': NAME}), run(labels={'tenant': NAME})))))
    out = shown(monkeypatch, 80, str(path), '--label', f'tenant={NAME}')
    assert '…' not in out
    assert max(map(len, out.splitlines()[1:])) <= 80
    assert re.sub(r'[\s]', '', out).count(f'tenant={NAME}') == 2
    heading, _, *rows = out[out.index('slowest run') :].partition('\n\n')[0].splitlines()
    assert ''.join(row[heading.index('labels') : heading.index('mostly')].strip() for row in rows) == f'tenant={NAME}'
