#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that grow, shaped like a TLD: banyand beside Debian's NSD and Knot DNS, in one run. Load time, memory, CPU of a question.

growth.py BUILD_FOLDER [SERVER...]      servers: banyand nsd knot (those that are installed)

BENCH_SIZES ("1400 100000 1000000"; 10000000 needs 20 GB of disk in TMPDIR and 8 GB of memory), BENCH_DENIAL ("nsec nsec3"; nsec3 is opt-out), BENCH_RUNS (1),
BENCH_QUESTIONS (200000), BENCH_ROOT (a file of the root zone: one more row). Signatures of the generated zones are random bytes of the right length;
no server is asked to check them. Loading may use all CPUs; the seconds are from the start of the process to its first answer. The peak is that of
the largest process, memory at rest is what all processes of the server have for themselves and their share of what they have together (Pss), after
the questions. For questions the server is on CPU 0 and the load on CPU 1: 67 % names below or at delegations, all alike likely, 20 % names that do not
exist, 10 % DS, 3 % apex; with DO.
"""
import ctypes
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
SERVER_CPU, LOAD_CPU = "0", "1"
PORT = 5398
SOCKETS, WINDOW = 16, 4  # 64 questions in flight
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else "build-release").resolve()
SIZES = [int(n) for n in os.environ.get("BENCH_SIZES", "1400 100000 1000000").split()]
DENIAL = os.environ.get("BENCH_DENIAL", "nsec nsec3").split()
RUNS, QUESTIONS = (int(os.environ.get("BENCH_" + key, default)) for key, default in (("RUNS", 1), ("QUESTIONS", 200000)))
ROOT = os.environ.get("BENCH_ROOT", "")
LOAD_MAX_S = 600
ENV = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def banyand(folder, origin, zone):
    (folder / "banyan.yaml").write_text(f"""server: {{listen: [127.0.0.1@{PORT}], workers: 1, rundir: {folder}, user: root, minimal-responses: true}}
resolver: {{enabled: false}}
zones: [{{name: "{origin}", file: "{zone}", prove: structure}}]
""")
    return [str(BUILD / "src/cmd/banyand/banyand"), "-c", str(folder / "banyan.yaml")]


def nsd(folder, origin, zone):
    (folder / "nsd.conf").write_text(f"""server:
  ip-address: 127.0.0.1
  port: {PORT}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "{origin}"
  zonefile: "{zone}"
""")
    return ["nsd", "-d", "-c", str(folder / "nsd.conf")]


def knot(folder, origin, zone):
    (folder / "knot.conf").write_text(f"""server:
  listen: 127.0.0.1@{PORT}
  rundir: "{folder}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
log:
  - target: stderr
    any: warning
template:
  - id: default
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
  - domain: "{origin}"
    file: "{zone}"
