"""How well do networks trained on procedural street numbers read real ones?

    python benchmarks/real_crops.py path/to/svhn_train_first1083_rgb.npz

The file holds the first 1,083 training crops of SVHN (``X`` uint8 (N, 32, 32, 3), ``y`` digits). The generator was fitted by
eye and by statistics to the first 542; the score is on the last 541, which nothing was fitted to. Model B of the paper, 6,000
procedural images, three seeds.
"""

from __future__ import annotations

import argparse

import numpy as np

from rate_distortion import datasets
from rate_distortion.datasets import whitening
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split
from rate_distortion.training.evaluation import evaluate, predict
from rate_distortion.training.loop import fit
from rate_distortion.training.settings import TrainingSettings

FITTED_TO = 542


def main() -> None:
    """Train three seeds and print their accuracies as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", help="the .npz with X and y")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    with np.load(options.crops, allow_pickle=False) as stored:
        crops, crop_labels = stored["X"], stored["y"].astype(np.int64)
    source = datasets.load("house_numbers", "train", count=options.images)
    test = datasets.load("house_numbers", "test", count=2000)
    transform = whitening.fit(source.images, components=400)
    settings = TrainingSettings(
        epochs=options.epochs, learning_rate=options.learning_rate, batch_size=options.batch_size, history_points=2
    )

    def split(images: np.ndarray, labels: np.ndarray) -> Split:
        return Split.from_arrays(transform(images), labels, settings)

    held_out = {
        "test": split(test.images, test.labels),
        "seen": split(crops[:FITTED_TO], crop_labels[:FITTED_TO]),
        "unseen": split(crops[FITTED_TO:], crop_labels[FITTED_TO:]),
    }
    model = ModelSettings(weight_decay=options.weight_decay)
    print(
        "| seed | train (%) | procedural test (%) | first 542 real (%) | last 541 real (%) |\n| --- | --- | --- | --- | --- |"
    )
    rows = []
    train = split(source.images, source.labels)
    for seed in options.seeds:
        member = Member(RunName("real_crops", "B", options.batch_size, "original", seed), settings, model)
        (run,) = fit(ConvolutionalTrainee([member], train, held_out, {"classes": 10}))
        results = [evaluate(predict(run.model, part.images), part.labels) for part in (train, *held_out.values())]
        rows.append([result.accuracy_percent for result in results])
        print(f"| {seed} | " + " | ".join(f"{value:.1f}" for value in rows[-1]) + " |", flush=True)
    print("| mean | " + " | ".join(f"{value:.1f}" for value in np.mean(rows, axis=0)) + " |")


if __name__ == "__main__":
    main()
