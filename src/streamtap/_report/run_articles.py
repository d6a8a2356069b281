"""Single runs on a page: what they are, their waterfalls, and those that stand for each kind of failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.elements import element, sentence
from streamtap._display.exits import in_sentence, short_name
from streamtap._display.moments import in_words
from streamtap._display.text import plural, seconds
from streamtap._display.trace_urls import trace_url
from streamtap._records.failed import has_failed
from streamtap._report.fitting_table import fitting_table
from streamtap._report.slowest import why
from streamtap._report.steps import counts, labels_of
from streamtap._report.waterfall import NARROW, waterfall
from streamtap._sinks.usage.failure_table import failure_grid, left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from streamtap._display.elements import Child
    from streamtap._records.records import RunRecord
    from streamtap._records.run_tree import RunTree
    from streamtap._sinks.usage.figures import FailureUsage


def run_article(tree: RunTree, link: str | None, *, of: int = 1) -> Element:
    """A run with its waterfall; its heading has its verdict.

    Args:
        tree: The run.
        link: The template of the address of a trace; `None` for no link.
        of: How many runs it stands for.
    """
    run = tree.run
    standing = f'one of {of:,} runs · ' if of > 1 else ''
    return element(
        'article',
        element(
            'h3',
            element('bdi', *sentence(short_name(run.agent))),
            element('bdi', ' ', *sentence(labels)) if (labels := labels_of(run)) else None,
            f', {seconds(run.duration)}, ',
            element('span', *sentence(why(tree, in_sentence)), class_='worse' if has_failed(run) else ''),
        ),
        element(
            'p',
            f'{standing}{in_words(run.started_ns)} · {counts(run)} · run {short_name(run.run_id)}',
            *_trace(run, link),
            class_='about dim',
        ),
        element('div', waterfall(tree), class_='scroll wide', tabindex='0'),
        waterfall(tree, NARROW),
    )


def failures(
    groups: Sequence[FailureUsage], examples: Sequence[tuple[RunTree, int]], link: str | None
) -> Iterator[Child]:
    """The table of failures, and a run of each of the most frequent; how many kinds have none is said.

    Args:
        groups: The failures.
        examples: The runs to draw, each with how many it stands for.
        link: The template of the address of a trace; `None` for no links.
    """
    yield element(
        'p',
        f'Runs that users asked for, by what ended them, and where.{_drawn(len(examples), len(groups))}',
        class_='dim',
    )
    yield fitting_table(failure_grid(groups))
    if more := left_out(groups):
        yield element('p', more, class_='dim')
    for example, runs in examples:
        yield run_article(example, link, of=runs)


def _drawn(drawn: int, kinds: int) -> str:
    """Of which kinds of failures a run is drawn."""
    if not drawn:
        return ''
    if drawn == kinds:
        return ' Below is the newest run.' if kinds == 1 else ' Below is the newest run of each kind.'
    frequent = 'the most frequent kind' if drawn == 1 else f'{drawn:,} of the most frequent kinds'
    more = kinds - drawn
    return (
        f' Below is the newest run of {frequent}; {plural(more, "more kind")} {"is" if more == 1 else "are"} not drawn.'
    )


def _trace(run: RunRecord, link: str | None) -> Iterator[Child]:
    if run.trace_id:
        yield ' · trace '
        address = None if link is None else trace_url(link, run.trace_id)
        name = short_name(run.trace_id)
        yield name if address is None else element('a', name, href=address, rel='noreferrer')
