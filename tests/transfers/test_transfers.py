# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers by plain clients: who gets what, which words the others get, and what slow ones do."""
import re
import socket
import struct
import subprocess
import time

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.zone
import pytest

from conftest import NAME, PRIMARY, SECRET, Banyand, records, wait_for, zone_text

ZONE, KEYED, CLOSED = "example.net.", "keyed.example.net.", "closed.example.net."
RING = dns.tsigkeyring.from_text({NAME: SECRET})
EXPIRE = 9


def text_zone(text, origin=ZONE):
    zone = dns.zone.from_text(text, origin=origin, relativize=False)
    return sorted(f"{owner.to_text().lower()} {ttl} {rdata.rdtype} {rdata.to_digestable(zone.origin).hex()}"
                  for owner, ttl, rdata in zone.iterate_rdatas())


@pytest.fixture
def primary(tmp_path, started):
    server = Banyand(tmp_path, {ZONE: {"transfer": ["127.0.0.1"]}, KEYED: {"transfer": [f"127.0.0.2 key={NAME}", f"127.0.0.1 key={NAME}"]},
                                CLOSED: {}}, server={"tcp-idle": "10m"})
    for zone in (ZONE, KEYED, CLOSED):
        server.put(zone, zone_text(1, 200))
    started.append(server.start())
    return server


def ask(query, source=None):
    return dns.query.tcp(query, "127.0.0.1", port=PRIMARY, timeout=60, source=source)


