"""HTML and SVG as trees: all text in them is safe, and is escaped when they are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias
from xml.etree.ElementTree import Element, tostring

from streamtap._base.safe_text import safe
from streamtap._display.breaks import counts_of, parts_of
from streamtap._display.cells import has_isolates
from streamtap._display.exits import in_page, safe_sentence
from streamtap._display.widths import shown_from

if TYPE_CHECKING:
    from streamtap._display.grid import Column, Grid

Child: TypeAlias = 'Element | str | None'


def element(tag: str, *children: Child, **attributes: str | float) -> Element:
    """An element.

    Args:
        tag: Its name.
        children: Its children, in order; `None` is left out.
        attributes: Its attributes; `_` becomes `-`, and a trailing one is dropped (`class_`). Numbers are rounded.
    """
    made = Element(tag, {name.rstrip('_').replace('_', '-'): _text(value) for name, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, str):
            text = safe_sentence(child)
            if last is None:
                made.text = (made.text or '') + text
            else:
                last.tail = (last.tail or '') + text
        elif child is not None:
            made.append(child)
            last = child
    return made


def style(css: str) -> Element:
    """A style sheet, which is written unescaped."""
    made = Element('style')
    made.text = css
    return made


def table(grid: Grid) -> Element:
    """A table of text; cells with a verdict are marked."""
    sides = [_kind(column, width) for column, width in zip(grid.columns, shown_from(grid), strict=True)]
    headings = zip(grid.headings, sides, strict=True)
    head = element('tr', *(element('th', heading, scope='col', class_=side) for heading, side in headings))
    rows = [
        element(
            'tr',
            *(
                element(
                    'td', *_cell(cell, grid.columns[column]), class_=f'{_MARKED.get(cell, "")} {sides[column]}'.strip()
                )
                if column
                else element('th', *breakable(cell), scope='row')
                for column, cell in enumerate(row)
            ),
            class_='total' if grid.has_total and number == len(grid.rows) else '',
        )
        for number, row in enumerate(grid.rows, 1)
    ]
    return element(
        'div', element('table', element('thead', head), element('tbody', *rows)), class_='table scroll', tabindex='0'
    )


def _cell(cell: str, column: Column) -> list[Child]:
    """A cell: names are broken between their parts, and counts between one and the next."""
    if column.to_left or len(counts := counts_of(cell)) == 1:
        return breakable(cell)
    first, *others = (element('span', each) for each in counts)
    return [element('div', first, *(child for each in others for child in (' ', each)), class_='counts')]


def breakable(text: str) -> list[Child]:
    """A text that is broken, where it must be, between the parts of its names."""
    first, *others = parts_of(text)
    return [first, *(child for part in others for child in (element('wbr'), part))]


def sentence(text: str) -> list[Child]:
    """A sentence whose names are broken only if they are longer than a line; a number and its percent stay together."""
    children: list[Child] = []
    for number, word in enumerate(re.split(r' (?!%)', text)):
        parts = [word] if has_isolates(word) else breakable(word)
        children += [' '] if number else []
        children.append(element('span', *parts, class_='whole') if len(parts) > 1 or word.endswith(' %') else word)
    return children


def page_text(page: Element) -> str:
    """A page, ready to be written to a file."""
    return f'<!doctype html>\n{in_page(_html(page))}\n'


def notebook_text(*content: Child) -> str:
    """Tables and sentences, as a notebook takes them.

    Args:
        content: What to show, in order.
    """
    # Without these classes a notebook typesets what is between two dollar signs: costs, and names.
    box = element('div', *content, class_='tex2jax_ignore mathjax_ignore')
    return _html(box)


def _html(shown: Element) -> str:
    # Python 3.10 does not know that this element has no end.
    return tostring(shown, encoding='unicode', method='html').replace('</wbr>', '')


_MARKED = {
    'better': 'better',
    'met': 'better',
    'worse': 'worse',
    'missed': 'worse',
    'no clear change': 'dim',
    'too few to tell': 'dim',
    'nothing to judge': 'dim',
    '-': 'dim',
}


def _kind(column: Column, width: int | None) -> str:
    """The classes of a column: whether it has words, and from which width of its table on it is shown."""
    return ' '.join(filter(None, ['words' if column.to_left else '', '' if width is None else f'from-{width}']))


def _text(value: str | float) -> str:
    if isinstance(value, str):
        return safe(value)
    return f'{value:.2f}'.rstrip('0').rstrip('.')
