# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolvers under attack: banyand, and unbound from Debian as it comes, both on the same copy of the root."""
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import clients

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BANYAN_BUILD", TOP / "build")).resolve()
ADDRESS, PORT = "127.0.0.1", 53
DEADLINE_S = 60


def program(name):
    for path in (BUILD / name, BUILD / "src" / "cmd" / name / name):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    pytest.exit(f"{name} is not built in {BUILD}; set BANYAN_BUILD")


class Resolver:
    """One running resolver; it has one thread that answers."""
    name = None

    def __init__(self, folder, root, options=None):
        self.folder, self.root, self.options = folder, root, options or {}
        self.server = (ADDRESS, PORT)
        self.process = None
        folder.mkdir(parents=True)

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + DEADLINE_S
        while clients.ask(self.server, "up.sec.", wait_s=0.5, patient=False) is None:  # whatever the answer
            assert self.process.poll() is None and time.monotonic() < end, f"{self.name} does not start:\n{self.log()}"
        return self

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def cpu_s(self):
        """Time on a CPU of all threads so far, to the nanosecond."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def rss(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def sockets(self):
        """Open sockets of the process."""
        count = 0
        for fd in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                count += os.readlink(fd).startswith("socket:")
            except OSError:
                pass
        return count

    def streams(self, address):
        """TCP connections to the address that stand or are being made."""
        there = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:"
        rows = [line.split() for line in Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]]
        return sum(row[2].startswith(there) and row[3] in ("01", "02") for row in rows)

    def counters(self):
        return {}

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"{self.name} does not end on SIGTERM") from None
        return self.process.returncode

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
            raise

    def __exit__(self, failed, *_):
        status = self.stop()
        if failed is None:
            assert status == 0, f"{self.name} ended with {status}:\n{self.log()[-3000:]}"
            assert "Sanitizer" not in self.log() and "runtime error" not in self.log(), self.log()[-3000:]


class Banyan(Resolver):
    name = "banyand"

    def command(self):
        config = {
            "server": {"listen": [f"{ADDRESS}@{PORT}"], "workers": 1, "user": "root" if os.geteuid() == 0 else "",
                       "rundir": str(self.folder / "run"), "log-level": "warning"},
            "root": {"file": str(self.root.zone), "anchors": [str(self.root.anchor)], "fallback": False},
            "resolver": {"ipv6": False, **self.options.get("resolver", {})},
        }
        config["server"].update(self.options.get("server", {}))
        config.update({key: value for key, value in self.options.items() if key not in ("server", "resolver", "root", "unbound", "unbound-lines")})
        if os.environ.get("BANYAN_SANITIZED"):
            config["server"]["confine"] = False
        (self.folder / "banyan.yaml").write_text(yaml.safe_dump(config))
        return [program("banyand"), "-c", str(self.folder / "banyan.yaml")]

    def counters(self):
        done = subprocess.run([program("banyan"), "status", "--counters", "--json", "--socket", str(self.folder / "run/control.sock")],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=True)
        return json.loads(done.stdout)


class Unbound(Resolver):
    """The defaults of Debian's unbound, but for where it listens and finds the root."""
    name = "unbound"

    def command(self):
        lines = ["server:", f"  interface: {ADDRESS}", f"  port: {PORT}", "  do-ip6: no", "  do-daemonize: no", '  username: ""', '  chroot: ""',
                 f'  directory: "{self.folder}"', '  pidfile: ""', "  use-syslog: no", "  num-threads: 1", "  do-not-query-localhost: no",
                 "  access-control: 127.0.0.0/8 allow", f'  root-hints: "{self.root.hints}"', f'  trust-anchor-file: "{self.root.anchor}"']
        lines += [f"  {key}: {value}" for key, value in self.options.get("unbound", {}).items()]
        lines += ["auth-zone:", '  name: "."', f'  zonefile: "{self.root.zone}"', "  for-downstream: no", "  for-upstream: yes",
                  "  fallback-enabled: no"]
        lines += self.options.get("unbound-lines", [])
        lines += ["remote-control:", "  control-enable: no"]
        (self.folder / "unbound.conf").write_text("\n".join(lines) + "\n")
        return ["/usr/sbin/unbound", "-d", "-c", str(self.folder / "unbound.conf")]


KINDS = {"ours": Banyan, "unbound": Unbound}