""")
    return ["knotd", "-c", str(folder / "knot.conf")]


SERVERS = {"banyand": (banyand, None), "nsd": (nsd, "nsd"), "knot": (knot, "knotd")}


class Server:
    """A process tree that serves one zone."""

    def __init__(self, kind, folder, origin, zone):
        folder.mkdir()
        self.log = folder / "log"
        words = SERVERS[kind][0](folder, origin, zone)
        begun = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENV,
                                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))  # none is left behind
        self.wait_for(origin, begun + LOAD_MAX_S)
        self.load_s = time.monotonic() - begun
        self.load_cpu_s = self.cpu_s()
        self.peak = max(self.status(pid, "VmHWM:") for pid in self.tree())

    def wait_for(self, origin, end):
        name = b"".join(bytes([len(label)]) + label.encode() for label in origin.split(".") if label) + b"\0"
        query = b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + name + b"\0\6\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("127.0.0.1", PORT))
            s.settimeout(0.01)
            while True:
                try:
                    s.send(query)
                    reply = s.recv(4096)
                    if reply[3] & 15 == 0 and reply[6:8] == b"\0\1":
                        return
                except OSError:
                    time.sleep(0.01)
                if self.process.poll() is not None or time.monotonic() > end:
                    sys.exit(f"a server does not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def tree(self):
        pids, todo = [], [self.process.pid]
        while todo:
            pids.append(todo.pop())
            for task in Path(f"/proc/{pids[-1]}/task").iterdir():
                todo += [int(p) for p in (task / "children").read_text().split()]
        return pids

    def cpu_s(self):
        """Of threads that have ended too."""
        ticks = 0
        for pid in self.tree():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(n) for n in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def cpu_us(self):
        return sum(int((task / "schedstat").read_text().split()[0]) for pid in self.tree() for task in Path(f"/proc/{pid}/task").iterdir()) / 1000

    @staticmethod
    def status(pid, field, file="status"):
        """Bytes."""
        return sum(int(line.split()[1]) * 1024 for line in Path(f"/proc/{pid}/{file}").read_text().splitlines() if line.startswith(field))

    def rest(self):
        return sum(self.status(pid, "Pss:", "smaps_rollup") for pid in self.tree())

    def rss(self):
        return sum(self.status(pid, "VmRSS:") for pid in self.tree())

    def pin(self):
        for pid in self.tree():
            subprocess.run(["taskset", "-a", "-c", "-p", SERVER_CPU, str(pid)], check=True, capture_output=True)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ask(questions, count):
    out = subprocess.run(["taskset", "-c", LOAD_CPU, BUILD / "bench/load", "-s", "127.0.0.1", "-p", str(PORT), "-k", str(SOCKETS), "-w", str(WINDOW),
                          "-n", str(count), "-f", questions], check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def measure(kind, folder, origin, zone, questions):
    subprocess.run(["cat", zone], stdout=subprocess.DEVNULL, check=True)  # what is measured is not the disk
    server = Server(kind, folder, origin, zone)
    server.pin()
    ask(questions, QUESTIONS // 10)
    before = server.cpu_us()
    got = ask(questions, QUESTIONS)
    us = (server.cpu_us() - before) / max(1, got["got"])
    found = {"load": server.load_s, "cpu": server.load_cpu_s, "peak": server.peak, "rest": server.rest(), "rss": server.rss(), "us": us,
             "lost": got["lost"] + got["servfail"], "bytes": got["bytes"] / max(1, got["got"])}
    server.end()
    shutil.rmtree(folder)
    return found


def stages(origin, zone, questions, names):
    """What the stages cost, without the daemon around them."""
    cost = json.loads(subprocess.run([BUILD / "bench/zone_cost", zone, origin, questions, "1"], check=True, capture_output=True, text=True).stdout)
    parts = ", ".join(f"{stage} {cost[stage]['cpu_s']:.2f} s" for stage in ("read", "prove", "compile"))
    print(f"\nbanyand: {cost['records']} records; CPU: {parts}; the image has {cost['image_bytes'] / names:.0f} bytes a delegation; of an answer out "
          f"of it parse, look up, copy and patch are {cost['answer']['cpu_ns']:.0f} ns\n", flush=True)


def table(place, title, kinds, origin, zone, questions, names):
    print(f"\n### {title}\n\n| server | load s | load CPU s | peak MB | at rest MB (Pss) | RSS MB | CPU µs a question | lost | bytes a reply |\n"
          "|---|---|---|---|---|---|---|---|---|")
    results = {kind: [] for kind in kinds}
    for n in range(RUNS):
        for kind in kinds:
            results[kind].append(measure(kind, place / f"{kind}-{n}", origin, zone, questions))
    for kind in kinds:
        median = lambda key: statistics.median(r[key] for r in results[kind])  # noqa: B023, E731
        print(f"| {kind} | {median('load'):.2f} | {median('cpu'):.2f} | {median('peak') / 1e6:.1f} | {median('rest') / 1e6:.1f} | {median('rss') / 1e6:.1f} | "
              f"{median('us'):.2f} | {median('lost'):.0f} | {median('bytes'):.0f} |", flush=True)
    if "banyand" in kinds:
        stages(origin, zone, questions, names)


def main():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        sys.exit("bench: needs root, for a network namespace")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    kinds = sys.argv[2:] or [k for k, (_, binary) in SERVERS.items() if binary is None or shutil.which(binary, path=ENV["PATH"])]
    with tempfile.TemporaryDirectory(prefix="banyan-bench.") as name:
        place = Path(name)
        if ROOT:
            lines = [line.split() for line in Path(ROOT).read_text().splitlines() if line[:1].strip()]
            tlds = sorted({words[0] for words in lines if len(words) > 4 and words[3].upper() == "NS" and words[0] != "."})
            (place / "questions").write_text("".join(f"www.{tld} 1\n{tld} 43\nno-such-{tld} 1\n" for tld in tlds))
            table(place, f"The root, {len(tlds)} delegations", kinds, ".", ROOT, place / "questions", len(tlds))
        for denial in DENIAL:
            for size in SIZES:
                zone, questions = place / "zone", place / "questions"
                subprocess.run([BUILD / "bench/tld", str(size), denial, zone, questions, str(min(QUESTIONS, 300000))], check=True)
                table(place, f"{size} delegations, {denial.upper()}", kinds, "bench.", zone, questions, size)


if __name__ == "__main__":
    main()
