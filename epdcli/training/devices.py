"""Where training runs."""

from __future__ import annotations

import os

import cv2
import torch

from epdcli.errors import DeviceNotAvailable


def chosen_device(name: str, threads: int = 0) -> torch.device:
    """The device called `name` (`auto`: CUDA where there is one), ready to use.

    Joins the other processes if torch's launcher started us. Raises `DeviceNotAvailable` when CUDA is asked
    for and absent; never falls back from a named device.
    """
    cv2.setNumThreads(1)  # batches are drawn in a thread beside the step, which needs the cores
    if threads:
        torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceNotAvailable("Training on CUDA was asked for, but torch finds no CUDA device here.")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        torch.distributed.init_process_group()
        if name == "cuda":
            name = f"cuda:{os.environ['LOCAL_RANK']}"
    return torch.device(name)
