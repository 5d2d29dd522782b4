# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks: the attacker's clients, and the watcher, who asks for cached names of others while an attack runs."""
import multiprocessing
import random
import selectors
import socket
import time
from dataclasses import dataclass, field

import world

WATCHER = "127.54.0.1"
WATCH_EVERY_S = 0.005
WATCH_TIMEOUT_S = 3.0  # for replies that are still to come when the watch ends; times patience
PATIENCE = {"ours": 10, "unbound": 1}  # ours is waited for longer, however slow the machine is: it must answer
DO = 0x8000


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in text.rstrip(".").split(".") if label) + b"\0"


def question(text, rtype=1, msg_id=None, edns=1232, do=False, flags=0x0100, options=b""):
    msg_id = random.getrandbits(16) if msg_id is None else msg_id
    header = msg_id.to_bytes(2, "big") + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0" + (b"\0\1" if edns else b"\0\0")
    wire = header + wire_name(text) + rtype.to_bytes(2, "big") + b"\0\1"
    if edns:
        wire += (b"\0" + (41).to_bytes(2, "big") + edns.to_bytes(2, "big") + b"\0\0" + (DO if do else 0).to_bytes(2, "big") +
                 len(options).to_bytes(2, "big") + options)
    return wire


@dataclass
class Heard:
    """Replies to a burst, in the order in which they came."""
    sent: int = 0
    replies: list = field(default_factory=list)  # (seconds since the start, index of the question, bytes)

    @property
    def by_question(self):
        return {index: wire for _, index, wire in self.replies}

    def rcodes(self):
        return [wire[3] & 15 for _, _, wire in self.replies]


patience = 1


def burst(server, wires, sources=("127.55.0.1",), rate=None, wait_s=10.0, until=None, patient=True):
    """Sends all questions (at `rate` a second), from the sources in turn, and hears until all is answered or the time is over.
    `patient` = False: not all will be answered."""
    wait_s *= patience if patient else 1
    heard, first_id = Heard(len(wires)), random.getrandbits(16)
    started = time.monotonic()
    with selectors.DefaultSelector() as selector:
        sockets = []
        for source in sources:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            s.bind((source, 0))
            s.setblocking(False)
            selector.register(s, selectors.EVENT_READ)
            sockets.append(s)
        waiting, sent, end = {}, 0, None
        while True:
            now = time.monotonic() - started
            due = len(wires) if rate is None else min(len(wires), int(now * rate) + 1)
            for _ in range(64):
                if sent >= due:
                    break
                s = sockets[sent % len(sockets)]
                msg_id = (first_id + sent & 0xFFFF).to_bytes(2, "big")
                waiting[(s, msg_id)] = sent
                s.sendto(msg_id + wires[sent][2:], server)
                sent += 1
            if sent == len(wires) and end is None:
                end = now + wait_s
            for key, _ in selector.select(0 if sent < due else 0.002):
                try:
                    while True:
                        data, _ = key.fileobj.recvfrom(65535)
                        index = waiting.pop((key.fileobj, data[:2]), None)
                        if index is not None:
                            heard.replies.append((time.monotonic() - started, index, data))
                except BlockingIOError:
                    pass
            if sent == len(wires) and (not waiting or now > end or (until is not None and until(heard))):
                break
        for s in sockets:
            s.close()
    return heard


def ask(server, text, rtype=1, wait_s=10.0, source="127.55.0.1", patient=True, **options):
    """One question, one reply (bytes) or None."""
    heard = burst(server, [question(text, rtype, **options)], (source,), wait_s=wait_s, patient=patient)
    return heard.replies[0][2] if heard.replies else None


def warm(server):
    """All names of the others into the cache."""
    heard = burst(server, [question(world.other_name(n)) for n in range(world.OTHER_NAMES)])
    good = bytes(map(int, world.OTHER_A.split(".")))
    assert len(heard.replies) == world.OTHER_NAMES and all(good in wire for _, _, wire in heard.replies), "the others are not answered"


@dataclass
class Watched:
    """How cached names were answered meanwhile."""
    asked: int
    lost: int
    wrong: int
    median_ms: float
    p99_ms: float
    max_ms: float


def _watch(server, pipe):
    """Asks in an even rhythm, whatever comes back; each reply is told from the others by its ID."""
    good = bytes(map(int, world.OTHER_A.split(".")))
    took, sent_at, wrong, n = [], {}, 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((WATCHER, 0))
        s.connect(server)
        started, ending = time.monotonic(), None
        while ending is None or (sent_at and time.monotonic() < ending):
            if ending is None and pipe.poll():
                ending = time.monotonic() + WATCH_TIMEOUT_S * patience
            if ending is None and time.monotonic() >= started + n * WATCH_EVERY_S:
                sent_at[n & 0xFFFF] = time.monotonic()
                s.send(question(world.other_name(n), msg_id=n & 0xFFFF))
                n += 1
            s.settimeout(max(0.0005, started + n * WATCH_EVERY_S - time.monotonic()))
            try:
                data = s.recv(65535)
            except (TimeoutError, ConnectionRefusedError):
                continue
            at = sent_at.pop(int.from_bytes(data[:2], "big"), None)
            if at is not None:
                if not took:
                    pipe.send("started")
                took.append(time.monotonic() - at)
                wrong += good not in data
    took.sort()
    pick = lambda q: 1000 * took[min(len(took) - 1, int(len(took) * q))] if took else float("nan")  # noqa: E731
    pipe.send(Watched(n, len(sent_at), wrong, pick(0.5), pick(0.99), pick(1.0)))


class Watcher:
    """Asks in a process of its own for as long as the block runs; then `result` says how it went."""

    def __init__(self, server):
        self.server, self.result = server, None

    def __enter__(self):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=_watch, args=(self.server, theirs), daemon=True)
        self.process.start()
        assert self.pipe.poll(60) and self.pipe.recv() == "started", "cached names are not answered"
        return self

    def __exit__(self, *_):
        self.pipe.send("end")
        self.result = self.pipe.recv() if self.pipe.poll(WATCH_TIMEOUT_S * patience + 30) else None
        self.process.join(60)
