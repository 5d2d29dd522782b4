# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several folders need: programs of this build, free ports, waiting with a deadline, certificates."""
import os
import pwd
import random
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BANYAN_BUILD", TOP / "build"))
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
DEADLINE_S = 60  # for anything that is waited for; sanitizers are slow, and so are machines with much else to do


def program(name):
    for path in (BUILD / name, BUILD / "src" / "cmd" / name / name):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    pytest.exit(f"{name} is not built in {BUILD}; set BANYAN_BUILD")


def is_sanitized():
    """Sanitizers make system calls that the daemon's own list does not have."""
    return any(word in Path(program("banyand")).read_bytes() for word in (b"__asan_init", b"__tsan_init"))


def wait_for(what, condition, deadline_s=DEADLINE_S):
    started = time.monotonic()
    while (waited := time.monotonic() - started) < deadline_s:
        value = condition()
        if value:
            return value
        time.sleep(min(0.01 + waited / 50, 0.2))  # who looks all the time keeps a slow machine from getting there
    raise AssertionError(f"waited {deadline_s} s in vain for: {what}")


given = set()


def free_port(addresses=("127.0.0.1",)):
    """A port that is free for UDP and TCP on all these addresses; below the range that the kernel hands out, and another one each time."""
    for _ in range(200):
        port = random.randint(10000, 30000)
        if port in given:
            continue
        try:
            for address in addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(family, kind) as s:
                        s.bind((address, port))
            given.add(port)
            return port
        except OSError:
            continue
    raise AssertionError("no free port")


def certificate(folder, name="xfr.example", stem="tls"):
    """A certificate of its own authority for a name and for 127.0.0.1, and its key: both paths."""
    pem, key = Path(folder) / f"{stem}.pem", Path(folder) / f"{stem}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)],
                   check=True, capture_output=True)
    guard(key)
    return pem, key


def guard(path):
    """A secret that the daemon may read, also when it has become its own user, and not everybody."""
    os.chmod(path, 0o640)
    try:
        os.chown(path, -1, pwd.getpwnam("banyan").pw_gid)
    except (KeyError, PermissionError):
        pass  # there is no such user, or nobody becomes it
    return path


class Server:
    """A TCP server of one function, a thread a connection; ended with the test."""

    def __init__(self, serve, address="127.0.0.1", port=None):
        self.serve, self.connections = serve, 0
        self.stopped = threading.Event()
        self.port = port or free_port()  # for UDP, too, where a test wants that
        self.socket = socket.create_server((address, self.port))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            try:
                self.serve(self, connection)
            except (OSError, EOFError):
                pass  # the other side has had enough

    def stop(self):
        self.stopped.set()
        self.socket.shutdown(socket.SHUT_RDWR)  # else the thread waits on, in the end at what has the same number next
        self.thread.join(DEADLINE_S)
        self.socket.close()
