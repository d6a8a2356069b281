"""What all boards share: names, links to each other, variables, annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from streamtap._dashboards.grafana.deploy_time import FORGOTTEN, versions
from streamtap._dashboards.grafana.panels import Json, datasource
from streamtap._dashboards.grafana.queries import Promql, scope
from streamtap._dashboards.grafana.variables import variables
from streamtap._dashboards.promql.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamtap._dashboards.config import Config
    from streamtap._dashboards.grafana.layout import Layout

TAG = 'streamtap'
WHOLE_RANGE = (
    'From ${__from:date:YYYY-MM-DD HH:mm} to ${__to:date:YYYY-MM-DD HH:mm}: tiles and table answer for all of it'
)
"""The heading of what answers for the time range as a whole."""

SCHEMA_VERSION = 39
"""That of Grafana 10.3; newer ones bring it up to their own as they load it."""


@dataclass(frozen=True)
class Board:
    """A board, as its module declares it.

    Args:
        name: The last part of its uid and the name of its file.
        title: The title.
        about: Which question it answers.
        filters: Labels of metrics that viewers can choose from.
        objectives: Choices of what is fast enough.
        fill: Lays out its panels.
    """

    name: str
    title: str
    about: str
    filters: tuple[str, ...]
    objectives: tuple[Callable[[Config], Json], ...]
    fill: Callable[[Promql], Layout]

    @property
    def uid(self) -> str:
        """What links call it."""
        return uid_of(self.name)

    def render(self, config: Config) -> Json:
        """The board as Grafana has it.

        Args:
            config: What is good and what is bad, what the server is, and the user's own labels.
        """
        promql = Promql(self.filters, config)
        objectives = [choice(config) for choice in self.objectives]
        return {
            'uid': self.uid,
            'title': self.title,
            'description': self.about,
            'tags': [TAG],
            'schemaVersion': SCHEMA_VERSION,
            'editable': False,
            'graphTooltip': 1,
            'refresh': '30s',
            'time': {'from': 'now-1h', 'to': 'now'},
            'timezone': '',
            'links': [_MENU],
            'annotations': {'list': [_deploys(promql), _firing()]},
            'templating': {'list': variables(self.filters, config, objectives)},
            'panels': [_paced(panel, config) for panel in self.fill(promql).panels()],
        }


def _paced(panel: Json, config: Config) -> Json:
    """A panel whose points are at least as far apart as scrapes or records are, whatever the data source says of them.

    Grafana takes at least four times a query's own interval as the window about a point.
    """
    if panel['type'] == 'row':
        return {**panel, 'panels': [_paced(each, config) for each in cast('list[Json]', panel['panels'])]}
    targets = cast('list[Json]', panel['targets'])
    records = Records(config)
    paced = [{**target, **_course(target, records)} if target['range'] else target for target in targets]
    return {**panel, 'targets': paced}


def _course(target: Json, records: Records) -> Json:
    query = str(target['expr'])
    pace = records.config.recorded_every if records.named_in(query) else f'{records.config.scrape_seconds}s'
    return {'expr': records.with_exemplars(query) if target['exemplar'] else query, 'interval': pace}


def uid_of(name: str) -> str:
    """The fixed uid of a board.

    Args:
        name: The board's.
    """
    return f'streamtap-{name}'


def link(config: Config, name: str, title: str, chosen: str, kept: Sequence[str] = ()) -> Json:
    """A link from a cell of a table to another board, which carries the time range and the variables.

    Args:
        config: What boards are made of.
        name: The other board.
        title: What it is called there.
        chosen: The variable that the cell's value is for.
        kept: The variables that go along, besides those of every board.
    """
    return {'title': title, 'url': f'{_url(name, kept, config)}&var-{chosen}=${{__value.raw}}'}


def panel_link(board: Board, panel: str, config: Config, kept: Sequence[str] = ()) -> Json:
    """A link to one panel of another board, from which all of the board is one click away.

    Args:
        board: The other board.
        panel: The title of the panel there.
        config: What the other board is made of.
        kept: The variables that go along, besides those of every board.
    """
    panels = board.fill(Promql(board.filters, config)).panels()
    number = next(each['id'] for each in panels if each['title'] == panel)
    return {'title': panel, 'url': f'{_url(board.name, kept, config)}&viewPanel={number}'}


def _url(name: str, kept: Sequence[str], config: Config) -> str:
    along = ''.join(f'&${{{variable}:queryparam}}' for variable in ('datasource', *scope(config), *kept))
    return f'/d/{uid_of(name)}?${{__url_time_range}}{along}'


_MENU: Json = {
    'type': 'dashboards',
    'title': 'Agents',
    'tags': [TAG],
    'asDropdown': False,
    'includeVars': True,
    'keepTime': True,
    'targetBlank': False,
    'icon': 'external link',
    'tooltip': '',
    'url': '',
}


def _firing() -> Json:
    """Marks while an alert fires."""
    return {
        'name': 'Alerts',
        'datasource': datasource(),
        'enable': True,
        'hide': False,
        'iconColor': 'red',
        'expr': 'ALERTS{alertstate="firing", alertname=~"(PydanticAI|Streamtap).*"}',
        'step': '30s',
        'titleFormat': '{{alertname}}',
        'textFormat': '{{agent}} {{provider}} {{model}} {{tool}}',
        'tagKeys': 'severity',
    }


def _deploys(promql: Promql) -> Json:
    """Marks the moment when a version of the service that was not there for a day begins to report."""
    named = versions(promql)
    return {
        'name': 'Deploys',
        'datasource': datasource(),
        'enable': True,
        'hide': False,
        'iconColor': 'purple',
        'expr': f'group by (service_version) ({named}) unless '
        f'group by (service_version) (last_over_time({named}[{FORGOTTEN}] offset 1m))',
        'step': '30s',
        'titleFormat': 'Deploy {{service_version}}',
        'textFormat': 'The service began to run version {{service_version}}.',
        'tagKeys': 'service_version',
    }
