# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that do wrong in one way each: a server of transfers and a web server, whose behaviour can be changed while they run."""
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.zone


class Server:
    """Listens by TCP on loopback; `serve(connection)` is the business of whoever is one."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.open = []  # connections that are held
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        connection.settimeout(60)
        try:
            self.serve(connection)
        except (OSError, EOFError):
            pass
        finally:
            if connection not in self.open:
                connection.close()

    def close(self):
        self.socket.close()
        for connection in self.open:
            connection.close()


def exactly(connection, n):
    data = b""
    while len(data) < n:
        piece = connection.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


class Master(Server):
    """Gives a zone by AXFR. `fault`: what it does instead."""

    def __init__(self, text, key=None):
        self.text, self.fault, self.key, self.times = text, None, key, []
        super().__init__()

    def question(self, wire):
        """(the question, whether its key is wrong); a server without keys does not look."""
        if self.key is None:
            return dns.message.from_wire(wire, question_only=True), False
        try:
            return dns.message.from_wire(wire, keyring=dns.tsigkeyring.from_text({self.key[0]: self.key[1]})), False
        except (dns.tsig.BadSignature, dns.message.UnknownTSIGKey):
            return dns.message.from_wire(wire, question_only=True), True

    def tries(self):
        """When it was asked, questions of one try taken together."""
        return [at for i, at in enumerate(self.times) if i == 0 or at - self.times[i - 1] > 0.6]

    def records(self):
        zone = dns.zone.from_text(self.text, origin=".", relativize=False, check_origin=False)
        soa = zone.find_rrset(".", "SOA")
        sets = [dns.rrset.from_rdata_list(name, rdataset.ttl, rdataset) for name, rdataset in zone.iterate_rdatasets()
                if rdataset.rdtype != dns.rdatatype.SOA]
        return [soa, *sets, soa]

    def serve(self, connection):
        while True:
            (length,) = struct.unpack(">H", exactly(connection, 2))
            wire = exactly(connection, length)
            query, wrong = self.question(wire)
            self.times.append(time.monotonic())
            if self.fault == "hangs":
                self.open.append(connection)
                return
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AA
            if wrong or self.fault == "refuses all":
                reply.set_rcode(dns.rcode.NOTAUTH if wrong else dns.rcode.REFUSED)
            elif query.question[0].rdtype == dns.rdatatype.SOA:
                reply.answer = [self.records()[0]]
            elif self.fault == "refuses":
                reply.set_rcode(dns.rcode.REFUSED)
            else:
                reply.answer = self.records()
            transfer = query.question[0].rdtype != dns.rdatatype.SOA
            if not transfer:
                pass
            elif self.fault == "ends early":
                reply.answer = reply.answer[:-2]
            elif self.fault == "another zone":
                reply.answer = [dns.rrset.from_text("other.", 60, "IN", "SOA", "a.other. b.other. 1 1 1 1 1")]
            elif self.fault == "garbage":
                connection.sendall(struct.pack(">H", 40) + b"\xff" * 40)
                continue
            out = reply.to_wire(max_size=65535)
            if transfer and self.fault == "bytes are missing":
                connection.sendall(struct.pack(">H", len(out)) + out[: len(out) // 2])
                return
            connection.sendall(struct.pack(">H", len(out)) + out)
            if transfer and self.fault == "ends early":
                return


class Web(Server):
    """Gives `body` at any path, with the status and the headers that are set."""

    def __init__(self, body=b""):
        self.body, self.status, self.headers, self.length, self.fault = body, "200 OK", [], None, None
        super().__init__()

    def serve(self, connection):
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(4096)
            if not piece:
                return
            request += piece
        if self.fault == "hangs":
            self.open.append(connection)
            return
        length = len(self.body) if self.length is None else self.length
        head = [f"HTTP/1.1 {self.status}", f"Content-Length: {length}", "Connection: close", *self.headers]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        connection.sendall(self.body)
