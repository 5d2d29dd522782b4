# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions over UDP and TCP, IPv4 and IPv6, from clients that behave and clients that do not (RFC 7766)."""
import socket
import subprocess
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import DEADLINE_S, is_closed, tcp_message, tcp_read, wait_for


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("tcp", [False, True])
def test_answers(authority, address, tcp):
    d = authority()
    reply = d.ask("www.example.", address=address, tcp=tcp)
    assert reply.rcode() == dns.rcode.NOERROR and reply.flags & dns.flags.AA
    assert reply.answer[0].to_text() == "www.example. 3600 IN A 192.0.2.1"
    assert d.ask("none.example.", address=address, tcp=tcp).rcode() == dns.rcode.NXDOMAIN
    assert d.ask("elsewhere.", address=address, tcp=tcp).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("tool", [
    ["dig", "+short", "+norec", "@{address}", "-p", "{port}", "www.example.", "AAAA"],
    ["dig", "+short", "+norec", "+tcp", "+keepopen", "@{address}", "-p", "{port}", "www.example.", "AAAA"],
    ["kdig", "+short", "+norec", "@{address}", "-p", "{port}", "www.example.", "AAAA"],
    ["kdig", "+short", "+norec", "+tcp", "@{address}", "-p", "{port}", "www.example.", "AAAA"],
])
def test_common_tools(authority, tool):
    d = authority()
    for address in d.addresses:
        words = [w.format(address=address, port=d.port) for w in tool]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == "2001:db8::1", done.stdout + done.stderr


def test_truncated_then_tcp(authority):
    d = authority()
    reply = d.ask("big.example.", "TXT", use_edns=False)
    assert reply.flags & dns.flags.TC and len(reply.to_wire()) <= 512
    whole = d.ask("big.example.", "TXT", tcp=True)
    assert not whole.flags & dns.flags.TC and len(whole.answer[0][0].strings) == 8


def test_wildcard_address_replies_from_where_it_was_asked(authority):
    d = authority(addresses=("0.0.0.0", "::"))
    for address in ("127.0.0.1", "127.4.5.6", "::1"):
        # a connected socket hears nobody else
        assert d.ask("www.example.", address=address).answer
        assert d.ask("www.example.", address=address, tcp=True).answer


def test_datagrams_that_are_no_questions(authority):
    d = authority()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", d.port))
        for junk in (b"", b"x", b"\0" * 11, b"\xff" * 500, b"\0" * 65000):
            s.send(junk)
        s.settimeout(0.3)
        replies = []
        try:
            while True:
                replies.append(s.recv(65535))
        except socket.timeout:
            pass
    assert all(len(r) <= 512 for r in replies)
    assert d.ask("www.example.").answer


def test_pipeline_of_100(authority):
    d = authority()
    with d.connect() as s:
        queries = {}
        data = b""
        for i in range(100):
            name = "www.example." if i % 2 else f"n{i}.example."
            query = dns.message.make_query(name, "A", id=1000 + i)
            queries[query.id] = query
            data += tcp_message(query)
        s.sendall(data)
        for _ in range(100):
            reply = tcp_read(s)
            query = queries.pop(reply.id)
            assert query.is_response(reply)
        assert not queries


def test_questions_in_pieces(authority):
    d = authority()
    data = tcp_message(dns.message.make_query("www.example.", "A")) * 3
    with d.connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            s.send(bytes([byte]))
        for _ in range(3):
            assert tcp_read(s).answer


def test_half_closed_client_gets_its_reply(authority):
    d = authority()
    with d.connect() as s:
        s.sendall(tcp_message(dns.message.make_query("www.example.", "A")))
        s.shutdown(socket.SHUT_WR)
        assert tcp_read(s).answer
        assert tcp_read(s) is None


def test_idle_connection_is_closed(authority):
    d = authority({"tcp-idle": "1s"})
    with d.connect() as s:
        start = time.monotonic()
        s.sendall(tcp_message(dns.message.make_query("www.example.", "A")))
        assert tcp_read(s).answer
        assert is_closed(s)
        assert time.monotonic() - start > 0.8
    wait_for("the counter", lambda: d.counters()["tcp_idle_closed"] == 1)


def test_dripping_client_is_closed(authority):
    d = authority({"tcp-idle": "1s"})
    data = tcp_message(dns.message.make_query("www.example.", "A"))
    with d.connect() as s:
        start = time.monotonic()
        with pytest.raises(OSError):
            for byte in data * 100:
                s.send(bytes([byte]))
                time.sleep(0.1)
                assert time.monotonic() - start < DEADLINE_S


