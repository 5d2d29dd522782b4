# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about a zone, generated from a seed: names that are there, that are not, below cuts and wildcards, of all types."""
import random
import struct
from dataclasses import dataclass

import message as m

TYPES = [(m.A, 14), (m.AAAA, 6), (m.NS, 10), (m.SOA, 5), (m.DS, 12), (m.MX, 4), (m.TXT, 4), (m.CNAME, 4), (m.DNAME, 3), (m.SRV, 2),
         (m.PTR, 2), (m.DNSKEY, 3), (m.NSEC, 3), (m.NSEC3, 2), (m.NSEC3PARAM, 2), (m.RRSIG, 3), (m.ANY, 5), (63, 2), (65, 2), (257, 2),
         (35, 1), (13, 1), (99, 1), (65280, 2), (54321, 1), (60, 1), (61, 1)]
SIZES = [512, 700, 1232, 1232, 1400, 1452, 2048, 4096]


@dataclass
class Question:
    name: bytes       # wire form, case as sent
    rtype: int
    do: bool
    size: int         # EDNS size; 0 = no EDNS
    flags: int        # RD and CD
    rclass: int = 1
    nsid: bool = False
    tcp: bool = False

    def wire(self):
        wire = struct.pack("!6H", 0, self.flags, 1, 0, 0, 1 if self.size else 0) + self.name
        wire += struct.pack("!2H", self.rtype, self.rclass)
        if self.size:
            options = b"\x00\x03\x00\x00" if self.nsid else b""
            wire += struct.pack("!BHHIH", 0, m.OPT, self.size, 0x8000 if self.do else 0, len(options)) + options
        return wire

    def limit(self):
        """Bytes that a reply may have."""
        return 65535 if self.tcp else max(512, self.size)

    def describe(self):
        return (f"{m.text(self.name)} type {self.rtype} class {self.rclass} {'DO ' if self.do else ''}"
                f"{'size ' + str(self.size) if self.size else 'no EDNS'} flags {self.flags:#06x}{' TCP' if self.tcp else ''}")


def from_text(name):
    """Wire form of a name in presentation form (escapes only as \\DDD)."""
    wire, label, at = b"", bytearray(), 0
    while at < len(name):
        if name[at] == "\\":
            label.append(int(name[at + 1:at + 4]))
            at += 4
        elif name[at] == ".":
            if label:
                wire += bytes([len(label)]) + bytes(label)
            label = bytearray()
            at += 1
        else:
            label.append(ord(name[at]))
            at += 1
    return wire + b"\0"


def _prepend(label, name):
    wire = bytes([len(label)]) + label + name
    return wire if len(wire) <= 255 else name


def _random_label(rng):
    return bytes(rng.choice(b"abcdefghijklmnopqrstuvwxyz0123456789-_") for _ in range(rng.choice([1, 2, 3, 5, 8, 12, 20])))


def _suffixes(name):
    while name[0]:
        yield name
        name = name[name[0] + 1:]


def _near(rng, name):
    """A name close to one that is there."""
    if name[0] == 0 or name[0] > 60:
        return name
    label, rest = name[1:name[0] + 1], name[name[0] + 1:]
    kind = rng.randrange(4)
    label = (label + b"-" if kind == 0 else label[:-1] if kind == 1 and len(label) > 1 else label + b"0" if kind == 2
             else bytes([label[0] ^ 1]) + label[1:] if label[0] not in b"*@`{AZ[" else label + b"z")
    return _prepend(label, rest)


def _name(rng, known, apex):
    kind = rng.random()
    name = rng.choice(known)
    if kind < 0.38:
        return name
    if kind < 0.60:
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            name = _prepend(rng.choice([b"www", b"*", b"ns", b"_tcp", b"a", _random_label(rng)]), name)
        return name
    if kind < 0.72:
        return _near(rng, name)
    if kind < 0.80:
        return rng.choice([s for s in _suffixes(name) if len(s) >= len(apex)] or [apex])
    if kind < 0.82:
        while len(name) < 190:
            name = _prepend(_random_label(rng), name)
        return name
    if kind < 0.86:
        return apex
    return _prepend(_random_label(rng), rng.choice([apex, apex, rng.choice(known)]))


def _mix_case(rng, name):
    """0x20: letters in random case; length bytes are 1..63 and so never letters."""
    return bytes(c ^ 0x20 if (0x61 <= c | 0x20 <= 0x7A and rng.random() < 0.5) else c for c in name)


def generate(seed, names, origin, count):
    """`count` questions about the zone `origin` whose names are `names` (presentation form)."""
    rng = random.Random(seed)
    known = [from_text(n) for n in sorted(names)]
    apex = from_text(origin)
    types, weights = zip(*TYPES)
    questions = []
    for _ in range(count):
        edns = rng.random() < 0.8
        questions.append(Question(
            name=_mix_case(rng, _name(rng, known, apex)), rtype=rng.choices(types, weights)[0], do=edns and rng.random() < 0.7,
            size=rng.choice(SIZES) if edns else 0, flags=rng.choice([0, 0, m.RD, m.CD, m.RD | m.CD]),
            nsid=edns and rng.random() < 0.05, tcp=rng.random() < 0.04))
    return questions
