"""What is trusted: nothing that is downloaded or read is run, and what is installed is what was locked."""

import ast
import base64
import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rate_distortion import datasets

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("src", "workflow", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").rglob("*.smk"))]
UNSAFE_MODULES = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {
    "eval", "exec", "torch.save", "torch.hub.load", "pandas.read_pickle", "yaml.load", "yaml.full_load",
    "yaml.unsafe_load", "os.system", "shutil.unpack_archive",
}  # fmt: skip
UNSAFE_METHODS = {"extractall", "extract", "to_pickle"}


def name_of(node):
    """A dotted name, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def unsafe(source):
    """What a program does that may run what it reads, or write where an archive says."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"import of {module}" for module in modules if module.split(".")[0] in UNSAFE_MODULES)
        if not isinstance(node, ast.Call):
            continue
        name, options = name_of(node.func), {keyword.arg: keyword.value for keyword in node.keywords}
        if name in UNSAFE_CALLS or (isinstance(node.func, ast.Attribute) and node.func.attr in UNSAFE_METHODS):
            yield f"call of {name}"
        if name == "torch.load":
            allowed = options.get("weights_only")
            if not (isinstance(allowed, ast.Constant) and allowed.value is True):
                yield "torch.load without weights_only=True"
        if name in ("np.load", "numpy.load", "np.lib.format.read_array"):
            allowed = options.get("allow_pickle")
            if not (isinstance(allowed, ast.Constant) and allowed.value is False):
                yield f"{name} without allow_pickle=False"
        if isinstance(options.get("shell"), ast.Constant) and options["shell"].value:
            yield f"{name} through a shell"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "torch.load('x')", "torch.load('x', weights_only=False)",
        "np.load('x')", "np.load('x', allow_pickle=True)",
        "yaml.load(text, Loader)", "archive.extractall()", "subprocess.run('ls', shell=True)", "eval('1')",
    ],
)  # fmt: skip
def test_what_is_unsafe_would_be_found(source):
    assert list(unsafe(source))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run(path):
    assert list(unsafe(path.read_text())) == []


def test_rules_read_yaml_safely_and_run_no_shell():
    for path in RULES:
        text = path.read_text()
        assert not re.search(r"yaml\.(load|full_load|unsafe_load)\(|pickle|torch\.load|\beval\(|\bexec\(", text), path
        assert not re.search(r"^\s+shell:", text, re.MULTILINE), path


@pytest.mark.parametrize("dataset", sorted(datasets.FOLDERS))
def test_every_downloaded_file_has_a_checksum(dataset):
    files = datasets.remote_files(dataset)
    assert files
    assert all(re.fullmatch(r"[0-9a-f]{32}", file.md5) for file in files)


def test_every_package_is_installed_against_its_hashes():
    recipe = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    installs = [line for line in recipe.splitlines() if re.search(r"pip (install|sync)", line)]
    assert len(installs) >= 3
    for line in installs:
        # The project itself has no hash; it brings nothing else along.
        own = "--no-deps" in line and "--no-build-isolation" in line and line.rstrip().endswith("--editable .")
        assert "--require-hashes" in line or own, line


@pytest.mark.parametrize("tampered", [False, True])
def test_a_package_that_is_not_the_locked_one_is_not_installed(tmp_path, tampered):
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not here; make installs it first")
    wheel = make_wheel(tmp_path)
    locked = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if tampered:
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr("locked_demo/more.py", "print('not what was locked')")
    (tmp_path / "requirements.txt").write_text(f"locked-demo==1.0 --hash=sha256:{locked}\n")
    command = [uv, "pip", "install", "--offline", "--no-index", "--no-cache", "--require-hashes", "--target"]
    command += [str(tmp_path / "site"), "--find-links", str(tmp_path), "-r", str(tmp_path / "requirements.txt")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode != 0) == tampered, result.stderr
    assert (tmp_path / "site/locked_demo").exists() != tampered
    assert not tampered or "hash" in result.stderr.lower()


def make_wheel(folder):
    """The smallest wheel there is."""
    path, information = folder / "locked_demo-1.0-py3-none-any.whl", "locked_demo-1.0.dist-info"
    members = {
        "locked_demo/__init__.py": "",
        f"{information}/METADATA": "Metadata-Version: 2.1\nName: locked-demo\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{name},sha256={digest(text)},{len(text)}" for name, text in members.items()]
    members[f"{information}/RECORD"] = "\n".join([*lines, f"{information}/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
