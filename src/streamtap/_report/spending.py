"""Cost by agent and model, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.cells import cut_in_the_middle
from streamtap._display.elements import element
from streamtap._display.exits import isolated, short_name
from streamtap._display.text import dollars, plural
from streamtap._report.name_room import most_cells, room_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

WIDTH, LEAST, NUMBERS, RIGHT = 1160.0, 300.0, 72.0, 10.0
"""Names and numbers are before the bars: a phone, which scrolls these, shows both."""

ROW, BAR = 26.0, 15.0
MOST_AGENTS = 20
COLOURS = 7
"""How many models have a colour of their own; the others share another one."""


def spending(costs: Mapping[tuple[str, str], float]) -> Element:
    """A bar of each agent's cost, stacked by model, the most expensive first.

    Args:
        costs: US dollars by agent and model.
    """
    agents, models = _totals(costs, 0), _totals(costs, 1)
    colour = {model: min(number, COLOURS) for number, model in enumerate(models)}
    greatest = max(agents.values(), default=0.0) or 1.0
    shown = list(agents.items())[:MOST_AGENTS]
    label = room_for((short_name(agent) for agent, _ in shown), NUMBERS, LEAST)
    drawn: list[Element] = []
    for number, (agent, total) in enumerate(shown):
        y, x = ROW * number + 4, label
        drawn.append(
            element(
                'text',
                cut_in_the_middle(short_name(agent), most_cells(label - NUMBERS)),
                element('title', short_name(agent)),
                x=4,
                y=y + 12,
                class_='label run-name',
            )
        )
        for model in models:
            if cost := costs.get((agent, model), 0.0):
                width = (WIDTH - label - RIGHT) * cost / greatest
                tooltip = element(
                    'title', f'{isolated(short_name(agent))}, {isolated(short_name(model))}: {dollars(cost)}'
                )
                place = {'x': x, 'y': y, 'width': max(1.0, width - 1), 'height': BAR}
                drawn.append(element('rect', tooltip, class_=f'spent c{colour[model]}', **place))
                x += width
        drawn.append(element('text', dollars(total), x=label - 8, y=y + 12, class_='note end'))
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
    height = ROW * len(shown) + 4
    more = len(agents) - len(shown)
    return element(
        'div',
        element('ul', *keys, class_='legend'),
        element(
            'div',
            element(
                'svg', *drawn, viewBox=f'0 0 {WIDTH:g} {height:g}', role='img', aria_label='Cost by agent and model'
            ),
            class_='scroll',
            tabindex='0',
        ),
        element('p', f'and {plural(more, "agent")} that cost less', class_='dim') if more > 0 else None,
    )


def _totals(costs: Mapping[tuple[str, str], float], place: int) -> dict[str, float]:
    totals: dict[str, float] = {}
    for key, cost in costs.items():
        totals[key[place]] = totals.get(key[place], 0.0) + cost
    return dict(sorted(totals.items(), key=lambda each: -each[1]))
