"""The report as one HTML page: it needs no other file, no script and no network."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from streamtap._display import contexts
from streamtap._display.elements import element, page_text, style
from streamtap._display.text import dollars, percentage, plural, rate, seconds
from streamtap._display.widths import width_rules
from streamtap._records.failed import FAILED_RUNS
from streamtap._report.by_value import HOW_TO_READ, not_shown, value_grids
from streamtap._report.changes import changes_section
from streamtap._report.fitting_table import fitting_table
from streamtap._report.over_time import plot
from streamtap._report.patterns import patterns
from streamtap._report.quantities import BLANK_SCREEN, FIRST_TOKEN, RUN_DURATION, SPEED
from streamtap._report.run_articles import failures, run_article
from streamtap._report.spending import spending
from streamtap._report.steps import left_out, step_grid
from streamtap._report.waterfall import legend
from streamtap._report.words import change_grids, headline, how_to_read, period, unread_told
from streamtap._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from streamtap._display.elements import Child
    from streamtap._records.run_tree import RunTree
    from streamtap._report.compare import Change, Least
    from streamtap._report.figures import Figures
    from streamtap._report.gate import Gate
    from streamtap._report.owners import Scope
    from streamtap._sinks.usage.figures import RunsUsage


def report_page(
    gathered: Figures, unread: int, link: str | None = None, gate: Gate | None = None, by: Sequence[Scope] = ()
) -> str:
    """The page of some journals.

    Args:
        gathered: Their contents.
        unread: How many lines and files could not be read.
        link: The template of the address of a trace; `None` for no links.
        gate: The gate, if they are to pass one.
        by: What the main figures are shown by, side by side.
    """
    return _page(
        'Report of agent runs',
        element('p', f'{gathered.names} · {period(gathered)}', class_='dim'),
        _chosen(gathered),
        _warning(unread),
        _gate(gate),
        *_side_by_side(gathered, by),
        *(_many_runs(gathered, link) if gathered.single is None else _one_run(gathered.single, link)),
        _in_numbers(gathered),
    )


def _many_runs(gathered: Figures, link: str | None) -> Iterator[Child]:
    yield _figures(gathered)
    # Once on the page, above the first bars.
    is_explained, groups = bool(gathered.examples), gathered.summary.failures
    if groups:
        yield _section('What failed', legend() if is_explained else None, *failures(groups, gathered.examples, link))
    yield _over_time(gathered)
    if gathered.slowest:
        runs = (run_article(tree, link) for tree in gathered.slowest)
        yield _section('The slowest runs', None if is_explained else legend(), *runs)
    if gathered.cost_usd:
        yield _section(
            'Cost by agent and model',
            element(
                'p',
                'Prices of your own, else what the provider charged, else list prices. '
                "An agent's cost excludes that of its sub-agents.",
                class_='dim',
            ),
            spending(gathered.cost_usd),
        )


def _side_by_side(gathered: Figures, by: Sequence[Scope]) -> Iterator[Child]:
    if by:
        grids = map(fitting_table, value_grids(gathered.samples, by))
        yield _section('Side by side', *grids, *_notes([*not_shown(gathered.samples, by), HOW_TO_READ]))


def _in_numbers(gathered: Figures) -> Element:
    # Failures have a section of their own.
    grids = [each for each in gathered.summary.grids() if each.name != 'failures']
    return _section('In numbers', *map(fitting_table, grids), *_notes(gathered.notes(grids)))


def _one_run(tree: RunTree, link: str | None) -> Iterator[Child]:
    yield _section('The run', legend(), run_article(tree, link))
    yield _section('Its steps', fitting_table(step_grid(tree)), *_notes(list(filter(None, [left_out(tree)]))))


def _over_time(gathered: Figures) -> Element:
    return _section(
        'Over time',
        element(
            'p',
            'The median, and the worse tail: the 95th percentile of times, the 5th of speeds. Times are UTC.',
            class_='dim',
        ),
        element(
            'div',
            *(
                element('figure', element('figcaption', quantity.title), plot(quantity, slots))
                for quantity in (BLANK_SCREEN, FIRST_TOKEN, SPEED, RUN_DURATION)
                if (slots := gathered.over_time(quantity)).found
            ),
            class_='plots',
        ),
        element(
            'ul', _line_key('middle', 'median'), _line_key('tail', 'the worst 5 % are beyond this'), class_='legend'
        ),
    )


def comparison_page(
    before: Figures,
    after: Figures,
    changes: Sequence[Change],
    least: Least,
    unread: int,
    gate: Gate | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The page of two journals, before and after.

    Args:
        before: The contents of the journal before.
        after: The contents of the journal after.
        changes: What changed.
        least: The smallest changes that are called one.
        unread: How many lines and files could not be read.
        gate: The gate, if the change is to pass one.
        notes: What is to be known besides.
    """
    return _page(
        'Before and after',
        element('p', element('span', 'before', class_='tag before'), f' {headline(before)}', class_='dim'),
        element('p', element('span', 'after', class_='tag after'), f' {headline(after)}', class_='dim'),
        _chosen(before),
        _warning(unread),
        _gate(gate),
        *changes_section(changes),
        _section('In numbers', *map(fitting_table, change_grids(changes)), *_notes([*notes, how_to_read(least)])),
    )


