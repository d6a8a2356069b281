"""Pictures give names the room that there is, and no more than a phone shows without scrolling."""

from __future__ import annotations

from streamtap._report.changes import changes_section
from streamtap._report.compare import compare
from streamtap._report.name_room import PHONE, room_for
from streamtap._report.samples import Samples
from streamtap._report.spending import spending
from support.made_records import run

LONG = 'the-agent-that-answers-all-questions-of-bills'


def test_names_push_what_is_drawn_away_until_a_phone_ends():
    """Short ones leave it where it is."""
    rooms = [room_for(['a' * length], 72.0, 300.0) for length in (1, 30, 40, 60)]
    assert rooms == [300.0, 300.0, 368.0, PHONE]


def test_costs_and_comparisons_have_long_names_whole():
    """Of 45 letters."""
    texts = [each.text for each in spending({(LONG, 'p:m'): 1.0}).iter('text')]
    assert texts.count(LONG) == 2, 'on a wide page and on a phone'
    sides = Samples(), Samples()
    for side in sides:
        side.add(run(agent=LONG))
        side.complete()
    names = [text.text for part in changes_section(compare(*sides)) for text in part.iter('text')]
    assert LONG in names
