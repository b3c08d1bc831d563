"""Tables, verdicts and the page from what exists so far."""

from pathlib import Path

from rate_distortion import page
from rate_distortion.claims import assessment
from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import Table, making


def main(folder: Path, study: dict, tables: dict, records: dict, settings: dict) -> None:
    """Write every table that has what it needs, the claims as they stand, and a page that puts them together."""
    folder.mkdir(parents=True)
    pages = [f"# Study {study['name']}, as far as it has got\n"]
    for name, part in tables.items():
        if part["missing"]:
            pages.append(f"**{name.replace('_', ' ')}**: {part['missing']}.\n")
            continue
        table = made(name, part)
        pages += ["From {finished} of {planned} seeds:\n".format(**part["seeds"])] if part["seeds"] else []
        table.write(folder / f"{name}.csv", folder / f"{name}.md", folder / f"{name}.tex")
        pages.append(table.markdown())
    claims = assessment.assess_study(records, settings, finished=False)
    assessment.write(claims, study, folder / "claims.csv", folder / "claims.md", folder / "theses.csv")
    pages.append(f"**Claims** ([claims.md](claims.md)): {assessment.counted(claims)}.\n")
    (folder / "README.md").write_text("\n".join(pages), encoding="utf-8")


def made(name: str, part: dict) -> Table:
    """A table of what there is, which says on how many of the planned seeds it rests."""
    table = getattr(making, name)(**part["files"], **part["arguments"]).with_provenance(part["provenance"])
    return table.of_finished_seeds(**part["seeds"]) if part["seeds"] else table


def write_page(folder: Path, study: dict, records: list[str], datasets: dict) -> None:
    """Write paper.html from these tables and claims, and from whatever else of the study exists."""
    own = {name: folder / Path(name).name for name in records if not name.startswith("figures/")}
    found = page.Records.of_study(folder.parent, records, instead=own)
    page.write(folder / "paper.html", found, page.Study.of(study, datasets), partial=True)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        params = snakemake.params
        main(Path(snakemake.output[0]), params.study, params.tables, params.records, params.settings)
        write_page(Path(snakemake.output[0]), params.page_study, params.page_records, params.page_datasets)
