# SPDX-License-Identifier: GPL-3.0-or-later
"""What AF_XDP answers is what sockets answer, to the byte, in frames that are right to the last field."""
import socket

import dns.flags
import dns.message
import dns.query
import pytest
import wires
from conftest import settles
from wires import CLIENT, CLIENT6, SERVER, SERVER6, SERVICE, TAGGED, TAGGED6, TAGGED_CLIENT, TAGGED_CLIENT6

PATHS = {"IPv4": (CLIENT, SERVER, None), "IPv6": (CLIENT6, SERVER6, None), "VLAN, IPv4": (TAGGED_CLIENT, TAGGED, wires.TAG),
         "VLAN, IPv6": (TAGGED_CLIENT6, TAGGED6, wires.TAG), "address of the loopback": (CLIENT, SERVICE, None)}


def paths_of():
    return {name: path for name, path in PATHS.items() if path[2] is None or wires.VLANS}


def questions():
    """Replies of all lengths from 60 to 1400, and some of other kinds. No two have the same ID."""
    made = []
    for size in range(1, 1341):
        made.append(dns.message.make_query(f"n{size:04}.sizes.example.", "TXT", use_edns=0, payload=4096))
    for size in range(1, 20):
        made.append(dns.message.make_query(f"n{size:04}.sizes.example.", "TXT"))
    for name, kind in (("www.sizes.example.", "A"), ("www.sizes.example.", "AAAA"), ("sizes.example.", "SOA"), ("none.sizes.example.", "A"),
                       ("elsewhere.example.", "A"), ("SiZeS.eXaMpLe.", "NS")):
        made.append(dns.message.make_query(name, kind))
    made.append(dns.message.make_query("big.sizes.example.", "TXT"))  # TC
    for i, q in enumerate(made):
        q.id = 1000 + i
    return [q.to_wire() for q in made]


def ask_all(s, to, wires_out, window=64):
    """The replies by ID; windows, so that no buffer overflows."""
    replies = {}
    for start in range(0, len(wires_out), window):
        part = wires_out[start:start + window]
        for q in part:
            s.sendto(q, (to, 53))
        for _ in part:
            reply, sender = s.recvfrom(65535)
            assert sender[0] == to and sender[1] == 53
            replies[int.from_bytes(reply[:2], "big")] = reply
    return replies


@pytest.fixture
def daemon(xdp, wire):
    return xdp(server={"listen": [f"{server}@53" for _, server, _ in paths_of().values()], "udp-size": 4096})


@pytest.mark.parametrize("path", paths_of())
def test_replies_are_those_of_sockets(daemon, wire, path):
    client, server, tag = PATHS[path]
    asked = questions()
    # over the loopback of the server's host: the very same daemon, by its sockets
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(60)
        by_sockets = ask_all(s, server, asked)
    before = daemon.counters()
    assert before["xdp_questions"] == 0
    with wire.tap() as tap, wire.socket(client) as s:
        by_xdp = ask_all(s, server, asked)
        frames = [f for f in wires.drain(tap) if f.udp]
    assert by_xdp == by_sockets and len(by_xdp) == len(asked)
    lengths = {len(r) for r in by_xdp.values()}
    assert lengths >= set(range(60, 1401))
    assert settles(daemon, xdp_questions=len(asked), xdp_replies=len(asked))
    after = daemon.counters()
    assert after["xdp_by_socket"] == after["udp_send_failed"] == after["xdp_checksum"] == after["xdp_martians"] == 0
    # each frame was checked as it was read; that they are all there, from and to whom they should be, is left
    assert len(frames) == len(asked)
    for f in frames:
        assert (f.source, f.destination, f.tag) == (wire.server_mac, wire.client_mac, tag)
        assert (f.src, f.dst, f.sport, f.dport) == (wires.packed(server), wires.packed(client), 53, s_port(f))
    assert {int.from_bytes(f.udp[:2], "big"): f.udp for f in frames} == by_sockets


def s_port(frame):
    return frame.dport


