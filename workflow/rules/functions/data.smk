"""The data of a study: prepared folders, and the files they are read from."""


def data_folder(wildcards):
    """The prepared data of a run: those of its model's own preprocessing, or the study's."""
    study = study_of(wildcards)
    preprocessing = study.preprocessing(wildcards.model) if "model" in wildcards.keys() else None
    return f"results/{study.name}/data/{study.data_name(preprocessing)}"


def data_files(wildcards):
    return [f"{data_folder(wildcards)}/{name}" for name in DATA_FILES]


def preprocessing_of(wildcards):
    """The named change of the whitening that a data folder's name ends in, or None."""
    return wildcards.dataset.partition("-")[2] or None


def source_files(wildcards):
    """The files a data set is read from: downloads, the user's own file (which is looked at before any job), or none."""
    study = study_of(wildcards)
    data = study.config["data"]
    if data["dataset"] == "arrays":
        try:
            if study.name not in ARCHIVES:  # records from an archive come without the images
                datasets.check_arrays(data["file"])
        except datasets.DatasetError as error:
            # An exception would be shown with the place in this file, as above.
            sys.exit(f"Data error: studies.{study.name}.data.file: {error}")
        return [str(path) for path in datasets.own_files(data["file"])]
    return datasets.source_paths(data["dataset"], "data")


def extra_source_files(wildcards):
    return datasets.source_paths("svhn_extra", "data") if wildcards.dataset.startswith("svhn") else []


def network_data(wildcards):
    """What says the images' shape and the number of classes: the record of a user's data; the paper's data are known."""
    own = study_of(wildcards).config["data"]["dataset"] not in datasets.OF_THE_PROJECT
    return study_dataset(wildcards) if own else []


def study_examples(wildcards):
    """The first test image of each class."""
    study = study_of(wildcards)
    return f"results/{study.name}/data/{study.data_name()}/examples.npz"
