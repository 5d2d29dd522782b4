#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""banyand as a resolver beside Debian's: CPU time a question, in one run, on a signed Internet of its own on loopback.

resolver.py BUILD_FOLDER [SERVER...]      servers: banyand unbound pdns kresd bind (those that are installed)

BENCH_RUNS (3), BENCH_CHILDREN (8000 signed zones), BENCH_FLAT (12000 names in one), BENCH_HITS (100000), BENCH_NX (50000).
Servers run with one worker on CPU 0; the load and the authorities (nsd) on CPU 1. The figure is user and system time of the server's
process tree, divided by the answers. What counts are ratios within one run.
"""
import ctypes
import datetime
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dns.dnssec
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
SERVER_CPU, LOAD_CPU = "0", "1"
WINDOW = 32  # questions in flight: enough to keep the server busy, too few to wait for each other
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else "build-release").resolve()
RUNS, CHILDREN, FLAT, HITS, NX = (int(os.environ.get("BENCH_" + key, default)) for key, default in (
    ("RUNS", 3), ("CHILDREN", 8000), ("FLAT", 12000), ("HITS", 100000), ("NX", 50000)))
ENV = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def run(folder, *words, cpu=None, **options):
    words = (["taskset", "-c", cpu] if cpu else []) + [str(w) for w in words]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, env=ENV, **options).stdout


class World:
    """Zone files, anchor, and question files."""

    def __init__(self, folder):
        self.folder = folder
        self.flat()
        self.root(self.com())
        self.questions()

    def sign(self, origin, lines):
        """A zone signed by ldns with a key of its own; returns its DS."""
        stem = origin.strip(".") or "root"
        (self.folder / f"{stem}.plain").write_text("\n".join(lines) + "\n")
        key = run(self.folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", origin).strip()
        run(self.folder, "ldns-signzone", "-z", "simple:sha384", "-f", f"{stem}.zone", "-o", origin, f"{stem}.plain", key)
        return (self.folder / f"{key}.ds").read_text().strip()

    def flat(self):
        lines = ["bench.com. 86400 IN SOA ns.bench.com. h.bench.com. 1 1800 900 604800 900", "bench.com. 86400 IN NS ns.bench.com.",
                 "ns.bench.com. 86400 IN A 127.0.0.30"]
        lines += [f"h{n}.bench.com. 86400 IN A 127.1.{n // 250 % 250}.{n % 250}" for n in range(FLAT)]
        self.flat_ds = self.sign("bench.com.", lines)

    def child(self, n):
        """A small signed zone with a key of its own."""
        origin = dns.name.from_text(f"d{n}.com.")
        key = ec.generate_private_key(ec.SECP256R1())
        dnskey = dns.dnssec.make_dnskey(key.public_key(), "ECDSAP256SHA256", flags=257)
        now = datetime.datetime.now(datetime.timezone.utc)
        www, ns = (dns.name.from_text(label, origin) for label in ("www", "ns"))
        sets = [dns.rrset.from_text(origin, 86400, "IN", "SOA", "ns h 1 7200 3600 1209600 3600"), dns.rrset.from_text(origin, 86400, "IN", "NS", "ns"),
                dns.rrset.from_text(ns, 86400, "IN", "A", "127.0.0.30"), dns.rrset.from_text(www, 86400, "IN", "A", "127.1.2.3"),
                dns.rrset.from_rdata(origin, 86400, dnskey)]
        for each in sets[:2]:
            text = [r.to_text().replace("ns ", f"ns.{origin} ").replace(" h ", f" h.{origin} ") if each.rdtype == 6 else f"ns.{origin}" for r in each]
            sets[sets.index(each)] = dns.rrset.from_text(origin, 86400, "IN", dns.rdatatype.to_text(each.rdtype), *text)
        lines = []
        for each in sets:
            sig = dns.dnssec.sign(each, key, origin, dnskey, inception=now - datetime.timedelta(hours=1),
                                  expiration=now + datetime.timedelta(days=9))
            lines += [each.to_text(), dns.rrset.from_rdata(each.name, each.ttl, sig).to_text()]
        (self.folder / f"d{n}.zone").write_text("\n".join(lines) + "\n")
        ds = dns.dnssec.make_ds(origin, dnskey, "SHA256")
        return [f"{origin} 172800 IN NS ns.{origin}", f"ns.{origin} 172800 IN A 127.0.0.30", f"{origin} 172800 IN DS {ds.to_text()}"]

    def com(self):
        lines = ["com. 86400 IN SOA ns.com. h.com. 1 1800 900 604800 900", "com. 172800 IN NS ns.com.", "ns.com. 172800 IN A 127.0.0.20",
                 "bench.com. 172800 IN NS ns.bench.com.", "ns.bench.com. 172800 IN A 127.0.0.30", self.flat_ds]
        for n in range(CHILDREN):
            lines += self.child(n)
        return self.sign("com.", lines)

    def root(self, com_ds):
        """As many delegations as the real one has."""
        lines = [". 86400 IN SOA a.root. h.root. 1 1800 900 604800 86400", ". 518400 IN NS a.root.", "root. 172800 IN NS a.root.",
                 "a.root. 172800 IN A 127.0.0.10", "com. 172800 IN NS ns.com.", "ns.com. 172800 IN A 127.0.0.20", com_ds]
        for n in range(1440):
            lines += [f"tld{n:04}. 172800 IN NS ns{k}.tld{n:04}." for k in range(4)]
            lines += [f"ns{k}.tld{n:04}. 172800 IN A 127.0.0.20" for k in range(4)]
        ds = self.sign(".", lines)
        (self.folder / "root.ds").write_text(ds + "\n")
        self.ds = ds.split()[-4:]
        (self.folder / "root.hints").write_text(". 3600000 IN NS a.root.\na.root. 3600000 IN A 127.0.0.10\n")

    def questions(self):
        dice = random.Random(1)
        names = [f"www.d{n}.com. 1" for n in range(CHILDREN)]
        weights = [1 / (n + 1) for n in range(CHILDREN)]
        write = lambda name, lines: (self.folder / name).write_text("\n".join(lines) + "\n")  # noqa: E731
        write("hot", names)
        write("hit", dice.choices(names, weights, k=HITS))
        dice.shuffle(names)
        write("deleg", names)
        write("flat", dice.sample([f"h{n}.bench.com. 1" for n in range(FLAT)], FLAT))
        write("nx", ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=12)) + ". 1" for _ in range(NX)])


# ---- servers ----

def authority(folder, address, zones):
    lines = ["server:", f"  ip-address: {address}", "  server-count: 1", '  username: ""', '  database: ""', f'  zonesdir: "{folder}"', "  do-ip6: no",
             f'  pidfile: "{folder}/nsd.{address}"', f'  xfrdfile: "{folder}/xfrd.{address}"', f'  zonelistfile: "{folder}/list.{address}"',
             "  rrl-ratelimit: 0", "remote-control:", "  control-enable: no"]
    for origin, path in zones.items():
        lines += ["zone:", f'  name: "{origin}"', f'  zonefile: "{path}"']
    conf = folder / f"nsd.{address}.conf"
    conf.write_text("\n".join(lines) + "\n")
    return ["nsd", "-d", "-c", str(conf)]


def banyand(w, folder, port):
    (folder / "banyan.yaml").write_text(f"""server: {{listen: [127.0.0.1@{port}], workers: 1, rundir: {folder}, user: root, log-level: warning}}
