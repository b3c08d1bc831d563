"""Tables, verdicts and the page from what exists so far."""

from pathlib import Path

from rate_distortion import page
from rate_distortion.claims import assessment
from rate_distortion.storage.job_log import job_log
from rate_distortion.studies.results import TABLES


def main(
    folder: Path, study: dict, tables: dict, claims: dict, settings: dict, records: list[str], datasets: dict
) -> None:
    """Write every table that has what it needs, the claims as they stand, and a page that puts them together."""
    folder.mkdir(parents=True)
    text = [f"# Study {study['name']}, as far as it has got\n"]
    for name, part in tables.items():
        if part["missing"]:
            text.append(f"**{name.replace('_', ' ')}**: {part['missing']}.\n")
            continue
        table, seeds = TABLES[name].made(part["inputs"], part["settings"]), part["seeds"]
        table = table.of_finished_seeds(**seeds) if seeds else table
        table.write(*(folder / f"{name}.{suffix}" for suffix in ("csv", "md", "tex")))
        text += ["From {finished} of {planned} seeds:\n".format(**seeds)] if seeds else []
        text.append(table.markdown())
    verdicts = assessment.assess_study(claims, settings, finished=False)
    assessment.write(verdicts, study, folder / "claims.csv", folder / "claims.md", folder / "theses.csv")
    text.append(f"**Claims** ([claims.md](claims.md)): {assessment.counted(verdicts)}.\n")
    (folder / "README.md").write_text("\n".join(text), encoding="utf-8")
    own = {name: folder / Path(name).name for name in records if not name.startswith("figures/")}
    found = page.Records.of_study(folder.parent, records, instead=own)
    page.write(folder / "paper.html", found, page.Study.of(study, datasets), partial=True)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        names = ("study", "tables", "claims", "settings", "page_records", "datasets")
        main(Path(snakemake.output.folder), *(snakemake.params[name] for name in names))
