"""What expressions come to on made series, as Prometheus' own promtool evaluates them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def differences(
    promtool: str,
    folder: Path,
    series: Mapping[str, str],
    expected: Mapping[str, float | None],
    *,
    at: str,
    scraped_every: str = '1m',
    evaluated_every: str = '1m',
    rule_files: Sequence[str] = (),
) -> str:
    """What promtool says where expressions are not what is expected; nothing where they are.

    Args:
        promtool: The program.
        folder: Where to write what it reads.
        series: The samples of each series, in promtool's notation.
        expected: The one value without labels that each expression has; `None` if it has none.
        at: When they are evaluated.
        scraped_every: How far apart the samples are.
        evaluated_every: How often the rules are evaluated.
        rule_files: The files of the rules, in that folder.
    """
    cases = {
        'rule_files': list(rule_files),
        'evaluation_interval': evaluated_every,
        'tests': [
            {
                'interval': scraped_every,
                'input_series': [{'series': name, 'values': values} for name, values in series.items()],
                'promql_expr_test': [
                    {
                        'expr': expr,
                        'eval_time': at,
                        'exp_samples': [] if value is None else [{'labels': '{}', 'value': value}],
                    }
                    for expr, value in expected.items()
                ],
            }
        ],
    }
    written = folder / 'cases.yaml'
    written.write_text(yaml.safe_dump(cases), encoding='utf-8')
    done = subprocess.run([promtool, 'test', 'rules', str(written)], capture_output=True, text=True, check=False)
    return '' if done.returncode == 0 else done.stdout + done.stderr
