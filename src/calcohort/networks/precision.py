"""Where networks run, and which arithmetic a device is fast at."""

from contextlib import nullcontext
from pathlib import Path

import torch

from calcohort.errors import InputError


def pick_device(wanted: str | torch.device) -> torch.device:
    """The device of a name; "auto" is the GPU if there is one, else the CPU.

    Raises
    ------
    InputError
        For a GPU that is not there, or that PyTorch cannot use.
    """
    there = torch.cuda.is_available()
    if wanted == "auto":
        wanted = "cuda" if there else "cpu"
    device = torch.device(wanted)
    if device.type == "cuda" and not there:
        raise InputError("PyTorch finds no GPU here", where="device cuda", cure="use device auto or cpu")
    return device


def autocast(device: torch.device, wanted: str = "auto"):
    """Context in which convolutions run in bfloat16, or in which nothing changes.

    Parameters
    ----------
    device : torch device
    wanted : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 on GPUs and on CPUs that have instructions for it.
    """
    fast = device.type == "cuda" or cpu_multiplies_bfloat16()
    if wanted == "bfloat16" or (wanted == "auto" and fast):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def cpu_multiplies_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions (AVX512-BF16, AMX, or Arm's)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    flags = next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags))
