"""Records that travel, and studies that are compared."""


def lacking_records(study, manifest):
    """What the trainings of an archived study recorded and its archive lacks."""
    names = [PurePosixPath(path).name for path in RUN_FILES.values()]
    wanted = [
        f"{run.folder}/{name}" for run in study.runs() for name in names if records_archive.is_record(f"runs/{name}")
    ]
    return [f"results/{study.name}/{path}" for path in wanted if path not in manifest.files]


def refused_training(archive):
    """An input function that tells what an archive lacks: its configuration may name code that a training would run."""

    def refuse(wildcards):
        raise WorkflowError(
            f"{archive} lacks records that this needs, and a study that an archive brings is not trained here: ask for its "
            "whole records.zip"
        )

    return refuse


def packed_configuration(wildcards):
    """The settings that an archive of the study brings: merged, and without the models that the study derives."""
    if wildcards.study in ARCHIVES:
        return ARCHIVES[wildcards.study][1].configuration
    return studies.merged_study(wildcards.study, config["studies"])


def dataset_record(name):
    """What the data of a study are."""
    return f"results/{name}/data/{STUDIES[name].data_name()}/dataset.json"


def compared_tables(name):
    """The tables of a study that are compared with another's."""
    compared = {f"results/{name}/tables/{table}.csv" for table in COMPARED_TABLES}
    return [path for path in study_targets(name) if path in compared]
