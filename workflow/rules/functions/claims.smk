"""What claims rest on."""


def claim_records(wildcards):
    """Every record that a claim may rest on, by kind; of parts that the study leaves out there are none."""
    study = study_of(wildcards)
    folder, perceptrons = f"results/{study.name}", bool(study.perceptron_cells())
    packing, transfer = (study.config.get(part, {}) for part in ("sphere_packing", "transfer"))
    return {
        "metrics": part_records(wildcards, "table1", "table2", "further_models", "calibration", "ablations"),
        "weight_decay": [f"{folder}/weight_decay.json"] if "calibration" in study.config else [],
        "sweeps": part_records(wildcards, "perturbations", kind="perturbations/sweeps.npz"),
        "reverse_transmission": part_records(wildcards, "perturbations", kind="reverse_transmission.csv"),
        "gradient_snr": perceptron_records(wildcards, "gradient_snr") if perceptrons else [],
        "information_plane": perceptron_records(wildcards, "information_plane") if perceptrons else [],
        "sphere_packing": [
            f"{folder}/runs/sphere_packing/{variant}/seed{seed}/geometry.csv"
            for variant in packing.get("variants", ())
            for seed in packing["seeds"]
        ],
        "transfer": [
            f"{folder}/transfer/{model}/seed{seed}/{shots}.csv"
            for model in transfer.get("models", ())
            for seed in study.config["seeds"]
            for shots in ("zero_shot", "one_shot")
        ],
        "network": [f"{folder}/network.csv"] if study.built_in_models() else [],
    }


def finished_claim_records(wildcards):
    """Those of the claims' records that exist when the workflow is read."""
    kinds = claim_records(wildcards) | {"datasets": claim_datasets(wildcards)}
    return {kind: [path for path in paths if Path(path).exists()] for kind, paths in kinds.items()}


def claim_datasets(wildcards):
    """What the study's data are, by the part of the study."""
    digits = [perceptron_data(wildcards)] if study_of(wildcards).perceptron_cells() else []
    return [study_dataset(wildcards), *digits]


def claim_settings(wildcards):
    """What decides on a claim beside the records: sizes by part, and how curves are read."""
    study = study_of(wildcards)
    models = {cell.model: study.model(cell.model) for cell in study.cells("perturbations")}
    normalized = {name for name, settings in models.items() if settings["normalization"] == "batch"}
    return {
        "sizes": comparability.study_sizes(study),
        "snr_ratio": gradient_ratio(wildcards) if study.perceptron_cells() else "literal",
        "evaluation_modes": {
            name: settings["batch_norm_evaluation"] if name in normalized else "none"
            for name, settings in models.items()
        },
    }


def overview_records(wildcards):
    """The metrics of the trainings behind each part of a study, for what they cost."""
    study = study_of(wildcards)
    parts = ("table1", "table2", "calibration", "further_models", "perturbations", "transfer")
    records = {part: part_records(wildcards, part) for part in parts if study.cells(part)}
    for figure in ("gradient_snr", "information_plane"):
        paths = perceptron_records(wildcards, figure) if study.perceptron_cells() else []
        records[figure] = [str(Path(path).with_name("metrics.json")) for path in paths]
    packing = claim_records(wildcards)["sphere_packing"]
    return records | {"sphere_packing": [str(Path(path).with_name("metrics.json")) for path in packing]}
