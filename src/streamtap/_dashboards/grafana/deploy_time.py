"""When the service was last deployed, for boards that compare what was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.queries import RANGE, Promql
from streamtap._dashboards.grafana.variables import asked
from streamtap._dashboards.promql.growth import Window

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.grafana.panels import Json

FORGOTTEN = '1d'
"""For how long a version must not have been seen to be a deploy when it comes."""

SINCE, TWICE = 'since', 'twice'
"""The variables that hold the seconds since the last deploy, and twice as many; 1 and 2 if there was none."""

DEPLOYED = f'vector(${SINCE}) > 1'
"""Whether there was one in the time range."""

AFTER = f'${{{SINCE}}}s'
BEFORE = Window(AFTER, AFTER, f'${{{TWICE}}}s')
"""The time since the last deploy, and as long a time before it."""

_LOOKS = 15
"""How often it is looked for a version, in seconds: seldom enough for a range of weeks."""


def versions(promql: Promql) -> str:
    """The processes that say which version of the service they are.

    Args:
        promql: Queries of the board.
    """
    return promql.processes('service_version!=""')


def since_deploy(config: Config) -> Json:
    """How many seconds ago the newest version was first seen.

    Args:
        config: What queries depend on.
    """
    return asked(SINCE, f'{_seconds(config)} or on () vector(1)')


def since_deploy_twice(config: Config) -> Json:
    """Twice as many: PromQL cannot calculate with windows.

    Args:
        config: What queries depend on.
    """
    return asked(TWICE, f'2 * ({_seconds(config)}) or on () vector(2)')


def _seconds(config: Config) -> str:
    named = versions(Promql((), config))
    # As often as scrapes, so that the first sample of a version is seen.
    first = f'min_over_time(timestamp({named})[{RANGE}:{min(_LOOKS, config.scrape_seconds)}s])'
    older = f'group by (service_version) (present_over_time({named}[{FORGOTTEN}] offset {RANGE}))'
    # A second more, so that the first sample is after the deploy: a window without its beginning would not have it.
    return f'ceil(time() - max (min by (service_version) ({first}) unless on (service_version) {older})) + 1'
