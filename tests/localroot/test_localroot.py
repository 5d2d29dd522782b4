# SPDX-License-Identifier: GPL-3.0-or-later
"""What draft-wkumari-dnsop-localroot-bcp asks of a resolver with a copy of the root, tried from outside.

Each requirement is one test, and a line of docs/localroot.md. What must hold for banyand is only written down for the others.
"""
import signal
import time

import dns.flags
import dns.rcode
import dns.rdatatype as T
import pytest

import rootzone
from conftest import not_tried

WRONG = {  # what is wrong with a version -> the requirement that it must not be used
    "zonemd-mismatch": "not used: the digest does not match (signed ZONEMD)",
    "zonemd-unsigned": "not used: the signature of ZONEMD does not hold",
    "zonemd-stripped": "not used: ZONEMD stripped (NSEC says that there is one)",
    "zonemd-absent": "not used: no ZONEMD, and its absence is proved",
    "zonemd-hash-unknown": "not used: only a hash algorithm that is not known",
    "zonemd-scheme-unknown": "not used: only a scheme that is not known",
    "glue-changed": "not used: glue changed (no signature covers it)",
    "signature-broken": "not used: one signature of data is wrong",
    "other-keys": "not used: signed by keys without an anchor",
    "expired": "not used: signatures have expired",
    "unknown-type": "reverts: records of a type that is not known",
    "unknown-algorithm": "reverts: a key of an algorithm that is not known",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_must_not_be_used(stage, verdict, wrong):
    """First alone, without a copy; then after a good one, which must stay."""
    bad = stage.version(2, wrong, other_keys=rootzone.Keys())
    stage.root.version = stage.version(1)
    primary = stage.primary(bad)
    resolver = stage.resolver(primary)
    assert stage.until(lambda: bool(primary.asked.of("AXFR", "IXFR"))), f"it never asked for a transfer:\n{resolver.log()[-2000:]}"
    used = not stage.never(lambda: resolver.has(2), 2.0)
    falls_back = stage.until(lambda: resolver.has(1), 8.0)
    verdict(WRONG[wrong], not used and falls_back, "" if not used and falls_back else "it is used" if used else "no answers at all")


@pytest.mark.parametrize("wrong", ["zonemd-mismatch", "glue-changed", "expired"])
def test_the_last_good_one_stays(stage, verdict, wrong):
    primary = stage.primary(stage.version(2))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    primary.version = stage.version(3, wrong)
    stage.root.up = False  # so that only the copy can answer
    primary.asked.clear()
    resolver.nudge()
    asked = stage.until(lambda: bool(primary.asked.of("AXFR", "IXFR")))
    bad_used = not stage.never(lambda: resolver.has(3), 2.0)
    kept = all(resolver.has(2) for _ in range(3))
    verdict(f"the last good copy stays when the next one is wrong ({wrong})", asked and kept and not bad_used,
            "it did not look again" if not asked else "the wrong one is used" if bad_used else "" if kept else "the good one is gone")


def test_no_older_serial(stage, verdict):
    primary = stage.primary(stage.version(5))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(5)), resolver.log()[-2000:]
    primary.version = stage.version(4)
    resolver.nudge()
    running = stage.never(lambda: resolver.has(4), 4.0)
    resolver.stop()
    resolver.start()
    stage.root.version = stage.version(4)
    stage.root.up = False
    restarted = stage.never(lambda: resolver.has(4), 4.0)
    verdict("no serial older than any before, while it runs", running)
    verdict("no serial older than any before, after a restart", restarted)


def test_no_older_serial_by_http(stage, verdict):
    if not stage.kind.takes_urls:
        not_tried("no serial older than any before, by HTTP", stage, "no HTTP")
        return
    source = stage.web(stage.version(5))
    resolver = stage.resolver(source)
    assert stage.until(lambda: resolver.has(5)), resolver.log()[-2000:]
    source.version = stage.version(4)
    resolver.nudge()
    verdict("no serial older than any before, by HTTP", stage.never(lambda: resolver.has(4), 5.0))


@pytest.mark.parametrize("mode", ["silent", "refuses", "closes", "garbage", "stalls"])
def test_another_source(stage, verdict, mode):
    if not stage.kind.takes_several:
        not_tried(f"another source is taken when one {mode}", stage, "one source only")
        return
    bad, good = stage.primary(stage.version(2), 20, mode=mode), stage.primary(stage.version(2), 21)
    resolver = stage.resolver(bad, good)
    verdict(f"another source is taken when one {mode}", stage.until(lambda: resolver.has(2), 45.0 if mode == "stalls" else 25.0))


def test_freshness_first(stage, verdict):
    primary = stage.primary(stage.version(2))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    primary.asked.clear()
    for _ in range(3):
        resolver.nudge()
        time.sleep(1)
    looked = stage.until(lambda: bool(primary.asked.of("SOA", "IXFR", "AXFR")))
    verdict("SOA before a transfer: unchanged, nothing is transferred", looked and not primary.asked.of("AXFR"),
            f"{len(primary.asked.of('SOA'))} SOA, {len(primary.asked.of('IXFR'))} IXFR, {len(primary.asked.of('AXFR'))} AXFR")