root: {{file: {w.folder}/root.zone, anchors: [{w.folder}/root.ds], fallback: false}}
resolver: {{cache-size: 512M, ipv6: false}}
""")
    return [str(BUILD / "src/cmd/banyand/banyand"), "-c", str(folder / "banyan.yaml")]


def unbound_config(folder, port, server, zones):
    """What it needs in any bench; `server` and `zones`: lines more of its server section and behind it. Returns its command."""
    (folder / "unbound.conf").write_text(f"""server:
  interface: 127.0.0.1
  port: {port}
  do-ip6: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  outgoing-range: 4096
  num-queries-per-thread: 4096
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
{server}remote-control:
  control-enable: no
{zones}""")
    return ["unbound", "-d", "-c", str(folder / "unbound.conf")]


def unbound(w, folder, port):
    return unbound_config(folder, port, f"""  msg-cache-size: 128m
  rrset-cache-size: 256m
  aggressive-nsec: yes
  root-hints: "{w.folder}/root.hints"
  trust-anchor-file: "{w.folder}/root.ds"
""", f"""auth-zone:
  name: "."
  zonefile: "{w.folder}/root.zone"
  for-downstream: no
  for-upstream: yes
""")


def pdns(w, folder, port):
    (folder / "rec.lua").write_text(f'clearTA(".")\naddTA(".", "{" ".join(w.ds)}")\nzoneToCache(".", "file", "{w.folder}/root.zone", {{ dnssec="require" }})\n')
    (folder / "recursor.conf").write_text(f"""local-address=127.0.0.1
