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

    def apex_of(self, name):
        return max((apex for apex in self.apexes if under(name, apex)), key=len, default=None)

    def below_cut(self, name):
        """Is the name at or below a delegation?"""
        apex = self.apex_of(name)
        while apex is not None and len(name) > len(apex):
            if self.is_cut(name):
                return True
            name = name[name[0] + 1:]
        return False


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


def has_alias(reply):
    return bool(reply.types(0) & {m.CNAME, m.DNAME})


@difference
def truncated(question, ours, theirs, peer, zones):
    """Both say TC: what else is in the message is not to be used (RFC 2181 section 9). That includes an RCODE that belongs to the end
    of a chain of aliases (RFC 6604 section 3), to which not every server goes then."""
    if not ours.flags & theirs.flags & m.TC:
        return set()
    if ours.rcode == theirs.rcode:
        return SECTIONS
    return SECTIONS | {"rcode"} if has_alias(ours) and {ours.rcode, theirs.rcode} == {m.NOERROR, m.NXDOMAIN} else set()


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
    if question.rtype != m.ANY:
        return set()
    given = ours.sections[0]
    if m.DNAME in ours.types(0) and len(without_sigs(given)) == 2 and given <= theirs.sections[0]:
        return SECTIONS | {"rcode", "flags"}  # peers follow the CNAME made from a DNAME; one set, and what made it, is enough
    if ours.rcode != theirs.rcode or len({r[1] for r in without_sigs(given)}) != 1:
        return set()
    if given <= theirs.sections[0] or theirs.flags & m.TC or len({r[1] for r in without_sigs(theirs.sections[0])}) <= 1:
        return SECTIONS | ({"flags"} if not flags_differ(ours, theirs) & ~(m.TC | m.CD) else set())
    return set()


@difference
def rrsig_gives_all(question, ours, theirs, peer, zones):
    """RRSIG asks for all signatures of a name (RFC 4035 section 3.1 gives no other meaning); Knot DNS gives those of one set."""
    if question.rtype != m.RRSIG or peer != "knot" or m.RRSIG not in theirs.types(0) or theirs.sections[1:] != ours.sections[1:]:
        return set()
    if ours.flags & m.TC and not theirs.flags & m.TC:
        return {"answer"} | ({"flags"} if flags_differ(ours, theirs) == m.TC else set())
    return {"answer"} if theirs.sections[0] < ours.sections[0] else set()


@difference
def truncates_early(question, ours, theirs, peer, zones):
    """The peer says TC where a complete answer fits: its message is larger, or it counts optional addresses as required
    (RFC 2181 section 9: TC is not for what is merely extra)."""
    if ours.flags & m.TC or not theirs.flags & m.TC or ours.rcode != theirs.rcode or \
            ours.size < question.limit() - EARLY_ROOM or flags_differ(ours, theirs) & ~(m.TC | m.CD):
        return set()
    if all(a >= b for a, b in zip(ours.sections[:2], theirs.sections[:2])):
        return SECTIONS | {"flags"}
    return set()


EARLY_ROOM = 400  # bytes: an address RRset with its RRSIG, twice


@difference
def small_additional(question, ours, theirs, peer, zones):
    """BIND adds no addresses to the answer for NS and MX when 512 bytes is the limit; RFC 9609 section 4.2 and RFC 2181 section 9 want
    what fits."""
    if peer == "bind" and question.rtype in (m.NS, m.MX) and question.size <= 512 and not theirs.sections[2] and \
            ours.sections[2] and ours.sections[:2] == theirs.sections[:2]:
        return {"additional"}
    return set()


@difference
def soa_left_out(question, ours, theirs, peer, zones):
    """A negative answer that is too long even for its SOA is truncated (RFC 2181 section 9, RFC 2308 section 2); at the end of a chain of
    aliases Knot DNS leaves the authority section out and does not say so."""
    if peer == "knot" and ours.flags & m.TC and not theirs.flags & m.TC and has_alias(theirs) and not theirs.sections[1] and \
            not flags_differ(ours, theirs) & ~(m.TC | m.CD):
        return {"authority", "flags"}
    return set()


