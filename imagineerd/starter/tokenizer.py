"""A byte-level BPE in CLIP's layout: 256 bytes, 256 bytes ending a word, merges, start of text, end of text."""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from imagineerd.starter.network import TEXT_LENGTH, VOCABULARY_SIZE

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def _pieces() -> pre_tokenizers.PreTokenizer:
    words = pre_tokenizers.Split(Regex(_SPLIT), behavior="removed", invert=True)
    return pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False)])


def _clean() -> normalizers.Normalizer:
    return normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])


def learn_merges(corpus: Iterable[str], count: int) -> list[tuple[str, str]]:
    """At most `count` byte-pair merges, most frequent first."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=WORD_END))
    tokenizer.normalizer, tokenizer.pre_tokenizer = _clean(), _pieces()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=512 + count, initial_alphabet=alphabet, end_of_word_suffix=WORD_END, show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(left, right) for left, right in merges][:count]


def layout(merges: list[tuple[str, str]]) -> dict[str, int]:
    """Token -> id in CLIP's order, padded with unused tokens so that the table has VOCABULARY_SIZE rows."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = letters + [letter + WORD_END for letter in letters] + [left + right for left, right in merges]
    tokens = list(dict.fromkeys(tokens))
    tokens += [f"<|unused{i}|>" for i in range(VOCABULARY_SIZE - 2 - len(tokens))]
    return {token: i for i, token in enumerate([*tokens, START, END])}


def build(corpus: Iterable[str]) -> CLIPTokenizer:
    """A tokenizer of VOCABULARY_SIZE tokens, learnt from `corpus`."""
    merges = learn_merges(corpus, VOCABULARY_SIZE - 514)
    return CLIPTokenizer(
        vocab=layout(merges), merges=merges, unk_token=END, bos_token=START, eos_token=END, pad_token=END,
        model_max_length=TEXT_LENGTH,
    )  # fmt: skip


def save(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Both layouts: tokenizer.json for `tokenizers` and transformers 5, vocab.json + merges.txt for older readers."""
    tokenizer.save_pretrained(folder)
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
    lines = [" ".join(pair) if not isinstance(pair, str) else pair for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n")
