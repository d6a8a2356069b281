"""vLLM's server, on the processor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from judges.agents import NAME
from judges.servers import Counts, Server
from support.real_servers import free_port

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = 4096

FLAGS = (
    *('--served-model-name', NAME, '--host', '127.0.0.1', '--max-model-len', str(CONTEXT), '--max-num-seqs', '1'),
    *('--enforce-eager', '--enable-prompt-tokens-details', '--enable-auto-tool-choice', '--tool-call-parser', 'hermes'),
)
"""One request at once, without compiling, and with everything in the answer that is judged."""

ENVIRONMENT = {
    'HF_HUB_OFFLINE': '1',
    'VLLM_NO_USAGE_STATS': '1',
    'VLLM_TARGET_DEVICE': 'cpu',
    # One thread, as the agents need the other core, and a cache of one GiB.
    'VLLM_CPU_OMP_THREADS_BIND': 'nobind',
    'OMP_NUM_THREADS': '1',
    'VLLM_CPU_KVCACHE_SPACE': '1',
}


class VllmServer(Server):
    """vLLM's server with one model.

    Args:
        python: The interpreter that has vLLM.
        model: The folder of the model.
        template: The file of its chat template.
    """

    def __init__(self, python: Path, model: Path, template: Path) -> None:
        port = free_port()
        # The command `vllm` wants a distribution of that name, which the build for processors is not.
        command = [str(python), '-m', 'vllm.entrypoints.openai.api_server', '--model', str(model), '--port', str(port)]
        command += [*FLAGS, '--chat-template', str(template)]
        super().__init__("vLLM's server", port, command, {**os.environ, **ENVIRONMENT})

    def counts(self) -> Counts:
        lines = [line for line in self.get('/metrics').decode().splitlines() if line.startswith('vllm:')]
        # There is one model, so that a name without its labels is one number, in what is read here.
        found = {line.split('{')[0].removeprefix('vllm:'): float(line.rsplit(' ', 1)[1]) for line in lines}
        return Counts(
            running=found['num_requests_running'],
            input_tokens=found['prompt_tokens_total'],
            cached_tokens=found['prompt_tokens_cached_total'],
            output_tokens=found['generation_tokens_total'],
            decode_seconds=found['request_decode_time_seconds_sum'],
        )

    def tokens(self, text: str) -> int:
        return int(self.post('/tokenize', {'prompt': text, 'add_special_tokens': False})['count'])
