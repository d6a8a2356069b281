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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from streamtap._dashboards.config import Config

MINUTE = 60
HOUR = 3600

APM = {'agent': 'a', 'provider': 'p', 'model': 'm'}
TOOL = {'agent': 'a', 'tool': 't'}


@dataclass(frozen=True)
class State:
    """How a team's agents are: what happens to each run, request and call.

    Args:
        traffic: By what the usual number of runs is multiplied.
        failed_runs: The share of runs that fail.
        late_runs: The share of runs that show something too late.
        looping_runs: The share of runs that make too many requests.
        requests: Requests of a run.
        refused: The share of requests refused for their rate.
        failed_requests: The share of requests that fail otherwise.
        late_tokens: The share of requests whose first token is late.
        stalls: Stalls of a request.
        failed_calls: The share of tool calls that fail.
        slow_calls: The share of tool calls that are slow.
        retries: Retries of a run.
        tokens: Input tokens of a request.
        cost: US dollars an hour.
        unmeasured: The share of responses without usage.
        late_loops: The share of looks at the event loop that find it late.
        open_requests: How many requests are open.
        silent: How many of them are silent in the middle.
        waiting: How many of them wait for a first token.
        oldest: The age of the oldest run, in seconds.
        up: Whether processes can be scraped.
        there: Whether they are there at all.
        tap_errors: Failures of the tap, a minute.
        overflow: Label values too many, a minute.
    """

    traffic: float = 1
    failed_runs: float = 0.004
    late_runs: float = 0.02
    looping_runs: float = 0.01
    requests: float = 3
    refused: float = 0.01
    failed_requests: float = 0.01
    late_tokens: float = 0.01
    stalls: float = 0.02
    failed_calls: float = 0.02
    slow_calls: float = 0.01
    retries: float = 0.5
    tokens: float = 4000
    cost: float = 10
    unmeasured: float = 0.01
    late_loops: float = 0.001
    open_requests: int = 20
    silent: int = 0
    waiting: int = 1
    oldest: float = 40
    up: bool = True
    there: bool = True
    tap_errors: float = 0
    overflow: float = 0


WELL = State()


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
    for name, labels, per_minute in _counters(team):
        if re.search(team.about, name):
            yield said(name, labels, _counted(moments, times, team, per_minute))
    for name, labels, value in _GAUGES:
        if re.search(team.about, name):
            yield said(name, labels, _gauged(moments, times, team, value))
    yield said('up', {}, (_up(_state(moment, times, team)) for moment in moments))


def _state(moment: float, times: Times, team: Team) -> State:
    return team.bad if times.begins <= moment < times.ends else team.well


def _counted(moments: Iterable[int], times: Times, team: Team, per_minute: Callable[[State], float]) -> Iterator[str]:
    for moment in moments:
        bad = min(max(moment - times.begins, 0), times.ends - times.begins)
        grown = (per_minute(team.well) * (moment - bad) + per_minute(team.bad) * bad) / MINUTE
        state = _state(moment, times, team)
        # Half of one to begin with, so that what is rare does not all happen at the same moment.
        count = round(grown, 6) if per_minute is _cost else math.floor(grown + 0.5)
        yield f'{count}' if _seen(state) else 'stale'


def _gauged(moments: Iterable[int], times: Times, team: Team, value: Callable[[State], float]) -> Iterator[str]:
    for moment in moments:
        state = _state(moment, times, team)
        yield f'{value(state)}' if _seen(state) else 'stale'


def _seen(state: State) -> bool:
    return state.up and state.there


def _up(state: State) -> str:
    return f'{state.up:d}' if state.there else 'stale'


def _cost(state: State) -> float:
    return state.cost / MINUTE


