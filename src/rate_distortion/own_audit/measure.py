"""Sweeps of one model under three kinds of noise, and whether its gradients can be trusted."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch
import tqdm
from torch import Tensor, nn

from rate_distortion.analysis import fault_tolerance
from rate_distortion.analysis.signal_to_noise import noise_amplitude, plain_of_one_plus_db
from rate_distortion.errors import InputError
from rate_distortion.probes import gradient_masking
from rate_distortion.probes.input_gradients import norms, usable
from rate_distortion.probes.noise_paths import NOISES, SweepSettings, checked
from rate_distortion.probes.perturbations import sweep
from rate_distortion.storage import files

log = logging.getLogger(__name__)

FIRST_DB, LAST_DB = 60.0, 1.0
"""Ratio after the first step of a gradient path, and below which a path ends: from invisible to eight times the signal."""

GROWTH, MOST_STEPS = 1.15, 120
"""A straight path from 60 to 1 dB takes 51 such steps."""

USUAL_STEPS = 60
"""Steps assumed for the time left, until a first path is finished."""

STEP_DB = 20 * math.log10(GROWTH)
"""Resolution of a ratio, set by the length of a path's last step."""

MASKING_DB = (30.0, 20.0, 10.0)
NEAR_DB = 20.0
"""Above this ratio a gradient of zero is a sign of masking."""

STANDARD_ERRORS = 3.0
"""An attack counts as stronger than the plain one beyond so many standard errors of the difference of two accuracies, even if
the plain one is allowed a step more."""

SUMMARY = (
    "noise",
    "clean_information_bits",
    "half_information_snr_db",
    "half_information_plain_snr_db",
    "area_bits_db",
    "area_low_bits_db",
    "area_high_bits_db",
    "lowest_accuracy_percent",
    "last_snr_db",
    "images",
)


@dataclass(frozen=True)
class Audit:
    """What was measured of one model.

    Attributes:
        curves: one row per noise and recorded point, the columns of :class:`rate_distortion.probes.perturbations.Sweep`.
        summary: one row per noise: clean_information_bits, half_information_snr_db and half_information_plain_snr_db (the ratio
            at which half of the clean information is left), area_bits_db (under the information from 3 to 60 dB) with a 95
            percent interval from resampling images, lowest_accuracy_percent, last_snr_db, images.
        masking: one row per attack and ratio (:func:`rate_distortion.probes.gradient_masking.audit`); empty if not asked for.
        masked: whether an attack that gradient masking does not stop is stronger than the plain one, or gradients are zero;
            None if not asked for.
        confidence: that, as a sentence.
        facts: what the page says of model and images.
    """

    curves: pandas.DataFrame
    summary: pandas.DataFrame
    masking: pandas.DataFrame
    masked: bool | None
    confidence: str
    facts: Mapping[str, str]

    def with_facts(self, **facts: str) -> Audit:
        """The same audit, whose page says more of where model and images come from."""
        return replace(self, facts={**facts, **self.facts})

    def write(self, folder: str | Path, title: str = "my model", *, draw: bool = True) -> list[Path]:
        """Write curves.csv, summary.csv, masking.csv and, with ``draw``, curves.svg, curves.png and audit.html.

        Drawing needs matplotlib and seaborn (the extra ``page``). A file that is there is replaced.

        Returns:
            The paths of what was written.
        """
        folder, written = Path(folder), []
        for name in ("curves", "summary", "masking"):
            table = getattr(self, name)
            if len(table):
                written.append(folder / f"{name}.csv")
                files.write_text(written[-1], table.to_csv(index=False, lineterminator="\n"))
        if draw:
            from rate_distortion.own_audit import drawing, page

            svg, png, html = (folder / name for name in ("curves.svg", "curves.png", "audit.html"))
            shown = f"{title}: {self.facts['images']} images."
            drawing.make(self.curves, title, shown).save(svg, png)
            files.write_text(html, page.render(self, title, svg.read_text(encoding="utf-8")))
            written += [svg, png, html]
        return written


