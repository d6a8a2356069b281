"""What the judges read on the wire and from the servers, before they compare."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from judges.said import Said, said
from judges.servers import Counts, WireLog
from judges.shapes import AS_THEY_CAME
from judges.vllm_server import VllmServer
from judges.wire import Exchange

METRICS = """# HELP vllm:num_requests_running Number of requests in model execution batches.
vllm:num_requests_running{engine="0",model_name="judge"} 1.0
vllm:prompt_tokens_total{engine="0",model_name="judge"} 777.0
vllm:prompt_tokens_cached_total{engine="0",model_name="judge"} 128.0
vllm:prompt_tokens_cached_by_source_total{engine="0",model_name="judge",source="device"} 1.0
vllm:generation_tokens_total{engine="0",model_name="judge"} 507.0
vllm:request_decode_time_seconds_bucket{engine="0",le="0.3",model_name="judge"} 3.0
vllm:request_decode_time_seconds_sum{engine="0",model_name="judge"} 10.5
"""


def test_the_name_of_a_tool_is_content_in_every_format():
    """It is what comes first of a call, and may come long before the arguments."""
    call = {'name': 'note', 'arguments': ''}
    events: list[dict[str, object]] = [
        {'choices': [{'delta': {'tool_calls': [{'function': call}]}}]},
        {'type': 'response.output_item.added', 'item': {'type': 'function_call', **call}},
        {'type': 'content_block_start', 'content_block': {'type': 'tool_use', 'name': 'note'}},
    ]
    for event in events:
        assert said(Exchange('/', 0.0, events=[(0.25, f'data: {json.dumps(event)}')])) == Said(contents=[0.25])


def test_what_begins_without_content_is_none():
    """A message or a block of text begins empty."""
    for event in (
        {'type': 'response.output_item.added', 'item': {'type': 'message'}},
        {'type': 'content_block_start', 'content_block': {'type': 'text', 'text': ''}},
    ):
        assert said(Exchange('/', 0.0, events=[(0.25, f'data: {json.dumps(event)}')])) == Said()


def test_counters_of_vllm_are_read_by_their_whole_names():
    """Neither a bucket nor a longer name is taken for another counter."""

    class Scripted(VllmServer):
        def get(self, path: str) -> bytes:
            return METRICS.encode()

    counts = Scripted(Path('python'), Path('model'), Path('template')).counts()
    assert counts == Counts(1.0, 777.0, 128.0, 507.0, 10.5)
    assert counts.since(Counts(0.0, 700.0, 100.0, 500.0, 10.0)) == Counts(1.0, 77.0, 28.0, 7.0, 0.5)


def test_a_half_written_exchange_is_not_read_yet(tmp_path: Path):
    """The proxy writes while the judge reads."""
    log, seen = tmp_path / 'wire.jsonl', Exchange('/v1', 1.0)
    line = json.dumps(asdict(seen)) + '\n'
    log.write_text(line + line[:20], encoding='utf-8')
    wire_log = WireLog(0, log, AS_THEY_CAME)
    assert wire_log.new(1) == [seen]
    log.write_text(line * 2, encoding='utf-8')
    assert wire_log.new(1) == [seen]
