"""Percentiles over time, as lines."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.cells import cells
from streamtap._display.elements import element
from streamtap._display.moments import moment
from streamtap._report.statistics import nearest_rank

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from streamtap._report.quantities import Quantity

WIDTH, HEIGHT = 560.0, 190.0
RIGHT, TOP, BOTTOM = 10.0, 12.0, 24.0
PER_CELL = 9.6
"""How wide a character of a label is at most: on a phone, where they are largest."""

MOST_SLOTS = 40
LEAST = 1e-12
"""What is smaller is drawn as 0."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""The possible lengths of a slot of the time axis, in seconds; longer ones are whole days."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The values of one slot of time, which begins at `start` (seconds since the epoch)."""

    start: float
    count: int
    middle: float
    tail: float


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots that have values, and how many seconds each of them has."""

    step: int
    found: Sequence[Slot]


def step_for(span: float) -> int:
    """How many seconds a slot has where all of them together have so many."""
    return next((step for step in _STEPS if span / step <= MOST_SLOTS), 86400 * math.ceil(span / 86400 / MOST_SLOTS))


def tail_of(quantity: Quantity) -> float:
    """The quantile that is the worse tail of a quantity: the 95th percentile, or the 5th where higher is better."""
    return 0.95 if quantity.better == 'lower' else 0.05


def slots(timed: Sequence[tuple[float, float]], tail: float) -> Slots:
    """Group values into slots of equal length.

    Args:
        timed: The time of each value, and the value, in order of time.
        tail: The quantile that is taken in addition to the median, as a share.
    """
    if not timed:
        return Slots(1, [])
    step = step_for(timed[-1][0] - timed[0][0])
    found: list[Slot] = []
    for start, group in itertools.groupby(timed, key=lambda each: each[0] // step * step):
        values = sorted(value for _, value in group)
        found.append(Slot(start, len(values), nearest_rank(values, 0.5), nearest_rank(values, tail)))
    return Slots(step, found)


def plot(quantity: Quantity, slots: Slots) -> Element:
    """A plot of the median of a quantity and of its worse tail.

    Args:
        quantity: The quantity.
        slots: Its values over time.
    """
    step, found = slots.step, slots.found
    top, ticks = scale(max((max(slot.tail, slot.middle) for slot in found), default=0.0))
    labels = [quantity.show(tick) if tick else '0' for tick in ticks]
    left = 8 + PER_CELL * max(map(cells, labels))
    first = found[0].start if found else 0.0
    count = max(1, round((found[-1].start - first) / step) + 1) if found else 1
    wide = (WIDTH - left - RIGHT) / count

    def x(slot: Slot) -> float:
        return left + ((slot.start - first) / step + 0.5) * wide

    def y(value: float) -> float:
        return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)

    drawn: list[Element] = []
    for tick, label in zip(ticks, labels, strict=True):
        drawn.append(element('line', x1=left, x2=WIDTH - RIGHT, y1=y(tick), y2=y(tick), class_='grid'))
        drawn.append(element('text', label, x=left - 6, y=y(tick) + 3.5, class_='tick end'))
    form = '%H:%M:%S' if step < 60 else '%H:%M' if step * count < 86400 else '%m-%d %H:%M'
    for number in sorted({0, count // 2, count - 1}):
        at = moment(first + number * step)
        place = 'start' if number == 0 and count > 1 else 'end' if number == count - 1 and count > 1 else 'middle'
        edge = {'start': left, 'end': WIDTH - RIGHT, 'middle': left + (number + 0.5) * wide}[place]
        drawn.append(element('text', at.strftime(form), x=edge, y=HEIGHT - 6, class_=f'tick {place}'))
    stretches = _stretches(found, step)
    drawn += _line([[(x(slot), y(slot.tail)) for slot in stretch] for stretch in stretches], 'tail')
    drawn += _line([[(x(slot), y(slot.middle)) for slot in stretch] for stretch in stretches], 'middle')
    for slot in found:
        tooltip = (
            f'{moment(slot.start):%Y-%m-%d %H:%M:%S} UTC: n = {slot.count}, median {quantity.show(slot.middle)}, '
            f'{"p95" if quantity.better == "lower" else "p5"} {quantity.show(slot.tail)}'
        )
        area = {'x': x(slot) - wide / 2, 'y': TOP, 'width': wide, 'height': HEIGHT - TOP - BOTTOM}
        drawn.append(element('rect', element('title', tooltip), class_='hover', **area))
    return element(
        'svg', *drawn, viewBox=f'0 0 {WIDTH:g} {HEIGHT:g}', role='img', aria_label=f'{quantity.title} over time'
    )


def scale(greatest: float) -> tuple[float, list[float]]:
    """The end of an axis that starts at 0 and contains a value, and its ticks."""
    if not LEAST < greatest < math.inf:
        return 1.0, [0.0]
    rough = greatest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough * 0.999)
    count = math.ceil(greatest / step - 1e-9)
    return step * count, [step * number for number in range(count + 1)]


def _stretches(found: Sequence[Slot], step: float) -> list[list[Slot]]:
    """Group neighbouring slots: no line is drawn across a gap without values."""
    stretches: list[list[Slot]] = []
    for slot in found:
        if stretches and slot.start - stretches[-1][-1].start < 1.5 * step:
            stretches[-1].append(slot)
        else:
            stretches.append([slot])
    return stretches


def _line(stretches: Sequence[Sequence[tuple[float, float]]], name: str) -> list[Element]:
    drawn: list[Element] = []
    for points in stretches:
        drawn.append(element('polyline', points=' '.join(f'{x:.1f},{y:.1f}' for x, y in points), class_=f'line {name}'))
        drawn += [element('circle', cx=x, cy=y, r=2.2, class_=f'dot {name}') for x, y in points]
    return drawn
