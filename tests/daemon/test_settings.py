# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the resolver, each by itself: what a daemon does with it that one without it does not do."""
import contextlib
import socket
import subprocess
import threading

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import free_port, tcp_message, tcp_read, wait_for

ZONE = """\
$ORIGIN {origin}
$TTL 3600
@ SOA ns.{origin} host.{origin} 1 7200 3600 1209600 1
@ NS ns.{origin}
ns A 127.0.0.3
www A 192.0.2.1
short 1 A 192.0.2.2
c0 A 192.0.2.3
"""
CHAIN = "".join(f"c{i} CNAME c{i - 1}\n" for i in range(1, 10))
# name, algorithm, digest of the anchor, options of ldns-signzone
SIGNED = [("sha1.", "RSASHA1", "-1", []), ("digest1.", "ECDSAP256SHA256", "-1", []),
          ("iter.", "ECDSAP256SHA256", "-2", ["-n", "-t", "50"]), ("chain.", "ECDSAP256SHA256", "-2", [])]


def run(folder, *words):
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture(scope="session")
def zones(tmp_path_factory):
    """Files by zone; and the anchors of the signed ones."""
    folder = tmp_path_factory.mktemp("settings")
    files, anchors = {}, []
    for name, algorithm, digest, options in SIGNED + [("plain.", None, None, None)]:
        files[name] = folder / (name + "zone")
        files[name].write_text(ZONE.format(origin=name) + CHAIN)
        if algorithm is None:
            continue
        key = run(folder, "ldns-keygen", "-k", "-a", algorithm, "-b", "2048", name)
        anchors.append(run(folder, "ldns-key2ds", "-n", digest, key + ".key"))
        signed = folder / (name + "signed")
        run(folder, "ldns-signzone", *options, "-f", str(signed), "-o", name, str(files[name]), key)
        files[name] = signed
    (folder / "anchors").write_text("\n".join(anchors) + "\n")
    return files, str(folder / "anchors")


@pytest.fixture
def pair(daemon, zones):
    """pair(setting=value) -> (resolver with it alone, its authority)"""
    def start(**resolver):
        files, anchors = zones
        port = free_port(("127.0.0.3",))
        authority = daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
                            "zones": [{"name": name, "file": str(file)} for name, file in files.items()]},
                           addresses=("127.0.0.3",), port=port)
        stub = [{"zone": name, "servers": [f"127.0.0.3@{port}"]} for name in files]
        return daemon({"root": {"file": "", "anchors": [anchors], "anchors-built-in": "off", "anchors-roll": False},
                       "server": {"workers": 1}, "resolver": {k.replace("_", "-"): v for k, v in resolver.items()},
                       "stub": stub}), authority
    return start


def ede(reply):
    return [o.code for o in reply.options if isinstance(o, dns.edns.EDEOption)]


def proved(d, name, rcode=dns.rcode.NOERROR):
    reply = d.ask(name, want_dnssec=True)
    assert reply.rcode() == rcode, reply
    return bool(reply.flags & dns.flags.AD), ede(reply)


YES, NO_ALGORITHM, NO_DIGEST = (True, []), (False, [1]), (False, [2])


@pytest.mark.parametrize("value, signature, digest", [
    ("off", YES, YES), (None, NO_ALGORITHM, YES), ("all", NO_ALGORITHM, NO_DIGEST)])
def test_refuse_sha1(pair, value, signature, digest):
    """RFC 9905 section 2 is the default: keys of SHA-1 prove nothing, digests of it do."""
    d, _ = pair() if value is None else pair(refuse_sha1=value)
    assert proved(d, "www.sha1.") == signature
    assert proved(d, "www.digest1.") == digest
    assert proved(d, "www.iter.") == YES


def test_by_reload(pair):
    """What nothing was built from changes while the daemon runs; what the cache would not have learned so is forgotten."""
    d, _ = pair()

    def reload(**settings):
        d.config["resolver"].update({k.replace("_", "-"): v for k, v in settings.items()})
        d.write()
        code, out, err = d.cli("reload")
        assert code == 0 and "restart" not in out, out + err
    assert proved(d, "www.sha1.") == NO_ALGORITHM and proved(d, "no.iter.", dns.rcode.NXDOMAIN) == YES
    reload(refuse_sha1="off", nsec3_iterations_max=10)
    assert proved(d, "www.sha1.") == YES and proved(d, "no.iter.", dns.rcode.NXDOMAIN) == (False, [27])
    reload(signatures_max=8)
    assert d.ask("c9.chain.").rcode() == dns.rcode.SERVFAIL
    reload(signatures_max=64, cache_negative_ttl_min="60s")
    assert d.ask("no.plain.").rcode() == dns.rcode.NXDOMAIN
    assert d.ask("no.plain.").authority[0].ttl in range(50, 61)
    reload(clients_per_question=7, upstream_queries_max=50, question_time="3s", cache_ttl_max="1h", cache_ttl_min="1s",
           cache_negative_ttl_max="1m", nxdomain_cut="all", aggressive_nsec=False, prefetch=False, prefetch_max=3,
           serve_stale=False, stale_ttl="10s", stale_max_age="1h", stale_client_timeout="1s", harden_glue=False, fragments=True,
           edns_size=1400, case_randomisation=False, cookies=False, qname_minimisation="strict", hashes_max=500,
           key_tag_signal=False, sentinel=False)
    assert d.ask("www.plain.").rcode() == dns.rcode.NOERROR
    d.config["resolver"]["ipv6"] = False
    d.write()
    assert "restart is needed for: resolver.ipv6" in d.cli("reload")[1]


