"""Teams whose agents go wrong for a while, as series that promtool evaluates the rules over: when each alert begins and ends."""

from __future__ import annotations

import json
import math
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from streamtap._dashboards.rules.groups import rule_files
from support.alert_traffic import GAUGES, MINUTE, WELL, State, counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from streamtap._dashboards.config import Config

HOUR = 3600


@dataclass(frozen=True)
class Team:
    """A team, of which each has a job of its own.

    Args:
        job: Its name.
        runs: Runs that users have, a minute.
        bad: How its agents are while they are bad.
        well: How they are before and after.
        about: A pattern of the metrics that are needed, if not all.
    """

    job: str
    runs: float
    bad: State
    well: State = WELL
    about: str = ''


@dataclass(frozen=True)
class Times:
    """When the teams' agents go wrong, all at the same time; in seconds.

    Args:
        begins: When they begin to be bad.
        ends: When they are well again.
        until: When nobody looks any more.
        scrape: How often they are scraped.
        interval: How often rules are evaluated.
    """

    begins: int
    ends: int
    until: int
    scrape: int
    interval: int = 15


@dataclass(frozen=True)
class Fired:
    """When an alert of a team fired, in seconds.

    Args:
        after: After its agents went wrong.
        gone: After they were well again; below 0 if before.
    """

    after: int
    gone: int


def fired(
    promtool: str, config: Config, folder: Path, teams: Sequence[Team], times: Times, groups: str = ''
) -> dict[str, dict[str, Fired]]:
    """For each team's job the alerts that fired, by name.

    Args:
        promtool: Its path.
        config: The thresholds.
        folder: Where files may be written.
        teams: The teams.
        times: When.
        groups: A pattern of the groups of rules that are evaluated, if not all.
    """
    firing = 'timestamp(ALERTS{alertstate="firing"})'
    looks = {
        end: f'{end}_over_time((max by (job, alertname) ({firing}))[{times.until}s:{times.interval}s])'
        for end in ('min', 'max')
    }
    case = {
        'interval': f'{times.scrape}s',
        'input_series': [each for team in teams for each in _series(team, times)],
        'promql_expr_test': [
            # Expected is what cannot be, so that promtool says what is.
            {'expr': expr, 'eval_time': f'{times.until}s', 'exp_samples': [{'labels': '{}', 'value': -1}]}
            for expr in looks.values()
        ],
    }
    chosen = [group for group in _groups(config) if re.search(groups, group['name'])]
    (folder / 'rules.json').write_text(json.dumps({'groups': chosen}), encoding='utf-8')
    cases = {
        'rule_files': ['rules.json'],
        'evaluation_interval': f'{times.interval}s',
        # As in a server that evaluates alerts after what they read.
        'group_eval_order': [group['name'] for group in chosen],
        'tests': [case],
    }
    path = folder / 'cases.json'
    path.write_text(json.dumps(cases), encoding='utf-8')
    done = subprocess.run([promtool, 'test', 'rules', str(path)], capture_output=True, text=True, check=False)
    said = [_samples(line) for line in re.findall(r'\n\s+got: ?(.*)', done.stdout + done.stderr)]
    assert len(said) == len(looks), (done.stdout + done.stderr)[-2000:]
    first, last = said
    found: dict[str, dict[str, Fired]] = {team.job: {} for team in teams}
    for (job, alert), moment in first.items():
        gone = last[job, alert] + times.interval
        found[job][alert] = Fired(round(moment - times.begins), round(gone - times.ends))
    return found


def _groups(config: Config) -> list[dict[str, Any]]:
    files = rule_files(config)
    return [
        group for name in ('rules', 'alerts') for group in yaml.safe_load(files[f'prometheus/{name}.yaml'])['groups']
    ]


def _samples(line: str) -> dict[tuple[str, str], float]:
    return {
        (labels.partition('job="')[2].partition('"')[0], labels.partition('alertname="')[2].partition('"')[0]): float(
            value
        )
        for labels, value in re.findall(r'\{(.*?)\} ([-+.\dE]+)', line)
    }


def _series(team: Team, times: Times) -> Iterator[dict[str, str]]:
    def said(name: str, labels: Mapping[str, str], values: Iterable[str]) -> dict[str, str]:
        text = ', '.join(f'{label}="{value}"' for label, value in {'job': team.job, 'instance': 'i', **labels}.items())
        return {'series': f'{name}{{{text}}}', 'values': ' '.join(values)}

    moments = range(0, times.until + 1, times.scrape)
    for name, labels, per_minute in counters(team.runs):
        if re.search(team.about, name):
            yield said(name, labels, _counted(name, moments, times, team, per_minute))
    for name, labels, value in GAUGES:
        if re.search(team.about, name):
            yield said(name, labels, _gauged(moments, times, team, value))
    yield said('up', {}, (_up(_state(moment, times, team)) for moment in moments))


def _state(moment: float, times: Times, team: Team) -> State:
    return team.bad if times.begins <= moment < times.ends else team.well


def _counted(
    name: str, moments: Iterable[int], times: Times, team: Team, per_minute: Callable[[State], float]
) -> Iterator[str]:
    for moment in moments:
        bad = min(max(moment - times.begins, 0), times.ends - times.begins)
        grown = (per_minute(team.well) * (moment - bad) + per_minute(team.bad) * bad) / MINUTE
        state = _state(moment, times, team)
        # Half of one to begin with, so that what is rare does not all happen at the same moment.
        count = round(grown, 6) if name.endswith('_usd_total') else math.floor(grown + 0.5)
        yield f'{count}' if _seen(state) else 'stale'


def _gauged(moments: Iterable[int], times: Times, team: Team, value: Callable[[State], float]) -> Iterator[str]:
    for moment in moments:
        state = _state(moment, times, team)
        yield f'{value(state)}' if _seen(state) else 'stale'


def _seen(state: State) -> bool:
    return state.up and state.there


def _up(state: State) -> str:
    return f'{state.up:d}' if state.there else 'stale'
