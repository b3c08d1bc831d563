"""A study with everything, in made-up tables, for the tests of the page."""

from __future__ import annotations

import itertools

import numpy as np
import pandas

from rate_distortion import page
from rate_distortion.page import assembly
from rate_distortion.studies import results

DATA = {
    "description": "procedural street numbers, which stand in for SVHN",
    "images": {"train": 1000, "validation": 500, "test": 1000},
    "train_on": "train",
}
STUDY = page.Study(
    name="demo",
    title="Embedded data",
    seeds=[1, 2, 3, 4, 5],
    epochs=20,
    learning_rate=0.05,
    dataset="house_numbers",
    tables={"table1": {"A": [128, 32], "B": [128]}, "table2": {"A": [128]}},
    figure4_model="B",
    ratio="literal",
    digits="digits",
    data=DATA,
    digits_data={"description": "3 versus 7 of scikit-learn's digits"},
)
NAMES = {result.place: result.words for result in results.RESULTS} | {"claims": "the ledger of claims"}
SECTIONS = [*results.SECTIONS, "ledger"]
EVERYTHING = tuple(NAMES)
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99pt" height="9pt" '
    'viewBox="0 0 99 9"><metadata>date</metadata><defs><style>*{stroke-linejoin: round}</style><path id="m1"/></defs>'
    '<path d="M 0 0" style="fill: #ffffff"/><path d="M 1 1" clip-path="url(#c1)" style="stroke: #0072b2"/>'
    '<use xlink:href="#m1" style="stroke: #000000"/><text>drawn</text></svg>'
)


def product(**values):
    """One row per combination."""
    return pandas.DataFrame(list(itertools.product(*values.values())), columns=list(values))


def means(frame, **more):
    rng = np.random.default_rng(0)
    return frame.assign(mean=50 + 10 * rng.random(len(frame)), standard_error=0.5, n=5, **more)


