"""The queries of the documentation name what there is, and a real Prometheus understands them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.rules.recording import recordings
from streamtap._sinks.metrics.catalogue import BY_NAME
from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / 'docs'
QUERIES = [
    query
    for page in ('queries.md', 'runbooks.md')
    for query in re.findall(r'^```promql\n(.*?)^```$', (DOCS / page).read_text('utf-8'), re.MULTILINE | re.DOTALL)
]

FROM_PROMETHEUS = {'le', 'job', 'instance'}
RECORDED = {rule.record for group in recordings(CONFIG).values() for rule in group.rules}


@pytest.mark.parametrize('query', QUERIES)
def test_a_query_names_metrics_and_labels_of_the_catalogue(query: str):
    """A renamed metric cannot leave a dead query behind."""
    named = set(re.findall(r'[\w:]+', query))
    recorded = {name for name in named if ':' in name}
    assert recorded <= RECORDED
    names = {name for name in named - recorded if re.match('(?:pydantic_ai|streamtap)_', name)}
    metrics = [BY_NAME[re.sub(r'_(bucket|sum|count)$', '', name)] for name in names]
    assert metrics or recorded or 'up' in named
    grouped = {label.strip() for group in re.findall(r'by \(([^)]*)\)', query) for label in group.split(',')}
    matched = set(re.findall(r'(\w+)(?:=~|!=|=)"', query))
    for metric in metrics:
        assert (grouped | matched) - FROM_PROMETHEUS <= set(metric.labels), metric.name


def test_prometheus_understands_every_query(promtool: str, tmp_path: Path):
    """Each as the expression of a recording rule."""
    rules = [{'record': f'check:query{number}', 'expr': query} for number, query in enumerate(QUERIES)]
    file = tmp_path / 'rules.yml'
    file.write_text(json.dumps({'groups': [{'name': 'queries', 'rules': rules}]}), encoding='utf-8')
    checked = subprocess.run(
        [promtool, 'check', 'rules', str(file)], capture_output=True, text=True, check=False, timeout=30
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f'{len(QUERIES)} rules found' in checked.stdout
