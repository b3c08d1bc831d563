"""What figures 4 and 5 show."""


def figure4_predictions(wildcards):
    study = study_of(wildcards)
    shown, seed = study.config["figures"]["figure4"], study.config["seeds"][0]
    run = studies.Run(shown["model"], shown["batch_size"], "original", seed)
    return f"results/{study.name}/{run.folder}/predictions.npz"


def figure4_reverse(wildcards):
    """The first seed's reverse transmission of every probed network."""
    seed = f"/seed{study_of(wildcards).config['seeds'][0]}/"
    records = part_records(wildcards, "perturbations", kind="reverse_transmission.csv")
    return [path for path in records if seed in path]


def figure5_cells(wildcards):
    shown = study_of(wildcards).config["figures"]["figure5"]
    panels = [panel for panel in studies.FIGURE5_PANELS if panel in shown]
    return {panel: studies.Cell(shown[panel], shown["batch_size"], "original") for panel in panels}


def figure5_sweeps(wildcards):
    study, cells = study_of(wildcards), figure5_cells(wildcards).values()
    runs = [studies.Run(*cell, seed) for cell in cells for seed in study.config["seeds"]]
    return [f"results/{study.name}/{run.folder}/perturbations/sweeps.npz" for run in runs]


def batch_norm_model(study):
    """The model of figure 5 that has batch normalization and is shown under each kind of statistics; None without one."""
    shown = study.config["figures"].get("figure5", {})
    models = [shown[panel] for panel in reversed(studies.FIGURE5_PANELS) if panel in shown]
    return next((model for model in models if len(study.evaluation_modes(model)) > 1), None)


def figure5_panel(wildcards, panel, title, model, mode):
    return {
        "panel": panel,
        "title": title,
        "model": model,
        "evaluation_mode": mode,
        "images": study_of(wildcards).config["perturbations"]["images"],
    }


def figure5_panels(wildcards):
    """(a) weight decay, (b) batch normalization under the statistics that its model evaluates with."""
    study, panels = study_of(wildcards), []
    for panel, cell in figure5_cells(wildcards).items():
        settings = study.model(cell.model)
        normalized = settings["normalization"] == "batch"
        mode = settings["batch_norm_evaluation"] if normalized else "none"
        statistics = f", {mode} statistics" if normalized else ""
        panels.append(figure5_panel(wildcards, panel, f"({panel}) model {cell.model}{statistics}", cell.model, mode))
    return panels


def batch_norm_panels(wildcards):
    """One panel for each kind of statistics."""
    study = study_of(wildcards)
    model = batch_norm_model(study)
    if model is None:
        raise WorkflowError(f"study {study.name} has no model with batch normalization in figures.figure5")
    return [figure5_panel(wildcards, mode, f"{mode} statistics", model, mode) for mode in study.evaluation_modes(model)]
