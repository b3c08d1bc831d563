"""What Snakemake makes of a configuration file: one sentence before any job, and no code run. Whose library jobs use."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from project_copy import Project, copy_project

CODE = """
__use_yte__: true
__definitions__:
  - import os
  - os.system("touch code_was_run")
studies: {mine: {extends: ci, title: Harmless}}
"""
BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{{', '.join(f'{key}: *a{level - 1}' for key in 'bcdefghij')}}}\n" for level in range(1, 12)
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A copy in which nothing is ever made but one plan."""
    return copy_project(tmp_path_factory.mktemp("configurations") / "project")


def dry_run(project, text, *arguments):
    """What a dry run of a plan prints with this study file; it ends by itself and shows no traceback."""
    (project.folder / "study.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    command = ["-n", "--configfile", "study.yaml", *arguments, "--", "results/ci/plan.md"]
    result = project.snakemake(*command, check=False, timeout=120)
    printed = result.stdout + result.stderr
    assert "Traceback" not in printed
    assert ".smk" not in printed
    assert 'File "' not in printed
    return printed if result.returncode else ""


def mine(**settings):
    return yaml.safe_dump({"studies": {"mine": {"extends": "ci", **settings}}}, allow_unicode=True)


REFUSED = {
    "studies:\n": "studies is None; a configuration has studies:",
    "studies: [1, 2]\n": "studies is [1, 2]; a configuration has studies:",
    "studies: mine\n": "studies is 'mine'; a configuration has studies:",
    "records:\n": "records is None; it must be a list of archives",
    "records: records.zip\n": "records is 'records.zip'; it must be a list of archives: --config 'records=[records.zip]'",
    mine(extends=["ci"]): "studies.mine.extends is ['ci']; it must be text",
    mine(seeds=[int("9" * 400)]): "studies.mine.seeds[0] is a whole number of 400 digits",
    "studies: {mine: {extends: ci, seeds: [" + "9" * 5000 + "]}}": "line 1, column 39: a whole number has 5,000 digits",
    mine(training={"learning_rate": "0,05"}): "with a decimal point, not a comma: 0.05",
    "studies: {mine: {extends: ci, training: {learning_rate: 0,5}}}": "the end of a number with a decimal comma",
    'studies: {mine: {extends: ci, title: "a \\ud800 b"}}': "holds the character U+D800",
    BOMB: "grows to more than 200,000 values",
    "a: &a [*a]\n": "an alias (*name) stands inside what it stands for",
    "studies:\n  mine: {extends: ci, seeds: [1, 2], seeds: [3]}": "line 2, column 38: the key 'seeds' stands there twice",
    "studies: {mine: {extends: ci, seeds: [1:30]}}": "YAML reads 1:30 as a number to the base 60",
    "studies: {mine: {extends: ci, seeds: [010]}}": "YAML reads 010 as a number to the base 8",
    "studies: {mine: {extends: ci, title: 2019-01-01}}": "YAML reads 2019-01-01 as a date; put it in quotes",
    'studies: {mine: {extends: ci, title: "a\\nb"}}': "studies.mine.title is 'a\\nb', which holds the character U+000A",
    'studies: {"mine\\n": {extends: ci}}': "holds the character U+000A",
    mine(title=".. raw:: html"): "studies.mine.title is '.. raw:: html'; it must be one line of at most 200 characters",
    mine(title="=1+1"): "studies.mine.title is '=1+1'; it must be one line",
    mine(ablations={"choices": {"as_in_the_study": {"width": 0.5}}}): "as_in_the_study is what the study has without a change",
    "\tstudies: {}\n": "line 1, column 1: this is not YAML",
    "studies: {mine: {extends: ci, title: a: b}}": "line 1, column 39: this is not YAML",
    "a: !!python/name:os.system ''\n": "is no kind of value that a configuration has",
    "- 1\n": "study.yaml holds [1]; it must have keys at its top level",
    "": "study.yaml is empty",
    "---\na: 1\n---\nb: 2\n": "this is not YAML",
    "pathvars: 3\n": "unknown key 'pathvars'",
    mine(data={"train_images": 10**12}): "studies.mine.data.train_images is 1000000000000; it must be at most 10000000",
    mine(data={"train_images": 73257}): "together 73,307, and house_numbers has 73,257 training images",
    mine(data={"image_size": 28}): "studies.mine.data.image_size is 28 and studies.mine.data.dataset is 'house_numbers'",
    mine(whitening={"components": 400}): "studies.mine.whitening.components is 400; allowed: 1 to 299",
    mine(sphere_packing={"train_images": 5000}): "sphere_packing.train_images is 5,000, and there are 1,297 training images",
    mine(sphere_packing={"train_images": 301, "batch_norm_evaluation": "batch", "evaluation_batch_size": 1}): (
        "sphere_packing.evaluation_batch_size is 1 and there are 301 training images, so that a batch has a single image"
    ),
    mine(multilayer_perceptron={"batch_size": 1}): "multilayer_perceptron.batch_size is 1 and there are 362",
    mine(tables={"table1": {"C": [1]}}): "batch normalization makes nothing",
    mine(transfer={"validation_images": 1298}): "transfer.validation_images is 1,298, and there are 1,297 training images",
    mine(perturbations={"images": 201}): "studies.mine.perturbations.images is 201, and there are 200 test images",
    mine(models={"N": {"factory": "nowhere:build"}}, tables={"table1": {"N": [32]}}): "and there is no nowhere.py in",
    mine(threads=10**9): "studies.mine.threads is 1000000000; it must be at most 256",
    mine(figures={"figure1": {"snr_db": 40, "dimensions": [500]}}): "at most 75 are computed",
}  # fmt: skip


@pytest.mark.parametrize("text", [CODE, "records:\n", BOMB, "\tstudies: {}\n", mine(extends=["ci"])])
def test_snakemake_shows_the_sentence_and_nothing_else(project, text):
    printed = dry_run(project, text)
    assert printed.strip().splitlines()[-1].startswith("Configuration error: ")
    assert REFUSED.get(text, "has the key __use_yte__") in printed


@pytest.mark.slow
@pytest.mark.parametrize("text", REFUSED)
def test_snakemake_shows_the_sentence_of_every_case(project, text):
    assert REFUSED[text] in dry_run(project, text)


def test_an_archive_on_the_command_line_that_is_no_list(project):
    assert "--config 'records=[records.zip]'" in dry_run(project, mine(), "--config", "records=records.zip")


def test_code_in_a_study_file_is_not_run(project):
    assert "would run Python code" in dry_run(project, CODE)
    assert not (project.folder / "code_was_run").exists()


def test_without_the_default_profile_the_file_is_refused_once_snakemake_has_read_it(project):
    """Snakemake reads it before anything of the project runs; docs/faults.md says so."""
    assert "would run Python code" in dry_run(project, CODE, "--workflow-profile", "none")


def test_jobs_use_the_library_of_the_checkout_and_not_the_installed_one(project, tmp_path):
    """Another rate_distortion, whatever installed it, comes first in the environment and is not imported by any job."""
    other = tmp_path / "elsewhere/rate_distortion"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('the library of the environment was imported')\n")
    marked = tmp_path / "project"
    shutil.copytree(project.folder, marked)
    with (marked / "src/rate_distortion/__init__.py").open("a") as stream:
        stream.write("import os, sys\nprint('LIBRARY', __file__, os.getppid() and sys.argv[0], file=sys.stderr)\n")
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "results/ci/config.yaml"],
        cwd=marked,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(other.parent)},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    used = [line.split() for line in result.stderr.splitlines() if line.startswith("LIBRARY")]
    assert {line[1] for line in used} == {str(marked / "src/rate_distortion/__init__.py")}
    assert any("describe_study" in line[2] for line in used)
