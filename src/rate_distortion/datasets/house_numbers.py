"""A procedural stand-in for SVHN: 32x32 colour crops of printed street numbers, for use without a network.

SVHN (Netzer et al., "Reading digits in natural images with unsupervised feature learning", 2011) cuts every digit of a
photographed house number into a square crop, so its neighbours intrude from the left and the right. The same is done here with
numbers printed in the typefaces that ship inside matplotlib. It stands in for SVHN and is not SVHN: results obtained with it
must say so.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from rate_distortion.datasets import glyphs
from rate_distortion.errors import InputError

SPLIT_SIZES = {"train": 73_257, "test": 26_032, "extra": 531_131}  # SVHN's own

# Digits 0 ... 9 in SVHN's train and test sets (counted in the released labels); "extra" follows train.
CLASS_COUNTS = {
    "train": (4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659),
    "test": (1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595),
}

SIDE = 32  # pixels
BLOCK = 256  # images drawn together from one random stream
SLOTS = 5  # the digit of interest and two neighbours on either side

# Share of digits that belong to a number of 1, 2, 3, 4 digits.
LENGTH_SHARES = (0.07, 0.50, 0.35, 0.08)


def generate(
    split: str, count: int, seed: int = 0, *, start: int = 0, processes: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``start`` ... ``start + count - 1`` of a split and the digits in their middle.

    Image i depends on (seed, split, i) only: not on ``count``, ``start`` or ``processes``. Another kind of processor, or other
    versions of numpy, Pillow or matplotlib, may round or draw it slightly differently.

    Args:
        split: train, test or extra: independent streams; extra has milder nuisance, as SVHN's extra images are easier.
        count: how many images; ``start + count`` may not exceed SVHN's own size (``SPLIT_SIZES``).
        seed: 0 or more.
        start: the first image.
        processes: workers that share the drawing; with 1 the calling process does it.

    Returns:
        Images, uint8 (count, 32, 32, 3) in red, green, blue; and labels, int64 (count,), the digit in the middle, 0 ... 9.

    Raises:
        InputError: there is no such split, or a number is out of range.
    """
    _check(split, count, seed, start, processes)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    labels = np.empty(count, np.int64)
    glyphs.digit_fields()  # rendered here once, so that forked workers inherit it
    blocks = range(start // BLOCK, (start + count - 1) // BLOCK + 1)
    for block, (block_images, block_labels) in zip(blocks, _blocks(split, seed, blocks, processes), strict=True):
        first = max(start, block * BLOCK)
        last = min(start + count, (block + 1) * BLOCK)
        inside = slice(first - block * BLOCK, last - block * BLOCK)
        images[first - start : last - start] = block_images[inside]
        labels[first - start : last - start] = block_labels[inside]
    return images, labels


def _check(split: str, count: int, seed: int, start: int, processes: int) -> None:
    if split not in SPLIT_SIZES:
        raise InputError(f"house_numbers has no split {split!r}; choose one of {', '.join(SPLIT_SIZES)}.")
    size = SPLIT_SIZES[split]
    if not 1 <= count <= size:
        raise InputError(
            f"count of house_numbers split {split!r} is {count}; it must be between 1 and {size} (SVHN's own size)."
        )
    if not 0 <= start <= size - count:
        raise InputError(
            f"start of house_numbers split {split!r} is {start}; for {count} images it must be between 0 and {size - count}."
        )
    if seed < 0:
        raise InputError(f"seed of house_numbers is {seed}; it must be 0 or more.")
    if processes < 1:
        raise InputError(f"processes of house_numbers is {processes}; it must be 1 or more.")


def _blocks(split: str, seed: int, blocks: range, processes: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    tasks = [(split, seed, block) for block in blocks]
    workers = min(processes, len(tasks))
    if workers == 1:
        yield from map(_draw_block, tasks)
        return
    # A forked worker inherits the glyphs and, unlike a spawned one, does not run the caller's main script again.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(_draw_block, tasks, chunksize=4)


@dataclass(frozen=True)
class Nuisance:
    """How far a crop may depart from a clean print. Pairs are the median and the log-spread of a log-normal variable.

    Blur, noise, contrast and exposure follow real SVHN crops: the percentiles of their brightness, contrast and
    high-frequency power, and the mean power spectrum along either axis.
    """

    blur: tuple[float, float]  # pixels
    noise: tuple[float, float]  # grey levels, 0 ... 1
    contrast: tuple[float, float]  # standard deviation of the grey crop before clipping, 0 ... 1
    rotation: float  # standard deviation, radians
    shear: float  # standard deviation, radians
    shift: float  # standard deviation, pixels
    warp: float  # standard deviation, digit heights
    clutter: float  # share of crops with a plate edge in view; shadows and outlines follow it


HARD = Nuisance(
    blur=(0.8, 0.4),
    noise=(0.012, 0.4),
    contrast=(0.113, 0.38),
    rotation=0.07,
    shear=0.15,
    shift=1.0,
    warp=0.05,
    clutter=0.6,
)
MILD = Nuisance(
    blur=(0.65, 0.3),
    noise=(0.007, 0.5),
    contrast=(0.13, 0.3),
    rotation=0.05,
    shear=0.10,
    shift=0.7,
    warp=0.03,
    clutter=0.3,
)
NUISANCE = {"train": HARD, "test": HARD, "extra": MILD}


class Draws:
    """Random numbers of one block, one an image, float32 and shaped (BLOCK, 1, 1) to broadcast over pixels."""

    def __init__(self, split: str, seed: int, block: int) -> None:
        key = (list(SPLIT_SIZES).index(split), block)
        self.rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

    def normal(self, deviation: float) -> np.ndarray:
        return deviation * self.rng.standard_normal((BLOCK, 1, 1), dtype=np.float32)

    def lognormal(self, median_and_spread: tuple[float, float]) -> np.ndarray:
        median, spread = median_and_spread
        return median * np.exp(self.normal(spread))

    def uniform(self, low: float, high: float) -> np.ndarray:
        return low + (high - low) * self.rng.random((BLOCK, 1, 1), dtype=np.float32)

    def chance(self, share: float) -> np.ndarray:
        """1 with probability ``share``, else 0."""
        return (self.rng.random((BLOCK, 1, 1), dtype=np.float32) < share).astype(np.float32)


@dataclass(frozen=True)
class Layout:
    """Where the digits of each number stand along its baseline, in digit heights from the middle of the digit of interest."""

    digits: np.ndarray  # (BLOCK, SLOTS)
    typeface: np.ndarray  # (BLOCK, 1)
    stretch: np.ndarray  # (BLOCK, 1), width of the print relative to the typeface's
    centre: np.ndarray  # (BLOCK, SLOTS)
    border: np.ndarray  # (BLOCK, SLOTS - 1), half-way between two digits
    present: np.ndarray  # (BLOCK, SLOTS), slots that hold a digit
    left: np.ndarray  # (BLOCK, 1), where the number's ink begins
    right: np.ndarray  # (BLOCK, 1), and where it ends


@dataclass(frozen=True)
class Frame:
    """The pixels' centres in the number's own frame, in digit heights from the middle of the digit of interest."""

    x: np.ndarray  # (BLOCK, 32, 32), along the baseline
    y: np.ndarray  # (BLOCK, 32, 32), downwards
    height: np.ndarray  # (BLOCK, 1, 1), one digit height in pixels


def _draw_block(task: tuple[str, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """All images and labels of one block, from a random stream of its own."""
    split, seed, block = task
    draws, nuisance = Draws(split, seed, block), NUISANCE[split]
    layout = _layout(draws, CLASS_COUNTS.get(split, CLASS_COUNTS["train"]))
    frame = _frame(draws, nuisance)
    distance = _distance_to_ink(draws, layout, frame, nuisance)
    scene = _print(draws, distance, frame, nuisance) + _plate(draws, layout, frame, nuisance)
    images = _tinted(draws, _photograph(draws, scene, nuisance))
    return images, layout.digits[:, SLOTS // 2].astype(np.int64)


def _layout(draws: Draws, class_counts: tuple[int, ...]) -> Layout:
    _, widths = glyphs.digit_fields()
    share = np.array(class_counts) / sum(class_counts)
    digits = draws.rng.choice(10, size=(BLOCK, SLOTS), p=share)
    typeface = draws.rng.integers(len(glyphs.TYPEFACES), size=(BLOCK, 1))
    stretch = draws.uniform(0.5, 1.05)[:, 0]
    gap = np.clip(0.12 + draws.normal(0.09)[:, 0], 0.01, None)
    width = widths[typeface, digits] * stretch
    centre = np.zeros((BLOCK, SLOTS), np.float32)
    centre[:, 1:] = np.cumsum((width[:, 1:] + width[:, :-1]) / 2 + gap, 1)
    centre -= centre[:, [SLOTS // 2]]
    present = _present(draws.rng)
    left = np.where(present, centre - width / 2, np.inf).min(1, keepdims=True)
    right = np.where(present, centre + width / 2, -np.inf).max(1, keepdims=True)
    border = centre[:, :-1] + (width[:, :-1] + gap) / 2
    return Layout(digits, typeface, stretch, centre, border, present, left.astype(np.float32), right.astype(np.float32))


def _present(rng: np.random.Generator) -> np.ndarray:
    """Which slots hold a digit: the digit of interest has a random place in a number of 1 to 4 digits."""
    length = rng.choice(4, size=(BLOCK, 1), p=LENGTH_SHARES) + 1
    place = np.floor(rng.random((BLOCK, 1)) * length) + np.arange(SLOTS) - SLOTS // 2
    return (place >= 0) & (place < length)


def _frame(draws: Draws, nuisance: Nuisance) -> Frame:
    """Scale, shift, rotation and shear of the number in the crop."""
    height = SIDE * np.clip(0.75 + draws.normal(0.09), 0.5, 1.0)
    axis = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    x, y = axis - draws.normal(nuisance.shift), axis[:, None] - draws.normal(nuisance.shift)
    angle, shear = draws.normal(nuisance.rotation), draws.normal(nuisance.shear)
    cosine, sine = np.cos(angle) / height, np.sin(angle) / height
    down = cosine * y - sine * x
    return Frame(cosine * x + sine * y + shear * down, down, height)


def _distance_to_ink(draws: Draws, layout: Layout, frame: Frame, nuisance: Nuisance) -> np.ndarray:
    """Signed distance (BLOCK, 32, 32) to the nearest outline in digit heights, positive inside the ink."""
    x, y = frame.x, frame.y
    image = np.arange(BLOCK)[:, None, None]
    slot = sum((x > layout.border[:, j, None, None]).astype(np.intp) for j in range(SLOTS - 1))
    u = (x - layout.centre[image, slot]) / layout.stretch[:, :, None]
    # Slow warps stand in for typefaces that are not at hand: high or low waists, leaning and bulging strokes.
    waist, lean, wave, bulge = (draws.normal(nuisance.warp) for _ in range(4))
    arch = np.cos(np.pi * y)
    v = y + waist * arch + lean * u
    u += wave * np.sin(2 * np.pi * y) + bulge * arch
    texture = (layout.typeface * 10 + layout.digits)[image, slot]
    fields, _ = glyphs.digit_fields()
    distance = _sample(fields.reshape(-1), texture, u, v)
    return np.where(layout.present[image, slot], distance, np.float32(-1))


def _sample(textures: np.ndarray, index: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear look-up in texture ``index`` at (u, v) digit heights from its centre."""
    scale = glyphs.CELL / (2 * glyphs.HALF_SIDE)
    u = np.clip(u * scale + (glyphs.CELL - 1) / 2, 0, glyphs.CELL - 1.001)
    v = np.clip(v * scale + (glyphs.CELL - 1) / 2, 0, glyphs.CELL - 1.001)
    left, top = u.astype(np.int32), v.astype(np.int32)
    u, v = u - left, v - top
    at = (index * glyphs.CELL + top) * glyphs.CELL + left
    upper = textures[at] * (1 - u) + textures[at + 1] * u
    lower = textures[at + glyphs.CELL] * (1 - u) + textures[at + glyphs.CELL + 1] * u
    return (upper * (1 - v) + lower * v).astype(np.float32)


def _print(draws: Draws, distance: np.ndarray, frame: Frame, nuisance: Nuisance) -> np.ndarray:
    """Brightness (BLOCK, 32, 32) of the printed number, background 0 and ink 1, with an outline and a shadow on some."""
    # Thinner than that, the hairlines of the lighter typefaces would break.
    thickness = distance + np.maximum(0.005 + draws.normal(0.02), -0.008)
    ink = np.clip(0.5 + thickness * frame.height, 0, 1)
    outlined = np.clip(0.5 + (thickness + draws.uniform(0.02, 0.08)) * frame.height, 0, 1)
    softness = draws.uniform(0.4, 1.2)
    shadow = _blur(outlined, softness, softness, draws.normal(1.2), draws.normal(1.2))
    outline_level = draws.normal(0.4) * draws.chance(0.5 * nuisance.clutter)
    shadow_level = draws.normal(0.5) * draws.chance(0.5 * nuisance.clutter)
    behind = outline_level * outlined + shadow_level * shadow * (1 - outlined)
    return ink + (1 - ink) * behind


def _plate(draws: Draws, layout: Layout, frame: Frame, nuisance: Nuisance) -> np.ndarray:
    """What lies beyond the edge of the plate, and a line along the edge, relative to the contrast of the ink."""
    left = layout.left[:, :, None] - draws.uniform(0.05, 0.5)
    right = layout.right[:, :, None] + draws.uniform(0.05, 0.5)
    half_height = 0.5 + draws.uniform(0.05, 0.4)
    inside = np.minimum(np.minimum(frame.x - left, right - frame.x), half_height - np.abs(frame.y))
    beyond = np.clip(0.5 - inside * frame.height, 0, 1)
    line = np.clip(1.5 - np.abs(inside - 0.05) * frame.height, 0, 1)
    beyond *= draws.normal(0.5) * draws.chance(nuisance.clutter)
    line *= draws.normal(0.6) * draws.chance(0.5 * nuisance.clutter)
    return beyond + line


def _photograph(draws: Draws, scene: np.ndarray, nuisance: Nuisance) -> np.ndarray:
    """The scene out of focus, under uneven light, with sensor noise and the smoothing of compression; grey, 0 ... 1."""
    blur, aspect = draws.lognormal(nuisance.blur), draws.lognormal((1.0, 0.2))
    grey = _blur(scene, blur * aspect, blur / aspect)
    grey -= grey.mean((1, 2), keepdims=True)
    polarity = 1 - 2 * draws.chance(0.5)
    # Annotators could read SVHN's crops, so the contrast that is left after the blur has a floor.
    contrast = np.maximum(draws.lognormal(nuisance.contrast), 0.055)
    grey *= polarity * contrast / np.maximum(grey.std((1, 2), keepdims=True), 0.02)
    axis = np.linspace(-1, 1, SIDE, dtype=np.float32)
    grey += draws.normal(0.03) * axis + draws.normal(0.03) * axis[:, None]
    grey += np.clip(0.46 + draws.normal(0.16), 0.08, 0.92)
    grey += draws.lognormal(nuisance.noise) * draws.rng.standard_normal(grey.shape, dtype=np.float32)
    smoothing = draws.uniform(0.42, 0.9)
    return _blur(grey, smoothing, smoothing)


def _tinted(draws: Draws, grey: np.ndarray) -> np.ndarray:
    """Grey to colour, uint8 (BLOCK, 32, 32, 3): dark and bright parts get tints, mostly between blue and orange."""
    images = np.empty((*grey.shape, 3), np.uint8)
    warm_offset, warm_slope = draws.normal(0.04), draws.normal(0.12)
    green_offset, green_slope = draws.normal(0.015), draws.normal(0.015)
    for channel, (warm, green) in enumerate(((1, -1), (0, 1), (-1.3, -1))):
        offset = warm * warm_offset + green * green_offset
        slope = warm * warm_slope + green * green_slope
        images[..., channel] = np.clip((grey + offset + slope * (grey - 0.5)) * 255 + 0.5, 0, 255)
    return images


def _blur(
    images: np.ndarray,
    across: np.ndarray,
    down: np.ndarray,
    right_shift: np.ndarray = 0.0,
    down_shift: np.ndarray = 0.0,
) -> np.ndarray:
    """Gaussian blur and shift, in pixels, one set of numbers an image; light from beyond the border is ignored."""
    return _gaussian_matrices(down, down_shift) @ images @ _gaussian_matrices(across, right_shift).swapaxes(1, 2)


def _gaussian_matrices(deviation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Blur and shift along one axis as (BLOCK, 32, 32) matrices whose rows sum to one."""
    axis = np.arange(SIDE, dtype=np.float32)
    # Clipped so that every output pixel looks at something inside the crop.
    origin = np.clip(axis[:, None] - shift, 0, SIDE - 1)
    kernel = np.exp(-((origin - axis) ** 2) / (2 * np.maximum(deviation, 0.25) ** 2))
    return kernel / kernel.sum(2, keepdims=True)