@difference
def star_in_question(question, ours, theirs, peer, zones):
    """A name that begins with an asterisk and is not there is denied like any other (RFC 4592 section 2.2.1, RFC 4035 section
    3.1.3.4); Knot DNS leaves out the proof that this name is not there when a wildcard is expanded for it."""
    if peer == "knot" and question.name[:2] == b"\x01*" and question.do and ours.sections[0] == theirs.sections[0] and \
            ours.rcode == theirs.rcode and theirs.sections[1] < ours.sections[1]:
        return {"authority"}
    return set()


@difference
def below_hashed_owner(question, ours, theirs, peer, zones):
    """Owners of NSEC3 records are no names of the zone (RFC 5155 section 7.2.8); NSD takes them for closest enclosers."""
    name = question.name.lower()
    while name[0]:
        if zones.types.get(name, set()) and zones.types[name] <= {m.NSEC3, m.RRSIG}:
            break
        name = name[name[0] + 1:]
    if peer == "nsd" and name[0] and ours.rcode == theirs.rcode == m.NXDOMAIN:
        return {"authority"} | ({"flags"} if not flags_differ(ours, theirs) & ~m.TC else set())
    return set()


@difference
def nsec_at_cut(question, ours, theirs, peer, zones):
    """NSEC asked for at a delegation: a referral, as for all types but DS (RFC 1034 section 4.3.2 step 3b, RFC 4035 section 3.1.4.1);
    BIND answers with the parent's NSEC."""
    name = question.name.lower()
    if question.rtype == m.NSEC and peer == "bind" and cut_of(ours) == name and m.NSEC in theirs.types(0):
        return SECTIONS | {"flags"}
    return set()


@difference
def glue_only(question, ours, theirs, peer, zones):
    """With a referral BIND gives addresses of servers only if they are glue; RFC 1034 section 4.3.2 step 3b wants whatever addresses
    are available, the zone's own among them."""
    if peer != "bind" or m.NS not in ours.types(1) or ours.sections[:2] != theirs.sections[:2]:
        return set()
    if not theirs.sections[2] <= ours.sections[2]:
        return set()
    missing = ours.sections[2] - theirs.sections[2]
    return {"additional"} if all(not zones.below_cut(record[0]) for record in missing) else set()


@difference
def apex_glue(question, ours, theirs, peer, zones):
    """To NS at the apex BIND adds only addresses that are the zone's own data; a server of the zone whose address is glue below a
    delegation is as useful to know (RFC 1035 section 3.3.11, RFC 9609 section 4.2)."""
    if peer != "bind" or question.rtype != m.NS or not zones.is_apex(question.name.lower()) or \
            ours.sections[:2] != theirs.sections[:2] or not theirs.sections[2] <= ours.sections[2]:
        return set()
    return {"additional"} if all(zones.below_cut(r[0]) for r in ours.sections[2] - theirs.sections[2]) else set()


@difference
def name_too_long(question, ours, theirs, peer, zones):
    """A DNAME that makes a name of more than 255 bytes is YXDOMAIN (RFC 6672 section 2.2); Knot DNS says NXDOMAIN, and TC when the proof
    of that does not fit."""
    if peer == "knot" and ours.rcode == m.YXDOMAIN and theirs.rcode == m.NXDOMAIN and ours.sections[0] == theirs.sections[0] and \
            not flags_differ(ours, theirs) & ~(m.TC | m.CD) and not ours.flags & m.TC:
        return {"rcode", "authority", "flags"} if theirs.flags & m.TC else {"rcode", "authority"}
    return set()


@difference
def wildcard_itself(question, ours, theirs, peer, zones):
    """A type that a wildcard has not, asked for under the wildcard's own name, is denied by the NSEC3 of that name (RFC 5155 section
    7.2.3); NSD adds a closest encloser proof, as if the wildcard had been expanded."""
    if peer != "nsd" or ours.rcode != theirs.rcode or m.SOA not in ours.types(1) or m.NSEC3 not in theirs.types(1) or \
            not b"\x01*" in question.name[:2] or ours.sections[0] != theirs.sections[0]:
        return set()
    if theirs.flags & m.TC and not flags_differ(ours, theirs) & ~(m.TC | m.CD):
        return {"authority", "flags"}
    return {"authority"} if ours.sections[1] < theirs.sections[1] else set()


