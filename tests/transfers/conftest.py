# SPDX-License-Identifier: GPL-3.0-or-later
"""A banyand that gives zones away, and secondaries of other makes: each in the foreground in a network of their own, ended by process id."""
import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype
import dns.zone
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
import others  # noqa: E402
from basics import PATH, is_sanitized, program, wait_for  # noqa: E402,F401
from others import KEY as NAME  # noqa: E402,F401
from others import SECRET  # noqa: E402,F401

PRIMARY, SECONDARY = 5300, 5301


@pytest.fixture(scope="session", autouse=True)
def network():
    """A network namespace with loopback alone; what is started here has it, too."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000 | (0x10000000 if os.geteuid() != 0 else 0)) != 0:
        pytest.skip("no network namespace")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def zone_text(serial, names, changed=0):
    """`changed`: names whose address is another one; each version has signatures of many types of records."""
    lines = [f"$TTL 300", f"@ SOA ns.example. host.example. {serial} 3600 600 86400 60", "@ NS ns", "ns A 192.0.2.53",
             "@ TXT \"quoted \\\" text\" \"\"", "*.wild A 192.0.2.9", "sub NS ns.sub", "ns.sub A 192.0.2.54", "UPPER.Case MX 10 Mail",
             "srv SRV 1 2 3 Target", "svc HTTPS 1 . alpn=h2", "big TXT " + " ".join(f'"{"x" * 250}{i}"' for i in range(8))]
    lines += [f"n{i} A 192.0.2.{(serial if i < changed else 1) % 250}" for i in range(names)]
    lines += [f"only{serial} AAAA 2001:db8::{serial:x}", f"moved{serial % 3} CNAME n0"]
    return "\n".join(lines) + "\n"


class Process:
    def __init__(self, folder, name, command):
        self.folder = folder
        self.log_path = folder / f"{name}.log"
        self.process = subprocess.Popen(command, stdout=open(self.log_path, "ab"), stderr=subprocess.STDOUT, cwd=folder)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Banyand(Process):
    """The primary. `zones`: name -> what stands in its mapping, beside name and file."""

    def __init__(self, folder, zones, port=PRIMARY, **sections):
        self.port, self.files = port, {}
        config = {
            "server": {"listen": [f"127.0.0.1@{port}"], "rundir": str(folder), "workers": 2, "log-level": "info", "user": ""},
            "resolver": {"enabled": False}, "root": {"file": ""}, "zones": [],
            "keys": [{"name": NAME, "secret": SECRET}],
        }
        if os.environ.get("BANYAN_SANITIZED"):  # sanitizers make system calls that the confined daemon may not
            config["server"]["confine"] = False
        for name, more in zones.items():
            self.files[name] = folder / f"{name}.zone"
            config["zones"].append({"name": name, "file": str(self.files[name]), **more})
        for section, more in sections.items():
            if isinstance(more, dict):
                config.setdefault(section, {}).update(more)
            else:
                config[section] = more
        if is_sanitized():
            config["server"]["confine"] = False
        self.config = config
        self.config_path = folder / "banyan.yaml"
        self.rewrite()
        self.arguments = [program("banyand"), "-c", str(self.config_path)]
        self.work = folder

    def start(self):
        log = self.work / "banyand.log"
        before = log.read_text().count(" is ready") if log.exists() else 0
        super().__init__(self.work, "banyand", self.arguments)
        wait_for("banyand to answer", lambda: self.process.poll() is not None or self.log().count(" is ready") > before)
        assert self.process.poll() is None, self.log()
        return self

    def rewrite(self, **sections):
        self.config.update(sections)
        self.config_path.write_text(yaml.safe_dump(self.config))

    def status(self):
        return json.loads(self.say("--json"))

    def say(self, *words):
        return subprocess.run([program("banyan"), "status", "--socket", str(self.work / "control.sock"), *words], capture_output=True,
                              text=True, check=True).stdout

    def put(self, name, text):
        temporary = self.files[name].with_suffix(".new")
        temporary.write_text(text)
        temporary.rename(self.files[name])

    def reload(self):
        before = self.log().count("reloaded: ")
        self.signal(signal.SIGHUP)
        wait_for("the reload", lambda: self.log().count("reloaded: ") > before)

    def counters(self):
        return {line.split()[0]: int(line.split()[1]) for line in self.say("--counters").splitlines() if line}


def records(address, port, name, keyring=None):
    """All of a zone, by a client that is not ours, as sorted text: names in lower case, the SOA once."""
    args = {"keyring": keyring, "keyname": NAME} if keyring else {}
    zone = dns.zone.from_xfr(dns.query.xfr(address, name, port=port, relativize=False, lifetime=60, **args), relativize=False)
    return sorted(f"{owner.to_text().lower()} {ttl} {rdata.rdtype} {rdata.to_digestable(zone.origin).hex()}"
                  for owner, ttl, rdata in zone.iterate_rdatas())


def serial_of(port, name):
    try:
        reply = dns.query.udp(dns.message.make_query(name, "SOA"), "127.0.0.1", port=port, timeout=1)
        return reply.answer[0][0].serial if reply.answer else None
    except (dns.exception.Timeout, OSError):
        return None


@pytest.fixture
def started():
    """Whatever is added here is stopped at the end."""
    running = []
    yield running
    for each in reversed(running):
        each.stop()


# ---- secondaries of other makes; each gives its copy to loopback, so that it can be compared ----

def nsd(folder, zone, key):
    word = NAME if key else "NOKEY"
    return others.nsd(folder, f"127.0.0.1@{SECONDARY}", zone, [f"request-xfr: 127.0.0.1@{PRIMARY} {word}", "allow-notify: 127.0.0.1 NOKEY",
                                                               "provide-xfr: 127.0.0.1 NOKEY"])


def knot(folder, zone, key):
    remote = f"remote:\n  - id: primary\n    address: 127.0.0.1@{PRIMARY}\n" + (f"    key: {NAME}\n" if key else "")
    return others.knot(folder, f"127.0.0.1@{SECONDARY}", zone, ["master: primary", "zonefile-load: none", "zonefile-sync: -1", "semantic-checks: off"],
                       actions="notify, transfer", template=remote)


def bind(folder, zone, key):
    word = f"key {NAME}" if key else ""
    return others.bind(folder, f"127.0.0.1@{SECONDARY}", zone, ["type secondary;", f"primaries {{ 127.0.0.1 port {PRIMARY} {word}; }};",
                                                                "masterfile-format text;"],
                       options="notify no; allow-transfer { any; }; allow-notify { 127.0.0.1; };")


MAKES = {"nsd": nsd, "knot": knot, "bind": bind}


def secondary(make, folder, zone, key):
    return others.Other(folder, MAKES[make](folder, zone, key)).start()


def notify(zone, serial):
    """As a primary would: the secondaries look at once."""
    query = dns.message.make_query(zone, "SOA")
    query.set_opcode(dns.opcode.NOTIFY)
    query.flags |= dns.flags.AA
    try:
        dns.query.udp(query, "127.0.0.1", port=SECONDARY, timeout=2)
    except (dns.exception.Timeout, OSError):
        pass
