"""The boards: Grafana can load them, Prometheus can answer them, and they follow the rules of good ones."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import promql_parser
import pytest
import yaml

from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.generated import generated
from streamtap._dashboards.grafana.boards import grafana_files
from streamtap._dashboards.grafana.deploy_time import AFTER
from streamtap._dashboards.grafana.layout import Layout
from streamtap._dashboards.grafana.panels import NO_TAP, stat
from streamtap._dashboards.grafana.queries import NOTHING, Promql
from streamtap._dashboards.promql.contract import strangers_of
from streamtap._dashboards.promql.growth import BEFORE
from streamtap._dashboards.promql.pieces import bound_pattern
from streamtap._sinks.metrics.catalogue import BUCKETS, BY_NAME, CATALOGUE
from support import boards
from support.boards import FILES, filled_in, panels, read, variables
from tools import dashboards

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads((Path(__file__).parent / 'grafana' / 'dashboard.schema.json').read_text(encoding='utf-8'))
UNITS = set(SCHEMA['definitions']['units']['enum'])
KINDS = {kind['properties']['type']['const']: kind for kind in SCHEMA['definitions']['Panel']['anyOf']}

each_board = pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)


def faults(board: dict[str, Any]) -> list[str]:
    """What Grafana's own types say against it: of its panels one by one, so that the message is of that kind of panel."""
    found = [*_against({**board, 'panels': []}, {'$ref': '#/definitions/Dashboard'})]
    for panel in panels(board):
        found += _against(panel, KINDS.get(panel['type'], False))
    return found


def _against(part: Any, schema: Any) -> Iterator[str]:
    whole = {'definitions': SCHEMA['definitions'], 'allOf': [schema]}
    for error in jsonschema.Draft7Validator(whole).iter_errors(part):  # pyright: ignore[reportUnknownMemberType]
        yield f'{error.json_path}: {error.message}'


@each_board
def test_grafana_knows_every_field(path: Path):
    """The schema is made from Grafana's own types."""
    assert faults(read(path)) == []


def _without_title(board: dict[str, Any]) -> None:
    board['templating']['list'][0].pop('name')


def _unknown_panel(board: dict[str, Any]) -> None:
    next(panels(board))['type'] = 'graph'


def _misspelt_option(board: dict[str, Any]) -> None:
    next(panels(board))['options']['colourMode'] = 'value'


def _wrong_enum(board: dict[str, Any]) -> None:
    next(each for each in panels(board) if each['type'] == 'timeseries')['options']['legend']['placement'] = 'left'


@pytest.mark.parametrize('break_it', [_without_title, _unknown_panel, _misspelt_option, _wrong_enum])
def test_the_schema_sees_a_fault(break_it: Any):
    """A check that finds nothing proves nothing."""
    board = copy.deepcopy(read(FILES[0]))
    break_it(board)
    assert faults(board) != []


def test_names_and_ids_are_fixed_and_used_once():
    """Links and bookmarks go by uid."""
    found = [read(path) for path in FILES]
    assert {board['uid'] for board in found} == {f'streamtap-{path.stem}' for path in FILES}
    for board in found:
        assert board['tags'] == ['streamtap']
        assert board['editable'] is False
        ids = [panel['id'] for panel in (*board['panels'], *panels(board))]
        assert len(set(ids)) == len({id(panel) for panel in (*board['panels'], *panels(board))})


@each_board
def test_panels_fill_the_columns_and_do_not_overlap(path: Path):
    """Each cell of the grid belongs to at most one panel, and no line has a hole."""
    board = read(path)
    cells: dict[int, list[int]] = {}
    for panel in (*(each for each in board['panels'] if each['type'] == 'row'), *panels(board)):
        place = panel['gridPos']
        for y in range(place['y'], place['y'] + place['h']):
            cells.setdefault(y, []).extend(range(place['x'], place['x'] + place['w']))
    assert all(sorted(line) == list(range(24)) for line in cells.values())


@each_board
def test_every_panel_says_what_it_answers(path: Path):
    """A title, a question, a unit, a word for nothing, and at least one query of the chosen data source."""
    for panel in panels(read(path)):
        assert panel['title']
        assert '?' in panel['description'], panel['title']
        assert panel['datasource'] == {'type': 'prometheus', 'uid': '${datasource}'}
        assert panel['targets'], panel['title']
        assert panel['fieldConfig']['defaults']['noValue'], panel['title']
        for unit in units(panel):
            assert unit in UNITS or re.fullmatch(r'suffix:\S+', unit), unit


