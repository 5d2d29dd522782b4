# SPDX-License-Identifier: GPL-3.0-or-later
"""Each setting of walking by itself: what the servers of a small Internet see, and what the client gets."""
import shutil

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from conftest import DEADLINE_S, free_port, wait_for
from internet import ROOT, ROOT_TEXT, TEST, TEST_TEXT, X, X_TEXT, Internet, Server
from test_resolver import ede, keys, world  # noqa: F401 (fixtures)


@pytest.fixture
def internet():
    """internet(servers) starts one; without servers the usual three."""
    running = []

    def start(servers=None):
        servers = servers or {ROOT: Server([(".", ROOT_TEXT)]), TEST: Server([("lab.", TEST_TEXT)]), X: Server([("x.lab.", X_TEXT)])}
        running.append(Internet(servers, free_port(tuple(servers))))
        return running[-1]
    yield start
    for net in running:
        net.stop()


@pytest.fixture
def walker(daemon, internet):
    """(net, resolver): without root copy, from hints, each part of the configuration to be overridden."""
    def start(resolver=None, root=None, servers=None, start=True, **sections):
        net = internet(servers)
        config = {"root": {"file": "", "fallback": True, "hints": [ROOT], **(root or {})},
                  "resolver": {"upstream-port": net.port, "validate": False, "question-time": "20s", **(resolver or {})}, **sections}
        return net, daemon(config, start=start)
    return start


def addresses(reply):
    return [str(r) for rrset in reply.answer for r in rrset]


def test_hints_and_priming(walker):
    net, d = walker()
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert net.seen[0].server == ROOT and net.seen[0].type == "NS" and net.seen[0].name == "."
    assert not net.seen[0].query.flags & dns.flags.RD
    assert d.counters()["primings"] == 1 and d.counters()["root_lookups"] == 0
    assert d.ask("no-such-tld.").rcode() == dns.rcode.NXDOMAIN
    cold = d.cli("trace", "--cold", "ftp.x.lab.")[1]
    assert all(f"{server}@{net.port}" in cold for server in (ROOT, TEST, X)) and "192.0.2.2" in cold
    code, why, err = d.cli("why", "no-data.x.lab.")
    assert code == 0, err


def test_priming_off(walker):
    net, d = walker(root={"priming": False})
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert not net.asked(type="NS") and d.counters()["primings"] == 0


def test_hints_with_a_port(walker):
    net, d = walker(start=False)
    d.config["root"]["hints"] = [f"{ROOT}@{net.port}"]
    d.config["root"]["priming"] = False
    d.config["resolver"]["upstream-port"] = 53
    d.config["resolver"]["reroute"] = [f"{a} -> {a}@{net.port}" for a in (TEST, X)]
    d.write()
    d.start()
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]


def test_hints_from_a_file(walker, tmp_path):
    path = tmp_path / "hints"
    path.write_text(f"; as of today\n.  3600000  NS  A.ROOT.\nA.ROOT.  3600000  A  {ROOT}\n")
    net, d = walker(root={"hints": [], "hints-file": str(path)})
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]


def test_hints_file_of_no_use(walker, tmp_path):
    path = tmp_path / "hints"
    path.write_text(". 3600 NS a.root.\n")
    _, d = walker(root={"hints": [], "hints-file": str(path)}, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) != 0 and "names no root server with an address" in d.log()
    d.process = None


def everything_on(address):
    kind = "AAAA" if ":" in address else "A"
    def here(text):
        return "".join(line[:line.index(" A 127.")] + f" {kind} {address}\n" if " A 127." in line else line for line in text.splitlines(True))
    return {address: Server([(".", here(ROOT_TEXT)), ("lab.", here(TEST_TEXT)), ("x.lab.", here(X_TEXT))])}


@pytest.mark.parametrize("family, address", [("ipv4", ROOT), ("ipv6", "::1")])
def test_families(walker, family, address):
    other = {"ipv4": "ipv6", "ipv6": "ipv4"}[family]
    net, d = walker(resolver={other: False}, root={"hints": ["::1", ROOT]}, servers={**everything_on("::1"), **everything_on(ROOT)})
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert {q.server for q in net.seen} == {address}


