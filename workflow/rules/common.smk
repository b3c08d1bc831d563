"""What only Snakemake can do, for all topics: read the configuration, and turn functions of a study into those of wildcards.

Needs: `config` as merged by Snakemake, the schema, the library on the path.
Gives: STUDIES, TRAINED (those of no archive), the closed lists that constrain the wildcards, of_study and of_result (functions of wildcards), and what a job
    asks of the machine.
"""

import dataclasses
import functools
import inspect
import os
import re
import yaml

from snakemake.exceptions import WorkflowError

from rate_distortion import datasets, studies
from rate_distortion.storage import clock, machine
from rate_distortion.studies import archive, needs, promises, results, shown, targets, unfinished
from rate_distortion.studies.result import Result

CITATION = os.path.relpath(Path(workflow.basedir) / "CITATION.cff")
SCHEMA = yaml.safe_load((Path(workflow.basedir) / "workflow/schemas/config.schema.yaml").read_text())


def read_studies():
    """The studies by name; one that an archive brings is the archive's, whatever config.yaml says of one with its name."""
    config.update(reading.laid_over(config, reading.on_command_line(workflow.config_settings.config_args)))
    studies.check_shape(config)
    archives = archive.studies_of(config.get("records", []))
    read = studies.load(config, SCHEMA, {name: manifest.configuration for name, (_, manifest) in archives.items()})
    for name, study in read.items():
        if name in archives:
            path, manifest = archives[name]
            archive.refuse_lacking(path, manifest, promises.records(study))
            read[name] = dataclasses.replace(study, archive=path)
        else:
            study.check_image_side(targets.image_side(study))
            studies.check_feasible(study)
    return read, archives


try:
    STUDIES, ARCHIVES = read_studies()
except (archive.ArchiveError, studies.StudyError) as error:
    # An exception would be shown with the place in this file, which is not where the mistake is.
    sys.exit(f"Configuration error: {error}")

# The settings of a study that an archive brings are a sender's, and may name code: no rule that trains takes it.
TRAINED = {name: study for name, study in STUDIES.items() if study.archive is None}

DATASETS = {name for study in STUDIES.values() for name in study.data_names()}
DIGIT_PAIRS = {study.digit_pair() for study in STUDIES.values()} - {None}
MODELS = {model for study in STUDIES.values() for model in study.config["models"]}
BATCH_SIZES = {run.batch_size for study in STUDIES.values() for run in study.runs()}
SEEDS = {seed for study in STUDIES.values() for seed in study.seeds()}


def packed_configuration(wildcards):
    """The settings that an archive of the study brings: merged, and without the models that the study derives."""
    if wildcards.study in ARCHIVES:
        return ARCHIVES[wildcards.study][1].configuration
    return studies.merged_study(wildcards.study, config["studies"], SCHEMA)


def one_of(values):
    """A wildcard's closed list of values; without any, what no path has."""
    return "|".join(sorted(re.escape(str(value)) for value in values)) or "/"


def of_study(function, **fixed):
    """A function of a study and plain values, as a function of the wildcards that its arguments are called.

    What it refuses is told as one sentence.
    """
    names = [name for name in inspect.signature(function).parameters if name not in ("study", *fixed)]

    def of_wildcards(wildcards):
        given = {name: wildcards[name] for name in names if name in wildcards.keys()}
        given |= {name: int(given[name]) for name in ("batch_size", "seed") if name in given}
        try:
            return function(STUDIES[wildcards.study], **given, **fixed)
        except datasets.DatasetError as error:
            sys.exit(f"Data error: {error}")  # as above: the mistake is in a file of the user's
        except studies.StudyError as error:
            raise WorkflowError(str(error))

    return of_wildcards


def of_pack(function, *fixed):
    """A function of a pack, asked when its job is planned: the rule of a pack has no wildcards."""
    return lambda wildcards: function(*fixed)


def of_result(method):
    """A method of the catalogue's entries, as a function of wildcards: of the table or figure that they name."""

    def of_wildcards(wildcards):
        named = results.TABLES[wildcards.table] if "table" in wildcards.keys() else results.FIGURES[wildcards.figure]
        return of_study(functools.partial(method, named))(wildcards)

    return of_wildcards


asks = needs.resources


def in_report(kind, suffix, file):
    """A file of a table or figure that Snakemake's report shows, under the caption that its rule has among its params."""
    words = of_result(lambda result, study: result.heading)
    return report(
        f"results/{{study}}/{kind}s/{{{kind}}}.{suffix}",
        caption="../report/result.rst",
        category=f"{kind.capitalize()}s",
        subcategory="{study}",
        labels=lambda wildcards: {"shows": words(wildcards), "file": file},
    )


def refuse_the_name_of_a_rule(study):
    """A study is a target under its name, which must not be that of a rule."""
    if study in {own.name for own in workflow.rules}:
        sys.exit(f"Configuration error: studies.{study} is the name of a rule; choose another name for the study")


def refuse_start():
    """Before the first job, where Snakemake would end in a traceback, or delete finished runs that it takes for old."""
    parts = [study.config[part] for study in STUDIES.values() for part in ("data", "transfer") if part in study.config]
    own = [*(part["file"] for part in parts if "file" in part), *config.get("records", []), CITATION]
    try:
        machine.check_folders()
        clock.refuse_future(["results", "data", *own])
    except (machine.MachineError, clock.ClockError) as error:
        sys.exit(f"Cannot start: {error}")


onstart:
    refuse_start()
