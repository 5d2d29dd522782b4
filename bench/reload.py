#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads and swaps of the root under full load: is a question lost, and how long do clients wait, beside a steady state?

reload.py BUILD_FOLDER [SERVER...]      servers: banyand nsd knot, and resolver (banyand on its root copy, which changes)

BENCH_RUNS (3), BENCH_SECONDS (1). Two versions of the signed root take turns in the file that the server has; each time that the new serial is
served, the next one is put there, and the server gets SIGHUP. "full": 256 questions are always in flight. "half": 50,000 a second by the
clock; who waits behind a pause counts in full. All of the server has one CPU, so what
loads the new version competes with what answers: on a machine that is not busy to its limit they would have a CPU each.
"""
import os
import signal
import socket
import struct
import sys
import threading
import time

import dns.message

import authority
import common
import servers
from common import RUNS, SECONDS, Calibrated, Process, attempt, drops, load, median, tool, udp

LOADS = {"full": (), "half": ("-r", 50000)}
SWAP_TIME_MAX = 30
SOA_QUESTION = dns.message.make_query(".", "SOA").to_wire()


class Roots:
    """Two versions of a root, signed by the same keys, and the file that is one of them."""

    def __init__(self, folder):
        now = int(time.time())
        self.paths = []
        for n, at in enumerate((now - 86400, now)):
            tool("/", common.BUILD / "src/cmd/banyan/banyan", "lab", "make", "--at", at, folder / f"lab{n}")
            self.paths.append(folder / f"lab{n}/zones/root.zone")
        self.root_ds, self.questions = folder / "lab0/root/root.ds", folder / "root.questions"
        authority.write_questions(self.questions, authority.tlds_of(self.paths[0]))
        self.serials = [next(int(line.split()[6]) for line in open(path, encoding="ascii") if line.split()[3:4] == ["SOA"]) for path in self.paths]

    def put(self, n, zone):
        """In one step, with a time of its own."""
        fresh = zone.with_suffix(".new")
        os.link(self.paths[n % 2], fresh)
        os.utime(fresh)
        os.replace(fresh, zone)


def serves(port, serial):
    """With little work of its own: it shares the CPUs with what is measured."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(1)
        asker.connect((common.ADDRESS, port))
        asker.send(SOA_QUESTION)
        try:
            return struct.pack(">I", serial) in asker.recv(4096)
        except OSError:
            return False


class Swapper(threading.Thread):
    """Swaps versions one after the other until it is told to end."""

    def __init__(self, roots, server, zone):
        super().__init__()
        self.roots, self.server, self.zone = roots, server, zone
        self.swaps, self.took, self.stop = 0, [], threading.Event()

    def run(self):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        while not self.stop.is_set():
            wanted = self.server.version + 1
            self.roots.put(wanted, self.zone)
            began = time.monotonic()
            os.kill(self.server.pid, signal.SIGHUP)
            while not serves(self.server.port, self.roots.serials[wanted % 2]):
                if time.monotonic() - began > SWAP_TIME_MAX:
                    print(f"bench: {self.server.words[0]} does not serve the new version after {SWAP_TIME_MAX} s\n", flush=True)
                    return
                time.sleep(0.02)
            self.took.append(time.monotonic() - began)
            self.server.version, self.swaps = wanted, self.swaps + 1
            self.stop.wait(0.2)


def resolver(roots, folder, port, zones):
    net = type("Net", (), {"root_zone": zones["."], "root_ds": roots.root_ds})
    return servers.banyand_resolver(net, folder, port)


def start(place, roots, name):
    port = next(common.PORTS)
    folder = place / f"{name}-{port}"
    folder.mkdir()
    zone = folder / "root.zone"
    roots.put(0, zone)
    make = resolver if name == "resolver" else None
    words = make(roots, folder, port, {".": zone}) if make else servers.AUTHORITIES[name][0](folder, port, {".": zone})
    server = Process(words, folder, port, ".")
    server.version, server.zone = 0, zone
    return server


def one_run(roots, server, words, swapping):
    lost_before, errors = drops(server.port), udp("RcvbufErrors")
    swapper = Swapper(roots, server, server.zone)
    if swapping:
        swapper.start()
    got = load("-p", server.port, "-f", server.questions, "-t", SECONDS, *words)
    swapper.stop.set()
    if swapping:
        swapper.join()
    got.update(swaps=swapper.swaps, took=max(swapper.took, default=0), dropped=max(drops(server.port) - lost_before, udp("RcvbufErrors") - errors))
    return got


def main(place):
    programs = {"banyand": None, "nsd": "nsd", "knot": "knotd", "resolver": None}
    wanted = common.present(programs, sys.argv[2:])
    roots = Roots(place)
    missing = place / "nx.questions"
    mix = authority.Mix([])
    missing.write_text("".join(f"{mix.label(9, 15)}. 1 {mix.dice.choice(('rd', 'r'))}\n" for _ in range(authority.QUESTIONS)))
    with Calibrated():
        common.title("Swaps of the root under load")
        common.head("server", "load", "state", "questions", "lost", "no room in a socket", "not NOERROR or NXDOMAIN", "swaps", "longest swap, ms", "p50, µs", "p99, µs",
                    "99.9 %, µs", "longest, µs", "99.9 %: × steady")
        for name in wanted:
            server = attempt(name, lambda: start(place, roots, name))
            if server is None:
                continue
            server.questions = missing if name == "resolver" else roots.questions
            for kind, words in LOADS.items():
                runs = {False: [], True: []}
                for _ in range(RUNS):
                    for swapping in (False, True):
                        runs[swapping].append(one_run(roots, server, words, swapping))
                for swapping, each in runs.items():
                    total = {key: sum(run[key] for run in each) for key in ("sent", "lost", "dropped", "swaps", "noerror", "nxdomain", "got")}
                    common.row(name, kind, "swapping" if swapping else "steady", total["sent"], total["lost"], total["dropped"],
                               total["got"] - total["noerror"] - total["nxdomain"], total["swaps"],
                               f"{1000 * max(run['took'] for run in each):.0f}" if swapping else "–",
                               *(f"{median(each, key):.0f}" for key in ("p50", "p99", "p999", "max")),
                               f"{median(each, 'p999') / median(runs[False], 'p999'):.2f}")
            server.end()


if __name__ == "__main__":
    common.run(main)
