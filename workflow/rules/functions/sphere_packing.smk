"""The information bottleneck of figure 6."""


def bottleneck_sources(wildcards):
    """The files that a run of figure 6 reads its images from, once its path names something the study has."""
    study = study_of(wildcards)
    if "variant" in wildcards.keys():
        try:
            study.check_bottleneck(wildcards.variant, int(wildcards.seed))
        except studies.StudyError as error:
            raise WorkflowError(str(error))
    return datasets.source_paths(study.config["sphere_packing"]["dataset"], "data")


def bottleneck_settings(wildcards):
    """What every training of figure 6 depends on; a change of any of it, and of nothing else in the config, retrains it."""
    return study_of(wildcards).bottleneck()


def bottleneck_threads(wildcards):
    return study_of(wildcards).config["sphere_packing"]["threads"]


def bottleneck_gpus(wildcards):
    return int(study_of(wildcards).config["sphere_packing"]["device"] != "cpu")


def bottleneck_files(study, *kinds):
    """Files of all runs of figure 6, those of one run beside one another."""
    return [
        BOTTLENECK_FILES[kind].format(study=study.name, variant=run.variant, seed=run.seed)
        for run in study.bottleneck_runs()
        for kind in kinds
    ]


def bottleneck_records(wildcards, kind):
    """One file of every run of figure 6."""
    study = study_of(wildcards)
    if not study.bottleneck_runs():
        raise WorkflowError(f"study {study.name} has no sphere_packing; add it to its configuration")
    return bottleneck_files(study, kind)


def first_seed(wildcards, kind):
    """One file of the run of figure 6 that stands for each variant."""
    records = bottleneck_records(wildcards, kind)
    seed = f"/seed{study_of(wildcards).config['sphere_packing']['seeds'][0]}/"
    return [path for path in records if seed in path]


def sphere_packing_summary(wildcards):
    """What figure 6 and its table say of the study they show."""
    study = study_of(wildcards)
    keys = (
        "variants seeds epochs figure_epochs points learning_rate batch_size optimizer weight_decay beta encoder_widths "
        "decoder_widths partition_purity"
    )
    settings = study.config["sphere_packing"]
    return {"name": study.name, "title": study.config["title"]} | {key: settings[key] for key in keys.split()}
