"""What a finished study is, in the form that archives read: RO-Crate metadata (Soiland-Reyes et al., Data Science 5, 2022).

The folder of a study becomes a crate by one file, ``ro-crate-metadata.json``: every file with its checksum, the data with
their licence, the software with its version and hash, the authors and the paper. Nothing is copied. An archive of records
(:mod:`rate_distortion.studies.archive`) holds the same metadata of its part of the files, and the study's configuration.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rate_distortion.datasets import LICENCES
from rate_distortion.storage import files, provenance

if TYPE_CHECKING:
    from rocrate.model import Entity
    from rocrate.rocrate import ROCrate

NAME = "ro-crate-metadata.json"
FORMAT = "rate-distortion records 2"
STUDY = "#study"
"""Identifier of what an archive says of its study, and the format in which it does."""

LEFT_OUT_FOLDERS = ("partial", files.CHECKSUMS)
"""Folders left out of a study: tables of unfinished runs, and checksums."""

MEDIA_TYPES = {
    ".npz": "application/x-npz",
    ".safetensors": "application/octet-stream",
    ".tex": "application/x-tex",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
}
ARTICLES = ("article", "conference-paper", "unpublished")
"""Types of a CITATION.cff's references that are scholarly articles."""


def describe(folder: str | Path, study: Mapping[str, Any], citation_file: str | Path) -> dict[str, Any]:
    """The metadata of a finished study, as JSON-LD.

    Args:
        folder: the study's folder; what lies in it is described, prepared images aside, which can be made again.
        study: {"name": ..., "title": ...}.
        citation_file: the project's CITATION.cff: authors, licence, version, and the works it builds on.

    Raises:
        files.DamagedFileError: a file of the study has changed since it was written.
        MissingFileError: there is no finished run.
    """
    from rocrate.rocrate import ROCrate  # here, since whoever plans reads archives with this module

    folder = Path(folder)
    records = {path: files.read_json(path) for path in sorted(folder.rglob(provenance.RECORD))}
    if not records:
        raise files.MissingFileError(f"{folder} has no finished run, so there is no study to describe")
    citation = yaml.safe_load(Path(citation_file).read_text(encoding="utf-8"))
    crate = ROCrate()
    data = [_add_data(crate, path) for path in sorted(folder.glob("data/*/dataset.json"))]
    results = [_add_file(crate, folder, path) for path in described_files(folder)]
    software = _add_software(crate, citation, records.values())
    _describe_root(crate, study, citation, records, data)
    _add_action(crate, study, records.values(), software, data, results)
    return crate.metadata.generate()


