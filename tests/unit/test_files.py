"""Files: whole or absent, and read back whole or refused with one sentence."""

import errno
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from rate_distortion.datasets import prepared_data
from rate_distortion.storage import files, job_log, provenance
from rate_distortion.storage.files import DamagedFileError, MissingFileError, UnwritableFileError


@pytest.mark.parametrize("number", sorted(files.REMEDIES))
def test_what_hinders_writing_is_named_with_its_remedy_and_the_old_file_stays(tmp_path, monkeypatch, number):
    path = tmp_path / "metrics.json"
    files.write_text(path, "old")

    def fails(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", fails)
    with pytest.raises(UnwritableFileError) as caught:
        files.write_text(path, "new")
    assert str(caught.value).startswith(f"{path} could not be written ({os.strerror(number)}): ")
    assert str(caught.value).endswith("and run the same command again")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("metrics.json", "old")]


def test_an_error_that_has_nothing_to_do_with_writing_stays_what_it_is(tmp_path):
    with pytest.raises(OSError, match="not a gzip file"), files.completed(tmp_path / "unpacked"):
        raise OSError("not a gzip file")
    with pytest.raises(ZeroDivisionError), files.completed(tmp_path / "unpacked"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"[1]", b"\xff\xfe", b"nul"])
def test_a_damaged_record(tmp_path, content):
    (tmp_path / "metrics.json").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"metrics\.json is damaged \(.+\): delete it and run the same command"):
        files.read_json(tmp_path / "metrics.json")


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n", b"a,b\n1,2\n3", b"a,b\n1,2\n3\n", b"a,b\n1,2,3\n", b"a,b\n\xff,2\n"]
)
def test_a_damaged_table(tmp_path, content):
    """pandas alone would fill what is missing with NaN."""
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"history\.csv is damaged"):
        files.read_table(tmp_path / "history.csv")


def test_a_table_comes_back(tmp_path):
    files.write_rows(tmp_path / "history.csv", [{"epoch": 1, "note": "a, b"}, {"epoch": 2, "note": ""}])
    table = files.read_table(tmp_path / "history.csv", keep_default_na=False)
    assert table.to_dict("records") == [{"epoch": 1, "note": "a, b"}, {"epoch": 2, "note": ""}]


def test_arrays_truncated_or_with_any_byte_changed_are_refused_or_unharmed(tmp_path):
    path, array = tmp_path / "predictions.npz", np.arange(20.0)
    files.write_arrays(path, a=array)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedFileError, match=r"predictions\.npz is damaged"):
            files.read_arrays(path)
    refused = 0
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0x11]) + content[position + 1 :])
        try:
            assert all((found == array).all() for found in files.read_arrays(path).values())
        except DamagedFileError:
            refused += 1
    assert refused > len(content) // 2


def test_a_file_that_is_not_there_is_not_called_damaged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for read in (files.read_json, files.read_table, files.read_arrays, provenance.verified):
        with pytest.raises(
            MissingFileError, match=r"^results/absent is not there: `snakemake --cores 1 results/absent`"
        ):
            read("results/absent")
        with pytest.raises(MissingFileError, match=r"absent is not there$"):
            read(tmp_path / "absent")


def test_a_writer_that_was_overtaken_writes_into_no_file_of_its_successor(tmp_path):
    with files.completed(tmp_path / "record.csv") as temporary, temporary.open("w") as overtaken:
        overtaken.write("old")
        with files.completed(tmp_path / "record.csv") as successor:
            successor.write_text("new")
        overtaken.write(" and older")
        overtaken.flush()
        assert (tmp_path / "record.csv").read_text() == "new"
        temporary.write_text("the context ends with a file")


