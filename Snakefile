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

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")


configfile: "config.yaml"


# The library lies in src/; this puts it on the path of every script too, in every environment and on every node.
sys.path.insert(0, str(Path(workflow.basedir) / "src"))


# A limit on gpu holds per machine and per submitted job, not for a whole cluster run.
resource_scopes:
    gpu="local",


include: "workflow/rules/common.smk"
include: "workflow/rules/functions/data.smk"
include: "workflow/rules/functions/runs.smk"
include: "workflow/rules/functions/transfer.smk"
include: "workflow/rules/functions/perceptrons.smk"
include: "workflow/rules/functions/sphere_packing.smk"
include: "workflow/rules/functions/figures.smk"
include: "workflow/rules/functions/partial.smk"
include: "workflow/rules/functions/claims.smk"
include: "workflow/rules/functions/page.smk"
include: "workflow/rules/functions/records.smk"


onstart:
    refuse_folders_that_cannot_be_written()
    refuse_dates_in_the_future()


wildcard_constraints:
    study="|".join(STUDIES),
    other="|".join(STUDIES),
    dataset="|".join(DATASETS),
    model="|".join(map(re.escape, MODELS)),
    batch_size="|".join(map(str, BATCH_SIZES)),
    labels="original|random",
    seed="|".join(map(str, SEEDS)),
    digit_pair="|".join(DIGIT_PAIRS) or "no digit pair",
    activation="relu|tanh",
    normalization="none|batch",
    variant="none|batch|batch_without_scale",


report: "workflow/report/workflow.rst"


rule all:
    """Everything of the default study."""
    input:
        study_targets(config["study"]),


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/transfer.smk"
include: "workflow/rules/perceptrons.smk"
include: "workflow/rules/sphere_packing.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/collect.smk"
