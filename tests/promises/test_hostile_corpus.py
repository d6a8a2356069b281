"""The streams that coverage-guided fuzzing found worth keeping."""

from __future__ import annotations

from hostile.__main__ import CORPUS
from hostile.coded import check

STREAMS = sorted(CORPUS.iterdir())


def test_there_is_a_corpus():
    """Without it the next test would say nothing."""
    assert len(STREAMS) > 50


def test_every_kept_stream_becomes_a_sound_record():
    """Each reaches a way through the meter that no other does."""
    for stream in STREAMS:
        check(stream.read_bytes())
