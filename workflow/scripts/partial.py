"""Tables, verdicts and the page from what exists so far."""

from pathlib import Path

from rate_distortion import page, prepared_data, tables
from rate_distortion.claims import assessment
from rate_distortion.job_log import job_log


def main(folder: Path, study: dict, cells: dict, finished: dict, dataset: str, records: dict, settings: dict) -> None:
    """Write every table that has a finished run, the claims as they stand, and a page that puts them together."""
    folder.mkdir(parents=True)
    make = {"table1": tables.table1, "table2": tables.table2, "further_models": tables.further_models}
    pages = [f"# Study {study['name']}, as far as it has got\n"]
    for part, metrics in finished.items():
        if not metrics:
            pages.append(f"**{part.replace('_', ' ')}**: no run has finished yet.\n")
            continue
        runs, data = tables.read_metrics(metrics), prepared_data.describe(Path(dataset).parent)
        provenance = [Path(path).with_name("provenance.json") for path in metrics]
        table = make[part](runs, cells[part], study, data).with_provenance(provenance)
        table.write(folder / f"{part}.csv", folder / f"{part}.md", folder / f"{part}.tex")
        pages.append(table.markdown())
    claims = assessment.assess_study(records, settings, finished=False)
    assessment.write(claims, study, folder / "claims.csv", folder / "claims.md")
    pages.append(f"**Claims** ([claims.md](claims.md)): {assessment.counted(claims)}.\n")
    (folder / "README.md").write_text("\n".join(pages), encoding="utf-8")


def write_page(folder: Path, study: dict, records: list[str], datasets: dict) -> None:
    """Write paper.html from these tables and claims, and from whatever else of the study exists."""
    own = {name: folder / Path(name).name for name in records}
    found = page.Records.of_study(folder.parent, records, instead=own)
    page.write(folder / "paper.html", found, page.Study.of(study, datasets), partial=True)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        params = snakemake.params
        main(
            Path(snakemake.output[0]),
            params.study,
            params.tables,
            params.finished,
            params.dataset,
            params.records,
            params.settings,
        )
        write_page(Path(snakemake.output[0]), params.page_study, params.page_records, params.page_datasets)
