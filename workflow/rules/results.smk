"""The tables and figures of the catalogue (rate_distortion.studies.results), which says what each needs and which function makes it.

Inputs: the records of trainings and probes that the catalogue names; no job here imports torch.
Outputs: results/{study}/tables/{table}.{csv,md,tex}; results/{study}/figures/{figure}.{svg,png,csv}, where the csv holds exactly
    what is drawn, and for animated figures .gif; results/{study}/weight_decay.json, which calibrated models train with.
Steps: choose_weight_decay; table | long_table; figure | long_figure | animated_figure.
"""


# On a cluster these run where Snakemake runs, since each takes seconds; long_table resamples and long_figure simulates.
localrules:
    choose_weight_decay,
    table,
    figure,
    animated_figure,


rule choose_weight_decay:
    """Find the smallest weight decay of the grid with which random labels are not fitted.

    A job of its own, apart from the table: calibrated models wait for it, and a new title must not retrain them.
    """
    input:
        metrics=of_study(lambda study: targets.records(study, "calibration")),
    output:
        choice="results/{study}/weight_decay.json",
    log:
        "logs/{study}/choose_weight_decay.log",
    conda:
        "../../envs/environment.yaml"
    params:
        model=of_study(targets.calibrated_model),
    script:
        "../scripts/choose_weight_decay.py"


rule table:
    """Make a table from its records."""
    input:
        unpack(of_result(Result.inputs)),
    output:
        csv=in_report("table", "csv", "data"),
        md="results/{study}/tables/{table}.md",
        tex="results/{study}/tables/{table}.tex",
    log:
        "logs/{study}/tables/{table}.log",
    wildcard_constraints:
        table=one_of(name for name, result in results.TABLES.items() if result.make and not result.is_job),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=of_result(Result.settings),
        caption=of_result(Result.caption_of),
    script:
        "../scripts/table.py"


use rule table as long_table with:
    wildcard_constraints:
        table=one_of(name for name, result in results.TABLES.items() if result.make and result.is_job),
    resources:
        **asks(of_result(needs.result)),


rule figure:
    """Draw a figure from its records."""
    input:
        unpack(of_result(Result.inputs)),
    output:
        svg=in_report("figure", "svg", "picture"),
        png="results/{study}/figures/{figure}.png",
        csv=in_report("figure", "csv", "data"),
    log:
        "logs/{study}/figures/{figure}.log",
    wildcard_constraints:
        figure=one_of(name for name, result in results.FIGURES.items() if not (result.is_job or result.is_animated)),
    conda:
        "../../envs/environment.yaml"
    params:
        settings=of_result(Result.settings),
        caption=of_result(Result.caption_of),
    script:
        "../scripts/figure.py"


use rule figure as long_figure with:
    wildcard_constraints:
        figure=one_of(name for name, result in results.FIGURES.items() if result.is_job),
    resources:
        **asks(of_result(needs.result)),


use rule figure as animated_figure with:
    output:
        svg=in_report("figure", "svg", "picture"),
        png="results/{study}/figures/{figure}.png",
        csv=in_report("figure", "csv", "data"),
        gif=in_report("figure", "gif", "animation"),
    wildcard_constraints:
        figure=one_of(name for name, result in results.FIGURES.items() if result.is_animated),
