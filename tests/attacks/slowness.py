# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorities that hold answers back, drip them, or are dead."""
import asyncio

import zones
from delegations import label_before
from world import ATTACKER, VICTIM, Honest

BIG = '"%s"' % ("x" * 250)


class Bomb(Honest):
    """DNSBomb: answers are held until a moment that the attacker chooses, and are large."""

    def prepare(self, hold_s):
        self.hold_s, self.first = hold_s, None
        self.attacker("bomb.com.")

    def reply(self, question):
        label = label_before(question, "bomb.com.") if question.address == ATTACKER else None
        if label is None or not label.startswith("b"):
            return super().reply(question)
        now = asyncio.get_running_loop().time()
        if self.first is None:
            self.first = now
        reply = zones.make_reply(question.message)
        if question.type == 16:
            reply.answer.append(zones.rrset(question.asked, "TXT", BIG, BIG[:-2] + 'y"', BIG[:-2] + 'z"', BIG[:-2] + 'w"'))
        else:
            reply.authority.append(zones.rrset("bomb.com.", "SOA", "ns.bomb.com. h.bomb.com. 1 2 3 4 60", ttl=60))
        return [(max(0.0, self.first + self.hold_s - now), reply)]


class SlowStreams(Honest):
    """Everything is truncated over UDP; over TCP the server says nothing, or a byte now and then."""

    def prepare(self, drip):
        self.drip = drip
        self.attacker("slow.com.")

    def reply(self, question):
        label = label_before(question, "slow.com.") if question.address == ATTACKER else None
        if label in (None, "ns"):
            return super().reply(question)
        reply = zones.make_reply(question.message)
        reply.flags |= 0x0200
        return reply

    async def stream(self, reader, writer, address):
        if address != ATTACKER:
            return False
        end = asyncio.get_running_loop().time() + 60
        writer.write(b"\x02")
        while asyncio.get_running_loop().time() < end:
            try:
                if await asyncio.wait_for(reader.read(4096), 0.4) == b"":
                    break
            except asyncio.TimeoutError:
                pass
            if self.drip:
                writer.write(b"\x01")
        return True


class DeadVictim(Honest):
    """A zone whose servers say nothing; everybody else is well."""

    def reply(self, question):
        if question.address == VICTIM:
            return None
        return super().reply(question)


class LargeAnswers(Honest):
    """Large answers over TCP, for clients that do not read them."""

    def prepare(self):
        self.victim.add(zones.rrset("large.victim.com.", "TXT", *['"%d %s"' % (n, "x" * 245) for n in range(200)]))


ALL = [Bomb, SlowStreams, DeadVictim, LargeAnswers]
