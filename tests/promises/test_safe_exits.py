"""One hostile name in every place of a run that takes one: nothing that is put out has a character that is unsafe."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

from hostile.journals import CHECKS
from hostile.texts import HOSTILE, OF_JOBS, RIGHT_TO_LEFT, UNSAFE
from streamtap._base.names import clean
from streamtap._base.safe_text import safe
from streamtap._cli import main
from streamtap._sinks.journal.lines import header_line, record_line
from streamtap._sinks.usage.ledger import UsageSink
from streamtap.testing._text import report as as_text
from support.every_exit import EveryExit
from support.made_records import full_response, run, tool
from support.recorded_conversations import Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._report.options import Format

pytestmark = pytest.mark.filterwarnings('always')

NAMES = {
    'all at once': HOSTILE,
    'commands': OF_JOBS,
    'from right to left': f'{RIGHT_TO_LEFT} 5',
    'very long': 'long' * 5000,
}

FORMS = ('table', 'json', 'csv', 'html', 'markdown')

GATES = {
    'budgets': ['{}', '--budget', 'failed <= 0%', '--budget', 'failed_tools <= 0%', '--by', 'agent'],
    'strict budgets': ['{}', '--budget', 'run_duration.p50 <= 0s', '--by', 'tier', '--strict'],
    'strict comparison': ['--compare', '{}', '{}', '--fail-on', 'worse', '--strict'],
}
"""Gates that fail, by names."""

FORMULA = re.compile(r'[\s"\'`]*[=+@\uff1d\uff0b\uff0d\uff20-]')


COMMAND = re.compile(r'::(error|warning) title=streamtap::(?:[^%]|%25)*$')


def _error(name: str) -> Exception:
    made: type[Exception] = type(name, (Exception,), {})
    return made(name)


async def _run(world: EveryExit, name: str) -> None:
    """A run in which everything is called so, and which fails with a class of that name."""

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        if len(messages) > 1:
            raise _error(name)
        yield {0: DeltaToolCall(name=name, json_args='{}', tool_call_id=name)}
        yield {1: DeltaToolCall(name=f'{name}-invented', json_args='{}', tool_call_id=f'{name}2')}

    made: Agent[Any, Any] = Agent(
        FunctionModel(stream_function=stream, model_name=name),
        name=name,
        capabilities=[world.tap.capability(stream=True)],
    )

    @made.tool_plain(name=name)
    async def fine() -> str:  # pyright: ignore[reportUnusedFunction]
        return 'done'

    with contextlib.suppress(Exception):
        await made.run('hello', metadata={'tier': name}, conversation_id=name)


def _price(record: object, response: object) -> None:
    raise _error(HOSTILE)


def _strings(value: object) -> Iterator[str]:
    """Every text in a value that was read from JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in cast('dict[str, object]', value).items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in cast('list[object]', value):
            yield from _strings(inner)


def _unsafe(text: str) -> list[str]:
    """The lines of a text that have an unsafe character, but for isolates that are closed on the same line."""
    shown = re.sub('\u2068([^\u2066-\u2069]*)\u2069', r'\1', text)
    return [line for line in shown.split('\n') if safe(line) != line]


def _unsafe_in_json(lines: str) -> list[str]:
    """The texts in JSON documents, one per line, that have an unsafe character when they are read."""
    documents = [json.loads(line) for line in lines.splitlines() if line]
    return [text for document in documents for text in _strings(document) if safe(text) != text]


@pytest.mark.parametrize('name', NAMES.values(), ids=NAMES)
def test_no_exit_of_a_run_has_an_unsafe_character(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
):
    """Not metrics, spans, journal, page, summary, notebook, progress, records, log lines or the log of the tap's own failures."""
    world = EveryExit(tmp_path, _error(HOSTILE), _price, sink_name=name)
    with Listener('streamtap') as log:
        asyncio.run(_run(world, name))
        told = world.told()
    printed = capfd.readouterr()
    told |= {
        'log': '\n'.join(log.lines),
        'as text': as_text(world.memory.moments, world.memory.faults),
        'warnings': '\n'.join(str(each.message) for each in recwarn if 'streamtap' in each.filename),
        'printed': printed.out + printed.err,
    }
    assert {where: lines for where, text in told.items() if (lines := _unsafe(text))} == {}
    spans = [json.loads(span.to_json()) for span in world.spans.get_finished_spans()]
    page = [json.loads(document) for document in (*world.page.finished(None).runs, world.page.now())]
    data = world.metrics.get_metrics_data()
    exported = [*spans, *page, None if data is None else json.loads(data.to_json())]
    assert [text for text in _strings(exported) if _unsafe(text)] == []
    assert _unsafe_in_json(told['journal']) == []
    # The name was really there, and each line is one.
    (record,) = world.memory.runs
    shown = safe(name[:200])
    assert (record.agent, record.conversation_id, record.error_type, record.labels) == (
        shown,
        shown,
        shown,
        {'tier': shown},
    )
    assert {response.model for response in world.memory.responses} == {shown}
    assert {call.tool for call in world.memory.tools} == {shown, '_unknown'}
    assert {fault.subject for fault in world.memory.faults} >= {shown, 'price'}
    assert all(len(line) < 20_000 for line in log.lines)


def test_a_line_of_the_log_is_one_line_with_one_meaning(tmp_path: Path):
    """What is called like the rest of a line is quoted."""
    world = EveryExit(tmp_path, RuntimeError(), _price)
    asyncio.run(_run(world, 'a: success in 1 s, 0 requests'))
    world.tap.close()
    messages = [line.partition(' {')[0] for line in world.lines.seen]
    assert [
        message for message in messages if not re.match(r'(run of|tool) "a: success in 1 s, 0 requests"', message)
    ] == []
    assert len(messages) == 3


