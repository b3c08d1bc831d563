"""Records that travel, and studies that are compared."""


def recorded_targets(name):
    """The promised files that cannot be made again from records: they need the networks or the source of the images."""
    kept = [f"results/{name}/plan.md", f"results/{name}/tables/attack_audit.csv"]
    return [path for path in study_targets(name) if path in kept]


def inside_study(wildcards, paths):
    """Paths as they are inside the study's folder."""
    return [str(PurePosixPath(path).relative_to(f"results/{wildcards.study}")) for path in paths]


def derived_targets(wildcards):
    """The promised files that are made from records."""
    kept = recorded_targets(wildcards.study)
    return inside_study(wildcards, [path for path in study_targets(wildcards.study) if path not in kept])


def dataset_record(name):
    """What the data of a study are."""
    return f"results/{name}/data/{STUDIES[name].data_name()}/dataset.json"


def compared_tables(name):
    """The tables of a study that are compared with another's."""
    compared = {f"results/{name}/tables/{table}.csv" for table in COMPARED_TABLES}
    return [path for path in study_targets(name) if path in compared]
