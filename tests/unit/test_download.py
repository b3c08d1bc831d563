"""Downloads against a web server on loopback that misbehaves on demand."""

import base64
import contextlib
import hashlib
import http.server
import io
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from rate_distortion.datasets import download
from rate_distortion.datasets.download import DownloadError, RemoteFile, fetch, fetch_all
from rate_distortion.storage import run_lock

CONTENT = bytes(range(251)) * 4000  # about 1 MB, no period that a power of two divides
FILE = RemoteFile("numbers.bin", hashlib.md5(CONTENT).hexdigest(), len(CONTENT))


class Mirror(http.server.ThreadingHTTPServer):
    """Serves ``content`` at every path, with ranges. ``script`` holds one fault per coming request, ``None`` for none.

    Faults: ``status`` (answer that), ``cut`` (hang up after so many bytes), ``stall`` (send so many bytes, then nothing),
    ``hold`` (be silent until told), ``ignore_range`` (200 and everything), ``shift_range`` (206 from another place),
    ``no_length``, ``content`` (send that).
    """

    daemon_threads = True

    def __init__(self, content=CONTENT, script=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.script = content, list(script)
        self.ranges = []  # the Range header of each request
        self.paths = []
        self.authorizations = set()
        self.sent = 0
        self.hold = threading.Event()  # what the faults "hold" and "stall" wait for
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/folder/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        fault = (server.script.pop(0) if server.script else None) or {}
        server.ranges.append(asked)
        server.paths.append(self.path)
        server.authorizations.add(self.headers.get("Authorization"))
        if fault.get("hold"):
            server.hold.wait(10)
        if "status" in fault:
            self.send_error(fault["status"])
            return
        content = fault.get("content", server.content)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and not fault.get("ignore_range") else 0
        if asked and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start += fault.get("shift_range", 0) if asked else 0
        body = content[start:]
        self.send_response(206 if asked and not fault.get("ignore_range") else 200)
        if asked and not fault.get("ignore_range"):
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if not fault.get("no_length"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # whoever has seen enough hangs up
            for begin in range(0, len(body := body[: fault.get("cut", fault.get("stall"))]), 1 << 20):
                server.sent += self.wfile.write(body[begin : begin + (1 << 20)])
        if "stall" in fault:
            self.wfile.flush()
            server.hold.wait(10)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(monkeypatch):
    """A function that starts mirrors; all are stopped after the test."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    started = []

    def start(*arguments, **keywords):
        started.append(Mirror(*arguments, **keywords))
        return started[-1]

    yield start
    for server in started:
        server.hold.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def dead_address():
    """An address at which nobody listens."""
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_port
    return f"http://127.0.0.1:{port}/"


def part_of(folder, content=None):
    """Where the bytes on their way lie; with ``content``, as an interrupted download left them."""
    part = folder / f".{FILE.name}.download/part"
    if content is not None:
        part.parent.mkdir(parents=True)
        part.write_bytes(content)
    return part


def visible_files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_download_has_its_name_and_leaves_nothing_else(mirror, tmp_path):
    server = mirror()
    path = fetch(FILE, tmp_path / "made" / "here", [server.url])
    assert path == tmp_path / "made" / "here" / FILE.name
    assert path.read_bytes() == CONTENT
    assert visible_files(path.parent) == [FILE.name]
    assert server.paths == ["/folder/numbers.bin"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_may_end_with_a_slash_or_not(mirror, tmp_path, slash):
    server = mirror()
    fetch(FILE, tmp_path, [server.url.rstrip("/") + slash])
    assert server.paths == ["/folder/numbers.bin"]


def test_a_file_that_is_there_needs_no_network(mirror, dead_address, tmp_path):
    (tmp_path / FILE.name).write_bytes(CONTENT)
    server = mirror()
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert fetch(FILE, tmp_path, [dead_address]) == fetch(FILE, tmp_path, [])
    assert server.ranges == []
    assert [path.name for path in tmp_path.iterdir()] == [FILE.name]


def test_a_wrong_file_in_place_is_replaced_only_by_the_right_one(mirror, tmp_path):
    (tmp_path / FILE.name).write_bytes(b"mine")
    with pytest.raises(DownloadError, match="in place of the file there"):
        fetch(FILE, tmp_path, [mirror(script=[{"status": 503}]).url])
    assert (tmp_path / FILE.name).read_bytes() == b"mine"
    fetch(FILE, tmp_path, [mirror().url])
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


def test_a_truncated_download_never_gets_the_name_and_is_continued(mirror, tmp_path):
    server = mirror(script=[{"cut": 300_000}, {"status": 503}])
    with pytest.raises(DownloadError, match=r"numbers\.bin could not be downloaded"):
        fetch(FILE, tmp_path, [server.url])
    assert visible_files(tmp_path) == []
    assert part_of(tmp_path).read_bytes() == CONTENT[:300_000]
    fetch(FILE, tmp_path, [server.url])
    assert server.ranges == [None, "bytes=300000-", "bytes=300000-"]
    assert (tmp_path / FILE.name).read_bytes() == CONTENT
    assert visible_files(tmp_path) == [FILE.name]


def test_one_call_continues_as_long_as_it_gets_further(mirror, tmp_path):
    server = mirror(script=[{"cut": 400_000}, {"cut": 400_000}])
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=400000-", "bytes=800000-"]


def test_a_mirror_that_drips_does_not_hold_us_for_ever(mirror, tmp_path):
    server = mirror(script=[{"cut": 1}] * 1000)
    with pytest.raises(DownloadError, match="the connection ended after 10 of 1,004,000 bytes"):
        fetch(FILE, tmp_path, [server.url])
    assert len(server.ranges) == download.MAX_ROUNDS


def test_the_next_mirror_continues_what_the_first_began(mirror, tmp_path):
    first, second = mirror(script=[{"cut": 123_457}]), mirror()
    assert fetch(FILE, tmp_path, [first.url, second.url]).read_bytes() == CONTENT
    assert (first.ranges, second.ranges) == ([None], ["bytes=123457-"])


def test_a_server_without_ranges_starts_again_from_0(mirror, tmp_path):
    part_of(tmp_path, CONTENT[:1000])
    server = mirror(script=[{"ignore_range": True}])
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


@pytest.mark.parametrize("shift", [-10, 10])
def test_a_206_from_another_place_is_not_appended(mirror, tmp_path, shift):
    part_of(tmp_path, CONTENT[:1000])
    server = mirror(script=[{"shift_range": shift}])
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_a_complete_part_is_renamed_without_a_request(mirror, tmp_path):
    part_of(tmp_path, CONTENT)
    server = mirror()
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == []


@pytest.mark.parametrize("left_behind", [CONTENT[::-1], CONTENT + b"more"], ids=["as long and wrong", "too long"])
def test_a_part_that_cannot_be_continued_is_dropped(mirror, tmp_path, left_behind):
    part_of(tmp_path, left_behind)
    server = mirror()
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_mirror_whose_file_ends_before_the_part_is_left(mirror, tmp_path):
    part_of(tmp_path, CONTENT[:1000])
    short, right = mirror(CONTENT[:500]), mirror()
    assert fetch(FILE, tmp_path, [short.url, right.url]).read_bytes() == CONTENT
    assert (short.ranges, right.ranges) == (["bytes=1000-", None], ["bytes=1000-"])


def test_a_wrong_part_costs_one_more_download_and_not_the_mirror(mirror, tmp_path):
    part_of(tmp_path, b"not the beginning")
    server = mirror()
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == ["bytes=17-", None]


def test_wrong_bytes_are_refused_and_the_next_mirror_starts_from_0(mirror, tmp_path):
    wrong, right = mirror(CONTENT[::-1]), mirror()
    assert fetch(FILE, tmp_path, [wrong.url, right.url]).read_bytes() == CONTENT
    assert right.ranges == [None]


def test_wrong_bytes_everywhere_leave_nothing_behind(mirror, tmp_path):
    wrong = mirror(CONTENT[::-1])
    with pytest.raises(DownloadError, match="1,004,000 bytes from there have the wrong checksum"):
        fetch(FILE, tmp_path, [wrong.url])
    assert visible_files(tmp_path) == []


def test_a_login_page_in_place_of_the_file_does_not_cost_what_was_received(mirror, tmp_path):
    part_of(tmp_path, CONTENT[:1000])
    portal = mirror(script=[{"ignore_range": True, "content": b"<html>please log in</html>"}])
    right = mirror()
    fetch(FILE, tmp_path, [portal.url, right.url])
    assert right.ranges == ["bytes=1000-"]


def test_servers_that_announce_no_length(mirror, tmp_path):
    broken, right = mirror(script=[{"no_length": True, "cut": 1000}]), mirror(script=[{"no_length": True}])
    assert fetch(FILE, tmp_path, [broken.url, right.url]).read_bytes() == CONTENT
    assert right.ranges == ["bytes=1000-"]


def test_more_bytes_than_the_file_has_are_not_followed_to_their_end(mirror, tmp_path):
    endless = mirror(CONTENT * 20, script=[{"no_length": True}])
    with pytest.raises(DownloadError, match="wrong checksum"):
        fetch(FILE, tmp_path, [endless.url])
    assert endless.sent < len(CONTENT) * 20
    assert not part_of(tmp_path).exists()


def test_the_error_names_every_mirror_its_reason_and_what_to_bring(mirror, dead_address, tmp_path):
    absent, busy = mirror(script=[{"status": 404}]), mirror(script=[{"status": 503}])
    other = RemoteFile("letters.bin", "0" * 32, 7)
    with pytest.raises(DownloadError) as raised:
        fetch_all([FILE, other], tmp_path, [absent.url, busy.url, dead_address])
    message = str(raised.value)
    assert f"{absent.url}numbers.bin: HTTP 404 Not Found" in message
    assert f"{busy.url}numbers.bin: HTTP 503 Service Unavailable" in message
    assert f"{dead_address}numbers.bin: Connection refused" in message
    assert f"put into {tmp_path}" in message
    assert f"numbers.bin (md5 {FILE.md5}, 1,004,000 bytes)" in message
    assert f"letters.bin (md5 {'0' * 32}, 7 bytes)" in message


def test_without_mirrors_the_error_says_what_to_bring(tmp_path):
    with pytest.raises(DownloadError, match=rf"(?s)none is given.*{FILE.md5}"):
        fetch(FILE, tmp_path, [])


def test_a_silent_mirror_is_left(mirror, tmp_path):
    silent, right = mirror(script=[{"hold": True}]), mirror()
    assert fetch(FILE, tmp_path, [silent.url, right.url], timeout_seconds=0.2).read_bytes() == CONTENT


def test_a_mirror_that_falls_silent_keeps_what_it_sent(mirror, tmp_path):
    silent = mirror(script=[{"stall": 2000}, {"status": 503}])
    with pytest.raises(DownloadError):
        fetch(FILE, tmp_path, [silent.url], timeout_seconds=0.2)
    assert part_of(tmp_path).read_bytes() == CONTENT[:2000]


@pytest.mark.parametrize("address", ["ftp://host/", "host/folder", "http://", "file:///data"])
def test_an_address_that_is_none_is_named(tmp_path, address):
    with pytest.raises(DownloadError, match=re.escape(repr(address))):
        fetch(FILE, tmp_path, [address])


@pytest.mark.parametrize("address", ["http://[::1/", "http://host:port/", f"http://{'a' * 70}/"])
def test_an_address_that_cannot_be_reached_is_a_mirror_that_failed(tmp_path, address):
    with pytest.raises(DownloadError, match="the connection failed"):
        fetch(FILE, tmp_path, [address])


def test_a_password_is_sent_and_never_shown(mirror, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG, logger="rate_distortion")
    server = mirror(script=[{"cut": 1000}, {"status": 401}])
    address = server.url.replace("//", "//reader:s3cret@")
    with pytest.raises(DownloadError, match=r"http://\*\*\*@127.0.0.1:\d+/folder/numbers.bin: HTTP 401") as raised:
        fetch(FILE, tmp_path, [address])
    fetch(FILE, tmp_path, [address])
    assert server.authorizations == {f"Basic {base64.b64encode(b'reader:s3cret').decode()}"}
    with pytest.raises(DownloadError) as refused:
        fetch(FILE, tmp_path / "elsewhere", ["ftp://reader:s3cret@host/"])
    captured = capfd.readouterr()
    for said in (caplog.text, str(raised.value), str(refused.value), captured.out, captured.err):
        assert "s3cret" not in said


def test_two_at_once_download_once(mirror, tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(run_lock, "POLL_SECONDS", 0.05)
    server, results = mirror(script=[{"hold": True}]), []
    threads = [threading.Thread(target=lambda: results.append(fetch(FILE, tmp_path, [server.url]))) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: "waiting until it ends" in caplog.text)
    server.hold.set()
    for thread in threads:
        thread.join(10)
    assert results == [tmp_path / FILE.name] * 2
    assert len(server.ranges) == 1
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


def test_a_killed_process_leaves_a_part_that_the_next_continues(mirror, tmp_path):
    server = mirror(script=[{"stall": 500_000}])
    program = f"""
        from rate_distortion.datasets.download import RemoteFile, fetch
        fetch(RemoteFile({FILE.name!r}, {FILE.md5!r}, {len(CONTENT)}), {str(tmp_path)!r}, [{server.url!r}])
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], env=environment)
    wait_until(lambda: part_of(tmp_path).exists() and part_of(tmp_path).stat().st_size > 400_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    received = part_of(tmp_path).stat().st_size
    assert not (tmp_path / FILE.name).exists()
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={received}-"]


def test_a_write_that_fails_keeps_what_was_written(mirror, tmp_path):
    """A limit on the length of files stands for a full disk: both fail the write in its middle."""
    server = mirror()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))
    try:
        with pytest.raises(DownloadError, match=r"could not be written \(File too large\); what was received is kept"):
            fetch(FILE, tmp_path, [server.url])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    received = part_of(tmp_path).read_bytes()
    assert 0 < len(received) <= 600_000
    assert CONTENT.startswith(received)
    assert fetch(FILE, tmp_path, [server.url]).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={len(received)}-"]