def units(panel: dict[str, Any]) -> list[str]:
    """The units of a panel: a table has one for each of its columns of numbers."""
    if panel['type'] != 'table':
        return [panel['fieldConfig']['defaults']['unit']]
    found = [
        each['value']
        for look in panel['fieldConfig']['overrides']
        for each in look['properties']
        if each['id'] == 'unit'
    ]
    assert len(found) == len(panel['targets']), panel['title']
    return found


@each_board
def test_queries_are_promql_and_filtered_by_the_variables(path: Path):
    """Each selector matches job and instance and the variables its metric has; each counter is under rate or increase."""
    board = read(path)
    for panel in panels(board):
        for target in panel['targets']:
            for name, labels, window in selectors(filled_in(target['expr'], board)):
                assert {'job', 'instance'} <= labels, target['expr']
                if name.endswith(('_total', '_bucket', '_sum', '_count')):
                    assert window, target['expr']
            windows = set(re.findall(r'\[(.*?)\]', re.sub(r'"[^"]*"', '', target['expr'])))
            # The hour is the one before the window, in which a series was there or is new.
            window = {'$__range', AFTER} if target['instant'] else {'$__rate_interval', '$__range'}
            assert windows <= {*window, BEFORE}, target['expr']


def selectors(query: str) -> Iterator[tuple[str, set[str], bool]]:
    """The metric of each selector of a query, the labels that it matches, and whether it is of a window."""
    found: list[tuple[str, set[str], bool]] = []

    def look(node: promql_parser.Expr) -> bool:
        windowed = isinstance(node, promql_parser.MatrixSelector)
        selector = node.vector_selector if windowed else node
        if isinstance(selector, promql_parser.VectorSelector):
            found.append((selector.name or '', {each.name for each in selector.matchers.matchers}, windowed))
        return not windowed

    promql_parser.walk(promql_parser.parse(query), look)
    return iter(found)


@each_board
def test_variables_are_chained_and_follow_the_time_range(path: Path):
    """One data source; labels ask again when the time changes, offer All, and each is matched by those after it."""
    found = variables(read(path))
    assert [name for name, each in found.items() if each['type'] == 'datasource'] == ['datasource']
    assert found['filters']['type'] == 'adhoc'
    before: list[str] = []
    for name, (series, label) in boards.label_values(path).items():
        assert label == name
        assert found[name]['refresh'] == 2
        assert (found[name]['multi'], found[name]['includeAll'], found[name]['allValue']) == (True, True, '.*')
        metric = series.partition('{')[0]
        labels = {'job', 'instance', *(BY_NAME[metric].labels)}
        matched = {each.name for each in promql_parser.parse(series).matchers.matchers}  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue, reportUnknownVariableType]
        assert set(before) & labels <= matched
        before.append(name)


@each_board
def test_latency_leads_to_traces(path: Path):
    """Every course of a histogram asks for exemplars; only the lag of a loop belongs to no trace."""
    for panel in panels(read(path)):
        for target in panel['targets']:
            if panel['type'] in ('timeseries', 'heatmap') and re.search(r'pydantic_ai_\w+_bucket', target['expr']):
                assert target['exemplar'] is True, panel['title']


@each_board
def test_only_numbers_with_a_verdict_have_its_colours(path: Path):
    """A stat without thresholds is of the colour of text."""
    for panel in panels(read(path)):
        if panel['type'] == 'stat':
            look = panel['fieldConfig']['defaults']
            judged = len(look['thresholds']['steps']) > 1
            assert look['color'] == ({'mode': 'thresholds'} if judged else {'mode': 'fixed', 'fixedColor': 'text'})


