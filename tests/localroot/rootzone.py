# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of a small signed root with ZONEMD, and versions that are wrong in one way each.

Version N has the names vN-0 ... vN-39: whoever has one of them has that version. Each question of a test takes another, so
that no cache hides what a resolver stands on.
"""
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.NSEC
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

IN, T = dns.rdataclass.IN, dns.rdatatype
ROOT = dns.name.root
MARKS = 40
SERVER = "127.53.0.1"
BASE = 2026110100


class Keys:
    """One key that signs everything, as a key-signing key would."""

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.key = dns.dnssec.make_dnskey(self.private.public_key(), "ECDSAP256SHA256", flags=257)
        self.ds = dns.dnssec.make_ds(ROOT, self.key, "SHA256")

    def sign(self, rrset, inception, expiration):
        return dns.dnssec.sign(rrset, self.private, ROOT, self.key, inception=inception, expiration=expiration)


def serial_of(version):
    return BASE + version


def plain(version, timers, extra=()):
    """The records of a version that are the publisher's: {(name, type): rrset}."""
    refresh, retry, expire = timers
    sets = {}

    def put(owner, ttl, rtype, *texts):
        rrset = dns.rrset.from_text(dns.name.from_text(owner), ttl, "IN", rtype, *texts)
        sets[(rrset.name, rrset.rdtype)] = rrset

    put(".", 1, "SOA", f"ns.root. admin.root. {serial_of(version)} {refresh} {retry} {expire} 1")
    put(".", 3600, "NS", "ns.root.")
    put("root.", 3600, "NS", "ns.root.")
    put("ns.root.", 3600, "A", SERVER)
    for tld in ("com", "net", "org"):
        put(f"{tld}.", 3600, "NS", f"ns1.{tld}.", f"ns2.{tld}.")
        put(f"ns1.{tld}.", 3600, "A", "127.53.0.9")
        put(f"ns2.{tld}.", 3600, "A", "127.53.0.9")
    put("com.", 3600, "DS", "12345 13 2 " + "ab" * 32)
    for mark in range(MARKS):
        put(f"v{version}-{mark}.", 3600, "TXT", f'"{version}"')
    for owner, ttl, rtype, text in extra:
        put(owner, ttl, rtype, text)
    return sets


def cuts_of(sets):
    return {owner for owner, rtype in sets if rtype == T.NS and owner != ROOT}


def authoritative(owner, rtype, cuts):
    below = any(owner != cut and owner.is_subdomain(cut) for cut in cuts)
    return not below and (owner not in cuts or rtype in (T.DS, T.NSEC))


def add_denial(sets, zonemd):
    cuts = cuts_of(sets)
    names = sorted({owner for owner, rtype in sets if authoritative(owner, rtype, cuts) or owner in cuts})
    for owner, after in zip(names, names[1:] + names[:1]):
        types = {rtype for each, rtype in sets if each == owner and (owner not in cuts or rtype in (T.NS, T.DS))} | {T.NSEC, T.RRSIG}
        if owner == ROOT:
            types |= {T.DNSKEY} | ({T.ZONEMD} if zonemd else set())
        windows = {}
        for rtype in types:
            bitmap = windows.setdefault(rtype >> 8, bytearray(32))
            bitmap[(rtype & 255) >> 3] |= 0x80 >> (rtype & 7)
        rdata = dns.rdtypes.ANY.NSEC.NSEC(IN, T.NSEC, after, [(w, bytes(b).rstrip(b"\0")) for w, b in sorted(windows.items())])
        sets[(owner, T.NSEC)] = dns.rrset.from_rdata(owner, 1, rdata)


def digest_of(sets, signatures, hash_algorithm):
    """RFC 8976 over everything but ZONEMD and its signature."""
    zone = dns.zone.Zone(ROOT, IN, relativize=False)
    for (owner, rtype), rrset in sets.items():
        if rtype != T.ZONEMD:
            zone.replace_rdataset(owner, rrset.to_rdataset())
    for (owner, rtype), rrset in signatures.items():
        if rtype != T.ZONEMD:
            dataset = zone.find_rdataset(owner, T.RRSIG, rtype, create=True)
            dataset.update_ttl(rrset.ttl)
            for rdata in rrset:
                dataset.add(rdata)
    return zone.compute_digest(hash_algorithm)


