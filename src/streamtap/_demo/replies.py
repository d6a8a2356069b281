"""What the demo's fake provider answers.

Every reply follows from the request alone: the tools that it offers identify the agent, the number in its last prompt the
run, and the answers after that the step. So each mishap happens once in every so many runs, and every demo is the
same. If a fault was asked for, there are no other mishaps, so that it stands out.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._demo.token_counts import cached_of, prompt_of
from streamtap.testing import Call, ChatRequest, Fail, Pause, Reply, Say, Think, TokenUsage, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._demo.fault import Fault, FaultName

    Steps = Sequence[Think | Say | Call | Pause | Fail]

STALL_SECONDS = 1.9
"""The silence in the middle of some answers; for the demo's tap, more than 1 s is a stall."""

LOOPS = 8
"""How many calls an agent makes that goes in circles."""


@dataclass(frozen=True)
class _Turn:
    """One request: the number of the run that makes it, and the step of that run."""

    request: ChatRequest
    run: int
    step: int
    fault: Fault

    @property
    def model(self) -> str:
        return self.request.model

    def has_mishap(self, *, every: int, offset: int) -> bool:
        return self.fault.name is None and self.run % every == offset

    def has_fault(self, name: FaultName) -> bool:
        return self.fault.is_on(name) and self.run % 4 != 0

    def reply(self, steps: Steps, *, first_after: float | None = None) -> Reply:
        chance = random.Random(f'{self.model} {self.run} {self.step}')
        wait, speed = _PACES[self.model]
        thoughts = sum(isinstance(step, Think) for step in steps)
        prompt = prompt_of(self.request)
        if self.model == _DEAR_MODEL and self.fault.is_on('cost'):
            prompt += 40_000 * (self.step + 1)
        return Reply(
            steps,
            first_after=chance.uniform(0.7, 1.5) * wait if first_after is None else first_after,
            every=1 / (chance.uniform(0.85, 1.15) * speed),
            usage=TokenUsage(input=prompt, cached=cached_of(self.request), reasoning=thoughts),
        )

    def refusal(self, status: int, why: str) -> Reply:
        return Reply([Fail(why, status)], status=status, headers_after=0.15)


_PACES = {'gpt-5.2': (0.6, 65.0), 'gpt-5-mini': (0.35, 120.0), 'gpt-4.1-mini': (0.25, 90.0), 'o4-mini': (0.5, 85.0)}
"""For each model the usual wait for its first token in seconds, and its tokens per second."""

_DEAR_MODEL = 'o4-mini'


def reply_to(request: ChatRequest, fault: Fault) -> Reply:
    """What the fake provider answers.

    Args:
        request: The request of one of the agents.
        fault: What goes wrong instead of the usual mishaps.
    """
    roles = [message['role'] for message in request.messages]
    asked = len(roles) - 1 - roles[::-1].index('user')
    number = re.search(r'#(\d+)', str(request.messages[asked]['content']))
    turn = _Turn(request, int(number[1]) if number else 0, roles[asked:].count('assistant'), fault)
    part = next(part for tool, part in _PARTS.items() if tool in request.tools)
    return part(turn)


def _researcher(turn: _Turn) -> Reply:
    if turn.step == 0:
        if turn.has_mishap(every=7, offset=5):
            return turn.refusal(500, 'the server had an error')
        calls = Call('search_web', {'query': 'tides'}, pieces=3), Call('search_papers', {'query': 'tides'}, pieces=3)
        return turn.reply([*words(_THOUGHT, Think), *calls, Call('search_web', {'query': 'moon'}, pieces=2)])
    answer = words(_ANSWER)
    if turn.fault.is_on('stalls'):
        return turn.reply([*answer[:20], Pause(STALL_SECONDS), *answer[20:40], Pause(3 * STALL_SECONDS), *answer[40:]])
    if turn.has_mishap(every=4, offset=2):
        return turn.reply([*answer[:20], Pause(STALL_SECONDS), *answer[20:]])
    return turn.reply(answer)


def _support(turn: _Turn) -> Reply:
    usual = turn.step == 0 and turn.has_mishap(every=3, offset=1)
    if turn.model == 'gpt-5-mini' and (usual or turn.has_fault('rate-limit')):
        return turn.refusal(429, 'rate limit reached')
    if turn.fault.is_on('loop') and turn.step < LOOPS:
        return turn.reply([Call('find_order', {'number': 'A-4711'}, pieces=3)])
    if turn.step == 0:
        return turn.reply([Call('find_order', {'number': '4711'}, pieces=3)])
    if turn.step == 1:
        return turn.reply([Call('find_order', {'number': 'A-4711'}, pieces=3)])
    return turn.reply(words(_NOTE))


def _coder(turn: _Turn) -> Reply:
    if turn.fault.is_on('loop') and turn.step < LOOPS:
        return turn.reply([Call('run_tests', {}) if turn.step % 2 else Call('apply_patch', {'file': 'tide.py'})])
    if turn.step == 0:
        patches = [Call('apply_patch', {'file': file}, pieces=6) for file in ('tide.py', 'moon.py')]
        return turn.reply(
            [*words(_THOUGHT, Think), *patches], first_after=2.6 if turn.has_mishap(every=5, offset=2) else None
        )
    if turn.step == 1:
        return turn.reply([*words('Now the tests.'), Call('run_tests', {})])
    if turn.has_mishap(every=4, offset=3) or turn.has_fault('errors'):
        return turn.reply([*words(_NOTE), Fail('overloaded', 503)])
    return turn.reply(words(_NOTE))


def _editor(turn: _Turn) -> Reply:
    if turn.step == 0:
        return turn.reply([*words('Let me ask.'), Call('ask_researcher', {'question': f'tides #{turn.run}'}, pieces=3)])
    return turn.reply(words(f'{_ANSWER} {_NOTE}'))


_PARTS = {'search_web': _researcher, 'find_order': _support, 'run_tests': _coder, 'ask_researcher': _editor}
"""For each agent one of its tools, and the function that answers it."""

_THOUGHT = 'First I should find out what is already there, then weigh it, and only then answer what was asked.'
_NOTE = 'It is done: what you asked for went out yesterday and should be with you before the end of the week.'
_ANSWER = (
    'Tides are the rise and fall of the sea under the pull of the moon and, less so, of the sun. Twice a month the two '
    'pull together and the tide runs high; in between they pull apart and it runs low. The shape of a coast does the '
    'rest: a narrow bay can lift the water by more than ten metres.'
)
