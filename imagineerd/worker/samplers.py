"""The samplers by the names that a spec uses: a fresh scheduler per order, made from the model's own configuration."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from imagineerd.jobs import Scheduler

_HOME = "diffusers.schedulers"
SAMPLERS: Final[dict[Scheduler, tuple[str, str, dict[str, Any]]]] = {
    "dpm++": (
        f"{_HOME}.scheduling_dpmsolver_multistep",
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++"},
    ),
    "dpm++-sde": (
        f"{_HOME}.scheduling_dpmsolver_multistep",
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "sde-dpmsolver++"},
    ),
    "euler": (f"{_HOME}.scheduling_euler_discrete", "EulerDiscreteScheduler", {}),
    "euler-a": ("imagineerd.worker.euler_a", "AncestralEulerScheduler", {}),
    "ddim": (f"{_HOME}.scheduling_ddim", "DDIMScheduler", {"clip_sample": False}),
    "unipc": ("imagineerd.worker.unipc", "UniPCScheduler", {}),
    "pndm": (f"{_HOME}.scheduling_pndm", "PNDMScheduler", {"skip_prk_steps": True}),
    "lms": ("imagineerd.worker.lms", "LinearMultistepScheduler", {}),
    "heun": (f"{_HOME}.scheduling_heun_discrete", "HeunDiscreteScheduler", {}),
}
"""Name -> module, class, and what the name itself demands."""
TAKE_NOISE: Final[frozenset[Scheduler]] = frozenset({"dpm++-sde", "euler-a"})
"""Samplers that are to be given new noise at each step, fp32 and shaped as the latents: `variance_noise`."""

_WITHOUT_KARRAS: Final[frozenset[Scheduler]] = frozenset({"euler-a", "ddim", "pndm"})


def make_scheduler(name: Scheduler, config: dict[str, Any], steps: int) -> Any:
    """Return a scheduler set to `steps`; prediction type, betas, spacing and Karras sigmas come from `config`.

    Its `timesteps` are on the host: most samplers look at the time they are given, and would wait for a GPU.

    A model whose schedule ends in noise alone (arXiv 2305.08891) is drawn so by every sampler but pndm, lms and heun:
    they average over steps, which breaks down there, and start from the schedule's unscaled end.
    """
    module, cls, demands = SAMPLERS[name]
    kind = getattr(import_module(module), cls)
    scheduler = kind.from_config({**config, **demands})
    scheduler.set_timesteps(steps, device="cpu")
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # spares a search, and on a GPU a synchronisation, per step
    return scheduler


def uses_karras(name: Scheduler, config: dict[str, Any]) -> bool:
    """Say whether this sampler takes Karras' noise levels (arXiv 2206.00364) with this model."""
    return bool(config.get("use_karras_sigmas")) and name not in _WITHOUT_KARRAS
