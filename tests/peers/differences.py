# SPDX-License-Identifier: GPL-3.0-or-later
"""What may differ between two right answers, class by class. docs/differences.md explains each under the same name.

A class is a function (question, ours, theirs, peer) that returns the parts of the reply whose difference it explains, out of
{"rcode", "flags", "question", "answer", "authority", "additional", "edns", "silence"}; nothing explained = empty set.
"""
import message as m

CLASSES = {}


def difference(function):
    CLASSES[function.__name__.replace("_", "-")] = function
    return function


def parts_that_differ(ours, theirs):
    parts = set()
    if ours is None or theirs is None:
        return {"silence"} if ours is not theirs else parts
    if ours.rcode != theirs.rcode:
        parts.add("rcode")
    if ours.flags != theirs.flags:
        parts.add("flags")
    if ours.question != theirs.question:
        parts.add("question")
    for name, a, b in zip(("answer", "authority", "additional"), ours.sections, theirs.sections):
        if a != b:
            parts.add(name)
    if (ours.edns is None) != (theirs.edns is None) or (ours.edns and (ours.edns[1:3] != theirs.edns[1:3] or
                                                                      ours.edns[3].get(3) != theirs.edns[3].get(3))):
        parts.add("edns")
    return parts


class Zones:
    """What is in the zones: for each name (wire form, lower case) its types; the apexes."""

    def __init__(self, owners, apexes):
        self.types = owners
        self.apexes = apexes

    def is_apex(self, name):
        return name in self.apexes

    def is_cut(self, name):
        return m.NS in self.types.get(name, ()) and not self.is_apex(name)


def under(name, ancestor):
    while len(name) > len(ancestor):
        name = name[name[0] + 1:]
    return name == ancestor


def cut_of(reply):
    """The delegated name of a referral, or None."""
    if reply.flags & m.AA or m.NS not in reply.types(1) or reply.sections[0]:
        return None
    return next(owner for owner, rtype, *_ in reply.sections[1] if rtype == m.NS)


def in_domain_glue(zones, reply):
    """(owner, type) of the glue that a referral must have (RFC 9471 section 3)."""
    cut = cut_of(reply)
    if cut is None:
        return set()
    hosts = {data for owner, rtype, _, _, data in reply.sections[1] if rtype == m.NS and under(data, cut)}
    return {(host, rtype) for host in hosts for rtype in (m.A, m.AAAA) if rtype in zones.types.get(host, ())}


def sets_of(reply, section):
    return {(owner, rtype) for owner, rtype, *_ in reply.sections[section]}


def without_sigs(records):
    return {record for record in records if record[1] != m.RRSIG}


def explain(question, ours, theirs, peer, zones):
    """Returns (names of classes that explain the difference, parts left unexplained)."""
    left = parts_that_differ(ours, theirs)
    names = []
    if ours is None or theirs is None:
        return names, left
    for name, function in CLASSES.items():
        if not left:
            break
        explained = function(question, ours, theirs, peer, zones) & left
        if explained:
            names.append(name)
            left -= explained
    return names, left


SECTIONS = {"answer", "authority", "additional"}


def flags_differ(ours, theirs):
    return ours.flags ^ theirs.flags


@difference
def truncated(question, ours, theirs, peer, zones):
    """Both say TC: what else is in the message is not to be used (RFC 2181 section 9)."""
    if ours.flags & theirs.flags & m.TC and ours.rcode == theirs.rcode:
        return SECTIONS
    return set()


@difference
def glue_required(question, ours, theirs, peer, zones):
    """The peer leaves out in-domain glue and does not say TC (RFC 9471 section 3.1); we say TC when it does not fit."""
    if theirs.flags & m.TC or not in_domain_glue(zones, theirs) - sets_of(theirs, 2):
        return set()
    if ours.flags & m.TC:
        return {"additional"} | ({"flags"} if not flags_differ(ours, theirs) & ~(m.TC | m.CD) else set())
    return {"additional"} if theirs.size > question.limit() - OPTIONAL_ROOM else set()


@difference
def cd_copied(question, ours, theirs, peer, zones):
    """The peer copies CD into an authoritative answer, which RFC 4035 section 3.1.6 advises against."""
    if flags_differ(ours, theirs) == m.CD and theirs.flags & m.CD and question.flags & m.CD:
        return {"flags"}
    return set()


@difference
def optional_additional(question, ours, theirs, peer, zones):
    """Close to the limit each server drops other addresses that no RFC requires. What is required is in both."""
    if ours.rcode != theirs.rcode or ours.sections[:2] != theirs.sections[:2]:
        return set()
    if max(ours.size, theirs.size) < min(question.limit(), 4096) - OPTIONAL_ROOM:
        return set()
    need = in_domain_glue(zones, ours)
    if need - sets_of(ours, 2) or need - sets_of(theirs, 2):
        return set()
    return {"additional"}


OPTIONAL_ROOM = 260  # bytes: the largest RRset, with its RRSIG, that is dropped in the zones of this check


@difference
def any_is_one_set(question, ours, theirs, peer, zones):
    """ANY gets one RRset (RFC 8482 section 4.1); peers give all they have, or choose another one."""
    if question.rtype != m.ANY or ours.rcode != theirs.rcode or len({r[1] for r in without_sigs(ours.sections[0])}) != 1:
        return set()
    given = ours.sections[0]
    if given <= theirs.sections[0] or theirs.flags & m.TC or len({r[1] for r in without_sigs(theirs.sections[0])}) == 1:
        return SECTIONS | ({"flags"} if not flags_differ(ours, theirs) & ~(m.TC | m.CD) else set())
    return set()


@difference
def rrsig_gives_all(question, ours, theirs, peer, zones):
    """RRSIG asks for all signatures of a name (RFC 4035 section 3.1 gives no other meaning); Knot DNS gives those of one set."""
    if question.rtype == m.RRSIG and peer == "knot" and theirs.sections[0] < ours.sections[0] and \
            theirs.sections[1:] == ours.sections[1:]:
        return {"answer"}
    return set()


@difference
def nsec_at_cut(question, ours, theirs, peer, zones):
    """NSEC asked for at a delegation: a referral, as for all types but DS (RFC 1034 section 4.3.2 step 3b, RFC 4035 section 3.1.4.1);
    BIND answers with the parent's NSEC."""
    name = question.name.lower()
    if question.rtype == m.NSEC and peer == "bind" and cut_of(ours) == name and m.NSEC in theirs.types(0):
        return SECTIONS | {"flags"}
    return set()
