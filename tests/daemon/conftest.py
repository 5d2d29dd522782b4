# SPDX-License-Identifier: GPL-3.0-or-later
"""A real banyand for each test that asks for one: own folder, own ports on loopback, ended by its process id."""
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import BUILD, DEADLINE_S, PATH, TOP, certificate, free_port, guard, is_sanitized, program, wait_for  # noqa: E402,F401


class Daemon:
    """One banyand. `config` is the configuration as a dictionary; listen, rundir and confine have defaults."""

    def __init__(self, folder, config, addresses=("127.0.0.1", "::1"), port=None, env=None, prefix=()):
        self.folder = Path(folder)
        self.addresses = addresses
        self.port = port or free_port(addresses)
        self.prefix = list(prefix)
        self.env = dict(os.environ, **(env or {}))
        self.config = config
        server = config.setdefault("server", {})
        server.setdefault("listen", [f"{a}@{self.port}" for a in addresses])
        server.setdefault("rundir", str(self.folder / "run"))
        server.setdefault("workers", 2)
        server.setdefault("log-level", "info")
        # the authorities of these tests are on this machine, and nothing leaves it
        config.setdefault("root", {}).setdefault("fallback", False)
        if is_sanitized():
            server["confine"] = False
        self.socket = str(Path(server["rundir"]) / "control.sock")
        self.path = self.folder / "banyan.yaml"
        self.process = None
        self.log_path = self.folder / "log"
        self.notify = None
        self.write()

    def write(self):
        self.path.write_text(yaml.safe_dump(self.config))

    def launch(self):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = str(self.folder / "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify.bind(path)
        os.chmod(path, 0o666)
        self.env["NOTIFY_SOCKET"] = path
        self.env.pop("JOURNAL_STREAM", None)
        self.notifications = queue.Queue()
        self.listener = threading.Thread(target=self.listen_for_notifications, args=(self.notify, self.notifications), daemon=True)
        self.listener.start()
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.prefix + [program("banyand"), "-c", str(self.path)], stderr=log,
                                        stdin=subprocess.DEVNULL, env=self.env)
        log.close()
        return self

    @staticmethod
    def listen_for_notifications(notify, notifications):
        """As a service manager does, at once: a queue that is full would hold up the daemon."""
        try:
            while text := notify.recv(4096):
                notifications.put(text.decode())
        except OSError:
            pass

    def hang_up(self):
        """Nothing is heard of it any more. The thread is gone before another socket can have the number of this one."""
        self.notify.shutdown(socket.SHUT_RDWR)
        self.listener.join(DEADLINE_S)
        self.notify.close()

    def notified(self, word, deadline_s=DEADLINE_S):
        """The next notification to the service manager that has the word; others before it are passed over."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            try:
                text = self.notifications.get(timeout=0.05)
            except queue.Empty:
                if self.process.poll() is not None and word != "STOPPING=1":
                    raise AssertionError(f"banyand ended with {self.process.returncode}:\n{self.log()}")
                continue
            if word in text:
                return text
        raise AssertionError(f"no {word} in {deadline_s} s:\n{self.log()}")

    def start(self):
        self.launch()
        self.notified("READY=1")
        return self

    def stop(self, expect=0):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(DEADLINE_S)
        self.process = None
        self.hang_up()
        if expect is not None:
            assert status == expect, self.log()
        assert "Sanitizer" not in self.log(), self.log()
        assert "runtime error" not in self.log(), self.log()

    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    def cli(self, *words):
        """Runs `banyan WORDS --socket ...`; returns (exit status, output, errors)."""
        done = subprocess.run([program("banyan"), words[0], "--socket", self.socket, *words[1:]], capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def status(self):
        code, out, err = self.cli("status", "--json")
        assert code == 0, err
        return json.loads(out)

    def counters(self):
        code, out, err = self.cli("status", "--counters", "--json")
        assert code == 0, err
        return json.loads(out)

    def ask(self, name, rtype="A", tcp=False, address=None, wait_s=DEADLINE_S, **options):
        query = dns.message.make_query(name, rtype, **options)
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(query, address or self.addresses[0], port=self.port, timeout=wait_s)

    def connect(self, address=None, source=None):
        s = socket.create_connection((address or self.addresses[0], self.port), timeout=DEADLINE_S,
                                     source_address=(source, 0) if source else None)
        return s


def tcp_message(message):
    wire = message.to_wire()
    return len(wire).to_bytes(2, "big") + wire


def tcp_read(s):
    """The next message of a connection, or None at its end."""
    def exactly(n):
        data = b""
        while len(data) < n:
            try:
                more = s.recv(n - len(data))
            except ConnectionResetError:
                return None
            if not more:
                return None
            data += more
        return data
    prefix = exactly(2)
    if prefix is None:
        return None
    wire = exactly(int.from_bytes(prefix, "big"))
    return None if wire is None else dns.message.from_wire(wire)


def is_closed(s, deadline_s=DEADLINE_S):
    """Waits until the other side has closed."""
    s.settimeout(deadline_s)
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except socket.timeout:
        return False
    return True


EXAMPLE = """\
$ORIGIN example.
$TTL 3600
@ SOA ns.example. host.example. {serial} 7200 3600 1209600 300
@ NS ns.example.
ns A 127.0.0.3
www A 192.0.2.1
www AAAA 2001:db8::1
sub NS ns.sub.example.
ns.sub A 192.0.2.53
alias CNAME www
away CNAME host.tree.
big TXT "{fill}" "{fill}" "{fill}" "{fill}" "{fill}" "{fill}" "{fill}" "{fill}"
serial TXT "{serial}"
"""


def example_zone(serial=1):
    return EXAMPLE.format(serial=serial, fill="x" * 250)


@pytest.fixture
def daemon(tmp_path):
    """daemon(config, ...) starts one; all are ended after the test, and how they ended is part of it."""
    running = []

    def start(config, start=True, **options):
        folder = tmp_path / f"d{len(running)}"
        folder.mkdir(exist_ok=True)
        d = Daemon(folder, config, **options)
        running.append(d)
        return d.start() if start else d
    yield start
    for d in running:
        d.stop()


@pytest.fixture
def authority(daemon, tmp_path):
    """A daemon that serves example. and resolves nothing; authority(server={...}) sets server options."""
    def start(server=None, **options):
        (tmp_path / "example.zone").write_text(example_zone())
        config = {"server": dict(server or {}), "resolver": {"enabled": False},
                  "zones": [{"name": "example.", "file": str(tmp_path / "example.zone")}]}
        return daemon(config, **options)
    return start
