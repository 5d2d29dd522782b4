#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cached answers over AF_XDP: banyand beside an echo by AF_XDP, and beside resolvers by sockets, on veth pairs to another network namespace.

xdp_resolver.py BUILD_FOLDER [PART...] [SERVER...]      parts: hit nx; servers: banyand banyand-sockets unbound pdns kresd kresd-xdp echo

BENCH_RUNS (3), BENCH_SECONDS (1), BENCH_RATES (200000), BENCH_CHILDREN (10000 signed zones). Questions as in resolver.py, by bench/xdp_load, which
sends by the clock and looks at each reply. Each server has an interface and an address of its own, so that no filter is in a peer's way; CPU
time is divided by the replies that left by it.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import common
import servers
from common import LOAD_CPU, RUNS, SECONDS, Calibrated, Process, attempt, load, own, tool
from internet import Internet
from resolver import FEW, PARTS

RATES = [int(rate) for rate in os.environ.get("BENCH_RATES", "200000").split(",")]
NETWORK = "10.99.0.0/16"
# the name in the tables: (how it is started, its program, by AF_XDP)
WIRED = {"banyand": ("banyand", None, True), "banyand-sockets": ("banyand", None, False), "unbound": ("unbound", "unbound", False),
         "pdns": ("pdns", "pdns_recursor", False), "kresd": ("kresd", "kresd", False), "kresd-xdp": ("kresd", "kresd", True),
         "echo": (None, None, True)}


