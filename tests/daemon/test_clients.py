# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that mean no good, or that just go away."""
import socket
import struct

import dns.message

from conftest import tcp_message, wait_for
from test_resolver import keys, world  # noqa: F401 (fixtures)


def test_tcp_client_gone_cancels_its_questions(world):  # noqa: F811
    _, d, _ = world(resolver={"question-time": "60s"}, server={"workers": 1})
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # dead. has a server that hears and says nothing
    silent.bind(("127.0.0.77", d.config["resolver"]["upstream-port"]))
    s = d.connect()
    for i in range(5):
        s.sendall(tcp_message(dns.message.make_query(f"n{i}.dead.", "A")))
    wait_for("the questions are in work", lambda: d.counters()["cache_misses"] == 5)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    wait_for("they are given up", lambda: d.counters()["questions_cancelled"] == 5)
    wait_for("they are counted", lambda: d.counters()["tcp_gone"] == 5)
    silent.close()