def file_entities(metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Path inside the study's folder -> what the metadata say of the file: ``contentSize``, ``sha256``, ..."""
    return {entity["name"]: entity for entity in metadata["@graph"] if entity["@type"] == "File"}


def of_archive(
    metadata: Mapping[str, Any], study: str, configuration: Mapping[str, Any], paths: Iterable[str]
) -> dict[str, Any]:
    """The metadata of an archive that holds some of a study's files.

    Args:
        metadata: of the study (:func:`describe`).
        study: its name.
        configuration: its settings; their order is kept, since rows and panels come in it.
        paths: the files that the archive holds.
    """
    described, kept = file_entities(metadata), set(paths)
    left_out = {entity["@id"] for path, entity in described.items() if path not in kept}

    def without_left_out(value: Any) -> Any:
        return [one for one in value if one.get("@id") not in left_out] if _are_references(value) else value

    graph = [
        {key: without_left_out(value) for key, value in entity.items()}
        for entity in metadata["@graph"]
        if entity["@id"] not in left_out
    ]
    text = json.dumps(configuration, allow_nan=False)
    settings = {"@id": STUDY, "@type": "PropertyValue", "propertyID": FORMAT, "name": study, "value": text}
    next(entity for entity in graph if entity["@id"] == "./")["mentions"].append({"@id": STUDY})
    return {**metadata, "@graph": [*graph, settings]}


def _are_references(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def described_files(folder: Path) -> Iterator[Path]:
    """Every file of a study that is worth archiving: no prepared images, no temporary or resume files, no records.zip."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "resume.", "resume_")) for part in parts)
        if (
            path.is_file()
            and not hidden
            and path.suffix != ".npy"
            and path.name not in (NAME, "records.zip")
            and parts[0] not in LEFT_OUT_FOLDERS
        ):
            yield path


def _add_file(crate: ROCrate, folder: Path, path: Path) -> Entity:
    name = path.relative_to(folder).as_posix()
    properties = {
        "name": name,
        "contentSize": str(path.stat().st_size),
        "sha256": files.checksum(files.verified(path)),
        "encodingFormat": MEDIA_TYPES.get(path.suffix)
        or mimetypes.guess_type(path.name)[0]
        or "application/octet-stream",
    }
    return crate.add_file(path, dest_path=name, properties=properties)


def _add_data(crate: ROCrate, record_file: Path) -> Entity:
    """A prepared data set: what it is, how many images, and on which terms its source may be used."""
    record = files.read_json(record_file)
    images = ", ".join(f"{count:,} {split}" for split, count in record["images"].items())
    properties = {
        "name": record["description"],
        "description": f"{record['description']}; images: {images}. The prepared images themselves can be made again.",
        "license": LICENCES[record.get("part_of", record["dataset"])],
    }
    if record["sources_md5"]:
        properties["identifier"] = [f"md5:{md5} ({name})" for name, md5 in record["sources_md5"].items()]
    return crate.add_dataset(dest_path=f"data/{record_file.parent.name}/", properties=properties)


def _add_software(crate: ROCrate, citation: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> Entity:
    """This project: its version, the commits and library hashes of the runs, and the packages that they used."""
    records = list(records)
    packages = {(name, version) for record in records for name, version in record["packages"].items() if version}
    requirements = [
        _add_entity(crate, f"#{name}-{version}", "SoftwareApplication", name=name, softwareVersion=version)
        for name, version in sorted(packages)
    ]
    hashes = {f"sha256:{record['library_sha256']}" for record in records}
    commits = {f"git:{record['git_commit']}" for record in records if record["git_commit"]}
    software = _add_entity(
        crate,
        "#software",
        "SoftwareSourceCode",
        name=citation["title"],
        version=str(citation["version"]),
        identifier=sorted(hashes | commits),
        programmingLanguage=["Python", "Snakemake"],
    )
    software["license"] = _add_licence(crate, citation)
    software["author"] = _add_authors(crate, citation["authors"])
    software["softwareRequirements"] = requirements
    return software


def _describe_root(
    crate: ROCrate,
    study: Mapping[str, Any],
    citation: Mapping[str, Any],
    records: Mapping[Path, Mapping[str, Any]],
    data: Iterable[Entity],
) -> None:
    """Title, authors, date and terms of the whole, and honestly what the numbers were measured on."""
    shown = "; ".join(dict.fromkeys(entity["name"] for entity in data))
    root = crate.root_dataset
    root["name"] = f"Study {study['name']}: {study['title']}"
    root["description"] = " ".join(
        [
            "Results that rebuild the paper 'A Rate-Distortion Theory of Adversarial Examples'.",
            f"Data: {shown}. Each data set has terms of its own, which stand with it.",
            *provenance.mixed(records),
        ]
    )
    root["datePublished"] = max(record["finished"] for record in records.values())
    root["license"] = _add_licence(crate, citation)
    root["author"] = _add_authors(crate, citation["authors"])
    root["citation"] = [_add_reference(crate, n, work) for n, work in enumerate(citation["references"], start=1)]


def _add_action(
    crate: ROCrate,
    study: Mapping[str, Any],
    records: Iterable[Mapping[str, Any]],
    software: Entity,
    data: list[Entity],
    results: list[Entity],
) -> None:
    """The computation that made the results of the data with the software."""
    records = list(records)
    machines = sorted({record["accelerator"] or record["processor"] for record in records})
    hours = sum(record.get("seconds", 0.0) for record in records) / 3600
    action = _add_entity(
        crate,
        "#computation",
        "CreateAction",
        name=f"snakemake {study['name']}",
        description=f"{len(records)} trainings, {hours:.2g} hours in all, on {', '.join(machines)}",
        endTime=max(record["finished"] for record in records),
    )
    action["instrument"], action["object"], action["result"] = software, data, results
    crate.root_dataset["mentions"] = [action]


def _add_entity(crate: ROCrate, identifier: str, kind: str, /, **properties: Any) -> Entity:
    """Something that is described and is no file; the same one is added once."""
    from rocrate.model import ContextEntity

    properties = {"@type": kind, **properties}
    return crate.dereference(identifier) or crate.add(ContextEntity(crate, identifier, properties=properties))


def _add_licence(crate: ROCrate, citation: Mapping[str, Any]) -> Entity:
    name = citation["license"]
    return _add_entity(crate, f"https://spdx.org/licenses/{name}", "CreativeWork", name=name)


def _add_authors(crate: ROCrate, authors: Iterable[Mapping[str, Any]]) -> list[Entity]:
    """Persons and organisations of a CITATION.cff."""
    found = []
    for author in authors:
        person = "family-names" in author
        name = f"{author['given-names']} {author['family-names']}" if person else author["name"]
        identifier = author.get("orcid", "#" + name.replace(" ", "-"))
        found.append(_add_entity(crate, identifier, "Person" if person else "Organization", name=name))
    return found


def _add_reference(crate: ROCrate, number: int, work: Mapping[str, Any]) -> Entity:
    kind = "ScholarlyArticle" if work["type"] in ARTICLES else "CreativeWork"
    entity = _add_entity(crate, f"#reference-{number}", kind, name=work["title"], datePublished=str(work["year"]))
    entity["author"] = _add_authors(crate, work["authors"])
    return entity
