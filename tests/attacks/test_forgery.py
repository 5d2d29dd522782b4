# SPDX-License-Identifier: GPL-3.0-or-later
"""Poison: what is forged, malformed or none of the sender's business never reaches a client nor the cache."""
import socket
import struct

import pytest

import clients
from forgery import Kaminsky, Maginot, Rebirthday, Sizes, TuDoor
from world import ATTACKER, EVIL_A, OTHER_A, VICTIM_A, other_name

MISMATCHES_MAX = 24  # ENGINE_MISMATCHES_MAX
GUESSES = 3000
COPIES_MAX = 1
EDNS_SIZE = 1232     # resolver.edns-size


def address(text):
    return bytes(map(int, text.split(".")))


def poisoned(replies):
    return sum(address(EVIL_A) in wire for wire in replies)


def test_kaminsky(attack, report):
    """The attacker knows each port (SAD DNS) and has time for 3000 guesses at each of 40 questions."""
    def drive(resolver):
        heard = []
        for n in range(40):
            heard += [wire for _, _, wire in clients.burst(resolver.server, [clients.question(f"kaminsky{n}.victim.com.")]).replies]
        return {"questions": 40, "heard": heard, "good": sum(address(VICTIM_A) in wire for wire in heard)}
    ours, theirs = attack(Kaminsky, drive, guesses=GUESSES, delay_s=0.1)
    guesses = ours.counters["upstream_mismatched"] / max(1, ours.counters["upstream_udp"])
    report("Kaminsky, SAD DNS", "forged replies heard a question, of 3000 at its port", "ENGINE_MISMATCHES_MAX", MISMATCHES_MAX, guesses,
           "all that come", ours.watched, theirs.watched)
    report("Kaminsky, SAD DNS", "poisoned of 40", "16 bits of ID and the case of letters", 0, poisoned(ours.heard), poisoned(theirs.heard))
    assert poisoned(ours.heard) == 0
    assert ours.good == 40
    assert guesses <= MISMATCHES_MAX


def test_tudoor(attack, report):
    """What is malformed is no reply: the right one, behind it, is taken, and nothing is asked more often for it."""
    def drive(resolver):
        heard = clients.burst(resolver.server, [clients.question(f"door{n}.victim.com.") for n in range(50)], wait_s=15)
        return {"questions": 50, "good": sum(address(VICTIM_A) in wire for _, _, wire in heard.replies)}
    ours, theirs = attack(TuDoor, drive)
    report("TuDoor", "right answers of 50, behind 15 malformed replies each", "one verdict for each state", 50, ours.good, theirs.good, ours.watched, theirs.watched)
    assert ours.good == 50


@pytest.mark.parametrize("forwarding", [False, True])
def test_maginot(attack, report, forwarding):
    """Nobody speaks for a zone that is not his."""
    def drive(resolver):
        names = [f"{kind}{n}.magi.com." for kind in "abcdef" for n in range(3)]
        first = clients.burst(resolver.server, [clients.question(name) for name in names])
        checks = ["www.victim.com.", "new.victim.com.", "www.victim.com."]
        heard = [clients.ask(resolver.server, name) for name in checks]
        others = clients.ask(resolver.server, other_name(3))
        return {"questions": len(names), "replies": [w for _, _, w in first.replies] + heard, "victim": heard[0], "others": others}
    options = None
    if forwarding:
        options = {"forward": [{"zone": "magi.com", "servers": [ATTACKER], "validate": False}],
                   "unbound-lines": ["forward-zone:", '  name: "magi.com."', f"  forward-addr: {ATTACKER}"]}
    ours, theirs = attack(Maginot, drive, options)
    report("MaginotDNS" + (", forwarded" if forwarding else ""), "poisoned answers of 21", "bailiwick of the zone asked", 0, poisoned(ours.replies),
           poisoned(theirs.replies), ours.watched, theirs.watched)
    assert poisoned(ours.replies) == 0
    assert address(VICTIM_A) in ours.victim and address(OTHER_A) in ours.others