local-port={port}
daemon=no
disable-syslog=yes
loglevel=3
quiet=yes
threads=1
pdns-distributes-queries=no
socket-dir={folder}
security-poll-suffix=
allow-from=127.0.0.0/8
dont-query=
hint-file={w.folder}/root.hints
dnssec=validate
max-mthreads=4096
max-cache-entries=1000000
lua-config-file={folder}/rec.lua
""")
    return ["pdns_recursor", f"--config-dir={folder}"]


def kresd(w, folder, port):
    (folder / "kresd.conf").write_text(f"""net.ipv6 = false
net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
cache.size = 512 * MB
log_level('err')
option('ALLOW_LOCAL', true)
modules.unload('ta_signal_query') modules.unload('ta_update') modules.unload('detect_time_skew') modules.unload('detect_time_jump')
modules.unload('priming')
modules.load('hints > iterate')
hints.root_file('{w.folder}/root.hints')
trust_anchors.remove('.')
trust_anchors.add('. 86400 IN DS {" ".join(w.ds)}')
""")
    return ["kresd", "-q", "-n", "-c", str(folder / "kresd.conf"), str(folder)]


def bind(w, folder, port):
    tag, algorithm, digest, data = w.ds
    (folder / "named.conf").write_text(f"""controls {{ }};
options {{ directory "{folder}"; pid-file none; session-keyfile "{folder}/session.key"; managed-keys-directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; recursion yes; allow-query {{ any; }}; dnssec-validation yes; max-cache-size 512m; recursive-clients 10000;
  empty-zones-enable no; synth-from-dnssec yes; }};