def _journal(path: Path, name: str) -> Path:
    """A journal that no tap wrote: a name as it is in every field that takes one."""
    told: dict[str, Any] = {'agent': name, 'labels': {'tier': name}}
    records: list[ResponseRecord | RunRecord | ToolRecord] = [
        full_response(**told, provider=name, model=name, error_type=name, outcome='error', cost_usd=0.5),
        tool(**told, tool=name, error_type=name, outcome='error'),
        run(**told, run_id='r', error_type=name, outcome='error', cost_usd=0.5),
    ]
    path.write_bytes(header_line() + b''.join(map(record_line, records)))
    return path


class Texts(HTMLParser):
    """The texts of a page and of its attributes, and what could run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self._may_break = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        # Where a line may break, a text goes on.
        self._may_break = tag == 'wbr'
        self.texts += [value for _, value in attrs if value]
        assert not [name for name, _ in attrs if name.startswith('on')]

    def handle_data(self, data: str) -> None:
        if self._may_break:
            self.texts[-1] += data
        else:
            self.texts.append(data)
        self._may_break = False


def _shown(form: str, text: str) -> list[str]:
    """The texts that somebody reads in a report."""
    if form == 'html':
        page = Texts()
        page.feed(text)
        assert not page.tags & {'script', 'img', 'iframe'}
        return page.texts
    return [text]


def _is_safe(form: str, out: str, err: str) -> None:
    assert [line for text in _shown(form, out) for line in _unsafe(text)] == []
    assert _unsafe(err) == []
    if form == 'csv':
        cells = [cell for line in (',', ';') for row in csv.reader(io.StringIO(out), delimiter=line) for cell in row]
        assert [cell for cell in cells if FORMULA.match(cell) and not cell.lstrip(' "').startswith("'")] == []
    # What runs the job obeys the first ones anywhere, the others at the beginning of a line.
    assert re.findall(r'##(?:\[|vso|teamcity)', out + err, re.IGNORECASE) == []
    commands = [line for line in (out + err).split('\n') if line.strip(' \u2068').startswith('::')]
    assert [line for line in commands if form != 'github' or not COMMAND.match(line)] == []


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('what', ['report', 'comparison'])
@pytest.mark.parametrize(
    'name', [*(name[:200] for name in NAMES.values()), *UNSAFE[::9]], ids=lambda name: ascii(name[:20])
)
def test_no_report_has_an_unsafe_character(
    tmp_path: Path, name: str, form: str, what: str, capsys: pytest.CaptureFixture[str]
):
    """Not even one of a journal that somebody wrote by hand, in any format; nor a command to what runs a job."""
    journal = str(_journal(tmp_path / 'journal', name))
    arguments = ['--compare', journal, journal] if what == 'comparison' else [journal]
    assert main(['report', *arguments, '--format', form]) == 0
    said = capsys.readouterr()
    _is_safe(form, said.out, said.err)


@pytest.mark.parametrize('form', [*FORMS, 'github'])
@pytest.mark.parametrize('gate', GATES)
@pytest.mark.parametrize('name', [name[:200] for name in NAMES.values()], ids=NAMES)
def test_no_gate_has_an_unsafe_character(
    tmp_path: Path, name: str, form: Format, gate: str, capsys: pytest.CaptureFixture[str]
):
    """Its verdict names who failed, and a comment or an annotation holds nothing but what it says."""
    journal = str(_journal(tmp_path / 'journal', name))
    assert main(['report', *(each.format(journal) for each in GATES[gate]), '--format', form]) == 3
    out, err = capsys.readouterr()
    _is_safe(form, out, err)
    CHECKS[form](re.sub('[\u2068\u2069]', '', out))
    assert 'gate failed: ' in (err if form in ('csv', 'json', 'html') else out)


@pytest.mark.parametrize('name', ['no\nsuch\x1b[2Jfile', f'no{RIGHT_TO_LEFT}\u202e'])
def test_the_command_says_what_is_wrong_on_one_line(name: str, capsys: pytest.CaptureFixture[str]):
    """Whatever the names of files and arguments are."""
    main(['report', name])
    with pytest.raises(SystemExit):
        main(['report', '--wrong', name, f'--{name}'])
    out, err = capsys.readouterr()
    assert out == ''
    assert len(err.splitlines()) == 2
    assert _unsafe(err) == []


def test_the_ledger_prints_a_forged_record_safely():
    """Also one that no door made."""
    sink = UsageSink()
    sink.run_ended(run(agent=HOSTILE))
    assert _unsafe(str(sink.summary())) == []


@pytest.mark.parametrize(
    'name', [*NAMES.values(), '$\\href{javascript:alert(1)}{x}$', '<b>&amp;'], ids=lambda n: ascii(n[:20])
)
def test_a_notebook_shows_names_as_text(name: str):
    """Neither as markup nor, between dollar signs, as mathematics, which the class of the box around them forbids."""
    sink = UsageSink()
    sink.response_ended(full_response(agent=name, model=name, labels={'tier': name}))
    sink.tool_ended(tool(agent=name, tool=name))
    sink.run_ended(run(agent=name, labels={'tier': name}, time_to_first_output=0.4, cost_usd=0.25))
    html = sink.summary()._repr_html_()  # pyright: ignore[reportPrivateUsage]
    shown = Texts()
    shown.feed(html)
    assert shown.tags - {'wbr'} == {'div', 'table', 'thead', 'tbody', 'tr', 'th', 'td'}
    assert [line for text in shown.texts for line in _unsafe(text)] == []
    assert clean(name) in shown.texts
    assert html.startswith('<div class="tex2jax_ignore mathjax_ignore">')
    assert html.endswith('</div>')
