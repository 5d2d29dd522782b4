#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to sign the root: a whole version, and each of 200 versions after the one before; beside the signers of BIND, ldns and Knot DNS.

bench/sign.py BUILD [VERSIONS]

Real versions of the root, without what a signer makes (ROOTZONES=folder with history-2026/; default: ../shared/data/rootzones beside the tree);
where there are none, versions that look like them. All signers have the same keys, NSEC, and sign for 30 days; all times are CPU time of
all threads, user and system, from the start of the program to its end (knotd, banyan publish: of the daemon while it reads and
signs the version).
"""
import os
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import common

VERSIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
ALGORITHMS = [(8, "RSA-2048", ["-b", "2048"]), (13, "ECDSA P-256", [])]
KNOT_NAMES = {8: "RSASHA256", 13: "ECDSAP256SHA256"}
SIGNED_TYPES = re.compile(r"\sIN\s+(RRSIG|DNSKEY|NSEC|ZONEMD)\s")
SOA = re.compile(r"(\sIN\s+SOA\s+\S+\s+\S+\s+)\d+")
BIND_EVERY = 4  # dnssec-signzone looks at every signature of the version before: each fourth version is enough
HERE = Path(__file__).resolve().parent


def spent(*words, stdout=subprocess.DEVNULL, cwd=None):
    """CPU seconds of a program that must succeed, and what it said."""
    with open(cwd / "said", "w+", encoding="utf-8") as said:
        child = subprocess.Popen([str(w) for w in words], stdout=stdout, stderr=said, cwd=cwd, env=common.ENV)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if child.returncode != 0:
        raise common.Missing(f"{words[0]}: status {child.returncode}: {text.strip()[-300:]}")
    return usage.ru_utime + usage.ru_stime, text


# ---- versions ----
def real_versions(folder, place):
    serials = subprocess.run(["sh", folder / "unpack.sh", "--list"], capture_output=True, text=True, check=True).stdout.split()[-VERSIONS:]
    tar = subprocess.Popen(["zstd", "-q", "-dc", "--long=27", folder / "versions.tar.zst"], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-xf", "-", "-C", place, *(f"root-{s}.zone" for s in serials)], stdin=tar.stdout, check=True)
    tar.wait()
    return [place / f"root-{s}.zone" for s in serials]


def made_versions(place):
    """1,440 delegations; in each version a few of them change."""
    rng, files = random.Random(1), []
    names = {f"{rng.choice('abcdefghijklmnopqrstuvwxyz')}tld{i}": [rng.getrandbits(256), rng.getrandbits(32)] for i in range(1440)}
    for serial in range(1, VERSIONS + 1):
        for name in rng.sample(sorted(names), 2):
            names[name][serial % 2] = rng.getrandbits(256 if serial % 2 == 0 else 32)
        lines = [f". 86400 IN SOA a.root-servers.net. host. {serial} 1800 900 604800 86400"]
        lines += [f". 518400 IN NS {c}.root-servers.net." for c in "abcdefghijklm"]
        for name, (digest, address) in names.items():
            for k in range(4):
                lines += [f"{name}. 172800 IN NS ns{k}.nic.{name}.", f"ns{k}.nic.{name}. 172800 IN A 10.{address >> 16 & 255}.{address >> 8 & 255}.{k}",
                          f"ns{k}.nic.{name}. 172800 IN AAAA 2001:db8::{address & 0xffff:x}:{k}"]
            lines.append(f"{name}. 86400 IN DS {digest & 0xffff} 8 2 {digest:064x}")
        files.append(place / f"root-{serial}.zone")
        files[-1].write_text("\n".join(lines) + "\n")
    return files


def versions(place):
    for folder in [os.environ.get("ROOTZONES", ""), HERE / ".." / ".." / "shared" / "data" / "rootzones"]:
        if folder and (Path(folder) / "history-2026" / "versions.tar.zst").is_file():
            files, what = real_versions(Path(folder).resolve() / "history-2026", place), "real versions of the root"
            break
    else:
        files, what = made_versions(place), "made-up versions of a root"
    for i, path in enumerate(files):
        lines = [line for line in path.read_text().splitlines(keepends=True) if not SIGNED_TYPES.search(line)]
        # knotd gives what it signs a serial of its own, one above: with those of the root it would pass over the next version
        path.write_text("".join(SOA.sub(rf"\g<1>{2026000000 + 10 * i}", line) for line in lines))
    return files, what


def keys_make(place, algorithm, words):
    """[KSK, ZSK]: paths without ending."""
    pair = []
    for flags in (["-f", "KSK"], []):
        done = subprocess.run(["dnssec-keygen", "-q", "-K", place, "-a", str(algorithm), *words, *flags, "."], capture_output=True,
                              text=True, check=True, env=common.ENV)
        pair.append(place / done.stdout.strip())
    return pair


def banyan(*words):
    return [common.BUILD / "src" / "cmd" / "banyan" / "banyan", *words]


def proved(place, zone, pair):
    spent(*banyan("verify", "--anchor", f"{pair[0]}.key", zone), cwd=place)


# ---- Knot DNS ----
def knot_config(place, pair, zone_file, algorithm):
    folder = place / f"knot-{zone_file.stem}"
    folder.mkdir()
    path = folder / "knot.conf"
    path.write_text(f"""
