"""Records that travel, and studies that are compared."""


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
