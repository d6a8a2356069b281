"""`python -m hostile`: very many hostile examples; prints how many and exits with 1 if one of them failed."""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CORPUS = Path(__file__).parent / 'corpus'

TARGETS = ('meter', 'journals')
"""What is fuzzed, each from its folder of the corpus on."""

MODULES = {
    'promises.test_hostile_meter': 20,
    'promises.test_hostile_sinks': 1,
    'promises.test_hostile_taps': 1,
    'promises.test_hostile_journals': 1,
}
"""Where the properties are, and how many examples of each are as dear as one of a whole tap."""


def counted(test: Callable[..., None], examples: Counter[str]) -> Callable[..., None]:
    """The property, which counts its examples under its name."""

    @functools.wraps(test)
    def count(**arguments: Any) -> None:
        examples[test.__name__] += 1
        test(**arguments)

    return count


def properties() -> Iterator[tuple[str, Any, int]]:
    """The properties, each with its name and its share of the examples."""
    for module, share in MODULES.items():
        for name, test in vars(importlib.import_module(module)).items():
            if getattr(test, 'is_hypothesis_test', False):
                yield name, test, share


def check_properties(examples: int) -> tuple[int, int]:
    """Try each property on about its share of so many new examples; how many there were, and how many properties failed."""
    found = list(properties())
    one = examples / sum(share for _, _, share in found)
    tried: Counter[str] = Counter()
    failed = 0
    for name, test, share in found:
        test.hypothesis.inner_test = counted(test.hypothesis.inner_test, tried)
        try:
            settings(max_examples=max(1, round(one * share)), derandomize=False)(test)()
            verdict = 'holds'
        except Exception:
            traceback.print_exc()
            failed += 1
            verdict = 'FAILED'
        print(f'{name}: {tried[name]} examples, {verdict}', flush=True)
    return sum(tried.values()), failed


def fuzz(target: str, seconds: int) -> tuple[int, int]:
    """Fuzz the meter or the reader of journals from the corpus on; how many inputs it took, and whether one failed."""
    if importlib.util.find_spec('atheris') is None:
        print('atheris is not installed: no coverage-guided fuzzing (`pip install atheris`)')
        return 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for file in (CORPUS / target).iterdir():
            (Path(folder) / file.name).write_bytes(file.read_bytes())
        command = [sys.executable, '-m', 'hostile.fuzzing', target, folder, str(seconds)]
        done = subprocess.run(command, capture_output=True, check=False, text=True, errors='replace')
    units = re.search(r'number_of_executed_units: (\d+)', done.stderr)
    if done.returncode:
        print(done.stderr[-4000:])
    verdict = 'FAILED' if done.returncode else 'no failure'
    print(f'coverage-guided, {target}: {units[1] if units else 0} inputs, {verdict}', flush=True)
    return int(units[1]) if units else 0, int(done.returncode != 0)


def main() -> int:
    """Check, fuzz, and say what came of it."""
    parser = argparse.ArgumentParser(prog='python -m hostile', description=__doc__)
    parser.add_argument('--examples', type=int, default=200_000, help='examples of the properties, in all')
    parser.add_argument(
        '--minutes', type=float, default=10.0, help='minutes of coverage-guided fuzzing each; 0 for none'
    )
    parser.add_argument('--fuzz', choices=TARGETS, nargs='+', default=TARGETS, help='what is fuzzed (default: all)')
    options = parser.parse_args()
    warnings.simplefilter('error')
    examples, failed = check_properties(options.examples)
    fuzzed = [fuzz(target, round(options.minutes * 60)) for target in options.fuzz if options.minutes]
    inputs, crashed = (sum(each) for each in zip(*fuzzed, strict=True)) if fuzzed else (0, 0)
    print(f'{examples} examples and {inputs} fuzzed inputs: {failed + crashed} failed')
    return 1 if failed or crashed else 0


if __name__ == '__main__':
    sys.exit(main())
