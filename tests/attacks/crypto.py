# SPDX-License-Identifier: GPL-3.0-or-later
"""Attackers whose zones are signed, and expensive to check."""
import struct
import time

import dns.dnssec
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.NSEC3
import dns.rdtypes.ANY.RRSIG
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

import zones
from delegations import label_before
from world import ATTACKER, Honest
from zones import IN

FREE_FLAGS = 0xFE7E  # bits of a key's flags without meaning (RFC 4034 section 2.1.1): an attacker tunes the key tag with them


def colliding_keys(count, tag=None, algorithm="ECDSAP384SHA384", curve=ec.SECP384R1):
    """Keys that are all valid and all have one key tag."""
    keys = []
    while len(keys) < count:
        key = dns.dnssec.make_dnskey(ec.generate_private_key(curve()).public_key(), algorithm, flags=0x0100)
        if tag is None:
            tag = dns.dnssec.key_id(key)
            keys.append(key)
            continue
        # the tag is a sum of 16-bit words with the carry folded in once: try what the flags must add
        want = (tag - dns.dnssec.key_id(key)) & 0xFFFF
        for flags in (0x0100 + want, 0x0100 + want - 1, 0x0100 + want + 1):
            if 0 <= flags <= 0xFFFF and flags & ~FREE_FLAGS & 0xFFFF & ~1 == 0x0100:
                tuned = dns.rdtypes.ANY.DNSKEY.DNSKEY(IN, dns.rdatatype.DNSKEY, flags, 3, key.algorithm, key.key)
                if dns.dnssec.key_id(tuned) == tag:
                    keys.append(tuned)
                    break
    return keys, tag


def false_signatures(covered, signer, tag, algorithm, count, size):
    """RRSIGs in their time, for the right key tag, and wrong."""
    now = int(time.time())
    labels = len(covered.name) - 1
    sigs = [dns.rdtypes.ANY.RRSIG.RRSIG(IN, dns.rdatatype.RRSIG, covered.rdtype, algorithm, labels, covered.ttl, now + 86400, now - 3600,
                                        tag, signer, struct.pack(">I", n + 1) * (size // 4)) for n in range(count)]
    return dns.rrset.from_rdata(covered.name, covered.ttl, *sigs)


class Trap:
    """A zone with colliding keys, made once: the DS names all of them by one tag."""

    def __init__(self, origin, n_keys, n_sigs):
        self.origin = zones.name(origin)
        self.list, self.tag = colliding_keys(n_keys)
        self.keys = dns.rrset.from_rdata(self.origin, zones.TTL, *self.list)
        self.n_sigs = n_sigs

    def ds(self):
        return dns.rrset.from_rdata(self.origin, 86400, *[dns.dnssec.make_ds(self.origin, k, "SHA256") for k in self.list[:12]])

    def sign(self, covered):
        return false_signatures(covered, self.origin, self.tag, 14, self.n_sigs, 96)


class KeyTrap(Honest):
    """KeyTrap (CVE-2023-50387): many keys of one tag and many signatures; a diligent validator tries each with each."""

    def prepare(self):
        self.attacker("keytrap.sec.", signer=self.keys["keytrap.sec."])

    def reply(self, question):
        if question.address != ATTACKER or label_before(question, "keytrap.sec.") in (None, "ns"):
            return super().reply(question)
        reply = zones.make_reply(question.message)
        if question.type == 1:
            own = zones.rrset(question.asked, "A", "6.6.6.6")
            reply.answer += [own, self.keys["keytrap.sec."].sign(own)]
        return reply


class SigJam(Honest):
    """One good key, and answers with many false signatures of its tag before the good one."""

    def prepare(self, n_sigs):
        self.n_sigs = n_sigs
        self.attacker("jam.sec.", signer=self.keys["jam.sec."])

    def reply(self, question):
        if question.address != ATTACKER or label_before(question, "jam.sec.") in (None, "ns"):
            return super().reply(question)
        signer = self.keys["jam.sec."]
        reply = zones.make_reply(question.message)
        if question.type == 1:
            own = zones.rrset(question.name, "A", "6.6.6.6")
            reply.answer += [own, false_signatures(own, signer.origin, dns.dnssec.key_id(signer.key), 13, self.n_sigs, 64)]
        return reply


class Nsec3Cpu(Honest):
    """CVE-2023-50868: NXDOMAIN for a name of many labels, with NSEC3 records that prove nothing until each label was hashed."""

    def prepare(self, iterations, records):
        self.iterations, self.records = iterations, records
        self.signer = self.keys["hashes.sec."]
        self.attacker("hashes.sec.", signer=self.signer)

    def reply(self, question):
        if question.address != ATTACKER or label_before(question, "hashes.sec.") in (None, "ns"):
            return super().reply(question)
        reply = zones.make_reply(question.message)
        reply.set_rcode(3)
        soa = zones.rrset("hashes.sec.", "SOA", "ns.hashes.sec. h.hashes.sec. 1 2 3 4 60", ttl=60)
        reply.authority += [soa, self.signer.sign(soa)]
        for n in range(self.records):
            owner = zones.name("%032d.hashes.sec." % n)
            data = dns.rdtypes.ANY.NSEC3.NSEC3(IN, dns.rdatatype.NSEC3, 1, 0, self.iterations, b"\xab" * 32, struct.pack(">I", n + 1) * 5,
                                               [(0, b"\x40")])
            record = dns.rrset.from_rdata(owner, 60, data)
            reply.authority += [record, self.signer.sign(record)]
        return reply


ALL = [KeyTrap, SigJam, Nsec3Cpu]


def make_keys():
    """All the keys of the world; made once, before it runs."""
    return {"sec.": zones.Signer("sec."), "keytrap.sec.": Trap("keytrap.sec.", 100, 100), "jam.sec.": zones.Signer("jam.sec."),
            "hashes.sec.": zones.Signer("hashes.sec.")}