def links(panel: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The links of a panel: those of its number, and of its cells."""
    yield from panel['fieldConfig']['defaults'].get('links', ())
    for look in panel['fieldConfig']['overrides']:
        for one in look['properties']:
            if one['id'] == 'links':
                yield from one['value']


@each_board
def test_links_lead_to_boards_with_the_variables_that_they_have(path: Path):
    """A link carries time and variables; that of a cell sets one of the other board's, that of a number names a panel there."""
    others = {read(each)['uid']: read(each) for each in FILES}
    for panel in panels(read(path)):
        for link in links(panel):
            uid, query = re.fullmatch(r'/d/([\w-]+)\?(.*)', link['url']).groups()  # pyright: ignore[reportOptionalMemberAccess]
            first, *carried = query.split('&')
            assert first == '${__url_time_range}'
            names = re.findall(r'\$\{(\w+):queryparam\}|var-(\w+)=', '&'.join(carried))
            assert {one or other for one, other in names} <= set(variables(others[uid])), link
            if panel['type'] == 'stat':
                shown = {f'viewPanel={each["id"]}': each['title'] for each in panels(others[uid])}
                assert shown[carried[-1]] == link['title']


def test_what_agents_do_wrong_is_a_click_away_from_the_first_screen():
    """A tile with a verdict for each fault, above the table of the agents, and the table that says where it is behind it."""
    board = read(boards.FOLDER / 'overview.json')
    found = {panel['title']: panel for panel in panels(board)}
    below = found['Which agent is it?']['gridPos']['y']
    behind = {
        'Goodput': 'Goodput by agent',
        'Most calls in a loop': 'Which tool is called in a loop?',
        'Fullest context': 'Whose context fills up?',
        'Most bought again': 'Who buys tokens again?',
    }
    for tile, title in behind.items():
        assert found[tile]['gridPos']['y'] < below
        assert len(found[tile]['fieldConfig']['defaults']['thresholds']['steps']) == 3
        assert [link['title'] for link in links(found[tile])] == [title]


def test_every_metric_is_on_a_board():
    """What is measured and shown nowhere is measured for nobody."""
    texts = ''.join(path.read_text(encoding='utf-8') for path in FILES)
    assert [metric.name for metric in CATALOGUE if metric.name not in texts] == []


@each_board
def test_points_of_a_line_are_as_far_apart_as_scrapes(path: Path):
    """So that Grafana's window about a point holds four samples, at scrapes of a minute too; tiles and tables have none."""
    for panel in panels(read(path)):
        for target in panel['targets']:
            assert target.get('interval') == (None if target['instant'] else '60s'), panel['title']
            assert target['instant'] is (panel['type'] in ('stat', 'table')), panel['title']


@each_board
def test_a_tile_tells_no_data_from_nothing_to_show(path: Path):
    """Words stand for a number that no run can have, and other words for none at all."""
    for panel in panels(read(path)):
        if panel['type'] == 'stat' and 'or on () (0 * group(' not in panel['targets'][0]['expr']:
            (mapping,) = panel['fieldConfig']['defaults']['mappings']
            ((value, shown),) = mapping['options'].items()
            assert (mapping['type'], value, shown['color']) == ('value', str(NOTHING), 'text')
            assert panel['fieldConfig']['defaults']['noValue'] == NO_TAP
            assert f'or on () ({NOTHING} * group(last_over_time(' in panel['targets'][0]['expr']


def test_a_server_without_native_histograms_is_asked_for_classic_ones_only():
    """VictoriaMetrics refuses a query with a function that it does not know."""
    files = generated(replace(CONFIG, histograms='classic'))
    boards_only = ''.join(text for path, text in files.items() if path.startswith('grafana/'))
    assert 'pydantic_ai_run_duration_seconds_bucket' in boards_only
    assert re.findall('histogram_(?:count|sum|fraction)', boards_only) == []


def test_the_interval_of_scrapes_and_the_thresholds_reach_the_boards():
    """From one configuration, as the alerts have it."""
    config = replace(CONFIG, scrape_seconds=15, blank_screen_seconds=3, first_token_seconds=2)
    board = json.loads(generated(config)['grafana/overview.json'])
    found = {panel['title']: panel for panel in panels(board)}
    assert found['Run time']['targets'][0]['interval'] == '15s'
    steps = found['Blank screen, p95']['fieldConfig']['defaults']['thresholds']['steps']
    assert [step['value'] for step in steps] == [None, 1.5, 3]
    assert variables(board)['slo']['current']['text'] == '2'


def test_the_files_in_the_repository_are_those_of_the_generator():
    """Boards, rules and alerts: none is stale or has no generator, and they ask only for what the catalogue has."""
    assert dashboards.complaints(dashboards.FOLDER) == []


def test_stale_and_orphaned_files_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`--check` names each and what to do, and writes nothing."""
    assert dashboards.main(['--to', str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        'grafana',
        'prometheus',
        'kubernetes',
        'logfire',
        'streamtap.toml',
    }
    (tmp_path / 'grafana' / 'tools.json').write_text('{}', encoding='utf-8')
    (tmp_path / 'prometheus' / 'rules.yaml').unlink()
    (tmp_path / 'grafana' / 'mine.json').write_text('{}', encoding='utf-8')
    (tmp_path / 'logfire' / 'mine.json').write_text('{}', encoding='utf-8')
    assert dashboards.main(['--check', '--to', str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        'grafana/tools.json is out of date: run `make dashboards`',
        'prometheus/rules.yaml is out of date: run `make dashboards`',
        'grafana/mine.json has no generator: delete it, or give its board one',
        'logfire/mine.json has no generator: delete it, or give its board one',
    ]
    assert (tmp_path / 'grafana' / 'tools.json').read_text(encoding='utf-8') == '{}'


def test_alerts_lead_to_where_the_runbooks_are_read():
    """The setting is the beginning of each `runbook_url`."""
    files = generated(replace(CONFIG, runbooks='https://wiki.example.com/agents'))
    groups = yaml.safe_load(files['prometheus/alerts.yaml'])['groups']
    found = {rule['alert']: rule['annotations']['runbook_url'] for group in groups for rule in group['rules']}
    assert found == {alert: f'https://wiki.example.com/agents#{alert.lower()}' for alert in found}


def test_a_metric_that_was_renamed_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A board that asks for it cannot be made."""
    monkeypatch.delitem(BY_NAME, 'pydantic_ai_runs_total')
    assert dashboards.main(['--check']) == 1
    assert capsys.readouterr().err == 'pydantic_ai_runs_total is not in the catalogue\n'


@pytest.mark.parametrize(
    ('query', 'wrong'),
    [
        ('sum by (agent) (rate(pydantic_ai_runs_total{job=~"$job", outcome!="success"}[5m]))', []),
        ('histogram_quantile(0.95, sum by (le, agent) (rate(pydantic_ai_run_duration_seconds_bucket[5m])))', []),
        ('sum(pydantic_ai_runs)', ['pydantic_ai_runs is not in the catalogue']),
        ('sum by (model) (rate(pydantic_ai_runs_total[5m]))', ['pydantic_ai_runs_total has no label model']),
        ('sum(rate(pydantic_ai_runs_total{tool="x"}[5m]))', ['pydantic_ai_runs_total has no label tool']),
        ('sum by (le) (rate(pydantic_ai_runs_total[5m]))', ['pydantic_ai_runs_total has no label le']),
        ('sum by (agent) (a) / sum by (feature) (rate(pydantic_ai_runs_total[5m]))', []),
    ],
)
def test_a_query_may_ask_only_for_what_there_is(query: str, wrong: list[str]):
    """Metrics of the catalogue and their labels, and the user's own."""
    assert list(strangers_of(query, replace(CONFIG, labels=('feature',)))) == wrong


def test_labels_of_your_own_become_variables_and_filters():
    """As in `Tap(labels=...)`; what cannot be a label is refused."""
    written = grafana_files(replace(CONFIG, labels=('feature',)))
    assert sorted(written) == [f'grafana/{path.name}' for path in FILES]
    for text in written.values():
        board = json.loads(text)
        assert 'feature' in variables(board)
        for panel in panels(board):
            for target in panel['targets']:
                for name, labels, _ in selectors(filled_in(target['expr'], board)):
                    assert ('feature' in labels) is name.startswith('pydantic_ai_')
    with pytest.raises(ValueError, match="the label 'agent' is reserved"):
        replace(CONFIG, labels=('agent',))


def test_a_bound_matches_both_spellings_of_itself_only():
    """A scrape says 1.0 where OTLP says 1."""
    for letters in (BUCKETS['D'], BUCKETS['R']):
        for bound in letters:
            pattern = bound_pattern(bound)
            assert all(re.fullmatch(pattern, text) for text in {f'{bound:g}', str(float(bound))})
            others = {spelling for each in letters if each != bound for spelling in (f'{each:g}', str(float(each)))}
            assert not any(re.fullmatch(pattern, text) for text in others)


def test_mistakes_of_a_boards_author_are_errors():
    """An unknown metric, and panels that leave a hole."""
    with pytest.raises(ValueError, match='pydantic_ai_nothing is not in the catalogue'):
        Promql(()).select('pydantic_ai_nothing')
    with pytest.raises(ValueError, match='5 panels do not fill 24 columns'):
        Layout().line(8, *[stat('Runs', 'How many?', 'none', 'up')] * 5)
