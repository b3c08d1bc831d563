"""Resume files: what a killed training needs to end with the same weights as one that was never killed.

A checkpoint holds the trainee's tensors, the number of finished epochs and the records so far. Every epoch's shuffle has its
own random stream, so nothing else is needed. The file carries a fingerprint of the training (settings, seed, data) and a
checksum over everything in it: a checkpoint of another training, or a damaged one, is not used.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from rate_distortion.storage import files

log = logging.getLogger(__name__)


@dataclass
class Progress:
    """Finished epochs, what was recorded in them, and the seconds they took, whole and of the steps alone.

    ``choices`` were made by a measurement at the start and must not be made anew by a run that goes on.
    """

    epoch: int = 0
    history: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    training_seconds: float = 0.0
    resumed_from_epochs: tuple[int, ...] = ()
    choices: dict = field(default_factory=dict)


def fingerprint(description: Mapping) -> str:
    """SHA-256 of a JSON-serialisable description of a run."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def serialized(tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file; layers that share a tensor (tied weights) each get a copy, as the format wants."""
    stored, seen = {}, set()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        memory = own.untyped_storage().data_ptr()
        stored[name] = own.clone() if memory in seen else own
        seen.add(memory)
    return safetensors.torch.save(stored, metadata)


def save(path: Path, tensors: Mapping[str, Tensor], progress: Progress, run_fingerprint: str) -> None:
    """Write the checkpoint; the previous one stays until the new one is complete."""
    recorded = json.dumps(progress.__dict__)
    metadata = {"fingerprint": run_fingerprint, "progress": recorded, "checksum": _checksum(tensors, recorded)}
    files.write_bytes(path, serialized(tensors, metadata), noted=False)


def load(path: Path, run_fingerprint: str) -> tuple[dict[str, Tensor], Progress] | None:
    """The checkpoint of this very training, or None (with a line in the log saying why it is not used)."""
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a dict)
    except (safetensors.SafetensorError, OSError) as error:
        log.warning("checkpoint %s is damaged (%s): training starts again from epoch 0", path, error)
        return None
    if metadata.get("fingerprint") != run_fingerprint:
        log.warning("checkpoint %s is of other settings or data: training starts from epoch 0", path)
        return None
    if metadata.get("checksum") != _checksum(tensors, metadata.get("progress", "")):
        log.warning("checkpoint %s is damaged (checksum): training starts again from epoch 0", path)
        return None
    progress = Progress(**json.loads(metadata["progress"]))
    progress.resumed_from_epochs = (*progress.resumed_from_epochs, progress.epoch)
    return tensors, progress


def _checksum(tensors: Mapping[str, Tensor], progress: str = "") -> str:
    """SHA-256 over names, types, shapes and values of the tensors, and over the progress."""
    digest = hashlib.sha256(progress.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
