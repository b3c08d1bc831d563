"""What of the machine would stop Snakemake or every job, said in one sentence before Snakemake starts to work.

The default profile (``profiles/default``) calls :func:`check_or_exit` and :func:`say_interruption`.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import sys
from pathlib import Path
from types import TracebackType

from rate_distortion.errors import InputError

WORKING_MEMORY_BYTES = 3 * 10**8
"""Address space of a small job beside the libraries that it loads."""


class MachineError(InputError):
    """A folder or a limit with which nothing can run. The message is one sentence for the user."""


def check(folder: str | Path = ".") -> None:
    """Refuse what would end in a traceback of Snakemake's or of every job's.

    Args:
        folder: where Snakemake is started.

    Raises:
        MachineError: a path with braces, a cache folder that cannot be written, a file in place of a folder, or too little
            address space for torch.
    """
    folder = Path(folder).resolve()
    if "{" in str(folder) or "}" in str(folder):
        raise MachineError(
            f"the folder {folder} has a brace in its path, which Snakemake takes for a wildcard; move or rename it"
        )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    try:
        cache.mkdir(parents=True, exist_ok=True)
        writable = os.access(cache, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise MachineError(
            f"the folder {cache}, in which Snakemake keeps its cache, cannot be written: set XDG_CACHE_HOME to one that can"
        )
    for name in ("results", "data", "logs"):
        if (folder / name).exists() and not (folder / name).is_dir():
            raise MachineError(f"{folder / name} is a file, and it must be a folder: move it away")
    limit, needed = resource.getrlimit(resource.RLIMIT_AS)[0], _address_space()
    if limit != resource.RLIM_INFINITY and limit < needed:
        raise MachineError(
            f"a process may use {limit / 1e9:.1f} GB of address space (ulimit -v), and torch needs {needed / 1e9:.1f} GB to be "
            "loaded and work: raise the limit, or remove it with ulimit -v unlimited"
        )


def check_folders() -> None:
    """Refuse folders of the project that cannot be written, where Snakemake itself would end in a traceback.

    Raises:
        MachineError: names the folder.
    """
    folders = [Path(name) for name in ("results", "data", "logs")] + sorted(Path("results").glob("*/"))
    for folder in folders:
        if folder.exists() and not os.access(folder, os.W_OK):
            raise MachineError(
                f"the folder {folder.resolve()} cannot be written: make it writable, or work in a copy of the project that is"
            )


def put_first(library: str) -> None:
    """Put a library first on the path of every process that is started from here, whatever the environment has installed.

    The working folder comes last, here as well: a user's networks are looked for where Snakemake is started.
    """
    others = os.environ.get("PYTHONPATH", library).split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([library, *others, os.getcwd()]))
    sys.path.append(os.getcwd())


def check_or_exit() -> None:
    """As :func:`check` for the working directory; an error ends the process with its sentence."""
    try:
        check()
    except MachineError as error:
        sys.exit(f"Cannot start: {error}")


def say_interruption() -> None:
    """From here on, Ctrl-C while Snakemake plans ends with one sentence and not with the place where it was."""
    others = sys.excepthook

    def say(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("stopped by Ctrl-C: run the same command again", file=sys.stderr)
        else:
            others(kind, error, place)

    sys.excepthook = say


def _address_space() -> int:
    """Bytes that a process with torch needs at least: its libraries, which are found and not loaded, and some memory."""
    torch = importlib.util.find_spec("torch")
    places = list(torch.submodule_search_locations or ()) if torch else []
    libraries = [file for place in places for file in Path(place, "lib").glob("*.so*")]
    # A build for GPUs loads those of its neighbours, too.
    libraries += [file for place in places for file in Path(place).parent.glob("nvidia/*/lib/*.so*")]
    return sum(file.stat().st_size for file in libraries) + WORKING_MEMORY_BYTES