def test_freshness_first_by_http(stage, verdict):
    if not stage.kind.takes_urls:
        not_tried("HEAD or a conditional request before a download", stage, "no HTTP")
        return
    source = stage.web(stage.version(2))
    resolver = stage.resolver(source)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    source.asked.clear()
    for _ in range(3):
        resolver.nudge()
        time.sleep(1)
    looked = stage.until(lambda: bool(source.asked))
    whole = [entry for entry in source.asked if entry[2] == "GET" and entry[3] != "conditional"]
    verdict("HEAD or a conditional request before a download", looked and not whole, f"{len(source.asked)} requests, {len(whole)} whole downloads")


def test_looks_as_often_as_refresh_says(stage, verdict):
    primary = stage.primary(stage.version(2, timers=(2, 1, 3600)))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    primary.version = stage.version(3)
    verdict("looks for a new version at the SOA's refresh", stage.until(lambda: resolver.has(3), 15.0))


def test_notify(stage, verdict):
    primary = stage.primary(stage.version(2, timers=(3600, 3600, 86400)))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    primary.version = stage.version(3, timers=(3600, 3600, 86400))
    resolver.notify()
    verdict("NOTIFY is heard", stage.until(lambda: resolver.has(3), 12.0))


def test_no_source_at_all(stage, verdict):
    primary = stage.primary(stage.version(2), mode="silent")
    resolver = stage.resolver(primary)
    verdict("without a copy the servers of the root are asked", stage.until(lambda: resolver.has(1), 10.0))
    stage.root.up = False
    reply = resolver.ask("nothing-known-of-this.", T.A, wait_s=60.0)
    verdict("without a copy and without the servers of the root: SERVFAIL", reply is not None and reply.rcode() == dns.rcode.SERVFAIL,
            "no reply" if reply is None else dns.rcode.to_text(reply.rcode()))


def test_no_question_to_the_root(stage, verdict):
    stage.root.version = stage.version(2)
    primary = stage.primary(stage.version(2))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    assert stage.until(lambda: stage.is_quiet(2, resolver)), resolver.log()[-2000:]
    before = time.monotonic()
    for number in range(20):
        resolver.ask(f"no-such-{number}.", T.A)
        resolver.has(2)
    asked = stage.root.asked.since(before)
    verdict("with a copy no question goes to the servers of the root", not asked, f"{len(asked)} of 40")


def test_expires(stage, verdict):
    primary = stage.primary(stage.version(2, timers=(2, 1, 6)))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    primary.mode = "silent"
    stage.root.version = stage.version(3)
    gone = stage.until(lambda: resolver.has(3), 25.0)
    verdict("after SOA expire the servers of the root are asked", gone)
    primary.version, primary.mode = stage.version(4, timers=(2, 1, 3600)), "good"
    stage.root.up = False
    resolver.nudge()
    verdict("a copy comes back by itself when a source does", stage.until(lambda: resolver.has(4), 60.0))


def test_edns_expire(stage, verdict):
    primary = stage.primary(stage.version(2, timers=(2, 1, 3600)), expire_s=6)
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    primary.mode = "silent"
    stage.root.version = stage.version(3)
    verdict("EDNS EXPIRE of the source shortens the time (RFC 7314)", stage.until(lambda: resolver.has(3), 20.0))


def answers_of(resolver, version):
    """What a client sees: code, AA, AD, records; TTLs may differ, since caches count them down."""
    questions = [(".", "SOA"), (".", "NS"), (".", "DNSKEY"), ("com.", "DS"), ("net.", "DS"), (f"v{version}-39.", "TXT"), (f"v{version}-39.", "A"),
                 ("no-such-name.", "A"), ("below.no-such-name.", "AAAA"), (".", "TXT"), ("ns.root.", "A"), (".", "NSEC")]
    seen = {}
    for qname, rtype in questions:
        for do in (True, False):
            reply = resolver.ask(qname, rtype, do=do)
            assert reply is not None, f"{qname} {rtype}: no reply"
            sections = [sorted(f"{r.name} {T.to_text(r.rdtype)} {sorted(rdata.to_text() for rdata in r)}" for r in section if r.rdtype != T.RRSIG)
                        for section in (reply.answer,)]
            flags = dns.flags.to_text(reply.flags & (dns.flags.AA | dns.flags.AD | dns.flags.TC))
            seen[(qname, rtype, do)] = (dns.rcode.to_text(reply.rcode()), flags, *sections)
    return seen


def test_the_same_answers(stage, verdict, tmp_path):
    stage.root.version = stage.version(2)
    primary = stage.primary(stage.root.version)
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    assert stage.until(lambda: not stage.asks_root(resolver, 2))
    with_copy = answers_of(resolver, 2)
    resolver.stop()
    primary.mode = "refuses"
    stage.folder = tmp_path / "without"
    without = answers_of(stage.resolver(primary), 2)
    differs = [f"{at}: {with_copy[at]} / {without[at]}" for at in with_copy if with_copy[at] != without[at]]
    verdict("the same answers as without a copy, flags too", not differs, "; ".join(differs)[:160])


def test_a_restart_without_sources(stage, verdict):
    primary = stage.primary(stage.version(2))
    resolver = stage.resolver(primary)
    assert stage.until(lambda: resolver.has(2)), resolver.log()[-2000:]
    time.sleep(1)  # whoever writes its copy at leisure may do so
    resolver.stop(signal.SIGKILL)
    primary.mode, stage.root.up = "silent", False
    resolver.start()
    verdict("killed and started again with all sources gone, the copy answers", stage.until(lambda: resolver.has(2), 12.0))
