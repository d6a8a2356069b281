"""A real Chromium, for tests of the live view."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser, Page


@contextlib.contextmanager
def chromium(program: str, *more: str) -> Generator[Browser]:
    """A headless browser.

    Args:
        program: The path of Chromium.
        *more: Arguments for it.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=['--no-sandbox', '--no-proxy-server', *more])
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, url: str, **settings: Any) -> Generator[Page]:
    """A page; whatever it complained about fails the test.

    Args:
        browser: The browser.
        url: What to open.
        **settings: Of playwright's `new_page`.
    """
    complaints: list[str] = []
    page = browser.new_page(**settings)
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on(
        'console',
        lambda message: (
            complaints.append(message.text)
            if message.type == 'error' and 'Failed to load resource' not in message.text
            else None
        ),
    )
    page.goto(url)
    yield page
    page.close()
    assert complaints == []
