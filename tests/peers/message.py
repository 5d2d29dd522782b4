# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in a form that can be compared: names expanded and in lower case, sections as sets of records."""
import struct

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DNAME, OPT, DS = 1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 41, 43
RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, ANY = 46, 47, 48, 50, 51, 255
AA, TC, RD, RA, AD, CD = 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
TYPES = {"A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "PTR": PTR, "MX": MX, "TXT": TXT, "AAAA": AAAA, "SRV": SRV, "DNAME": DNAME,
         "DS": DS, "RRSIG": RRSIG, "NSEC": NSEC, "DNSKEY": DNSKEY, "NSEC3": NSEC3, "NSEC3PARAM": NSEC3PARAM}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN = 0, 1, 2, 3, 4, 5, 6

# bytes before the names in the data of a type, and how many names there are
NAMES = {NS: (0, 1), CNAME: (0, 1), PTR: (0, 1), DNAME: (0, 1), MX: (2, 1), SRV: (6, 1), SOA: (0, 2), RRSIG: (18, 1), NSEC: (0, 1),
         7: (0, 1), 8: (0, 1), 9: (0, 1), 14: (0, 2), 17: (0, 2)}


class Malformed(Exception):
    pass


def read_name(wire, at, cache):
    """The name at a place of the message, uncompressed, in lower case; and where it ends."""
    known = cache.get(at)
    if known is not None:
        return known
    length = wire[at]
    if length >= 0xC0:
        to = (length & 0x3F) << 8 | wire[at + 1]
        if to >= at:
            raise Malformed("pointer forward")
        result = read_name(wire, to, cache)[0], at + 2
    elif length == 0:
        result = b"\0", at + 1
    elif length > 63:
        raise Malformed("label type")
    else:
        rest, end = read_name(wire, at + 1 + length, cache)
        result = bytes([length]) + wire[at + 1:at + 1 + length].lower() + rest, end
    cache[at] = result
    return result


def text(name):
    """A name for people."""
    if name == b"\0":
        return "."
    out, at = "", 0
    while name[at]:
        label = name[at + 1:at + 1 + name[at]]
        out += "".join(chr(c) if 0x21 <= c <= 0x7E and c not in b".\\" else f"\\{c:03d}" for c in label) + "."
        at += 1 + name[at]
    return out


class Message:
    """A reply: id, flags (without RCODE), rcode (with its extended bits), question, sections [answer, authority, additional] of
    records (owner, type, class, ttl, data), edns (size, version, do, {option: data}) or None, wire length."""

    def __init__(self, wire):
        try:
            self._parse(wire)
        except (IndexError, struct.error, RecursionError) as error:
            raise Malformed(str(error)) from error

    def _parse(self, wire):
        self.size = len(wire)
        self.id, flags, n_questions, *counts = struct.unpack_from("!6H", wire)
        self.flags, self.rcode = flags & 0xFFF0, flags & 0x000F
        self.edns = None
        self.question = None
        cache, at = {}, 12
        if n_questions > 1:
            raise Malformed("questions")
        if n_questions:
            start = at
            _, at = read_name(wire, at, cache)
            self.question = wire[start:at + 4]
            at += 4
        self.records = []
        for count in counts:
            section = []
            for _ in range(count):
                at = self._record(wire, at, cache, section)
            self.records.append(section)
        if at != len(wire):
            raise Malformed("bytes behind the message")
        self.sections = [frozenset(section) for section in self.records]
        if any(len(a) != len(b) for a, b in zip(self.sections, self.records)):
            raise Malformed("a record comes twice in one section")

    def _record(self, wire, at, cache, section):
        owner, at = read_name(wire, at, cache)
        rtype, rclass, ttl, length = struct.unpack_from("!HHIH", wire, at)
        at += 10
        end = at + length
        if end > len(wire):
            raise Malformed("data")
        if rtype == OPT:
            if self.edns is not None or owner != b"\0":
                raise Malformed("OPT")
            self._edns(wire, at, end, rclass, ttl)
            return end
        skip, names = NAMES.get(rtype, (0, 0))
        data = wire[at:at + skip]
        if names:
            at += skip
            for _ in range(names):
                name, at = read_name(wire, at, cache)
                data += name
            data += wire[at:end]
        else:
            data = wire[at:end]
        section.append((owner, rtype, rclass, ttl, data))
        return end

    def _edns(self, wire, at, end, size, ttl):
        options = {}
        while at < end:
            code, length = struct.unpack_from("!HH", wire, at)
            options[code] = wire[at + 4:at + 4 + length]
            at += 4 + length
        if at != end:
            raise Malformed("options")
        self.rcode |= ttl >> 24 << 4
        self.edns = (size, ttl >> 16 & 0xFF, bool(ttl & 0x8000), options)

    def types(self, section):
        return {record[1] for record in self.sections[section]}

    def describe(self):
        names = [n for n, bit in (("AA", AA), ("TC", TC), ("RD", RD), ("RA", RA), ("AD", AD), ("CD", CD)) if self.flags & bit]
        lines = [f"    rcode {self.rcode} flags {' '.join(names)} size {self.size} edns {self.edns}"]
        for title, section in zip("123", self.records):
            lines += [f"    {title} {text(o)} {ttl} {rtype} {data.hex()[:60]}" for o, rtype, _, ttl, data in section]
        return "\n".join(lines)