def synthetic_tables():
    """name -> rows, with the columns that the workflow writes."""
    rng = np.random.default_rng(0)
    printed = {"printed_mean": 85.9, "printed_standard_error": 0.2}
    table1 = means(
        product(
            model=["A", "B"], batch_size=[128, 32], quantity=["test_accuracy_percent", "generalization_gap_points"]
        ),
        seeds_planned=5,
        **printed,
    )
    table1.loc[table1["model"] == "B", "n"] = 3
    table1 = table1[~((table1["model"] == "B") & (table1["batch_size"] == 32))]
    table2 = means(
        product(
            model=["A"], batch_size=[128], quantity=["train_accuracy_percent", "absolute_generalization_gap_points"]
        ),
        seeds_planned=5,
        collapsed_seeds=1,
        **printed,
    )
    decays = means(
        product(
            weight_decay=[0.0, 0.1],
            quantity=[
                "random_label_train_accuracy_percent",
                "random_label_chance_bound_percent",
                "train_accuracy_percent",
                "validation_accuracy_percent",
            ],
        ),
        fitting_seeds=0,
    )
    decays = decays.assign(chosen=decays["weight_decay"] == 0.1, best_validation=decays["weight_decay"] == 0.0)
    law = means(
        product(
            train_images=[1000, 4000],
            labels=["random", "original"],
            weight_decay=[0.0, 0.1],
            quantity=["affordable_weight_decay", "test_accuracy_percent", "test_accuracy_change_points"],
        ),
        lower=float("nan"),
        upper=float("nan"),
    )
    law = law.assign(chosen=law["weight_decay"] == 0.1, best_validation=law["weight_decay"] == 0.0)
    thresholds = product(train_images=[1000, 4000], labels=["random", "original"], lower=[0.0], upper=[0.1])
    law = pandas.concat([law, thresholds.assign(quantity="smallest_sufficient_weight_decay", chosen=False)])
    law["best_validation"] = law["best_validation"].eq(True)
    networks = {"activation": ["relu"], "normalization": ["none", "batch"], "layer": [1, 2, 3]}
    ratios = product(**networks, epoch=[1, 10, 100]).assign(ratio=0.1, ratio_low=0.09, ratio_high=0.11, floor=0.02, n=5)
    plane = product(labels=["original", "random"], layer=[1, 2, 3], epoch=[0, 10, 100])
    plane = plane.assign(
        input_information_bits=8 - 0.01 * plane["epoch"] * plane["layer"],
        label_information_bits=0.3 + 0.005 * plane["epoch"],
        input_information_standard_error_bits=0.1,
        label_information_standard_error_bits=0.1,
        input_ceiling_bits=8.5,
        label_ceiling_bits=1.0,
        label_floor_bits=0.1,
        n=5,
    )
    sweep = product(noise=["l2", "linf", "gaussian"], seed=[1, 2], snr_db=[1.0, 20.0, 60.0], panel=["a", "b"])
    sweep = sweep.assign(
        model=sweep["panel"].map({"a": "B", "b": "C"}),
        batch_size=128,
        evaluation_mode="none",
        information_bits=sweep["snr_db"] / 30,
        floor_bits=0.1,
        accuracy_percent=sweep["snr_db"],
    )
    pixels = product(part=["a", "b"], label=[0, 1], row=range(4), column=range(4))
    pixels = pixels.assign(
        model=pixels["part"].map({"a": "", "b": "B"}),
        image=0,
        predicted_class=1,
        confidence_percent=80.0,
        steps=70,
        intensity=rng.normal(size=len(pixels)),
    )
    tolerance = product(model=["B", "C"], noise=["l2", "linf", "gaussian"]).assign(
        batch_size=128,
        evaluation_mode="none",
        area_bits_db=30.0,
        area_low_bits_db=28.0,
        area_high_bits_db=32.0,
        clean_information_bits=2.5,
        half_information_snr_db=25.0,
        lowest_accuracy_percent=0.0,
        last_snr_db=1.0,
        last_information_bits=0.5,
        nine_to_six_percent=float("nan"),
    )
    reverse = pandas.DataFrame(
        {
            "model": ["A", "B"],
            "mean_steps": [float("nan"), 120.0],
            "standard_error": [float("nan"), 4.0],
            "seeds": [float("nan"), 5],
            "smallest_steps": [float("nan"), 70],
            "largest_steps": [float("nan"), 200],
            "reached_percent": [0.0, 100.0],
        }
    )
    audit = product(
        model=["B"],
        batch_size=[128],
        evaluation_mode=["none"],
        compared_with=["l2"],
        attack=["plain", "margin"],
        snr_db=[30.0, 10.0],
    ).assign(accuracy_percent=20.0, stronger_than_plain_points=1.0)
    layers = pandas.DataFrame(
        {
            "block": ["Conv1", "Fc"],
            "height": [8, 1],
            "width": [8, 1],
            "input_channels": [1, 256],
            "output_channels": [32, 10],
            "stride": [2, 1],
            "kernel_parameters": [2048, 2560],
            "bias_parameters": [32, 10],
        }
    )
    cloud = product(variant=["none", "batch"], epoch=[0, 20], label=[0, 1, 2])
    bins = product(panel=["zero_shot", "one_shot"], bin=["0", "1", "all"])
    bins = bins.assign(
        lowest_margin=bins["bin"].map({"0": 0.0, "1": 0.5, "all": 0.0}),
        highest_margin=bins["bin"].map({"0": 0.5, "1": 1.0, "all": 1.0}),
        fraction_standard_error=0.02,
        accuracy_standard_error=[0.05, float("nan"), 0.03] * 2,
        images=10,
        fraction=0.5,
        mean_margin=0.6,
        accuracy=0.7,
    )
    return {
        "figures/figure1": pandas.DataFrame({"method": ["simulation"], "rate_bits": [1.0]}),
        "figures/figure2": ratios.assign(plateau_epoch=50.0),
        "tables/gradient_snr": means(
            product(
                **networks,
                quantity=[
                    "plateau_epoch",
                    "final_level_log10",
                    "change_decades",
                    "above_floor_decades",
                    "debiased_signal_percent",
                ],
            ),
            seeds_planned=5,
            printed=1000.0,
        ),
        "figures/figure3": plane,
        "tables/information_plane": means(
            product(
                labels=["original", "random", "random minus original"],
                estimator=["pooled_bins"],
                layer=[1, 2],
                quantity=["input_information_bits", "label_information_bits", "memorization_bits", "drop_bits"],
            )
        ),
        "tables/table1": table1,
        "tables/table2": table2,
        "tables/further_models": means(
            product(
                model=["B+"],
                batch_size=[128],
                train_images=[4000],
                epochs=[5],
                weight_decay=[0.1],
                quantity=["train_accuracy_percent", "test_accuracy_percent", "generalization_gap_points"],
            ),
            seeds_planned=5,
            printed_mean=float("nan"),
            printed_standard_error=float("nan"),
        ),
        "tables/differences": means(
            product(quantity=["extra"], statement=["B+ minus B: test accuracy"]), seeds_planned=5, **printed
        ),
        "figures/history": pandas.DataFrame({"model": ["A"], "epoch": [1], "value": [1.0]}),
        "figures/weight_decay": decays,
        "tables/weight_decay": decays,
        "figures/capacity_law": pandas.DataFrame({"panel": ["cost"], "train_images": [1000], "mean": [-1.0]}),
        "tables/capacity_law": law,
        "figures/figure4": pixels,
        "tables/reverse_transmission": reverse,
        "figures/figure5": sweep,
        "tables/fault_tolerance": tolerance,
        "figures/figure5_batch_norm": sweep[sweep["panel"] == "b"].assign(panel="population"),
        "tables/attack_audit": audit,
        "figures/figure6": cloud.assign(x=cloud["epoch"] / 4.0 - cloud["label"], y=1.0 * cloud["label"]),
        "tables/sphere_packing": means(
            product(variant=["none", "batch"], quantity=["partition_epoch", "power_after_partition_db"])
        ),
        "tables/table3": layers,
        "figures/figure7": bins,
        "tables/transfer": means(
            product(model=["B+"], shot=["zero_shot", "one_shot"], quantity=["accuracy_percent"]),
            printed=72.6,
            support_sets=[0, 3],
            percentile_5_over_support_sets=60.0,
            percentile_95_over_support_sets=80.0,
            percentile_of_printed=float("nan"),
        ),
        "tables/sensitivity": means(
            product(
                choice=["as_in_the_study", "range_minmax"],
                model=["B"],
                labels=["original", "random"],
                quantity=["train_accuracy_percent"],
            )
        ),
        "tables/ablations": means(
            product(choice=["width_half"], model=["B"], labels=["original"], quantity=["train_accuracy_percent"])
        ),
        "claims": pandas.DataFrame(
            {
                "id": ["T1-A128-test", "T1-rank-test", "F5-acc0", "S-clean"],
                "statement": ["Test accuracy of A", "B is best", "Attacks end at 0", "Clean information"],
                "printed": ["85.9", "B > C > A", "0", "2.5"],
                "measured": ["84.0", "", "0", ""],
                "standard_error": [0.3, None, 0.0, None],
                "n": [5, 5, 5, 0],
                "comparability": ["full", "reduced", "other data", "other data"],
                "verdict": ["not reproduced", "reproduced", "reproduced", "undecided"],
                "reason": ["outside the margin", "p below 0.01", "never above 0.5", "no such part"],
                "unit": ["%", "ordering", "%", "bits"],
                "printed_standard_error": [0.2, None, None, None],
                "where": ["Table 1", "Table 1", "Figure 5", "follow-up"],
                "part": ["table1", "table1", "figure5", "follow_up"],
                "kind": ["number", "ordering", "number", "number"],
            }
        ),
    }


def write_study(folder, tables):
    for name, rows in tables.items():
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path, index=False)
        if name.startswith("figures/"):
            path.with_suffix(".svg").write_text(DRAWING)
    return folder


def layout_of(name, rows):
    """The layout that the page takes, from the catalogue."""
    (result,) = (each for each in results.RESULTS if each.place == name)
    return assembly._layout(result)(rows)
