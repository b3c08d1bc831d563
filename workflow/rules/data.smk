"""From a source to whitened arrays.

Inputs: nothing, or the downloaded files of a source, or the user's own .npz.
Outputs: results/{study}/data/{dataset}/{train,validation,test}/{images,labels}.npy, whitening.npz and dataset.json.
Steps: download (checksummed; files already in data/ are used as they are), prepare_data.
"""


rule download:
    """Fetch one file of a public data set and verify its checksum."""
    output:
        "data/{folder}/{file}",
    log:
        "logs/download/{folder}/{file}.log",
    wildcard_constraints:
        folder="svhn|MNIST/raw",
        file="[^/]+",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="4h",
    params:
        mirrors=lambda wildcards: config["mirrors"][wildcards.folder.split("/")[0].lower()],
    script:
        "../scripts/download.py"


rule prepare_data:
    """Hold out the validation images, fit the whitening on the training images, and whiten every split."""
    input:
        sources=source_files,
    output:
        [f"{DATA}/{name}" for name in DATA_FILES],
    log:
        "logs/{study}/prepare_data/{dataset}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=8000,
        runtime="1h",
    params:
        data=lambda wildcards: study_of(wildcards).config["data"],
        whitening=lambda wildcards: study_of(wildcards).config["whitening"],
    script:
        "../scripts/prepare_data.py"
