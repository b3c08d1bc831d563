"""What the page is made of."""


def page_records(wildcards):
    """The tables, figures and claims that the study promises; not what is made of the finished study, which lists the page too."""
    return [path for path in study_targets(wildcards.study) if path.endswith((".csv", ".svg", ".png"))]


def page_record_names(wildcards):
    """The names of the tidy tables among them: their paths inside the study's folder, without suffix."""
    folder = Path("results", wildcards.study)
    tidy = [Path(path) for path in page_records(wildcards) if path.endswith(".csv")]
    return [path.relative_to(folder).with_suffix("").as_posix() for path in tidy]


def page_study(wildcards):
    """What the page says of the study beside its records."""
    config = study_of(wildcards).config
    perceptron = config.get("multilayer_perceptron", {})
    return study_summary(wildcards) | {
        "dataset": config["data"]["dataset"],
        "tables": config["tables"],
        "figure4_model": reversed_model(config),
        "ratio": perceptron.get("gradient_snr", {}).get("ratio"),
        "digits": perceptron.get("dataset"),
    }


def reversed_model(config):
    """Figure 4's model under its name in the table of reverse transmission, which tells batch sizes apart where there are several."""
    shown = config["figures"].get("figure4", {})
    several = len(config.get("perturbations", {}).get("cells", {}).get(shown.get("model"), [])) > 1
    return f"{shown['model']}@{shown['batch_size']}" if several else shown.get("model")


def page_datasets(wildcards):
    """Where the study's data are described, once they are prepared."""
    study = study_of(wildcards)
    digits = f"results/{study.name}/data/{study.digit_pair()}/dataset.json" if study.digit_pair() else None
    return {"data": study_dataset(wildcards), "digits_data": digits}


def finished_page_records(wildcards):
    """The records of the page that exist when the workflow is read."""
    return [name for name in page_record_names(wildcards) if Path("results", wildcards.study, f"{name}.csv").exists()]
