"""Journals of a fleet: many machines, as many records as are asked for, the same ones each time.

`python -m tools.fleet_journals FOLDER --records 10000000 --machines 200` writes them.
Lines are as `JournalSink` writes them, of a mix as the demo's agents have it: a run has two or three requests and as many
tool calls, every eighth calls another run, three in a hundred fail, and names, times, tokens and costs vary.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._sinks.journal.lines import header_line

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENTS = ('researcher', 'editor', 'support', 'coder', 'planner', 'translator', 'analyst', 'reviewer')
MODELS = (
    ('openai', 'gpt-5.2'),
    ('openai', 'gpt-5-mini'),
    ('anthropic', 'claude-sonnet-4-5'),
    ('google-gla', 'gemini-3-flash'),
    ('openai', 'o4-mini'),
)
TOOLS = ('search_web', 'search_papers', 'read_page', 'find_order', 'refund', 'run_tests', 'query', 'ask_researcher')
TENANTS = tuple(f'tenant-{number:02}' for number in range(40))
BEGAN = 1_795_000_000_000_000_000
WEEK = 7 * 24 * 3600
CALLS_ANOTHER, FAILS = 0.12, 0.03


class Machine:
    """The runs of one machine, one after another, each with its requests, tool calls and the run that it calls.

    Args:
        number: Which machine it is; the same number has the same records.
        records: How many there are to be: the last run is written whole, so there may be a few more.
    """

    def __init__(self, number: int, records: int) -> None:
        self._random = random.Random(number)
        self._records = records
        self._step = WEEK * 10**9 // max(1, records // 6)
        self._now = BEGAN + self._random.randrange(10**9)

    def lines(self) -> Iterator[str]:
        """The lines."""
        written = 0
        while written < self._records:
            lines = list(self._run(None, self._now))
            self._now += self._random.randrange(self._step * 2)
            written += len(lines)
            yield from lines

    def _run(self, caller: tuple[str, str] | None, began: int) -> Iterator[str]:
        chance, now = self._random, began
        agent, tenant = chance.choice(AGENTS), chance.choice(TENANTS)
        run_id = f'{chance.getrandbits(128):032x}'
        run_id = '-'.join((run_id[:8], run_id[8:12], run_id[12:16], run_id[16:20], run_id[20:]))
        trace = f'{chance.getrandbits(128):032x}'
        fails = chance.random() < FAILS
        root = agent if caller is None else caller[1]
        about = f'"run_id":"{run_id}"', f'"labels":{{"tenant":"{tenant}"}}', f'"trace_id":"{trace}"'
        steps, calls, tokens_in, tokens_out, cost = chance.choice((1, 2, 2, 3, 4)), 0, 0, 0, 0.0
        first_output = None
        called = ''
        for step in range(1, steps + 1):
            is_last = step == steps
            broken = fails and is_last
            line, spent, first = self._response(agent, root, about, step, now, broken=broken)
            yield line
            first_output = first_output or (first and (now - began) / 1e9 + first)
            now, tokens_in, tokens_out, cost = (
                now + spent[0], tokens_in + spent[1], tokens_out + spent[2], cost + spent[3],
            )  # fmt: skip
            if not is_last:
                calls += 1
                tool, lasts = chance.choice(TOOLS), chance.lognormvariate(-1, 1)
                if caller is None and chance.random() < CALLS_ANOTHER:
                    tool, inner = 'ask_researcher', list(self._run((run_id, agent), now))
                    yield from inner
                    called = (
                        ',"called":{"runs":1,"requests":2,"input_tokens":2000,"output_tokens":150,"cost_usd":0.004}'
                    )
                yield (
                    f'{{"record":"tool",{about[0]},"step":{step},"agent":"{agent}","tool":"{tool}",'
                    f'"tool_call_id":"call_{chance.getrandbits(48):012x}","kind":"function",{about[1]},"started_ns":{now},'
                    f'"duration":{lasts!r},"outcome":"success",{about[2]},"span_id":"{chance.getrandbits(64):016x}"}}\n'
                )
                now += int(lasts * 1e9)
        duration = (now - began) / 1e9
        ended = (
            f'"outcome":"error","error_type":"ModelHTTPError_{chance.choice((429, 500, 503))}"'
            if fails
            else '"outcome":"success"'
        )
        parent = '' if caller is None else f'"parent_run_id":"{caller[0]}",'
        output = (
            '' if first_output is None else f'"time_to_first_output":{first_output!r},"first_output_seen_by":"model",'
        )
        failure = f',"failure":{self.failure}' if fails else ''
        yield (
            f'{{"record":"run",{about[0]},{parent}"agent":"{agent}","root_agent":"{root}","door":"capability",{about[1]},'
            f'"started_ns":{began},"duration":{duration!r},{ended},"requests":{steps},"tool_calls":{calls},'
            f'"input_tokens":{tokens_in},"output_tokens":{tokens_out},"cost_usd":{cost!r},{output}'
            f'"phases":{{"wait":{duration / 2!r},"stream":{duration / 4!r},"tools":{duration / 4!r}}}{called}{failure},'
            f'{about[2]},"span_id":"{chance.getrandbits(64):016x}"}}\n'
        )

    failure = 'null'
    """What the last run that failed says of it."""

    def _response(
        self, agent: str, root: str, about: tuple[str, str, str], step: int, now: int, *, broken: bool
    ) -> tuple[str, tuple[int, int, int, float], float | None]:
        chance = self._random
        provider, model = chance.choice(MODELS)
        head = (
            f'{{"record":"response",{about[0]},"step":{step},"attempt":1,"agent":"{agent}","root_agent":"{root}",'
            f'"provider":"{provider}","model":"{model}","response_model":"{model}",'
            f'"response_id":"chatcmpl-{chance.getrandbits(64):016x}","server_address":"api.example.com","server_port":443,'
            f'"door":"capability",{about[1]},"started_ns":{now},'
        )
        first = chance.lognormvariate(-0.5, 0.6)
        if broken:
            error = f'ModelHTTPError_{chance.choice((429, 500, 503))}'
            failure = {'agent': agent, 'error': error, 'place': 'model', 'name': f'{provider}:{model}', 'step': step}
            self.failure = json.dumps(failure, separators=(',', ':'))
            line = f'{head}"duration":{first!r},"streamed":true,"outcome":"error","error_type":"{error}",{about[2]}}}\n'
            return line, (int(first * 1e9), 0, 0, 0.0), None
        writes, tokens_in, tokens_out = (
            chance.lognormvariate(0.5, 0.7),
            chance.randrange(300, 9000),
            chance.randrange(20, 900),
        )
        cost, duration = tokens_in * 1.25e-6 + tokens_out * 1e-5, first + writes
        stalls = (
            f'"stalls":1,"stall_seconds":{writes / 3!r},"stall_starts":[{first!r}],' if chance.random() < 0.01 else ''
        )
        line = (
            f'{head}"duration":{duration!r},"streamed":true,"outcome":"success","time_to_first_token":{first!r},'
            f'"time_to_first_output":{first!r},"chunks":{tokens_out // 2},"inter_chunk_latencies":{{"buckets":[[180,'
            f'{tokens_out // 4 + 1}],[194,{tokens_out // 4 + 1}]]}},"inter_chunk_latency_sum":{writes!r},'
            f'"max_inter_chunk_latency":{writes / 9!r},{stalls}"output_tokens_per_second":{tokens_out / writes!r},'
            f'"input_tokens":{tokens_in},"output_tokens":{tokens_out},"cache_read_tokens":{tokens_in // 2},'
            f'"cache_write_tokens":0,"reasoning_tokens":0,"usage_reported":true,"usage_complete":true,"cost_usd":{cost!r},'
            f'"cost_source":"list","context_window":400000,"context_tokens":{tokens_in + tokens_out},"finish_reason":"stop",'
            f'"parts":[{{"index":0,"kind":"text","tool":null,"tool_call_id":null,"start":{first!r},"duration":{writes!r},'
            f'"chunks":{tokens_out // 2}}}],{about[2]},"span_id":"{chance.getrandbits(64):016x}"}}\n'
        )
        return line, (int(duration * 1e9), tokens_in, tokens_out, cost), first


def write(folder: Path, records: int, machines: int) -> int:
    """Write the journals; returns how many bytes they have.

    Args:
        folder: Where to; each machine has a file there.
        records: How many records there are together, or a few more.
        machines: How many machines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for number in range(machines):
        path = folder / f'machine-{number:03}.jsonl'
        with path.open('w', encoding='utf-8') as file:
            file.write(header_line().decode())
            file.writelines(Machine(number, records // machines).lines())
        written += path.stat().st_size
    return written


def main() -> None:
    """Write them, and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--records', type=int, default=1_000_000)
    parser.add_argument('--machines', type=int, default=100)
    asked = parser.parse_args()
    size = write(asked.folder, asked.records, asked.machines)
    print(f'{asked.records:,} records of {asked.machines} machines: {size / 1e9:.2f} GB')


if __name__ == '__main__':
    main()
