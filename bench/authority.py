#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving the root: CPU time a question of banyand beside NSD, Knot DNS and BIND, and of a bare echo, in one run.

authority.py BUILD_FOLDER [SERVER...]      servers: banyand nsd knot bind echo

BENCH_RUNS (3), BENCH_SECONDS (1). The zone is the signed root of the lab; the questions are what root servers are asked.
"""
import random
import string
import sys

import common
import servers
from common import SECONDS, Calibrated, Process, measure, tool

QUESTIONS = 200000
TYPES = {"A": 1, "NS": 2, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "DS": 43, "DNSKEY": 48, "HTTPS": 65}
LEAKED = "local home internal lan localdomain corp belkin dhcp wpad router domain invalid workgroup intra mail host".split()


class Root:
    """A signed root of some 1,440 TLDs and questions for it, in `folder`."""

    def __init__(self, folder, build=None):
        tool("/", (build or common.BUILD) / "src/cmd/banyan/banyan", "lab", "make", folder / "lab")
        self.zone, self.questions = folder / "lab/zones/root.zone", folder / "root.questions"
        self.tlds = tlds_of(self.zone)
        write_questions(self.questions, self.tlds)


def tlds_of(zone):
    """Those with NS sets, the most popular ones first: a known few, then the others in an order that does not change."""
    popular = "com net arpa org de uk jp ru br it fr nl au ca info pl in cn eu ch io us co xyz se kr tr es cz be".split()
    found = {line.split()[0].rstrip(".") for line in open(zone, encoding="ascii") if line.split()[3:4] == ["NS"]} - {""}
    rest = sorted(found - set(popular))
    random.Random(2).shuffle(rest)
    return [tld for tld in popular if tld in found] + rest


class Mix:
    """What root servers are asked: 45 % names that do not exist, 50 % names below TLDs by Zipf's law, the rest about the root itself."""

    def __init__(self, tlds, seed=1):
        self.dice, self.tlds = random.Random(seed), tlds
        self.weights, total = [], 0
        for n in range(len(tlds)):
            total += 1 / (n + 1)
            self.weights.append(total)

    def label(self, least, most):
        return "".join(self.dice.choices(string.ascii_lowercase, k=self.dice.randint(least, most)))

    def tld(self):
        return self.dice.choices(self.tlds, cum_weights=self.weights)[0]

    def host_type(self):
        return self.dice.choices(("A", "AAAA", "HTTPS", "NS", "MX", "TXT"), (55, 27, 6, 5, 3, 4))[0]

    def missing(self):
        """Labels of one's own invention, words with a typo behind the last dot, and names that belong to somebody's own network."""
        kind = self.dice.randrange(10)
        if kind < 5:
            return self.label(7, 15)
        if kind < 7:
            return f"{self.label(7, 15)}.{self.label(5, 12)}q"
        return f"{self.label(7, 15)}.{self.dice.choice(LEAKED)}"

    def below_tld(self):
        tld = self.tld()
        if self.dice.random() < 0.4:  # as resolvers with QNAME minimisation ask
            return tld, self.dice.choice(("A", "NS"))
        return f"{self.dice.choice(('www.', ''))}{self.label(5, 14)}.{tld}", self.host_type()

    def line(self):
        kind, flags = self.dice.randrange(100), "d" if self.dice.random() < 0.7 else "-"
        if kind < 45:
            name, qtype = self.missing(), self.host_type()
        elif kind < 95:
            name, qtype = self.below_tld()
        elif kind < 99:
            name, qtype = "", ("NS", "NS", "DNSKEY", "SOA")[kind - 95]
        else:
            name, qtype = self.tld(), "DS"
        return f"{name}. {TYPES[qtype]} {flags}\n"


def write_questions(path, tlds, count=QUESTIONS, seed=1):
    mix = Mix(tlds, seed)
    path.write_text("".join(mix.line() for _ in range(count)))


def start(name, place, root, workers=1, cpu=common.SERVER_CPU):
    """Any of servers.AUTHORITIES."""
    port = next(common.PORTS)
    folder = place / f"{name}-{port}"
    folder.mkdir()
    return Process(servers.AUTHORITIES[name][0](folder, port, {".": root.zone}, workers=workers), folder, port, ".", cpu=cpu)


def start_echo(place, size, workers=1, cpu=common.SERVER_CPU):
    port = next(common.PORTS)
    folder = place / f"echo-{port}"
    return Process(servers.echo(folder, port, size, workers), folder, port, ".", cpu=cpu)


def stand(place, wanted, cpus=common.ONE_WORKER):
    """Those of `wanted` that serve the root, warm, and what the load is told to ask: {(name, workers): server}, words."""
    root = Root(place)

    def begin(key, size):
        name, workers = key
        return start_echo(place, size, workers, cpus[workers]) if name == "echo" else start(name, place, root, workers, cpus[workers])

    words = ("-f", root.questions)
    keys = [(name, workers) for name in wanted if name in servers.AUTHORITIES or name == "echo" for workers in cpus]
    return common.start_each(keys, begin, lambda _, server: common.load("-p", server.port, *words, "-t", 0.5)), words


def main(place):
    wanted = common.present({**{name: program for name, (_, program) in servers.AUTHORITIES.items()}, "echo": None}, sys.argv[2:])
    with Calibrated():
        started, words = stand(place, wanted)
        results = common.in_turn(started, lambda server: measure(server, *words, "-t", SECONDS))
        common.title("Serving the root over UDP: CPU time of one worker")
        common.speed_table({name: runs for (name, _), runs in results.items()})
        common.end_all(started)


if __name__ == "__main__":
    common.run(main)