@pytest.mark.parametrize("value, expected", [(None, YES), (49, (False, [27]))])
def test_nsec3_iterations_max(pair, value, expected):
    d, _ = pair() if value is None else pair(nsec3_iterations_max=value)
    assert proved(d, "no.iter.", dns.rcode.NXDOMAIN) == expected
    assert proved(d, "www.iter.") == YES


@pytest.mark.parametrize("setting, low, name", [("signatures_max", 8, "c9.chain."),
                                                ("hashes_max", 100, "a.b.c.d.e.f.g.h.iter.")])
def test_work_limits(pair, setting, low, name):
    d, _ = pair()
    assert d.ask(name).rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    d, _ = pair(**{setting: low})
    reply = d.ask(name, use_edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL and ede(reply) == [0]
    assert d.counters()["work_limited"] >= 1
    assert d.ask("www.chain.").rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("value, signed, plain", [("off", 0, 0), (None, 1, 0), ("all", 1, 1)])
def test_nxdomain_cut(pair, value, signed, plain):
    given = {} if value is None else {"nxdomain_cut": value}
    d, _ = pair(aggressive_nsec=False, cache_negative_ttl_min="60s", **given)
    for zone, cuts in (("chain.", signed), ("plain.", plain)):
        before = d.counters()["nxdomain_cuts"]
        for name in ("no.", "below.no."):
            assert d.ask(name + zone).rcode() == dns.rcode.NXDOMAIN
        assert d.counters()["nxdomain_cuts"] - before == cuts


def test_negative_ttl_min(pair):
    for given, ttls in (({}, (0, 1)), ({"cache_negative_ttl_min": "60s"}, range(50, 61))):
        d, _ = pair(**given)
        assert d.ask("no.plain.").rcode() == dns.rcode.NXDOMAIN
        assert d.ask("no.plain.").authority[0].ttl in ttls


@pytest.mark.parametrize("value, rcode", [(None, dns.rcode.NOERROR), ("1s", dns.rcode.SERVFAIL)])
def test_stale_max_age(pair, value, rcode):
    d, authority = pair(question_time="10s", **({} if value is None else {"stale_max_age": value}))
    assert d.ask("short.plain.").rcode() == dns.rcode.NOERROR
    authority.stop()
    counters = d.counters()["stale"]
    wait_for("what comes of it when it has expired",
             lambda: d.ask("short.plain.").rcode() == rcode and (rcode or d.counters()["stale"] > counters))


# ---- servers that say nothing, or little ----

@contextlib.contextmanager
def quiet(kind):
    """A server that takes all and says nothing; over TCP, one byte."""
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        kept = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    kept.append(s.accept()[0])
                    kept[-1].sendall(b"\0")
        if kind == socket.SOCK_STREAM:
            s.listen()
            threading.Thread(target=serve, daemon=True).start()
        yield s.getsockname()[1]
        if kind == socket.SOCK_STREAM:
            s.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


def to(port, tcp, **resolver):
    return {"root": {"file": "", "anchors-built-in": "off"}, "server": {"workers": 1},
            "resolver": {k.replace("_", "-"): v for k, v in resolver.items()},
            "forward": [{"zone": ".", "servers": [f"127.0.0.1@{port}"], "tcp-only": tcp, "validate": False}]}


def test_clients_per_question(daemon):
    with quiet(socket.SOCK_DGRAM) as port:
        d = daemon(to(port, False, clients_per_question=1, question_time="60s"))
        with d.connect() as first, d.connect() as second:
            first.sendall(tcp_message(dns.message.make_query("same.example.", "A")))
            wait_for("the question", lambda: d.counters()["recursions"] == 1)
            second.sendall(tcp_message(dns.message.make_query("same.example.", "A", use_edns=0)))
            reply = tcp_read(second)
            assert reply.rcode() == dns.rcode.SERVFAIL and "queue-full" in reply.options[0].text
        d.stop()


def test_tcp_message_time(daemon):
    with quiet(socket.SOCK_STREAM) as port:
        d = daemon(to(port, True, tcp_message_time="100ms", question_time="5s"))
        reply = d.ask("slow.example.")
        assert reply.rcode() == dns.rcode.SERVFAIL and d.counters()["upstream_tcp_slow"] >= 1


@pytest.mark.parametrize("value, connections", [(None, 1), (1, 2)])  # a server that has not answered yet gets two
def test_tcp_pipeline(daemon, value, connections):
    with quiet(socket.SOCK_STREAM) as port:
        d = daemon(to(port, True, question_time="60s", tcp_message_time="60s",
                      **({} if value is None else {"tcp_pipeline": value})))
        with d.connect() as s:
            for i in range(3):
                s.sendall(tcp_message(dns.message.make_query(f"n{i}.example.", "A")))

            def asked():
                counters = d.counters()
                return counters["upstream_tcp"], counters["upstream_tcp_connections"]
            wait_for("the questions and their connections", lambda: asked()[0] >= 3 and asked()[1] == connections)
        d.stop()


@pytest.mark.parametrize("value, connections", [(None, 1), (1, 4)])
def test_tcp_questions(daemon, zones, value, connections):
    port = free_port(("127.0.0.3",))
    daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
            "zones": [{"name": "plain.", "file": str(zones[0]["plain."])}]}, addresses=("127.0.0.3",), port=port)
    d = daemon({"root": {"file": ""}, "server": {"workers": 1}, "resolver": {} if value is None else {"tcp-questions": value},
                "stub": [{"zone": "plain.", "servers": [f"127.0.0.3@{port}"], "tcp-only": True, "validate": False}]})
    for i in range(4):
        assert d.ask(f"c{i}.plain.", "TXT").rcode() == dns.rcode.NOERROR
    assert d.counters()["upstream_tcp_connections"] >= connections
    if value is None:
        assert d.counters()["upstream_tcp_reused"] > 0
    else:
        assert d.counters()["upstream_tcp_reused"] == 0
