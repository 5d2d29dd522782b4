# SPDX-License-Identifier: GPL-3.0-or-later
"""Honest zones of the attack world, signed as they are asked (RFC 9824), and the root zone file that both resolvers stand on."""
import os
import re
import shutil
import subprocess
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.NSEC
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

IN = dns.rdataclass.IN
TTL = 3600


def name(text):
    return dns.name.from_text(text)


def rrset(owner, rtype, *texts, ttl=TTL):
    if isinstance(owner, str):
        owner = name(owner)
    return dns.rrset.from_text(owner, ttl, "IN", rtype, *texts)


class Signer:
    """One ECDSA P-256 key that signs a zone."""

    def __init__(self, origin):
        self.origin = name(origin)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.key = dns.dnssec.make_dnskey(self.private.public_key(), "ECDSAP256SHA256", flags=257)
        self.keys = dns.rrset.from_rdata(self.origin, TTL, self.key)
        self.made = {}

    def ds(self, digest="SHA256"):
        return dns.rrset.from_rdata(self.origin, 86400, dns.dnssec.make_ds(self.origin, self.key, digest))

    def sign(self, covered, lifetime_s=86400):
        """The RRSIG of an RRset, as an RRset."""
        at = (covered.name, covered.rdtype, covered.ttl, tuple(r.to_text() for r in covered))
        if at not in self.made:
            now = int(time.time())
            sig = dns.dnssec.sign(covered, self.private, self.origin, self.key, inception=now - 3600,
                                  expiration=now + lifetime_s)
            self.made[at] = dns.rrset.from_rdata(covered.name, covered.ttl, sig)
        return self.made[at]


def nsec(owner, types, ttl):
    """A minimal NSEC: the name has these types, and the next one is its direct successor (RFC 9824 section 3.1)."""
    bitmap = bytearray(32)
    for rtype in {*types, dns.rdatatype.NSEC, dns.rdatatype.RRSIG}:
        bitmap[rtype // 8] |= 0x80 >> (rtype % 8)
    window = bytes(bitmap).rstrip(b"\0")
    successor = dns.name.Name((b"\0",) + owner.labels)
    return dns.rrset.from_rdata(owner, ttl, dns.rdtypes.ANY.NSEC.NSEC(IN, dns.rdatatype.NSEC, successor, [(0, window)]))


class Zone:
    """Records by name and type; answers as an authority does."""

    def __init__(self, origin, server, signer=None, negative_ttl=300):
        self.origin, self.signer, self.sets = name(origin), signer, {}
        ns = "ns." + origin if origin != "." else "ns."
        self.add(rrset(self.origin, "SOA", f"{ns} host.{origin} 1 7200 3600 1209600 {negative_ttl}", ttl=negative_ttl))
        self.add(rrset(self.origin, "NS", ns))
        self.add(rrset(ns, "A", server))
        if signer is not None:
            self.add(signer.keys)

    def add(self, *sets):
        for each in sets:
            self.sets.setdefault(each.name, {})[each.rdtype] = each

    def delegate(self, child, server, signer=None, ttl=TTL):
        self.add(rrset(child, "NS", f"ns.{child}", ttl=ttl), rrset(f"ns.{child}", "A", server, ttl=ttl))
        if signer is not None:
            self.add(signer.ds())

    def remove(self, owner):
        self.sets = {n: sets for n, sets in self.sets.items() if not n.is_subdomain(name(owner))}

    def put(self, section, do, *sets):
        for each in sets:
            section.append(each)
            if do and self.signer is not None:
                section.append(self.signer.sign(each))

    def cut(self, qname, qtype):
        """The delegation that is at or above the name, if any."""
        for depth in range(len(self.origin) + 1, len(qname) + 1):
            at = qname.split(depth)[1]
            if dns.rdatatype.NS in self.sets.get(at, {}) and not (at == qname and qtype == dns.rdatatype.DS):
                return at
        return None

    def refer(self, reply, at, do):
        sets = self.sets[at]
        reply.authority.append(sets[dns.rdatatype.NS])
        if do and self.signer is not None:
            self.put(reply.authority, do, sets.get(dns.rdatatype.DS) or nsec(at, {dns.rdatatype.NS}, 300))
        for rdata in sets[dns.rdatatype.NS]:
            glue = self.sets.get(rdata.target, {}).get(dns.rdatatype.A)
            if glue is not None:
                reply.additional.append(glue)

    def deny(self, reply, qname, do):
        known = qname in self.sets or any(n.is_subdomain(qname) for n in self.sets)
        soa = self.sets[self.origin][dns.rdatatype.SOA]
        self.put(reply.authority, do, soa)
        if self.signer is None or not do:
            if not known:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            return
        types = set(self.sets.get(qname, {})) or (set() if known else {128})  # NXNAME
        self.put(reply.authority, do, nsec(qname, types, soa.ttl))

    def answer(self, query):
        """A reply to a dns.message question."""
        question = query.question[0]
        qname, qtype, do = question.name, question.rdtype, bool(query.ednsflags & dns.flags.DO)
        reply = make_reply(query)
        lower = dns.name.Name(tuple(label.lower() for label in qname.labels))
        at = self.cut(lower, qtype)
        if at is not None:
            reply.flags &= ~dns.flags.AA
            self.refer(reply, at, do)
            return reply
        sets = self.sets.get(lower, {})
        found = sets.get(qtype) or sets.get(dns.rdatatype.CNAME)
        if found is not None:
            self.put(reply.answer, do, found)
        else:
            self.deny(reply, lower, do)
        return reply


def make_reply(query, flags=dns.flags.AA):
    """An empty authoritative reply that keeps the case of the name."""
    reply = dns.message.Message(query.id)
    reply.flags = dns.flags.QR | flags
    reply.question = list(query.question)
    if query.edns >= 0:
        reply.use_edns(0, query.ednsflags & dns.flags.DO, 1232)
    return reply


class Root:
    """A root zone that is signed and digested by ldns, in a file for the local root of both resolvers."""

    def __init__(self, folder, tlds):
        """tlds: name to (server address, Signer or None)."""
        if shutil.which("ldns-signzone") is None:
            pytest.skip("ldns-signzone is not installed")
        self.zone, self.hints = folder / "root.zone", folder / "root.hints"
        lines = [". 86400 IN SOA ns.root. host.root. 1 1800 900 604800 86400", ". 86400 IN NS ns.root.", "root. 86400 IN NS ns.root.",
                 "ns.root. 86400 IN A 127.53.0.1"]
        for tld, (server, signer) in tlds.items():
            lines += [f"{tld} 86400 IN NS ns.{tld}", f"ns.{tld} 86400 IN A {server}"]
            if signer is not None:
                lines.append(signer.ds().to_text())
        (folder / "root.plain").write_text("\n".join(lines) + "\n")
        self.hints.write_text(". 3600000 IN NS ns.root.\nns.root. 3600000 IN A 127.53.0.1\n")
        run = dict(cwd=folder, check=True, capture_output=True, text=True, timeout=60)
        key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "."], **run).stdout.strip()
        subprocess.run(["ldns-signzone", "-z", "simple:sha384", "-f", str(self.zone), "-o", ".", "root.plain", key], **run)
        self.anchor = folder / f"{key}.ds"
        os.chmod(folder, 0o755)
        assert re.search(r"\sZONEMD\s", self.zone.read_text())
