"""llama.cpp's own HTTP server, in the interpreter that has it: `python llama_server.py MODEL PORT SLOTS [TEMPLATE]`."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from pathlib import Path

CONTEXT = 4096
"""Tokens of each slot."""


def serve(model: str, port: int, slots: int, template: str) -> None:
    """Serve a model until the process is stopped.

    Args:
        model: The file of the model.
        port: The port on loopback.
        slots: How many requests it answers at once.
        template: The file of a chat template; the model's own if it is empty.
    """
    llama = import_module('xllamacpp')
    settings = llama.CommonParams()
    settings.model.path = model
    settings.port = port
    settings.n_parallel = slots
    settings.n_ctx = CONTEXT * slots
    settings.endpoint_metrics = True
    settings.use_jinja = True
    # One thread, which does not spin: the agents need the other core.
    for threads in (settings.cpuparams, settings.cpuparams_batch):
        threads.n_threads = 1
        threads.poll = 0
    if template:
        settings.chat_template = Path(template).read_text(encoding='utf-8')
    # It stops when it is collected.
    server = llama.Server(settings)
    threading.Event().wait()
    del server


if __name__ == '__main__':
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), (sys.argv[4:] or [''])[0])