class Far:
    """The other network namespace."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo up && exec sleep 3600"], stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.words = ["nsenter", "-t", self.process.pid, "-n"]

    def wire(self, number):
        """A veth pair, s<number> here, c<number> there; returns (interface, its card, our address, theirs)."""
        here, there, ours, theirs = f"s{number}", f"c{number}", f"10.99.{number}.1", f"10.99.{number}.2"
        tool("/", "ip", "link", "add", here, "type", "veth", "peer", "name", there)
        tool("/", "ip", "link", "set", there, "netns", self.process.pid)
        tool("/", "ip", "addr", "add", f"{ours}/24", "dev", here)
        tool("/", "ip", "link", "set", here, "up")
        tool("/", *self.words, "ip", "addr", "add", f"{theirs}/24", "dev", there)
        tool("/", *self.words, "ip", "link", "set", there, "up")
        card = [re.search("ether ([0-9a-f:]+)", tool("/", *words, "ip", "link", "show", name))[1]
                for words, name in (((), here), (self.words, there))]
        tool("/", "ip", "neigh", "replace", theirs, "lladdr", card[1], "dev", here)
        return here, card[0], ours, theirs


def replies_left(interface):
    """Frames that were sent by it."""
    row = next(line.split() for line in Path("/proc/self/net/dev").read_text().splitlines() if line.strip().startswith(interface + ":"))
    return int(row[10])


class Wired:
    """A server at its own wire."""

    def __init__(self, name, far, place, number, net, size):
        kind, _, by_xdp = WIRED[name]
        self.name, self.far = name, far
        self.interface, self.card, self.ours, self.theirs = far.wire(number)
        folder = place / f"{name}-{number}"
        folder.mkdir()
        if kind is None:
            self.process = Process([own("xdp_echo"), self.interface, size], folder, 53, None)
            self.until("the echo is not attached", lambda: "xdp" in tool("/", "ip", "-o", "link", "show", self.interface))
            return
        servers.ADDRESS, servers.CLIENTS = self.ours, NETWORK
        words = servers.RESOLVERS[kind][0](net, folder, 53)
        if by_xdp:
            self.by_xdp(kind, folder)
        self.process = Process(words, folder, 53, "com.", address=self.ours)
        if by_xdp and "xdp" not in tool("/", "ip", "-o", "link", "show", self.interface):
            self.process.end()
            raise common.Missing(f"it serves by sockets:\n{self.process.log.read_text(errors='replace')[-1500:]}")

    def by_xdp(self, kind, folder):
        if kind == "banyand":
            path = folder / "banyan.yaml"
            path.write_text(path.read_text().replace("server: {", f"server: {{xdp: [{self.interface}], "))
        else:
            path = folder / "kresd.conf"
            path.write_text(path.read_text() + f"net.listen('{self.interface}', 53, {{ kind = 'xdp', nic_queue = 0 }})\n")

    def until(self, what, is_so):
        end = time.monotonic() + 30
        while not is_so():
            if time.monotonic() > end:
                raise common.Missing(what)
            time.sleep(.05)

    def prime(self, net):
        """All names of `hit` into the cache, by a socket from this side."""
        load("-s", self.ours, "-p", 53, "-f", net.folder / "first", *FEW, "-n", sum(1 for _ in open(net.folder / "first")))

    def ask(self, path, rate, seconds):
        before, cpu = replies_left(self.interface), self.process.cpu_us()
        got = json.loads(tool("/", *self.far.words, "taskset", "-c", LOAD_CPU, own("xdp_load"), "-r", rate, "-t", seconds, "-f", path, "-i",
                              self.interface.replace("s", "c"), "-c", self.theirs, "-s", self.ours, "-m", self.card))
        got["us"] = (self.process.cpu_us() - cpu) / max(1, replies_left(self.interface) - before)
        return got


def start(name, far, place, number, net, size, path):
    server = Wired(name, far, place, number, net, size)
    if WIRED[name][0] is not None:
        server.prime(net)
    server.warm = server.ask(path, 20000, 1)
    if server.warm["got"] == 0:
        server.process.end()
        raise common.Missing("it does not answer over this wire")
    return server


def table(results, rate):
    echo = statistics.median(run["us"] for run in results["echo"]) if "echo" in results else None
    peers = [statistics.median(run["us"] for run in runs) for name, runs in results.items() if WIRED[name][0] not in ("banyand", None)
             and not WIRED[name][2]]
    common.head("server", "CPU µs an answer", "least to most", "× echo by AF_XDP", "× best peer by sockets", "answered, %", "wrong frames", "bytes of a reply",
                "NOERROR / NXDOMAIN, %")
    for name, runs in results.items():
        us, got, sent = statistics.median(run["us"] for run in runs), sum(run["got"] for run in runs), sum(run["sent"] for run in runs)
        share = [100 * sum(run[key] for run in runs) / max(1, got) for key in ("noerror", "nxdomain")]
        common.row(name + (", AF_XDP" if WIRED[name][2] and "xdp" not in name else ""), f"{us:.2f}",
                   f"{min(run['us'] for run in runs):.2f} to {max(run['us'] for run in runs):.2f}", f"{us / echo:.2f}" if echo else "–",
                   f"{us / min(peers):.2f}" if peers else "–", f"{100 * got / sent:.1f}", sum(run["wrong"] for run in runs),
                   f"{sum(run['bytes'] for run in runs) / max(1, got):.0f}", f"{share[0]:.1f} / {share[1]:.1f}")


def measure(net, far, place, part, wanted, number):
    path, started = net.folder / part, {}
    for name in [n for n in wanted if n != "echo"] + [n for n in wanted if n == "echo"]:
        number += 1
        size = round(statistics.mean(s.warm["bytes"] / s.warm["got"] for s in started.values())) if started else 130
        server = attempt(name, lambda: start(name, far, place, number, net, size, path))
        if server is not None:
            started[name] = server
    for rate in RATES:
        results = {name: [] for name in started}
        for _ in range(RUNS):
            for name, server in started.items():
                results[name].append(server.ask(path, rate, SECONDS))
        common.title(f"{PARTS[part].split(':')[0].replace(' over UDP', '')}, {rate} offered a second over a veth pair")
        table(results, rate)
    for server in started.values():
        server.process.end()
    return number


def main(place):
    words = sys.argv[2:]
    parts = [word for word in words if word in PARTS] or list(PARTS)
    wanted = common.present({name: program for name, (_, program, _) in WIRED.items()}, [word for word in words if word not in PARTS])
    net, far, number = Internet(place), Far(), 0
    authorities = net.serve()
    with Calibrated():
        for part in parts:
            number = measure(net, far, place, part, wanted, number)
    for each in authorities:
        each.end()
    far.process.kill()
    far.process.wait()


if __name__ == "__main__":
    common.run(main)