def ecs(subnet):
    return struct.pack(">HHHBB", 8, 7, 1, 24, 0) + bytes(map(int, subnet.split(".")))[:3]


def test_rebirthday(attack, report, world):
    """The same question from many clients, with every variation that a client has: one copy is in flight."""
    def drive(resolver):
        wires = []
        for n in range(300):
            options = ecs(f"198.51.{n % 256}.0") if n % 3 == 0 else b""
            name = "".join(c.upper() if (n >> k) & 1 else c for k, c in enumerate("www.victim.com."))
            wires.append(clients.question(name, edns=0 if n % 5 == 4 else 1232, do=n % 2 == 0, options=options,
                                          flags=0x0100 | (0x20 if n % 7 == 0 else 0)))
        sources = [f"127.55.1.{n}" for n in range(1, 101)]
        heard = clients.burst(resolver.server, wires, sources)
        copies = world.seen()["copies"]
        return {"questions": 300, "good": sum(address(VICTIM_A) in wire for _, _, wire in heard.replies),
                "copies": max(copies.get("www.victim.com. 1", 0), 0)}
    ours, theirs = attack(Rebirthday, drive, delay_s=0.25)
    report("RebirthDay", "copies of one question in flight, 300 clients", "one task for a question", COPIES_MAX, ours.copies, theirs.copies, ours.watched, theirs.watched)
    assert ours.good == 300
    assert 1 <= ours.copies <= COPIES_MAX + ours.counters["upstream_timeouts"]  # what is late is asked once more, which depends on the machine


class Sniffer:
    """IPv4 headers of UDP datagrams to a port on loopback: which may be fragmented (no DF), and which are fragments."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("lo", 0))
        self.socket.setblocking(False)

    def packets(self):
        """(source, destination, UDP destination port, DF, fragment, length); each once, though loopback shows it twice."""
        found = []
        while True:
            try:
                data, where = self.socket.recvfrom(65535)
            except BlockingIOError:
                return found
            if where[2] == socket.PACKET_OUTGOING:
                continue
            ip = data[14:]
            flags = struct.unpack(">H", ip[6:8])[0]
            if ip[9] != 17:
                continue
            at = (ip[0] & 15) * 4
            found.append((socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20]), struct.unpack(">H", ip[at + 2:at + 4])[0],
                          bool(flags & 0x4000), bool(flags & 0x3fff), struct.unpack(">H", ip[2:4])[0]))

    def close(self):
        self.socket.close()


def test_fragments(attack, report, world):
    """No authority is asked for more than goes in one piece, what is larger comes over TCP, and no question may be fragmented."""
    def drive(resolver):
        sniffer = Sniffer()
        big = clients.ask(resolver.server, "big.victim.com.", 16)
        small = clients.ask(resolver.server, "www.victim.com.")
        packets = [p for p in sniffer.packets() if p[2] == 53 and p[1].startswith("127.53.")]
        replies = [p for p in sniffer.packets() if p[0] == "127.0.0.1"]
        sniffer.close()
        return {"questions": 2, "seen": world.seen(), "big": big, "small": small, "packets": packets, "replies": replies}
    ours, theirs = attack(Sizes, drive, watch=False)
    sizes = [max(o.seen["sizes"]) for o in (ours, theirs)]
    report("fragment poisoning", "largest UDP reply asked for, bytes", "resolver.edns-size", EDNS_SIZE, *sizes)
    without_df = [sum(not df for _, _, _, df, _, _ in o.packets) for o in (ours, theirs)]
    report("fragment poisoning", "questions that a router may fragment", "DF is set (RFC 9715)", 0, *without_df)
    assert address(VICTIM_A) in ours.small and ours.big is not None and ours.big[2] & 2  # TC: too large for this client, too
    assert sizes[0] <= EDNS_SIZE
    assert ours.seen["tcp"] >= 1
    assert ours.packets and not any(fragment for _, _, _, _, fragment, _ in ours.packets)


