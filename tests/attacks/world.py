# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorities of the attack world: one process, many loopback addresses, all at port 53.

A scenario says which of them misbehave, and how. The tests choose the scenario over a socket, and read what every address
received and sent. Authorities know everything an attacker can wish for: the source port of each question, and more time
than the resolver has.
"""
import asyncio
import json
import multiprocessing
import os
import socket
from collections import Counter

import dns.exception
import dns.message

import zones

TLD, OTHERS, VICTIM, ATTACKER, SECOND, DEAD = (f"127.53.0.{n}" for n in range(1, 7))
ADDRESSES = [f"127.53.0.{n}" for n in range(1, 17)]
PORT = 53
OTHER_NAMES = 50
OTHER_A, VICTIM_A, EVIL_A = "192.0.2.1", "192.0.2.2", "6.6.6.6"


def other_name(n):
    return f"n{n % OTHER_NAMES}.others.com."


class Honest:
    """com. and sec., a zone of other people, and a victim that does nothing wrong."""

    def __init__(self, keys, **options):
        self.keys, self.options, self.world = keys, options, None
        self.com = zones.Zone("com.", TLD)
        self.sec = zones.Zone("sec.", TLD, keys["sec."])
        self.others = zones.Zone("others.com.", OTHERS)
        self.victim = zones.Zone("victim.com.", VICTIM)
        self.com.delegate("others.com.", OTHERS)
        self.com.delegate("victim.com.", VICTIM)
        for n in range(200):
            self.others.add(zones.rrset(f"u{n}.others.com.", "A", OTHER_A))
        for n in range(OTHER_NAMES):
            self.others.add(zones.rrset(other_name(n), "A", OTHER_A))
        self.victim.add(zones.rrset("www.victim.com.", "A", VICTIM_A))
        self.zones = {TLD: [self.com, self.sec], OTHERS: [self.others], VICTIM: [self.victim]}
        self.prepare(**options)

    def prepare(self):
        """What the scenario adds to its zones."""

    def attacker(self, zone_name, address=ATTACKER, signer=None):
        """Delegates a zone to the attacker, and makes its honest part."""
        parent = self.sec if zone_name.endswith(".sec.") else self.com
        parent.delegate(zone_name, address, signer)
        zone = zones.Zone(zone_name, address, signer)
        self.zones.setdefault(address, []).append(zone)
        return zone

    def set(self, **options):
        """Changes the scenario while it runs."""

    def reply(self, question):
        """A message, wire bytes, a list of (delay in s, bytes), or None for silence."""
        best = None
        for zone in self.zones.get(question.address, []):
            if question.name.is_subdomain(zone.origin) and (best is None or len(zone.origin) > len(best.origin)):
                best = zone
        if best is not None and question.name == best.origin and question.type == 43 and len(best.origin) > 1:
            above = [z for z in self.zones.get(question.address, []) if best.origin != z.origin and best.origin.is_subdomain(z.origin)]
            best = max(above, key=lambda z: len(z.origin), default=best)
        if best is None:
            message = zones.make_reply(question.message, 0)
            message.set_rcode(5)
            return message
        return best.answer(question.message)

    async def stream(self, reader, writer, address):
        """A TCP connection; True when the scenario has dealt with it."""
        return False


class Question:
    """What an authority was asked. `send` puts anything into the way of the resolver, from any port-53 address."""

    def __init__(self, world, address, client, wire, tcp):
        self.world, self.address, self.client, self.wire, self.tcp = world, address, client, wire, tcp
        self.message = dns.message.from_wire(wire, ignore_trailing=True)
        self.asked = self.message.question[0].name
        self.name = zones.dns.name.Name(tuple(label.lower() for label in self.asked.labels))
        self.text = self.name.to_text()
        self.type = self.message.question[0].rdtype

    def send(self, wire, address=None, delay_s=0.0):
        self.world.send(address or self.address, self.client, wire, delay_s)


def fit(message, question):
    """Wire form of a reply, truncated to what the resolver said it can take."""
    if isinstance(message, bytes):
        return message
    limit = 65535 if question.tcp else max(512, question.message.payload) if question.message.edns >= 0 else 512
    try:
        return message.to_wire(max_size=limit)
    except dns.exception.TooBig:
        short = zones.make_reply(question.message)
        short.flags |= 0x0200
        return short.to_wire()


class Server(asyncio.DatagramProtocol):
    def __init__(self, world, address):
        self.world, self.address, self.transport = world, address, None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)

    def datagram_received(self, data, addr):
        self.world.received(self.address, addr, data)

    async def accepted(self, reader, writer):
        world = self.world
        world.count(self.address, connections=1)
        try:
            if await world.scenario.stream(reader, writer, self.address):
                return
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(size)
                world.count(self.address, tcp_in=1, bytes_in=size)
                question = Question(world, self.address, writer.get_extra_info("peername"), wire, True)
                made = world.scenario.reply(question)
                for delay_s, reply in made if isinstance(made, list) else [(0, made)]:
                    if reply is None:
                        continue
                    reply = fit(reply, question)
                    await asyncio.sleep(delay_s)
                    world.count(self.address, tcp_out=1, bytes_out=len(reply))
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


class World:
    """Runs in its own process."""

    def __init__(self, control, keys, scenarios):
        self.control, self.keys, self.scenarios = control, keys, scenarios
        self.servers, self.counts, self.timers, self.scenario = {}, {}, set(), Honest(keys)
        self.failure = None

    def count(self, address, **what):
        self.counts.setdefault(address, Counter()).update(what)

    def received(self, address, addr, data):
        self.count(address, udp_in=1, bytes_in=len(data))
        try:
            question = Question(self, address, addr, data, False)
            made = self.scenario.reply(question)
        except Exception as error:  # told to the test, which fails
            self.failure = f"{type(error).__name__}: {error}"
            raise
        for delay_s, reply in made if isinstance(made, list) else [(0, made)]:
            if reply is not None:
                self.send(address, addr, fit(reply, question), delay_s)

    def send(self, address, to, wire, delay_s=0.0):
        if delay_s > 0:
            timer = None

            def late():
                self.timers.discard(timer)
                self.send(address, to, wire)
            timer = asyncio.get_running_loop().call_later(delay_s, late)
            self.timers.add(timer)
            return
        self.count(address, udp_out=1, bytes_out=len(wire))
        self.servers[address].transport.sendto(wire, to)

    def command(self, order):
        if order["do"] == "play":
            for timer in self.timers:
                timer.cancel()
            self.timers.clear()
            self.scenario = self.scenarios[order["name"]](self.keys, **order["options"])
            self.scenario.world = self
            self.counts, self.failure = {}, None
        elif order["do"] == "reset":
            self.counts = {}
        elif order["do"] == "set":
            self.scenario.set(**order["options"])
        return {"counts": self.counts, "failure": self.failure, "seen": getattr(self.scenario, "seen", None)}

    async def run(self):
        loop = asyncio.get_running_loop()
        for address in ADDRESSES:
            server = Server(self, address)
            await loop.create_datagram_endpoint(lambda s=server: s, local_addr=(address, PORT))
            await asyncio.start_server(server.accepted, address, PORT, backlog=1024)
            self.servers[address] = server
        reader, writer = await asyncio.open_connection(sock=self.control)
        writer.write(b"{}\n")
        while line := await reader.readline():
            writer.write(json.dumps(self.command(json.loads(line))).encode() + b"\n")
            await writer.drain()


def serve(control, keys, scenarios):
    os.nice(-5 if os.geteuid() == 0 else 0)  # what it delays would be the attack's success
    world = World(control, keys, scenarios)
    try:
        asyncio.run(world.run())
    except (ConnectionError, KeyboardInterrupt):
        pass


class Handle:
    """The tests' side of the world."""

    def __init__(self, keys, scenarios):
        ours, theirs = socket.socketpair()
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(theirs, keys, scenarios), daemon=True)
        self.process.start()
        theirs.close()
        ours.settimeout(60)
        self.file = ours.makefile("rwb")
        assert self.file.readline() == b"{}\n", "the authorities do not start"

    def order(self, **what):
        self.file.write(json.dumps(what).encode() + b"\n")
        self.file.flush()
        reply = json.loads(self.file.readline())
        assert reply["failure"] is None, reply["failure"]
        return reply

    def play(self, scenario, **options):
        self.order(do="play", name=scenario.__name__, options=options)

    def set(self, **options):
        return self.order(do="set", options=options)

    def reset(self):
        self.order(do="reset")

    def counts(self):
        """What each address received and sent."""
        return {address: Counter(c) for address, c in self.order(do="counts")["counts"].items()}

    def seen(self):
        return self.order(do="counts")["seen"]

    def end(self):
        self.file.close()
        self.process.terminate()
        self.process.join(10)
