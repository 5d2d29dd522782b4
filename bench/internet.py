# SPDX-License-Identifier: GPL-3.0-or-later
"""A small signed Internet on loopback for resolvers: a root with the shape of the real one, com with many signed zones below it, and one
large signed zone. Three servers (nsd, on the load's CPU) answer for it.
"""
import datetime
import multiprocessing
import os
import random
import string

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

import common
import servers
from authority import tlds_of
from common import LOAD_CPU, Process, tool

CHILDREN = int(os.environ.get("BENCH_CHILDREN", "10000"))  # signed zones d0.com. ...
FLAT = int(os.environ.get("BENCH_FLAT", "12000"))  # names in bench.com.
QUESTIONS = 200000
ROOT, COM, HOST = "127.0.0.10", "127.0.0.20", "127.0.0.30"


def child(job):
    """A small zone with a key of its own; returns the lines for its parent."""
    folder, n = job
    origin, key = dns.name.from_text(f"d{n}.com."), ec.generate_private_key(ec.SECP256R1())
    dnskey = dns.dnssec.make_dnskey(key.public_key(), "ECDSAP256SHA256", flags=257)
    now = datetime.datetime.now(datetime.timezone.utc)
    dates = {"inception": now - datetime.timedelta(hours=1), "expiration": now + datetime.timedelta(days=9)}
    www, ns = dns.name.from_text("www", origin), dns.name.from_text("ns", origin)
    lines = []
    for each in (dns.rrset.from_text(origin, 86400, "IN", "SOA", f"{ns} h.{origin} 1 7200 3600 1209600 3600"),
                 dns.rrset.from_text(origin, 86400, "IN", "NS", str(ns)), dns.rrset.from_text(ns, 86400, "IN", "A", HOST),
                 dns.rrset.from_text(www, 86400, "IN", "A", "127.1.2.3"), dns.rrset.from_rdata(origin, 86400, dnskey)):
        sig = dns.dnssec.sign(each, key, origin, dnskey, **dates)
        lines += [each.to_text(), dns.rrset.from_rdata(each.name, each.ttl, sig).to_text()]
    (folder / f"d{n}.zone").write_text("\n".join(lines) + "\n")
    ds = dns.dnssec.make_ds(origin, dnskey, "SHA256")
    return [f"{origin} 172800 IN NS {ns}", f"{ns} 172800 IN A {HOST}", f"{origin} 172800 IN DS {ds.to_text()}"]


class Internet:
    def __init__(self, folder):
        self.folder = folder / "internet"
        self.folder.mkdir()
        self.root_zone, self.root_ds, self.root_hints = (self.folder / name for name in ("root.zone", "root.ds", "root.hints"))
        self.make_root(self.make_com(self.make_flat()))
        self.write_questions()

    def sign(self, origin, lines, algorithm="ECDSAP256SHA256"):
        """A zone signed by ldns with keys of its own; returns its DS."""
        stem = origin.strip(".") or "root"
        (self.folder / f"{stem}.plain").write_text("\n".join(lines) + "\n")
        keys = [tool(self.folder, "ldns-keygen", "-a", algorithm, *size, *kind, origin).strip()
                for size in [("-b", "2048") if algorithm.startswith("RSA") else ()] for kind in (("-k",), ())]
        tool(self.folder, "ldns-signzone", "-z", "simple:sha384", "-f", f"{stem}.zone", "-o", origin, f"{stem}.plain", *keys)
        return (self.folder / f"{keys[0]}.ds").read_text().strip()

    def make_flat(self):
        lines = ["bench.com. 86400 IN SOA ns.bench.com. h.bench.com. 1 1800 900 604800 900", "bench.com. 86400 IN NS ns.bench.com.",
                 f"ns.bench.com. 86400 IN A {HOST}"]
        return self.sign("bench.com.", lines + [f"h{n}.bench.com. 86400 IN A 127.1.{n // 250 % 250}.{n % 250}" for n in range(FLAT)])

    def make_com(self, flat_ds):
        lines = ["com. 86400 IN SOA ns.com. h.com. 1 1800 900 604800 900", "com. 172800 IN NS ns.com.", f"ns.com. 172800 IN A {COM}",
                 "bench.com. 172800 IN NS ns.bench.com.", f"ns.bench.com. 172800 IN A {HOST}", flat_ds]
        with multiprocessing.Pool() as pool:
            for each in pool.imap(child, ((self.folder, n) for n in range(CHILDREN)), 100):
                lines += each
        return self.sign("com.", lines)

    def make_root(self, com_ds):
        """The lab's root, whose every server but com's is gone."""
        tool("/", common.BUILD / "src/cmd/banyan/banyan", "lab", "make", self.folder / "lab")
        plain = self.folder / "lab/unsigned/root.zone"
        tlds = [tld for tld in tlds_of(plain) if tld != "com"]
        lines = [". 86400 IN SOA a.root. h.root. 1 1800 900 604800 86400", ". 518400 IN NS a.root.", "root. 172800 IN NS a.root.",
                 f"a.root. 172800 IN A {ROOT}", "com. 172800 IN NS ns.com.", f"ns.com. 172800 IN A {COM}", com_ds]
        for tld in tlds:
            lines += [f"{tld}. 172800 IN NS ns{k}.{tld}." for k in range(4)] + [f"ns{k}.{tld}. 172800 IN A {COM}" for k in range(4)]
        ds = self.sign(".", lines, "RSASHA256")
        self.root_ds.write_text(ds + "\n")
        self.ds = ds.split()[-4:]
        self.root_hints.write_text(f". 3600000 IN NS a.root.\na.root. 3600000 IN A {ROOT}\n")

    def write_questions(self):
        """Who asks with DO is 70 % of the clients, where the answer is in the cache."""
        dice = random.Random(1)
        flag = lambda: "rd" if dice.random() < 0.7 else "r"  # noqa: E731
        write = lambda name, lines: (self.folder / name).write_text("\n".join(lines) + "\n")  # noqa: E731
        names = [f"www.d{n}.com. 1" for n in range(CHILDREN)]
        write("first", names)
        dice.shuffle(names)
        write("deleg", names)
        write("flat", dice.sample([f"h{n}.bench.com. 1" for n in range(FLAT)], FLAT))
        weights = [1 / (n + 1) for n in range(CHILDREN)]
        write("hit", [f"{name} {flag()}" for name in dice.choices(names, weights, k=QUESTIONS)])
        write("nx", ["".join(dice.choices(string.ascii_lowercase, k=dice.randint(9, 14))) + f". 1 {flag()}" for _ in range(QUESTIONS)])

    def serve(self):
        """Starts the authorities; returns their processes."""
        zones = {f"d{n}.com.": self.folder / f"d{n}.zone" for n in range(CHILDREN)}
        zones["bench.com."] = self.folder / "bench.com.zone"
        started = []
        for address, served, name in ((ROOT, {".": self.root_zone}, "."), (COM, {"com.": self.folder / "com.zone"}, "com."),
                                      (HOST, zones, "d1.com.")):
            folder = self.folder / address
            folder.mkdir()
            words = servers.nsd(folder, 53, served, address)
            try:
                started.append(Process(words, folder, 53, name, cpu=LOAD_CPU, address=address))
            except common.Missing as why:
                common.fail(f"the authorities of the bench do not start: {why}")
        return started