def test_client_that_never_reads_is_closed_and_others_served(authority):
    d = authority({"tcp-idle": "1s", "workers": 1})
    data = tcp_message(dns.message.make_query("big.example.", "TXT")) * 100
    with d.connect() as s:
        s.setblocking(False)
        end = time.monotonic() + DEADLINE_S
        while d.counters()["tcp_idle_closed"] == 0:
            assert time.monotonic() < end
            try:
                s.send(data)
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:
                break
            assert d.ask("www.example.", tcp=True).answer
    rss_kb = int(next(line for line in open(f"/proc/{d.process.pid}/status") if line.startswith("VmRSS")).split()[1])
    assert rss_kb < 400_000  # generous: sanitizers


def test_limit_of_connections_from_one_address(authority):
    d = authority({"tcp-clients-per-address": 3, "tcp-idle": "10m"})
    kept = [d.connect() for _ in range(3)]
    for s in kept:
        s.sendall(tcp_message(dns.message.make_query("www.example.", "A")))
        assert tcp_read(s).answer
    with d.connect() as surplus:
        assert is_closed(surplus)
    with d.connect(source="127.0.0.7") as other:
        other.sendall(tcp_message(dns.message.make_query("www.example.", "A")))
        assert tcp_read(other).answer
    kept.pop().close()

    def one_more():
        with d.connect() as s:
            try:
                s.sendall(tcp_message(dns.message.make_query("www.example.", "A")))
            except OSError:
                return False
            return tcp_read(s)
    assert wait_for("the place that became free", one_more).answer
    for s in kept:
        s.close()


def test_limit_of_connections_in_all(authority):
    """The limit holds over all workers; an idle connection makes room for a new one where the same worker has it."""
    d = authority({"tcp-clients": 10, "tcp-clients-per-address": 10, "workers": 2})
    sockets = [d.connect(source=f"127.0.3.{i + 1}") for i in range(30)]
    for s in sockets:
        try:
            s.sendall(tcp_message(dns.message.make_query("www.example.", "A")))
        except OSError:
            pass
    wait_for("the surplus to be closed", lambda: d.counters()["tcp_refused"] + d.counters()["tcp_idle_closed"] >= 20)
    for s in sockets:
        s.close()

    def answered():
        try:
            return d.ask("www.example.", tcp=True).answer
        except (EOFError, OSError):
            return None  # the old connections are not gone yet
    assert wait_for("service again", answered)


def test_many_at_once(authority):
    """A burst larger than a batch: each question gets its own reply."""
    d = authority()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        s.connect(("127.0.0.1", d.port))
        s.settimeout(DEADLINE_S)
        wires = {i: dns.message.make_query(f"n{i}.example.", "A", id=i).to_wire() for i in range(1, 301)}
        for wire in wires.values():
            s.send(wire)
        for _ in range(300):
            reply = s.recv(65535)
            i = int.from_bytes(reply[:2], "big")
            query = wires.pop(i)
            assert reply[12:len(query)] == query[12:]


def test_nsid_is_the_identity(authority):
    d = authority({"identity": "test-node-7"})
    reply = d.ask("www.example.", options=[dns.edns.GenericOption(3, b"")], use_edns=0)
    assert [o.data for o in reply.options if o.otype == 3] == [b"test-node-7"]


def test_second_daemon_is_refused(authority, daemon):
    """SO_REUSEPORT would let it take half of the questions."""
    d = authority()
    other = daemon({"server": {"listen": [f"127.0.0.1@{d.port}"]}, "resolver": {"enabled": False}}, start=False)
    other.launch()
    assert other.process.wait(DEADLINE_S) == 1
    assert "somebody else" in other.log()
    other.process = None


def test_machine_without_ipv6(authority):
    """The default listens on ::1 too; without IPv6 the rest is served, with a warning."""
    script = "ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6"
    namespace = ["unshare", "--net", "sh", "-c", script + ' && exec "$@"', "sh"]
    if subprocess.run(namespace + ["true"], capture_output=True).returncode != 0:
        pytest.skip("no network namespaces here")
    d = authority(prefix=namespace)
    assert "not listening on ::1" in d.log()
    assert d.cli("status")[0] == 0


def test_address_that_is_not_here(authority):
    d = authority({"listen": ["192.0.2.1@5300"]}, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert "192.0.2.1@5300" in d.log()
    d.process = None
