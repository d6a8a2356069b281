"""Patterns of bars: they tell apart, for whoever sees no colours, what colours tell apart for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.elements import element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SIDE = 5

PATTERNS = {
    'thinking': 'dots',
    'tool_call': 'rising',
    'tool': 'squares',
    'native_tool': 'upright',
    'model': 'level',
    'stall': 'falling',
    'c1': 'rising',
    'c2': 'dots',
    'c3': 'level',
    'c4': 'upright',
    'c5': 'falling',
    'c6': 'squares',
}
"""The classes of bars that have a pattern; that of tools is drawn only where there are no colours at all."""

_TURNED = {'rising': 45, 'falling': -45}


def patterns() -> Element:
    """The patterns, for a page whose style sheet fills bars with `url(#pattern-...)`, and colours them."""
    made = [
        element(
            'pattern',
            element('rect', width=SIDE, height=SIDE, fill='currentColor'),
            *_gaps(shape),
            id=f'pattern-{kind}',
            patternUnits='userSpaceOnUse',
            patternTransform=f'rotate({_TURNED.get(shape, 0)})',
            width=SIDE,
            height=SIDE,
        )
        for kind, shape in PATTERNS.items()
    ]
    return element('svg', element('defs', *made), class_='patterns', width=0, height=0, aria_hidden='true')


def _gaps(shape: str) -> list[Element]:
    if shape == 'dots':
        return [element('circle', cx=2.5, cy=2.5, r=1.2, class_='gap')]
    across = element('rect', y=3, width=SIDE, height=2, class_='gap')
    along = element('rect', x=3, width=2, height=SIDE, class_='gap')
    return {'level': [across], 'squares': [across, along]}.get(shape, [along])
