"""A person's own model, from an .npz to curves and a page, without a study: the library and the command."""

from __future__ import annotations

import importlib
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas
import pytest
import safetensors.torch
import torch
from torch import nn

import rate_distortion
from rate_distortion import command_line
from rate_distortion.analysis import signal_to_noise
from rate_distortion.errors import InputError
from rate_distortion.own_audit import audit, read_images

ROOT = Path(__file__).parents[2]
WRITTEN = ["curves.csv", "summary.csv", "masking.csv", "curves.svg", "curves.png", "audit.html"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Networks this small gain nothing from more, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def stripes(count=90, side=6):
    """Images with one bright third, whose place is the label."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = rng.integers(0, 60, (count, side, side), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 150
    return images, labels


class Template(nn.Module):
    """Logits are 100 times the mean brightness of each third, so that the runner-up alone matters to the gradient.

    ``behind`` is applied to the images first.
    """

    def __init__(self, behind=None):
        super().__init__()
        self.behind = behind or nn.Identity()
        self.dense = nn.Linear(36, 3)
        with torch.no_grad():
            self.dense.bias.zero_()
            self.dense.weight.copy_(100 * torch.eye(3).repeat_interleave(12, 1) / 12)

    def forward(self, images):
        return self.dense(self.behind(images).flatten(1))


class Divided(nn.Module):
    """Pixels from 0 to 255 brought to [0, 1] by the model itself."""

    def forward(self, images):
        return images / 255


class Steps(nn.Module):
    """Eight grey levels: a step function, which has no gradient."""

    def forward(self, images):
        return torch.round(images * 8) / 8


def floats():
    images, labels = stripes()
    return images[:, None].astype(np.float64) / 255, labels


def test_an_audit_measures_what_geometry_says():
    images, labels = floats()
    result = audit(Template(), images, labels, masking_images=0)
    assert set(result.curves["noise"]) == {"l2", "linf", "gaussian"}
    assert (result.summary["clean_accuracy_percent"] == 100).all()
    assert result.summary["clean_information_bits"].to_numpy() == pytest.approx(np.log2(3), abs=0.1)
    # Two classes meet where the mean brightness of their thirds does: the L2 distance is the margin over |w_y - w_j|.
    thirds = images.reshape(90, 3, 12).mean(2)
    margins = thirds[np.arange(90), labels] - np.sort(thirds, 1)[:, -2]
    ratios = signal_to_noise.one_plus_db(np.linalg.norm(images.reshape(90, -1), axis=1), margins / np.sqrt(2 / 12))
    half = result.curves[(result.curves["noise"] == "l2") & (result.curves["accuracy_percent"] <= 50)]["snr_db"].max()
    assert half == pytest.approx(np.median(ratios), abs=1.5)
    finite = result.curves[np.isfinite(result.curves["snr_db"])]
    assert finite["snr_db"].max() < 61
    assert (finite["plain_snr_db"] < finite["snr_db"]).all()
    assert (result.masked, len(result.masking)) == (None, 0)


def test_the_scale_of_the_pixels_does_not_matter():
    images, labels = floats()
    one = audit(Template(), images, labels, masking_images=0).summary
    many = audit(Template(Divided()), images * 255, labels, masking_images=0).summary
    pandas.testing.assert_frame_equal(one, many, rtol=0.02)


def test_gradient_masking_is_noticed_and_an_honest_model_is_not_accused():
    images, labels = floats()
    honest, masked = (audit(Template(behind), images, labels) for behind in (None, Steps()))
    assert honest.masked is False
    assert honest.confidence.startswith("No sign of gradient masking")
    assert masked.masked is True
    assert "exactly zero" in masked.confidence
    assert set(honest.masking["attack"]) == {"plain", "authors", "margin_loss", "gaussian", "random_start"}
    assert honest.masking["plain_snr_db"].unique() == pytest.approx([29.72, 19.08, 6.70])


def test_what_a_model_returns_is_looked_at_before_any_sweep(caplog):
    images, labels = floats()
    result = audit(nn.Sequential(Template(), nn.Softmax(1)), images, labels, masking_images=0)
    assert "look like probabilities" in result.facts["caution"]
    assert "look like probabilities" in caplog.text
    for model, message in (
        (
            nn.Sequential(nn.Flatten(), nn.Linear(7, 3)),
            "the model fails on images of shape (2, 1, 6, 6) (RuntimeError: ",
        ),
        (nn.Sequential(nn.Flatten(), nn.Linear(36, 2)), "labels is 2: the model has 2 classes"),
    ):
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            audit(model, images, labels)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="every image is black"):
        audit(Template(), images * 0, labels)


def test_the_model_is_left_as_it_was_but_in_evaluation_mode():
    images, labels = floats()
    model = nn.Sequential(Template(), nn.Dropout(0.5))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        audit(model, images, labels, masking_images=0)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not model.training
    assert not model._forward_hooks


def test_what_is_written(tmp_path):
    images, labels = floats()
    result = audit(Template(), images, labels, masking_images=20)
    written = result.write(tmp_path / "out", "<mine> & yours")
    assert [path.name for path in written] == WRITTEN == [path.name for path in written if path.stat().st_size]
    page = (tmp_path / "out/audit.html").read_text()
    assert "&lt;mine&gt; &amp; yours" in page
    assert "<mine>" not in page
    assert "plain_snr_db" in page
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", page), "the page needs no other file"
    assert "<svg" in page
    assert "the usual ratio, 20 log₁₀(‖x‖ / ‖δ‖)" in (tmp_path / "out/curves.svg").read_text()
    read = pandas.read_csv(tmp_path / "out/curves.csv")
    assert {"noise", "snr_db", "plain_snr_db", "accuracy_percent", "information_bits", "floor_bits"} <= set(read)
    assert "plain_snr_db" in pandas.read_csv(tmp_path / "out/masking.csv")
    again = tmp_path / "again"
    result.write(again, "<mine> & yours")
    assert (again / "curves.svg").read_bytes() == (tmp_path / "out/curves.svg").read_bytes()
    assert [path.name for path in result.write(tmp_path / "csv", draw=False)] == WRITTEN[:3]


@pytest.mark.parametrize(
    ("array", "shape", "first"),
    [
        (np.full((4, 6, 6), 51, np.uint8), (4, 1, 6, 6), 0.2),
        (np.full((4, 6, 6, 3), 51, np.uint8), (4, 3, 6, 6), 0.2),
        (np.full((4, 6, 6, 1), 51, np.uint8), (4, 1, 6, 6), 0.2),
        (np.full((4, 6, 6), -1.5), (4, 1, 6, 6), -1.5),
        (np.full((4, 1, 6, 6), -1.5, np.float32), (4, 1, 6, 6), -1.5),
        (np.full((4, 6, 6, 3), -1.5), (4, 3, 6, 6), -1.5),
        (np.full((4, 8, 6, 6), -1.5), (4, 8, 6, 6), -1.5),
    ],
)
def test_images_are_read_as_a_model_takes_them(tmp_path, array, shape, first):
    np.savez(tmp_path / "a.npz", images=array, labels=[0, 1, 1, 2], split=["train", "test", "train", "test"])
    read = read_images(tmp_path / "a.npz", "all")
    assert (read.images.shape, read.images.dtype) == (shape, np.float32)
    assert read.images.ravel()[0] == pytest.approx(first)
    assert read.labels.tolist() == [0, 1, 1, 2]
    test = read_images(tmp_path / "a.npz")
    assert (test.split, test.labels.tolist(), test.classes) == ("test", [1, 2], 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, "has no array 'labels'; it has 'images'"),
        ({"labels": np.eye(4, dtype=int)}, "it must be 4 integers, one per image; of one-hot labels, labels.argmax(1)"),
        ({"labels": np.array([0.0, 1, 2, 0])}, "labels in"),
        ({"labels": np.array([0, 1, -1, 0])}, "must number the classes 0, 1, 2"),
        ({"images": np.zeros((4, 6, 6), np.int64)}, "is of type int64; it must be uint8"),
        ({"images": np.full((4, 6, 6), np.nan)}, "holds values that are not finite"),
        ({"images": np.zeros((4, 36), np.uint8)}, "has shape (4, 36); it must be (N, H, W)"),
        ({"images": np.array([None] * 4)}, "is damaged or has arrays of Python objects"),
        ({"split": np.array(["train"] * 4)}, "puts no image into 'test'"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_sentence(tmp_path, change, message):
    arrays = {"images": np.zeros((4, 6, 6), np.uint8), "labels": np.array([0, 1, 2, 0])} | change
    np.savez(tmp_path / "a.npz", **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(InputError, match=re.escape(message)):
        read_images(tmp_path / "a.npz")


# The command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with the starter's files, images and weights of its network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert command_line.main(["init", "."]) == 0
    sys.modules.pop("my_networks", None)
    images, labels = stripes()
    np.savez("my_images.npz", images=images, labels=labels)
    sys.path.insert(0, str(tmp_path))
    torch.manual_seed(0)
    model = importlib.import_module("my_networks").build((1, 6, 6), 3)
    safetensors.torch.save_file(model.state_dict(), "my.safetensors")
    yield tmp_path
    sys.modules.pop("my_networks", None)


AUDIT = ["audit", "--model", "my_networks:build", "--weights", "my.safetensors", "--data", "my_images.npz"]


def test_the_command_audits_from_files_to_a_page(folder, capsys):
    assert command_line.main([*AUDIT, "--output", "here"]) == 0
    printed = capsys.readouterr()
    assert "half of the bits left at" in printed.out
    assert "here/audit.html" in printed.out
    assert "100%" in printed.err, "progress"
    assert sorted(path.name for path in (folder / "here").iterdir()) == sorted(WRITTEN)
    assert "my.safetensors" in (folder / "here/audit.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights", "absent.pt"], "absent.pt does not exist"),
        (["--data", "absent.npz"], "absent.npz does not exist"),
        (["--model", "my_networks:absent"], "model factory 'my_networks:absent' cannot be imported"),
        (["--model", "torch.nn:Linear"], "model factory 'torch.nn:Linear' fails (TypeError"),
        (["--model", "my_networks"], "model factory 'my_networks' names no function; write it as module:function"),
        (["--output", "my.safetensors"], "my.safetensors is a file or inside one, and it must be a folder"),
        (["--classes", "4"], "do not fit the model: 3.bias has shape (3,) in the file and (4,) in the model"),
        (["--split", "test"], "my_images.npz has no array split"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_exit_code_1(folder, capsys, arguments, message):
    assert command_line.main([*AUDIT, *arguments]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("rate-distortion: ")
    assert printed.count("\n") == 1
    assert not (folder / "audit").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["audit"],
        ["plan"],
        ["audit", "--images", "0"],
        ["audit", "--images", "x"],
        ["audit", "--seed", "-1"],
        ["nonsense"],
    ],
)
def test_wrong_arguments_end_with_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.main(arguments)
    assert caught.value.code == 2
    assert "usage: rate-distortion" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["audit", "init", "studies", "plan"])
def test_help_of_every_command_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.main([command, "--help"])
    assert caught.value.code == 0
    assert f"example:\n  rate-distortion {command}" in capsys.readouterr().out


def test_init_overwrites_nothing(folder, capsys):
    (folder / "my_networks.py").write_text("mine")
    (folder / "my_study.yaml").unlink()
    assert command_line.main(["init"]) == 1
    assert "my_networks.py is there already" in capsys.readouterr().err
    assert (folder / "my_networks.py").read_text() == "mine"
    assert not (folder / "my_study.yaml").exists()


def test_studies_and_plans_of_a_checkout(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    (tmp_path / "mine.yaml").write_text("studies: {mine: {extends: ci, seeds: [7, 8]}}")
    assert command_line.main(["studies", "--configfile", str(tmp_path / "mine.yaml")]) == 0
    shown = capsys.readouterr().out
    assert {"demo", "ci", "paper", "mine"} <= {line.split()[0] for line in shown.splitlines()}
    assert command_line.main(["plan", "ci"]) == 0
    assert capsys.readouterr().out.startswith("# Plan of study ci")
    assert command_line.main(["plan", "nothing"]) == 1
    assert "there is no study 'nothing' here; there are " in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert command_line.main(["plan", "ci", "--directory", str(ROOT)]) == 0
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)
    assert command_line.main(["studies"]) == 1
    assert "is no checkout of rate-distortion (Snakefile is missing): change into" in capsys.readouterr().err


def test_control_c_ends_without_a_traceback(folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "rate_distortion.command_line", *AUDIT, "--images", "90"]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background would ignore it
    ) as process:
        process.stderr.read(20)  # the bar is there
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in printed
    assert "rate-distortion: interrupted" in printed


# The package


def test_public_names_are_there_when_they_are_asked_for_and_cost_nothing_before():
    program = (
        "import sys, rate_distortion\n"
        "assert set(rate_distortion.__all__) <= set(dir(rate_distortion))\n"
        "assert not {'torch', 'numpy', 'pandas'} & set(sys.modules), 'importing the package is light'\n"
        "for name in rate_distortion.__all__: getattr(rate_distortion, name)\n"
        "assert not {'matplotlib', 'yaml', 'sklearn', 'torchvision', 'snakemake'} & set(sys.modules)\n"
        "from rate_distortion import audit, sweep, mutual_information, choose_weight_decay\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=os.environ | {"PYTHONPATH": str(ROOT / "src")})
    assert rate_distortion.sweep.__module__ == "rate_distortion.probes.perturbations"
    with pytest.raises(AttributeError, match="nothing"):
        _ = rate_distortion.nothing


@pytest.mark.slow
def test_the_reference_builds_without_warnings(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-W", "error::UserWarning", ROOT / "docs/make_api.py", tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    for page in ("rate_distortion.html", "rate_distortion/probes/perturbations.html", "rate_distortion/own_audit.html"):
        assert (tmp_path / page).stat().st_size > 1000
