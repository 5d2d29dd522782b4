# SPDX-License-Identifier: GPL-3.0-or-later
"""banyand as a resolver on a root zone that this test signs itself; the authorities below it are another banyand."""
import json
import os
import re
import shutil
import socket
import subprocess
import threading

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import example_zone, free_port, wait_for

ROOT = """\
. 86400 IN SOA ns. host. {serial} 1800 900 {expire} 86400
. 86400 IN NS ns.
ns. 86400 IN A 127.0.0.99
arpa. 86400 IN NS ns.example.
example. 86400 IN NS ns.example.
ns.example. 86400 IN A 127.0.0.3
tree. 86400 IN NS ns.tree.
tree. 86400 IN NS ns6.tree.
ns.tree. 86400 IN A 127.0.0.4
ns6.tree. 86400 IN AAAA 2001:db8::6
dead. 86400 IN NS ns.dead.
ns.dead. 86400 IN A 127.0.0.77
"""

TEST = """\
$ORIGIN tree.
$TTL 600
@ SOA ns.tree. host.tree. 1 7200 3600 1209600 300
@ NS ns.tree.
@ NS ns6.tree.
ns A 127.0.0.4
ns6 AAAA 2001:db8::6
host A 192.0.2.7
"""


def run(folder, *words):
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60)


class Root:
    """A root zone with keys of its own, signed and digested by ldns."""

    def __init__(self, folder):
        if shutil.which("ldns-signzone") is None:
            pytest.skip("ldns-signzone is not installed")
        self.folder = folder
        self.key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "."], cwd=folder, check=True,
                                  capture_output=True, text=True).stdout.strip()
        self.zone = folder / "root.zone"
        self.anchors = folder / (self.key + ".ds")
        self.sign(1)

    def sign(self, serial, spoil=False, expire=604800):
        plain = self.folder / "root.plain"
        plain.write_text(ROOT.format(serial=serial, expire=expire))
        run(self.folder, "ldns-signzone", "-z", "simple:sha384", "-f", "root.new", "-o", ".", "root.plain", self.key)
        signed = (self.folder / "root.new").read_text()
        if spoil:
            signed, n = re.subn(r"127\.0\.0\.3", "127.0.0.5", signed)
            assert n == 1
        self.zone.with_suffix(".tmp").write_text(signed)
        os.replace(self.zone.with_suffix(".tmp"), self.zone)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return Root(tmp_path_factory.mktemp("root"))


@pytest.fixture
def world(daemon, tmp_path, keys):
    """(authority, resolver, root); world(resolver={...}) sets options of the resolver."""
    def start(resolver=None, server=None, root=True, require=True, start=True):
        keys.sign(1)
        (tmp_path / "example.zone").write_text(example_zone())
        (tmp_path / "tree.zone").write_text(TEST)
        port = free_port(("127.0.0.3", "127.0.0.4"))
        authority = daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
                            "zones": [{"name": "example.", "file": str(tmp_path / "example.zone")},
                                      {"name": "tree.", "file": str(tmp_path / "tree.zone")}]},
                           addresses=("127.0.0.3", "127.0.0.4"), port=port)
        config = {"server": dict(server or {}),
                  "root": {"file": str(keys.zone if root else tmp_path / "later.zone"),
                           "anchors": [str(keys.anchors)]},
                  "local": {"open": ["test"]},  # a name that resolvers answer themselves, else
                  "resolver": dict({"upstream-port": port, "ipv6": False, "question-time": "20s"}, **(resolver or {}))}
        return authority, daemon(config, start=start), keys
    return start


def ede(reply):
    return [(o.code, o.text) for o in reply.options if isinstance(o, dns.edns.EDEOption)]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("tcp", [False, True])