trust-anchors {{ . static-ds {tag} {algorithm} {digest} "{data}"; }};
zone "." {{ type hint; file "{w.folder}/root.hints"; }};
""")
    return ["named", "-4", "-g", "-n", "1", "-U", "1", "-c", str(folder / "named.conf")]


SERVERS = {"banyand": (banyand, None), "unbound": (unbound, "unbound"), "pdns": (pdns, "pdns_recursor"), "kresd": (kresd, "kresd"),
           "bind": (bind, "named")}


class Process:
    def __init__(self, words, folder, cpu, address, port, name, rcodes=(0,)):
        folder.mkdir(exist_ok=True)
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["taskset", "-c", cpu, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENV,
                                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))  # none is left behind
        end = time.monotonic() + 60
        query = dns.message.make_query(name, "SOA", want_dnssec=True)
        while True:
            try:
                if dns.query.udp(query, address, 1, port).rcode() in rcodes:
                    return
            except (dns.exception.DNSException, OSError):
                time.sleep(0.05)
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{words[0]} does not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def tree(self):
        pids, todo = [], [self.process.pid]
        while todo:
            pids.append(todo.pop())
            for task in Path(f"/proc/{pids[-1]}/task").iterdir():
                todo += [int(p) for p in (task / "children").read_text().split()]
        return pids

    def cpu_us(self):
        return sum(int((task / "schedstat").read_text().split()[0]) for pid in self.tree() for task in Path(f"/proc/{pid}/task").iterdir()) / 1000

    def rss(self):
        """Bytes."""
        lines = [line for pid in self.tree() for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
        return sum(int(line.split()[1]) for line in lines) * 1024

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def datagrams():
    lines = [line.split() for line in Path("/proc/self/net/snmp").read_text().splitlines() if line.startswith("Udp:")]
    return int(lines[1][lines[0].index("OutDatagrams")])


def load(w, port, file, count, window=WINDOW):
    return json.loads(run(w.folder, BUILD / "bench/load", "127.0.0.1", port, file, count, window, cpu=LOAD_CPU))


def measure(w, server, port, file, count):
    sent, cpu = datagrams(), server.cpu_us()
    got = load(w, port, file, count)
    cpu = server.cpu_us() - cpu
    upstream = (datagrams() - sent - got["sent"] - got["got"]) / 2
    return {"us": cpu / max(1, got["got"]), "upstream": upstream / max(1, got["got"]),
            "failed": (got["lost"] + got["servfail"]) / got["sent"]}


def bench(w, kind, port):
    """All the figures of one run of one server: the misses with a cold cache, then hits, then names that do not exist."""
    make, _ = SERVERS[kind]
    folder = w.folder / f"{kind}-{port}"
    folder.mkdir()
    server = Process(make(w, folder, port), folder, SERVER_CPU, "127.0.0.1", port, "com.")
    found = {"rss": server.rss() / 1e6}
    load(w, port, "hot", 1)
    found["flat"] = measure(w, server, port, "flat", FLAT)
    found["deleg"] = measure(w, server, port, "deleg", CHILDREN)
    load(w, port, "hot", CHILDREN)
    found["hit"] = measure(w, server, port, "hit", HITS)
    load(w, port, "nx", NX // 2)
    found["nx"] = measure(w, server, port, "nx", NX)
    server.end()
    return found


def signature_us():
    """One ECDSA P-256 check, by openssl, now and here."""
    out = run("/", "openssl", "speed", "-seconds", "1", "ecdsap256", cpu=SERVER_CPU)
    return 1e6 / float(out.splitlines()[-1].split()[-1])


def table(results, before, after):
    """Of a new name also: how many times the checks of its signatures alone, one for a name and three with a new signed zone."""
    median = lambda kind, what, key: statistics.median(r[what][key] for r in results[kind])  # noqa: E731
    check = (before + after) / 2
    print(f"CPU µs a question (messages to authorities a question; times the checks of its signatures alone), medians of {RUNS} runs; "
          f"load {os.getloadavg()[0]:.1f}; one P-256 check {before:.0f} µs before, {after:.0f} µs after\n")
    print("| server | cached | no such TLD | new name | new name, new signed zone | SERVFAIL or lost, % | RSS at start, MB |\n|---|---|---|---|---|---|---|")
    for kind in results:
        cells = [f"{median(kind, 'hit', 'us'):.2f}", f"{median(kind, 'nx', 'us'):.2f} ({median(kind, 'nx', 'upstream'):.3f})"]
        for what, checks in ("flat", 1), ("deleg", 3):
            us = median(kind, what, "us")
            cells.append(f"{us:.0f} ({median(kind, what, 'upstream'):.2f}; {us / checks / check:.2f} ×)")
        failed = max(median(kind, what, "failed") for what in ("hit", "nx", "flat", "deleg"))
        print(f"| {kind} | " + " | ".join(cells) + f" | {100 * failed:.2f} | {statistics.median(r['rss'] for r in results[kind]):.1f} |")


def main():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        sys.exit("bench: needs root, for a network namespace")
    run("/", "ip", "link", "set", "lo", "up")
    kinds = sys.argv[2:] or [k for k, (_, binary) in SERVERS.items() if binary is None or shutil.which(binary, path=ENV["PATH"])]
    with tempfile.TemporaryDirectory(prefix="banyan-bench.", dir="/tmp") as place:
        w = World(Path(place))
        zones = {f"d{n}.com.": f"d{n}.zone" for n in range(CHILDREN)}
        zones["bench.com."] = "bench.com.zone"
        lab = [Process(authority(w.folder, address, served), w.folder / address, LOAD_CPU, address, 53, name) for address, served, name in (
            ("127.0.0.10", {".": "root.zone"}, "."), ("127.0.0.20", {"com.": "com.zone"}, "com."), ("127.0.0.30", zones, "d1.com."))]
        results, port, before = {kind: [] for kind in kinds}, 5500, signature_us()
        for _ in range(RUNS):
            for kind in kinds:
                port += 1
                results[kind].append(bench(w, kind, port))
        table(results, before, signature_us())
        for each in lab:
            each.end()


if __name__ == "__main__":
    main()
