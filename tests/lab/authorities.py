#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Internet whose zones are signed by a peer's own tools and served by that peer, resolved by banyand and by unbound.

authorities.py PEER FOLDER BANYAND runs in a network namespace of its own (unshare -n) and prints one JSON object: what each
resolver said to each question, and how both got along with servers that go down and come back. The zones stand in zones() below;
addresses are of 198.18.53.0/24, port 53.
"""
import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

NET = "198.18.53."
ROOT, TLD, CHILD, SECOND, LAME, NOBODY, OURS, UNBOUND = (NET + str(i) for i in (1, 2, 3, 4, 5, 9, 100, 101))
ALGORITHMS = {8: "RSASHA256", 10: "RSASHA512", 13: "ECDSAP256SHA256", 14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448"}
RSA_BITS = "1024"  # quick to make; nobody's secret
START_S, BACK_S, TIMEOUT_S, GONE_S, IN_FLIGHT = 120, 120, 60, 10, 20

HEAD = "$TTL 300\n@ 900 IN SOA ns h 1 7200 3600 864000 300\n"
BODY = """
@ NS ns
ns A {ns}
@ A 192.0.2.10
@ MX 10 mail
@ CAA 0 issue "ca.lab"
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
www HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
mail A 192.0.2.3
_sip._tcp SRV 0 0 5060 www
u TYPE65280 \\# 3 010203
alias CNAME www
out CNAME www.{other}
plain CNAME www.plain.lab.
broken CNAME nothing.{other}
*.w A 192.0.2.9
*.w TXT "wild"
*.wc CNAME www
deep.a.b.c TXT "below empty names"
d DNAME e
www.e A 192.0.2.5
dx DNAME plain.lab.
MiXeD A 192.0.2.11
sub NS ns.plain.lab.
"""
BIG = "".join(f'big TXT "{i:02} {"x" * 180}"\n' for i in range(20))


class Zone:
    """`algorithm` 0 = not signed; `denial`: nsec, nsec3 or optout; `servers`: where it is delegated to."""

    def __init__(self, name, body, algorithm=0, denial="nsec", servers=(CHILD,), by_peer=True):
        self.name, self.body, self.algorithm, self.denial = name, body, algorithm, denial
        self.servers, self.by_peer = servers, by_peer
        self.path, self.ds, self.label = None, [], name.rstrip(".") or "root"

    def delegation(self):
        lines = [f"{self.name} NS {f'ns.{self.name}' if self.servers else 'ns.plain.lab.'}"] + [f"ns.{self.name} A {address}" for address in self.servers]
        return "\n".join(lines + self.ds) + "\n"


def zones():
    """Children first. Every signed one has the next one's name in its aliases."""
    signed = [("rsa8.lab.", 8, "nsec"), ("rsa10.lab.", 10, "nsec3"), ("p256.lab.", 13, "nsec"), ("p256n3.lab.", 13, "nsec3"),
              ("p384.lab.", 14, "nsec"), ("ed.lab.", 15, "nsec3"), ("edn.lab.", 15, "nsec"), ("ed448.lab.", 16, "nsec3"),
              ("opt.lab.", 13, "optout")]
    names = [name for name, _, _ in signed]
    made = [Zone(name, BODY.format(ns=CHILD, other=names[(i + 1) % len(names)]) + BIG, algorithm, denial)
            for i, (name, algorithm, denial) in enumerate(signed)]
    made.append(Zone("plain.lab.", BODY.format(ns=CHILD, other="p256.lab.").replace("sub NS ns.plain.lab.\n", "") + BIG))
    made += [Zone(f"sub.{name}", "@ NS ns.plain.lab.\nwww A 192.0.2.77\n") for name in names]
    made.append(Zone("two.lab.", f"@ NS ns\nns A {CHILD}\nns A {SECOND}\n" + "".join(f"down{i} A 192.0.2.20\n" for i in range(8)), 13, servers=(CHILD, SECOND),
                     by_peer=False))
    made.append(Zone("gone.lab.", f"@ NS ns\nns A {SECOND}\n* A 192.0.2.21\n", servers=(SECOND,)))
    made.append(Zone("glueless.lab.", "@ NS ns.plain.lab.\nwww A 192.0.2.23\n", 13, servers=()))
    made.append(Zone("lame.lab.", f"@ NS ns\nns A {LAME}\nns A {CHILD}\n* A 192.0.2.22\n", 13, servers=(LAME, CHILD)))
    return made