def test_a_disk_without_room_is_noticed_before_the_download(mirror, tmp_path, monkeypatch):
    part_of(tmp_path, CONTENT[:1000])
    usage = download.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage._replace(free=5))
    with pytest.raises(DownloadError, match="1,003,000 bytes are still to come and its disk has 5 free"):
        fetch(FILE, tmp_path, [mirror().url])
    assert part_of(tmp_path).read_bytes() == CONTENT[:1000]


def test_a_folder_that_cannot_be_made_is_named(mirror, tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DownloadError, match=r"data/numbers\.bin could not be written"):
        fetch(FILE, tmp_path / "data", [mirror().url])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_a_bar_that_begins_where_the_part_ends(mirror, tmp_path, monkeypatch):
    part_of(tmp_path, CONTENT[:502_000])
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(FILE, tmp_path, [mirror().url])
    shown = sys.stderr.getvalue()
    assert "numbers.bin:  50%" in shown
    assert "numbers.bin: 100%" in shown


def test_without_a_terminal_lines_are_logged_and_nothing_is_drawn(mirror, tmp_path, caplog, capfd):
    caplog.set_level(logging.INFO)
    part_of(tmp_path, CONTENT[:1000])
    fetch(FILE, tmp_path, [mirror().url])
    assert "continuing numbers.bin at byte 1,000 of 1,004,000" in caplog.text
    assert capfd.readouterr().err == ""


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
