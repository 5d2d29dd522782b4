# SPDX-License-Identifier: GPL-3.0-or-later
"""The same zone in banyand, NSD, Knot DNS and BIND; the same 20,000 questions; every answer compared section by section.

What differs must be explained by a class of differences.py. The subject that is compared with the peers is banyan, or what
BANYAN_SUBJECT names: so the check itself can be checked.
"""
import collections
import contextlib
import os
import random
import threading

import pytest

import differences
import message as m
import peers
import questions
import zones

SEED = int(os.environ.get("BANYAN_SEED", "20260731"))
SUBJECT = os.environ.get("BANYAN_SUBJECT", "banyan")
PEERS = [name for name in ("nsd", "knot", "bind") if name != SUBJECT]
REAL_ROOT_SERIAL = "2026073102"
SIZE_TOLERANCE = 1.03  # NSD also compresses against names that only this question has
EXAMPLES = 3  # of each unexplained difference, in the report


def _general(folder, variant):
    signed = zones.general(folder, "nsec")
    path = signed if variant == "nsec" else zones.general(folder, variant)
    return {"general.test.": path}, {"general.test.": zones.owners(signed, "general.test.")}


def _single(path, origin):
    return {origin: path}, {origin: zones.owners(path, origin)}


def _family(folder):
    files = zones.family(folder)
    return files, {origin: zones.owners(path, origin) for origin, path in files.items()}


def _real_root(folder):
    path = zones.real_root(folder, REAL_ROOT_SERIAL)
    if path is None:
        pytest.skip("../shared/data is not there")
    return _single(path, ".")


# name: (how to make it, questions)
ZONES = {
    "root-like": (lambda folder: _single(zones.root_like(folder, SEED), "."), 20000),
    "tld-optout": (lambda folder: _single(zones.tld_optout(folder, SEED), "optout."), 6000),
    "general-nsec": (lambda folder: _general(folder, "nsec"), 6000),
    "general-nsec3": (lambda folder: _general(folder, "nsec3"), 6000),
    "general-plain": (lambda folder: _general(folder, "plain"), 1500),
    "family": (_family, 1000),
    "real-root": (_real_root, 20000),
}


def parse(wire):
    return None if wire is None else m.Message(wire)


