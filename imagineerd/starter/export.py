"""Writes the finished model as a diffusers folder: fp16 safetensors, both tokenizer layouts, imagineer.json."""

import copy
import json
import shutil
import tempfile
from pathlib import Path

from diffusers import StableDiffusionPipeline
from transformers import CLIPTokenizer

from imagineerd.starter import tokenizer as bpe
from imagineerd.starter.network import HEIGHT, WIDTH, Networks, new_scheduler
from imagineerd.starter.vocabulary import FAMILIES, STYLES, SUBJECT_GROUPS

VERSION = 4
LICENSE = "MIT"


def describe() -> dict[str, object]:
    """The contents of imagineer.json: what the program must know about this model before loading it."""
    return {
        "name": "starter",
        "version": VERSION,
        "license": LICENSE,
        "native_size": [WIDTH, HEIGHT],
        "sizes": [[WIDTH, HEIGHT], [160, 160], [HEIGHT, WIDTH]],
        "default_steps": 20,
        "default_guidance": 3.0,
        "knows": f"It draws {', '.join(SUBJECT_GROUPS)}; themes {', '.join(FAMILIES)}; styles {', '.join(STYLES)}.",
    }


def pipeline(networks: Networks, tokenizer: CLIPTokenizer) -> StableDiffusionPipeline:
    """The parts put together, without safety checker."""
    return StableDiffusionPipeline(
        vae=networks.vae,
        text_encoder=networks.text_encoder,
        tokenizer=tokenizer,
        unet=networks.unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _write(networks: Networks, tokenizer: CLIPTokenizer, folder: Path) -> None:
    halves = Networks(*(copy.deepcopy(part).half() for part in vars(networks).values()))
    pipeline(halves, tokenizer).save_pretrained(folder, safe_serialization=True)
    bpe.save(tokenizer, folder / "tokenizer")
    (folder / "imagineer.json").write_text(json.dumps(describe(), indent=1) + "\n")


def _open_to_readers(folder: Path) -> None:
    """Temporary folders and safetensors files are born private; an installed model is for every user."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def export(networks: Networks, tokenizer: CLIPTokenizer, target: Path) -> None:
    """Writes beside `target` and renames, so that a reader sees the old folder or the new one, never a torn one."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    _write(networks, tokenizer, fresh)
    _open_to_readers(fresh)
    old = fresh.with_name(fresh.name + "-old")
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
