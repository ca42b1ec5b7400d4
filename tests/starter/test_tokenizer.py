"""The byte-level BPE: CLIP's order, nothing unspeakable."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import CLIPTokenizer

from imagineerd.starter import tokenizer as bpe
from imagineerd.starter.network import VOCABULARY_SIZE

CORPUS = ["ace of hearts, night sky", "king of spades, art nouveau"] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("tokenizer")
    bpe.save(bpe.build(CORPUS), target)
    return target


@pytest.mark.parametrize("text", ["ace of hearts", "🌙 moon", "漢字", "naïve façade", "ça Ärger"])
def test_any_text_comes_back(folder: Path, text: str) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).strip() == text.lower()


def test_tokens_are_in_clip_order(folder: Path) -> None:
    ids = CLIPTokenizer.from_pretrained(folder).get_vocab()
    assert len(ids) == VOCABULARY_SIZE
    assert (ids[bpe.START], ids[bpe.END]) == (VOCABULARY_SIZE - 2, VOCABULARY_SIZE - 1)
    assert max(ids[letter] for letter in "az!") < 256 <= min(ids[letter + bpe.WORD_END] for letter in "az!")


def test_frequent_words_are_one_token(folder: Path) -> None:
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).encode("hearts").tokens[1:-1] == ["hearts</w>"]


def test_the_older_layout_has_the_same_merges(folder: Path) -> None:
    lines = (folder / "merges.txt").read_text().splitlines()
    assert lines[0].startswith("#version")
    assert "h e" in lines or any(line.endswith("</w>") for line in lines[1:])
