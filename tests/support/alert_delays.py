"""How long after a fault begins its alert fires, and how long after its end it is gone: by promtool, for the runbooks."""

from __future__ import annotations

import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._dashboards.config import CONFIG
from support.alert_traffic import State
from support.alert_worlds import Fired, Team, Times, fired
from support.paths import ROOT
from support.required import SERVERS

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

PAGE = ROOT / 'docs' / 'runbooks.md'
BEGIN = '<!-- delays: written by `python -m support.alert_delays` -->\n\n'
END = '\n<!-- /delays -->'

FAULTS: dict[str, tuple[str, State, str]] = {
    'PydanticAIRunsFailing': ('three runs of four fail', State(failed_runs=0.75), '_runs_total'),
    'PydanticAIBlankScreen': ('half of the runs show nothing', State(late_runs=0.5), 'first_output'),
    'PydanticAIRunsLooping': ('half of the runs loop', State(looping_runs=0.5), 'run_requests'),
    'PydanticAIRunsLoopingNow': ('120 requests for each run', State(requests=120), '_runs_|_requests_total'),
    'PydanticAISlowFirstTokens': (
        'half of the streams begin late',
        State(late_tokens=0.5),
        '_requests_total|first_token',
    ),
    'PydanticAIStreamStalls': ('two stalls in each stream', State(stalls=2), '_requests_total|stalls'),
    'PydanticAIStreamsStalledNow': ('half of the open streams are silent', State(silent=10), '_progress|stalled_'),
    'PydanticAIProviderDown': ('every request fails', State(failed_requests=1, refused=0), '_requests_total'),
    'PydanticAIProviderRateLimited': ('half of the requests are refused', State(refused=0.5), 'request'),
    'PydanticAIProviderFailing': ('two requests of five fail', State(failed_requests=0.4), 'request'),
    'PydanticAIToolFailing': ('half of the calls fail', State(failed_calls=0.5), 'tool_calls'),
    'PydanticAIToolSlow': ('nine calls of ten are slow', State(slow_calls=0.9), 'tool_duration'),
    'PydanticAIRetryStorm': ('eight retries in each run', State(retries=8), '_runs_total|retries'),
    'PydanticAIAgentLooping': ('half of the calls repeat others', State(repeated_calls=0.5), 'tool_calls'),
    'PydanticAIContextNearlyFull': (
        'a fifth of the requests take most of the window',
        State(full_contexts=0.2),
        'ratio',
    ),
    'PydanticAICacheMissed': ('half of the input is bought again', State(bought_again=0.5), 'input_tokens|cache'),
    'PydanticAICostForecast': ('$400 an hour instead of $10', State(cost=400), 'cost'),
    'PydanticAIContextGrown': ('15 times the input tokens', State(tokens=60_000), 'input_tokens'),
    'StreamtapTargetDown': ('a process is down', State(up=False), 'build_info'),
    'StreamtapSilent': ('every process is gone', State(there=False), 'build_info'),
    'StreamtapEventLoopLag': ('the loop is late at one look in twenty', State(late_loops=0.05), 'lag'),
}
"""For each alert that has to be quick what goes wrong for six minutes, and the metrics that show it."""

SETTINGS: dict[str, tuple[Config, int]] = {
    'as shipped, scrapes of 60 s': (CONFIG, 60),
    'as shipped, 5 s': (CONFIG, 5),
    '`scrape_seconds=15`, 15 s': (replace(CONFIG, scrape_seconds=15), 15),
}
"""Thresholds, and how often is scraped."""


def delays(promtool: str, folder: Path) -> dict[str, dict[str, Fired]]:
    """For each setting, when the alert of each fault fired at 600 runs a minute, and of a team that is well: what did.

    Args:
        promtool: Its path.
        folder: Where files may be written.
    """
    teams = [
        *(Team(alert, 600, state, about=about) for alert, (_, state, about) in FAULTS.items()),
        Team('well', 600, State()),
    ]

    def measured(number: int, config: Config, scrape: int) -> dict[str, Fired]:
        times = Times(begins=900, ends=1260, until=1500, scrape=scrape)
        own = folder / str(number)
        own.mkdir()
        found = fired(
            promtool, config, own, teams, times, groups=r'-alerts|(runs|requests|tools|cost|self)\Z|-by-the-hour'
        )
        well = {f'well: {alert}': when for alert, when in found['well'].items()}
        return {alert: found[alert][alert] for alert in FAULTS if alert in found[alert]} | well

    configs, scrapes = zip(*SETTINGS.values(), strict=True)
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(measured, range(len(SETTINGS)), configs, scrapes))
    return dict(zip(SETTINGS, results, strict=True))


def table(found: dict[str, dict[str, Fired]]) -> str:
    """The delays for people.

    Args:
        found: Those that were measured.
    """
    lines = [f'| alert | fault of six minutes | {" | ".join(found)} |', f'|---|---|{"---|" * len(found)}']
    for alert, (what, _, _) in FAULTS.items():
        times = ' | '.join(f'{each[alert].after} s, {each[alert].gone} s' for each in found.values())
        lines.append(f'| [{alert}](#{alert.lower()}) | {what} | {times} |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    """Write them into the runbooks."""
    promtool = shutil.which('promtool', path=SERVERS)
    if promtool is None:
        sys.exit('`make servers` gives promtool, on Debian')
    with tempfile.TemporaryDirectory() as folder:
        found = table(delays(promtool, Path(folder)))
    before, _, rest = PAGE.read_text(encoding='utf-8').partition(BEGIN)
    PAGE.write_text(f'{before}{BEGIN}{found}{END}{rest.partition(END)[2]}', encoding='utf-8')


if __name__ == '__main__':
    main()
