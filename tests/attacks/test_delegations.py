# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks by delegation: what one client question may cost the victim, the resolver and everybody's cache."""
import struct
import time

import clients
from delegations import CacheFlush, Ghost, NrDelegation, Nxns, TsuName
from world import EVIL_A, OTHERS, SECOND, TLD, VICTIM

QUESTIONS = 20
UPSTREAM_MAX = 100   # resolver.upstream-queries-max
LOOKUPS_IN_VAIN = 5  # ENGINE_LOOKUPS_VAIN_MAX


def ask_new_names(resolver, pattern, count=QUESTIONS, wait_s=10, rate=None, **options):
    return clients.burst(resolver.server, [clients.question(pattern.format(n), **options) for n in range(count)], wait_s=wait_s, rate=rate)


def test_nxns(attack, report):
    def drive(resolver):
        heard = ask_new_names(resolver, "q{}.nxns.com.")
        return {"questions": QUESTIONS, "answered": len(heard.replies)}
    ours, theirs = attack(Nxns, drive, width=200)
    victim = [o.per_question(o.asked(VICTIM)) for o in (ours, theirs)]
    report("NXNSAttack", "messages to the victim a question", "ENGINE_LOOKUPS_VAIN_MAX", LOOKUPS_IN_VAIN, *victim, ours.watched, theirs.watched)
    assert ours.answered == QUESTIONS
    anew = ours.per_question(ours.asked_anew(VICTIM))
    assert victim[0] > 0 and anew <= 2 * LOOKUPS_IN_VAIN
    assert anew <= max(victim[1], 1)
    assert ours.per_question(ours.asked()) <= UPSTREAM_MAX


def test_nrdelegation(attack, report):
    def drive(resolver):
        heard = ask_new_names(resolver, "q{}.nrd.com.", 10)
        return {"questions": 10, "answered": len(heard.replies)}
    ours, theirs = attack(NrDelegation, drive, width=500)
    sent = [o.per_question(o.asked()) for o in (ours, theirs)]
    cpu = [o.per_question(o.cpu_ms) for o in (ours, theirs)]
    report("NRDelegation", "messages a question", "upstream-queries-max", UPSTREAM_MAX, *sent, ours.watched, theirs.watched)
    report("NRDelegation", "CPU ms a question", "RESOLVE_NS_MAX", 20, *cpu)
    assert ours.answered == 10
    assert ours.asked(SECOND) > 0
    assert sent[0] <= UPSTREAM_MAX and ours.per_question(ours.asked_anew()) <= max(sent[1], 1)
    assert cpu[0] <= max(cpu[1], 1.0)


def test_cacheflush(attack, report):
    """The others' names are asked for again and again while the attacker fills the cache; they stay in it."""
    def drive(resolver):
        for n in range(0, 1500, 100):
            wires = [clients.question(f"q{n + k:04}.flush.com.", 16 if k % 2 else 1) for k in range(100)]
            clients.burst(resolver.server, wires, wait_s=5, patient=False)
        return {"questions": 1500, "rss": resolver.rss()}
    options = {"resolver": {"cache-size": "1M"}, "unbound": {"rrset-cache-size": "512k", "msg-cache-size": "512k"}}
    ours, theirs = attack(CacheFlush, drive, options, width=25)
    asked = [o.asked(OTHERS) for o in (ours, theirs)]
    report("CacheFlush", "questions about asked names that went out again, of 1 MB cache and 1500 attacks", "cache-size, eviction", 0, *asked,
           ours.watched, theirs.watched)
    assert ours.asked_anew(OTHERS) <= max(5, asked[1])


def test_tsuname(attack, report):
    def drive(resolver):
        first = ask_new_names(resolver, "w{}.cyclea.com.", 50)
        again = ask_new_names(resolver, "w{}.cycleb.com.", 50)
        return {"questions": 100, "rcodes": first.rcodes() + again.rcodes()}
    ours, theirs = attack(TsuName, drive)
    sent = [o.per_question(o.asked(TLD)) for o in (ours, theirs)]
    report("TsuNAME", "messages to the parent a question", "failures are cached (RFC 9520)", 1, *sent, ours.watched, theirs.watched)
    assert ours.rcodes == [2] * 100
    anew = ours.per_question(ours.asked_anew(TLD))
    assert anew <= 1
    assert anew <= max(sent[1], 0.1)


def lives(resolver, name):
    wire = clients.ask(resolver.server, name, wait_s=5)
    return wire is not None and bytes(map(int, EVIL_A.split("."))) in wire


def ghost_for(resolver, world, ttl):
    """Seconds after the parent took the domain back for which any of its names is still answered: its own, and those that it
    delegated before."""
    for n in range(20):
        assert lives(resolver, f"x{n}.ghost.com.") and lives(resolver, f"a.p{n}.ghost.com."), "the domain does not resolve at first"
    world.set(taken_back=True)
    began = time.monotonic()
    ghost = phoenix = began
    asked = 0
    while time.monotonic() < began + 1.9 * ttl:
        asked += 1
        begun = time.monotonic()  # what is said when it is too late may have been asked in time
        clients.ask(resolver.server, "ghost.com.", 2, wait_s=5)  # NS, which its servers gladly give
        if lives(resolver, f"y{asked}.ghost.com."):
            ghost = begun
        if lives(resolver, f"b{asked}.p{asked % 20}.ghost.com."):
            phoenix = begun
        time.sleep(0.05)
    return {"questions": asked * 3, "ghost": ghost - began, "phoenix": phoenix - began}


def test_ghost_domain(attack, report, world):
    """Neither asking for its names, nor for its NS, nor delegations below it keep a domain alive for longer than its parent's TTL."""
    ttl = 2
    ours, theirs = attack(Ghost, lambda resolver: ghost_for(resolver, world, ttl), ttl=ttl)
    report("ghost domain", "seconds a domain outlives its delegation, TTL 2", "the parent's TTL", ttl, ours.ghost, theirs.ghost, ours.watched, theirs.watched)
    report("phoenix domain", "seconds its old delegations outlive it, TTL 2", "the parent's TTL", ttl, ours.phoenix, theirs.phoenix)
    assert 0 <= ours.ghost <= ttl + 1.0  # TTLs are whole seconds
    assert ours.phoenix <= ttl + 1.0


def test_the_world_is_honest(attack):
    """Without an attack all is well: what the other tests see comes from the attacks."""
    def drive(resolver):
        heard = clients.burst(resolver.server, [clients.question("www.victim.com."), clients.question("none.victim.com."),
                                                clients.question("none.sec.")])
        rcodes = [heard.by_question[n][3] & 15 for n in range(3)]
        counts = [struct.unpack(">H", heard.by_question[n][6:8])[0] for n in range(3)]
        return {"questions": 3, "rcodes": rcodes, "answers": counts}
    from world import Honest
    for outcome in attack(Honest, drive):
        assert outcome.rcodes[:2] == [0, 3] and outcome.answers == [1, 0, 0]
        assert outcome.rcodes[2] in (0, 3)