def test_truncated_images_are_refused_when_they_are_opened(tmp_path):
    images, labels = np.zeros((10, 1, 8, 8), np.float32), np.zeros(10, np.int64)
    (tmp_path / "train").mkdir()
    np.save(tmp_path / "train/images.npy", images)
    np.save(tmp_path / "train/labels.npy", labels)
    prepared_data.load(tmp_path, "train")
    content = (tmp_path / "train/images.npy").read_bytes()
    (tmp_path / "train/images.npy").write_bytes(content[:-1])
    with pytest.raises(DamagedFileError, match=r"images\.npy is damaged"):
        prepared_data.load(tmp_path, "train")
    np.save(tmp_path / "train/images.npy", images[:9])
    with pytest.raises(DamagedFileError, match=r"9 images, and labels\.npy 10 labels"):
        prepared_data.load(tmp_path, "train")


def test_a_file_is_verified_against_the_record_of_its_run(tmp_path):
    files.write_text(tmp_path / "history.csv", "epoch\n1\n")
    checksums = provenance.outputs_sha256([tmp_path / "history.csv"])
    files.write_json(tmp_path / provenance.RECORD, {"outputs_sha256": checksums})
    assert provenance.verified(tmp_path / "history.csv") == tmp_path / "history.csv"
    files.write_text(tmp_path / "history.csv", "epoch\n7\n")
    with pytest.raises(DamagedFileError, match=r"its checksum is not the one in provenance\.json"):
        provenance.verified(tmp_path / "history.csv")
    files.write_text(tmp_path / "other.csv", "not listed")
    provenance.verified(tmp_path / "other.csv")


ERRORS = {
    "MemoryError()": "stopped: the memory that this job may use is not enough (MemoryError)",
    "RuntimeError('[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can\\'t allocate memory')": "mem_mb",
    "RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')": "mem_mb",
    f"OSError({errno.ENOMEM}, 'Cannot allocate memory')": "mem_mb",
    "InputError('components is 1000')": "stopped: components is 1000\n",
    f"PermissionError({errno.EACCES}, 'Permission denied', 'x.csv')": "stopped: [Errno 13] Permission denied: 'x.csv'\n",
    f"UnwritableFileError({errno.ENOSPC}, 'x.csv could not be written')": "stopped: x.csv could not be written\n",
    "KeyError('a defect')": "failed with KeyError: 'a defect'; this was not foreseen\nTraceback",
    "ValueError('a defect')": "failed with ValueError: a defect; this was not foreseen\nTraceback",
    f"FileNotFoundError({errno.ENOENT}, 'No such file', 'defect.csv')": "failed with FileNotFoundError: [Errno 2] No such",
}


@pytest.mark.parametrize("error", ERRORS)
def test_a_failure_is_one_sentence_and_a_defect_keeps_its_traceback(tmp_path, error):
    program = (
        "import sys\nfrom rate_distortion.errors import InputError\n"
        "from rate_distortion.storage.files import UnwritableFileError\n"
        "from rate_distortion.storage.job_log import job_log\n"
        f"with job_log(sys.argv[1]):\n    raise {error}"
    )
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path / "job.log")], capture_output=True, text=True)
    assert result.returncode == 1
    text = (tmp_path / "job.log").read_text()
    assert ERRORS[error] in text
    assert ("Traceback" in text) == ("defect" in error)


def test_a_log_ends_with_the_time_and_the_peak_memory_of_its_job(tmp_path):
    path = tmp_path / "job.log"
    program = (
        "import sys\nfrom rate_distortion.storage.job_log import job_log\n"
        "with job_log(sys.argv[1]):\n    bytearray(b'x' * 2**28)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    found = re.search(r"finished in [\d.]+ s, [\d.]+ s of processor time, at most ([\d.]+) GiB$", path.read_text())
    assert 0.5 <= float(found[1]) < 1  # the bytes and their copy, 0.25 GiB each


def test_a_log_that_cannot_be_written_does_not_stop_the_job(tmp_path):
    program = "import sys\nfrom rate_distortion.storage.job_log import job_log\nwith job_log(sys.argv[1]):\n    print('worked')"
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "absent/job.log")], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (0, "worked\n")
    assert job_log.ALLOCATION_FAILED.search("out of memory")
