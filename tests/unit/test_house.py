"""How the library is built: packages in one order, none of which imports a later one."""

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src/rate_distortion"
ORDER = (
    *(
        "errors",
        "seeds",
        "storage",
        "information",
        "analysis",
        "datasets",
        "models",
        "training",
        "probes",
        "studies",
        "claims",
    ),
    *("figures", "tables", "page", "own_audit", "command_line", "__init__"),
)
"""docs/architecture.md says what each is for."""


def imported(tree):
    """The parts of the library that a module imports, inside its functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "rate_distortion":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rate_distortion."):
            yield node.module.split(".")[1]


MODULES = [
    path for path in sorted(SOURCES.rglob("*.py")) if "starter" not in path.parts
]  # what `rate-distortion init` writes


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_no_import_runs_upwards(path):
    place = ORDER.index(path.relative_to(SOURCES).parts[0].removesuffix(".py"))
    assert not [name for name in imported(ast.parse(path.read_text())) if ORDER.index(name) > place]


@pytest.mark.parametrize(
    "package", [path.parent for path in sorted(SOURCES.glob("*/__init__.py"))], ids=lambda p: p.name
)
def test_a_package_says_what_belongs_there(package):
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
