# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the resolver: from the cache by AF_XDP, those that come later by the socket; and who asks is who is judged."""
import time

import dns.message
import dns.rcode
import pytest
import wires
from conftest import settles
from wires import CLIENT, CLIENT6, SERVER, SERVER6

AUTHORITY = "127.0.0.53@5300"


@pytest.fixture
def resolver(xdp, serve, zone):
    def start(listen=(f"{SERVER}@53", f"{SERVER6}@53"), **more):
        serve(server={"xdp": [], "listen": [AUTHORITY]})
        config = {"zones": [], "root": {"file": "", "anchors-roll": False}, "resolver": {"allow": ["10.53.0.0/24", "fd53::/64", "fe80::/10"]},
                  "stub": [{"zone": "sizes.example", "servers": [AUTHORITY], "validate": False}], **more}
        return xdp(config, server={"listen": list(listen), "workers": 1})
    return start


def ask(s, to, name, kind="TXT", scope=0):
    q = dns.message.make_query(name, kind)
    s.sendto(q.to_wire(), (to, 53, 0, scope) if scope else (to, 53))
    while True:
        reply, sender = s.recvfrom(65535)
        assert sender[0].split("%")[0] == to and sender[1] == 53
        if int.from_bytes(reply[:2], "big") == q.id:
            return dns.message.from_wire(reply)


@pytest.mark.parametrize("client, server", [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_late_by_the_socket_cached_by_xdp(resolver, wire, client, server):
    d = resolver()
    names = [f"n{i:04}.sizes.example." for i in range(1, 400, 7)]
    with wire.tap() as tap, wire.socket(client) as s:
        late = [ask(s, server, name) for name in names]
        assert settles(d, xdp_questions=len(names), xdp_replies=0, udp_replies=len(names))
        cached = [ask(s, server, name) for name in names]
        frames = [f for f in wires.drain(tap) if f.udp and f.sport == 53]
    assert settles(d, xdp_questions=2 * len(names), xdp_replies=len(names), cache_hits=len(names))
    after = d.counters()
    assert [r.answer[0].to_rdataset() for r in late] == [r.answer[0].to_rdataset() for r in cached]
    assert after["xdp_by_socket"] == after["udp_send_failed"] == 0
    assert len(frames) == 2 * len(names)
    for f in frames:
        assert (f.source, f.destination, f.src, f.dst) == (wire.server_mac, wire.client_mac, wires.packed(server), wires.packed(client))


def test_link_local_clients_get_late_replies_too(resolver, wire):
    """Their address alone does not say by which interface they are reached."""
    d = resolver(listen=("0.0.0.0@53", "::@53"))
    client, server, scope = wire.link_local()
    with wire.socket(client, scope=scope) as s:
        for _ in range(2):
            assert ask(s, server, "n0100.sizes.example.", scope=scope).answer
    assert settles(d, xdp_questions=2, xdp_replies=1, udp_replies=2)


def test_the_access_list_sees_the_client(resolver, wire):
    d = resolver(resolver={"allow": [f"{CLIENT}/32"]})
    with wire.client():
        wires.run("ip", "addr", "add", "10.53.0.9/24", "dev", "c0")
    try:
        with wire.socket("10.53.0.9") as s:
            assert ask(s, SERVER, "n0001.sizes.example.").rcode() == dns.rcode.REFUSED
    finally:
        with wire.client():
            wires.run("ip", "addr", "del", "10.53.0.9/24", "dev", "c0")
    with wire.socket(CLIENT) as s:
        assert ask(s, SERVER, "n0001.sizes.example.").rcode() == dns.rcode.NOERROR
    assert settles(d, xdp_questions=2)


def test_rates_are_those_of_the_client(xdp, wire):
    d = xdp({"rrl": {"rate": 5, "slip": 0}})
    q = dns.message.make_query("www.sizes.example.", "A").to_wire()
    with wire.client():
        wires.run("ip", "addr", "add", "10.53.1.9/24", "dev", "c0")
        wires.run("ip", "route", "add", f"{SERVER}/32", "dev", "c0", "src", "10.53.1.9")
    try:
        with wire.socket(CLIENT) as s, wire.socket("10.53.1.9") as other:
            for _ in range(200):
                s.sendto(q, (SERVER, 53))
            deadline = time.monotonic() + 60
            while d.counters()["rrl_dropped"] < 150 and time.monotonic() < deadline:
                s.sendto(q, (SERVER, 53))
            assert d.counters()["rrl_dropped"] >= 150
            other.sendto(q, (SERVER, 53))
            assert dns.message.from_wire(other.recv(4096)).answer
    finally:
        with wire.client():
            wires.run("ip", "addr", "del", "10.53.1.9/24", "dev", "c0")
