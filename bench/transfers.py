#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones on their way out: CPU time and bytes of a transfer, banyand beside NSD, Knot DNS and BIND, in one run.

transfers.py BUILD_FOLDER [SERVER...]      servers: banyand nsd knot bind

The signed root of the lab as a whole (AXFR), the same over TLS (RFC 9103; Knot DNS 3.2 has none), differences between two versions of it (IXFR; in the
second one BENCH_CHANGES (40) addresses are others), and zones of BENCH_SIZES ("100000") delegations. BENCH_RUNS (3), BENCH_TRANSFERS (20) of the
root in each run, one after the other, each over a connection of its own; one of a larger zone. The client only counts records. The floor is a
server that has the very bytes of banyand's transfer in memory, and writes them.
"""
import os
import re
import signal
import socket
import ssl
import statistics
import struct
import sys
import time
from pathlib import Path

import dns.message
import dns.query
import dns.rrset

import common
import servers
from common import ADDRESS, LOAD_CPU, RUNS, Calibrated, Missing, Process, own, tool

SIZES = [int(n) for n in os.environ.get("BENCH_SIZES", "100000").split()]
TRANSFERS, CHANGES = (int(os.environ.get("BENCH_" + key, default)) for key, default in (("TRANSFERS", 20), ("CHANGES", 40)))
TLS_OFFSET = 1000  # from the port to that of TLS
QUIET_S = 1  # after the last message: then the first transfer of all is over


# ---- servers that give their zones away ----

def edit(folder, name, *pairs, more=""):
    path = folder / name
    text = path.read_text()
    for old, new in pairs:
        if old not in text:
            common.fail(f"{name} has no '{old}' any more")
        text = text.replace(old, new, 1)
    path.write_text(text + more)


def banyand(folder, port, zones, papers):
    words = servers.banyand_authority(folder, port, zones)
    edit(folder, "banyan.yaml", ("prove: structure", f'prove: structure, transfer: ["{ADDRESS}"]'),
         ("workers:", f'tls-listen: ["{ADDRESS}@{port + TLS_OFFSET}"], tls-certificate: {papers[0]}, tls-key: {papers[1]}, workers:'))
    return words


def nsd(folder, port, zones, papers):
    words = servers.nsd(folder, port, zones)
    edit(folder, "nsd.conf", (f"ip-address: {ADDRESS}\n", f"ip-address: {ADDRESS}\n  ip-address: {ADDRESS}@{port + TLS_OFFSET}\n  tls-port: {port + TLS_OFFSET}\n"
                              f'  tls-service-pem: "{papers[0]}"\n  tls-service-key: "{papers[1]}"\n'),
         more=f"  provide-xfr: {ADDRESS} NOKEY\n  store-ixfr: yes\n  create-ixfr: yes\n")
    return words


def knot(folder, port, zones, papers):
    words = servers.knot(folder, port, zones)
    edit(folder, "knot.conf", ("template:\n  - id: default\n", f"acl:\n  - id: all\n    address: {ADDRESS}\n    action: transfer\ntemplate:\n  - id: default\n    acl: all\n"),
         ("zonefile-load: whole", "zonefile-load: difference"), ("journal-content: none", "journal-content: changes"))
    return words


def bind(folder, port, zones, papers):
    words = servers.bind_authority(folder, port, zones)
    edit(folder, "named.conf", ("controls", f'tls t {{ cert-file "{papers[0]}"; key-file "{papers[1]}"; protocols {{ TLSv1.3; }}; }};\ncontrols'),
         ("notify no;", f"notify no; allow-transfer {{ any; }}; ixfr-from-differences yes; listen-on port {port + TLS_OFFSET} tls t {{ {ADDRESS}; }};"
          " transfers-out 100; tcp-clients 200;"))
    return words


MAKERS = {"banyand": (banyand, None), "nsd": (nsd, "nsd"), "knot": (knot, "knotd"), "bind": (bind, "named")}


def certificate(place):
    papers = place / "tls.pem", place / "tls.key"
    tool(place, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
         "-keyout", papers[1], "-out", papers[0])
    papers[1].chmod(0o644)
    return papers


# ---- one transfer ----

def question(origin, kind, serial):
    query = dns.message.make_query(origin, kind)
    query.flags = 0
    if kind == "IXFR":
        query.authority.append(dns.rrset.from_text(origin, 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    wire = query.to_wire()
    return struct.pack("!H", len(wire)) + wire


def connect(port, tls):
    s = socket.create_connection((ADDRESS, port + (TLS_OFFSET if tls else 0)), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the question comes right behind the handshake
    if not tls:
        return s
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["dot"])
    return context.wrap_socket(s)


def transfer(port, wire, tls=False, expected=None):
    """Messages, records and bytes of one; it is over with as many records as are expected, or, when that is not known, when no more come."""
    messages = records = size = 0
    with connect(port, tls) as s:
        s.sendall(wire)
        data = bytearray()
        while records != expected:
            try:
                more = s.recv(1 << 20)
            except socket.timeout:
                break
            if not more:
                break
            size += len(more)
            data += more
            at = 0
            while len(data) - at >= 2 and len(data) - at - 2 >= (length := data[at] << 8 | data[at + 1]):
                if data[at + 5] & 15:
                    raise Missing(f"it answers with code {data[at + 5] & 15}")
                records += data[at + 8] << 8 | data[at + 9]
                messages += 1
                at += 2 + length
            del data[:at]
            if expected is None:
                s.settimeout(QUIET_S)
    if records == 0 or (expected is not None and records != expected):
        raise Missing(f"{records} records came in place of {expected}")
    return messages, records, size


class Client:
    """Transfers in a process of its own, so that they are on the CPU of the load."""

    def __init__(self, port, wire, tls=False):
        self.port, self.wire, self.tls = port, wire, tls
        self.messages, self.records, self.size = transfer(port, wire, tls)

    def run(self, server, count):
        cpu, begun = server.cpu_us(), time.monotonic()
        for _ in range(count):
            transfer(self.port, self.wire, self.tls, self.records)
        seconds = (time.monotonic() - begun) / count
        time.sleep(0.02)  # what a server does behind its last write
        return {"us": (server.cpu_us() - cpu) / count, "ms": 1000 * seconds}


class Floor:
    """A server in Python's hands that does nothing but write: in a process, so that its CPU time can be read."""

    words = ["floor"]

    def __init__(self, place, port, wire):
        with connect(port, False) as s, open(place / "floor", "wb") as out:
            s.sendall(wire)
            s.settimeout(QUIET_S)
            try:
                while more := s.recv(1 << 20):
                    out.write(more)
            except socket.timeout:
                pass
        self.port = next(common.PORTS)
        code = ("import socket, sys\ndata = open(sys.argv[1], 'rb').read()\nl = socket.create_server(('%s', int(sys.argv[2])))\n"
                "while True:\n    s, _ = l.accept()\n    if s.recv(4096):\n        s.sendall(data)\n        s.recv(1)\n    s.close()\n" % ADDRESS)
        self.process = Process([sys.executable, "-c", code, place / "floor", self.port], place / f"floor-{self.port}", self.port, None)
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((ADDRESS, self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    common.fail("the floor does not come up")
                time.sleep(0.02)

    def cpu_us(self):
        return self.process.cpu_us()

    def end(self):
        self.process.end()


# ---- what is measured ----

def start(name, place, zones, papers):
    port = next(common.PORTS)
    folder = place / f"{name}-{port}"
    folder.mkdir()
    return Process(MAKERS[name][0](folder, port, zones, papers), folder, port, next(iter(zones)))


def table(started, clients, count):
    runs = {name: [] for name in clients}
    for _ in range(RUNS):
        for name, client in clients.items():
            runs[name].append(client.run(started[name], count))
    middle = {name: statistics.median(run["us"] for run in each) for name, each in runs.items()}
    peers = [us for name, us in middle.items() if name not in ("banyand", "floor")]
    common.head("server", "CPU ms a transfer", "least to most", "× floor", "× best peer", "ms from begin to end", "messages", "bytes")
    for name, client in clients.items():
        least, most = (choose(run["us"] for run in runs[name]) / 1000 for choose in (min, max))
        common.row(name, f"{middle[name] / 1000:.2f}", f"{least:.2f} to {most:.2f}", f"{middle[name] / middle['floor']:.2f}" if "floor" in middle else "–",
                   f"{middle[name] / min(peers):.2f}" if peers else "–", f"{statistics.median(run['ms'] for run in runs[name]):.1f}", client.messages, client.size)


def clients_of(started, wire, tls=False):
    found = {}
    for name, server in started.items():
        client = common.attempt(name, lambda: Client(server.port, wire, tls))  # noqa: B023
        if client is not None:
            found[name] = client
    return found


def with_floor(place, started, wire, title, count):
    common.title(title)
    floor = Floor(place, started["banyand"].port, wire)
    everyone = dict(started, floor=floor)
    table(everyone, clients_of(everyone, wire), count)
    floor.end()


def serial_of(port, origin):
    reply = dns.query.udp(dns.message.make_query(origin, "SOA"), ADDRESS, 2, port, ignore_trailing=True)
    return reply.answer[0][0].serial


def next_version(zone):
    """The serial is one more, and so many addresses are others."""
    text = Path(zone).read_text()
    old = int(re.search(r"\sSOA\s+\S+\s+\S+\s+\(?\s*(\d+)", text)[1])
    text = re.sub(rf"(\sSOA\s+\S+\s+\S+\s+\(?\s*){old}\b", rf"\g<1>{old + 1}", text, count=1)
    left = iter(range(CHANGES))
    text = re.sub(r"(?m)^(\S+\s+\d+\s+(?:IN\s+)?A\s+)\d+\.\d+\.\d+\.\d+$", lambda m: m[0] if (n := next(left, None)) is None else f"{m[1]}192.0.2.{n % 250}", text)
    Path(f"{zone}.new").write_text(text)
    os.replace(f"{zone}.new", zone)
    return old


def differences(started, zone):
    old = next_version(zone)
    for name, server in list(started.items()):
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60
        while serial_of(server.port, ".") != old + 1:
            if time.monotonic() > end:
                print(f"bench: {name} is left out: it does not take the new version\n", flush=True)
                del started[name]
                break
            time.sleep(0.05)
    time.sleep(1)  # NSD ends its processes of before
    return question(".", "IXFR", old)


def main(place):
    os.sched_setaffinity(0, {int(LOAD_CPU)})
    wanted = common.present({name: program for name, (_, program) in MAKERS.items()}, sys.argv[2:])
    papers = certificate(place)
    tool("/", common.BUILD / "src/cmd/banyan/banyan", "lab", "make", place / "lab")
    root = place / "lab/zones/root.zone"
    with Calibrated():
        started = common.start_each(wanted, lambda name, _: start(name, place, {".": root}, papers), lambda name, server: {"got": 0, "bytes": 0})
        with_floor(place, started, question(".", "AXFR", 0), "The root by AXFR", TRANSFERS)
        common.title("The root by AXFR over TLS")
        # what a session costs stands in each transfer, as for a secondary that comes for one version
        over_tls = {name: server for name, server in started.items() if name != "knot"}
        table(over_tls, clients_of(over_tls, question(".", "AXFR", 0), tls=True), TRANSFERS)
        with_floor(place, started, differences(started, root), f"{CHANGES} addresses of the root by IXFR", TRANSFERS)
        common.end_all(started)
        for size in SIZES:
            zone = place / "zone"
            tool("/", own("tld"), size, "nsec", zone, place / "questions", 1)
            started = common.start_each(wanted, lambda name, _: start(name, place, {"bench.": zone}, papers), lambda name, server: {"got": 0, "bytes": 0})  # noqa: B023
            with_floor(place, started, question("bench.", "AXFR", 0), f"{size} delegations by AXFR", 1)
            common.end_all(started)


if __name__ == "__main__":
    common.run(main)
