"""The command ``rate-distortion``: audit a model, begin a study, and see what studies there are and what they cost."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rate_distortion
from rate_distortion.errors import InputError

if TYPE_CHECKING:
    from rate_distortion.studies import Study

DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Exit codes; wrong arguments are 2, as argparse has it."""

STARTER = ("my_study.yaml", "my_networks.py", "README.md")
SCHEMA = "workflow/schemas/config.schema.yaml"
CHECKOUT = ("Snakefile", "config.yaml", SCHEMA)
"""A folder with these files is a checkout."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted.

    Args:
        arguments: without the program's name; None takes those of the process.
    """
    chosen = _parser().parse_args(arguments)
    try:
        chosen.run(chosen)
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader of a pipe has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        if not _for_the_user(error):
            raise
        print(f"rate-distortion: {' '.join(str(error).split())}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("rate-distortion: interrupted", file=sys.stderr)
        return INTERRUPTED
    return DONE


def _for_the_user(error: Exception) -> bool:
    """Whether an error says what the user can put right; any other is a defect, whose traceback is wanted."""
    return isinstance(error, OSError) or type(error).__module__.startswith("rate_distortion.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rate-distortion",
        description="How much a classifier knows of its labels, in bits, and how much of that survives noise.",
    )
    parser.add_argument("--version", action="version", version=f"rate-distortion {rate_distortion.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    audit = _command(
        commands,
        "audit",
        _audit,
        "curves of a trained model under growing noise, as CSV, SVG, PNG and one HTML page",
        "rate-distortion audit --model my_networks:build --weights my.safetensors --data my_images.npz --output audit",
    )
    audit.add_argument(
        "--model",
        required=True,
        metavar="MODULE:FUNCTION",
        help="function of image_shape and classes that returns the torch.nn.Module; imported from this folder, and run",
    )
    audit.add_argument(
        "--weights",
        required=True,
        metavar="FILE",
        help=".safetensors, or a state dict saved with torch.save (read without running code)",
    )
    audit.add_argument(
        "--data",
        required=True,
        metavar="FILE",
        help=".npz with images, labels and, if you like, split; uint8 images are divided by 255, floats are taken as they are",
    )
    audit.add_argument("--output", default="audit", metavar="FOLDER", help="where to write (default: %(default)s)")
    audit.add_argument(
        "--split",
        choices=["test", "train", "all"],
        help="images to take (default: test where the file has a split, else all)",
    )
    audit.add_argument(
        "--classes", type=_whole(1), metavar="N", help="outputs of the model (default: the largest label and one)"
    )
    audit.add_argument("--images", type=_whole(1), default=500, metavar="N", help="most images (default: %(default)s)")
    audit.add_argument(
        "--seed", type=_whole(0), default=0, help="of the images drawn and of the noise (default: %(default)s)"
    )
    audit.add_argument(
        "--batch-size", type=_whole(1), default=500, metavar="N", help="most images at once (default: %(default)s)"
    )
    audit.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="(default: %(default)s)")
    audit.add_argument(
        "--threads",
        type=_whole(1),
        default=1,
        metavar="N",
        help="processor threads (default: %(default)s; small models gain none)",
    )
    audit.add_argument(
        "--no-masking", action="store_true", help="do not ask whether gradient masking makes the curves too good"
    )
    audit.add_argument(
        "--csv-only", action="store_true", help="no pictures and no page, which need matplotlib and seaborn"
    )
    audit.add_argument("--quiet", action="store_true", help="no progress")

    init = _command(
        commands,
        "init",
        _init,
        "write a study of ten lines, a stub of a model and a README; nothing is overwritten",
        "rate-distortion init my_work",
    )
    init.add_argument(
        "folder", nargs="?", default=".", help="where to write; it is made if it is not there (default: here)"
    )

    for name, run, words, example in (
        ("studies", _studies, "what studies a checkout has", "rate-distortion studies"),
        (
            "plan",
            _plan,
            "what a study costs: trainings, hours, disk",
            "rate-distortion plan demo\n  rate-distortion plan mine --configfile my_study.yaml --directory ../rate-distortion",
        ),
    ):
        command = _command(commands, name, run, words, example)
        if name == "plan":
            command.add_argument("study", help="its name")
        command.add_argument("--configfile", metavar="FILE", help="a study file of your own")
        command.add_argument(
            "--directory",
            default=".",
            metavar="FOLDER",
            help="the checkout (default: here); files that a study names are looked for here",
        )
    return parser