# Delegations that lead nowhere, or by way of another zone.
ODD = f"""
lameonly.lab. NS ns.lameonly.lab.
ns.lameonly.lab. A {LAME}
dead.lab. NS ns.dead.lab.
ns.dead.lab. A {NOBODY}
loop1.lab. NS ns.loop2.lab.
loop2.lab. NS ns.loop1.lab.
"""

TYPES = {"": ["A", "MX", "NS", "SOA", "CAA", "DNSKEY", "DS", "TXT"], "www": ["A", "AAAA", "HTTPS", "TXT", "DS"], "mail": ["A"],
         "_sip._tcp": ["SRV"], "_tcp": ["A"], "u": ["TYPE65280"], "alias": ["A", "CNAME", "MX"], "out": ["A"], "plain": ["A"],
         "broken": ["A"], "q.w": ["A", "TXT", "MX", "DS"], "*.w": ["A"], "a.b.w": ["A"], "q.wc": ["A", "CNAME"], "w": ["A"],
         "deep.a.b.c": ["TXT", "A"], "b.c": ["A"], "no.b.c": ["A"], "d": ["DNAME", "A"], "www.d": ["A", "CNAME"], "no.d": ["A"],
         "www.dx": ["A"], "no.dx": ["A"], "mixed": ["A"], "MIXED": ["A"], "nothing": ["A", "DS"], "x.y.nothing": ["A"],
         "zzz": ["MX"], "big": ["TXT"], "sub": ["DS", "A"], "www.sub": ["A", "MX"], "no.sub": ["A"]}


def questions():
    asked = []
    for zone in zones():
        if zone.name.startswith("sub.") or zone.name.split(".")[0] in ("two", "gone", "lame", "glueless"):
            continue
        for owner, types in TYPES.items():
            if zone.algorithm or "sub" not in owner:
                asked += [(f"{owner}.{zone.name}".lstrip("."), rdtype) for rdtype in types]
    for name in ("lame.lab.", "two.lab.", "gone.lab."):
        asked += [(f"a.{name}", "A"), (f"b.{name}", "MX"), (name, "DS")]
    asked += [("www.lameonly.lab.", "A"), ("www.glueless.lab.", "A"), ("www.loop1.lab.", "A"), ("www.dead.lab.", "A"),
              ("lab.", "A"), ("lab.", "SOA"), ("lab.", "DS"), ("lab.", "DNSKEY"), ("no-such-tld.", "A"), ("a.b.no-such-tld.", "MX"),
              (".", "NS"), (".", "SOA"), (".", "DNSKEY"), (".", "A"), ("plain.lab.", "DS"), ("nothing.lab.", "A")]
    return asked


# ---- signing ----

def run(command, folder, **options):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result.stdout


def sign_with_ldns(zone, folder):
    """ldns-keygen and ldns-signzone, whose makers write NSD too."""
    size = ["-b", RSA_BITS] if zone.algorithm in (8, 10) else []
    keys = [run(["ldns-keygen", "-a", ALGORITHMS[zone.algorithm], *size, *ksk, zone.name], folder).strip() for ksk in (["-k"], [])]
    denial = [] if zone.denial == "nsec" else ["-n", "-t", "0"] + (["-p"] if zone.denial == "optout" else [])
    run(["ldns-signzone", *denial, *(["-z", "1:1"] if zone.name == "." else []), "-o", zone.name, "-f", f"{zone.label}.signed", zone.path, *keys], folder)
    zone.ds = [run(["ldns-key2ds", "-n", "-2", f"{keys[0]}.key"], folder).strip()]
    zone.path = folder / f"{zone.label}.signed"


