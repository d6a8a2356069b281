"""The same rules serve what is pushed by OTLP as what is scraped."""

from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from streamtap import OTelMetricSink, Tap
from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.promql.pieces import metric_of
from streamtap._dashboards.rules.alerts import alerts
from streamtap._dashboards.rules.board_records import BoardRecords
from streamtap._dashboards.rules.recording import recordings
from support.made_records import give_everything, response
from support.real_servers import wait_for

if TYPE_CHECKING:
    from support.victoria_server import VictoriaMetrics

CLASSIC = replace(CONFIG, histograms='classic')
RECORDED = {rule.record: rule.expr for group in recordings(CLASSIC).values() for rule in group.rules}
HOURS = re.compile(r'_over_time\((0\.5, )?\w+:')
"""What reads hours and days that were recorded: there are none yet."""


def unfolded(expr: str) -> str:
    """An expression with that of each recording rule in the place of its name."""
    while names := [name for name in re.findall(r'\w+:\w+:\w+', expr) if name in RECORDED]:
        for name in names:
            expr = expr.replace(name, f'({RECORDED[name]})')
    return expr


QUERIES = {name: unfolded(expr) for name, expr in RECORDED.items() if not HOURS.search(expr)} | {
    alert.name: unfolded(alert.expr)
    for group in alerts(CLASSIC).values()
    for alert in group.rules
    if alert.name == 'StreamtapFailing'
}

OF_BOARDS = {
    rule.record: rule.expr
    for group in BoardRecords(replace(CLASSIC, scrape_seconds=5, recorded_every='1m')).groups().values()
    for rule in group
    if metric_of(rule.record.split(':')[1]).only != 'scrape'
}


def ask(server: VictoriaMetrics, query: str) -> list[dict[str, object]]:
    asked = urllib.parse.urlencode({'query': query, 'nocache': '1'})
    # Not through a proxy of the environment.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f'{server.url}/api/v1/query?{asked}', timeout=10) as answer:
        return json.load(answer)['data']['result']


def test_every_rule_has_an_answer_from_what_was_pushed(victoria_metrics: VictoriaMetrics):
    """Each recording rule, those for boards too, and the alert that reads counters as they are."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(victoria_metrics.otlp), export_interval_millis=1e9)
    provider = MeterProvider([reader])
    sink = OTelMetricSink(provider)
    tap = Tap([sink])
    for _ in range(3):
        give_everything(sink)
        sink.response_ended(response(outcome='error', error_type='ModelHTTPError_500', finish_reason='error'))
        provider.force_flush()
        time.sleep(1.1)  # Points of the same second are one point.
    provider.shutdown()
    queries = {**QUERIES, **OF_BOARDS}
    unanswered = set(queries)

    def all_answered() -> bool | None:
        unanswered.difference_update([name for name in unanswered if ask(victoria_metrics, queries[name])])
        return not unanswered or None

    with contextlib.suppress(TimeoutError):
        wait_for(all_answered, 'an answer to every rule', seconds=15)
    assert unanswered == set()
    assert tap.live().runs == ()
