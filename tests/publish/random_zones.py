# SPDX-License-Identifier: GPL-3.0-or-later
"""Small zones by a seed, with whatever zones have: delegations, glue, aliases, wildcards, names between, hidden names, odd labels, odd types. Some are wrong.

As a program it judges as many as one likes: random_zones.py FIRST LAST (seeds).
"""
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import PATH, program  # noqa: E402

APEXES = [".", "zone.example.", "x."]
# few, so that names meet; with what master files must escape, what sorts in odd places, and what is longest
LABELS = ["a", "b", "c", "A", "Bb", "ns1", "*", "_x", "xn--4ca", r"a\.b", r"\000", r"\255", r"\032", r"a\"b", r"a\@", r"\;c", r"1\\2", "z" * 63, "-", "0"]
PLAIN = ["a", "b", "c", "ns1", "d", "e", "f", "B"]
DIGEST = {1: 20, 2: 32, 4: 48}


class Zone:
    """Lines of a master file; `faults` is how likely it is that something is put in that should not be there. `tame`: every server can be reached."""

    def __init__(self, seed, faults=0.3, tame=False):
        self.r = random.Random(seed)
        self.tame = tame
        self.apex = self.r.choice(APEXES)
        self.lines = []
        self.add(self.apex, 3600, "SOA", f"{self.name(1)} host.example. 1 7200 900 1209600 {self.r.choice([0, 60, 600, 86400])}")
        self.servers()
        for _ in range(self.r.randint(0, 14)):
            self.r.choice([self.delegation, self.delegation, self.alias, self.address, self.address, self.text, self.text, self.service, self.odd, self.deep])()
        if self.r.random() < faults:
            self.fault()

    def add(self, owner, ttl, rtype, data):
        self.lines.append(f"{owner} {ttl} {rtype} {data}")

    def below(self, *labels):
        return ".".join(labels) + "." + ("" if self.apex == "." else self.apex)

    def case(self, text):
        return "".join(self.r.choice([c.lower(), c.upper()]) if c.isalpha() and self.r.random() < 0.3 else c for c in text)

    def name(self, most=3, labels=None):
        return self.case(self.below(*(self.r.choice(labels or self.r.choice([LABELS, PLAIN, PLAIN])) for _ in range(self.r.randint(1, most)))))

    def ttl(self, owner, rtype):
        """The same for all records of a set, most often."""
        return 60 if self.r.random() < 0.02 else 300 + sum(f"{owner.lower()} {rtype}".encode()) % 5 * 100

    def put(self, owner, rtype, data):
        self.add(owner, self.ttl(owner, rtype), rtype, data)

    def ip(self):
        return f"192.0.2.{self.r.randint(1, 254)}"

    def addresses(self, owner):
        if self.r.random() < 0.8:
            self.put(owner, "A", self.ip())
        else:
            self.put(owner, "AAAA", f"2001:db8::{self.r.randint(1, 0xffff):x}")

    # ---- what zones have

    def servers(self):
        for i in range(self.r.randint(1, 3)):
            server = self.r.choice([self.below(f"n{i}"), self.below(f"n{i}", "deep", "er"), f"ns{i}.elsewhere.test.", self.apex])
            self.add(self.apex, 3600, "NS", self.case(server))
            if server.endswith(self.apex):
                self.addresses(server)

    def delegation(self):
        cut = self.name(2, PLAIN) if self.r.random() < 0.8 else self.name()
        for i in range(self.r.randint(1, 3)):
            kind = self.r.random() * (0.44 if self.tame else 1)
            server = self.case(f"ns{i}.{cut}" if kind < 0.5 else "ns.elsewhere.test." if kind < 0.7 else self.name())
            self.put(cut, "NS", server)
            if kind < 0.45 or (kind >= 0.7 and self.r.random() < 0.5):
                self.addresses(server)
        if self.r.random() < 0.5:
            self.ds(cut)
        if self.r.random() < 0.2:  # what nobody sees
            self.put(self.r.choice([cut, f"x.{cut}", f"y.x.{cut}", f"*.{cut}"]), "TXT", '"hidden"')

    def ds(self, owner):
        kind = self.r.choice([1, 2, 2, 4])
        self.put(owner, "DS", f"{self.r.randint(0, 65535)} 13 {kind} {self.r.randbytes(DIGEST[kind]).hex()}")

    def alias(self):
        rtype = self.r.choice(["CNAME", "CNAME", "DNAME"])
        self.put(self.name(), rtype, self.r.choice([self.name(), "elsewhere.test.", "."]))

    def address(self):
        owner = self.name()
        for _ in range(self.r.randint(1, 3)):
            self.addresses(owner)

    def text(self):
        length = self.r.choice([0, 1, 20, 255, 256, 600, 4000] + [60000] * (self.r.random() < 0.05))
        data = self.r.randbytes(length)
        strings = [data[i:i + 255] for i in range(0, max(length, 1), self.r.choice([255, 255, 100]))]
        self.put(self.name(), "TXT", " ".join('"' + "".join(f"\\{c:03}" for c in s) + '"' for s in strings))

    def service(self):
        target = self.name()
        self.put(self.name(), *self.r.choice([
            ("MX", f"{self.r.randint(0, 9)} {target}"), ("MX", "0 ."), ("SRV", f"1 2 443 {target}"), ("HTTPS", "1 . alpn=h2"), ("SVCB", f"0 {target}"),
            ("PTR", target), ("CAA", '0 issue "ca.example"'), ("NAPTR", f'1 2 "u" "E2U" "" {target}'), ("SSHFP", "1 1 " + "ab" * 20),
            ("TLSA", "3 1 1 " + "ab" * 32), ("RP", f"{target} .")]))

    def odd(self):
        data = self.r.randbytes(self.r.choice([0, 1, 2, 100, 1000]))
        self.put(self.name(), f"TYPE{self.r.choice([65280, 65281, 1000, 32767, 65534])}", f"\\# {len(data)} {data.hex()}")

    def deep(self):
        self.put(self.below(*(self.r.choice(PLAIN) for _ in range(self.r.randint(4, 9)))), "TXT", '"deep"')

    # ---- what they should not have

    def fault(self):
        some = self.r.choice(self.lines).split(" ")[0]  # a name that is there
        what = self.r.choice(["ds", "apex-ds", "wildcard-ns", "server", "below", "cname", "dname", "soa", "key", "old", "hidden", "cut-short", "twice"])
        if what == "ds":
            self.ds(self.name())
        elif what == "apex-ds":
            self.ds(self.apex)
        elif what == "wildcard-ns":
            self.put(self.case(f"*.{some}" if some != "." else "*."), "NS", "ns.elsewhere.test.")
        elif what == "server":
            self.add(self.apex, 3600, "NS", self.name())
        elif what == "below":
            self.put(f"x.{some}" if some != "." else "x.", self.r.choice(["DNAME", "CNAME", "NS"]), "elsewhere.test.")
            self.put(f"y.x.{some}" if some != "." else "y.x.", "TXT", '"below"')
        elif what in ("cname", "dname"):
            self.put(some, what.upper(), "elsewhere.test.")
        elif what == "soa":
            self.put(some, "SOA", "a. b. 1 2 3 4 5")
        elif what == "key":
            self.put(some, "KEY", "256 3 5 AAAA")
        elif what == "old":
            self.put(some, self.r.choice(["TYPE3", "TYPE10", "TYPE30"]), "\\# 1 00")
        elif what == "hidden":
            self.delegation()
            self.put(f"x.{self.lines[-1].split(' ')[0]}", self.r.choice(["CNAME", "NS", "DNAME"]), "elsewhere.test.")
        elif what == "cut-short":
            self.put(some, "TYPE43", "\\# 5 00010D0200")
        else:
            line = self.r.choice(self.lines).split(" ", 3)
            other = {"CNAME": "twice.test.", "DNAME": "twice.test.", "SOA": "a. b. 1 2 3 4 5"}  # the same again is one record
            self.add(line[0], line[1], line[2], other.get(line[2], line[3]))

    def next(self, serial):
        """The zone some time later."""
        self.lines = [line for line in self.lines if " SOA " in line or (self.apex == line.split(" ")[0]) or self.r.random() < 0.8]
        self.lines[0] = re.sub(r"host.example. \d+ ", f"host.example. {serial} ", self.lines[0])
        for _ in range(self.r.randint(0, 4)):
            self.r.choice([self.delegation, self.address, self.text, self.deep, self.alias])()

    def whole(self):
        return "\n".join(self.lines) + "\n"


