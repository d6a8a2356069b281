"""The inputs that coverage-guided fuzzing found worth keeping."""

from __future__ import annotations

from hostile.__main__ import CORPUS
from hostile.coded import check
from hostile.journals import check as check_journal

STREAMS = sorted((CORPUS / 'meter').iterdir())
JOURNALS = sorted((CORPUS / 'journals').iterdir())


def test_there_is_a_corpus():
    """Without it the next test would say nothing."""
    assert len(STREAMS) > 50
    assert len(JOURNALS) > 20


def test_every_kept_stream_becomes_a_sound_record():
    """Each reaches a way through the meter that no other does."""
    for stream in STREAMS:
        check(stream.read_bytes())


def test_every_kept_journal_is_read_and_reported():
    """Each reaches a way through the reader or a report that no other does."""
    for journal in JOURNALS:
        check_journal(journal.read_bytes())
