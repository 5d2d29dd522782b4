# SPDX-License-Identifier: GPL-3.0-or-later
"""What all benchmarks here share: a place of their own, processes in it, load, the counting of CPU time, and tables.

A benchmark ends with `common.run(main)`. That puts main(place) into a process whose network is nothing but a loopback of its own, whose
processes are visible to nobody else and end with it however it ends, and whose folder is removed behind it.
"""
import ctypes
import itertools
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.query

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else "build-release").resolve()
ENV = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin", LC_ALL="C")
SERVER_CPU, LOAD_CPU = os.environ.get("BENCH_SERVER_CPU", "0"), os.environ.get("BENCH_LOAD_CPU", "1")
ONE_WORKER = {1: SERVER_CPU}  # how many workers have which CPUs
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
ADDRESS = "127.0.0.1"
PORTS = itertools.count(5400)


class Missing(Exception):
    """A peer that cannot take part; the others go on without it."""


def fail(text):
    sys.exit(f"bench: {text}")


# ---- a place of its own ----

def run(main):
    """Calls main(place) and leaves nothing behind."""
    if len(os.sched_getaffinity(0)) < 2:
        print("bench: this machine has one CPU only: servers and load share it, and the figures say little\n", file=sys.stderr)
    if LIBC.unshare(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS) != 0:
        fail(f"needs root, for namespaces of its own: {os.strerror(ctypes.get_errno())}")
    with tempfile.TemporaryDirectory(prefix="banyan-bench.") as folder:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        child = os.fork()
        if child == 0:
            inside(main, Path(folder))
        try:
            status = os.waitpid(child, 0)[1]
        except BaseException:
            os.kill(child, signal.SIGKILL)  # it is the first process of its namespace: all others go with it
            os.waitpid(child, 0)
            raise
    sys.exit(os.waitstatus_to_exitcode(status) != 0)


def inside(main, folder):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    status = 1
    try:
        for words in ((None, b"/", None, MS_REC | MS_PRIVATE, None), (b"proc", b"/proc", b"proc", 0, None)):
            if LIBC.mount(*words) != 0:
                fail(f"cannot mount: {os.strerror(ctypes.get_errno())}")
        tool("/", "ip", "link", "set", "lo", "up")
        main(folder)
        status = 0
    except KeyboardInterrupt:
        pass
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: B902
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(status)


