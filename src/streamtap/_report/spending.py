"""Cost by agent and model, as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.cells import cut_in_the_middle
from streamtap._display.elements import element
from streamtap._display.exits import isolated, short_name
from streamtap._display.text import dollars, plural
from streamtap._report.name_room import most_cells, room_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

NUMBERS, LEAST = 72.0, 300.0
"""How wide the numbers are, and where bars begin at least."""

MOST_AGENTS = 20
COLOURS = 7
"""How many models have a colour of their own; the others share another one."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """How the bars are laid out.

    Args:
        width: How wide all is.
        row: How high a row is.
        names: How wide names are at most.
        numbers: Where numbers end.
        zero: Where bars begin.
        ends: Where the longest bar ends.
        below: How far below the top of its row a bar is.
        high: How high a bar is.
    """

    width: float
    row: float
    names: float
    numbers: float
    zero: float
    ends: float
    below: float
    high: float


_NARROW = _Shape(360.0, 36.0, names=360.0, numbers=354.0, zero=4.0, ends=354.0 - NUMBERS, below=20.0, high=11.0)
"""On a phone: names stand above the bars and numbers after them, so that nothing has to be scrolled."""


def _wide(agents: Iterable[str]) -> _Shape:
    label = room_for(map(short_name, agents), NUMBERS, LEAST)
    return _Shape(1160.0, 26.0, label - NUMBERS, numbers=label - 8, zero=label, ends=1150.0, below=4.0, high=15.0)


def spending(costs: Mapping[tuple[str, str], float]) -> Element:
    """A bar of each agent's cost, stacked by model, the most expensive first.

    Args:
        costs: US dollars by agent and model.
    """
    agents, models = _totals(costs, 0), _totals(costs, 1)
    colour = {model: min(number, COLOURS) for number, model in enumerate(models)}
    shown = dict(list(agents.items())[:MOST_AGENTS])
    keys = [
        element(
            'li',
            element(
                'svg',
                element('rect', x=0, y=0, width=14, height=11, rx=1.5, class_=f'spent c{colour[model]}'),
                viewBox='0 0 14 11',
                class_='key',
                aria_hidden='true',
            ),
            f' {isolated(short_name(model))} {dollars(total)}',
        )
        for model, total in models.items()
    ]
    more = len(agents) - len(shown)
    return element(
        'div',
        element('ul', *keys, class_='legend'),
        element('div', _bars(shown, costs, colour, _wide(shown)), class_='scroll wide', tabindex='0'),
        element('div', _bars(shown, costs, colour, _NARROW), class_='narrow'),
        element('p', f'and {plural(more, "agent")} that cost less', class_='dim') if more > 0 else None,
    )


def _bars(
    agents: Mapping[str, float],
    costs: Mapping[tuple[str, str], float],
    colour: Mapping[str, int],
    shape: _Shape,
) -> Element:
    greatest = max(agents.values(), default=0.0) or 1.0
    most = most_cells(shape.names)
    drawn: list[Element] = []
    for number, (agent, total) in enumerate(agents.items()):
        y, x = shape.row * number, shape.zero
        name = element('title', short_name(agent))
        drawn.append(
            element('text', cut_in_the_middle(short_name(agent), most), name, x=4, y=y + 16, class_='label run-name')
        )
        for model in colour:
            if cost := costs.get((agent, model), 0.0):
                width = (shape.ends - shape.zero) * cost / greatest
                tooltip = element(
                    'title', f'{isolated(short_name(agent))}, {isolated(short_name(model))}: {dollars(cost)}'
                )
                place = {'x': x, 'y': y + shape.below, 'width': max(1.0, width - 1), 'height': shape.high}
                drawn.append(element('rect', tooltip, class_=f'spent c{colour[model]}', **place))
                x += width
        baseline = y + shape.below + shape.high / 2 + 4.5
        drawn.append(element('text', dollars(total), x=shape.numbers, y=baseline, class_='note end'))
    box = f'0 0 {shape.width:g} {shape.row * len(agents) + 4:g}'
    return element('svg', *drawn, viewBox=box, role='img', aria_label='Cost by agent and model')


def _totals(costs: Mapping[tuple[str, str], float], place: int) -> dict[str, float]:
    totals: dict[str, float] = {}
    for key, cost in costs.items():
        totals[key[place]] = totals.get(key[place], 0.0) + cost
    return dict(sorted(totals.items(), key=lambda each: -each[1]))
