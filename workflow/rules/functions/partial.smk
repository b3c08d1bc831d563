"""What the tables are made of so far."""


def partial_tables(wildcards):
    """What each of a study's tables can be made of when the workflow is read, or what it lacks.

    Accuracies and their differences take every finished run. The other tables compare networks with each other, and take the
    seeds that have finished all of theirs.
    """
    tables = {}
    for name, (files, arguments) in table_files(wildcards).items():
        if name in ("table1", "table2", "further_models", "differences"):
            tables[name] = from_finished_runs(files, arguments)
        else:
            provenance = transferred_provenance(wildcards) if name == "transfer" else beside(files)
            tables[name] = from_finished_seeds(files, arguments, provenance)
    return tables


def table_files(wildcards):
    """Table -> the files that it is made of once the study is finished, by kind, and its other arguments."""
    study = study_of(wildcards)
    common = {"study": study_summary(wildcards), "dataset": study_dataset(wildcards)}
    made = {}
    for part in ("table1", "table2", "further_models"):
        if study.cells(part):
            cells = {"table": part, "cells": study.config["tables"][part]}
            made[part] = ({"metrics": part_records(wildcards, part)}, common | cells)
    if study.stated_differences():
        runs = part_records(wildcards, "table1", "table2", "further_models")
        made["differences"] = ({"metrics": runs}, common | {"cells": tabulated_cells(wildcards)})
    if study.built_in_models():
        made["table3"] = ({"network": [f"results/{study.name}/network.csv"]}, {})
    if "calibration" in study.config:
        model = {"model": study.config["calibration"]["model"]}
        made["weight_decay"] = ({"metrics": part_records(wildcards, "calibration")}, common | model)
    for part in ("sensitivity", "ablations"):
        if part in study.config:
            choices = {"part": part, "choices": study.config[part]["choices"], "names": study.variant_names(part)}
            made[part] = ({"metrics": part_records(wildcards, part)}, common | choices)
    if "perturbations" in study.config:
        for table, kind, name in (
            ("fault_tolerance", "sweeps", "perturbations/sweeps.npz"),
            ("reverse_transmission", "records", "reverse_transmission.csv"),
        ):
            made[table] = ({kind: part_records(wildcards, "perturbations", kind=name)}, common)
    if "transfer" in study.config:
        chosen = {"settings": transfer_settings(wildcards), "sizes": transfer_sizes(wildcards)}
        chosen["choice"] = [path for path in transferred_weight_decay(wildcards) if Path(path).exists()]
        made["transfer"] = ({"one_shot": transfer_files(wildcards, "one_shot.csv")}, common | chosen)
    if study.perceptron_cells():
        own = {"study": perceptron_summary(wildcards), "dataset": perceptron_data(wildcards)}
        for table, chosen in (
            ("gradient_snr", {"kind": gradient_ratio(wildcards)}),
            ("information_plane", {"plane": plane_settings(wildcards)}),
        ):
            made[table] = ({"records": perceptron_records(wildcards, table)}, own | chosen)
    if study.bottleneck_runs():
        kinds = {"geometries": "geometry", "metrics": "metrics"}
        geometry = {argument: bottleneck_records(wildcards, kind) for argument, kind in kinds.items()}
        made["sphere_packing"] = (geometry, {"study": sphere_packing_summary(wildcards)})
    return made


def from_finished_runs(files, arguments):
    """A table from every run that is finished."""
    existing = [path for path in files["metrics"] if Path(path).exists()]
    missing = "" if existing else "no run has finished yet"
    return partial_table({"metrics": existing}, arguments, beside({"metrics": existing}), missing)


def from_finished_seeds(files, arguments, provenance):
    """A table from the seeds of which everything is there; one that is of no seed needs all its files."""
    paths = [path for kind in files.values() for path in kind]
    absent = [path for path in paths if not all(Path(needed).exists() for needed in behind(path))]
    planned, late = ({seed_of(path) for path in some} - {None} for some in (paths, absent))
    finished = sorted(planned - late)
    if not planned:
        return partial_table(files, arguments, provenance, f"{absent[0]} is not there yet" if absent else "")
    chosen = {kind: [path for path in some if seed_of(path) in finished] for kind, some in files.items()}
    own = arguments | {"study": arguments["study"] | {"seeds": finished}}
    missing = "" if finished else "no seed has finished all of its networks yet"
    theirs = [path for path in provenance if seed_of(path) in finished]
    return partial_table(chosen, own, theirs, missing, {"finished": len(finished), "planned": len(planned)})


def partial_table(files, arguments, provenance, missing, seeds=None):
    """What a table is made of so far; seeds says how many are finished and planned, where all its cells have the same."""
    return {
        "files": files,
        "arguments": arguments,
        "missing": missing,
        "seeds": seeds,
        "provenance": sorted(provenance),
    }


def beside(files):
    """How the runs were made that records lie beside; a transfer's network was made elsewhere."""
    return {str(run_folder(path) / "provenance.json") for some in files.values() for path in some}


def run_folder(path):
    """Where the run is that a record is of."""
    folder = Path(path).parent
    return folder.parent if folder.name == "perturbations" else folder


def behind(path):
    """The files that must be there for a record to count: itself, and the run's own where it is a probe or a transfer."""
    if Path(path).name in ("sweeps.npz", "reverse_transmission.csv"):
        return [path, run_folder(path) / "metrics.json"]
    return [path, run_folder(path) / "zero_shot.csv"] if Path(path).name == "one_shot.csv" else [path]


def seed_of(path):
    """The seed of a run's file; None of a file that belongs to no run. A study or a model may be called seed7 as well."""
    found = re.match(r"results/[^/]+/(?:runs|transfer)/.*/seed(\d+)/", str(path))
    return int(found[1]) if found else None