def test_resolves(world, address, tcp):
    _, d, _ = world()
    reply = d.ask("WwW.eXample.", address=address, tcp=tcp)
    assert reply.rcode() == dns.rcode.NOERROR
    assert reply.flags & dns.flags.RA and reply.flags & dns.flags.RD and not reply.flags & dns.flags.AA
    assert reply.question[0].name.to_text() == "WwW.eXample."
    assert [str(r) for r in reply.answer[0]] == ["192.0.2.1"]


def test_alias_into_another_zone(world):
    _, d, _ = world()
    reply = d.ask("away.example.")
    assert [s.rdtype for s in reply.answer] == [5, 1]
    assert str(reply.answer[1][0]) == "192.0.2.7"


def test_negative_answers(world):
    _, d, _ = world()
    reply = d.ask("none.example.")
    assert reply.rcode() == dns.rcode.NXDOMAIN and reply.authority[0].rdtype == 6
    reply = d.ask("www.example.", "MX")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer and reply.authority[0].rdtype == 6
    reply = d.ask("no-such-tld.")  # from the root image alone
    assert reply.rcode() == dns.rcode.NXDOMAIN


def test_large_answer_by_tcp_after_truncation(world):
    authority, d, _ = world()
    reply = d.ask("big.example.", "TXT", tcp=True)
    assert len(reply.answer[0][0].strings) == 8
    assert authority.counters()["tcp_questions"] >= 1  # our side asked again over TCP
    assert d.ask("big.example.", "TXT", use_edns=False).flags & dns.flags.TC


def test_second_question_is_from_the_cache(world):
    _, d, _ = world()
    d.ask("www.example.")
    before = d.counters()["upstream_udp"]
    reply = d.ask("www.example.")
    assert reply.answer[0].ttl <= 3600
    assert d.counters()["upstream_udp"] == before
    status = d.status()["resolver"]
    assert status["cache_rrsets"] > 0 and 0 < status["cache_bytes"] <= status["cache_budget"] * 1.05


