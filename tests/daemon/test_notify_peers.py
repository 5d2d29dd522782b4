# SPDX-License-Identifier: GPL-3.0-or-later
"""NOTIFY out: NSD, Knot DNS and BIND are told of new versions; peers register, and nobody is registered who did not ask himself."""
import os
import signal
import socket
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.tsigkeyring
import pytest

import others
from conftest import DEADLINE_S, example_zone, free_port, wait_for

SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
RING = dns.tsigkeyring.from_text({"k.test.": SECRET})
REGISTRATION, COOKIE = 65353, 10
GRANTED, REFUSED, UNPROVED, FULL, MALFORMED = range(5)


@pytest.fixture
def publisher(daemon, tmp_path):
    """A daemon that serves example. and tells others of it; publisher.change(serial) gives it a new version."""
    def start(zone=None, server=None, **options):
        path = tmp_path / "example.zone"
        path.write_text(example_zone(1))
        config = {"server": dict(server or {}), "resolver": {"enabled": False},
                  "keys": [{"name": "k.test", "secret": SECRET}],
                  "zones": [dict({"name": "example.", "file": str(path)}, **(zone or {}))]}
        d = daemon(config, **options)

        def change(serial):
            path.write_text(example_zone(serial))
            code, out, err = d.cli("reload")
            assert code == 0, out + err
        d.change = change
        d.peers = lambda: (d.status()["notified"] or [{"list": []}])[0]["list"]
        return d
    return start


# ---- secondaries of others


def nsd(folder, port, primary, key):
    word = "k.test" if key else "NOKEY"
    return others.nsd(folder, f"127.0.0.1@{port}", "example", [f"allow-notify: 127.0.0.1 {word}", f"request-xfr: 127.0.0.1@{primary} {word}"],
                      key="k.test", secret=SECRET)


def knot(folder, port, primary, key):
    return others.knot(folder, f"127.0.0.1@{port}", "example", ["master: r"], remote=f"127.0.0.1@{primary}", actions="notify", signed=key,
                       key="k.test", secret=SECRET)


def bind(folder, port, primary, key):
    word = "key k.test" if key else ""
    return others.bind(folder, f"127.0.0.1@{port}", "example", ["type secondary;", f"primaries {{ 127.0.0.1 port {primary} {word}; }};",
                                                                f"allow-notify {{ {word if key else '127.0.0.1'}; }};"],
                       key="k.test", secret=SECRET)


KINDS = {"nsd": nsd, "knot": knot, "bind": bind}


@pytest.fixture
def secondary(tmp_path):
    running = []

    def start(kind, port, primary, key):
        running.append(others.Other(tmp_path / kind, KINDS[kind](tmp_path / kind, port, primary, key)))
        return running[-1].start().answers("example.", port)
    yield start
    for other in running:
        other.stop()