# ---- judges

def run(*words, timeout=60):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, errors="replace", timeout=timeout, env=dict(os.environ, PATH=PATH), check=False)
    return done.returncode, done.stdout + done.stderr


def knot(apex, path, *words):
    """Lame delegations are remarks, as they are for the server itself; so are keys told for others by one record and not by two."""
    status, said = run("kzonecheck", *words, "-o", apex, path)
    remarks = {"missing glue record", "missing CDNSKEY", "missing CDS"}
    found = {line.split("\t", 1)[1] for line in said.splitlines() if re.match(r"\s+\d+\t", line)}
    return (0 if status == 1 and found and found <= remarks else status), said


def bind(apex, path):
    """It takes a DS for one of the apex where that of a delegated name follows the apex at once, and the name is one of its servers."""
    status, said = run("named-checkzone", "-i", "local", "-k", "ignore", apex, path)
    apex_has = re.search(rf"^{re.escape(apex)}\s+\d+\s+(IN\s+)?DS\s", Path(path).read_text(), re.M | re.I)
    return (0 if status == 1 and "DS record at top of zone" in said and not apex_has else status), said


def peers(apex, path):
    """{who refuses the zone: what it says}"""
    said = {"bind": bind(apex, path), "nsd": run("nsd-checkzone", apex, path), "knot": knot(apex, path)}
    return {who: what for who, (status, what) in said.items() if status != 0}


