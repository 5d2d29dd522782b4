# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions pour through the whole chain while its parts fail: each peer ends at the last one, and has answered every question meanwhile.

In short with twelve small versions; `make live` does it with BANYAN_LIVE=200 of the real root. BANYAN_LIVE_SEED repeats a run.
"""
import os
import random
import re
import time
from collections import Counter

from daemons import wait_for
from versions import history

EVERY_S = 1.0  # a version, at the soonest
LONG = int(os.environ.get("BANYAN_LIVE", "0"))
SEED = int(os.environ.get("BANYAN_LIVE_SEED", str(random.SystemRandom().getrandbits(32))))


class Trouble:
    """Which faults are there at present, each for one to four versions; all kinds come before one comes again."""

    def __init__(self, chain, at_once):
        self.chain, self.at_once, self.random = chain, at_once, random.Random(SEED)
        self.deck, self.now, self.log = [], {}, []

    def draw(self):
        if not self.deck:
            self.deck = sorted(self.chain.faults())
            self.random.shuffle(self.deck)
            if not self.log:  # so that a short run has a wrong zone, too
                self.deck.append(self.deck.pop(self.deck.index("publisher given a wrong zone")))
        busy = {name.split()[0] for name in self.now}
        for name in reversed(self.deck):
            if name.split()[0] not in busy:
                self.deck.remove(name)
                return name
        return None

    def step(self, number):
        for name in [name for name, until in self.now.items() if until <= number]:
            self.end(name)
        while len(self.now) < self.random.randint(1, self.at_once):
            name = self.draw()
            if name is None:
                break
            self.chain.faults()[name][0]()
            # who asks each second has to meet with what is wrong
            self.now[name] = number + self.random.randint(1 if name.endswith(("killed", "stalled")) else 2, 4)
            self.log.append(f"version {number}: {name} until version {self.now[name]}")

    def end(self, name):
        if name == "publisher given a wrong zone":  # it has been met with, however slow the machine is
            wait_for("the publisher to refuse it", lambda: " is refused: " in self.chain.publisher.log())
        del self.now[name]
        self.chain.faults()[name][1]()

    def end_all(self):
        for name in list(self.now):
            self.end(name)


def failures(chain):
    return [line for client in chain.clients for line in client.failures]


def pour(chain, count, trouble):
    for number in range(2, count + 1):
        due = time.monotonic() + EVERY_S
        chain.versions.good(number)
        wrong_source = [name for name in trouble.now if name.startswith("publisher given")]
        if not wrong_source:
            chain.publish(number)
        else:
            chain.published.add(number)
            chain.number = number  # it comes when the source is mended
        trouble.step(number)
        while time.monotonic() < due:
            time.sleep(0.02)
        assert not failures(chain), "\n".join(trouble.log[-8:] + failures(chain)[:20])
    trouble.end_all()
    chain.source_heal()


def fetched_from(peer):
    return Counter(re.findall(r"copy of \.: serial \d+ from (\S+?),? ", peer.log()))


def report(chain, trouble, begun):
    kinds = {name: sum(f": {name} " in line for line in trouble.log) for name in sorted(chain.faults())}
    print(f"\nseed {SEED}: {chain.number} versions{' of the real root' if chain.versions.real else ''} in {time.monotonic() - begun:.0f} s, "
          f"{len(trouble.log)} faults: " + ", ".join(f"{name} {n}" for name, n in kinds.items() if n))
    for peer, client in zip(chain.peers, chain.clients):
        counters = peer.counters()
        print(f"  {peer.addresses[0]}: {client.asked} questions, {len(client.failures)} failures, slowest {client.slowest_ms} ms; "
              f"versions seen {len(client.steps)}; fetched {counters['copy_fetches']}, refused {counters['copy_refused']}, "
              f"in use {counters['copy_adopted']}; " + ", ".join(f"{n} from {where}" for where, n in fetched_from(peer).items()))


def test_versions_pour_while_parts_fail(chain):
    begun = time.monotonic()
    count = LONG or 12
    live = chain(count, SEED, history() if LONG else None)
    live.ask_all_the_time()
    trouble = Trouble(live, at_once=2 if LONG else 3)
    pour(live, count, trouble)
    last = live.versions.serial(count)
    said = "\n".join([f"seed {SEED}", *trouble.log])
    for peer in live.peers:
        try:
            wait_for(f"{peer.addresses[0]} to have the last version", lambda: live.serial_of(peer) == last, 120)
        except AssertionError as wrong:
            raise AssertionError(f"{wrong}\n{said}\n{peer.log()[-4000:]}") from None
    for client in live.clients:
        wait_for("its client to see that, after many questions", lambda: client.version == count and client.asked > 50)
        client.stop()
    report(live, trouble, begun)
    assert not failures(live), said + "\n" + "\n".join(failures(live)[:40])
    # the faults were no make-believe: wrong zones have come as far as to be refused
    assert any(" is refused: " in peer.log() for peer in [live.publisher, *live.peers]), said

    # all sources dead, and one peer killed: it stands on what it kept
    live.publisher.kill()
    for part in (live.web, live.nsd, live.knot):
        part.kill()
    for other, client in zip(live.peers, live.clients):
        for one in live.peers:
            if one is not other:
                one.kill()
        if other.process is not None:
            other.kill()
        other.start()
        assert live.serial_of(other) == last, other.log()[-4000:]
        for ask in (client.ask_version, client.ask_name, client.ask_no_name, client.ask_no_type, client.ask_forged, client.ask_delegation,
                    client.ask_through):
            ask()
        assert client.version == count
