# SPDX-License-Identifier: GPL-3.0-or-later
"""Attackers that compose: aliases, deep names, zones in zones and servers without addresses, and loops of them."""
import dns.rdatatype

import zones
from delegations import label_before, referral
from world import ATTACKER, SECOND, Honest

DEEP = "a.b.c.d.e.f.g.h"


class Camp(Honest):
    """CAMP: every alias leads to a deep name (minimisation asks for each label) in a new zone, whose server's name is deep in
    another zone without address. The factors multiply, unless one budget pays for all."""

    def prepare(self, length):
        self.length = length
        self.attacker("camp.com.")
        self.attacker("camp2.com.", SECOND)

    def reply(self, question):
        """z<question>s<step>.camp.com is a zone; its servers are <deep>.z<question>s<step>n<k>.camp2.com."""
        if question.address == SECOND:
            label = label_before(question, "camp2.com.")
            if label is None or not label.startswith("z"):
                return super().reply(question)
            return self.in_deep(question, f"{DEEP}.{label}.camp2.com.", "A", ATTACKER)
        label = label_before(question, "camp.com.") if question.address == ATTACKER else None
        if label is None or not label.startswith("z"):
            return super().reply(question)
        number, step = label[1:].split("s")
        step = int(step)
        if "delegated" not in question.__dict__ and question.type == dns.rdatatype.NS and len(question.name) == 4:
            return referral(question, f"{label}.camp.com.", [f"{DEEP}.{label}n{n}.camp2.com." for n in range(6)])
        if len(question.name) == 4:
            return referral(question, f"{label}.camp.com.", [f"{DEEP}.{label}n{n}.camp2.com." for n in range(6)])
        target = f"{DEEP}.z{number}s{step + 1}.camp.com." if step < self.length else "www.victim.com."
        return self.in_deep(question, f"{DEEP}.{label}.camp.com.", "CNAME", target)

    @staticmethod
    def in_deep(question, whole, rtype, data):
        """The record at the whole name; the names above it are empty."""
        reply = zones.make_reply(question.message)
        if question.name == zones.name(whole) and (rtype == "CNAME" or question.type == dns.rdatatype.from_text(rtype)):
            reply.answer.append(zones.rrset(whole, rtype, data, ttl=0))
        else:
            origin = ".".join(whole.split(".")[-4:])
            reply.authority.append(zones.rrset(origin, "SOA", f"ns.{origin} h.{origin} 1 2 3 4 0", ttl=0))
        return reply


class Loops(Honest):
    """Aliases in a circle, an endless chain, a DNAME onto itself and one that makes each name longer."""

    def prepare(self):
        zone = self.attacker("loops.com.")
        zone.add(zones.rrset("self.loops.com.", "CNAME", "self.loops.com."), zones.rrset("a.loops.com.", "CNAME", "b.loops.com."),
                 zones.rrset("b.loops.com.", "CNAME", "a.loops.com."))

    def reply(self, question):
        label = label_before(question, "loops.com.") if question.address == ATTACKER else None
        if label is None or label in ("a", "b", "self", "ns"):
            return super().reply(question)
        reply = zones.make_reply(question.message)
        if label.startswith("endless"):
            reply.answer.append(zones.rrset(question.name, "CNAME", f"endless{int(label[7:]) + 1}.loops.com."))
        elif label == "circle" or label == "grow":
            owner = zones.name(f"{label}.loops.com.")
            target = zones.name("circle.loops.com." if label == "circle" else "x.grow.loops.com.")
            if question.name == owner:
                reply.authority.append(zones.rrset("loops.com.", "SOA", "ns.loops.com. h.loops.com. 1 2 3 4 60", ttl=60))
                return reply
            reply.answer.append(zones.rrset(owner, "DNAME", target.to_text()))
            try:
                to = question.name.relativize(owner).derelativize(target)
                reply.answer.append(zones.rrset(question.name, "CNAME", to.to_text()))
            except Exception:  # the new name is too long
                reply.set_rcode(6)
        else:
            reply.set_rcode(3)
        return reply


ALL = [Camp, Loops]