@pytest.mark.parametrize("key", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("kind", KINDS)
def test_secondaries_confirm(publisher, secondary, kind, key):
    port, own = free_port(), free_port(("127.0.0.1", "::1"))
    secondary(kind, port, own, key)
    d = publisher({"notify": [f"127.0.0.1@{port}" + (" key=k.test" if key else "")]}, port=own)

    def knows(serial):
        peers = d.peers()
        return len(peers) == 1 and not peers[0]["waiting"] and peers[0].get("serial") == serial and peers[0]
    peer = wait_for("the first confirmation", lambda: knows(1))
    assert peer["address"] == f"127.0.0.1@{port}" and peer["key"] == ("k.test." if key else "") and not peer["registered"]
    d.change(2)
    wait_for("the second one", lambda: knows(2))
    counters = d.counters()
    assert counters["notifies_confirmed"] == 2 and counters["notifies_unanswered"] == 0
    assert f"127.0.0.1@{port}{' with key k.test.' if key else ''}: configured, knows of serial 2" in d.cli("status")[1]


# ---- peers that register


class Peer:
    """A socket that registers for itself and takes what comes."""

    def __init__(self, d, address="127.0.0.1"):
        self.d = d
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(DEADLINE_S)
        self.port = self.socket.getsockname()[1]
        self.cookie = bytes(range(8))
        self.confirmed = set()  # notifications that may come once more, when what confirms them was slow

    def question(self, lifetime=600, release=False, cookie=True, port=None, data=None, zone="example."):
        if data is None:
            port = self.port if port is None else port
            data = bytes([1, 0x80 if release else 0]) + port.to_bytes(2, "big") + lifetime.to_bytes(4, "big")
        options = [dns.edns.GenericOption(REGISTRATION, data)]
        if cookie:
            options.append(dns.edns.GenericOption(COOKIE, self.cookie))
        return dns.message.make_query(zone, "SOA", use_edns=0, options=options)

    def result(self, reply):
        assert reply.rcode() == dns.rcode.NOERROR and reply.answer[0][0].serial, reply
        found = [o.data for o in reply.options if o.otype == REGISTRATION]
        self.cookie = ([o.data for o in reply.options if o.otype == COOKIE] or [self.cookie])[0]
        if not found:
            return None
        data = found[0]
        assert len(data) == 8 and data[0] == 1
        return data[1], int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")

    def ask(self, **options):
        query = self.question(**options)
        self.socket.sendto(query.to_wire(), ("127.0.0.1", self.d.port))
        reply = dns.message.from_wire(self.next()[0])
        assert reply.id == query.id
        return self.result(reply)

    def next(self):
        """What comes next, but for notifications that were confirmed already, and the sender."""
        while True:
            wire, sender = self.socket.recvfrom(4096)
            if wire[:3] not in self.confirmed:
                return wire, sender

    def ask_tcp(self, source="127.0.0.1", keyring=None, **options):
        query = self.question(cookie=False, **options)
        if keyring:
            query.use_tsig(keyring)
        return self.result(dns.query.tcp(query, "127.0.0.1", port=self.d.port, timeout=30, source=source))

    def notified(self, keyring=None, confirm=True):
        wire, sender = self.next()
        notify = dns.message.from_wire(wire, keyring=keyring)
        assert notify.opcode() == dns.opcode.NOTIFY and notify.flags & dns.flags.AA and not notify.flags & dns.flags.QR
        assert sender[0] == "127.0.0.1"
        if confirm:
            reply = dns.message.make_response(notify)
            self.confirmed.add(wire[:3])
            self.socket.sendto(reply.to_wire(), sender)
        return notify.answer[0][0].serial

    def hears_nothing(self):
        self.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.next()
        self.socket.settimeout(DEADLINE_S)


def test_register_by_cookie(publisher):
    d = publisher({"register": ["127.0.0.0/8"]})
    peer = Peer(d)
    assert peer.ask()[0] == UNPROVED  # only a client cookie
    assert d.peers() == []
    assert peer.ask() == (GRANTED, peer.port, 600)
    assert peer.ask(lifetime=1) == (GRANTED, peer.port, 60)
    assert peer.ask(lifetime=2**32 - 1) == (GRANTED, peer.port, 86400)
    peer.hears_nothing()
    d.change(2)
    assert peer.notified() == 2
    wait_for("the confirmation", lambda: d.peers()[0].get("serial") == 2 and not d.peers()[0]["waiting"])
    d.change(2)
    d.change(1)  # neither is newer
    d.change(3)
    assert peer.notified() == 3
    assert d.peers()[0]["registered"] and "registered until " in d.cli("status")[1]
    wait_for("the confirmation", lambda: d.peers()[0].get("serial") == 3)
    assert peer.ask(release=True, lifetime=0) == (GRANTED, peer.port, 0)
    assert d.peers() == []
    d.change(4)
    d.change(5)
    peer.hears_nothing()
    counters = d.counters()
    assert (counters["registrations"], counters["registrations_unproved"], counters["notifies_sent"]) == (1, 1, 2)


def test_forged_registrations_send_nothing(publisher):
    """Who cannot read what goes to an address cannot register it, whatever cookie is made up."""
    d = publisher({"register": ["0.0.0.0/0"]})
    victim = Peer(d, "127.0.0.9")
    for guess in (bytes(8), bytes(24), bytes(8) + b"\1\0\0\0" + bytes(12), os.urandom(24), os.urandom(40)):
        victim.cookie = guess
        assert victim.ask()[0] == UNPROVED
    other = Peer(d, "127.0.0.10")
    other.ask()
    victim.cookie = other.cookie  # good, but of another address
    assert victim.ask()[0] == UNPROVED
    assert victim.ask(cookie=False)[0] == UNPROVED
    d.change(2)
    d.change(3)
    assert d.peers() == []
    victim.hears_nothing()
    assert d.counters()["notifies_sent"] == 0 and d.counters()["registrations"] == 0


def test_register_by_tcp_and_rules(publisher):
    d = publisher({"register": ["127.0.0.1"]}, server={"registrations-per-address": 2})
    peer = Peer(d)
    assert peer.ask_tcp() == (GRANTED, peer.port, 600)
    assert peer.ask_tcp(source="127.0.0.2")[0] == REFUSED
    assert peer.ask_tcp(port=0)[:2] == (GRANTED, 53)
    assert peer.ask_tcp(port=5300)[0] == FULL
    assert peer.ask_tcp() == (GRANTED, peer.port, 600)
    for data in (b"", b"\1", bytes(8), b"\2" + bytes(7), b"\1" + bytes(8)):
        assert peer.ask_tcp(data=data)[0] == MALFORMED
    assert [p["address"] for p in d.peers()] == [f"127.0.0.1@{peer.port}", "127.0.0.1@53"]
    # names that are no zone here, and other types, get no option
    reply = dns.query.tcp(peer.question(zone="www.example.", cookie=False), "127.0.0.1", port=d.port, timeout=30)
    assert all(o.otype != REGISTRATION for o in reply.options)
    counters = d.counters()
    assert counters["registrations_refused"] == 6 and counters["registrations_full"] == 1


def test_register_by_key(publisher):
    d = publisher({"register": ["key=k.test"]})
    peer = Peer(d)
    assert peer.ask_tcp()[0] == REFUSED
    assert peer.ask_tcp(keyring=RING) == (GRANTED, peer.port, 600)
    assert d.peers()[0]["key"] == "k.test."
    d.change(2)
    assert peer.notified(keyring=RING) == 2
    wait_for("the confirmation", lambda: d.peers()[0].get("serial") == 2)
    assert peer.ask_tcp(release=True)[0] == REFUSED
    assert len(d.peers()) == 1
    assert peer.ask_tcp(keyring=RING, release=True)[0] == GRANTED
    assert d.peers() == []
    # a key that is not known
    other = dns.tsigkeyring.from_text({"other.": SECRET})
    query = peer.question(cookie=False)
    query.use_tsig(other)
    with pytest.raises(dns.exception.DNSException):
        dns.query.tcp(query, "127.0.0.1", port=d.port, timeout=30)
    assert d.peers() == []


def test_no_registrations_without_being_told(publisher):
    d = publisher({"notify": []})
    peer = Peer(d)
    assert peer.ask_tcp() is None
    assert d.status()["notified"] == []


def test_silent_peers_and_reload(publisher):
    """Registrations stay over a reload; without replies there are copies, and forged replies are none."""
    d = publisher({"register": ["127.0.0.1"]})
    peer, liar = Peer(d), Peer(d)
    peer.ask_tcp()
    d.change(2)
    wire, sender = peer.socket.recvfrom(4096)
    first = dns.message.from_wire(wire)
    reply = dns.message.make_response(first)
    liar.socket.sendto(reply.to_wire(), sender)  # from another port
    reply.id ^= 1
    peer.socket.sendto(reply.to_wire(), sender)  # another message
    again, sender = peer.socket.recvfrom(4096)
    assert dns.message.from_wire(again).id == first.id
    reply.id = first.id
    peer.socket.sendto(reply.to_wire(), sender)
    wait_for("the confirmation", lambda: d.peers()[0].get("serial") == 2 and not d.peers()[0]["waiting"])
    assert d.counters()["notifies_repeated"] >= 1 and d.counters()["notifies_confirmed"] == 1


def test_registrations_outlive_restarts(publisher, tmp_path):
    """Within their lifetimes, by the rules of the day; and what came meanwhile is told."""
    (tmp_path / "state").mkdir(mode=0o777)
    (tmp_path / "state").chmod(0o777)
    d = publisher({"register": ["127.0.0.1", "key=k.test"]}, env={"STATE_DIRECTORY": str(tmp_path / "state")})
    peer, keyed = Peer(d), Peer(d)
    assert peer.ask_tcp(lifetime=600)[0] == GRANTED
    assert keyed.ask_tcp(keyring=RING, lifetime=900)[0] == GRANTED
    before = {p["address"]: p for p in d.peers()}
    assert len(before) == 2
    d.stop()
    (tmp_path / "example.zone").write_text(example_zone(2))
    d.start()
    after = {p["address"]: p for p in d.peers()}
    assert after.keys() == before.keys()
    for address, now in after.items():
        assert now["registered"] and now["key"] == before[address]["key"]
        assert now["until"] <= before[address]["until"]
    assert peer.notified() == 2 and keyed.notified(keyring=RING) == 2
    d.stop()
    d.config["zones"][0]["register"] = ["key=k.test"]
    d.write()
    d.start()
    assert [p["address"] for p in d.peers()] == [f"127.0.0.1@{keyed.port}"]
    d.stop()
    (tmp_path / "state" / "registrations.state").write_text("nonsense")
    d.start()
    assert d.peers() == [] and "not a list of registrations" in d.log()


@pytest.mark.parametrize("zone, words", [
    ({"notify": ["nowhere"]}, "zones[0].notify: found 'nowhere'"),
    ({"notify": ["192.0.2.1 secret"]}, "zones[0].notify: found '192.0.2.1 secret'"),
    ({"notify": ["192.0.2.1 from=2001:db8::1"]}, "zones[0].notify: found '192.0.2.1 from=2001:db8::1'"),
    ({"notify": ["192.0.2.1 from=192.0.2.2@53"]}, "of the same family"),
    ({"notify": ["192.0.2.1 key=other"]}, "zones[0].notify: there is no key 'other.' among keys"),
    ({"register": ["192.0.2.0/33"]}, "zones[0].register: found '192.0.2.0/33'"),
    ({"register": ["key=other"]}, "zones[0].register: there is no key 'other.' among keys"),
])
def test_wrong_words(publisher, zone, words):
    d = publisher(zone, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) != 0
    assert words in d.log()
    d.process = None


# ---- from which address, and to which


def heeds(kind, folder, port, own, address):
    """A secondary that fetches from 127.0.0.8 and heeds notifications of one address alone, beside those of its primary."""
    if kind == "nsd":
        made = others.nsd(folder, f"127.0.0.1@{port}", "example", [f"allow-notify: {address} NOKEY", f"request-xfr: 127.0.0.8@{own} NOKEY"])
    else:
        made = others.bind(folder, f"127.0.0.1@{port}", "example", ["type secondary;", f"primaries {{ 127.0.0.8 port {own}; }};",
                                                                    f"allow-notify {{ {address}; }};"])
    return others.Other(folder, made).start()


@pytest.mark.parametrize("kind, how, address", [("nsd", "from", "127.0.0.7"), ("bind", "from", "127.0.0.7"),
                                                ("bind", "notify-source", "127.0.0.7"), ("nsd", "listen", "127.0.0.8")])
def test_only_heeded_from_one_address(publisher, tmp_path, kind, how, address):
    """The kernel alone would send from 127.0.0.1, which no one of them heeds."""
    port, own = free_port(), free_port(("127.0.0.8",))
    server = {"notify-source": ["::1", address]} if how == "notify-source" else {}
    d = publisher({"notify": [f"127.0.0.1@{port}" + (f" from={address}" if how == "from" else "")],
                   "transfer": ["127.0.0.0/8"]}, server, port=own, addresses=("127.0.0.8",))
    other = heeds(kind, tmp_path / kind, port, own, address)
    try:
        wait_for(f"serial 1: {other.log()}", lambda: others.serial_at("example.", port) == 1)
        d.change(2)
        wait_for(f"serial 2: {other.log()}", lambda: others.serial_at("example.", port) == 2)
        wait_for("the confirmation", lambda: d.peers()[0].get("serial") == 2)
    finally:
        other.stop()


@pytest.mark.parametrize("listen, place", [(["127.0.0.5@{a}", "127.0.0.1@{b}"], "127.0.0.1@{b}"), (["127.0.0.5@{a}"], "127.0.0.5@{a}"),
                                           (["0.0.0.0@{a}"], "127.0.0.1@{a}"), (["::1@{a}", "127.0.0.1@{b}"], "127.0.0.1@{b}")])
def test_registers_where_it_listens(publisher, daemon, tmp_path, listen, place):
    ports = {"a": free_port(("127.0.0.1", "127.0.0.5", "::1")), "b": free_port()}
    d = publisher({"register": ["127.0.0.0/8"], "transfer": ["127.0.0.0/8"]})
    zone = {"name": "example.", "store": str(tmp_path / "store"), "refresh-min": "1h", "sources": [f"xfr:127.0.0.1@{d.port} register=on"]}
    peer = daemon({"server": {"listen": [text.format(**ports) for text in listen], "workers": 1}, "resolver": {"enabled": False}, "zones": [zone]},
                  port=ports["a"])
    expected = place.format(**ports)
    wait_for("its registration", lambda: [p["address"] for p in d.peers()] == [expected])
    address, _, port = expected.partition("@")
    wait_for("the first version", lambda: others.serial_at("example.", int(port), address) == 1)
    d.change(2)
    wait_for(f"the second one, by NOTIFY: {peer.log()}", lambda: others.serial_at("example.", int(port), address) == 2)
    assert peer.counters()["copy_notifies"] >= 1


@pytest.fixture
def registering(publisher, daemon, tmp_path):
    """A publisher, and a secondary that registers with it."""
    def start(key=False, **sources):
        d = publisher({"register": ["key=k.test" if key else "127.0.0.0/8"], "transfer": ["127.0.0.0/8"]})
        zone = {"name": "example.", "store": str(tmp_path / "store"), "refresh-min": "1h",
                "sources": [f"xfr:127.0.0.1@{d.port} register=on" + (" key=k.test" if key else "")]}
        keys = [{"name": "k.test", "secret": SECRET}] if key else []
        peer = daemon({"server": {"workers": 1}, "resolver": {"enabled": False}, "zones": [zone], "keys": keys})
        wait_for("its registration", lambda: len(d.peers()) == 1)
        wait_for("the first version", lambda: others.serial_at("example.", peer.port) == 1)
        return d, peer
    return start


@pytest.mark.parametrize("key", [False, True], ids=["unsigned", "signed"])
def test_who_ends_says_so(registering, key):
    """The publisher does not notify a place where nobody is any more; who comes back registers anew at once, with what it has."""
    d, peer = registering(key)
    peer.stop()
    wait_for("the end of its registration", lambda: d.peers() == [])
    peer.start()
    wait_for("the new one", lambda: [p["address"] for p in d.peers()] == [f"127.0.0.1@{peer.port}"])
    d.change(2)
    wait_for("the second version, by NOTIFY", lambda: others.serial_at("example.", peer.port) == 2)


@pytest.mark.parametrize("how", ["no source", "no zone"])
def test_who_goes_elsewhere_says_so(registering, tmp_path, how):
    d, peer = registering()
    zone = peer.config["zones"][0]
    if how == "no zone":
        peer.config["zones"] = []
    else:
        zone["sources"] = [f"xfr:127.0.0.1@{d.port}"]
    peer.write()
    assert peer.cli("reload")[0] == 0
    wait_for("the end of its registration", lambda: d.peers() == [])


def test_a_source_that_is_mute_holds_up_no_end(registering):
    d, peer = registering()
    d.process.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        peer.stop()
        assert time.monotonic() - begun < 20  # a second, on a machine that has nothing else to do
    finally:
        d.process.send_signal(signal.SIGCONT)
