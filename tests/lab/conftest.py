# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs for the tests: made once, on free ports, run by `banyan lab run`, ended by process id."""
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BANYAN_BUILD", TOP / "build"))
DEADLINE_S = 90
AT = 1790000000  # a reference time, when a lab must be the same every time


def program(name):
    for path in (BUILD / name, BUILD / "src" / "cmd" / name / name):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    pytest.exit(f"{name} is not built in {BUILD}; set BANYAN_BUILD")


def wait_for(what, condition, deadline_s=DEADLINE_S):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {deadline_s} s in vain for: {what}")


def is_free(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(family, kind) as s:
                s.bind((address, port))
        return True
    except OSError:
        return False


def free_ports():
    """A port for all servers, the first of the 192 ports of ::1, and one for a resolver; all below the ephemeral range."""
    for _ in range(200):
        base = random.randrange(10000, 32000, 200)
        if is_free("127.10.0.1", base) and is_free("127.0.0.1", base) and all(is_free("::1", base + i) for i in range(192)):
            return base
    raise AssertionError("no free ports")


def processes_of(folder):
    """Process ids whose command line names the folder."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            words = Path(f"/proc/{entry}/cmdline").read_bytes()
            state = Path(f"/proc/{entry}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if os.fsencode(str(folder)) in words and state != "Z":
            found.append(int(entry))
    return found


def make_lab(folder, *options):
    result = subprocess.run([program("banyan"), "lab", "make", *options, str(folder)], capture_output=True, text=True,
                            timeout=DEADLINE_S * 4, check=False)
    assert result.returncode == 0, result.stderr
    if os.environ.get("BANYAN_SANITIZED"):  # sanitizers make system calls that the confined daemon may not
        for path in folder.glob("**/banyan.yaml"):
            path.write_text(path.read_text(encoding="utf-8").replace("server:\n", "server:\n  confine: false\n", 1),
                            encoding="utf-8")
    return folder


class Run:
    """A running lab; `prefix` puts it elsewhere (nsenter), `server` is what takes banyand's place."""

    def __init__(self, folder, *options, prefix=()):
        self.folder = folder
        self.log = folder / "run.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*prefix, program("banyan"), "lab", "run", *options, str(folder)], stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def output(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, self.output()
            return "lab ready:" in self.output()
        wait_for("the lab to be ready", ready, DEADLINE_S * 2)
        return self

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(timeout=DEADLINE_S)
        wait_for("every process of the lab to be gone", lambda: not processes_of(self.folder))
        return status

    def __enter__(self):
        return self.wait_ready()

    def __exit__(self, *_):
        try:
            self.end()
        finally:
            for pid in processes_of(self.folder):
                os.kill(pid, signal.SIGKILL)


class Lab:
    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.resolver_port = port + 1

    def path(self, *parts):
        return self.folder.joinpath(*parts)


def short_folder():
    """Not pytest's own folders: their long names do not fit into the address of a Unix socket."""
    return tempfile.TemporaryDirectory(prefix="banyan-lab.", dir="/tmp")


@pytest.fixture
def place():
    with short_folder() as folder:
        yield Path(folder)
        for pid in processes_of(Path(folder) / "lab"):  # a test that failed half way
            with contextlib.suppress(ProcessLookupError):  # it may have gone with another
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def lab():
    """A whole lab of the default size, made now."""
    place = short_folder()
    folder = Path(place.name) / "lab"
    port = free_ports()
    make_lab(folder, "--seed", "7", "--port", str(port), "--port6", str(port), "--resolver", f"127.0.0.1@{port + 1}")
    yield Lab(folder, port)
    place.cleanup()


@pytest.fixture(scope="module")
def running(lab):
    """The lab with its operators and its resolver, all banyand."""
    with Run(lab.folder, "--resolver"):
        yield lab