def audit(
    model: nn.Module,
    images: Tensor | np.ndarray,
    labels: Tensor | np.ndarray,
    *,
    most_images: int = 500,
    masking_images: int = 200,
    batch_size: int = 500,
    seed: int = 0,
    progress: bool = False,
) -> Audit:
    """Sweep a model under L2, L-infinity and Gaussian noise, and compare attacks that gradient masking would not stop.

    Noise is measured against the images themselves: paths lead from 60 dB to 1 dB of 20 log10(1 + ||x|| / ||delta||), which is
    from 60 to -18.3 dB without the "1 +", whatever the scale of the pixels.

    Args:
        model: images (N, ...) -> logits (N, K); it is put into evaluation mode, and otherwise unchanged afterwards.
        images: (N, ...) as the model takes them, a tensor in the precision of the weights or a numpy array of floats.
        labels: integers (N,) below K.
        most_images: of more images so many are drawn.
        masking_images: of these, so many for the comparison of attacks; 0 leaves it out.
        batch_size: most images in one forward pass; bounds the memory.
        seed: of the draw, of the Gaussian noise and of random starts.
        progress: show progress and the time left on standard error.

    Raises:
        InputError: images, labels or what the model returns cannot be used.
    """
    model = model.eval()
    images, labels = checked(model, images, labels)
    facts = {"images": f"{min(len(images), most_images):,} of {len(images):,}", "shape of an image": _shape(images)}
    drawn = torch.from_numpy(np.random.default_rng(seed).permutation(len(images))[:most_images]).to(images.device)
    images, labels = images[drawn], labels[drawn]
    facts |= _dry_forward(model, images, labels)
    settings = {noise: _settings(noise, images, batch_size, seed) for noise in NOISES}
    fewer = slice(0, masking_images)
    parts = {f"noise {noise}": len(images) * (USUAL_STEPS if noise != "gaussian" else 40) for noise in NOISES}
    if masking_images:
        attacked = len(images[fewer])
        parts |= {f"attacks {noise}": attacked * (4 * USUAL_STEPS + 40) for noise in ("l2", "linf")}
    sweeps, rows = {}, []
    with _progress(model, parts, progress) as begin:
        for noise in NOISES:
            begin(f"noise {noise}")
            sweeps[noise] = sweep(model, images, labels, settings[noise])
        for noise in ("l2", "linf") if masking_images else ():
            begin(f"attacks {noise}")
            how = replace(settings[noise], permutations=0, points=10 * MOST_STEPS)  # every step
            later = [ratio - STEP_DB for ratio in MASKING_DB]
            found = gradient_masking.audit(model, images[fewer], labels[fewer], how, [*MASKING_DB, *later], starts=1)
            rows += [{"compared_with": noise} | row for row in found]
    masking = pandas.DataFrame([row for row in rows if row["snr_db"] in MASKING_DB])
    if len(masking):
        masking.insert(
            masking.columns.get_loc("snr_db") + 1, "plain_snr_db", plain_of_one_plus_db(masking["snr_db"]).round(2)
        )
    curves = pandas.concat([pandas.DataFrame(result.records) for result in sweeps.values()], ignore_index=True)
    curves.insert(0, "noise", curves.pop("noise"))
    masked, confidence = _confidence(pandas.DataFrame(rows), curves)
    return Audit(curves, _summary(sweeps, labels), masking, masked, confidence, facts)


def _settings(noise: str, images: Tensor, batch_size: int, seed: int) -> SweepSettings:
    """A path from 60 to 1 dB, in the unit of these images."""
    length = norms(images).mean().item()
    if length == 0:
        raise InputError("every image is black (all zeros), so that there is no signal to compare noise with")
    per_pixel = length / images[0].numel() ** 0.5
    first, last = (float(noise_amplitude(ratio)) for ratio in (FIRST_DB, LAST_DB))
    return SweepSettings(
        noise,
        step_size=first * (length if noise == "l2" else per_pixel),
        step_growth=GROWTH,
        max_steps=MOST_STEPS,
        lowest_snr_db=LAST_DB,
        points=40,
        smallest_sigma=first * per_pixel,
        largest_sigma=last * per_pixel,
        permutations=50,
        batch_size=batch_size,
        seed=seed,
    )


def _dry_forward(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, str]:
    """What the model says of two images, before any sweep; its errors become one sentence."""
    shown = images[:2]
    try:
        with torch.no_grad():
            logits = model(shown)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"the model fails on images of shape {tuple(shown.shape)} ({type(error).__name__}: {reason}): give it images as it "
            "was trained on"
        ) from error
    usable(logits, labels[:2])
    facts = {"outputs of the model": f"{logits.shape[1]}"}
    if (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones_like(logits[:, 0]), atol=1e-4):
        facts["caution"] = (
            "the outputs look like probabilities, which sum to one: return logits, without a softmax, since gradients vanish "
            "behind one"
        )
        log.warning("%s", facts["caution"])
    return facts


