# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers from NSD, and from servers that stall, lie, send without end or break off."""
import contextlib
import socket
import struct
import threading

import dns.message
import dns.rcode
import pytest
from basics import DEADLINE_S
from conftest import dns_request, dns_send, soa_reply


def test_from_nsd_with_a_key(nsd, probe, root):
    source = f"xfr:127.0.0.1@{nsd.port} key=k.example"
    (row,), status = probe(source, options=["--key-file", str(nsd.key_file)])
    assert status == 0 and row["proves"] and row["serial"] == root.serial
    assert row["from"] == f"127.0.0.1@{nsd.port}"


def test_the_key_counts(nsd, probe, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("hmac-sha256:k.example:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    (row,), status = probe(f"xfr:127.0.0.1@{nsd.port} key=k.example", options=["--key-file", str(wrong)])
    assert status == 1 and "key" in row["trouble"]
    (row,), status = probe(f"xfr:127.0.0.1@{nsd.port} key=other")
    assert status == 1 and "--key-file" in row["trouble"]
    (row,), status = probe(f"xfr:127.0.0.1@{nsd.port}")
    assert status == 1 and row["reachable"] and "REFUSED" in row["trouble"]


def test_a_name_with_addresses_needs_no_resolver(nsd, probe):
    source = f"xfr:ns.invalid@{nsd.port} address=127.0.0.7 address=127.0.0.1 key=k.example"
    (row,), status = probe(source, options=["--key-file", str(nsd.key_file)], time_s=60)
    assert status == 0 and row["proves"], row


class Udp:
    """A UDP socket of one function, beside a Server on the same port."""

    def __init__(self, port, reply):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.asked = []
        self.reply = reply
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(65535)
                if not data:
                    return
                self.asked.append(dns.message.from_wire(data))
                for wire in self.reply(self.asked[-1]):
                    self.socket.sendto(wire, peer)
            except OSError:
                return

    def stop(self):
        with contextlib.suppress(OSError):  # it has no peer, but the thread wakes
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(DEADLINE_S)
        self.socket.close()


def answers_soa(serial):
    def serve(server, connection):
        while (question := dns_request(connection)) is not None:
            dns_send(connection, soa_reply(question, serial).to_wire())
    return serve


@pytest.fixture
def dns_server(server):
    """A Server whose UDP answers by the second function."""
    opened = []

    def start(serve, udp):
        there = server(serve)
        opened.append(Udp(there.port, udp))
        there.udp = opened[-1]
        return there

    yield start
    for each in opened:
        each.stop()


def test_serial_by_udp_with_expire(dns_server, probe):
    def reply(question):
        assert [(o.otype, o.to_wire()) for o in question.options] == [(9, b"")]
        answer = soa_reply(question, 77)
        answer.use_edns(0, options=[dns.edns.GenericOption(9, struct.pack("!I", 4711))])
        return [answer.to_wire()]

    there = dns_server(answers_soa(78), reply)
    (row,), status = probe(f"xfr:127.0.0.1@{there.port}", fetch=False)
    assert status == 0 and row["serial"] == 77 and row["expire_s"] == 4711
    assert there.connections == 0


def truncated(question):
    answer = dns.message.make_response(question)
    answer.flags |= dns.flags.TC
    return [answer.to_wire()]


def refuses_edns(question):
    answer = dns.message.make_response(question)
    answer.use_edns(-1)
    answer.set_rcode(dns.rcode.FORMERR)
    return [answer.to_wire()]


def another_id(question):
    answer = soa_reply(question, 99)
    answer.id ^= 1
    return [answer.to_wire()]


def another_question(question):
    return [soa_reply(dns.message.make_query("example.", "SOA", id=question.id), 99).to_wire()]


@pytest.mark.parametrize("udp", [truncated, refuses_edns, another_id, another_question, lambda question: [],
                                 lambda question: [b"x", b"\0" * 600]])
def test_serial_by_tcp_when_udp_does_not_help(dns_server, probe, udp):
    there = dns_server(answers_soa(78), udp)
    (row,), status = probe(f"xfr:127.0.0.1@{there.port}", fetch=False)
    assert status == 0 and row["serial"] == 78, row


def test_lagging_sources_are_seen(dns_server, probe):
    old = dns_server(answers_soa(5), lambda q: [soa_reply(q, 5).to_wire()])
    new = dns_server(answers_soa(9), lambda q: [soa_reply(q, 9).to_wire()])
    rows, status = probe(f"xfr:127.0.0.1@{old.port}", f"xfr:127.0.0.1@{new.port}", fetch=False)
    assert status == 1 and rows[0]["behind"] is True and rows[1]["behind"] is False and rows[1]["rank"] == 1


# ---- transfers that do not come to an end ----

def transferring(rest):
    """Answers SOA, begins AXFR, and goes on with `rest`."""

    def serve(server, connection):
        while (question := dns_request(connection)) is not None:
            first = soa_reply(question, 9)
            dns_send(connection, first.to_wire())
            if question.question[0].rdtype != 6:
                rest(server, connection, question)
                return
    return serve


def record(question, n):
    answer = dns.message.make_response(question)
    answer.answer.append(dns.rrset.from_text(f"n{n}.", 60, "IN", "TXT", *["x" * 250] * 50))
    return answer.to_wire()


def stalls(server, connection, question):
    server.stopped.wait()


def drips(server, connection, question):
    connection.sendall(struct.pack("!H", 60000))
    while not server.stopped.wait(0.2):
        connection.sendall(b"x")


def endless_records(server, connection, question):
    wire = record(question, 1)
    while not server.stopped.is_set():
        dns_send(connection, wire)


def endless_nothing(server, connection, question):
    while not server.stopped.is_set():
        dns_send(connection, dns.message.make_response(question).to_wire())


def closes(server, connection, question):
    dns_send(connection, record(question, 1))


def garbage(server, connection, question):
    dns_send(connection, b"\xff" * 300)


def another_reply(server, connection, question):
    question.id ^= 1
    dns_send(connection, record(question, 1))


def another_serial(server, connection, question):
    dns_send(connection, soa_reply(question, 10).to_wire())


def goes_on(server, connection, question):
    dns_send(connection, record(question, 1))
    answer = soa_reply(question, 9)
    answer.answer.append(dns.rrset.from_text("a.", 60, "IN", "TXT", "more"))
    dns_send(connection, answer.to_wire())


@pytest.mark.parametrize("rest, words", [
    (stalls, "not done"), (drips, "not done"), (endless_records, "limit of"), (endless_nothing, "no record"), (closes, "closed"),
    (garbage, ""), (another_reply, "no reply"), (another_serial, "changed while"), (goes_on, "behind the end"),
])
def test_a_bad_transfer_costs_its_turn(dns_server, probe, rest, words):
    there = dns_server(transferring(rest), lambda q: [soa_reply(q, 9).to_wire()])
    (row,), status = probe(f"xfr:127.0.0.1@{there.port}", time_s=6 if rest in (stalls, drips) else 60)
    assert status == 1 and row["reachable"] and row["trouble"] and words in row["trouble"], row
