"""Names and content that nobody means to send."""

from __future__ import annotations

from hypothesis import strategies as st


class Long(str):
    """A text that is too long to be shown when a test fails."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f'Long({self[0]!r} * {len(self)})'


HUGE = Long('\N{SNOWMAN}' * 10_000_000)
"""Ten million characters, made once."""

UNSAFE = (
    *map(chr, (*range(0x20), *range(0x7F, 0xA0))),
    # Bidirectional controls, what is invisible, blanks and line ends of other kinds, a surrogate, a private character.
    *'\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069',
    *'\u00ad\u034f\u115f\u1160\u180e\u200b\u200c\u200d\u2060\u2061\u2800\u3164\ufeff\uffa0\ufff9\ufffb',
    *'\u00a0\u2028\u2029\u3000',
    *('\ud800', '\ue000', '\U000e0001', '\U000e0041', '\U000e007f'),
)
"""Characters that can control a terminal, end a line, reorder text or hide in it, or that nobody can export."""

FLOOD = 'z' + '\N{COMBINING TILDE}' * 50
"""A letter with so many marks that it covers the lines around it."""

RIGHT_TO_LEFT = '\u05e9\u05dc\u05d5\u05dd'
"""A word of a script that is written from right to left."""

HOSTILE = (
    f'=1+1;=2+2,=3 \r\nERROR forged: "x" \x1b]0;owned\x07\x1b[31m\x9b2J<img src=x onerror=alert(1)>\u202e{RIGHT_TO_LEFT}\u2066'
    f'\u200b\u2028\x85\ufeff{FLOOD}'
)
"""A name with something for each kind of exit."""

OF_JOBS = (
    '::error title=x::forged ##[add-mask]e##vso[task.complete]%0A::warning::y |`a`|\\| [x](http://a.example) '
    '![y](z) @team #1 <!-- <b>'
)
"""A name that gives commands to what runs a job, and is markup in a comment on its result."""

TEXTS = st.one_of(
    st.sampled_from(
        (
            '',
            ' ',
            '"',
            "\\'\\\\n",
            'two\nlines',
            'a{b="c"} 1 # {d="e"} 2\n# EOF\n',
            '\r\n\x00\x07\x0b\x1b[31m\x1c\x7f\x85\u2028',
            '\ud800',
            'cut \udfff\udc80 off',
            '\N{SNOWMAN}\N{COMBINING ACUTE ACCENT}\U0001f600',
            HOSTILE,
            OF_JOBS,
            '_other',
            '_unknown',
            Long('x' * 199 + '\U0001f600\ud83d'),
        )
    ),
    # Surrogates included.
    st.text(st.characters(codec=None), max_size=30),
    st.just(HUGE),
)
"""Any text at all, now and then one of ten million characters."""

NAMES = st.one_of(st.sampled_from(('a', 'b', 'c')), TEXTS)
"""The same, but often enough one that was there before."""

JUNK = st.one_of(TEXTS, st.none(), st.integers(), st.floats(), st.binary(max_size=4), st.builds(object))
"""What stands where a text or a number is expected."""
