"""Why a figure is missing, and what to do about it: what a person sees in its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hint:
    """Why a figure is missing.

    Args:
        short: In a few words, for the place of the figure.
        sentence: In full.
    """

    short: str
    sentence: str


NOT_STREAMED = Hint(
    'nothing streamed: add stream=True',
    'Blank screen, time to first token and tokens/s are missing because no request streamed: '
    'use tap.capability(stream=True), run_stream() or an event_stream_handler.',
)

NO_USAGE = Hint(
    'no response said all its tokens',
    'Tokens/s and cost are missing because no response said all of its tokens.',
)

NO_SPEED_WITHOUT_USAGE = Hint(
    NO_USAGE.short,
    'Tokens/s is missing because no response said all of its tokens.',
)

NO_PRICE = Hint(
    'no price known: use Tap(price=...)',
    'Cost is missing because no price of these models is known: Tap(price=...) takes a function of your own.',
)

NOT_TIMED = Hint(
    'no response could be timed',
    'Tokens/s is missing because no response could be timed: they failed, were hidden from a handler by run_stream(), had '
    'too few chunks, came in bursts, hid their reasoning or other tokens, or their readers were slow.',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of some requests.

    Args:
        requests: How many there were.
        streamed: How many of them streamed.
        unmeasured: How many did not say all of their tokens.
        interrupted: How many of these were interrupted.
        unpriced: How many said their tokens, but have no known price.
        has_first_token: Whether a time to first token is known.
        has_speed: Whether a speed is known.
        has_cost: Whether a cost is known.
    """

    requests: int
    streamed: int
    unmeasured: int
    interrupted: int
    unpriced: int
    has_first_token: bool
    has_speed: bool
    has_cost: bool

    @property
    def first_token(self) -> Hint | None:
        """Why there is no blank screen and no time to first token."""
        return NOT_STREAMED if self.requests and not self.streamed and not self.has_first_token else None

    @property
    def speed(self) -> Hint | None:
        """Why there is no speed."""
        if self.has_speed or not self.requests:
            return None
        if self.first_token is not None or not self._says_nothing:
            return self.first_token or NOT_TIMED
        # What was interrupted may have said some, and so have a cost.
        return NO_SPEED_WITHOUT_USAGE if self.has_cost else NO_USAGE

    @property
    def cost(self) -> Hint | None:
        """Why there is no cost."""
        if self.has_cost or not self.requests:
            return None
        if self._says_nothing:
            return NO_USAGE
        return NO_PRICE if self.unpriced else None

    @property
    def sentences(self) -> list[str]:
        """All that is missing, each reason once."""
        hints = (self.first_token, self.speed, self.cost)
        return list(dict.fromkeys(hint.sentence for hint in hints if hint is not None))

    @property
    def lacking(self) -> list[str]:
        """What tokens and cost lack, a sentence for each reason that is not among those for what is missing."""
        is_said = bool({NO_USAGE, NO_SPEED_WITHOUT_USAGE} & {self.speed, self.cost})
        unknown = 0 if is_said else self.unmeasured - self.interrupted
        unpriced = 0 if self.cost is NO_PRICE else self.unpriced
        counted = [
            (unknown, 'Responses whose usage is not known: {:,} (not in tokens and cost)'),
            (self.interrupted, 'Responses that were interrupted: {:,} (in tokens and cost only as far as reported)'),
            (unpriced, 'Responses without a known price: {:,} (not in cost)'),
        ]
        return [sentence.format(count) for count, sentence in counted if count]

    @property
    def _says_nothing(self) -> bool:
        return self.unmeasured == self.requests


def shared_name(agents: int) -> str:
    """What to do where several agents without a name are counted together."""
    return (
        f'{agents} agents without a name are counted together as agent: '
        "give each a name, Agent(name='...') or tap.capability(agent='...')."
    )
