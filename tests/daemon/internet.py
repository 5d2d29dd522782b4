# SPDX-License-Identifier: GPL-3.0-or-later
"""A few authoritative servers on loopback that remember what they were asked, for tests of how the resolver asks."""
import selectors
import socket
import threading

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.zone

ROOT, TEST, X = "127.0.0.41", "127.0.0.42", "127.0.0.43"

ROOT_TEXT = """
@ 86400 SOA a.root. h. 1 1800 900 604800 86400
@ 86400 NS a.root.
a.root. 86400 A 127.0.0.41
lab. 86400 NS ns.lab.
ns.lab. 86400 A 127.0.0.42
"""
TEST_TEXT = """
@ 3600 SOA ns h 1 1800 900 604800 60
@ 3600 NS ns
ns 3600 A 127.0.0.42
x 3600 NS ns.x
ns.x 3600 A 127.0.0.43
"""
X_TEXT = """
@ 3600 SOA ns h 1 1800 900 604800 60
@ 3600 NS ns
ns 3600 A 127.0.0.43
www 3600 A 192.0.2.1
ftp 3600 A 192.0.2.2
short 1 A 192.0.2.3
a.b.c 60 A 192.0.2.4
big 60 TXT {big}
""".format(big=" ".join('"' + "x" * 250 + '"' for _ in range(12)))


class Server:
    def __init__(self, zones, edit=None):
        self.zones = [dns.zone.from_text(text, origin, relativize=False, check_origin=False) for origin, text in zones]
        self.edit = edit  # edit(query, reply) may change a reply, or return None for silence

    def answer(self, query):
        reply = dns.message.make_response(query)
        question = query.question[0]
        holding = [z for z in self.zones if question.name.is_subdomain(z.origin)]
        if not holding:
            reply.set_rcode(dns.rcode.REFUSED)
            return reply
        zone = max(holding, key=lambda z: len(z.origin))
        for depth in range(len(zone.origin) + 1, len(question.name) + 1):
            cut = dns.name.Name(question.name.labels[-depth:])
            ns = zone.get_rrset(cut, "NS")
            if ns is not None:
                reply.authority.append(ns)
                for server in ns:
                    for kind in ("A", "AAAA"):
                        glue = zone.get_rrset(server.target, kind) if server.target.is_subdomain(zone.origin) else None
                        if glue is not None:
                            reply.additional.append(glue)
                return reply
        reply.flags |= dns.flags.AA
        data = zone.get_rrset(question.name, question.rdtype)
        if data is not None:
            reply.answer.append(data)
            return reply
        if not any(name.is_subdomain(question.name) for name in zone.nodes):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        reply.authority.append(zone.get_rrset(zone.origin, "SOA"))
        return reply


class Seen:
    def __init__(self, server, source, tcp, query):
        self.server, self.source, self.tcp, self.query = server, source, tcp, query
        self.name = query.question[0].name.to_text()
        self.type = dns.rdatatype.to_text(query.question[0].rdtype)
        self.cookie = any(o.otype == dns.edns.OptionType.COOKIE for o in query.options)


class Internet:
    """servers: address -> Server, all on one port."""
    def __init__(self, servers, port):
        self.servers, self.port, self.seen = servers, port, []
        self.selector = selectors.DefaultSelector()
        self.stopping, self.wake = socket.socketpair()
        self.selector.register(self.stopping, selectors.EVENT_READ, None)
        for address in servers:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            udp = socket.socket(family, socket.SOCK_DGRAM)
            udp.bind((address, port))
            tcp = socket.socket(family, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((address, port))
            tcp.listen()
            self.selector.register(udp, selectors.EVENT_READ, (address, self.on_udp))
            self.selector.register(tcp, selectors.EVENT_READ, (address, self.on_connection))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                address, handle = key.data
                handle(key.fileobj, address)

    def reply(self, wire, address, source, tcp):
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        self.seen.append(Seen(address, source, tcp, query))
        server = self.servers[address]
        reply = server.answer(query)
        if server.edit is not None:
            reply = server.edit(query, reply)
        return None if reply is None else reply.to_wire(max_size=65535)

    def on_udp(self, s, address):
        wire, source = s.recvfrom(65535)
        reply = self.reply(wire, address, source[0], False)
        if reply is not None:
            s.sendto(reply, source)

    def on_connection(self, s, address):
        connection, _ = s.accept()
        self.selector.register(connection, selectors.EVENT_READ, (address, self.on_tcp))

    def on_tcp(self, s, address):
        wire = s.recv(65537)
        if len(wire) < 2:
            self.selector.unregister(s)
            s.close()
            return
        reply = self.reply(wire[2:], address, s.getpeername()[0], True)
        if reply is not None:
            s.sendall(len(reply).to_bytes(2, "big") + reply)

    def asked(self, server=None, **fields):
        return [q for q in self.seen if server in (None, q.server) and all(getattr(q, k) == v for k, v in fields.items())]

    def stop(self):
        self.wake.send(b"x")
        self.thread.join(60)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.wake.close()
