# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on the validator: how much it may be made to compute for one client question."""
import clients
from crypto import KeyTrap, Nsec3Cpu, SigJam

SIGNATURES_MAX = 64  # RESOLVE_SIGNATURES_MAX
QUESTIONS = 10


def drive_names(pattern):
    def drive(resolver):
        heard = clients.burst(resolver.server, [clients.question(pattern.format(n), do=True) for n in range(QUESTIONS)], wait_s=10)
        return {"questions": QUESTIONS, "rcodes": heard.rcodes(), "replies": [w for _, _, w in heard.replies]}
    return drive


def false_signatures(report, title, ours, theirs):
    cpu = [o.per_question(o.cpu_ms) for o in (ours, theirs)]
    checks = ours.per_question(ours.counters["signatures_checked"])
    report(title, "signatures checked a question", "signatures_max", SIGNATURES_MAX, checks, "", ours.watched, theirs.watched)
    report(title, "CPU ms a question", "", "", *cpu)
    assert ours.rcodes == [2] * QUESTIONS
    assert 0 < checks <= SIGNATURES_MAX
    assert cpu[0] <= max(cpu[1], 10)


def test_keytrap(attack, report):
    """100 keys with one tag, the DNSKEY set and each answer with 100 false signatures: 10,000 checks if all are tried."""
    false_signatures(report, "KeyTrap", *attack(KeyTrap, drive_names("q{}.keytrap.sec.")))


def test_many_signatures(attack, report):
    """One key, 50 false signatures over each answer."""
    false_signatures(report, "KeyTrap, false signatures of a good key", *attack(SigJam, drive_names("q{}.jam.sec."), n_sigs=50))


def test_nsec3_cpu(attack, report):
    """Denials of names with 100 labels, for which every label is to be hashed, over and over."""
    deep = ".".join("a" * 60) + ".q{}.hashes.sec."
    for iterations, title in ((0, "no extra iterations"), (50, "50 iterations"), (2500, "2500 iterations")):
        ours, theirs = attack(Nsec3Cpu, drive_names(deep), iterations=iterations, records=8)
        cpu = [o.per_question(o.cpu_ms) for o in (ours, theirs)]
        report("NSEC3 CPU, " + title, "CPU ms a question", "hashes_max (SHA-1 blocks)", 2048, *cpu, ours.watched, theirs.watched)
        assert len(ours.rcodes) == QUESTIONS
        assert cpu[0] <= max(cpu[1], 10)
