"""The program that people write first: `StableDiffusionPipeline`, one picture after the other.

    python tests/benchmarks/pipeline.py MODEL FOLDER [DEVICE [LORA=WEIGHT…]]

reads a JSON list of cards from each line of standard input, saves their pictures in FOLDER, and answers with the
seconds it took. LoRAs are stacked as adapters. It knows nothing of imagineer.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline


def main(model: str, folder: str, device: str = "cpu", *loras: str) -> None:
    """Draw until standard input ends."""
    dtype = torch.float16 if device.startswith("cuda") else torch.float32
    pipeline = StableDiffusionPipeline.from_pretrained(model, torch_dtype=dtype).to(device)
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    for number, lora in enumerate(loras):
        pipeline.load_lora_weights(lora.rpartition("=")[0], adapter_name=f"lora{number}")
    if loras:
        weights = [float(lora.rpartition("=")[2]) for lora in loras]
        pipeline.set_adapters([f"lora{number}" for number in range(len(loras))], weights)
    for line in sys.stdin:
        began = time.perf_counter()
        for number, card in enumerate(json.loads(line)):
            generator = torch.Generator("cpu").manual_seed(card.pop("seed"))
            picture = pipeline(**card, generator=generator).images[0]
            picture.save(Path(folder) / f"{number:02d}.png")
        sys.stdout.write(f"{time.perf_counter() - began}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