def test_a_family_that_does_not_work_is_left(walker):
    """IPv6 servers that are not there cost time, not the answer."""
    text = ROOT_TEXT + "ns.lab. 86400 AAAA ::1\n"
    net, d = walker(servers={ROOT: Server([(".", text)]), TEST: Server([("lab.", TEST_TEXT)]), X: Server([("x.lab.", X_TEXT)])})
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert addresses(d.ask("ftp.x.lab.")) == ["192.0.2.2"]


@pytest.mark.parametrize("mode, first, last", [("off", "www.x.lab.", None), ("relaxed", "lab.", "x.lab."), ("strict", "lab.", "x.lab.")])
def test_minimisation(walker, mode, first, last):
    net, d = walker(resolver={"qname-minimisation": mode, "case-randomisation": False})
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert {q.name for q in net.asked(ROOT) if q.type != "NS"} == {first}
    assert {q.name for q in net.asked(TEST)} == {last or first}


@pytest.mark.parametrize("mode, rcode", [("relaxed", dns.rcode.NOERROR), ("strict", dns.rcode.NXDOMAIN)])
def test_minimisation_and_servers_that_deny_empty_names(walker, mode, rcode):
    def deny(query, reply):
        if query.question[0].name.to_text().lower() in ("c.x.lab.", "b.c.x.lab."):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply
    net, d = walker(resolver={"qname-minimisation": mode}, servers={
        ROOT: Server([(".", ROOT_TEXT)]), TEST: Server([("lab.", TEST_TEXT)]), X: Server([("x.lab.", X_TEXT)], deny)})
    assert d.ask("a.b.c.x.lab.").rcode() == rcode


@pytest.mark.parametrize("on", [True, False])
def test_case(walker, on):
    net, d = walker(resolver={"case-randomisation": on})
    for i in range(5):
        d.ask(f"a-long-name-number-{i}.x.lab.")
    assert any(q.name != q.name.lower() for q in net.seen) == on


def test_case_fallback(walker):
    def lower(query, reply):
        reply.question = [dns.rrset.RRset(q.name.canonicalize(), q.rdclass, q.rdtype) for q in reply.question]
        return reply
    net, d = walker(servers={ROOT: Server([(".", ROOT_TEXT)]), TEST: Server([("lab.", TEST_TEXT)], lower), X: Server([("x.lab.", X_TEXT)])})
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert net.asked(TEST, tcp=True) or net.asked(TEST)[0].name.islower()


@pytest.mark.parametrize("on", [True, False])
def test_cookies(walker, on):
    def bake(query, reply):
        for option in query.options:
            if option.otype == dns.edns.OptionType.COOKIE:
                reply.use_edns(0, 0, 1232, options=[dns.edns.GenericOption(option.otype, option.to_wire()[:8] + b"12345678")])
        return reply
    net, d = walker(resolver={"cookies": on}, servers={
        ROOT: Server([(".", ROOT_TEXT)]), TEST: Server([("lab.", TEST_TEXT)]), X: Server([("x.lab.", X_TEXT)], bake)})
    d.ask("www.x.lab.")
    d.ask("ftp.x.lab.")
    assert all(q.cookie == on for q in net.seen)
    sent = [o.to_wire() for q in net.asked(X) for o in q.query.options]
    assert (any(len(o) == 16 and o.endswith(b"12345678") for o in sent)) == on


@pytest.mark.parametrize("size", [512, 1232, 4096])
def test_edns_size_and_larger_answers(walker, size):
    """The size is told; a server that sends more than was asked for is read nevertheless."""
    net, d = walker(resolver={"edns-size": size})
    reply = d.ask("big.x.lab.", "TXT", tcp=True)
    assert len(reply.answer[0][0].strings) == 12
    assert {q.query.payload for q in net.seen} == {size}
    assert not net.asked(X, tcp=True)


def test_ttl_limits(walker):
    net, d = walker(resolver={"cache-ttl-max": "30s", "cache-ttl-min": "10s"})
    assert 28 <= d.ask("www.x.lab.").answer[0].ttl <= 30
    assert 8 <= d.ask("short.x.lab.").answer[0].ttl <= 10


def test_loopback_is_asked_when_the_hints_are_there(walker):
    net, d = walker(start=False)
    d.config["resolver"].pop("do-not-query", None)
    d.write()
    d.start()
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"] and net.asked(TEST)


