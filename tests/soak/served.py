"""`python -m soak.served`: random runs, so many a second, with a live view; tells what it holds when it is asked."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time

from prometheus_client import CollectorRegistry

from soak.load import Load
from soak.memory import in_use
from streamtap import PrometheusSink, Tap, UsageSink, serve


def main() -> None:
    """Run agents until standard input ends; each line of it is answered with what was run and what is held."""
    parser = argparse.ArgumentParser(prog='python -m soak.served', description=__doc__)
    parser.add_argument('--rate', type=int, default=20, help='runs a second')
    rate: int = parser.parse_args().rate
    logging.disable(logging.WARNING)
    registry = CollectorRegistry()
    tap = Tap([PrometheusSink(registry), UsageSink()])
    load = Load(tap, 'page', rate)
    stopped = threading.Event()
    made = 0

    def run() -> None:
        nonlocal made
        while not stopped.is_set():
            began = time.monotonic()
            load.run(range(made, made + rate), loops=1)
            made += rate
            stopped.wait(max(0.0, began + 1 - time.monotonic()))

    with serve(tap, port=0, registry=registry) as server:
        print(server.live_url, flush=True)
        runner = threading.Thread(target=run)
        runner.start()
        for _ in sys.stdin:
            print(json.dumps({'runs': made, 'in_use': in_use()}), flush=True)
        stopped.set()
        runner.join()
    tap.close()


if __name__ == '__main__':
    main()
