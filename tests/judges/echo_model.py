"""Writes a model that repeats what was written `DISTANCE` tokens before: `python echo_model.py SOURCE TARGET LAYERS`.

So a prompt decides what the model answers, in the tokens that a real model would write, and the server's own grammars,
parsers and samplers do the rest. It runs in the environment of the servers.

One layer of attention looks back by so many tokens: the rotations of a query and a key agree at that distance alone.
The other layers add nothing, and give the model the pace of one that thinks.
"""

from __future__ import annotations

import sys
from importlib import import_module

DISTANCE = 256
"""How many tokens back it looks."""

WIDTH, HEADS, HIDDEN = 256, 4, 6144
"""The size: five million parameters in each layer, beside those of the vocabulary."""

CONTEXT = 8192
ROTATIONS = 10000.0
CONSTANT = 4.0
"""The first number of every token, from which queries and keys are made; the others are its own, 1 or -1."""

SHARPNESS = 20.0
"""How much more attention the one token gets than its neighbours, as a power of e."""


def write(source: str, target: str, layers: int) -> None:
    """Write the model.

    Args:
        source: A model whose vocabulary, tokenizer and template it has.
        target: Where to write.
        layers: How many it has: one that looks back, and others that take time.
    """
    gguf, numpy = import_module('gguf'), import_module('numpy')
    file = gguf.GGUFWriter(target, 'llama')
    fields = gguf.GGUFReader(source).fields
    for name, field in fields.items():
        if name.startswith('tokenizer.') and field.types[0] == gguf.GGUFValueType.ARRAY:
            file.add_array(name, field.contents())
        elif name.startswith('tokenizer.'):
            file.add_key_value(name, field.contents(), field.types[0])
    vocabulary = len(fields['tokenizer.ggml.tokens'].data)
    size = WIDTH // HEADS
    file.add_context_length(CONTEXT)
    file.add_embedding_length(WIDTH)
    file.add_block_count(layers)
    file.add_feed_forward_length(HIDDEN)
    file.add_head_count(HEADS)
    file.add_head_count_kv(HEADS)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_freq_base(ROTATIONS)
    file.add_rope_dimension_count(size)
    file.add_vocab_size(vocabulary)

    random = numpy.random.default_rng(7)
    tokens = random.choice([-1.0, 1.0], (vocabulary, WIDTH))
    tokens[:, 0] = CONSTANT
    angles = (DISTANCE - 1) * ROTATIONS ** (-numpy.arange(0, size, 2) / size)
    query, key = numpy.zeros((WIDTH, WIDTH)), numpy.zeros((WIDTH, WIDTH))
    for head in range(HEADS):
        rows = slice(head * size, (head + 1) * size)
        query[rows, 0] = numpy.stack([numpy.ones_like(angles), numpy.zeros_like(angles)], 1).ravel()
        key[rows, 0] = numpy.stack([numpy.cos(angles), numpy.sin(angles)], 1).ravel() * SHARPNESS * size**0.5
    # The first number of the vocabulary says nothing, and is left out of what is read.
    value = numpy.eye(WIDTH)
    value[0, 0] = 0.0
    output = 0.3 * tokens
    output[:, 0] = 0.0

    def add(name: str, matrix: object, kind: object = numpy.float16) -> None:
        file.add_tensor(name, matrix.astype(kind))  # type: ignore[attr-defined]

    add('token_embd.weight', tokens)
    add('output.weight', output)
    add('output_norm.weight', numpy.ones(WIDTH), numpy.float32)
    nothing = numpy.zeros((WIDTH, WIDTH))
    for layer in range(layers):
        block = f'blk.{layer}'
        add(f'{block}.attn_norm.weight', numpy.ones(WIDTH), numpy.float32)
        add(f'{block}.ffn_norm.weight', numpy.ones(WIDTH), numpy.float32)
        looks = layer == 0
        add(f'{block}.attn_q.weight', query if looks else nothing)
        add(f'{block}.attn_k.weight', key if looks else nothing)
        add(f'{block}.attn_v.weight', value)
        add(f'{block}.attn_output.weight', 10.0 * value if looks else nothing)
        add(f'{block}.ffn_gate.weight', random.standard_normal((HIDDEN, WIDTH)) / WIDTH**0.5)
        add(f'{block}.ffn_up.weight', random.standard_normal((HIDDEN, WIDTH)) / WIDTH**0.5)
        add(f'{block}.ffn_down.weight', numpy.zeros((WIDTH, HIDDEN)))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


if __name__ == '__main__':
    write(sys.argv[1], sys.argv[2], int(sys.argv[3]))
