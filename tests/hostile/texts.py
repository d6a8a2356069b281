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