@difference
def addresses_of_targets(question, ours, theirs, peer, zones):
    """NSD with minimal-responses leaves out the addresses of MX and SRV targets; RFC 1035 section 3.3.9 and RFC 2782 want them."""
    if peer == "nsd" and question.rtype in (m.MX, m.SRV) and not theirs.sections[2] and ours.sections[0] == theirs.sections[0]:
        return {"additional"}
    return set()


@difference
def alias_loop(question, ours, theirs, peer, zones):
    """A loop of CNAMEs: the part of it that is known is the answer (RFC 1034 section 3.6.2); BIND says SERVFAIL beside it."""
    if peer == "bind" and theirs.rcode == m.SERVFAIL and ours.rcode == m.NOERROR and ours.types(0) - {m.RRSIG} == {m.CNAME} and \
            ours.sections == theirs.sections:
        return {"rcode"}
    return set()


@difference
def wildcard_nsec(question, ours, theirs, peer, zones):
    """NSEC asked for and found at a wildcard: the proof that the name is not there belongs to it as to all that wildcards give
    (RFC 4035 section 3.1.3.3); Knot DNS leaves it out, being the same record under another owner."""
    if peer == "knot" and question.rtype == m.NSEC and ours.sections[0] == theirs.sections[0] != frozenset() and not theirs.sections[1]:
        return {"authority"}
    return set()


@difference
def nsec_at_alias(question, ours, theirs, peer, zones):
    """NSEC or RRSIG asked for at an alias is about the alias itself: they may stand beside CNAME (RFC 4035 section 2.5). NSEC3 may not,
    being at names of its own (RFC 5155 section 7.2.8). NSD has it the other way round, if the alias has no such record."""
    if peer != "nsd" or question.rtype not in (m.NSEC, m.RRSIG, m.NSEC3):
        return set()
    follows, stays = (ours, theirs) if question.rtype == m.NSEC3 else (theirs, ours)
    if m.CNAME in follows.types(0) and not stays.sections[0] and m.SOA in stays.types(1):
        return SECTIONS | {"rcode"} | ({"flags"} if not flags_differ(ours, theirs) & ~(m.TC | m.CD) else set())
    return set()


@difference
def proof_after_dname(question, ours, theirs, peer, zones):
    """A negative answer at the end of a chain with a DNAME needs the proof about the last name (RFC 4035 section 3.1.3, RFC 6672 section
    5.3.4); NSD's is not about that name."""
    if peer == "nsd" and m.DNAME in ours.types(0) and ours.sections[0] == theirs.sections[0] and ours.rcode == theirs.rcode and \
            {r for r in ours.sections[1] if r[1] == m.SOA} == {r for r in theirs.sections[1] if r[1] == m.SOA}:
        return {"authority"} | ({"flags"} if not flags_differ(ours, theirs) & ~(m.TC | m.CD) else set())
    return set()


@difference
def alias_into_other_zone(question, ours, theirs, peer, zones):
    """An alias leads out of its zone into another one that the server has too. RFC 1034 section 4.3.2 lets a server go on there, and NSD
    does; but resolvers must not take what one zone's servers say of another (RFC 5452 section 6), so we stop, as BIND and Knot DNS.
    At the cut we add the referral that the first zone has; BIND does not when it has the child itself."""
    if len(zones.apexes) < 2 or not m.CNAME in ours.types(0):
        return set()
    targets = {data for owner, rtype, _, _, data in ours.sections[0] if rtype == m.CNAME}
    if any(zones.apex_of(target) != zones.apex_of(question.name.lower()) for target in targets) and ours.sections[0] <= theirs.sections[0]:
        return SECTIONS
    return set()