def _page(title: str, *content: Child) -> str:
    css = f'{files("streamtap._report").joinpath("report.css").read_text(encoding="utf-8")}{width_rules()}\n'
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = element(
        'head',
        element('meta', charset='utf-8'),
        element('meta', http_equiv='Content-Security-Policy', content=policy),
        element('meta', name='viewport', content='width=device-width, initial-scale=1'),
        element('meta', name='color-scheme', content='light dark'),
        element('title', f'{title} - streamtap'),
        style(css),
    )
    foot = element('footer', f'Made by streamtap {__version__}. This page has names, times and counts, but no content.')
    return page_text(
        element(
            'html', head, element('body', patterns(), element('main', element('h1', title), *content, foot)), lang='en'
        )
    )


def _section(title: str, *content: Child) -> Element:
    return element('section', element('h2', title), *content)


def _notes(notes: Sequence[str]) -> list[Element]:
    return [element('p', note, class_='dim') for note in notes]


def _chosen(gathered: Figures) -> Element | None:
    choice = str(gathered.selection.choice)
    return element('p', choice, class_='strong') if choice else None


def _warning(unread: int) -> Element | None:
    if not unread:
        return None
    return element('p', unread_told(unread), class_='warning')


def _gate(gate: Gate | None) -> Element | None:
    if gate is None:
        return None
    verdict = element('p', gate.counts, class_='strong' if gate.passed else 'worse')
    return _section('Gate', verdict, fitting_table(gate.grid), *_notes([gate.how_to_read]))


def _figures(gathered: Figures) -> Element:
    total = gathered.summary.total
    failed = sum(total.outcomes.get(outcome, 0) for outcome in FAILED_RUNS)
    cancelled = total.outcomes.get('cancelled', 0)
    stopped = f', {cancelled:,} cancelled' if cancelled else ''
    shown = [
        ('runs', f'{total.runs:,}', f'{failed:,} failed{stopped}'),
        ('blank screen', seconds(total.time_to_first_output_p50), f'p95 {seconds(total.time_to_first_output_p95)}'),
        (
            'time to first token',
            seconds(total.time_to_first_token_p50),
            f'p95 {seconds(total.time_to_first_token_p95)}',
        ),
        ('tokens/s', rate(total.output_tokens_per_second_p50), 'median'),
        ('run', seconds(total.run_duration_p50), f'p95 {seconds(total.run_duration_p95)}'),
        (
            'cost',
            dollars(total.cost_usd),
            'tokens not known' if total.tokens is None else plural(total.tokens, 'token'),
        ),
        *_health(total),
    ]
    return element(
        'dl',
        *(
            element('div', element('dt', name), element('dd', value, element('small', f' {more}')))
            for name, value, more in shown
        ),
        class_='figures',
    )


def _health(total: RunsUsage) -> Iterator[tuple[str, str, str]]:
    """What is not known of every journal."""
    if total.objective_counted:
        yield 'objective met', percentage(total.objective_share), f'of {total.objective_counted:,} runs'
    if total.questions:
        yield 'first try', percentage(total.first_try_share), f'answer p95 {seconds(total.time_to_answer_p95)}'
    if total.repeated_calls:
        yield 'tool calls again', f'{total.repeated_calls:,}', f'took {seconds(total.repeated_seconds)}'
    if contexts.is_told(total.context_used_max):
        yield 'fullest context', percentage(total.context_used_max), f'p95 {percentage(total.context_used_p95)}'
    if total.cache_hit_share is not None:
        again = f'{total.cache_missed_tokens:,} bought again' if total.cache_missed_tokens else 'of input tokens'
        yield 'cache hits', percentage(total.cache_hit_share), again


def _line_key(name: str, meaning: str) -> Element:
    line = element('line', x1=0, x2=14, y1=5.5, y2=5.5, class_=f'line {name}')
    return element('li', element('svg', line, viewBox='0 0 14 11', class_='key', aria_hidden='true'), f' {meaning}')