def verifiers(apex, path, ksk, words=()):
    said = peers(apex, path)
    asked = {"dnssec-verify": run("dnssec-verify", *words, "-o", apex, path), "kzonecheck": knot(apex, path, "-d", "on")}
    text = Path(path).read_text()
    digest, nsec3 = (re.search(rf"\s{rtype}\s", text) for rtype in ("ZONEMD", "NSEC3"))
    longest = max(len(line) for line in text.splitlines())
    # with both, and glue, ldns 1.8.3 may never end; and of longer lines it reads a part
    if not (digest and nsec3) and longest < 65000:
        asked["ldns-verify-zone"] = run("ldns-verify-zone", *(["-ZZ"] if digest else []), "-k", ksk, path)
    said.update({who: what for who, (status, what) in asked.items() if status != 0})
    return said


def skeleton(path):
    """The records of a zone that was signed, without what is another one each time."""
    records = set()
    for line in Path(path).read_text().splitlines():
        words = line.split()
        rtype = next(i for i, word in enumerate(words[1:], 1) if not word.isdigit() and word != "IN")
        if words[rtype] == "RRSIG":  # by whom, over what
            words = words[:rtype + 5] + words[rtype + 7:rtype + 9]
        records.add(tuple(words[:rtype + 4] if words[rtype] == "ZONEMD" else words))
    return records


# what we refuse although servers load it
STRICTER = ["there is no NS beside it", "keys of the zone stand at its apex", "no zone has records of this type", "has no address", "validators differ"]