def tool(folder, *words, cpu=None, **options):
    """A program's output; what it says about its failure is passed on."""
    words = (["taskset", "-c", cpu] if cpu else []) + [str(word) for word in words]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=ENV, **options)
    except FileNotFoundError:
        built = str(BUILD) in " ".join(words[:4])
        fail(f"there is no program '{words[0]}': " + ("tools/build makes it" if built else "tools/install-needed bench installs what is needed"))
    if done.returncode != 0:
        fail(f"{' '.join(words)}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def own(name):
    """A program that is built with the benchmarks."""
    return str(BUILD / "bench" / name)


def present(servers, wanted):
    """Those of `servers` (name: program that must be there, or None) that can take part, in their order."""
    for name in wanted:
        if name not in servers:
            fail(f"there is no server '{name}' here; there are {' '.join(servers)}")
    found = []
    for name, program in servers.items():
        if wanted and name not in wanted:
            continue
        if program is None or shutil.which(program, path=ENV["PATH"]):
            found.append(name)
        else:
            print(f"bench: {name} is left out: there is no program '{program}' (tools/install-needed bench installs it)\n", flush=True)
    return found


def attempt(name, start):
    """What start() returns; or None, said aloud, when the server does not come up. Without banyand itself there is nothing to compare."""
    try:
        return start()
    except Missing as why:
        if name == "banyand":
            fail(why)
        print(f"bench: {name} is left out: {why}\n", flush=True)
        return None


def start_each(keys, begin, warm):
    """Those that come up: {key: server}. A key is a server's name, or begins with it; begin(key, size) starts one, and warm(key, server) puts to
    it what it is to be asked. `size` is what the replies of those before were long: the echo, which comes last, makes its own like them."""
    started, replies = {}, []
    for key in keys:
        server = attempt(key if isinstance(key, str) else key[0], lambda: begin(key, mean_size(replies)))  # noqa: B023
        if server is not None:
            started[key] = server
            replies.append([warm(key, server)])
    return started


def in_turn(started, one_run):
    """RUNS runs of each, all in turn: {key: what one_run(server) found}."""
    results = {key: [] for key in started}
    for _ in range(RUNS):
        for key, server in started.items():
            results[key].append(one_run(server))
    return results


def end_all(started):
    for server in started.values():
        server.end()


# ---- processes ----

class Process:
    """A server in the foreground, pinned to some CPUs, answering for `name` when this returns."""

    START_TIME_MAX = 120
    PATIENCE, PAUSE = 1, 0.05  # seconds that an answer may take, and between two questions

    def __init__(self, words, folder, port, name, cpu=SERVER_CPU, address=ADDRESS):
        folder.mkdir(exist_ok=True)
        self.words, self.port, self.log = words, port, folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["taskset", "-c", cpu, *map(str, words)], cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=ENV)
        self.pid = self.process.pid
        if name is not None:
            self.wait(address, name)

    def wait(self, address, name):
        end, query = time.monotonic() + self.START_TIME_MAX, dns.message.make_query(name, "SOA", want_dnssec=True)
        while True:
            try:
                if dns.query.udp(query, address, self.PATIENCE, self.port, ignore_trailing=True).rcode() == 0:
                    return
            except (dns.exception.DNSException, OSError):
                pass
            time.sleep(self.PAUSE)
            if self.process.poll() is not None or time.monotonic() > end:
                self.end()
                raise Missing(f"{self.words[0]} does not answer:\n{self.log.read_text(errors='replace')[-1500:]}")

    def tree(self):
        pids, todo = [], [self.pid]
        while todo:
            pids.append(todo.pop())
            for task in Path(f"/proc/{pids[-1]}/task").iterdir():
                todo += [int(p) for p in (task / "children").read_text().split()]
        return pids

    def tasks(self):
        return [task for pid in self.tree() for task in Path(f"/proc/{pid}/task").iterdir()]

    def cpu_us(self):
        """User and system time of all its threads, to the nanosecond, where the two of /proc/PID/stat would be in ticks of 10 ms."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self.tasks()) / 1000

    def status(self, key, file="status", over=sum):
        """A number of /proc/PID/FILE, of all its processes."""
        return over(int(line.split()[1]) for pid in self.tree() for line in Path(f"/proc/{pid}/{file}").read_text().splitlines()
                    if line.startswith(key + ":"))

    def switches(self):
        """How often its threads gave up their CPU, and how often it was taken from them."""
        text = "".join((task / "status").read_text() for task in self.tasks())
        found = {"voluntary_ctxt_switches": 0, "nonvoluntary_ctxt_switches": 0}
        for line in text.splitlines():
            key, _, value = line.partition(":")
            if key in found:
                found[key] += int(value)
        return tuple(found.values())

    def rss(self):
        """Bytes."""
        return self.status("VmRSS") * 1024

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- load ----

def load(*words, cpu=LOAD_CPU):
    """What the load generator says (see load.c)."""
    return json.loads(tool("/", own("load"), *words, cpu=cpu))


def loads(each_words, cpus):
    """Several at once, one on each CPU; what they say, added up (latencies: the worst)."""
    running = [subprocess.Popen(["taskset", "-c", cpu, own("load"), *map(str, words)], stdout=subprocess.PIPE, text=True, env=ENV)
               for words, cpu in zip(each_words, cpus)]
    said = []
    for process in running:
        out, _ = process.communicate()
        if process.returncode != 0:
            fail(f"the load generator ended with status {process.returncode}")
        said.append(json.loads(out))
    worst = ("seconds", "p50", "p99", "p999", "max")
    return {key: (max if key in worst else sum)(one[key] for one in said) for key in said[0]}


def udp(key):
    """A counter of UDP of this network: InDatagrams, OutDatagrams, RcvbufErrors ..."""
    names, values = (line.split() for line in Path("/proc/self/net/snmp").read_text().splitlines() if line.startswith("Udp:"))
    return int(values[names.index(key)])


def drops(port):
    """Datagrams that the sockets of a port had no room for."""
    rows = [line.split() for line in Path("/proc/self/net/udp").read_text().splitlines()[1:]]
    return sum(int(row[12]) for row in rows if int(row[1].split(":")[1], 16) == port)


def measure(server, *words):
    """One run of the load at a server: what the load says, CPU us a question, messages to authorities a question."""
    sent, cpu = udp("OutDatagrams"), server.cpu_us()
    got = load("-p", server.port, *words)
    got["us"] = (server.cpu_us() - cpu) / max(1, got["got"])
    got["upstream"] = (udp("OutDatagrams") - sent - got["sent"] - got["got"]) / 2 / max(1, got["got"])
    return got


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def mean_size(runs):
    """Bytes of a reply, over all servers."""
    answered = [run for each in runs for run in each if run["got"] > 0]
    return round(sum(run["bytes"] / run["got"] for run in answered) / len(answered)) if answered else 512


# ---- tables ----

def calibration():
    """One RSA-2048 check, by openssl, now and here: the machine's own speed."""
    return 1e6 / float(tool("/", "openssl", "speed", "-seconds", "1", "rsa2048", cpu=SERVER_CPU).splitlines()[-1].split()[-1])


