"""A real llama.cpp server with a model of a megabyte that is written here: a table of which token follows which.

The model thinks a sentence, chooses an option and gives a reason, always the same: it shows that a real server is
talked to as it wants to be, not that anybody chooses well. Nothing is trained and nothing fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

MODEL = "tiny-llama"
THOUGHT = "Somebody has to wait here."
REASON = "The rules name this option."
BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
THINK, THOUGHT_OVER = "<think>", "</think>"
WORD_START = "\u2581"  # what a blank is in a vocabulary of SentencePiece
LIKELY, USUAL = 40.0, 20.0  # logits of what the table says, of what ends a text, a string or an object
CONTEXT = 16384  # tokens: a character of a prompt is one
# As of DeepSeek-R1, whose reasoning begins in the prompt. The server learns from these names that it reasons at all.
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message.reasoning_content -%}<think>{{ message.reasoning_content }}</think>{%- endif -%}"
    "{{ message.role }}: {{ message.content }}\n"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}assistant: "
    "{%- if enable_thinking is defined and not enable_thinking -%}<think></think>{%- else -%}<think>{%- endif -%}"
    "{%- endif -%}"
)


def write_model(path: Path, choice: str = "o1") -> None:
    """Write a model that chooses the option `choice` wherever it is on offer.

    One block of attention and feed-forward whose weights are zero lets each token's embedding through; embeddings are
    one-hot, so the matrix behind them is the table itself.
    """
    speech = _speech(choice)
    vocabulary = _vocabulary(speech)
    size = len(vocabulary)
    width = -(-size // 32) * 32
    table = np.zeros((size, width), dtype=np.float32)  # (next, present)
    for ending in (END, '"', "}"):
        table[vocabulary.index(ending)] = USUAL
    for present, following in pairwise(speech):
        table[vocabulary.index(following), vocabulary.index(present)] = LIKELY

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(MODEL)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_key_length(32)
    writer.add_value_length(32)
    writer.add_rope_dimension_count(32)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(size)
    _write_tokenizer(writer, vocabulary)
    writer.add_tensor("token_embd.weight", np.eye(size, width, dtype=np.float32))
    # The norm before it makes each one-hot of length sqrt(width).
    writer.add_tensor("output.weight", table / np.sqrt(np.float32(width)))
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{norm}.weight", np.ones(width, dtype=np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((32, width), dtype=np.float32))
    for name in ("attn_output", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((width, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextmanager
def tiny_llama(model: Path, api_keys: Sequence[str] = ()) -> Iterator[str]:
    """Serve a model as long as it lasts; gives the base URL for OpenAI's client."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {MODEL}
    params.api_keys = list(api_keys)
    params.n_ctx = CONTEXT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_parallel = params.n_threads_http = 2
    params.cache_ram_mib = 0
    params.fit_params = params.warmup = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server  # its destructor stops it


def _speech(choice: str) -> list[str]:
    """All that the model says, token by token; none comes twice, so that each has one successor."""
    thought = [f"{WORD_START}{word}" for word in THOUGHT.split()]
    reason = REASON.replace(" ", f" {WORD_START}").split()
    return [THINK, *thought, THOUGHT_OVER, '{"choice":', f'"{choice}"', ',"reason":"', *reason, '"}', END]


def _vocabulary(speech: Sequence[str]) -> list[str]:
    """Special tokens, bytes, characters, then what the model says."""
    characters = [chr(code) if code > 32 else WORD_START for code in range(32, 127)]
    fixed = [UNKNOWN, BEGIN, END, THINK, THOUGHT_OVER, *(f"<0x{byte:02X}>" for byte in range(256)), *characters]
    return list(dict.fromkeys([*fixed, *speech]))


def _write_tokenizer(writer: gguf.GGUFWriter, vocabulary: Sequence[str]) -> None:
    kinds = {UNKNOWN: gguf.TokenType.UNKNOWN, BEGIN: gguf.TokenType.CONTROL, END: gguf.TokenType.CONTROL}
    kinds |= dict.fromkeys((THINK, THOUGHT_OVER), gguf.TokenType.USER_DEFINED)
    kinds |= {f"<0x{byte:02X}>": gguf.TokenType.BYTE for byte in range(256)}
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(vocabulary))
    writer.add_token_scores([0.0] * len(vocabulary))
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in vocabulary])
    writer.add_unk_token_id(vocabulary.index(UNKNOWN))
    writer.add_bos_token_id(vocabulary.index(BEGIN))
    writer.add_eos_token_id(vocabulary.index(END))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