def test_dead_servers_are_servfail_with_a_reason(world):
    _, d, _ = world()
    reply = d.ask("www.dead.", use_edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL
    assert ede(reply) and ede(reply)[0][0] in (22, 23)


def test_reroute(world, tmp_path):
    """An address that this machine does not have, sent where its server really is."""
    _, d, _ = world({"ipv6": True, "reroute": []})
    port = d.config["resolver"]["upstream-port"]
    d.config["resolver"]["reroute"] = [f"2001:db8::6 -> 127.0.0.4@{port}", f"127.0.0.4 -> 127.0.0.4@{port}"]
    d.write()
    d.stop()
    d.start()
    assert d.ask("host.tree.").answer


def test_not_for_strangers(world):
    """Recursion is for the allow list; others get REFUSED, over TCP too, and cause no work."""
    authority, d, _ = world({"allow": ["::1"]})
    for tcp in (False, True):
        reply = d.ask("www.example.", address="127.0.0.1", tcp=tcp)
        assert reply.rcode() == dns.rcode.REFUSED and not reply.answer
        assert not reply.flags & dns.flags.RA
    assert authority.counters()["udp_questions"] == 0
    assert d.ask("www.example.", address="::1").answer


def test_allow_list_is_reloaded(world):
    _, d, _ = world({"allow": ["::1"]})
    assert d.ask("www.example.", address="127.0.0.1").rcode() == dns.rcode.REFUSED
    d.config["resolver"]["allow"] = ["::1", "127.0.0.0/8"]
    d.write()
    assert d.cli("reload")[0] == 0
    assert d.ask("www.example.", address="127.0.0.1").answer


# ---- the root copy: nothing is used before it is proved, and the last good one is never thrown away ----

def test_root_is_proved(world):
    _, d, root = world()
    status = d.status()["resolver"]["root"]
    assert status["proved"] and status["serial"] == 1
    assert "ZONEMD" in status["proof"]
    assert re.search(r"zone \.: serial 1, \d+ names, .*proved by anchor \d+", d.log())


def test_without_root_servfail_says_so(world, keys, tmp_path):
    _, d, root = world(root=False)
    reply = d.ask("www.example.", use_edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL
    assert [(code, text.split(":")[0]) for code, text in ede(reply)] == [(14, "no-root")]
    assert d.status()["resolver"]["root"]["loaded"] is False
    shutil.copy(keys.zone, tmp_path / "later.zone")
    assert d.cli("reload")[0] == 0
    assert d.ask("www.example.").answer


def test_unproved_root_is_not_used(world, keys):
    keys_zone = keys.zone
    _, d, root = world()
    root.sign(2, spoil=True)  # glue is covered by ZONEMD alone
    code, _, err = d.cli("reload")
    assert code == 1 and "zonemd-mismatch" in err
    assert d.status()["resolver"]["root"]["serial"] == 1
    assert d.ask("www.example.").answer
    d.stop()
    d.start()  # and at a start: none, since it is not proved
    assert d.ask("www.example.").rcode() == dns.rcode.SERVFAIL
    assert "zonemd-mismatch" in d.status()["resolver"]["root"]["proof"]
    root.sign(3)
    assert d.cli("reload")[0] == 0
    assert d.ask("www.example.").answer
    assert keys_zone == root.zone


def test_root_of_another_key_is_not_used(world, tmp_path):
    _, d, root = world()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(Root(other).zone, root.zone)
    code, _, err = d.cli("reload")
    assert code == 1 and "anchor-no-match" in err
    assert d.ask("www.example.").answer


def test_root_served_and_resolved_from_is_proved_once(world):
    _, d, root = world()
    d.config["zones"] = [{"name": ".", "file": str(root.zone), "anchors": [str(root.anchors)], "require-zonemd": True}]
    d.write()
    assert d.cli("reload")[0] == 0
    assert d.log().count("zone .: serial 1") == 2  # once at the start, once for both uses
    assert d.ask(".", "SOA", flags=0).flags & dns.flags.AA
    assert d.status()["zones"][0]["proved"]


def test_reload_while_resolving(world):
    """Clients that ask through a series of root reloads all get their answers."""
    _, d, root = world()
    failures, stop = [], threading.Event()

    def ask():
        n = 0
        while not stop.is_set():
            n += 1
            reply = d.ask(f"n{n}.example.")
            if reply.rcode() != dns.rcode.NXDOMAIN:
                failures.append(reply.to_text())
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for t in threads:
        t.start()
    for serial in range(2, 10):
        root.sign(serial)
        assert d.cli("reload")[0] == 0
    stop.set()
    for t in threads:
        t.join()
    assert failures == []
    assert d.status()["resolver"]["root"]["serial"] == 9


# ---- trace ----

def trace(d, *words):
    code, out, err = d.cli("trace", *words)
    assert code == 0, err
    return out


def test_trace(world):
    _, d, _ = world()
    cold = trace(d, "away.example.", "A")
    assert "[proved root]" in cold and "127.0.0.3@" in cold and "127.0.0.4@" in cold
    assert "192.0.2.7" in cold
    warm = trace(d, "away.example.")
    assert "[cache]" in warm and "127.0.0.3@" not in warm
    again = trace(d, "--cold", "away.example.", "A")
    assert "127.0.0.3@" in again


def test_trace_json(world):
    _, d, _ = world()
    walk = json.loads(trace(d, "--json", "www.example.", "AAAA"))
    assert walk["rcode"] == "NOERROR" and walk["qtype"] == "AAAA"
    assert walk["steps"][0]["kind"] == "root"
    replies = [step for step in walk["steps"] if step["kind"] == "reply"]
    assert replies[-1]["transport"] == "udp" and replies[-1]["zone"] == "example."
    assert walk["answer"] == [{"name": "www.example.", "type": "AAAA", "ttl": 3600, "data": "2001:db8::1"}]


# ---- why ----

def why(d, *words):
    code, out, err = d.cli("why", "--json", *words)
    assert code == 0, err
    return json.loads(out)["facts"]


def test_why_nothing_is_known(world):
    _, d, _ = world()
    before = d.counters()
    assert [f["kind"] for f in why(d, "www.example.")] == ["unknown"]
    assert d.counters()["upstream_udp"] == before["upstream_udp"]  # it asks nobody


def test_why_data_and_where_a_walk_would_begin(world):
    _, d, _ = world()
    d.ask("www.example.")
    facts = why(d, "www.example.", "A")
    assert facts[0]["kind"] == "data" and 3500 <= facts[0]["ttl_s"] <= 3600
    assert facts[0]["records"][0].endswith("A 192.0.2.1")
    assert facts[1]["kind"] == "delegation" and facts[1]["name"] == "example."
    server = facts[2]
    assert server["kind"] == "server" and server["address"].startswith("127.0.0.3@") and server["rtt_ms"] >= 1


def test_why_alias_denial_and_root(world):
    _, d, _ = world()
    d.ask("away.example.")
    d.ask("none.example.")
    facts = why(d, "away.example.")
    assert [f["kind"] for f in facts[:2]] == ["alias", "data"] and facts[0]["target"] == "host.tree."
    assert why(d, "none.example.")[0]["rcode"] == "NXDOMAIN"
    assert why(d, "no-such-tld.")[0]["kind"] == "root"


def test_why_nothing_is_below_what_does_not_exist(world):
    """RFC 8020, as far as the resolver believes it."""
    _, d, _ = world({"nxdomain-cut": "all"})
    d.ask("none.example.")
    fact = why(d, "a.b.none.example.")[0]
    assert fact["kind"] == "denial" and fact["rcode"] == "NXDOMAIN" and fact["name"] == "none.example."
    assert "none.example. does not exist, nor anything below it" in d.cli("why", "a.b.none.example.")[1]
    _, d, _ = world()
    d.ask("none.example.")
    assert why(d, "a.b.none.example.")[0]["kind"] == "unknown"  # this denial is not proved


def test_why_it_failed_and_what_to_do(world):
    _, d, _ = world()
    d.ask("www.dead.", use_edns=0)
    code, out, _ = d.cli("why", "www.dead.")
    assert code == 0 and "failed a moment ago" in out and "What to do: " in out
    assert "ns.dead. 127.0.0.77@" in out


def test_why_own_zone(authority):
    code, out, _ = authority().cli("why", "www.example.")
    assert code == 0 and "authoritative for example." in out


def test_trace_refusals(world):
    _, d, _ = world()
    assert d.cli("trace", "www.example.", "NOTATYPE")[0] == 1
    assert d.cli("trace", "a..b")[0] == 1


def test_stop_during_a_trace(world):
    """Whoever waits for a trace hears that the daemon stops."""
    _, d, _ = world({"question-time": "60s"})
    results = []
    waiter = threading.Thread(target=lambda: results.append(d.cli("trace", "www.dead.")))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # a server that never replies
        silent.bind(("127.0.0.77", d.config["resolver"]["upstream-port"]))
        waiter.start()
        silent.settimeout(60)
        silent.recv(1000)
        assert d.cli("stop")[0] == 0
        waiter.join(60)
    assert results[0][0] == 1 and "stops" in results[0][2]


def test_tcp_client_that_leaves_early(world):
    """Its reply has nowhere to go; nobody else minds."""
    _, d, _ = world({"question-time": "3s"})
    query = dns.message.make_query("www.dead.", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.77", d.config["resolver"]["upstream-port"]))
        for _ in range(20):
            with d.connect() as s:
                s.sendall(len(query).to_bytes(2, "big") + query)
        assert d.ask("www.example.").answer
        wait_for("the walks to end", lambda: d.counters()["replies_servfail"] >= 20)
    assert d.ask("www.example.").answer