def sign_with_bind(zone, folder):
    keys = [run(["dnssec-keygen", "-q", "-a", ALGORITHMS[zone.algorithm], *(["-b", RSA_BITS] if zone.algorithm in (8, 10) else []), *ksk,
                 zone.name], folder).strip() for ksk in (["-f", "KSK"], [])]
    denial = [] if zone.denial == "nsec" else ["-3", "-", "-H", "0"] + (["-A"] if zone.denial == "optout" else [])
    run(["dnssec-signzone", "-S", "-K", str(folder), *denial, "-o", zone.name, "-f", f"{zone.label}.signed", str(zone.path)], folder)
    zone.ds = [run(["dnssec-dsfromkey", "-2", f"{keys[0]}.key"], folder).strip()]
    zone.path = folder / f"{zone.label}.signed"


def sign_with_knot(zone, folder):
    """Keys only: knotd signs by itself when it loads the zone."""
    (folder / "keys.conf").write_text(knot_conf([zone], [], folder), encoding="ascii")
    for ksk in ("yes", "no"):
        run(["keymgr", "-c", str(folder / "keys.conf"), zone.name, "generate", f"ksk={ksk}", f"zsk={'no' if ksk == 'yes' else 'yes'}"],
            folder)
    zone.ds = [line for line in run(["keymgr", "-c", str(folder / "keys.conf"), zone.name, "ds"], folder).splitlines()
               if re.search(r" DS \d+ \d+ 2 ", line)]


SIGN = {"nsd": sign_with_ldns, "bind": sign_with_bind, "knot": sign_with_knot}


def make_zone(peer, zone, folder):
    zone.path = folder / f"{zone.label}.zone"
    zone.path.write_text(f"$ORIGIN {zone.name}\n" + HEAD + zone.body, encoding="ascii")
    if zone.algorithm:
        (SIGN[peer] if zone.by_peer else sign_with_ldns)(zone, folder)


def make_zones(peer, folder):
    """All zones, the root last; DS go up."""
    made = zones()
    for zone in made:
        make_zone(peer, zone, folder)
    children = "".join(zone.delegation() for zone in made if zone.name.count(".") == 2)
    tld = Zone("lab.", f"@ NS ns\nns A {TLD}\n" + children + ODD, 13, "nsec3")
    make_zone(peer, tld, folder)
    tld.servers = (TLD,)
    root = Zone(".", f"@ NS ns.root.\nns.root. A {ROOT}\n" + tld.delegation(), 8, by_peer=False)
    make_zone(peer, root, folder)
    (folder / "root.ds").write_text("\n".join(root.ds) + "\n", encoding="ascii")
    (folder / "root.hints").write_text(f". 3600 NS ns.root.\nns.root. 3600 A {ROOT}\n", encoding="ascii")
    return [*made, tld, root]


# ---- servers ----

def nsd_conf(served, addresses, folder):
    lines = ["server:", '  username: ""', "  server-count: 1", '  pidfile: ""', f'  zonelistfile: "{folder}/nsd.list"',
             f'  xfrdfile: "{folder}/nsd.xfrd"', '  database: ""', f'  zonesdir: "{folder}"', "  rrl-ratelimit: 0",
             *(f"  ip-address: {a}" for a in addresses), "remote-control:", "  control-enable: no"]
    for zone in served:
        lines += ["zone:", f'  name: "{zone.name}"', f'  zonefile: "{zone.path}"']
    return "\n".join(lines) + "\n"


def bind_conf(served, addresses, folder):
    zone_lines = [f'zone "{zone.name}" {{ type primary; file "{zone.path}"; }};' for zone in served]
    return "\n".join([
        "options {", f'  directory "{folder}"; listen-on port 53 {{ {" ".join(a + ";" for a in addresses)} }}; listen-on-v6 {{ none; }};',
        "  recursion no; notify no; dnssec-validation no; empty-zones-enable no; pid-file none; session-keyfile none;",
        "  check-names primary ignore; check-integrity no;", "};", "controls { };", *zone_lines]) + "\n"


