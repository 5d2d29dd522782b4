# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a resolver for the rows of a lab's expected.csv and tells what differs.

As a program: ask.py EXPECTED.CSV ADDRESS PORT [TIMES], prints one difference a line and exits 1 if there is any. Where no reply comes it asks
up to so many times."""
import asyncio
import contextlib
import csv
import sys
import time
from collections import namedtuple

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

Row = namedtuple("Row", "feature name type rcode answer")
Reply = namedtuple("Reply", "row rcode answer authentic took_s")
IN_FLIGHT = 40  # questions at once: enough to be quick, few enough for one slow server
TIMEOUT_S = 90  # a resolver may need its whole budget to find out that a zone is dead


def read_expected(path):
    with open(path, newline="", encoding="ascii") as file:
        rows = csv.reader(file, quoting=csv.QUOTE_NONE)
        assert next(rows) == list(Row._fields)
        return [Row(*row[:4], ",".join(row[4:])) for row in rows]


def data_of(message, rdtype):
    """The data of all records of this type in the answer: with aliases, those at the end of the chain."""
    found = [rdata.to_text() for rrset in message.answer if rrset.rdtype == rdtype for rdata in rrset]
    return sorted(text if text.startswith('"') else text.lower() for text in found)


async def ask(row, address, port, gate, times):
    rdtype = dns.rdatatype.from_text(row.type)
    query = dns.message.make_query(row.name, rdtype, use_edns=0, payload=1232, want_dnssec=False)
    query.flags |= dns.flags.AD  # RFC 6840 section 5.7: tell whether it is authentic
    async with gate:
        started = asyncio.get_running_loop().time()
        reply, wrong = None, None
        for _ in range(times):
            try:
                reply, _ = await dns.asyncquery.udp_with_fallback(query, address, TIMEOUT_S / times, port)
                break
            except (dns.exception.DNSException, OSError, EOFError) as error:
                wrong = type(error).__name__
        if reply is None:
            return Reply(row, wrong, [], False, 0)
        took_s = asyncio.get_running_loop().time() - started
    return Reply(row, dns.rcode.to_text(reply.rcode()), data_of(reply, rdtype), bool(reply.flags & dns.flags.AD), took_s)


async def ask_all_async(rows, address, port, times):
    gate = asyncio.Semaphore(IN_FLIGHT)
    return await asyncio.gather(*(ask(row, address, port, gate, times) for row in rows))


def ask_all(rows, address, port, times=1):
    return asyncio.run(ask_all_async(rows, address, port, times))


def differences(replies):
    lines = []
    for reply in replies:
        want = sorted(reply.row.answer.split(";")) if reply.row.answer else []
        if reply.rcode != reply.row.rcode or reply.answer != want:
            lines.append(f"{reply.row.feature}: {reply.row.name} {reply.row.type}: expected {reply.row.rcode} "
                         f"{';'.join(want)}, got {reply.rcode} {';'.join(reply.answer)}")
    return lines


def expected_of(lab, without=()):
    rows = read_expected(lab.path("expected.csv"))
    assert len(rows) > 1000
    return [row for row in rows if row.feature not in without]


def assert_all_as_expected(replies):
    lines = differences(replies)
    assert not lines, f"{len(lines)} of {len(replies)} differ:\n" + "\n".join(lines[:30])


def wait_until_up(address, port):
    """What is asked before a resolver listens is lost."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        with contextlib.suppress(dns.exception.DNSException, OSError):
            return dns.query.udp(dns.message.make_query("version.server.", "TXT", "CH"), address, 1, port)
    raise AssertionError(f"nobody answers at {address}@{port}")


def main():
    wait_until_up(sys.argv[2], int(sys.argv[3]))
    replies = ask_all(read_expected(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    lines = differences(replies)
    authentic = sum(reply.authentic for reply in replies)
    print("\n".join(lines + [f"{len(replies)} asked, {len(lines)} differ, {authentic} authentic"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
