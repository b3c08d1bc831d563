"""The step of a pack: minibatches, loss, gradient, descent; as it is, or captured once in a CUDA graph and replayed.

A step of small networks is about 45 short kernels, and starting them takes a GPU longer than running them. A graph starts them
all at once. What it reads and writes is fixed at capture, so rows are copied into a buffer that stays.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from rate_distortion.models.back_ends import BACK_ENDS, CPU_BACK_END
from rate_distortion.models.convolutional import ModelSettings, parameter_groups
from rate_distortion.models.packs import ConvolutionalPack
from rate_distortion.training.settings import short_products

log = logging.getLogger(__name__)

WARM_UP_STEPS = 3
"""Steps before a capture, so that libraries have made their choices and their workspaces; they are taken back."""

MEASURED_SECONDS = 1.0
"""Time for each back-end while the fastest is looked for."""


class Stepper:
    """Steps of gradient descent on one pack.

    Attributes:
        pack: the networks.
        correct: right predictions of each network since :meth:`count_anew`, (K,).
        captures: whether steps are CUDA graphs; False as well once a capture has failed, until another back-end is used.
    """

    def __init__(
        self,
        pack: ConvolutionalPack,
        settings: Sequence[ModelSettings],
        learning_rates: Sequence[float],
        images: Tensor,
        labels: Tensor,
        *,
        capture: bool | None = None,
        precision: str = "float32",
    ):
        """Make ready.

        Args:
            pack: the networks.
            settings: their weight decays and what decays.
            learning_rates: one for each network.
            images: (N, C, H, W) on the networks' device.
            labels: (K, N); may be written to between steps.
            capture: use CUDA graphs; by default where the images are on a GPU.
            precision: as in the training settings.
        """
        self.pack, self.images, self.labels, self.precision = pack, images, labels, precision
        self.captures = self._may_capture = images.is_cuda if capture is None else capture
        decays = [_weight_decays(module, own) for module, own in zip(pack.modules(), settings, strict=True)]
        self._decays = pack.vector(decays)
        self._rates = pack.vector([dict.fromkeys(decays[0], rate) for rate in learning_rates])
        self.correct = torch.zeros(pack.networks, dtype=torch.long, device=images.device)
        self._graphs: dict[int, _Graph] = {}

    def step(self, rows: Tensor) -> Tensor:
        """One step of every network on its own images, rows (K, B); returns their mean losses (K,) in nats.

        The returned tensor may be overwritten by the next step.
        """
        graph = self._graph(rows) if self.captures else None
        return graph(rows) if graph else self.eager_step(rows)

    def eager_step(self, rows: Tensor) -> Tensor:
        """The same, operation by operation."""
        parameters = self.pack.parameters
        with short_products(self.images.device, self.precision):
            logits = self.pack.forward(self.images, rows)
        logits, targets = logits.to(self.images.dtype), self.labels.gather(1, rows)
        # The flat form: the gradient of its spatial sister is not deterministic on a GPU.
        losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        losses = losses.view_as(rows).mean(1)
        (gradient,) = torch.autograd.grad(losses.sum(), parameters)
        with torch.no_grad():
            gradient.addcmul_(self._decays, parameters)
            parameters.addcmul_(self._rates, gradient, value=-1)
            self.correct += (logits.argmax(2) == targets).sum(1)
        return losses.detach()

    def count_anew(self) -> Tensor:
        """Right predictions of each network so far, (K,); from here on they are counted from zero."""
        counted = self.correct.clone()
        self.correct.zero_()
        return counted

    def use(self, back_end: str) -> None:
        """Go on with another back-end; what was captured with the one before is dropped."""
        self.pack.back_end = BACK_ENDS[back_end]()
        self._graphs.clear()
        self.captures = self._may_capture

    def _graph(self, rows: Tensor) -> _Graph | None:
        """The captured step for as many rows; None, from then on, where it cannot be captured."""
        size = rows.shape[1]
        if size not in self._graphs:
            try:
                self._graphs[size] = _Graph(self, rows)
            except RuntimeError as error:
                log.warning("steps are not captured (%s) and run operation by operation", error)
                self.captures = False
        return self._graphs.get(size)

    def restorable(self) -> Callable[[], None]:
        """Keep weights, statistics and counts; the returned function puts them back."""
        restore_pack, correct = self.pack.saved(), self.correct.clone()

        def restore() -> None:
            restore_pack()
            self.correct.copy_(correct)

        return restore


class _Graph:
    """A captured step for one number of images per network. Capturing changes neither weights nor statistics."""

    def __init__(self, stepper: Stepper, rows: Tensor):
        self._rows = rows.clone()
        restore, stream = stepper.restorable(), torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP_STEPS):
                    stepper.eager_step(self._rows)
        finally:
            torch.cuda.current_stream().wait_stream(stream)
            restore()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._losses = stepper.eager_step(self._rows)

    def __call__(self, rows: Tensor) -> Tensor:
        self._rows.copy_(rows)
        self._graph.replay()
        return self._losses


def choose_back_end(
    stepper: Stepper, batch_size: int, seconds: float = MEASURED_SECONDS
) -> tuple[str, dict[str, float]]:
    """Find the back-end with the shortest step and set it; weights, statistics and counts stay as they are.

    One that fails (it may want more memory than there is) is left out, with a line in the log.

    Args:
        stepper: of the pack.
        batch_size: images of each network.
        seconds: to measure each for, after one step that is not counted.

    Returns:
        the name, and the milliseconds per step of every back-end.
    """
    rows = torch.arange(batch_size, device=stepper.images.device) % len(stepper.images)
    rows = rows.expand(stepper.pack.networks, -1).contiguous()
    restore, milliseconds, failure = stepper.restorable(), {}, None
    for name in BACK_ENDS:
        stepper.use(name)
        try:
            milliseconds[name] = 1000 * seconds_per_step(stepper, rows, seconds)
        except RuntimeError as error:
            log.warning("back-end %s is left out: %s", name, error)
            failure = error
    restore()
    if not milliseconds:
        raise failure
    fastest = min(milliseconds, key=milliseconds.__getitem__)
    stepper.use(fastest)
    return fastest, milliseconds


def seconds_per_step(stepper: Stepper, rows: Tensor, seconds: float) -> float:
    """Mean time of a step on one minibatch, over at least ``seconds``; weights change."""
    stepper.step(rows)
    _wait(rows)
    steps, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds or not steps:
        for _ in range(10 if rows.is_cuda else 1):
            stepper.step(rows)
            steps += 1
        _wait(rows)
    return elapsed / steps


def default_back_end(device: torch.device) -> str | None:
    """The back-end that is used without a measurement; None where one is made."""
    return CPU_BACK_END if device.type == "cpu" else None


def _wait(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)


def _weight_decays(module: torch.nn.Module, settings: ModelSettings) -> dict[str, float]:
    """The weight decay of every tensor of a network, as its own optimizer would apply it."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = parameter_groups(module, settings)
    return {names[id(parameter)]: group["weight_decay"] for group in groups for parameter in group["params"]}
