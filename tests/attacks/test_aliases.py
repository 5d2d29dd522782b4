# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks by composition and loops: one budget pays for all that a question causes."""
import clients
from aliases import Camp, Loops
from world import ATTACKER

UPSTREAM_MAX = 100   # resolver.upstream-queries-max
ALIASES_MAX = 11     # RESOLVE_ALIASES_MAX


def test_camp(attack, report):
    def drive(resolver):
        heard = clients.burst(resolver.server, [clients.question(f"a.b.c.d.e.f.g.h.z{n}s0.camp.com.") for n in range(10)], wait_s=20)
        return {"questions": 10, "answered": len(heard.replies)}
    ours, theirs = attack(Camp, drive, length=16)
    sent = [o.per_question(o.asked()) for o in (ours, theirs)]
    report("CAMP", "messages a question", "resolver.upstream-queries-max", UPSTREAM_MAX, *sent, ours.watched, theirs.watched)
    assert ours.answered == 10
    assert 10 < sent[0] <= UPSTREAM_MAX
    assert ours.per_question(ours.asked_anew()) <= sent[1]
    assert ours.counters["work_limited"] + ours.counters["replies_servfail"] > 0


def test_loops(attack, report):
    names = ["self.loops.com.", "a.loops.com.", "endless0.loops.com.", "x.circle.loops.com.", "x.grow.loops.com."]
    counts = {}
    for name in names:
        def drive(resolver, name=name):
            heard = clients.burst(resolver.server, [clients.question(name) for _ in range(10)])
            return {"questions": 10, "answered": len(heard.replies)}
        ours, theirs = attack(Loops, drive)
        assert ours.answered == 10
        counts[name] = [o.asked(ATTACKER) for o in (ours, theirs)]
        # the loop is walked once for all who ask, and no further than a chain may go
        assert 0 < ours.asked_anew(ATTACKER) <= 2 * ALIASES_MAX, name
        assert ours.asked_anew(ATTACKER) <= max(counts[name][1], ALIASES_MAX + 1), name
    worst = [max(counts.values(), key=lambda c: c[k])[k] for k in (0, 1)]
    report("CNAME and DNAME loops", "messages for the worst of five loops", "RESOLVE_ALIASES_MAX", ALIASES_MAX, *worst, ours.watched, theirs.watched)
