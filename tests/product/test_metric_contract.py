"""The metric contract as data, and what is written from it."""

from __future__ import annotations

import importlib.util
import itertools
from typing import Any

import pytest

from streamtap._sinks.metrics.catalogue import BUCKETS, BY_NAME, CATALOGUE, SCRAPED
from streamtap._sinks.metrics.user_labels import RESERVED_LABELS
from support.paths import ROOT

CONTRACT = ROOT.parent / 'shared' / 'design' / 'METRICS.md'


def test_names_follow_prometheus():
    """Counters end in `_total`, nothing else does, and every name has one of the two prefixes."""
    for metric in CATALOGUE:
        assert metric.name.startswith(('pydantic_ai_', 'streamtap_')), metric.name
        assert (metric.type == 'counter') is metric.name.endswith('_total'), metric.name
        assert (metric.buckets is not None) is (metric.type == 'histogram'), metric.name
        assert (metric.merged is not None) is (metric.type == 'gauge'), metric.name
        assert metric.help.endswith('.'), metric.name


def test_no_metric_has_two_rows():
    """A name is a key."""
    assert len(BY_NAME) == len(CATALOGUE)


def test_bounds_rise():
    """In every set of buckets."""
    for bounds in BUCKETS.values():
        assert all(low < high for low, high in itertools.pairwise(bounds))


def test_labels_hold_no_ids():
    """Never a run, a conversation, a user or a call."""
    assert not {label for label in RESERVED_LABELS if label.endswith('_id')}


def test_every_metric_of_the_contract_is_there():
    """Each name that the design names is a row of the catalogue."""
    if not CONTRACT.is_file():
        pytest.skip('the design folder is not beside this checkout')
    import re

    contract = CONTRACT.read_text(encoding='utf-8')
    table = contract.partition('## Prometheus')[2].partition('\nLabels\n')[0]
    table += contract.partition('**New rows.**')[2].partition('\n\n')[0]
    named = set(re.findall(r'`((?:pydantic_ai|streamtap)_[a-z_]+[a-z])`', table))
    named |= {f'pydantic_ai{name}' for name in re.findall(r'`…(_[a-z_]+)`', table)}
    later = {
        'streamtap_event_loop_lag_seconds',
        'pydantic_ai_run_tokens',
        'pydantic_ai_repeated_tool_seconds_total',
        'pydantic_ai_repeated_tool_tokens_total',
        'pydantic_ai_cache_saved_usd_total',
        'pydantic_ai_cache_lost_usd_total',
        'pydantic_ai_question_attempts_total',
        'pydantic_ai_time_to_answer_seconds',
    }
    assert {metric.name for metric in SCRAPED} - named == later
    assert named <= {metric.name for metric in SCRAPED}


def test_the_reference_page_is_current():
    """docs/metrics.md is what the generator writes."""
    spec = importlib.util.spec_from_file_location('generate', ROOT / 'docs' / 'generate.py')
    assert spec is not None
    assert spec.loader is not None
    generate: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / 'docs' / 'metrics.md').read_text(encoding='utf-8') == generate.metrics_page()
