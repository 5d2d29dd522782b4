# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that attackers make, and odd ones that are right: what the filter leaves to the kernel, what is dropped and counted."""
import os
import random
import time

import dns.message
import wires
from conftest import settles
from daemons import wait_for
from wires import CLIENT, CLIENT6, SERVER, SERVER6, SILENT, ethernet, ipv4, ipv6, packed, udp

C4, S4, C6, S6 = packed(CLIENT), packed(SERVER), packed(CLIENT6), packed(SERVER6)
QUESTION = dns.message.make_query("www.sizes.example.", "A")
WIRE = QUESTION.to_wire()
PORT = 40000
# xdp: by AF_XDP; kernel: by the socket; silence: not at all
XDP, KERNEL, SILENCE = "xdp", "kernel", "silence"


def datagram(source=C4, destination=S4, payload=WIRE, sport=PORT, dport=53, **more):
    return udp(source, destination, sport, dport, payload, **more)


def wrong(checksum):
    return (checksum + 1) % 0xffff or 1


def checksum_of(d):
    return int.from_bytes(d[6:8], "big")


BROADCAST = b"\xff" * 6
CASES = {
    # name: (what becomes of it, the frame, made of the two cards)
    "plain": (XDP, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram()))),
    "plain IPv6": (XDP, lambda s, c: ethernet(s, c, ipv6(C6, S6, datagram(C6, S6)))),
    "don't fragment": (XDP, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), fragment=0x4000))),
    "no UDP checksum": (XDP, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(checksum=0)))),
    "padded to the smallest frame": (XDP, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram())) + bytes(30)),
    "padded with rubbish": (XDP, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram())) + b"\xff" * 7),
    "wrong UDP checksum": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(checksum=wrong(checksum_of(datagram())))))),
    "wrong UDP checksum, IPv6": (SILENCE, lambda s, c: ethernet(s, c, ipv6(C6, S6, datagram(C6, S6, checksum=wrong(checksum_of(datagram(C6, S6))))))),
    "no UDP checksum, IPv6": (SILENCE, lambda s, c: ethernet(s, c, ipv6(C6, S6, datagram(C6, S6, checksum=0)))),
    "wrong IPv4 checksum": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), checksum=0x1234))),
    "IP options": (KERNEL, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), options=b"\x01" * 4))),
    "hop-by-hop options": (KERNEL, lambda s, c: ethernet(s, c, ipv6(C6, S6, b"\x11\x00\x01\x04\0\0\0\0" + datagram(C6, S6), following=0))),
    "UDP shorter than IP": (KERNEL, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram() + b"more"))),
    "UDP longer than IP": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(length=len(WIRE) + 9)))),
    "UDP of no length": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(length=0)))),
    "IP shorter than its header": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), length=19))),
    "IP as long as its header": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), length=20))),
    "IP ends within UDP": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(length=4), length=24))),
    "IP longer than the frame": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), length=1400))),
    "header length 0, length 53": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), first=0x40, length=53))),
    "header length 60": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), first=0x4f))),
    "version 5": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(), first=0x55), kind=0x0800)),
    "IPv6 without payload": (SILENCE, lambda s, c: ethernet(s, c, ipv6(C6, S6, datagram(C6, S6), length=0))),
    "IPv6 ends within UDP": (SILENCE, lambda s, c: ethernet(s, c, ipv6(C6, S6, datagram(C6, S6, length=4), length=4))),
    "IPv6 longer than the frame": (SILENCE, lambda s, c: ethernet(s, c, ipv6(C6, S6, datagram(C6, S6), length=1400))),
    "shorter than a DNS header": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(payload=WIRE[:11])))),
    "no payload": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(payload=b"")))),
    "a reply": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(payload=dns.message.make_response(QUESTION).to_wire())))),
    "from port 0": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(sport=0)))),
    "to another port": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram(dport=54)))),
    "to an address of ours that does not listen": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, packed(SILENT), datagram(destination=packed(SILENT))))),
    "to another machine": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, packed("10.53.0.77"), datagram(destination=packed("10.53.0.77"))))),
    "to the broadcast address": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, packed("10.53.0.255"), datagram(destination=packed("10.53.0.255"))))),
    "to another card": (SILENCE, lambda s, c: ethernet(b"\x02\0\0\0\0\x09", c, ipv4(C4, S4, datagram()))),
    "in a VLAN that is not ours": (SILENCE, lambda s, c: ethernet(s, c, ipv4(C4, S4, datagram()), tag=99)),
    "in two VLANs": (SILENCE, lambda s, c: ethernet(s, c, b"\0\x09\x08\0" + ipv4(C4, S4, datagram()), tag=7, kind=0x8100)),
    **{f"from {a}": (SILENCE, lambda s, c, a=a: ethernet(s, c, ipv4(packed(a), S4, datagram(source=packed(a)))))
       for a in ("127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "10.53.0.255", SERVER, SILENT)},
    **{f"from {a}": (SILENCE, lambda s, c, a=a: ethernet(s, c, ipv6(packed(a), S6, datagram(packed(a), S6))))
       for a in ("::1", "::", "ff02::1", "::ffff:192.0.2.1", SERVER6)},
}


def answers(frames):
    return [f for f in frames if f.udp and f.sport == 53]


def counted(d, replies):
    """The counters, when so many replies were sent; they are counted behind their sending. Or when that is not to be expected any more."""
    end = time.monotonic() + 10
    while (counters := d.counters())["xdp_replies"] < replies and time.monotonic() < end:
        pass
    return counters


def exchange(tap, wire, frame):
    """What comes back for it, waited for by a plain question behind it."""
    tap.send(frame)
    last = dns.message.make_query("sizes.example.", "SOA")
    last.id = 7
    tap.send(ethernet(wire.server_mac, wire.client_mac, ipv4(C4, S4, datagram(payload=last.to_wire(), sport=PORT + 1))))
    got = []
    while True:
        f = wires.receive(tap)
        assert f is not None, "no reply to the last question"
        if f.udp and f.sport == 53:
            if f.dport == PORT + 1:
                return got
            got.append(f)


def test_each_frame_gets_what_it_should(xdp, wire):
    d = xdp()
    seen = {}
    with wire.tap() as tap:
        before = d.counters()
        for name, (expected, make) in CASES.items():
            got = exchange(tap, wire, make(wire.server_mac, wire.client_mac))
            while expected == KERNEL and not got and (f := wires.receive(tap)):  # the kernel's way is longer
                got = answers([f])
            after = counted(d, before["xdp_replies"] + 1 + (expected == XDP))
            by_xdp = after["xdp_replies"] - before["xdp_replies"] - 1  # that of the last question
            before = after
            seen[name] = SILENCE if not got else XDP if by_xdp == 1 else KERNEL
            for f in got:
                assert (f.destination, f.source) == (wire.client_mac, wire.server_mac), name
                assert dns.message.from_wire(f.udp).id == QUESTION.id, name
        assert seen == {name: expected for name, (expected, _) in CASES.items()}
    counters = d.counters()
    assert counters["xdp_checksum"] == 2
    assert counters["xdp_martians"] == 4  # three addresses of IPv4, one of IPv6: ours, and that of all on the wire
    assert counters["udp_questions"] > counters["xdp_questions"] + sum(e == KERNEL for e, _ in CASES.values())


def test_source_cards_that_are_groups_get_nothing_from_us(xdp, wire):
    """Else one forged frame would make many."""
    d = xdp()
    with wire.tap() as tap:
        tap.send(ethernet(wire.server_mac, BROADCAST, ipv4(C4, S4, datagram())))
        exchange(tap, wire, ethernet(wire.server_mac, wire.client_mac, ipv4(C4, S4, datagram(dport=54))))
    assert settles(d, xdp_replies=1)


def test_fragments_are_put_together_by_the_kernel(xdp, wire):
    """libknot's own filter would drop them, of every service on the machine."""
    d = xdp()
    for source, destination in ((C4, S4), (C6, S6)):
        whole = datagram(source, destination, dns.message.make_query("www.sizes.example.", "A", use_edns=0, pad=128).to_wire())
        parts = [(0, whole[:64], 1), (64, whole[64:], 0)]
        with wire.tap() as tap:
            for at, part, more in parts:
                if len(source) == 4:
                    body = ipv4(source, destination, part, fragment=more << 13 | at // 8)
                else:
                    body = ipv6(source, destination, b"\x11\0" + (at | more).to_bytes(2, "big") + b"\0\0\0\x09" + part, following=44)
                tap.send(ethernet(wire.server_mac, wire.client_mac, body))
            frame = wires.receive(tap)
            while not frame.udp:
                frame = wires.receive(tap)
            assert dns.message.from_wire(frame.udp).answer
    assert settles(d, xdp_questions=0, udp_questions=2)


def test_what_senders_leave_for_their_card_to_finish_is_good(xdp, wire):
    """A sender on the same machine fills in the sum of the headers and no more; its frame never meets a card."""
    d = xdp()
    for source, destination, pack in ((C4, S4, ipv4), (C6, S6, ipv6)):
        unfinished = wires.total(wires.pseudo(source, destination, 8 + len(WIRE)))
        with wire.tap() as tap:
            got = exchange(tap, wire, ethernet(wire.server_mac, wire.client_mac,
                                               pack(source, destination, datagram(source, destination, checksum=unfinished))))
            assert len(got) == 1
    assert settles(d, xdp_checksum=0)


def test_random_frames(xdp, wire):
    """Frames with bytes changed, cut off, added: the daemon lives, and whatever it sends is in order."""
    d = xdp(server={"listen": ["0.0.0.0@53", "::@53"]})
    seed = int(os.environ.get("BANYAN_SEED", random.randrange(1 << 32)))
    print(f"BANYAN_SEED={seed}")
    rng = random.Random(seed)
    bases = [make(wire.server_mac, wire.client_mac) for _, make in CASES.values()]
    with wire.tap() as tap:
        for i in range(20000):
            frame = bytearray(rng.choice(bases))
            for _ in range(rng.randrange(4)):
                frame[rng.randrange(12, min(len(frame), 70))] = rng.choice((0, 1, 8, 20, 53, 0x45, 0x7f, 0xff, rng.randrange(256)))
            if rng.random() < .2:
                frame = frame[:rng.randrange(14, len(frame) + 1)]
            tap.send(bytes(frame))
            if i % 500 == 0:  # so that it keeps up, however slow it is
                wires.drain(tap)
                exchange(tap, wire, ethernet(wire.server_mac, wire.client_mac, ipv4(C4, S4, datagram())))
        wires.drain(tap)
        assert exchange(tap, wire, ethernet(wire.server_mac, wire.client_mac, ipv4(C4, S4, datagram()))) != []
    assert d.process.poll() is None
    c = d.counters()
    assert c["xdp_questions"] > 1000 and c["xdp_checksum"] > 0 and c["xdp_lost"] == 0


def test_a_flood_is_answered_or_counted(xdp, wire):
    d = xdp()
    n = 0
    frame = ethernet(wire.server_mac, wire.client_mac, ipv4(C4, S4, datagram()))
    os.kill(d.process.pid, 19)  # SIGSTOP: its queue fills up
    try:
        with wire.tap() as tap:
            for n in range(6000):
                tap.send(frame)
            os.kill(d.process.pid, 18)
            wait_for("all", lambda: (lambda c: c["xdp_replies"] + c["xdp_lost"] >= 6000)(d.counters()) or tap.send(frame) and False)
    finally:
        os.kill(d.process.pid, 18)
    counters = wait_for("each is counted", lambda: (c := d.counters())["xdp_questions"] == c["xdp_replies"] and c)
    assert counters["xdp_lost"] > 0 and counters["xdp_replies"] >= 2000