def ask_all(servers, asked):
    """Replies of each server (name: list), all servers at once; UDP and TCP by question."""
    udp = [i for i, q in enumerate(asked) if not q.tcp]
    tcp = [i for i, q in enumerate(asked) if q.tcp]
    wires = [q.wire() for q in asked]
    replies = {server.name: [None] * len(asked) for server in servers}

    def work(server):
        for i, reply in zip(udp, peers.ask_udp_many(server, [wires[i] for i in udp])):
            replies[server.name][i] = reply
        for i, reply in zip(tcp, peers.ask_tcp_many(server, [wires[i] for i in tcp])):
            replies[server.name][i] = reply

    threads = [threading.Thread(target=work, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


class Tally:
    """Explained differences by class and peer; unexplained ones with examples; sizes of equal answers."""

    def __init__(self, known):
        self.known = known
        self.explained = collections.Counter()
        self.unexplained = collections.defaultdict(list)
        self.sizes = collections.defaultdict(lambda: [0, 0, 0])

    def compare(self, question, ours, theirs, peer):
        names, left = differences.explain(question, ours, theirs, peer, self.known)
        for name in names:
            self.explained[name, peer] += 1
        if left:
            self.unexplained[peer, tuple(sorted(left))].append((question, ours, theirs))
        elif not names and ours is not None:
            total = self.sizes[peer]
            total[0] += 1
            total[1] += ours.size
            total[2] += theirs.size

    def report(self):
        lines = []
        for (peer, parts), cases in sorted(self.unexplained.items()):
            lines.append(f"{len(cases)} unexplained differences from {peer} in {', '.join(parts)}")
            for question, ours, theirs in cases[:EXAMPLES]:
                lines += [f"  {question.describe()}", f"   {SUBJECT}:", ours.describe() if ours else "    silence", f"   {peer}:",
                          theirs.describe() if theirs else "    silence"]
        return "\n".join(lines)


def known_names(owners):
    """The names of all zones in the form that replies have."""
    types = {}
    for names in owners.values():
        for name, texts in names.items():
            types.setdefault(questions.from_text(name), set()).update(m.TYPES.get(text, 0) for text in texts)
    return differences.Zones(types, {questions.from_text(origin) for origin in owners})


def check_alone(question, reply, known):
    """What must hold for a reply whatever the peers say."""
    assert reply is not None, f"no reply: {question.describe()}"
    message = m.Message(reply)
    assert len(reply) <= question.limit(), question.describe()
    assert message.question[:-4] == question.name, f"case of the name not kept: {question.describe()}"
    assert (message.edns is not None) == (question.size > 0), f"EDNS: {question.describe()}"
    assert message.flags & (m.RD | m.CD | m.AD | m.RA) == question.flags & m.RD, question.describe()
    if not message.flags & m.TC:
        missing = differences.in_domain_glue(known, message) - differences.sets_of(message, 2)
        assert not missing, f"in-domain glue is not there: {question.describe()}"
    return message


@pytest.mark.parametrize("zone", ZONES)
def test_answers(zone, tmp_path):
    names = [SUBJECT, *PEERS]
    absent = peers.missing(names)
    if absent:
        pytest.skip(f"not installed or not built: {', '.join(absent)}")
    make, count = ZONES[zone]
    files, owners = make(tmp_path)
    asked = [q for origin in files
             for q in questions.generate(f"{SEED} {zone} {origin}", owners[origin], origin, count // len(files))]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(peers.start(name, files, tmp_path)) for name in names]
        replies = ask_all(servers, asked)
    tally = Tally(known_names(owners))
    for i, question in enumerate(asked):
        ours = check_alone(question, replies[SUBJECT][i], tally.known) if SUBJECT == "banyan" else parse(replies[SUBJECT][i])
        for peer in PEERS:
            tally.compare(question, ours, parse(replies[peer][i]), peer)
    for (name, peer), number in sorted(tally.explained.items()):
        print(f"{zone}: {number} of {len(asked)} answers differ from {peer}: {name}")
    for peer, (number, ours, theirs) in sorted(tally.sizes.items()):
        print(f"{zone}: {number} answers equal to {peer}'s: {ours / number:.1f} bytes, {peer} {theirs / number:.1f}")
        assert ours <= SIZE_TOLERANCE * theirs, f"answers are larger than {peer}'s"
    assert not tally.unexplained, "\n" + tally.report()


def test_every_class_is_explained():
    """Each class of differences has its paragraph in docs/differences.md, and the other way round."""
    text = (peers.REPOSITORY / "docs/differences.md").read_text()
    assert {line[4:].strip() for line in text.split("\n") if line.startswith("### ")} == set(differences.CLASSES)


def _changed(rng, wire):
    """A reply with one thing in it changed: a record less, another TTL, RCODE, AA or TC."""
    kind = rng.randrange(4)
    data = bytearray(wire)
    message = m.Message(wire)
    if kind == 0 and message.records[0] + message.records[1]:
        section = 0 if message.records[0] else 1
        message.records[section].pop(rng.randrange(len(message.records[section])))
        message.sections[section] = frozenset(message.records[section])
        return message
    if kind == 1 and message.records[0] + message.records[1]:
        section = 0 if message.records[0] else 1
        index = rng.randrange(len(message.records[section]))
        owner, rtype, rclass, ttl, rdata = message.records[section][index]
        message.records[section][index] = owner, rtype, rclass, ttl + 1, rdata
        message.sections[section] = frozenset(message.records[section])
        return message
    if kind == 2:
        data[3] ^= rng.choice([1, 2, 3])
    else:
        data[2] ^= rng.choice([4, 2])
    return m.Message(bytes(data))


def test_the_check_notices(tmp_path):
    """Answers changed in one place are not explained away: at most one in twenty hits what a class allows for."""
    if peers.missing(["knot"]):
        pytest.skip("knotd is not installed")
    rng = random.Random(SEED)
    files, owners = _general(tmp_path, "nsec")
    known = known_names(owners)
    asked = [q for q in questions.generate(SEED, owners["general.test."], "general.test.", 1500) if q.rtype not in (m.ANY, m.RRSIG)]
    with peers.start("knot", files, tmp_path) as server:
        replies = ask_all([server], asked)["knot"]
    noticed = compared = 0
    for question, reply in zip(asked, replies):
        right, wrong = m.Message(reply), _changed(rng, reply)
        if right.flags & m.TC or question.size == 512:
            continue
        compared += 1
        noticed += bool(differences.explain(question, wrong, right, "another", known)[1])
    print(f"{noticed} of {compared} changes noticed")
    assert compared > 1000 and noticed > 0.95 * compared
