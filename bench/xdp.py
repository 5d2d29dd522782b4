#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions over AF_XDP: banyand beside Knot DNS and beside an echo that does nothing else, on a veth pair between two network namespaces.

bench/xdp.py BUILD   (as root; BUILD has banyand and bench/xdp_echo)

kxdpgun sends at a fixed rate from the other namespace. CPU is that of the server's process and of the ksoftirqd of its core, from /proc,
divided by the replies. The zone is a made one: 1,500 delegations, a third of the questions for names that are not there. Runs of
all servers are interleaved. Environment: RATES (40000,200000), RUNS (3), SECONDS (2).
"""
import atexit
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUILD = Path(sys.argv[1]).resolve()
RATES = [int(r) for r in os.environ.get("RATES", "40000,200000").split(",")]
RUNS, SECONDS = int(os.environ.get("RUNS", 3)), int(os.environ.get("SECONDS", 2))
SERVER, CLIENT = "10.99.0.1", "10.99.0.2"
SERVER_CPU, CLIENT_CPU = 0, os.cpu_count() - 1
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


def run(*words):
    return subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True).stdout


def zone(folder):
    """The path of a zone, and that of questions as kxdpgun reads them."""
    rng = random.Random(1)
    lines = ["$ORIGIN bench.", "$TTL 86400", "@ SOA ns h 1 7200 3600 1209600 300", "@ NS ns", "ns A 192.0.2.1"]
    for i in range(1500):
        for k in range(6):
            lines += [f"d{i} NS ns{k}.d{i}", f"ns{k}.d{i} A 192.0.2.{k + 1}", f"ns{k}.d{i} AAAA 2001:db8::{k + 1}"]
    (folder / "bench.zone").write_text("\n".join(lines) + "\n")
    names = (f"www.d{rng.randrange(1500)}.bench." if rng.random() < .67 else f"x{rng.randrange(1 << 30)}.bench." for _ in range(50000))
    (folder / "questions").write_text("".join(f"{n} A E\n" for n in names))
    return folder / "bench.zone", folder / "questions"


def banyand(folder, zone_path, xdp):
    (folder / "banyan.yaml").write_text(f"""server: {{listen: ["{SERVER}@53"], workers: 1, rundir: {folder}, user: root, log-level: notice{', xdp: [bx0]' if xdp else ''}}}
resolver: {{enabled: false}}
zones: [{{name: bench, file: {zone_path}, prove: structure}}]
""")
    return [BUILD / "src/cmd/banyand/banyand", "-c", folder / "banyan.yaml"]


def knot(folder, zone_path):
    (folder / "knot.conf").write_text(f"""server:
  listen: {SERVER}@53
  rundir: "{folder}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
xdp:
  listen: bx0@53
database:
  storage: "{folder}"
zone:
  - domain: bench
    file: "{zone_path}"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
""")
    return ["knotd", "-c", folder / "knot.conf"]


def cpu_us(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_US


class Wire:
    def __init__(self):
        self.far = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo up && exec sleep 3600"], stdout=subprocess.PIPE)
        self.far.stdout.readline()
        self.there = ["nsenter", "-t", self.far.pid, "-n"]
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bx0", "type", "veth", "peer", "name", "bx1")
        run("ip", "link", "set", "bx1", "netns", self.far.pid)
        run("ip", "addr", "add", f"{SERVER}/24", "dev", "bx0")
        run("ip", "link", "set", "bx0", "up")
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{CLIENT}/24", "dev", "bx1"], ["link", "set", "bx1", "up"]):
            run(*self.there, "ip", *words)
        mac = re.search("ether ([0-9a-f:]+)", run("ip", "link", "show", "bx0"))[1]
        far_mac = re.search("ether ([0-9a-f:]+)", run(*self.there, "ip", "link", "show", "bx1"))[1]
        run(*self.there, "ip", "neigh", "replace", SERVER, "lladdr", mac, "dev", "bx1")
        run("ip", "neigh", "replace", CLIENT, "lladdr", far_mac, "dev", "bx0")

    def close(self):
        self.far.kill()
        self.far.wait()


def measure(wire, command, folder, questions, rate, is_ready):
    """(CPU us a reply, answered percent, bytes a reply)."""
    with open(folder / "log", "ab") as log:
        server = subprocess.Popen(["taskset", "-c", str(SERVER_CPU)] + [str(w) for w in command], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not is_ready():
            assert server.poll() is None and time.monotonic() < deadline, f"did not start; see {folder}/log"
            time.sleep(.05)
        soft = next(p.name for p in Path("/proc").glob("[0-9]*") if (p / "comm").exists() and (p / "comm").read_text().strip() == f"ksoftirqd/{SERVER_CPU}")
        before = cpu_us(server.pid) + cpu_us(soft)
        out = run(*wire.there, "taskset", "-c", CLIENT_CPU, "kxdpgun", "-F", CLIENT_CPU, "-t", SECONDS, "-Q", rate, "-i", questions, SERVER)
        after = cpu_us(server.pid) + cpu_us(soft)
    finally:
        server.terminate()
        server.wait()
        subprocess.run(["ip", "link", "set", "bx0", "xdp", "off"], capture_output=True)  # knotd leaves its program
        time.sleep(.3)  # and the kernel gives the queue back
    sent, got = (int(re.search(rf"total {w}:\s+(\d+)", out)[1]) for w in ("queries", "replies"))
    size = re.search(r"reply size:\s+(\d+)", out)
    return (after - before) / max(got, 1), 100 * got / sent, int(size[1]) if size else 0


def is_answered():
    done = subprocess.run(["kdig", "+timeout=1", "+retry=0", f"@{SERVER}", "bench", "SOA", "+short"], capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.startswith("ns.")


def is_attached():
    return "xdp" in run("ip", "-o", "link", "show", "bx0")


def main():
    wire = Wire()
    atexit.register(wire.close)
    table = {}
    with tempfile.TemporaryDirectory(prefix="banyan-bench.") as folder:
        folder = Path(folder)
        zone_path, questions = zone(folder)
        size = 724
        for attempt in range(RUNS):
            for rate in RATES:
                for name in ("banyand", "Knot DNS", "echo", "banyand by sockets"):
                    place = folder / name.replace(" ", "_")
                    place.mkdir(exist_ok=True)
                    command = {"banyand": lambda: banyand(place, zone_path, True), "Knot DNS": lambda: knot(place, zone_path),
                               "echo": lambda: [BUILD / "bench/xdp_echo", "bx0", size],
                               "banyand by sockets": lambda: banyand(place, zone_path, False)}[name]()
                    us, share, got = measure(wire, command, place, questions, rate, is_attached if name == "echo" else is_answered)
                    if name == "banyand" and got:
                        size = got  # the echo's replies are as long as ours
                    table.setdefault((rate, name), []).append((us, share))
                    print(f"{name}, {rate}: {us:.2f} us, {share:.1f} %", file=sys.stderr, flush=True)
    print("| offered a second | server | CPU us a reply | of the echo | answered % |\n|---|---|---|---|---|")
    for (rate, name), runs in table.items():
        us, floor = (statistics.median(r[0] for r in table[rate, n]) for n in (name, "echo"))
        print(f"| {rate} | {name} | {us:.2f} | {us / floor:.2f} | {statistics.median(r[1] for r in runs):.1f} |")


main()
