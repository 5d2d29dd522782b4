# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of the root, and sources of copies that do as a test says. Each writes down what it was asked."""
import contextlib
import gzip
import http.server
import socket
import struct
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype as T
import dns.renderer
import dns.rrset

import rootzone

EXPIRE = 9  # RFC 7314


class Asked(list):
    """What a server was asked: (when, transport or method, what)."""

    def of(self, *kinds):
        return [entry for entry in self if entry[2] in kinds]

    def since(self, when):
        return [entry for entry in self if entry[0] >= when]


class DNSServer:
    """UDP and TCP at one address; a subclass says what it replies."""

    def __init__(self, address, port=53):
        self.address, self.port, self.asked, self.open = address, port, Asked(), True
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.udp.bind((address, port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((address, port))
        self.tcp.listen(64)
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def note(self, transport, query):
        question = query.question[0]
        self.asked.append((time.monotonic(), transport, T.to_text(question.rdtype), question.name.to_text()))

    def serve_udp(self):
        while True:
            try:
                wire, client = self.udp.recvfrom(65535)
                if not wire and not self.open:
                    return
                query = dns.message.from_wire(wire, ignore_trailing=True)
                self.note("udp", query)
                reply = self.reply(query, False)
                if reply is not None:
                    self.udp.sendto(reply, client)
            except OSError:
                return
            except Exception:  # noqa: BLE001 - what cannot be read is not answered
                pass

    def serve_tcp(self):
        while True:
            try:
                stream, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.one_stream, args=(stream,), daemon=True).start()

    def one_stream(self, stream):
        try:
            with stream:
                while True:
                    size = self.read(stream, 2)
                    wire = self.read(stream, int.from_bytes(size, "big"))
                    query = dns.message.from_wire(wire, ignore_trailing=True)
                    self.note("tcp", query)
                    self.tcp_reply(stream, query)
        except (OSError, EOFError):
            pass

    def tcp_reply(self, stream, query):
        reply = self.reply(query, True)
        if reply is not None:
            stream.sendall(len(reply).to_bytes(2, "big") + reply)

    @staticmethod
    def read(stream, size):
        data = b""
        while len(data) < size:
            more = stream.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def close(self):
        self.open = False
        for each in (self.udp, self.tcp):
            with contextlib.suppress(OSError):  # of UDP: it has no peer, but the thread wakes
                each.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(60)
        self.udp.close()
        self.tcp.close()


# Who cannot be told other servers of the root knows these. They are addresses of the loopback here.
OFFICIAL = ["198.41.0.4", "170.247.170.2", "199.9.14.201", "192.33.4.12", "199.7.91.13", "192.203.230.10", "192.5.5.241", "192.112.36.4",
            "198.97.190.53", "192.36.148.17", "192.58.128.30", "193.0.14.129", "199.7.83.42", "202.12.27.33"]


class RootServer(DNSServer):
    """Answers from a version as a root server does; `up` = False: silence. Its `others` are the same at other addresses."""

    def __init__(self, address, others=()):
        self.version, self.up = None, True
        super().__init__(address)
        self.others = [OtherRootServer(other, self) for other in others]

    def close(self):
        super().close()
        for other in self.others:
            other.close()

    def reply(self, query, tcp):
        if not self.up:
            return None
        if query.question[0].rdtype in (T.AXFR, T.IXFR):
            reply = dns.message.make_response(query)
            reply.set_rcode(dns.rcode.REFUSED)
            return reply.to_wire()
        reply = self.version.answer(query)
        size = 65535 if tcp else max(512, query.payload) if query.edns >= 0 else 512
        try:
            return reply.to_wire(max_size=size)
        except dns.exception.TooBig:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            return short.to_wire()


class OtherRootServer(DNSServer):
    def __init__(self, address, first):
        self.first = first
        super().__init__(address)
        self.asked = first.asked

    def reply(self, query, tcp):
        return self.first.reply(query, tcp)


class Primary(DNSServer):
    """A source of transfers. `mode`: good, silent, refuses, stalls, endless, closes, garbage, lies (its SOA is one newer)."""

    def __init__(self, address, version=None, mode="good", expire_s=None, records_per_message=40):
        self.version, self.mode, self.expire_s, self.per_message = version, mode, expire_s, records_per_message
        super().__init__(address)

    def soa_reply(self, query):
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        soa = self.version.sets[(rootzone.ROOT, T.SOA)]
        if self.mode == "lies":
            text = soa[0].to_text().replace(str(self.version.serial), str(self.version.serial + 1))
            soa = dns.rrset.from_text(rootzone.ROOT, soa.ttl, "IN", "SOA", text)
        reply.answer.append(soa)
        if query.ednsflags & dns.flags.DO:
            reply.answer.append(self.version.signatures[(rootzone.ROOT, T.SOA)])
        if self.expire_s is not None and any(option.otype == EXPIRE for option in query.options):
            reply.use_edns(options=[dns.edns.GenericOption(EXPIRE, struct.pack("!I", self.expire_s))])
        return reply

    def reply(self, query, tcp):
        if self.mode == "silent" or self.version is None:
            return None
        if self.mode == "refuses":
            reply = dns.message.make_response(query)
            reply.set_rcode(dns.rcode.REFUSED)
            return reply.to_wire()
        if query.question[0].rdtype == T.SOA and query.question[0].name == rootzone.ROOT:
            return self.soa_reply(query).to_wire()
        if query.question[0].rdtype == T.IXFR and not tcp:
            return self.soa_reply(query).to_wire()
        return self.version.answer(query).to_wire()

    def tcp_reply(self, stream, query):
        if query.question[0].rdtype not in (T.AXFR, T.IXFR) or self.mode in ("silent", "refuses"):
            super().tcp_reply(stream, query)
            return
        if query.question[0].rdtype == T.IXFR:
            have = next((rrset[0].serial for rrset in query.authority if rrset.rdtype == T.SOA), None)
            if have == self.version.serial:
                super().tcp_reply(stream, query)
                return
        self.transfer(stream, query)

    def messages(self, query):
        singles = [(rrset.name, rrset.ttl, rdata) for rrset in self.version.records() for rdata in rrset]
        singles.append(singles[0])
        while True:
            for at in range(0, len(singles), self.per_message):
                reply = dns.message.make_response(query)
                reply.flags |= dns.flags.AA
                for owner, ttl, rdata in singles[at:at + self.per_message]:
                    reply.answer.append(dns.rrset.from_rdata(owner, ttl, rdata))
                yield reply
            if self.mode != "endless":
                return
            singles = singles[1:-1]

    def transfer(self, stream, query):
        sent = 0
        for reply in self.messages(query):
            wire = reply.to_wire(max_size=65535)
            if self.mode == "garbage" and sent > 0:
                wire = wire[:20] + bytes(len(wire) - 20)
            stream.sendall(len(wire).to_bytes(2, "big") + wire)
            sent += 1
            if self.mode == "closes":
                raise EOFError
            if self.mode == "stalls":
                self.read(stream, 1)  # for as long as the other side has patience
                return


class WebSource:
    """The zone as a file at http://ADDRESS/root.zone, with ETag and Last-Modified; `mode`: good, error, stalls, endless."""

    def __init__(self, address, version=None, mode="good", compressed=False):
        self.version, self.mode, self.compressed, self.asked = version, mode, compressed, Asked()
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def body(self):
                body = source.version.text().encode()
                return gzip.compress(body) if source.compressed else body

            def give(self, with_body):
                tag = f'"{source.version.serial}-{id(source.version)}"' if source.version else ""
                conditional = self.headers.get("If-None-Match") or self.headers.get("If-Modified-Since")
                source.asked.append((time.monotonic(), "http", self.command, "conditional" if conditional else ""))
                if source.mode == "error" or source.version is None:
                    self.send_error(503)
                    return
                if conditional and (self.headers.get("If-None-Match") == tag or self.headers.get("If-Modified-Since") == self.date(source.version)):
                    self.send_response(304)
                    self.send_header("ETag", tag)
                    self.end_headers()
                    return
                body = self.body()
                self.send_response(200)
                self.send_header("ETag", tag)
                self.send_header("Last-Modified", self.date(source.version))
                self.send_header("Content-Type", "application/octet-stream" if source.compressed else "text/dns")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body:
                    if source.mode == "stalls":
                        self.wfile.write(body[:1000])
                        self.wfile.flush()
                        self.connection.recv(1)
                        return
                    self.wfile.write(body)

            def date(self, version):
                return self.date_time_string(1767225600 + version.serial - rootzone.BASE)

            def do_GET(self):  # noqa: N802
                self.give(True)

            def do_HEAD(self):  # noqa: N802
                self.give(False)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 80), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
