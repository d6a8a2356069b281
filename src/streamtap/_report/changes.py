"""The plots of a comparison: two dots on a line for each median and 95th percentile."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from streamtap._display.cells import cut_in_the_middle
from streamtap._display.elements import element
from streamtap._display.exits import short_name
from streamtap._report.name_room import most_cells, room_for
from streamtap._report.over_time import scale
from streamtap._report.words import difference, figure, has_any, owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from xml.etree.ElementTree import Element

    from streamtap._report.compare import Change, Pair

WIDTH, LEAST, STATISTIC, VERDICT = 1160.0, 250.0, 50.0, 320.0
ROW = 22.0


def changes_section(changes: Sequence[Change]) -> Iterator[Element]:
    """A section for each quantity, with a row for each figure: overall, and of each agent, model and tool."""
    yield element(
        'ul',
        *(
            element(
                'li',
                element(
                    'svg',
                    element('circle', cx=7, cy=5.5, r=4.5, class_=f'mark {name}'),
                    viewBox='0 0 14 11',
                    class_='key',
                    aria_hidden='true',
                ),
                f' {meaning}',
            )
            for name, meaning in (
                ('before', 'before'),
                ('after', 'after'),
                ('better', 'after, clearly better'),
                ('worse', 'after, clearly worse'),
            )
        ),
        class_='legend',
    )
    for quantity, group in itertools.groupby(changes, key=lambda change: change.quantity):
        yield element(
            'section',
            element('h2', f'{quantity.title[0].upper()}{quantity.title[1:]}'),
            element('div', _plot(list(group)), class_='scroll', tabindex='0'),
        )


def _plot(changes: Sequence[Change]) -> Element:
    lines = [
        (change, name, pair)
        for change in changes
        for name, pair in (('share' if change.quantity.is_share else 'median', change.typical), ('p95', change.high))
        if pair.before is not None or pair.after is not None
        if change.scope == 'all' or not change.quantity.is_share or has_any(change)
    ]
    shown = [each.value for _, _, pair in lines for each in (pair.before, pair.after) if each is not None]
    top, ticks = scale(max(shown, default=0.0))
    height = 22 + ROW * len(lines)
    label = room_for((short_name(owner(change)) for change, _, _ in lines), STATISTIC, LEAST)

    def x(value: float) -> float:
        return label + value / top * (WIDTH - label - VERDICT)

    quantity = changes[0].quantity
    drawn: list[Element] = []
    for tick in ticks:
        drawn.append(element('line', x1=x(tick), x2=x(tick), y1=18, y2=height, class_='grid'))
        drawn.append(element('text', quantity.show(tick) if tick else '0', x=x(tick), y=12, class_='tick middle'))
    last = ''
    for number, (change, name, pair) in enumerate(lines):
        y = 22 + ROW * number + ROW / 2
        whose = owner(change)
        if whose != last:
            shown_name = cut_in_the_middle(short_name(whose), most_cells(label - STATISTIC))
            drawn.append(element('text', shown_name, element('title', whose), x=4, y=y + 4, class_='label run-name'))
        drawn.append(element('text', name, x=label - 10, y=y + 4, class_='tick end'))
        drawn += _dumbbell(change, pair, x, y)
        last = whose
    return element('svg', *drawn, viewBox=f'0 0 {WIDTH:g} {height:g}', role='img', aria_label=quantity.title)


def _dumbbell(change: Change, pair: Pair, x: Callable[[float], float], y: float) -> list[Element]:
    verdict = pair.verdict(change.quantity)
    tooltip = (
        f'before {figure(change.quantity, pair.before)} (n = {change.count_before}), '
        f'after {figure(change.quantity, pair.after)} (n = {change.count_after})'
    )
    drawn: list[Element] = []
    if pair.before is not None and pair.after is not None:
        drawn.append(element('line', x1=x(pair.before.value), x2=x(pair.after.value), y1=y, y2=y, class_='between'))
    if pair.before is not None:
        drawn.append(
            element('circle', element('title', tooltip), cx=x(pair.before.value), cy=y, r=4.5, class_='mark before')
        )
    if pair.after is not None:
        kind = verdict if verdict in ('better', 'worse') else 'after'
        drawn.append(
            element('circle', element('title', tooltip), cx=x(pair.after.value), cy=y, r=4.5, class_=f'mark {kind}')
        )
    said = f'{figure(change.quantity, pair.before)} → {figure(change.quantity, pair.after)}  {difference(change.quantity, pair)}  {verdict}'
    drawn.append(
        element('text', said, x=WIDTH - VERDICT + 20, y=y + 4, class_=f'note start {verdict.partition(" ")[0]}')
    )
    return drawn