def knot_conf(served, addresses, folder):
    kinds = sorted({(zone.algorithm, zone.denial) for zone in served if zone.algorithm and zone.by_peer})
    lines = ["server:", f"  rundir: {folder}", *(f"  listen: {a}@53" for a in addresses), "  udp-workers: 1", "  tcp-workers: 1",
             "  background-workers: 1", "log:", "  - target: stderr", "    any: warning", "database:", f"  storage: {folder}/knot",
             f"  kasp-db: {folder}/kasp", "policy:" if kinds else ""]
    for algorithm, denial in kinds:
        lines += [f"  - id: p{algorithm}{denial}", f"    algorithm: {ALGORITHMS[algorithm]}", "    nsec3-iterations: 0", *([f"    ksk-size: {RSA_BITS}", f"    zsk-size: {RSA_BITS}"] if algorithm in (8, 10) else []),
                  f"    nsec3: {'off' if denial == 'nsec' else 'on'}", f"    nsec3-opt-out: {'on' if denial == 'optout' else 'off'}",
                  "    nsec3-salt-length: 0"]
    lines += ["template:", "  - id: default", "    journal-content: none", "    zonefile-load: whole", "    zonefile-sync: -1",
              "    semantic-checks: off", "zone:"]
    for zone in served:
        lines += [f"  - domain: {zone.name}", f"    file: {zone.path}"]
        if zone.algorithm and zone.by_peer:
            lines += ["    dnssec-signing: on", f"    dnssec-policy: p{zone.algorithm}{zone.denial}"]
    return "\n".join(lines) + "\n"


SERVERS = {"nsd": (nsd_conf, ["nsd", "-d", "-c"]), "bind": (bind_conf, ["named", "-g", "-n", "1", "-c"]), "knot": (knot_conf, ["knotd", "-c"])}


def ask_plain(address, name, rdtype, timeout_s):
    try:
        return dns.query.udp(dns.message.make_query(name, rdtype), address, timeout_s)
    except (dns.exception.DNSException, OSError):
        return None


def wait_for(what, condition, seconds, process=None, log=None):
    end = time.monotonic() + seconds
    while time.monotonic() < end and (process is None or process.poll() is None):
        if condition():
            return
        time.sleep(0.02)
    raise RuntimeError(f"waited in vain for {what}" + (f":\n{log.read_text(errors='replace')[-3000:]}" if log else ""))


class Server:
    """Started in the foreground, ended by its process id."""

    def __init__(self, name, command, folder, ready):
        self.name, self.command, self.folder, self.ready, self.process = name, command, folder, ready, None

    def start(self):
        log = self.folder / f"{self.name}.log"
        with open(log, "ab") as out:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_for(self.name, self.ready, START_S, self.process, log)
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def authority(peer, name, served, addresses, folder):
    place = folder / name
    (place / "knot").mkdir(parents=True)
    if peer == "knot" and name == "main":
        (folder / "kasp").rename(place / "kasp")
    conf = place / "conf"
    conf.write_text(SERVERS[peer][0](served, addresses, place), encoding="ascii")

    def ready():
        replies = [ask_plain(addresses[-1], zone.name, "SOA", 1) for zone in (served[0], served[-1])]
        return all(reply is not None and reply.answer for reply in replies)
    return Server(name, [*SERVERS[peer][1], str(conf)], place, ready)


