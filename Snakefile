"""A Rate-Distortion Theory of Adversarial Examples: every table and figure from raw data.

snakemake --cores 8                                                 the default study (config.yaml: study)
snakemake --cores 8 paper                                           a study by name
snakemake --cores 2 results/demo/runs/cnn/B/batch128/original/seed1/metrics.json      one seed
snakemake --cores 2 results/demo/figures/figure4.svg                                  one figure
snakemake --cores 1 results/paper/plan.md                           what a study costs, before it starts
snakemake --configfile my_study.yaml --cores 8 my_study             your own data and model
snakemake --cores 2 results/demo/records.zip                        what is behind its tables, without weights
snakemake --cores 2 --config 'records=[records.zip]' -- demo        the tables again, elsewhere, from these
"""

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")


# Beside this file, wherever Snakemake is started.
configfile: os.path.relpath(Path(workflow.basedir) / "config.yaml")


# The library is the one beside this file: here, and first on the path of every script, whatever the environment has installed.
LIBRARY = str(Path(workflow.basedir) / "src")
sys.path.insert(0, LIBRARY)

from rate_distortion.storage import machine
from rate_distortion.studies import reading

machine.put_first(LIBRARY)

# Without the default profile Snakemake has read these files in its own way.
for file in workflow.configfiles if workflow.is_main_process else ():
    if Path(file).absolute() not in reading.files_read:
        reading.read_or_exit(file)


# A limit on gpu holds per machine and per submitted job, not for a whole cluster run.
resource_scopes:
    gpu="local",


include: "workflow/rules/common.smk"


wildcard_constraints:
    study=one_of(STUDIES),
    other=one_of(STUDIES),
    dataset=one_of(DATASETS),
    digit_pair=one_of(DIGIT_PAIRS),
    model=one_of(MODELS),
    batch_size=one_of(BATCH_SIZES),
    seed=one_of(SEEDS),
    labels="original|random",
    activation="relu|tanh",
    normalization="none|batch",
    variant="none|batch|batch_without_scale",


report: "workflow/report/workflow.rst"


rule all:
    """Everything of the default study."""
    input:
        promises.study_targets(STUDIES[config["study"]]),


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/studies.smk"
