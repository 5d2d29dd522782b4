# SPDX-License-Identifier: GPL-3.0-or-later
"""Designated resolvers (RFC 9462), and whose network an authority is told (RFC 7871), in a running daemon."""
import contextlib
import socket
import subprocess
import threading

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from conftest import free_port, program

DESIGNATED = ["1 dns.example.net. alpn=dot,h2 port=853 dohpath=/dns-query{?dns}", "2 doq.example.net. alpn=doq ipv4hint=192.0.2.1"]


def ask(running, name, rtype, **options):
    return running.ask(name, rtype, use_edns=0, payload=1232, **options)


@pytest.mark.parametrize("designated", [[], DESIGNATED])
def test_designated(daemon, designated):
    running = daemon({"root": {"file": ""}, "local": {"designated": designated}, "resolver": {"allow": ["127.0.0.0/8", "::1"]}})
    reply = ask(running, "_dns.resolver.arpa", "SVCB")
    assert reply.rcode() == dns.rcode.NOERROR
    assert len(reply.answer[0] if reply.answer else []) == len(designated)
    if designated:
        texts = sorted(r.to_text() for r in reply.answer[0])
        assert 'alpn="dot,h2"' in texts[0] and 'port="853"' in texts[0] and "dns.example.net." in texts[0] and "/dns-query" in texts[0]
        assert 'ipv4hint="192.0.2.1"' in texts[1]
        assert reply.answer[0].ttl == 300
    # the name is there, the rest of resolver.arpa is not, and nobody is asked for it
    for name, rtype, rcode in (("_dns.resolver.arpa", "A", dns.rcode.NOERROR), ("resolver.arpa", "SVCB", dns.rcode.NOERROR),
                               ("x.resolver.arpa", "A", dns.rcode.NXDOMAIN)):
        reply = ask(running, name, rtype)
        assert (reply.rcode(), reply.answer) == (rcode, [])
        assert reply.authority[0].rdtype == 6


def test_designated_mistake(daemon):
    broken = daemon({"root": {"file": ""}, "local": {"designated": ["1 dns.example.net. port=x"]}}, start=False)
    done = subprocess.run([program("banyand"), "-c", str(broken.path)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "local.designated[0]" in done.stderr


class Authority(threading.Thread):
    """Answers with the network that it is told."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.told = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.3", port))
        self.start()

    def run(self):
        while True:
            try:
                wire, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if not wire:
                return
            query = dns.message.from_wire(wire)
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AA
            options = [o for o in query.options if isinstance(o, dns.edns.ECSOption)]
            self.told += [o.to_text() for o in options] or ["nothing"]
            if query.question[0].rdtype == 16:
                text = f"{options[0].address}/{options[0].srclen}" if options else "nobody"
                reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "TXT", text))
            reply.use_edns(0, 0, 1232, options=[dns.edns.ECSOption(o.address, o.srclen, o.srclen) for o in options])
            self.socket.sendto(reply.to_wire(), client)

    def stop(self):
        with contextlib.suppress(OSError):  # it has no peer, but the thread wakes
            self.socket.shutdown(socket.SHUT_RDWR)
        self.join(60)
        self.socket.close()


def test_client_subnet(daemon):
    port = free_port(("127.0.0.3",))
    authority = Authority(port)
    running = daemon({"server": {"workers": 1}, "root": {"file": ""}, "stub": [{"zone": "cdn.example", "servers": [f"127.0.0.3@{port}"], "validate": False}],
                      "ecs": {"zones": ["cdn.example"], "trust": ["127.0.0.0/8"], "ipv4-prefix": 20},
                      "resolver": {"allow": ["127.0.0.0/8", "::1"]}})
    try:
        def heard(*options):
            reply = ask(running, "www.cdn.example", "TXT", options=list(options))
            return reply.answer[0][0].to_text(), [o for o in reply.options if isinstance(o, dns.edns.ECSOption)]
        text, options = heard(dns.edns.ECSOption("198.51.111.0", 24))
        assert text == '"198.51.96.0/20"'
        told = authority.told.count("ECS 198.51.96.0/20 scope/0")
        assert told >= 1  # more, if it is slow
        assert (options[0].address, options[0].srclen, options[0].scopelen) == ("198.51.111.0", 24, 20)
        assert heard(dns.edns.ECSOption("198.51.100.0", 24))[0] == '"198.51.96.0/20"'
        assert heard(dns.edns.ECSOption("2001:db8:77::", 56))[0] == '"2001:db8:77::/56"'
        assert heard(dns.edns.ECSOption("0.0.0.0", 0))[0] == '"nobody"'
        assert heard()[0] == '"nobody"'  # a private address says nothing
        assert authority.told.count("ECS 198.51.96.0/20 scope/0") == told
        counters = running.counters()
        assert counters["ecs_sent"] >= 2 and counters["ecs_hits"] == 1
    finally:
        authority.stop()
