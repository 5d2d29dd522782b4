# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks a peer all the time, and writes down each answer that is not as it must be."""
import random
import threading
import time

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype as T

from versions import LAB, MARKS

TIMEOUT_S = 30
PAUSE_S = 0.02  # between questions


class Client:
    """`published`: numbers of the versions that were published so far. No answer may come from another one."""

    def __init__(self, address, published, keys, seed, tld):
        self.address, self.published, self.keys, self.tld = address, published, keys, tld
        self.random = random.Random(seed)
        self.failures, self.asked, self.slowest_ms, self.version, self.steps = [], 0, 0, 0, []
        self.begun, self.ended = time.monotonic(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.ended.set()
        self.thread.join(2 * TIMEOUT_S)
        return self

    def run(self):
        while not self.ended.is_set():
            for ask in (self.ask_version, self.ask_name, self.ask_no_name, self.ask_no_type, self.ask_forged, self.ask_delegation, self.ask_through):
                try:
                    ask()
                except (dns.exception.DNSException, OSError, AssertionError, ValueError) as wrong:
                    self.failures.append(f"{time.monotonic() - self.begun:.2f} s: {self.address}: {ask.__name__}: {type(wrong).__name__} {wrong}")
                self.ended.wait(PAUSE_S)

    def ask(self, name, rtype):
        query = dns.message.make_query(name, rtype, want_dnssec=True)
        query.flags |= dns.flags.AD
        begun = time.monotonic()
        reply = dns.query.udp(query, self.address, timeout=TIMEOUT_S)
        if reply.flags & dns.flags.TC:
            reply = dns.query.tcp(query, self.address, timeout=TIMEOUT_S)
        self.slowest_ms = max(self.slowest_ms, round((time.monotonic() - begun) * 1000))
        self.asked += 1
        return reply

    def text(self, name):
        """The text there, proved here once more."""
        reply = self.ask(name, "TXT")
        assert reply.rcode() == dns.rcode.NOERROR, f"{name} {dns.rcode.to_text(reply.rcode())} after version {self.version}"
        owner = dns.name.from_text(name)
        found = reply.find_rrset(reply.answer, owner, 1, T.TXT)
        dns.dnssec.validate(found, reply.find_rrset(reply.answer, owner, 1, T.RRSIG, T.TXT), self.keys)
        return found[0].strings[0].decode()

    def ask_version(self):
        text = self.text("serial." + MARKS)
        assert text.isdigit() and int(text) in self.published, f"version '{text}', which nobody published"
        number = int(text)
        assert number >= self.version, f"version {number} after version {self.version}"
        if number != self.version:
            self.steps.append((time.monotonic() - self.begun, number))
        self.version = number

    def ask_name(self):
        number = self.random.choice([self.version, self.version, self.random.randint(1, max(1, self.version))])
        assert self.text(f"v{number}.{MARKS}") == str(number)

    def nothing(self, name, rtype, rcode):
        reply = self.ask(name, rtype)
        assert reply.rcode() == rcode, f"{name} {rtype}: {dns.rcode.to_text(reply.rcode())}"
        assert not reply.answer, f"{name} {rtype}: {reply.answer}"
        assert any(rrset.rdtype == T.NSEC for rrset in reply.authority), f"{name} {rtype}: without a proof"

    def ask_no_name(self):
        self.nothing(f"no-{self.random.getrandbits(64):x}.{self.random.choice(['', MARKS])}", "A", dns.rcode.NXDOMAIN)

    def ask_no_type(self):
        self.nothing("serial." + MARKS, "HINFO", dns.rcode.NOERROR)

    def ask_forged(self):
        self.nothing("forged." + MARKS, "TXT", dns.rcode.NXDOMAIN)

    def ask_delegation(self):
        reply = self.ask(self.tld, "DS")
        assert reply.rcode() == dns.rcode.NOERROR and reply.answer, f"{self.tld} DS: {dns.rcode.to_text(reply.rcode())}"

    def ask_through(self):
        """A name that no cache has, by the delegation of the copy."""
        name = f"h{self.random.getrandbits(64):x}.{LAB}"
        reply = self.ask(name, "A")
        assert reply.rcode() == dns.rcode.NOERROR and reply.answer, f"{name}: {dns.rcode.to_text(reply.rcode())}"
        assert reply.answer[0][0].address == "192.0.2.7", f"{name}: {reply.answer}"
