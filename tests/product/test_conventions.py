"""The profiles of the conventions: each has what is published, sent or with a reason, and its page says so."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._sinks.otel.conventions.profiles import PROFILES
from support.paths import ROOT
from support.published_conventions import AGENTS_AND_TOOLS, ELSEWHERE, METRICS, SPANS

if TYPE_CHECKING:
    from streamtap._sinks.otel.conventions.profiles import Semconv
    from streamtap._sinks.otel.conventions.tables import Attributes

EACH = pytest.mark.parametrize('name', ['1.41', 'latest'])


def levels(attributes: Attributes) -> dict[str, str]:
    """The level of each attribute, of which none is there twice."""
    found = {each.name: str(each.level) for each in attributes}
    assert len(found) == len(attributes)
    return found


@EACH
def test_every_metric_that_is_published_has_a_row(name: Semconv):
    """Of its name, type, unit, bounds and attributes; rows of newer conventions are marked, and as published there."""
    published = METRICS[name]
    if name == '1.41':
        published = {**published, **AGENTS_AND_TOOLS}
    rows = {row.name: row for row in PROFILES[name].instruments}
    assert set(rows) == set(published)
    for row in rows.values():
        expected = published[row.name]
        assert (row.type, row.unit, levels(row.attributes)) == (expected.type, expected.unit, expected.attributes)
        assert expected.bounds in (None, row.bounds), row.name
        assert row.is_later is (name == '1.41' and row.name in AGENTS_AND_TOOLS), row.name


@EACH
def test_every_span_that_is_published_has_a_row(name: Semconv):
    """With each of its attributes, at its level."""
    assert {span.name: levels(span.attributes) for span in PROFILES[name].spans} == SPANS[name]


@EACH
def test_what_is_left_out_has_a_reason(name: Semconv):
    """A sentence for each instrument, attribute and kind of span; what is not for agents is listed, too."""
    profile = PROFILES[name]
    assert ELSEWHERE[name] <= {each.name for each in profile.left_out}
    reasons = [each.why for each in profile.left_out]
    for row in profile.instruments:
        assert (row.measures is None) is bool(row.absent), row.name
        reasons += [row.absent, *(each.absent for each in row.attributes)]
    reasons += [each.absent for span in profile.spans for each in span.attributes]
    assert all(reason.endswith('.') for reason in reasons if reason)


@EACH
def test_what_is_required_is_sent(name: Semconv):
    """Everything that the conventions require of a metric or a span that is sent, with one exception."""
    profile = PROFILES[name]
    rows = [row.attributes for row in profile.instruments if not row.absent]
    rows += [span.attributes for span in profile.spans]
    absent = [each.name for row in rows for each in row if each.level == 'required' and each.absent]
    # On the span of a run it would make back ends count a request more.
    assert absent == {'1.41': ['gen_ai.provider.name'], 'latest': []}[name]


def test_the_page_is_current():
    """docs/conventions.md is what the generator writes."""
    spec = importlib.util.spec_from_file_location('convention_pages', ROOT / 'docs' / 'convention_pages.py')
    assert spec is not None
    assert spec.loader is not None
    pages: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    assert (ROOT / 'docs' / 'conventions.md').read_text(encoding='utf-8') == pages.page()