def resolvers(folder, banyand):
    ours, theirs = folder / "ours", folder / "unbound"
    ours.mkdir()
    theirs.mkdir()
    (ours / "banyan.yaml").write_text(
        f'server:\n  listen: ["{OURS}"]\n  rundir: {ours}\n  user: ""\n  workers: 1\n'
        + ("  confine: false\n" if os.environ.get("BANYAN_SANITIZED") else "")
        + f"root:\n  file: {folder}/root.signed\n  anchors: [{folder}/root.ds]\nresolver:\n  enabled: true\n  allow: [198.18.0.0/16]\n",
        encoding="ascii")
    (theirs / "unbound.conf").write_text(
        f'server:\n  chroot: ""\n  username: ""\n  use-syslog: no\n  pidfile: ""\n  directory: "{theirs}"\n  interface: {UNBOUND}\n'
        f'  access-control: 198.18.0.0/16 allow\n  do-ip6: no\n  root-hints: "{folder}/root.hints"\n'
        f'  trust-anchor-file: "{folder}/root.ds"\n  aggressive-nsec: yes\n'
        "remote-control:\n  control-enable: no\n", encoding="ascii")
    return [Server("banyand", [banyand, "-c", str(ours / "banyan.yaml")], ours, lambda: ask_plain(OURS, ".", "SOA", 1)),
            Server("unbound", ["unbound", "-d", "-c", str(theirs / "unbound.conf")], theirs,
                   lambda: ask_plain(UNBOUND, "version.server.", "TXT", 1))]


# ---- asking ----

async def ask(address, name, rdtype, gate, timeout_s):
    query = dns.message.make_query(name, rdtype, want_dnssec=True, payload=1232)
    async with gate:
        try:
            reply, _ = await dns.asyncquery.udp_with_fallback(query, address, timeout_s)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            return {"rcode": type(error).__name__, "ad": False, "answer": [], "signed": []}
    records, signed = [], []
    for rrset in reply.answer:
        owner = rrset.name.to_text().lower()
        if rrset.rdtype == dns.rdatatype.RRSIG:
            signed += [f"{owner} {dns.rdatatype.to_text(rrset.covers)}"]
        else:
            records += [f"{owner} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}" for rdata in rrset]
    return {"rcode": dns.rcode.to_text(reply.rcode()), "ad": bool(reply.flags & dns.flags.AD), "answer": sorted(records),
            "signed": sorted(set(signed))}


def ask_all(address, asked, timeout_s=TIMEOUT_S):
    async def all_of_them():
        gate = asyncio.Semaphore(IN_FLIGHT)
        return await asyncio.gather(*(ask(address, name, rdtype, gate, timeout_s) for name, rdtype in asked))
    return asyncio.run(all_of_them())


def is_found(address, name):
    return ask_all(address, [(name, "A")], GONE_S)[0]["rcode"] == "NOERROR"


def down_and_back(second):
    """The second server goes away: what it alone has fails, what others have too is found; when it returns so does its zone."""
    told = {}
    second.stop()
    for who, address in (("banyand", OURS), ("unbound", UNBOUND)):
        told[who] = {"two": all(is_found(address, f"down{i}.two.lab.") for i in range(8)),
                     "gone": is_found(address, "down.gone.lab.")}
    second.start()
    for who, address in (("banyand", OURS), ("unbound", UNBOUND)):
        names = (f"back{i}.gone.lab." for i in range(10000))
        started = time.monotonic()
        try:
            wait_for("gone.lab.", lambda: is_found(address, next(names)), BACK_S)
            told[who]["back_s"] = time.monotonic() - started
        except RuntimeError:
            told[who]["back_s"] = None
    return told


def main():
    peer, folder, banyand = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    run(["ip", "link", "set", "lo", "up"], folder)
    for address in (ROOT, TLD, CHILD, SECOND, LAME, OURS, UNBOUND):
        run(["ip", "address", "add", f"{address}/32", "dev", "lo"], folder)
    made = make_zones(peer, folder)
    alone = [zone for zone in made if zone.servers == (SECOND,)]
    with contextlib.ExitStack() as stack:
        main_server = authority(peer, "main", [zone for zone in made if zone not in alone], [ROOT, TLD, CHILD], folder)
        second = authority(peer, "second", [zone for zone in made if SECOND in zone.servers], [SECOND, LAME], folder)
        for server in [main_server, second, *resolvers(folder, banyand)]:
            stack.callback(server.stop)
            server.start()
        asked = questions()
        result = {"questions": asked, "banyand": ask_all(OURS, asked), "unbound": ask_all(UNBOUND, asked), "down": down_and_back(second)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