def ecdsa_us():
    return 1e6 / float(tool("/", "openssl", "speed", "-seconds", "1", "ecdsap256", cpu=SERVER_CPU).splitlines()[-1].split()[-1])


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def head(*cells):
    row(*cells)
    print("|" + "---|" * len(cells), flush=True)


def title(text):
    print(f"\n### {text}\n", flush=True)


def speed_table(results, floor="echo", ours="banyand"):
    """CPU us a question of each server (name: runs), beside the floor and the best peer."""
    peers = [name for name in results if name not in (floor, ours)]
    best = min(peers, key=lambda name: median(results[name], "us"), default=None)
    head("server", "CPU µs a question", "least to most", "× echo", "× best peer", "questions a second", "lost, %", "bytes of a reply",
         "NOERROR / NXDOMAIN / other, %", "p50, µs")
    for name, runs in results.items():
        us, got = median(runs, "us"), sum(run["got"] for run in runs)
        share = [100 * sum(run[key] for run in runs) / got for key in ("noerror", "nxdomain")]
        row(name, f"{us:.2f}", f"{min(run['us'] for run in runs):.2f} to {max(run['us'] for run in runs):.2f}",
            f"{us / median(results[floor], 'us'):.2f}" if floor in results else "–",
            f"{us / median(results[best], 'us'):.2f}" if best else "–",
            f"{statistics.median(run['got'] / run['seconds'] for run in runs):.0f}",
            f"{100 * sum(run['lost'] for run in runs) / sum(run['sent'] for run in runs):.3f}", f"{sum(run['bytes'] for run in runs) / got:.0f}",
            f"{share[0]:.1f} / {share[1]:.1f} / {100 - sum(share):.1f}", f"{median(runs, 'p50'):.0f}")


class Calibrated:
    """Prints the machine's speed before and after: when it moved, only ratios count."""

    def __enter__(self):
        self.before = calibration()
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            print(f"\nOne RSA-2048 check took {self.before:.1f} µs before and {calibration():.1f} µs after; load average {os.getloadavg()[0]:.1f}; "
                  f"medians of {RUNS} runs of {SECONDS:g} s, all servers in turn.", flush=True)
