"""What came of the claims, by table and figure."""

from rate_distortion.claims.overview import overview
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(claims: str, study: str, records: dict[str, list[str]], path: str) -> None:
    """Write the overview of a study."""
    rows = overview(files.read_table(claims), study, records)
    files.write_text(path, rows.to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        records = {name: list(paths) for name, paths in snakemake.input.items() if name != "claims"}
        main(snakemake.input.claims, snakemake.wildcards.study, records, snakemake.output.overview)
