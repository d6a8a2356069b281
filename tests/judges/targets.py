"""What is judged: llama.cpp's own server, and what else an agent may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judges.agents import FORMATS
from judges.environment import LITELLM, SERVER, VLLM

if TYPE_CHECKING:
    from judges.agents import Format
    from support.accuracy_page import Command

LLAMA_INTRODUCTION = """## Real servers

llama.cpp's own HTTP server, with a proxy of the project between it and the agents that stamps what passes: `make real-servers` asks it in three wire formats at each door, and compares what was recorded with the wire and with the server's own counters.
It is run on demand, as a machine that does other things disturbs the server itself; it fails if a time to first token or a longest gap between chunks is more than 50 ms off the wire, if a speed is more than 3 % off the server's, or if a count or a finish reason is not equal.
SmolLM2-135M answers as it likes; the echo model repeats what it is told to, at the pace of a model that thinks, so that there are calls of tools and structured outputs of every length.
Errors are the median and the worst, of one try of each, and up to two more of one that came out wrong or without a speed.
The server's speed is of the tokens after the first: its own figure counts the first one with some formats and not with others.
Where that is missed, and the server's pace was uneven, so that what is seen passed the wire at another pace than the whole by more than 3 %, the wire's pace is the truth; the table says how often.
A starved client is late itself, which is no error of its time to first token."""

LITELLM_INTRODUCTION = """## LiteLLM's proxy

LiteLLM's proxy in front of [that server](#real-servers), and the project's proxy in front of LiteLLM's: the same questions in the chat format, what was recorded beside what LiteLLM sent, and the counts and the speed beside llama.cpp's own."""

VLLM_INTRODUCTION = """## vLLM

vLLM's own HTTP server on the processor, with the same two models: the same questions, and the counts and the speed beside its own counters and its own time from the first token of an answer to the last."""


@dataclass(frozen=True)
class Target:
    """What is judged, and what is said of it.

    Args:
        packages: What is installed for it, with versions.
        formats: How it is asked.
        command: What writes its section.
        introduction: How the section begins.
    """

    packages: tuple[str, ...]
    formats: tuple[Format, ...]
    command: Command
    introduction: str


TARGETS = {
    'llama.cpp': Target((SERVER,), FORMATS, 'real-servers', LLAMA_INTRODUCTION),
    'litellm': Target(
        (SERVER, LITELLM), ('chat',), "real-servers REAL_SERVERS='--target litellm'", LITELLM_INTRODUCTION
    ),
    'vllm': Target((VLLM,), FORMATS, "real-servers REAL_SERVERS='--target vllm'", VLLM_INTRODUCTION),
}
"""Those there are, by name."""