server:
  rundir: "{folder}"
  user: "root:root"
  listen: "127.0.0.1@{next(common.PORTS)}"
  background-workers: 2
database:
  storage: "{folder}"
  journal-db-max-size: 1G
log:
  - target: "{folder}/log"
    any: info
policy:
  - id: p
    manual: on
    algorithm: {KNOT_NAMES[algorithm]}
    nsec3: off
    rrsig-lifetime: 30d
    rrsig-refresh: 7d
    signing-threads: 2
zone:
  - domain: "."
    file: "{zone_file}"
    storage: "{folder}"
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: changes
    dnssec-signing: on
    dnssec-policy: p
    zonemd-generate: zonemd-sha384
    semantic-checks: off
""")
    for key in pair:
        spent("keymgr", "-c", path, ".", "import-bind", f"{key}.key", cwd=place)
    return folder, path


def task_seconds(pid):
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue  # it has just ended
    return total / 1e9


def wait_log(folder, word, times):
    """Until the daemon has said it so often."""
    end = time.monotonic() + 60
    log = folder / "log"
    while time.monotonic() < end:
        text = log.read_text() if log.is_file() else ""
        if len(re.findall(word, text)) >= times:
            return text
        time.sleep(0.005)
    raise common.Missing(f"knotd does not say '{word}' ({text[-300:]})")


def knot_steps(place, pair, files, algorithm):
    current = place / f"knot-{algorithm}.zone"
    current.write_bytes(files[0].read_bytes())
    folder, path = knot_config(place, pair, current, algorithm)
    daemon = subprocess.Popen(["knotd", "-c", path], cwd=folder, env=common.ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times = []
    try:
        wait_log(folder, r"loaded, serial", 1)
        for i, version in enumerate(files[1:], 1):
            new = place / "knot.new"
            new.write_bytes(version.read_bytes())
            os.utime(new, (time.time() + i * 2, time.time() + i * 2))  # a file of another time is another file
            new.rename(current)
            before = task_seconds(daemon.pid)
            spent("knotc", "-c", path, "-b", "zone-reload", ".", cwd=place)
            wait_log(folder, r"zone file parsed", i + 1)
            times.append(task_seconds(daemon.pid) - before)
        signed = len(re.findall(r"DNSSEC, successfully signed", (folder / "log").read_text()))
        if signed != len(files):
            raise common.Missing(f"knotd has signed {signed} of {len(files)} versions")
    finally:
        daemon.terminate()
        daemon.wait()
    return times


# ---- tables ----
def table_full(place, pair, version, algorithm, name):
    """One version, signed whole by each; the median of BENCH_RUNS."""
    keys = [f"{key}.key" for key in pair]
    with_keys = place / "with-keys.zone"
    with_keys.write_text(version.read_text() + "".join(Path(k).read_text() for k in keys))
    out = place / "full.zone"
    zsk, ksk = pair[1], pair[0]
    _, config = knot_config(place, pair, version, algorithm)
    rows = [
        ("banyan sign, ZONEMD, not proved", banyan("sign", "--no-proof", "--output", out, version, *pair)),
        ("banyan sign, ZONEMD, proved", banyan("sign", "--output", out, version, *pair)),
        ("dnssec-signzone -P (no ZONEMD)", ["dnssec-signzone", "-P", "-o", ".", "-f", out, with_keys, zsk, ksk]),
        ("dnssec-signzone, verified (no ZONEMD)", ["dnssec-signzone", "-o", ".", "-f", out, with_keys, zsk, ksk]),
        ("ldns-signzone, ZONEMD", ["ldns-signzone", "-z", "1:1", "-o", ".", "-f", out, version, zsk, ksk]),
        ("kzonesign, ZONEMD", ["kzonesign", "-c", config, "-o", place, "."]),
    ]
    print(f"\n{name}: one version, whole, from one master file to another\n\n| signer | CPU ms | beside ours |\n|---|---:|---:|")
    ours = None
    for title, words in rows:
        try:
            seconds = statistics.median(spent(*words, cwd=place)[0] for _ in range(common.RUNS))
        except (common.Missing, OSError) as why:
            print(f"| {title} | – | {str(why)[:200]} |")
            continue
        if words[0] == banyan()[0]:
            proved(place, out, pair)
        ours = ours or seconds
        print(f"| {title} | {seconds * 1000:,.0f} | {seconds / ours:.2f} |", flush=True)


def banyan_steps(place, pair, files, words, form):
    before, times, made = None, [], []
    for i, version in enumerate(files):
        out = place / f"step{i % 2}.{form}"
        follow = ["--before", before] if before else []
        seconds, said = spent(*banyan("sign", *words, *follow, "--output", out, version, *pair), cwd=place)
        if before:
            times.append(seconds)
            made.append(int(re.search(r"(\d+) signatures made", said).group(1)))
        before = out
    proved(place, before, pair)
    return times, made


def descendants(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from descendants(child)


def family_seconds(pid):
    """A process with its children, those that have ended, too (in ticks of 10 ms)."""
    ended = sum(int(n) for n in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]) / os.sysconf("SC_CLK_TCK")
    return task_seconds(pid) + sum(task_seconds(child) for child in descendants(pid)) + ended


def publish_steps(place, files, algorithm):
    """A resident publisher that follows a file: fetched, signed, proved, written, each time."""
    folder = place / "edition"
    folder.mkdir()
    current = place / "publish-source.zone"
    current.write_bytes(files[0].read_bytes())
    (place / "edition.yaml").write_text(f"""