class Version:
    """`wrong` names one thing that is not as it should be."""

    def __init__(self, keys, version, wrong=None, timers=(2, 1, 3600), extra=(), other_keys=None):
        self.version, self.serial, self.wrong = version, serial_of(version), wrong
        now = int(time.time())
        inception, expiration = now - 3600, now + 86400
        if wrong == "expired":
            inception, expiration = now - 7200, now - 60
        if wrong == "unknown-type":
            extra = [*extra, ("new-type.", 3600, "TYPE65280", "\\# 3 010203")]
        sets = plain(version, timers, extra)
        dnskeys = [keys.key]
        if wrong == "unknown-algorithm":
            dnskeys.append(dns.rdata.from_text(IN, T.DNSKEY, "256 3 222 AQIDBAUGBwg="))
        sets[(ROOT, T.DNSKEY)] = dns.rrset.from_rdata(ROOT, 3600, *dnskeys)
        add_denial(sets, wrong != "zonemd-absent")
        cuts = cuts_of(sets)
        signatures = {}

        def sign(owner, rtype):
            rrset = sets[(owner, rtype)]
            signer = other_keys if wrong == "other-keys" and other_keys else keys
            signatures[(owner, rtype)] = dns.rrset.from_rdata(owner, rrset.ttl, signer.sign(rrset, inception, expiration))

        for owner, rtype in list(sets):
            if authoritative(owner, rtype, cuts):
                sign(owner, rtype)
        if wrong not in ("zonemd-absent", "zonemd-stripped"):
            self.digest(sets, signatures, wrong, sign)
        if wrong == "glue-changed":  # behind the back of every signature: only the digest tells
            owner = dns.name.from_text("ns1.com.")
            sets[(owner, T.A)] = dns.rrset.from_text(owner, 3600, "IN", "A", "127.66.6.6")
        if wrong == "signature-broken":
            at = (dns.name.from_text(f"v{version}-7."), T.TXT)
            wire = bytearray(signatures[at][0].to_wire())
            wire[-1] ^= 1
            signatures[at] = dns.rrset.from_rdata(at[0], 3600, dns.rdata.from_wire(IN, T.RRSIG, bytes(wire), 0, len(wire)))
        self.sets, self.signatures = sets, signatures

    def digest(self, sets, signatures, wrong, sign):
        scheme, algorithm = 1, 1
        value = digest_of(sets, signatures, algorithm).digest
        if wrong == "zonemd-mismatch":
            value = bytes([value[0] ^ 1]) + value[1:]
        if wrong == "zonemd-hash-unknown":
            algorithm = 240
        if wrong == "zonemd-scheme-unknown":
            scheme = 240
        wire = self.serial.to_bytes(4, "big") + bytes([scheme, algorithm]) + value
        rdata = dns.rdata.GenericRdata(IN, T.ZONEMD, wire)
        sets[(ROOT, T.ZONEMD)] = dns.rrset.from_rdata(ROOT, 3600, rdata)
        sign(ROOT, T.ZONEMD)
        if wrong == "zonemd-unsigned":
            rrset = signatures[(ROOT, T.ZONEMD)]
            broken = bytearray(rrset[0].to_wire())
            broken[-1] ^= 1
            signatures[(ROOT, T.ZONEMD)] = dns.rrset.from_rdata(
                ROOT, 3600, dns.rdata.from_wire(IN, T.RRSIG, bytes(broken), 0, len(broken)))

    def records(self):
        """All RRsets, the SOA first."""
        soa = self.sets[(ROOT, T.SOA)]
        yield soa
        for at, rrset in sorted(self.sets.items()):
            if rrset is not soa:
                yield rrset
        for _, rrset in sorted(self.signatures.items()):
            yield rrset

    def text(self):
        return "".join(self.line(rrset) + "\n" for rrset in self.records())

    @staticmethod
    def line(rrset):
        if rrset.rdtype != T.ZONEMD:
            return rrset.to_text()
        wire = rrset[0].to_wire()  # in its own form, which some read alone
        return f"{rrset.name} {rrset.ttl} IN ZONEMD {int.from_bytes(wire[:4], 'big')} {wire[4]} {wire[5]} {wire[6:].hex()}"

    # ---- as the servers of the root answer ----

    def answer(self, query):
        reply = dns.message.make_response(query, recursion_available=False)
        question = query.question[0]
        qname, qtype = dns.name.Name(tuple(label.lower() for label in question.name.labels)), question.rdtype
        do = bool(query.ednsflags & dns.flags.DO)

        def put(section, owner, rtype):
            section.append(self.sets[(owner, rtype)])
            if do and (owner, rtype) in self.signatures:
                section.append(self.signatures[(owner, rtype)])

        def deny(name):
            before = max(owner for owner, rtype in self.sets if rtype == T.NSEC and owner <= name)
            if self.sets[(before, T.NSEC)] not in reply.authority:
                put(reply.authority, before, T.NSEC)

        for cut in cuts_of(self.sets):
            if qname.is_subdomain(cut) and not (qname == cut and qtype == T.DS) and cut != dns.name.from_text("root."):
                reply.authority.append(self.sets[(cut, T.NS)])
                if do:
                    put(reply.authority, cut, T.DS if (cut, T.DS) in self.sets else T.NSEC)
                for rdata in self.sets[(cut, T.NS)]:
                    if (rdata.target, T.A) in self.sets:
                        reply.additional.append(self.sets[(rdata.target, T.A)])
                return reply
        reply.flags |= dns.flags.AA
        if (qname, qtype) in self.sets:
            put(reply.answer, qname, qtype)
            return reply
        put(reply.authority, ROOT, T.SOA)
        if not any(owner.is_subdomain(qname) for owner, _ in self.sets):
            reply.set_rcode(dns.rcode.NXDOMAIN)
            if do:
                deny(qname)
                deny(dns.name.from_text("*."))
        elif do:
            deny(qname)
        return reply
