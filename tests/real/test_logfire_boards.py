"""The boards for Logfire: in its format, and each query asked of real spans in a real database."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.paths import ROOT

pytest.importorskip('logfire', reason='logfire is not installed: the extra streamtap[logfire] gives it')

from pydantic_ai import Agent, ModelRetry
from pydantic_ai.models.test import TestModel

from streamtap._dashboards.logfire.boards import BOARDS, logfire_files
from streamtap._dashboards.logfire.panels import COLUMNS, Panel
from streamtap._dashboards.logfire.sql import metric
from streamtap._sinks.metrics.catalogue import PUSHED
from streamtap._sinks.otel.semconv import TOKENS_PER_SECOND
from streamtap.testing import Call, PacedProvider, Reply, TokenUsage, words
from support.logfire_run import LocalLogfire, run_with_everything
from support.logfire_tables import LogfireTables
from support.paced_models import paced_client, paced_model

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

PAGE = ROOT / 'docs' / 'logfire.md'
DOCUMENTED = re.findall(r'^```sql\n(.*?)^```$', PAGE.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL)
PANELS = [panel for board in BOARDS for group in board.groups for panel in group.panels]


def run_that_tries_again(local: LocalLogfire, *, native: bool) -> None:
    """A run whose tool sends the model's arguments back once, and which another one's tool calls."""
    tap = local.tap()
    caller = Agent(TestModel(), name='caller', capabilities=[tap.capability(stream=True)])
    helped = Agent(TestModel(), name='helped', capabilities=[tap.capability(stream=True)])
    tries: list[int] = []
    if native:
        local.logfire.instrument_pydantic_ai(caller)
        local.logfire.instrument_pydantic_ai(helped)

    @caller.tool_plain
    async def call() -> str:
        return (await helped.run('hello')).output

    @helped.tool_plain
    def choosy() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ModelRetry('not like this')
        return 'good'

    asyncio.run(caller.run('hello'))


def run_that_fails(local: LocalLogfire, *, native: bool) -> None:
    """A run of a model with a known price, which writes evenly before its tool breaks."""
    reply = Reply([*words('a word ' * 15), Call('drop', {})], every=0.05, usage=TokenUsage(input=500, cached=400))

    async def main(provider: PacedProvider) -> None:
        async with paced_client(provider) as client:
            clumsy = Agent(paced_model(client), name='clumsy', capabilities=[local.tap().capability(stream=True)])
            if native:
                local.logfire.instrument_pydantic_ai(clumsy)

            @clumsy.tool_plain
            def drop() -> str:
                raise OSError('it broke')

            with pytest.raises(OSError, match='it broke'):
                await clumsy.run('hello')

    with PacedProvider(lambda _: reply) as provider:
        asyncio.run(main(provider))


@pytest.fixture(scope='module', params=['own', 'native'])
def tables(request: pytest.FixtureRequest) -> LogfireTables:
    """A run with everything in it, one whose tool breaks, one in another whose tool is asked again, and every metric.

    The spans are the tap's own, or Pydantic AI's with what the tap adds.
    """
    native = request.param == 'native'
    spans: list[ReadableSpan] = []
    for _ in range(6):
        local = LocalLogfire()
        run_with_everything(local, 'capability', native=native)
        run_that_fails(local, native=native)
        run_that_tries_again(local, native=native)
        spans = local.spans
        # A machine that is too busy to take each chunk when it comes gives no speed.
        if any(TOKENS_PER_SECOND in (span.attributes or {}) for span in spans):
            break
    found = LogfireTables()
    found.add_spans(spans)
    for each in PUSHED:
        found.add_metric(each)
    return found


@pytest.mark.parametrize('query', DOCUMENTED)
def test_every_query_of_the_documentation_finds_something(query: str, tables: LogfireTables):
    """As it stands there."""
    assert tables.ask(query)


def rendered(path: str) -> dict[str, Any]:
    return json.loads(logfire_files()[path])


@pytest.mark.parametrize('panel', PANELS, ids=lambda panel: panel.key)
def test_every_query_finds_something(panel: Panel, tables: LogfireTables):
    """Also that what a chart is to draw is among the columns, and has a value."""
    rows = tables.ask(panel.query)
    assert rows
    if panel.kind == 'TimeSeriesChart':
        wanted = {'x', *panel.values, *([panel.group] if panel.group else [])}
        assert set(rows[0]) == wanted
    if panel.kind == 'Values':
        assert len(rows[0]) == 1
    for column in rows[0]:
        assert any(row[column] is not None for row in rows), column


def test_the_numbers_are_those_of_the_run(tables: LogfireTables):
    """Runs, failures and stalls, as they happened."""
    by_title = {panel.title: panel for panel in PANELS}
    assert len(by_title) == len(PANELS)

    def ask(title: str) -> list[dict[str, object]]:
        return tables.ask(by_title[title].query)

    assert ask('Runs') == [{'runs': 3}]
    assert ask('Failed runs') == [{'failed': pytest.approx(2 / 3)}]
    assert {row['agent']: (row['runs'], row['nested'], row['failed']) for row in ask('Agents')} == {
        'helper': (1, 0, 1),
        'clumsy': (1, 0, 1),
        'caller': (1, 0, 0),
        'helped': (0, 1, 0),
    }
    tools = {row['tool']: (row['calls'], row['failed'], row['retried']) for row in ask('Tools')}
    assert (tools['choosy'], tools['drop'], tools['call']) == ((2, 0, 0.5), (1, 1, 0), (1, 0, 0))
    assert ask('Failed tool calls') == [{'failed': pytest.approx(1 / 6)}]
    assert ask('Stalls') == [{'stalls': 1}]
    (swift,) = [row for row in ask('Streams by model') if row['model'] == 'swift-1']
    assert (swift['streams'], swift['ttft_p50'], swift['stalls'], swift['longest_wait']) == (2, 1.25, 1.0, 6.0)
    assert {row['error'] for row in ask('Last failed runs')} == {'ConnectionError', 'OSError'}
    (priced,) = [row for row in ask('Models') if row['model'] == 'gpt-4.1-mini']
    assert (priced['input_tokens'], priced['cached']) == (500, 0.8)


@pytest.mark.parametrize('path', sorted(logfire_files()))
def test_every_board_has_the_shape_that_logfire_imports(path: str):
    """Every panel is placed once, within the grid and on no other, with a title and a question."""
    spec = rendered(path)['spec']
    places = [item for layout in spec['layouts'] for item in layout['spec']['items']]
    assert sorted(item['content']['$ref'] for item in places) == sorted(
        f'#/spec/panels/{key}' for key in spec['panels']
    )
    for layout in spec['layouts']:
        cells = [
            (x, y)
            for item in layout['spec']['items']
            for x in range(item['x'], item['x'] + item['width'])
            for y in range(item['y'], item['y'] + item['height'])
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < COLUMNS
    for panel in spec['panels'].values():
        assert panel['spec']['display']['name']
        assert panel['spec']['display']['description']
        (query,) = panel['spec']['queries']
        assert query['spec']['plugin']['kind'] == f'Logfire{query["kind"]}'
        is_chart = panel['spec']['plugin']['kind'] == 'TimeSeriesChart'
        assert (
            is_chart
            == (query['kind'] == 'TimeSeriesQuery')
            == ('$resolution' in query['spec']['plugin']['spec']['query'])
        )


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        (('pydantic_ai_turns_total',), 'no metric pydantic_ai_turns_total is sent by OTLP'),
        (('pydantic_ai_inter_chunk_latency_seconds',), 'is sent by OTLP'),
        (('pydantic_ai_runs_total', 'model'), 'pydantic_ai_runs_total has no label model'),
    ],
)
def test_a_query_cannot_name_what_is_not_in_the_catalogue(arguments: tuple[str, ...], says: str):
    """A renamed metric stops the generator."""
    with pytest.raises(ValueError, match=says):
        metric(*arguments)
