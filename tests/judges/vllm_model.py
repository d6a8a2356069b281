"""Writes a GGUF model as vLLM reads it: `python vllm_model.py SOURCE TARGET`, in the interpreter that has vLLM."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def write(source: Path, target: Path) -> None:
    """Write the model with its tokenizer.

    Args:
        source: The file of the model.
        target: The folder to write.
    """
    transformers = import_module('transformers')
    tokenizer = transformers.AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    read = transformers.AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype='bfloat16')
    # What was read is known as quantized, which cannot be saved.
    del read.config.quantization_config
    model = type(read)(read.config).to(read.dtype)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


if __name__ == '__main__':
    write(Path(sys.argv[1]), Path(sys.argv[2]))
