# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of fleets share: signed versions of a small zone, daemons in storeys, servers that lie or say nothing."""
import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "shared"))
import others  # noqa: E402,F401
from basics import PATH, TOP, free_port, program, wait_for  # noqa: E402,F401


def load_daemons():
    """tests/daemon/conftest.py as a module: one of the whole folder, whoever asks for it first."""
    if "daemons" not in sys.modules:
        spec = importlib.util.spec_from_file_location("daemons", HERE.parent / "daemon" / "conftest.py")
        sys.modules["daemons"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["daemons"])
    return sys.modules["daemons"]


ZONE = """\
$ORIGIN example.
$TTL 300
@ SOA ns.example. host.example. {serial} 1 1 604800 300
@ NS ns.example.
ns A 127.0.0.3
www A 192.0.2.{last}
safe NS ns.safe
safe DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
ns.safe A 192.0.2.10
open NS ns.open
ns.open A 192.0.2.11
"""


def run(folder, *words):
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, PATH=PATH)).stdout


class Versions:
    """Versions of example., signed and digested; `key` chooses who signs, `other` changes the contents."""

    def __init__(self, folder):
        if shutil.which("ldns-signzone", path=PATH) is None:
            pytest.skip("ldns-signzone is not installed")
        self.folder = folder
        self.keys = [run(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "example.").strip() for _ in range(2)]

    def anchors(self):
        return str(self.folder / (self.keys[0] + ".ds"))

    def text(self, serial, key=0, other=0, dates=(), valid=None, more=""):
        """`dates`: of the signatures, as options; `valid`: (from, until) of the version, UNIX time; `more`: records."""
        text = ZONE.format(serial=serial, last=1 + other) + more
        if valid:
            words = (time.strftime(f'"valid-{word}=%Y%m%d%H%M%S"', time.gmtime(at)) for word, at in zip(("from", "until"), valid))
            text += '@ TXT "edition=timed" ' + " ".join(words) + "\n"
        (self.folder / "plain").write_text(text)
        run(self.folder, "ldns-signzone", "-z", "simple:sha384", *dates, "-f", "signed", "-o", "example.", "plain", self.keys[key])
        return (self.folder / "signed").read_text()


def put(path, text):
    """As who publishes does it: the file is whole at any moment."""
    Path(str(path) + ".new").write_text(text)
    os.replace(str(path) + ".new", path)