edition: {{folder: "{folder}"}}
source: {{from: "file:{current}", check-interval: 1s, shrink-max: 50}}
keys: {{algorithm: {algorithm}}}
signing: {{validity: 30d, validity-keys: 30d}}
""")
    times = []
    with open(place / "published", "w+", encoding="utf-8") as said:
        daemon = subprocess.Popen([str(w) for w in banyan("publish", "--watch", place / "edition.yaml")], cwd=place, env=common.ENV, stdout=said,
                                  stderr=subprocess.STDOUT)
        try:
            for i, version in enumerate(files):
                new = place / "publish.new"
                before = family_seconds(daemon.pid) if i > 0 else 0
                new.write_bytes(version.read_bytes())
                new.rename(current)
                end = time.monotonic() + 60
                while len(re.findall(r"published: ", (place / "published").read_text())) <= i:
                    if time.monotonic() > end or daemon.poll() is not None:
                        raise common.Missing(f"banyan publish: {(place / 'published').read_text()[-300:]}")
                    time.sleep(0.02)
                if i > 0:
                    times.append(family_seconds(daemon.pid) - before)
        finally:
            daemon.terminate()
            daemon.wait()
    return times


def bind_steps(place, pair, files):
    """As its manual says: what it made (-D) goes in again with the next version."""
    times, previous = [], ""
    keys = "".join(Path(f"{key}.key").read_text() for key in pair)
    for i, version in enumerate(files[:: BIND_EVERY]):
        plain, out = place / "bind.zone", place / "bind.out"
        plain.write_text(version.read_text() + keys + previous)
        seconds, _ = spent("dnssec-signzone", "-P", "-D", "-o", ".", "-f", out, "-k", pair[0], plain, pair[1], cwd=place)
        previous = out.read_text()
        if i > 0:
            times.append(seconds)
    return times


def table_steps(place, pair, files, algorithm, name):
    ours, made = banyan_steps(place, pair, files, ["--no-proof", "--wire"], "wire")
    print(f"\n{name}: each of {len(files) - 1} versions after the one before ({statistics.mean(made):.0f} signatures made on average, "
          f"{max(made)} at most)\n\n| signer | versions | mean CPU ms | largest | beside ours |\n|---|---:|---:|---:|---:|")
    mean = statistics.mean(ours)

    def row(title, times):
        print(f"| {title} | {len(times)} | {statistics.mean(times) * 1000:,.1f} | {max(times) * 1000:,.0f} | "
              f"{statistics.mean(times) / mean:.2f} |", flush=True)

    row("banyan sign --before --wire, not proved", ours)
    row("banyan sign --before --wire, all proved", banyan_steps(place, pair, files[:: BIND_EVERY], ["--wire"], "wire")[0])
    row("banyan sign --before, text, not proved", banyan_steps(place, pair, files[:: BIND_EVERY], ["--no-proof"], "zone")[0])
    for title, steps in [("banyan publish --watch, all proved, text", lambda: publish_steps(place, files[:: BIND_EVERY], algorithm)),
                         ("knotd, zonefile-load: difference", lambda: knot_steps(place, pair, files, algorithm)),
                         (f"dnssec-signzone -P -D, each {BIND_EVERY}th version (no ZONEMD)", lambda: bind_steps(place, pair, files))]:
        try:
            row(title, steps())
        except (common.Missing, OSError) as why:
            print(f"| {title} | – | – | – | {str(why)[:200]} |")


def main(place):
    files, what = versions(place)
    print(f"{len(files)} {what}, {files[0].stem} to {files[-1].stem}")
    for algorithm, name, words in ALGORITHMS:
        folder = place / str(algorithm)
        folder.mkdir()
        pair = keys_make(folder, algorithm, words)
        table_full(folder, pair, files[-1], algorithm, name)
        table_steps(folder, pair, files, algorithm, name)


common.run(main)
