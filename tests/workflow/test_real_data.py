"""Real data through the pipeline, where they lie beside the checkout: MNIST from a mirror on loopback, and SVHN crops."""

import functools
import http.server
import json
import threading

import numpy as np
import pytest
import yaml

STUDY = {
    "extends": "demo",
    "title": "Real MNIST",
    "seeds": [1],
    "data": {
        "dataset": "mnist",
        "image_size": 32,
        "train_images": None,
        "test_images": None,
        "validation_images": 1000,
        "extra_images": None,
    },
    "training": {"epochs": 4, "history_points": 2},
    "models": {"B": {"weight_decay": 0.001}, "B+": None, "A+": None},
    "calibration": None,
    "perturbations": None,
    "reverse_transmission": None,
    "attack_audit": None,
    "transfer": None,
    "tables": {"table1": {"A": [128], "B": [64], "C": None}, "table2": None, "further_models": None},
    "figures": {"figure4": {"batch_size": 64}, "figure5": None},
}


@pytest.fixture
def mirror(shared_data):
    """The four MNIST files on loopback; yields the address and the list of requested paths."""
    requested = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            requested.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(shared_data / "mnist"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requested
        server.shutdown()


@pytest.mark.slow
def test_mnist_is_downloaded_verified_whitened_and_learned_to_98_percent(project, mirror):
    address, requested = mirror
    project.edit_config(lambda c: (c["mirrors"].update(mnist=[address]), c["studies"].update(real_mnist=STUDY)))
    run = "results/real_mnist/runs/cnn/B/batch64/original/seed1"
    project.snakemake("--cores", "2", f"{run}/metrics.json")
    assert len(requested) == 4
    metrics = json.loads((project.folder / run / "metrics.json").read_text())
    assert (metrics["train_images"], metrics["test_images"]) == (59_000, 10_000)
    assert metrics["test_accuracy"] > 98
    images = np.load(project.folder / "results/real_mnist/data/mnist/train/images.npy", mmap_mode="r")
    assert np.trace(np.cov(images.reshape(len(images), -1)[::7].T)) == pytest.approx(400, rel=0.05)
    provenance = json.loads((project.folder / run / "provenance.json").read_text())
    assert provenance["sources_md5"]["train-images-idx3-ubyte.gz"] == "f68b3c2dcbeaaa9fbdd348bbdeb94873"


@pytest.mark.slow
def test_a_model_of_procedural_street_numbers_reads_real_svhn_crops(project, shared_data):
    """An outside check on the stand-in: crops that nothing was fitted to, read far above the 10 percent of chance."""
    with np.load(shared_data / "svhn_train_first1083_rgb.npz", allow_pickle=False) as stored:
        crops, labels = stored["X"], stored["y"].astype(np.int64)
    split = np.where(np.arange(len(labels)) < 542, "train", "test")
    np.savez(project.folder / "crops.npz", images=crops, labels=labels, split=split)
    study = {
        "extends": "demo",
        "title": "Trained on procedural street numbers",
        "seeds": [1],
        "attack_audit": None,
        "data": {"train_images": 3000, "validation_images": 500},
        "training": {"epochs": 15, "history_points": 2},
        "models": {"B": {"weight_decay": 0.01}},
        "calibration": None,
    }
    (project.folder / "crops.yaml").write_text(yaml.safe_dump({"studies": {"crops": study}}))
    run = "results/crops/runs/cnn/B/batch128/original/seed1"
    project.snakemake("--configfile", "crops.yaml", "--cores", "2", f"{run}/metrics.json")
    from rate_distortion.datasets import whitening
    from rate_distortion.probes import probing
    from rate_distortion.training.evaluation import predict, torch

    data = project.folder / "results/crops/data/house_numbers"
    model = probing.open_model(project.folder / run, data, {"device": "cpu", "threads": 1})
    whitened = whitening.Whitening.load(data / "whitening.npz")(crops[542:])
    read = predict(model, torch.from_numpy(whitened)).argmax(1).numpy()
    assert 100 * (read == labels[542:]).mean() > 40