def test_loopback_off(walker):
    net, d = walker(resolver={"loopback": "off"})
    assert d.ask("www.x.lab.").rcode() == dns.rcode.SERVFAIL
    assert net.asked(ROOT) and not net.asked(TEST)  # the hint is the operator's own word
    assert d.counters()["upstream_refused"] > 0


def test_networks_that_are_not_asked(walker):
    net, d = walker(resolver={"do-not-query": [f"{TEST}/32"]})
    assert d.ask("www.x.lab.").rcode() == dns.rcode.SERVFAIL
    assert net.asked(ROOT) and not net.asked(TEST)


def test_own_addresses_are_not_asked(walker):
    net, d = walker(start=False)
    d.config["server"]["listen"].append(f"{TEST}@{net.port + 1}")
    d.config["resolver"]["upstream-port"] = net.port + 1
    d.config["root"]["hints"] = [f"{ROOT}@{net.port}"]
    d.write()
    d.start()
    assert d.ask("www.x.lab.").rcode() == dns.rcode.SERVFAIL
    assert d.counters()["upstream_refused"] > 0


@pytest.mark.parametrize("harden", [True, False])
def test_glue_hardening(walker, harden):
    def refer(query, reply):
        if reply.authority and not reply.flags & dns.flags.AA:
            reply.authority = [dns.rrset.from_text("x.lab.", 60, "IN", "NS", "ns.elsewhere.")]
            reply.additional = [dns.rrset.from_text("ns.elsewhere.", 60, "IN", "A", X)]
        return reply
    net, d = walker(resolver={"harden-glue": harden}, servers={
        ROOT: Server([(".", ROOT_TEXT)]), TEST: Server([("lab.", TEST_TEXT)], refer), X: Server([("x.lab.", X_TEXT)])})
    reply = d.ask("www.x.lab.")
    assert (reply.rcode() == dns.rcode.SERVFAIL) == harden and (not net.asked(X)) == harden


def test_outgoing(walker):
    net, d = walker(resolver={"outgoing": ["127.0.0.51"]})
    d.ask("www.x.lab.")
    assert {q.source for q in net.seen} == {"127.0.0.51"}


# ---- the root copy and the root servers ----

def test_root_servers_until_there_is_a_copy(daemon, internet, keys, tmp_path):  # noqa: F811
    net = internet({ROOT: Server([(".", ROOT_TEXT)])})
    d = daemon({"root": {"file": str(tmp_path / "later.zone"), "anchors": [str(keys.anchors)], "fallback": True, "hints": [ROOT]},
                "resolver": {"upstream-port": net.port, "validate": False}})
    assert d.ask("one.no-such-tld.").rcode() == dns.rcode.NXDOMAIN
    assert net.seen
    keys.sign(5)
    shutil.copy(keys.zone, tmp_path / "later.zone")
    assert d.cli("reload")[0] == 0
    assert d.ask("two.no-such-tld-either.").rcode() == dns.rcode.NXDOMAIN
    assert not [q for q in net.seen if "either" in q.name.lower()]


def test_expired_copy_is_not_used(daemon, internet, keys, tmp_path):  # noqa: F811
    """RFC 8806 section 4: the time that the SOA gives is over."""
    net = internet({ROOT: Server([(".", ROOT_TEXT)])})
    keys.sign(6, expire=2)
    d = daemon({"root": {"file": str(keys.zone), "anchors": [str(keys.anchors)], "fallback": True, "hints": [ROOT]},
                "resolver": {"upstream-port": net.port, "validate": False}})
    wait_for("the copy is over", lambda: "root copy expired" in d.log())
    assert d.ask("name.no-such-tld.").rcode() == dns.rcode.NXDOMAIN
    assert net.seen
    keys.sign(7)
    assert d.cli("reload")[0] == 0
    assert d.ask("name.another-tld.").rcode() == dns.rcode.NXDOMAIN
    assert not [q for q in net.seen if "another" in q.name.lower()]


