"""Draw live-light.png, live-dark.png and stall.png in docs/images: the demo's agents, and a run that stalled.

Run it from the repository, where Chromium is installed: `python docs/live_picture.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import threading
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from playwright.sync_api import Playwright, sync_playwright
from prometheus_client import CollectorRegistry

from streamtap import serve
from streamtap._demo.fault import Fault
from streamtap._demo.run import drive, make_tap
from streamtap._demo.scenario import fake_loads

IMAGES = Path(__file__).parent / 'images'
FLAGS = ['--no-sandbox', '--no-proxy-server']
WIDTH = 1440


def main() -> None:
    """Run the demo's agents, open one run's waterfall, and take a picture in each theme."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=75.0, help='how long the agents run before the picture')
    seconds: float = parser.parse_args().seconds
    # So that the runs have a trace id.
    trace.set_tracer_provider(TracerProvider())
    with make_tap() as tap, serve(tap, port=0, registry=CollectorRegistry()) as server:

        async def until_drawn() -> None:
            await asyncio.to_thread(drawn.wait)

        drawn = threading.Event()
        running = threading.Thread(
            target=lambda: asyncio.run(drive(fake_loads(tap, Fault()), until_drawn, lambda _agent, _error: None))
        )
        running.start()
        try:
            draw(str(server.live_url), seconds)
        finally:
            drawn.set()
            running.join()


def draw(url: str, seconds: float) -> None:
    """Take the pictures.

    Args:
        url: Where the live view is.
        seconds: How long to wait before.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which('chromium'), args=FLAGS)
        page = browser.new_page(viewport={'width': WIDTH, 'height': 1200}, color_scheme='light')
        page.goto(url)
        page.wait_for_timeout(1000 * seconds)
        page.locator('.run:has(.mark.ok)', has_text='editor').first.click()
        page.hover('.detail .seg.tool >> nth=0')
        page.wait_for_timeout(700)
        for scheme in ('light', 'dark'):
            page.emulate_media(color_scheme=scheme)
            agents = page.locator('#agents').bounding_box()
            assert agents is not None
            bottom = agents['y'] + agents['height'] + 20
            path = IMAGES / f'live-{scheme}.png'
            page.screenshot(path=path, full_page=True, clip={'x': 0, 'y': 0, 'width': WIDTH, 'height': bottom})
        browser.close()
        draw_stall(playwright, url)


def draw_stall(playwright: Playwright, url: str) -> None:
    """Take the picture of one run that stalled, open, and nothing else of the page.

    Args:
        playwright: What drives the browser.
        url: Where the live view is.
    """
    browser = playwright.chromium.launch(executable_path=shutil.which('chromium'), args=FLAGS)
    page = browser.new_page(viewport={'width': 1080, 'height': 2000}, color_scheme='light')
    page.goto(url)
    page.get_by_role('button', name='Slowest').click()
    run = page.locator('#list > li:has(.mark.ok):has(.seg.stall)', has_text='stalled').first
    run.locator('.run').click()
    page.wait_for_timeout(700)
    run.screenshot(path=IMAGES / 'stall.png')
    browser.close()


if __name__ == '__main__':
    main()