def _summary(sweeps: Mapping[str, Any], labels: Tensor) -> pandas.DataFrame:
    numbers = labels.cpu().numpy()
    recorded = [
        fault_tolerance.RecordedSweep(
            "mine", 0, 0, noise, "none", pandas.DataFrame(own.records), own.predictions, numbers
        )
        for noise, own in sweeps.items()
    ]
    table = fault_tolerance.summary(recorded)[list(SUMMARY)]
    table.insert(1, "clean_accuracy_percent", [own.records[0]["accuracy_percent"] for own in sweeps.values()])
    return table


def _confidence(masking: pandas.DataFrame, curves: pandas.DataFrame) -> tuple[bool | None, str]:
    """Whether masking shows in the comparison of attacks or in gradients of zero, and that as a sentence."""
    if masking.empty:
        return None, "Whether gradient masking makes the curves too good was not asked."
    images = int(masking["images"].iloc[0])
    # Further out dead units may leave an honest model without a gradient.
    near = curves[(curves["noise"] != "gaussian") & (curves["snr_db"] >= NEAR_DB)]
    share = (near["zero_gradient_images"] / near["images"]).max()
    if share > 0.01:
        return True, (
            f"Gradient masking: up to {100 * share:.0f} % of the images have a gradient of exactly zero under weak noise (a "
            "step function or a saturated layer?), so that the L2 and L∞ curves do not show how easily the model is fooled."
        )
    keys = ["compared_with", "snr_db"]
    allowed = masking[masking["attack"] == "plain"].set_index(keys)["accuracy_percent"].to_dict()
    others = masking[~masking["attack"].isin(["plain", "authors"]) & masking["snr_db"].isin(MASKING_DB)]
    own = others["accuracy_percent"] / 100
    plain_share = others.apply(lambda row: allowed[row["compared_with"], row["snr_db"] - STEP_DB], axis=1) / 100
    error = np.sqrt(((own * (1 - own) + plain_share * (1 - plain_share)) / images).clip(lower=1 / images**2))
    beyond = others[plain_share - own > STANDARD_ERRORS * error]
    if len(beyond):
        worst = beyond.loc[beyond["stronger_than_plain_points"].idxmax()]
        return True, (
            f"A sign of gradient masking: the attack {worst['attack']} leaves {worst['stronger_than_plain_points']:.0f} points "
            f"less accuracy than the plain {worst['compared_with']} attack at {worst['snr_db']:g} dB, which is more than "
            f"{STANDARD_ERRORS:g} standard errors of {images:,} images: the plain curves are too good."
        )
    return False, (
        "No sign of gradient masking: no attack that it would not stop (logit margin, random start, blind noise) is stronger "
        f"than the plain one at {', '.join(f'{ratio:g}' for ratio in MASKING_DB)} dB by more than {STANDARD_ERRORS:g} standard "
        f"errors ({images:,} images; up to about {STANDARD_ERRORS * 100 * np.sqrt(0.5 / images):.0f} points could hide there)."
    )


@contextlib.contextmanager
def _progress(model: nn.Module, parts: Mapping[str, int], shown: bool) -> Iterator[Any]:
    """A bar over images passed through the model; yields a function that begins a part.

    A path ends when it is far enough, so that a part may pass fewer images than planned, and the bar then jumps ahead.
    """
    ends = dict(zip(parts, np.cumsum(list(parts.values())).tolist(), strict=True))
    with tqdm.tqdm(total=sum(parts.values()), unit=" images", disable=not shown, mininterval=0.5) as bar:
        limit = 0

        def begin(part: str) -> None:
            nonlocal limit
            bar.update(limit - bar.n)
            limit = ends[part]
            bar.set_description(part)

        def passed(_module: nn.Module, inputs: tuple[Tensor, ...], _outputs: Any) -> None:
            bar.update(min(len(inputs[0]), limit - bar.n))

        hook = model.register_forward_hook(passed)
        try:
            yield begin
            bar.update(bar.total - bar.n)
        finally:
            hook.remove()


def _shape(images: Tensor) -> str:
    return " x ".join(map(str, images.shape[1:]))
