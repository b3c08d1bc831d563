"""From a source to whitened arrays.

Inputs: nothing, or the downloaded files of a source, or the user's own .npz.
Outputs: results/{study}/data/{dataset}/{train,validation,test}/{images,labels}.npy, whitening.npz and dataset.json; for models
    with more data extra/{images,labels}.npy and extra.json. {dataset} is the source's name, or that and a preprocessing's.
Steps: download (checksummed; files already in data/ are used as they are), prepare_data, prepare_extra, example_images.
"""


# On a cluster these run where Snakemake runs: compute nodes often have no way to the internet, and the other takes seconds.
localrules:
    download,
    example_images,


rule download:
    """Fetch one file of a public data set and verify its checksum.

    The mirrors are no params: a file is right whichever mirror it came from, and a rerun would begin by deleting it.
    """
    output:
        file="data/{folder}/{file}",
    log:
        "logs/download/{folder}/{file}.log",
    wildcard_constraints:
        folder="|".join(sorted(set(datasets.FOLDERS.values()))),
        file="[^/]+",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=grows(500),
        runtime=grows(4, "h"),
    script:
        "../scripts/download.py"


rule prepare_data:
    """Hold out the validation images, fit the whitening on the training images, and whiten every split."""
    input:
        sources=source_files,
    output:
        files=[f"{DATA}/{name}" for name in DATA_FILES if name != "dataset.json"],
        description=f"{DATA}/dataset.json",
    log:
        "logs/{study}/prepare_data/{dataset}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=grows(8000),
        runtime=grows(1, "h"),
    params:
        data=lambda wildcards: study_of(wildcards).config["data"],
        whitening=lambda wildcards: study_of(wildcards).whitening(preprocessing_of(wildcards)),
    script:
        "../scripts/prepare_data.py"


rule prepare_extra:
    """Whiten additional training images with the statistics of the training images."""
    input:
        whitening=f"{DATA}/whitening.npz",
        sources=extra_source_files,
    output:
        files=[f"{DATA}/{name}" for name in EXTRA_FILES if name != "extra.json"],
        description=f"{DATA}/extra.json",
    log:
        "logs/{study}/prepare_extra/{dataset}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=grows(8000),
        runtime=grows(1, "h"),
    params:
        data=lambda wildcards: study_of(wildcards).config["data"],
    script:
        "../scripts/prepare_extra.py"


rule example_images:
    """Keep the first test image of each class for figure 4, which then does without the images."""
    input:
        images=f"{DATA}/test/images.npy",
        labels=f"{DATA}/test/labels.npy",
    output:
        examples=f"{DATA}/examples.npz",
    log:
        "logs/{study}/example_images/{dataset}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    script:
        "../scripts/example_images.py"
