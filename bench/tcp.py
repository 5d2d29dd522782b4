#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving the root over TCP: CPU time a question of banyand beside NSD, Knot DNS, BIND and Unbound, and of a bare echo, in one run.

tcp.py BUILD_FOLDER [SERVER...]      servers: banyand nsd knot bind unbound echo

Connections that stay and have many questions in flight, connections that stay and have one, and connections made for one question.
BENCH_RUNS (3), BENCH_SECONDS (2). Zone and questions are those of authority.py.
"""
import json
import sys
from pathlib import Path

import authority
import common
import servers
from common import LOAD_CPU, SECONDS, Calibrated, Process, own, tool

MODES = {
    "16 questions in flight on each of 8 connections": ("-k", 8, "-w", 16),
    "one question in flight on each of 64 connections": ("-k", 64, "-w", 1),
    "a connection for each question, 16 at once": ("-k", 16, "-1"),
}


def unbound_authority(folder, port, zones, workers=1):
    """It answers out of its auth-zones as an authority does."""
    lines = "".join(f'auth-zone:\n  name: "{origin}"\n  zonefile: "{path}"\n  for-downstream: yes\n  for-upstream: no\n' for origin, path in zones.items())
    return servers.unbound_config(folder, port, "  incoming-num-tcp: 200\n", lines, workers)


def start_echo(place, size):
    port = next(common.PORTS)
    return Process([own("tcp_echo"), common.ADDRESS, port, size], place / f"echo-{port}", port, ".")


def measure(server, questions, words):
    cpu = server.cpu_us()
    got = json.loads(tool("/", own("tcp_load"), "-p", server.port, "-t", SECONDS, "-f", questions, *words, cpu=LOAD_CPU))
    if got["unasked"] > 0:
        common.fail(f"{server.words[0]} sent {got['unasked']} messages that nobody asked for")
    got["us"] = (server.cpu_us() - cpu) / max(1, got["got"])
    return got


def main(place):
    servers.AUTHORITIES["unbound"] = (unbound_authority, "unbound")
    # a port that was used rests for a while, and there is one for each question; those of the servers stay free
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("6000 65535\n")
    wanted = common.present({**{name: program for name, (_, program) in servers.AUTHORITIES.items()}, "echo": None}, sys.argv[2:])
    root = authority.Root(place)
    with Calibrated():
        started = common.start_each(wanted, lambda name, size: start_echo(place, size) if name == "echo" else authority.start(name, place, root),
                                    lambda _, server: measure(server, root.questions, ("-k", 8)))
        for mode, words in MODES.items():
            results = common.in_turn(started, lambda server: measure(server, root.questions, words))  # noqa: B023
            common.title(f"Serving the root over TCP, {mode}: CPU time of one worker")
            common.speed_table(results)
        common.end_all(started)


if __name__ == "__main__":
    common.run(main)