def test_without_copy_and_fallback(walker):
    net, d = walker(root={"fallback": False})
    reply = d.ask("www.x.lab.", use_edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL and ede(reply)[0][0] == 14
    assert not net.seen


def test_validated_from_own_anchors(daemon, keys, tmp_path):  # noqa: F811
    """A signed root that is served by somebody else: its keys are asked for and proved by the anchors of the file."""
    keys.sign(8)
    port = free_port(("127.0.0.4",))
    daemon({"server": {"workers": 1}, "resolver": {"enabled": False}, "zones": [
        {"name": ".", "file": str(keys.zone), "anchors": [str(keys.anchors)]}]}, addresses=("127.0.0.4",), port=port)
    d = daemon({"root": {"file": "", "fallback": True, "hints": [f"127.0.0.4@{port}"], "anchors": [str(keys.anchors)]},
                "resolver": {"upstream-port": port, "ipv6": False}})
    reply = d.ask("no-such-tld.", want_dnssec=True)
    assert reply.rcode() == dns.rcode.NXDOMAIN and reply.flags & dns.flags.AD
    assert d.ask(".", "SOA", want_dnssec=True).flags & dns.flags.AD


# ---- forwarding beside the walk ----

def test_forward_all(daemon, internet):
    net = internet(everything_on(ROOT))
    d = daemon({"root": {"file": ""}, "resolver": {"validate": False}, "forward": [{"zone": ".", "servers": [f"{ROOT}@{net.port}"]}]})
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert all(q.query.flags & dns.flags.RD for q in net.seen) and {q.name.lower() for q in net.seen} == {"www.x.lab."}


def test_forward_first_falls_back_to_the_walk(walker):
    net, d = walker(forward=[{"zone": "x.lab", "servers": ["127.0.0.44@9"], "first": True}])
    assert addresses(d.ask("www.x.lab.")) == ["192.0.2.1"]
    assert net.asked(X)
    other, e = walker(forward=[{"zone": "x.lab", "servers": ["127.0.0.44@9"]}])
    assert e.ask("www.x.lab.").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("section", ["forward", "stub"])
@pytest.mark.parametrize("zone", ["corp", "corp.example", "corp.no-such-tld"])
def test_beside_the_local_root(world, internet, section, zone):  # noqa: F811
    """unbound#1281, #615: zones below names that the local root denies, or delegates elsewhere."""
    text = "@ 60 SOA ns h 1 1800 900 604800 60\n@ 60 NS ns\nns 60 A 127.0.0.45\nwww 60 A 192.0.2.7\n"
    net = internet({"127.0.0.45": Server([(zone + ".", text)])})
    _, d, _ = world(resolver={"validate": False})
    assert d.ask(f"www.{zone}.").rcode() == dns.rcode.NXDOMAIN  # and now it is in the cache
    d.stop()
    d.config[section] = [{"zone": zone, "servers": [f"127.0.0.45@{net.port}"], "validate": False}]
    d.write()
    d.start()
    assert d.ask("no-such-tld.").rcode() == dns.rcode.NXDOMAIN
    assert addresses(d.ask(f"www.{zone}.")) == ["192.0.2.7"]
    assert d.ask(f"none.{zone}.").rcode() == dns.rcode.NXDOMAIN
    assert addresses(d.ask("www.example.")) == ["192.0.2.1"]


def test_forwarder_speaks_for_its_zone_only(world, internet):  # noqa: F811
    """MaginotDNS: what a forwarder says of other names reaches nobody."""
    def poison(query, reply):
        reply.answer.append(dns.rrset.from_text("www.example.", 3600, "IN", "A", "6.6.6.6"))
        reply.authority = [dns.rrset.from_text("example.", 3600, "IN", "NS", "ns.corp.")]
        reply.additional = [dns.rrset.from_text("ns.corp.", 3600, "IN", "A", "127.0.0.45"),
                            dns.rrset.from_text("ns.example.", 3600, "IN", "A", "127.0.0.45")]
        return reply
    text = "@ 60 SOA ns h 1 1800 900 604800 60\n@ 60 NS ns\nns 60 A 127.0.0.45\nwww 60 A 192.0.2.7\n"
    net = internet({"127.0.0.45": Server([("corp.", text)], poison)})
    _, d, _ = world(resolver={"validate": False}, start=False)
    d.config["forward"] = [{"zone": "corp", "servers": [f"127.0.0.45@{net.port}"]}]
    d.write()
    d.start()
    assert addresses(d.ask("www.corp."))[:1] == ["192.0.2.7"]
    assert addresses(d.ask("www.example.")) == ["192.0.2.1"]
    assert all(q.name.lower().endswith("corp.") for q in net.seen)
