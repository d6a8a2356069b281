"""How many series the pages say that there are, and what a scrape takes, is what is counted and what the tables have."""

from __future__ import annotations

import re
from functools import cache

import pytest

from bench.scrape import Deployment, filled, native_series, samples
from support.paths import ROOT

DOCS = ROOT / 'docs'


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding='utf-8')


def rows(text: str, columns: int) -> list[list[str]]:
    """The cells of each row of the tables that have so many columns."""
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines() if line[:1] == '|']
    return [row for row in cells if len(row) == columns]


@cache
def counted(agents: int, models: int, tools: int) -> tuple[int, int]:
    """How many series there are as text, and natively."""
    registry, tap = filled(Deployment(agents, models, tools))
    with tap:
        return samples(registry), native_series(registry)


def test_the_series_of_some_deployments():
    """By agents, models and tools."""
    shown = [row for row in rows(page('series.md'), 7) if row[0].isdecimal()]
    assert len(shown) == 3
    for row in shown:
        text, natively = counted(*map(int, row[:3]))
        assert (row[3], row[5]) == (f'{text:,}', f'{natively:,}')


def test_the_series_of_a_process_among_many():
    """Of 10 agents, and of 50, with 2 models and 5 tools each."""
    scaling = page('scaling.md')
    text, natively = counted(10, 2, 5)
    assert f'| processes of {text:,} series |' in scaling
    assert f'the same 10 agents are {natively:,} series in place of {text:,}' in scaling
    many, many_natively = counted(50, 2, 5)
    assert next(row for row in rows(scaling, 6) if row[0] == '2 models, 5 tools')[1] == f'{many:,}'
    assert f'1,000 processes of {many_natively:,} native series' in scaling


def test_the_series_that_single_histograms_have():
    """And those that are left without some of them, or without created timestamps."""
    registry, tap = filled(Deployment(50, 2, 5))
    with tap:
        families = {family.name: family.samples for family in registry.collect()}
    total = sum(map(len, families.values()))
    created = sum(sample.name.endswith('_created') for found in families.values() for sample in found)
    scaling = page('scaling.md')
    assert f'which are {created:,} of the {total:,} series of a text' in scaling
    assert f'250 targets of {total - created:,} series' in scaling
    (advice,) = (line for line in scaling.splitlines() if line.startswith('3. **If it must be text'))
    each, left_out = advice.split('Without', 1)
    for names, number in re.findall(r'(`pydantic[^;.]+?) (?:has )?([\d,]+)(?: each)?[;.]', each):
        for name in re.findall(r'`(\w+)`', names):
            assert number == f'{len(families[name]):,}', name
    gone = re.findall(r'`(pydantic\w+)`', left_out)
    assert len(gone) == 6
    assert f'there are {total - sum(len(families[name]) for name in gone):,}.' in left_out


@pytest.mark.parametrize('name', ['performance.md', 'native-histograms.md', 'performance-tables.md'])
def test_the_scrape_of_20_agents(name: str):
    """It is counted once, and three pages say so."""
    text, natively = counted(20, 5, 20)
    told = page(name)
    assert f'{natively:,}' in told
    assert (f'{text:,}' in told) or (f'{text:.4g}' in told)


def of_table(heading: str) -> dict[str, float]:
    """The figures of a table of the measurements."""
    section = page('performance-tables.md').partition(f'### {heading}\n')[2].partition('\n###')[0]
    return {row[0]: float(row[1].replace(',', '')) for row in rows(section, 2)[2:]}


def test_what_a_scrape_takes():
    """On each page as it was measured."""
    small, large = of_table('Scrape of 10,000 series'), of_table('Scrape of 20 agents with 5 models and 20 tools each')
    series = page('series.md').partition('## A scrape')[2]
    assert f'take {small["ms"]:.0f} ms of CPU as text, {small["ratio"]:.2f} times what' in series
    assert (
        f'By protobuf they take {small["protobuf ms"]:.0f} ms and {small["bytes by protobuf"] / 1e6:.2f} MB' in series
    )
    shown = [(row[2], row[4]) for row in rows(page('native-histograms.md'), 5)[2:]]
    assert shown == [
        (f'{large[size] / 1e6:.1f} MB', f'{large[time]:.0f} ms')
        for size, time in (
            ('bytes', 'ms'),
            ('bytes by protobuf', 'protobuf ms'),
            ('bytes by protobuf, native only', 'protobuf ms, native only'),
        )
    ]


def test_what_a_run_costs():
    """The summary and the README have it from the tables."""
    section = page('performance-tables.md').partition('### Runs of one response of 2 deltas\n')[2].partition('\n###')[0]
    found = {row[0]: row[1] for row in rows(section, 3)}
    alone, tap, own = (
        found[arm]
        for arm in (
            'no-op handler (the whole of it)',
            'tap, Prometheus, usage, unsampled spans',
            "pydantic-ai's Instrumentation",
        )
    )
    assert f'| one response of 2 deltas | {alone} | {tap} | {own} |' in page('performance.md')
    more, on_top_of, others = (f'{float(figure.replace(",", "")) / 1e3:.1f} ms' for figure in (tap, alone, own))
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert f'takes {more} of CPU more, on top of {on_top_of}; ' in readme
    assert f"Pydantic AI's own instrumentation adds {others}." in readme


def test_what_a_report_of_many_records_takes():
    """The page of reports and the tables say the same of ten million records."""
    tables = page('performance-tables.md')
    (seconds,) = re.findall(r'Ten million records are 8\.3 GB and take (\d+) s of processor time', tables)
    pattern, together = (
        next(row[1] for row in rows(tables, 2) if row[0].startswith(what))
        for what in ('the pattern that tells', 'together, and half a second')
    )
    report = page('report.md')
    assert f'| DuckDB | 83 s | {seconds} s |' in report
    assert f'({pattern} µs of {together} for each record)' in report