def _command(commands: Any, name: str, run: Any, words: str, example: str) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=words,
        description=f"{words[0].upper()}{words[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _whole(smallest: int) -> Callable[[str], int]:
    """A parser of whole numbers from the smallest that is allowed."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < smallest:
            raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, {smallest} or more")
        return int(text)

    return parse


def _audit(chosen: argparse.Namespace) -> None:
    if not chosen.csv_only:
        _require("matplotlib", "seaborn", extra="page", instead="or pass --csv-only")
    sys.path.insert(0, os.getcwd())  # as `python -m` does, so that the module beside the data is found
    import torch

    from rate_distortion.models import convolutional
    from rate_distortion.models.weights import load_weights
    from rate_distortion.own_audit import audit, read_images

    torch.set_num_threads(chosen.threads)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device is cuda, and torch finds no CUDA device here; leave it out or use cpu")
    device = "cuda" if chosen.device == "auto" and torch.cuda.is_available() else chosen.device.replace("auto", "cpu")
    data = read_images(chosen.data, chosen.split)
    settings = convolutional.ModelSettings(factory=chosen.model)
    classes = chosen.classes or data.classes
    model = convolutional.build(settings, tuple(data.images.shape[1:]), classes, torch.Generator()).to(device)
    load_weights(model, chosen.weights)
    _make_folder(chosen.output)  # before a minute of work
    weights = next((tensor for tensor in model.state_dict().values() if tensor.is_floating_point()), torch.empty(0))
    result = audit(
        model,
        torch.from_numpy(data.images).to(device, weights.dtype),
        data.labels,
        most_images=chosen.images,
        masking_images=0 if chosen.no_masking else 200,
        batch_size=chosen.batch_size,
        seed=chosen.seed,
        progress=not chosen.quiet,
    )
    result = result.with_facts(
        model=chosen.model,
        weights=Path(chosen.weights).name,
        data=f"{Path(chosen.data).name}, {data.split}; {data.scaling}",
    )
    written = result.write(chosen.output, chosen.model, draw=not chosen.csv_only)
    for row in result.summary.to_dict("records"):
        print(
            f"{row['noise']:8} accuracy {row['clean_accuracy_percent']:.1f} %, {row['clean_information_bits']:.2f} bits "
            f"without noise; half of the bits left at {row['half_information_snr_db']:.1f} dB"
        )
    print(result.confidence)
    print("\n".join(map(str, written)))


def _make_folder(path: str | Path) -> None:
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{path} is a file or inside one, and it must be a folder; name another") from error


def _init(chosen: argparse.Namespace) -> None:
    folder = Path(chosen.folder)
    taken = [name for name in STARTER if (folder / name).exists()]
    if taken:
        raise InputError(f"{folder / taken[0]} is there already, and nothing is overwritten: name an empty folder")
    _make_folder(folder)
    for name in STARTER:
        text = resources.files("rate_distortion").joinpath("starter", name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


def _studies(chosen: argparse.Namespace) -> None:
    for name, study in _loaded(chosen).items():
        data = study.config["data"]["dataset"]
        print(
            f"{name:12} {len(study.runs()):4} trainings on {data}, {len(study.config['seeds'])} seeds: {study.config['title']}"
        )


def _plan(chosen: argparse.Namespace) -> None:
    from rate_distortion.studies import planning

    studies = _loaded(chosen)
    if chosen.study not in studies:
        raise InputError(f"there is no study {chosen.study!r} here; there are {', '.join(studies)}")
    print(planning.markdown(studies[chosen.study]))


def _loaded(chosen: argparse.Namespace) -> Mapping[str, Study]:
    """Every study of the checkout and of the user's file, merged and checked."""
    folder = Path(chosen.directory)
    missing = [name for name in CHECKOUT if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder.resolve()} is no checkout of rate-distortion ({missing[0]} is missing): change into the folder of the "
            "Snakefile, or name it with --directory"
        )
    _require("yaml", "jsonschema", extra="workflow")
    from rate_distortion import studies
    from rate_distortion.studies import reading

    own = reading.read(chosen.configfile) if chosen.configfile else {}
    sys.path.append(os.getcwd())  # where the networks of a study are looked for
    return studies.load(reading.laid_over(reading.read(folder / "config.yaml"), own), reading.read(folder / SCHEMA))


def _require(*modules: str, extra: str, instead: str = "") -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            remedy = f"pip install 'rate-distortion[{extra}]'" + (f", {instead}" if instead else "")
            raise InputError(f"{error.name} is not installed, which this command needs: {remedy}") from error


if __name__ == "__main__":
    sys.exit(main())