class Fleet:
    """A master and its nodes, each banyand on an address of its own and one port."""

    def __init__(self, daemon, versions, folder):
        self.daemon, self.versions, self.folder = daemon, versions, folder
        self.port = free_port(("127.0.0.1", *(self.host(i) for i in range(1, 40))))
        self.source = folder / "source"
        self.running = {}

    @staticmethod
    def host(name):
        """0 is the one address that BIND listens on: it takes those that stand at an interface."""
        return f"127.0.1.{name}" if name else "127.0.0.1"

    def at(self, name):
        return f"{self.host(name)}@{self.port}"

    def node(self, name, sources, start=True, server=None, keys=(), **zone):
        """`sources`: other nodes' names, or whole texts."""
        texts = [each if isinstance(each, str) else f"xfr:{self.at(each)} register=on" for each in sources]
        config = {"server": dict({"workers": 1, "identity": f"node-{name}", "listen": [self.at(name)]}, **(server or {})),
                  "resolver": {"enabled": False},
                  "root": {"anchors-state": str(self.folder / f"state{name}")},
                  "zones": [dict({"name": "example.", "anchors": [self.versions.anchors()], "sources": texts,
                                  "store": str(self.folder / f"store{name}"), "refresh-min": "1s", "register": ["127.0.0.0/8"],
                                  "transfer": ["127.0.0.0/8"]}, **zone)]}
        if keys:
            config["keys"] = keys
        (self.folder / f"state{name}").mkdir(exist_ok=True)
        d = self.daemon(config, start=start, addresses=(self.host(name),), port=self.port)
        self.running[name] = d
        return d

    def master(self, serial=1, **options):
        put(self.source, self.versions.text(serial))
        d = self.node(1, [f"file:{self.source}"], **options)
        self.wait(1, serial)
        return d

    def serial(self, name):
        try:
            reply = self.running[name].ask("example.", "SOA", address=self.host(name))
        except (dns.exception.Timeout, OSError):
            return None
        return reply.answer[0][0].serial if reply.answer else None

    def wait(self, name, serial):
        wait_for(f"serial {serial} at {name}", lambda: self.serial(name) == serial)

    def registered(self, name, by):
        """Until `by` tells `name` of new versions."""
        def is_there():
            return any(peer["address"] == self.at(name) for zone in self.running[by].status()["notified"] for peer in zone["list"])
        wait_for(f"{name} is registered with {by}", is_there)

    def status(self, *words, by=1, zone="example."):
        done = subprocess.run([program("banyan"), "status", "--fleet", "--zone", zone, "--json",
                               *(["--socket", self.running[by].socket] if by else []), *words],
                              capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def nodes(self, *words, **options):
        """{address: node}, and the exit status."""
        code, told, err = self.status(*words, **options)
        assert told is not None, err
        return {node["address"]: node for node in told["nodes"]}, code


class Liar:
    """A server of one zone text, by dnspython: SOA, ZONEMD and all else as they stand there; `answer` may change the reply. UDP."""

    def __init__(self, address, text, answer=None):
        self.zone = dns.zone.from_text(text, origin="example.", relativize=False, check_origin=False)
        self.answer = answer
        host, port = address.split("@")
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, int(port)))
        self.asked = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def put(self, section, name, rdtype):
        """A set and its signatures, as far as they are there."""
        found = False
        for rdataset in self.zone.get_node(name) or ():
            covers = rdataset.rdtype == dns.rdatatype.RRSIG and rdataset.covers == rdtype
            if rdataset.rdtype == rdtype or covers:
                section.append(dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset)))
                found = True
        return found

    def look_up(self, question, reply):
        """RFC 1034 section 4.3.2 and RFC 4035 section 3.1, with NSEC and without wildcards and aliases."""
        name, rdtype, origin = question.name, question.rdtype, self.zone.origin
        for depth in range(len(origin) + 1, len(name) + 1):
            cut = name.split(depth)[1]
            if self.zone.get_rdataset(cut, "NS") and not (cut == name and rdtype == dns.rdatatype.DS):
                reply.flags &= ~dns.flags.AA
                self.put(reply.authority, cut, dns.rdatatype.NS)
                self.put(reply.authority, cut, dns.rdatatype.DS) or self.put(reply.authority, cut, dns.rdatatype.NSEC)
                for server in self.zone.get_rdataset(cut, "NS"):
                    self.put(reply.additional, server.target, dns.rdatatype.A)
                return
        if self.put(reply.answer, name, rdtype):
            return
        self.put(reply.authority, origin, dns.rdatatype.SOA)
        if self.zone.get_node(name) is None:
            reply.set_rcode(3)
            before = max(each for each in self.zone if each <= name and self.zone.get_rdataset(each, "NSEC") or each == origin)
            self.put(reply.authority, before, dns.rdatatype.NSEC)
            if before == origin:
                return
            name = origin  # no wildcard
        self.put(reply.authority, name, dns.rdatatype.NSEC)

    def reply(self, wire):
        query = dns.message.from_wire(wire)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        if query.question[0].rdclass == dns.rdataclass.IN and query.question[0].name.is_subdomain(self.zone.origin):
            self.look_up(query.question[0], reply)
        if self.answer is not None:
            reply = self.answer(query, reply)
        return reply if isinstance(reply, bytes) or reply is None else reply.to_wire()

    def run(self):
        while True:
            try:
                wire, peer = self.udp.recvfrom(65535)
                if not wire:
                    return
                self.asked += 1
                reply = self.reply(wire)
                if reply is not None:
                    self.udp.sendto(reply, peer)
            except OSError:
                return

    def stop(self):
        with contextlib.suppress(OSError):  # it has no peer, but the thread wakes
            self.udp.shutdown(socket.SHUT_RDWR)
        self.thread.join(60)
        self.udp.close()


def without(text, rtype):
    return "\n".join(line for line in text.splitlines() if not re.search(rf"\sIN\s+(RRSIG\s+{rtype}|{rtype})\s", line)) + "\n"