class World:
    """Keys for each apex, and a folder."""

    def __init__(self, folder):
        self.folder, self.keys = Path(folder), {}
        for apex in APEXES:
            pair = [run("dnssec-keygen", "-q", "-K", folder, "-a", "13", *flags, apex)[1].strip() for flags in (["-f", "KSK"], [])]
            self.keys[apex] = [self.folder / name for name in pair]

    def sign(self, apex, path, signed, words):
        signed.unlink(missing_ok=True)
        return run(program("banyan"), "sign", "--quiet", "--origin", apex, *words, "--output", signed, path, *self.keys[apex])

    def judge(self, seed):
        """One zone, then what it becomes; a word of what happened. AssertionError: we and the world differ."""
        zone, r = Zone(seed), random.Random(-seed)
        words = r.choice([[], [], ["--nsec3"], ["--opt-out"], ["--salt", "ab01", "--iterations", "2"]]) + r.choice([[], ["--zonemd", "none"], ["--zonemd", "both"]])
        plain, signed = self.folder / f"{seed}.plain", self.folder / f"{seed}.zone"
        plain.write_text(zone.whole())
        outcome = self.judge_one(zone, plain, signed, words)
        if outcome == "signed" and r.random() < 0.5:
            zone.next(2)
            plain.write_text(zone.whole())
            outcome = self.judge_next(zone, plain, signed, words)
        for path in self.folder.glob(f"{seed}.*"):
            path.unlink()
        return outcome

    def judge_one(self, zone, plain, signed, words):
        refuse = peers(zone.apex, plain)
        status, said = self.sign(zone.apex, plain, signed, words)
        if status == 0:
            assert not refuse, ("signed, but others refuse it", refuse)
            refuse = verifiers(zone.apex, signed, f"{self.keys[zone.apex][0]}.key")
            assert not refuse, ("signed, and others do not believe it", refuse)
            return "signed"
        assert "(edition-misfit)" in said or status == 2, ("made, and not proved", said)
        assert refuse or any(word in said for word in STRICTER), ("refused, and everybody else loads it", said)
        return "refused"

    def judge_next(self, zone, plain, signed, words):
        """What is made of the version before is what is made from nothing, but for signatures that stay."""
        later, again = signed.with_suffix(".later"), signed.with_suffix(".again")
        status, said = self.sign(zone.apex, plain, later, [*words, "--before", signed])
        if status == 0:
            refuse = verifiers(zone.apex, later, f"{self.keys[zone.apex][0]}.key")
            assert not refuse, ("signed from the version before, and others do not believe it", refuse)
            assert self.sign(zone.apex, plain, again, words)[0] == 0
            assert skeleton(later) == skeleton(again), "made from the version before it is another zone"
            return "signed twice"
        assert "(edition-misfit)" in said or status == 2, ("made, and not proved", said)
        assert peers(zone.apex, plain) or any(word in said for word in STRICTER), ("refused, and everybody else loads it", said)
        return "refused later"

    # ---- editions

    def publish(self, seed):
        """A random edition of a random root, and of what that becomes."""
        zone, r = Zone(seed, faults=0.15), random.Random(-seed)
        home = self.folder / f"e{seed}"
        (home / "edition").mkdir(parents=True)
        names = [line.split(" ")[0] for line in zone.lines]
        servers = [{"name": name, "addresses": [f"192.0.2.{i}"] * r.choice([0] + [1] * 9) if name.endswith(zone.apex) else []}
                   for i, name in enumerate({zone.name(2, PLAIN), zone.below("srv"), "ns.elsewhere.test."}) if r.random() < 0.6]
        more = Zone(seed + 1000000, tame=r.random() < 0.8)
        more.apex, more.lines = zone.apex, []
        for _ in range(r.choice([0, 1, 2])):
            r.choice([more.delegation, more.delegation, more.address, more.alias])()
        description = {
            "edition": {"name": "e", "zone": zone.apex, "folder": "edition"}, "source": {"from": "file:source", "shrink-max": 100},
            "apex": {"name-servers": servers},
            "records": {"remove": [n for n in r.sample(names, min(2, len(names))) if n.lower() != zone.apex and r.random() < 0.3], "add": more.lines},
            "signing": {"threads": 1, "denial": r.choice(["nsec", "nsec", "nsec3"]), "zonemd": r.choice(["none", "sha384"]), "nsec3-opt-out": r.random() < 0.3}}
        (home / "e.yaml").write_text(yaml.safe_dump(description))
        outcomes = []
        for serial in (1, 2):
            (home / "source").write_text(zone.whole())
            outcomes.append(self.publish_one(zone, home))
            zone.next(serial + 1)
        subprocess.run(["rm", "-rf", str(home)], check=True)
        return " ".join(outcomes)

    def publish_one(self, zone, home):
        status, said = run(program("banyan"), "publish", "--json", home / "e.yaml")
        if status == 0:
            refuse = verifiers(zone.apex, home / "edition" / "zone", home / "edition" / "anchors")
            assert not refuse, ("published, and others refuse it", refuse)
            return "published"
        assert '"edition-misfit"' in said or "source-unreadable" in said or status == 2, ("refused for another reason", said)
        return "refused"


def main(first, last):
    counts, bad = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        for seed in range(first, last):
            for what in (world.judge, world.publish) if seed % 4 == 0 else (world.judge,):
                try:
                    outcome = f"{what.__name__}: {what(seed)}"
                except (AssertionError, subprocess.TimeoutExpired) as error:
                    bad += 1
                    outcome = "DIFFERENT"
                    print(f"seed {seed} {what.__name__}: {str(error)[:1500]}", flush=True)
                    subprocess.run(["rm", "-rf", f"{folder}/e{seed}"], check=True)
                counts[outcome] = counts.get(outcome, 0) + 1
    print(counts)
    return bad


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
