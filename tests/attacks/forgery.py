# SPDX-License-Identifier: GPL-3.0-or-later
"""Attackers that say what they have no business with: guessed replies, malformed ones, records of other zones."""
import random
import struct

import dns.rdatatype

import zones
from delegations import label_before
from world import ATTACKER, EVIL_A, VICTIM, VICTIM_A, Honest


def forged(question, msg_id):
    """What an attacker makes who knows name, type and port, but neither ID nor the case of the letters."""
    name = question.name.to_wire()
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 86400, 4) + bytes(map(int, EVIL_A.split(".")))
    return struct.pack(">HHHHHH", msg_id, 0x8400, 1, 1, 0, 0) + name + struct.pack(">HH", question.type, 1) + record


class Kaminsky(Honest):
    """Forged replies to a known port: `guesses` IDs are tried before the victim's own answer comes."""

    def prepare(self, guesses, delay_s):
        self.guesses, self.delay_s, self.seen = guesses, delay_s, {"forged": 0}
        self.victim.add(*[zones.rrset(f"kaminsky{n}.victim.com.", "A", VICTIM_A) for n in range(100)])

    def reply(self, question):
        if question.address != VICTIM or question.tcp or label_before(question, "victim.com.") in (None, "ns"):
            return super().reply(question)
        socket = self.world.servers[VICTIM].transport
        start = random.randrange(65536)
        wire = bytearray(forged(question, 0))
        for n in range(self.guesses):
            wire[0:2] = ((start + n) & 0xFFFF).to_bytes(2, "big")
            socket.sendto(bytes(wire), question.client)
        self.seen["forged"] += self.guesses
        return [(self.delay_s, super().reply(question))]


def malformed(question):
    """What a state machine may stumble over. The attacker knows the port, not the ID; or he has the ID and nothing else is right."""
    wire = question.wire
    wrong_id = struct.pack(">H", struct.unpack(">H", wire[:2])[0] ^ 1)
    header, forged_header = wire[:2] + b"\x84\x00", wrong_id + b"\x84\x00"
    other = zones.name("www.other.com.").to_wire()
    question_end = 12 + len(question.asked.to_wire()) + 4
    asked = wire[12:question_end]
    yield b""
    yield wire[:1]
    yield wire[:11]
    yield wrong_id + wire[2:]
    yield wire  # a question comes back: QR is not set
    yield wrong_id + b"\x84\x00" + wire[4:]
    yield wrong_id + b"\x84\x05\0\0\0\0\0\0\0\0"  # REFUSED without a question
    yield header + b"\0\1\0\0\0\0\0\0" + other + b"\0\1\0\1"  # another name
    yield header + b"\0\1\0\0\0\0\0\0" + question.asked.to_wire() + b"\0\x10\0\1"  # another type
    yield header + b"\0\1\0\0\0\0\0\0" + question.asked.to_wire() + wire[question_end - 4:question_end - 2] + b"\0\3"  # class
    yield forged_header + b"\0\2\0\0\0\0\0\0" + asked + asked  # two questions
    yield forged_header + b"\0\1\xff\xff\0\0\0\0" + asked  # more records than there are
    yield forged_header + b"\0\1\0\1\0\0\0\0" + asked + b"\xc0\x1d"  # a pointer to itself
    yield wrong_id + b"\xac\x00\0\1\0\0\0\0\0\0" + asked  # another opcode
    yield wrong_id + b"\x86\x00\0\1\0\0\0\0\0\0" + asked  # truncated: go and ask over TCP


class TuDoor(Honest):
    """Malformed replies come first, the right one behind them; the right one must win."""

    def prepare(self, delay_s=0.03):
        self.delay_s = delay_s

    def reply(self, question):
        if question.address != VICTIM or question.tcp or label_before(question, "victim.com.") in (None, "ns"):
            return super().reply(question)
        for wire in malformed(question):
            question.send(wire)
        reply = zones.make_reply(question.message)
        if question.type == dns.rdatatype.A:
            reply.answer.append(zones.rrset(question.asked, "A", VICTIM_A))
        return [(self.delay_s, reply)]


class Maginot(Honest):
    """MaginotDNS: a server adds records of zones that are not its own, in every section and in every way."""

    def prepare(self, address=ATTACKER):
        self.address = address
        self.attacker("magi.com.")

    def reply(self, question):
        if question.address != self.address or not question.name.is_subdomain(zones.name("magi.com.")):
            return super().reply(question)
        label = label_before(question, "magi.com.")
        if label in (None, "ns"):
            return super().reply(question)
        reply = zones.make_reply(question.message)
        evil_ns = zones.rrset("com.", "NS", "ns.magi.com.", ttl=86400)
        victim_ns = zones.rrset("victim.com.", "NS", "ns.magi.com.", ttl=86400)
        victim = zones.rrset("www.victim.com.", "A", EVIL_A, ttl=86400)
        glue = zones.rrset("ns.victim.com.", "A", ATTACKER, ttl=86400)
        own = zones.rrset(question.asked, "A", "192.0.2.66", ttl=60)
        kind = label[0]
        if kind == "a":  # beside a good answer
            reply.answer += [own, victim]
            reply.authority += [evil_ns, victim_ns]
            reply.additional += [victim, glue]
        elif kind == "b":  # behind an alias
            reply.answer += [zones.rrset(question.asked, "CNAME", "www.victim.com.", ttl=1), victim]
        elif kind == "c":  # a referral for somebody else
            reply.flags &= ~0x0400
            reply.authority += [victim_ns]
            reply.additional += [glue, victim]
        elif kind == "d":  # a referral upwards
            reply.flags &= ~0x0400
            reply.authority += [evil_ns]
            reply.additional += [zones.rrset("ns.magi.com.", "A", ATTACKER, ttl=86400), victim]
        elif kind == "e":  # DNAME above the zone
            reply.answer += [zones.rrset("com.", "DNAME", "magi.com."), own]
        elif kind == "f":  # a denial for the parent's whole zone
            reply.set_rcode(3)
            reply.authority += [zones.rrset("com.", "SOA", "ns.magi.com. h.magi.com. 1 2 3 4 3600")]
        return reply


class Rebirthday(Honest):
    """The same question many times at once: each copy that goes out is one more ticket in an attacker's lottery."""

    def prepare(self, delay_s):
        self.delay_s, self.seen = delay_s, {"sizes": [], "copies": {}}

    def reply(self, question):
        reply = super().reply(question)
        if question.address == VICTIM:
            key = f"{question.text} {question.type}"
            self.seen["copies"][key] = self.seen["copies"].get(key, 0) + 1
            return [(self.delay_s, reply)]
        return reply


class Sizes(Honest):
    """Answers larger than what goes unfragmented; notes the size that each question advertises."""

    def prepare(self):
        self.seen = {"sizes": [], "tcp": 0}
        self.big = zones.rrset("big.victim.com.", "TXT", *['"%d %s"' % (n, "x" * 200) for n in range(20)])

    def reply(self, question):
        self.seen["sizes"].append(question.message.payload if question.message.edns >= 0 else 512)
        self.seen["tcp"] += question.tcp
        if question.address == VICTIM and question.text == "big.victim.com." and question.type == dns.rdatatype.TXT:
            reply = zones.make_reply(question.message)
            reply.answer.append(self.big)
            return reply
        return super().reply(question)


ALL = [Kaminsky, TuDoor, Maginot, Rebirthday, Sizes]