def question(zone, kind, key=None, serial=None, **more):
    query = dns.message.make_query(zone, kind, **more)
    query.flags &= ~dns.flags.RD
    if serial is not None:
        query.authority.append(dns.rrset.from_text(zone, 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    if key:
        query.use_tsig(dns.tsigkeyring.from_text({NAME: key} if isinstance(key, str) else key), NAME if isinstance(key, str) else None)
    return query


def ede(reply):
    return [option.code for option in reply.options if option.otype == dns.edns.EDE]


def test_what_arrives_is_what_the_file_says(primary):
    assert records("127.0.0.1", PRIMARY, ZONE) == text_zone(zone_text(1, 200))


@pytest.mark.parametrize("tool", [["dig", "+time=60", "@127.0.0.1", "-p", str(PRIMARY)], ["kdig", "+time=60", "@127.0.0.1", "-p", str(PRIMARY)]], ids=["dig", "kdig"])
def test_the_tools(primary, tool):
    for extra in ([], ["-y", f"hmac-sha256:{NAME}:{SECRET}"]):
        zone = KEYED if extra else ZONE
        out = subprocess.run([*tool, "-q" if tool[0] == "dig" else zone, *([zone] if tool[0] == "dig" else []), "-t", "AXFR", *extra],
                             capture_output=True, text=True, timeout=120).stdout
        owners = re.findall(r"^n\d+\.\S+\s+300\s+IN\s+A\s", out, re.M)
        assert len(owners) == 200, out
        assert "WARNING" not in out and "verif" not in out, out


def test_differences(primary):
    base = dict.fromkeys(text_zone(zone_text(1, 200)))
    primary.put(ZONE, zone_text(2, 200, 5))
    primary.reload()
    replies = list(dns.query.xfr("127.0.0.1", ZONE, rdtype="IXFR", serial=1, port=PRIMARY, relativize=False, lifetime=60))
    flat = [(rrset.name, rrset.ttl, rdata) for reply in replies for rrset in reply.answer for rdata in rrset]
    kinds = [rdata.rdtype for _, _, rdata in flat]
    assert kinds.count(dns.rdatatype.SOA) == 4
    part = 0
    now = set(base)
    for owner, ttl, rdata in flat[1:-1]:
        line = f"{owner.to_text().lower()} {ttl} {rdata.rdtype} {rdata.to_digestable().hex()}"
        if rdata.rdtype == dns.rdatatype.SOA:
            part += 1
        (now.remove if part == 1 else now.add)(line)
    assert sorted(now) == text_zone(zone_text(2, 200, 5))


def test_one_soa_for_who_has_it(primary):
    for serial in (1, 7):
        reply = ask(question(ZONE, "IXFR", serial=serial))
        assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.SOA]
        assert reply.answer[0][0].serial == 1 and reply.flags & dns.flags.AA


def test_over_udp(primary):
    primary.put(ZONE, zone_text(2, 200, 3))
    primary.reload()
    whole = dns.query.udp(question(ZONE, "IXFR", serial=1, use_edns=0, payload=4096), "127.0.0.1", port=PRIMARY, timeout=30)
    assert len(whole.answer) > 1
    short = dns.query.udp(question(ZONE, "IXFR", serial=1), "127.0.0.1", port=PRIMARY, timeout=30)
    alone = dns.query.udp(question(ZONE, "IXFR", serial=0), "127.0.0.1", port=PRIMARY, timeout=30)
    assert [rrset.rdtype for rrset in alone.answer] == [dns.rdatatype.SOA]
    assert len(short.to_wire()) <= 512
    axfr = dns.query.udp(question(ZONE, "AXFR"), "127.0.0.1", port=PRIMARY, timeout=30)
    assert axfr.rcode() == dns.rcode.FORMERR


def test_who_may_not(primary):
    refused = ask(question(CLOSED, "AXFR", use_edns=0))
    assert refused.rcode() == dns.rcode.REFUSED and ede(refused) == [18]
    refused = ask(question(ZONE, "AXFR", use_edns=0), source="127.0.0.2")
    assert refused.rcode() == dns.rcode.REFUSED and ede(refused) == [18]
    refused = ask(question(KEYED, "IXFR", serial=1, use_edns=0))
    assert refused.rcode() == dns.rcode.REFUSED and ede(refused) == [18]
    other = ask(question("other.example.", "AXFR", use_edns=0))
    assert other.rcode() == dns.rcode.NOTAUTH and ede(other) == [20]
    below = ask(question("n0.example.net.", "AXFR"))
    assert below.rcode() == dns.rcode.NOTAUTH
    assert ask(question(ZONE, "IXFR")).rcode() == dns.rcode.FORMERR  # without a serial
    assert primary.counters()["transfers_refused"] == 5
    assert "a transfer of closed.example.net. AXFR by 127.0.0.1@" in primary.log()


def signed(query, when=None, secret=SECRET, name=NAME):
    """By hand, so that the time can be another one."""
    query.use_tsig(dns.tsigkeyring.from_text({name: secret}), name)
    wire = query.to_wire()
    if when is None:
        return wire
    now = time.time
    dns.message.time.time = lambda: when
    try:
        query.use_tsig(dns.tsigkeyring.from_text({name: secret}), name)
        return query.to_wire()
    finally:
        dns.message.time.time = now


def exchange(wire):
    with socket.create_connection(("127.0.0.1", PRIMARY), timeout=60) as sock:
        sock.sendall(struct.pack("!H", len(wire)) + wire)
        stream = sock.makefile("rb")
        return stream.read(struct.unpack("!H", stream.read(2))[0])


def test_signatures_that_are_wrong(primary):
    for wire, error in ((signed(question(KEYED, "AXFR"), secret="d3Jvbmc="), dns.rcode.BADSIG),
                        (signed(question(KEYED, "AXFR"), name="nobody.example"), dns.rcode.BADKEY),
                        (signed(question(KEYED, "AXFR"), when=time.time() - 4000), dns.rcode.BADTIME)):
        reply = exchange(wire)
        assert reply[3] & 15 == dns.rcode.NOTAUTH and reply[10:12] != b"\0\0"
        # the TSIG is last, and ends with MAC size, MAC, ID, error, and our time if theirs is wrong (RFC 8945 section 5.2.3)
        tail = reply[-12:] if error == dns.rcode.BADTIME else reply[-6:]
        assert struct.unpack("!H", tail[2:4])[0] == error
        assert struct.unpack("!H", tail[4:6])[0] == (6 if error == dns.rcode.BADTIME else 0)
        if error != dns.rcode.BADTIME:
            assert reply[-8:-6] == b"\0\0"  # unsigned
    assert primary.counters()["tsig_failed"] == 3


def test_signed_questions_are_answered_signed(primary):
    query = question(KEYED, "SOA")
    query.use_tsig(RING, NAME)
    reply = dns.query.udp(query, "127.0.0.1", port=PRIMARY, timeout=30)  # checks the signature
    assert reply.had_tsig and reply.answer[0][0].serial == 1
    assert records("127.0.0.1", PRIMARY, KEYED, RING) == text_zone(zone_text(1, 200), KEYED)


def test_expire(primary):
    """RFC 7314: told to who asks, with the SOA and with transfers, and nowhere else."""
    option = dns.edns.GenericOption(EXPIRE, b"")
    for kind in ("SOA", "AXFR", "IXFR"):
        reply = ask(question(ZONE, kind, serial=1 if kind == "IXFR" else None, use_edns=0, options=[option]))
        assert [o.data for o in reply.options if o.otype == EXPIRE] == [struct.pack("!I", 86400)], kind
    reply = ask(question(ZONE, "NS", use_edns=0, options=[option]))
    assert not [o for o in reply.options if o.otype == EXPIRE]
    reply = ask(question(ZONE, "SOA", use_edns=0))
    assert not [o for o in reply.options if o.otype == EXPIRE]


# ---- large ones, slow ones ----

NAMES = 100_000


@pytest.fixture(scope="module")
def large_text():
    return zone_text(1, NAMES)


def start_axfr(sock):
    wire = question(ZONE, "AXFR").to_wire()
    sock.sendall(struct.pack("!H", len(wire)) + wire)
    return sock.makefile("rb")


def read_message(stream):
    head = stream.read(2)
    if len(head) < 2:
        return None
    body = stream.read(struct.unpack("!H", head)[0])
    return body if len(body) == struct.unpack("!H", head)[0] else None


def slow_client(buffer=4096):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.settimeout(60)
    sock.connect(("127.0.0.1", PRIMARY))
    return sock


@pytest.fixture
def large(tmp_path, started, large_text, request):
    """How long a client may be silent: longer than any machine needs for what a test does meanwhile, unless it is that what is tried."""
    server = Banyand(tmp_path, {ZONE: {"transfer": ["127.0.0.1"]}, CLOSED: {}}, server={"tcp-idle": getattr(request, "param", "10m"), "workers": 1},
                     transfers={"max": 3, "rate-min": 0})
    server.put(ZONE, large_text)
    server.put(CLOSED, zone_text(1, 1))
    started.append(server.start())
    return server


def test_a_new_version_in_the_middle_of_a_slow_transfer(large, large_text):
    """The stream stays of the version with which it began; who asks anew gets the new one."""
    with slow_client() as sock:
        stream = start_axfr(sock)
        messages = [read_message(stream)]
        large.put(ZONE, large_text.replace(" 1 3600 600 ", " 2 3600 600 ", 1).replace("n77777 A 192.0.2.1\n", ""))
        large.reload()
        assert records_count(ZONE) == (2, NAMES - 1)
        count = 0
        while True:
            parsed = dns.message.from_wire(messages[-1], one_rr_per_rrset=True, xfr=True, origin=dns.name.from_text(ZONE))
            count += sum(1 for r in parsed.answer if r.rdtype == dns.rdatatype.A and r.name.labels[0].startswith(b"n"))
            last = parsed.answer[-1]
            if last.rdtype == dns.rdatatype.SOA and len(messages) > 1:
                break
            messages.append(read_message(stream))
        assert last[0].serial == 1
        assert count == NAMES + 2  # ns and ns.sub
    reply = list(dns.query.xfr("127.0.0.1", ZONE, rdtype="IXFR", serial=1, port=PRIMARY, relativize=False, lifetime=60))
    assert sum(len(r.answer) for r in reply) < 10


def records_count(zone):
    out = subprocess.run(["dig", "@127.0.0.1", "-p", str(PRIMARY), zone, "AXFR", "+time=60", "+noall", "+answer"], capture_output=True, text=True,
                         timeout=120).stdout
    return int(re.search(r"SOA\s+\S+ \S+ (\d+)", out)[1]), len(re.findall(r"^n\d+\.", out, re.M))


@pytest.mark.parametrize("large", ["6s"], indirect=True)
def test_who_does_not_read_costs_a_connection_alone(large):
    with slow_client() as lazy:
        stream = start_axfr(lazy)
        read_message(stream)
        query = question(CLOSED, "SOA").to_wire()
        lazy.sendall(struct.pack("!H", len(query)) + query)  # its other questions are answered in their turn
        assert records_count(ZONE) == (1, NAMES)
        wait_for("the slow client to be closed", lambda: large.counters()["tcp_slow"] == 1)
        wait_for("its transfer to be over", lambda: large.counters()["transfers_broken"] == 1)
    wait_for("the word", lambda: "broken off" in large.log())
    assert records_count(ZONE) == (1, NAMES)


def test_so_many_at_once(large):
    clients = [slow_client() for _ in range(3)]
    streams = [start_axfr(client) for client in clients]
    for stream in streams:
        assert read_message(stream)
    limited = ask(question(ZONE, "AXFR", use_edns=0))
    assert limited.rcode() == dns.rcode.SERVFAIL and ede(limited) == [14]
    assert large.counters()["transfers_limited"] == 1
    for client in clients:
        client.close()
    for stream in streams:
        stream.close()
    wait_for("room again", lambda: large.counters()["transfers_broken"] == 3)
    assert records_count(ZONE) == (1, NAMES)


def test_a_restart_keeps_differences(tmp_path, started):
    server = Banyand(tmp_path, {ZONE: {"transfer": ["127.0.0.1"]}}, transfers={"journal-folder": str(tmp_path)})
    server.put(ZONE, zone_text(1, 200))
    started.append(server.start())
    server.put(ZONE, zone_text(2, 200, 2))
    server.reload()
    server.stop()
    server.put(ZONE, zone_text(3, 200, 4))  # while nobody looked
    server.start()

    def differences(serial):
        return sum(len(r.answer) for r in dns.query.xfr("127.0.0.1", ZONE, rdtype="IXFR", serial=serial, port=PRIMARY, relativize=False,
                                                        lifetime=60))
    assert differences(1) < 40 and differences(2) < 40
    server.stop()
    journal = next(tmp_path.glob("journal.*"))
    journal.write_bytes(journal.read_bytes()[:-100])
    server.start()
    assert "is no journal that can be used" in server.log()
    assert differences(2) > 150
