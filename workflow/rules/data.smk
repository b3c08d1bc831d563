"""From a source to arrays that networks learn.

Inputs: nothing, or the downloaded files of a source, or the user's own .npz.
Outputs: results/{study}/data/{dataset}/{train,validation,test}/{images,labels}.npy, whitening.npz and dataset.json; for models
    with more data extra/{images,labels}.npy and extra.json. {dataset} is the source's name, or that and a preprocessing's.
    results/{study}/data/{digit_pair}/ with train/{images,labels}.npy and dataset.json for the multilayer perceptrons.
Steps: download (checksummed; files already in data/ are used as they are), prepare_data, prepare_extra, prepare_digit_pair,
    example_images.
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
    script:
        "../scripts/download.py"


rule prepare_data:
    """Hold out the validation images, fit the whitening on the training images, and whiten every split."""
    input:
        sources=of_study(targets.source_files),
    output:
        files=[f"{targets.DATA}/{name}" for name in targets.DATA_FILES if name != "dataset.json"],
        description=f"{targets.DATA}/dataset.json",
    log:
        "logs/{study}/prepare_data/{dataset}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asks(of_study(needs.preparation)),
    params:
        data=of_study(targets.data_settings),
        whitening_settings=of_study(targets.whitening_settings),
    script:
        "../scripts/prepare.py"


rule prepare_extra:
    """Whiten additional training images with the statistics of the training images."""
    input:
        whitening=f"{targets.DATA}/whitening.npz",
        sources=of_study(targets.extra_source_files),
    output:
        files=[f"{targets.DATA}/{name}" for name in targets.EXTRA_FILES if name != "extra.json"],
        description=f"{targets.DATA}/extra.json",
    log:
        "logs/{study}/prepare_extra/{dataset}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asks(of_study(needs.preparation)),
    params:
        data=of_study(targets.data_settings),
    script:
        "../scripts/prepare.py"


rule prepare_digit_pair:
    """Two digits of a source, with pixels in [0, 1] and without whitening."""
    input:
        sources=of_study(targets.digit_source_files),
    output:
        **targets.PAIR_FILES,
    log:
        "logs/{study}/prepare_digit_pair/{digit_pair}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        **asks(of_study(needs.digit_pair)),
    params:
        settings=of_study(targets.digit_settings),
    script:
        "../scripts/prepare.py"


rule example_images:
    """Keep the first test image of each class for figure 4, which then does without the images."""
    input:
        images=f"{targets.DATA}/test/images.npy",
        labels=f"{targets.DATA}/test/labels.npy",
    output:
        examples=f"{targets.DATA}/examples.npz",
    log:
        "logs/{study}/example_images/{dataset}.log",
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/example_images.py"
