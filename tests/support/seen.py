"""What a browser's page looks like to those who see less: its accessibility by axe, and its colours as they see them."""

from __future__ import annotations

import base64
import contextlib
import itertools
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from playwright.sync_api import Page

Deficiency: TypeAlias = Literal['protanopia', 'deuteranopia', 'tritanopia', 'achromatopsia']

_AXE = (files('axe_playwright_python') / 'axe.min.js').read_text(encoding='utf-8')

WIDTH, HEIGHT = 12, 9
"""What is compared of a swatch, in pixels."""

_BOXES = """(swatches) => {
  swatches[0].scrollIntoView({block: 'center'});
  return swatches.map((swatch) => {
    const {x, y} = swatch.getBoundingClientRect();
    return {x: Math.round(x), y: Math.round(y), name: swatch.parentElement.textContent.trim()};
  });
}"""

_GREYS = """async ([png, boxes]) => {
  const bytes = Uint8Array.from(atob(png), (one) => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return boxes.map(({x, y, width, height}) => {
    const pixels = context.getImageData(x, y, width, height).data;
    return Array.from({length: width * height}, (_, at) =>
      0.2126 * pixels[4 * at] + 0.7152 * pixels[4 * at + 1] + 0.0722 * pixels[4 * at + 2]);
  });
}"""


def violations(page: Page, *without: str) -> list[str]:
    """What axe finds wrong with a page, also by those of its rules that are no part of a standard.

    Args:
        page: The page.
        *without: The rules that are left out.
    """
    if not page.evaluate('"axe" in window'):
        page.evaluate(_AXE)
    rules = {'label-content-name-mismatch': {'enabled': True}, **{rule: {'enabled': False} for rule in without}}
    options = {'resultTypes': ['violations'], 'rules': rules}
    found: Mapping[str, Any] = page.evaluate('(options) => axe.run(options)', options)
    return [
        f'{violation["id"]}: {node["html"][:200]} {node["failureSummary"]}'
        for violation in found['violations']
        for node in violation['nodes']
    ]


def spoken_name(page: Page, selector: str) -> str:
    """What Chromium tells screen readers as the name of the first element that a selector finds."""
    with _asked(page) as ask:
        found = ask('Runtime.evaluate', {'expression': f'document.querySelector({selector!r})'})
        it = {'objectId': found['result']['objectId'], 'fetchRelatives': False}
        return ask('Accessibility.getPartialAXTree', it)['nodes'][0]['name']['value']


@contextlib.contextmanager
def as_seen_with(page: Page, deficiency: Deficiency) -> Generator[None]:
    """Show a page's colours as somebody with a deficiency of colour vision sees them."""
    with _asked(page) as ask:
        ask('Emulation.setEmulatedVisionDeficiency', {'type': deficiency})
        yield


@contextlib.contextmanager
def _asked(page: Page) -> Generator[Callable[[str, dict[str, Any]], dict[str, Any]]]:
    """What asks Chromium by its own protocol; what it was told holds until the end."""
    session: Any = page.context.new_cdp_session(page)
    yield session.send
    session.detach()


def least_difference(page: Page, swatches: str) -> tuple[float, str]:
    """The two swatches that look most alike, and by how much they differ: the mean of 0 to 255 over their pixels.

    Only lightness counts: a difference of hue alone is none. What is compared begins at their left upper corners, and an
    empty swatch, just above the first, is among them.

    Args:
        page: The page.
        swatches: Selects them.
    """
    boxes: list[dict[str, Any]] = page.locator(swatches).evaluate_all(_BOXES)
    left, top = (min(box[side] for box in boxes) for side in 'xy')
    right, bottom = (max(box[side] for box in boxes) + WIDTH for side in 'xy')
    shot = page.screenshot(clip={'x': left - WIDTH, 'y': top, 'width': right - left + WIDTH, 'height': bottom - top})
    corners = [{'x': box['x'] - left + WIDTH, 'y': box['y'] - top, 'width': WIDTH, 'height': HEIGHT} for box in boxes]
    nothing = {**corners[0], 'x': corners[0]['x'] - WIDTH, 'width': WIDTH - 2}
    greys: list[list[float]] = page.evaluate(_GREYS, [base64.b64encode(shot).decode(), [*corners, nothing]])
    blank = greys.pop()
    compared = zip([*(box['name'] for box in boxes), 'nothing'], [*greys, blank[:1] * len(greys[0])], strict=True)
    return min(
        (sum(abs(a - b) for a, b in zip(grey, other, strict=True)) / len(grey), f'{name} and {another}')
        for (name, grey), (another, other) in itertools.combinations(compared, 2)
    )