def test_one_daemon_serves_all_paths_at_once(daemon, wire):
    sockets = [(wire.socket(client), server) for client, server, _ in paths_of().values()]
    q = dns.message.make_query("www.sizes.example.", "A")
    for _ in range(20):
        for s, server in sockets:
            s.sendto(q.to_wire(), (server, 53))
        for s, server in sockets:
            reply, sender = s.recvfrom(4096)
            assert sender[0] == server and dns.message.from_wire(reply).answer
    for s, _ in sockets:
        s.close()
    assert settles(daemon, xdp_replies=20 * len(sockets))


@pytest.fixture
def two_queues(wire):
    wire.queues(2)
    yield
    wire.queues(1)


def test_two_workers_share_two_queues(two_queues, xdp, wire):
    d = xdp(server={"workers": 2})
    assert "2 queues" in d.log()
    q = dns.message.make_query("www.sizes.example.", "A").to_wire()
    sockets = [wire.socket(CLIENT) for _ in range(64)]
    for s in sockets:
        s.sendto(q, (SERVER, 53))
    for s in sockets:
        assert dns.message.from_wire(s.recv(4096)).answer
        s.close()
    assert settles(d, xdp_replies=64)
    d.stop()


@pytest.mark.parametrize("client, server", [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_what_is_larger_than_the_mtu_goes_by_the_socket(xdp, wire, client, server):
    """In fragments, as this operator allows replies that large."""
    d = xdp(server={"udp-size": 4096})
    q = dns.message.make_query("big.sizes.example.", "TXT", use_edns=0, payload=4096)
    with wire.tap() as tap, wire.socket(client) as s:
        s.sendto(q.to_wire(), (server, 53))
        reply = s.recv(65535)
        frames = wires.drain(tap)
    assert len(reply) > 2750 and dns.message.from_wire(reply).answer
    assert sum(f.fragment for f in frames if f.udp is None and hasattr(f, "src")) >= 2
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(60)
        s.sendto(q.to_wire(), (server, 53))
        assert s.recv(65535) == reply
    assert settles(d, xdp_questions=1, xdp_replies=0, xdp_by_socket=1, udp_replies=2)


def test_the_mtu_decides_which_way(xdp, wire):
    wires.run("ip", "link", "set", "s0", "mtu", "1300")
    try:
        d = xdp(server={"udp-size": 4096})
        with wire.socket(CLIENT) as s:
            replies = ask_all(s, SERVER, questions()[:1340])
    finally:
        wires.run("ip", "link", "set", "s0", "mtu", "1500")
    large = sum(len(r) > 1300 - 28 for r in replies.values())
    assert len(replies) == 1340 and large > 100
    assert settles(d, xdp_by_socket=large, xdp_replies=1340 - large)


def test_replies_are_truncated_and_tcp_stands_beside(xdp, wire):
    d = xdp()
    q = dns.message.make_query("big.sizes.example.", "TXT")
    with wire.socket(CLIENT) as s:
        s.sendto(q.to_wire(), (SERVER, 53))
        reply = dns.message.from_wire(s.recv(4096))
    assert reply.flags & dns.flags.TC and not reply.answer
    assert settles(d, xdp_replies=1)
    with wire.socket(CLIENT, kind=socket.SOCK_STREAM) as s:
        s.connect((SERVER, 53))
        dns.query.send_tcp(s, q)
        reply, _ = dns.query.receive_tcp(s)
    assert len(reply.answer) == 1 and not reply.flags & dns.flags.TC


def test_wildcard_addresses(xdp, wire):
    """Each is answered from the address that was asked, link-local ones too."""
    d = xdp(server={"listen": ["0.0.0.0@53", "::@53"]})
    q = dns.message.make_query("www.sizes.example.", "A").to_wire()
    asked = [(client, server, 0) for client, server, _ in paths_of().values()] + [wire.link_local()]
    for client, server, scope in asked:
        with wire.socket(client, scope=scope) as s:
            s.sendto(q, (server, 53, 0, scope) if scope else (server, 53))
            reply, sender = s.recvfrom(4096)
            assert sender[0].split("%")[0] == server and dns.message.from_wire(reply).answer
    assert settles(d, xdp_replies=len(asked))