def _counters(team: Team) -> Iterator[tuple[str, dict[str, str], Callable[[State], float]]]:
    def runs(state: State) -> float:
        return team.runs * state.traffic

    def requests(state: State) -> float:
        return runs(state) * state.requests

    def bad_requests(state: State) -> float:
        return state.refused + state.failed_requests

    run = {'agent': 'a', 'door': 'capability', 'nested': 'false'}
    asked = {**APM, 'streamed': 'true'}
    called = {**TOOL, 'kind': 'function'}
    yield 'pydantic_ai_runs_total', {**run, 'outcome': 'success'}, lambda s: runs(s) * (1 - s.failed_runs)
    yield 'pydantic_ai_runs_total', {**run, 'outcome': 'error'}, lambda s: runs(s) * s.failed_runs
    yield 'pydantic_ai_run_time_to_first_output_seconds_count', {'agent': 'a'}, runs
    in_time = {'agent': 'a', 'le': '7.5'}
    yield 'pydantic_ai_run_time_to_first_output_seconds_bucket', in_time, lambda s: runs(s) * (1 - s.late_runs)
    yield 'pydantic_ai_run_requests_count', {'agent': 'a'}, runs
    yield 'pydantic_ai_run_requests_bucket', {'agent': 'a', 'le': '32.0'}, lambda s: runs(s) * (1 - s.looping_runs)
    answered = {**asked, 'outcome': 'success'}
    yield 'pydantic_ai_requests_total', answered, lambda s: requests(s) * (1 - bad_requests(s))
    yield 'pydantic_ai_requests_total', {**asked, 'outcome': 'error'}, lambda s: requests(s) * bad_requests(s)
    refused, failed = ({**APM, 'error_type': f'ModelHTTPError_{status}'} for status in (429, 500))
    yield 'pydantic_ai_request_errors_total', refused, lambda s: requests(s) * s.refused
    yield 'pydantic_ai_request_errors_total', failed, lambda s: requests(s) * s.failed_requests
    unmeasured = {**APM, 'reason': 'not_reported'}
    yield 'pydantic_ai_unmeasured_responses_total', unmeasured, lambda s: requests(s) * s.unmeasured
    yield (
        'pydantic_ai_time_to_first_token_seconds_bucket',
        {**APM, 'le': '5.0'},
        lambda s: requests(s) * (1 - s.late_tokens - bad_requests(s)),
    )
    yield 'pydantic_ai_stream_stalls_total', APM, lambda s: requests(s) * s.stalls
    yield 'pydantic_ai_request_input_tokens_count', APM, requests
    yield 'pydantic_ai_request_input_tokens_sum', APM, lambda s: requests(s) * s.tokens
    yield 'pydantic_ai_cost_usd_total', {**APM, 'root_agent': 'a'}, _cost
    yield 'pydantic_ai_tool_calls_total', {**called, 'outcome': 'success'}, lambda s: runs(s) * (1 - s.failed_calls)
    yield 'pydantic_ai_tool_calls_total', {**called, 'outcome': 'error'}, lambda s: runs(s) * s.failed_calls
    took = {**TOOL, 'outcome': 'success'}
    yield 'pydantic_ai_tool_duration_seconds_count', took, runs
    yield 'pydantic_ai_tool_duration_seconds_bucket', {**took, 'le': '5.0'}, lambda s: runs(s) * (1 - s.slow_calls)
    yield 'pydantic_ai_tool_retries_total', {**TOOL, 'cause': 'model_retry'}, lambda s: runs(s) * s.retries
    # Ten looks a second, while runs are open.
    looks = min(1.0, team.runs) * 600
    yield 'streamtap_event_loop_lag_seconds_count', {'thread': 'main'}, lambda s: looks
    yield (
        'streamtap_event_loop_lag_seconds_bucket',
        {'thread': 'main', 'le': '0.5'},
        lambda s: looks * (1 - s.late_loops),
    )
    yield 'streamtap_errors_total', {'where': 'Journal'}, lambda s: s.tap_errors
    yield 'streamtap_label_overflow_total', {'label': 'tool'}, lambda s: s.overflow


_GAUGES: tuple[tuple[str, dict[str, str], Callable[[State], float]], ...] = (
    ('pydantic_ai_runs_in_progress', {'agent': 'a'}, lambda s: s.open_requests),
    ('pydantic_ai_requests_in_progress', APM, lambda s: s.open_requests),
    ('pydantic_ai_stalled_streams', {**APM, 'stage': 'mid_stream'}, lambda s: s.silent),
    ('pydantic_ai_stalled_streams', {**APM, 'stage': 'first_token'}, lambda s: s.waiting),
    ('pydantic_ai_oldest_run_age_seconds', {'agent': 'a'}, lambda s: s.oldest),
    ('streamtap_build_info', {'version': '1', 'pydantic_ai_version': '2', 'service_version': ''}, lambda s: 1),
)
