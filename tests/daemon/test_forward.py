# SPDX-License-Identifier: GPL-3.0-or-later
"""Forward and stub zones of a running daemon."""
import subprocess

import dns.rcode
import pytest
import yaml

from conftest import free_port, program

CORP = """$ORIGIN {zone}
@ 300 SOA ns h 1 7200 3600 86400 300
@ 300 NS ns
ns 300 A 127.0.0.3
www 300 A 192.0.2.7
"""


@pytest.fixture
def server(daemon, tmp_path):
    """The address of an authority for corp.example. and deep.corp.example."""
    zones = []
    for zone in ("corp.example.", "deep.corp.example."):
        (tmp_path / f"{zone}zone").write_text(CORP.format(zone=zone))
        zones.append({"name": zone, "file": str(tmp_path / f"{zone}zone")})
    port = free_port(("127.0.0.3",))
    daemon({"server": {"workers": 1}, "resolver": {"enabled": False}, "zones": zones}, addresses=("127.0.0.3",), port=port)
    return f"127.0.0.3@{port}"


@pytest.mark.parametrize("section", ["forward", "stub"])
@pytest.mark.parametrize("tcp", [False, True])
def test_zone_is_asked_of_its_servers(daemon, server, section, tcp):
    d = daemon({"root": {"file": "", "anchors-roll": False}, section: [{"zone": "corp.example", "servers": [server], "tcp-only": tcp, "validate": False}]})
    reply = d.ask("www.corp.example.")
    assert [str(r) for r in reply.answer[0]] == ["192.0.2.7"]
    assert d.ask("none.corp.example.").rcode() == dns.rcode.NXDOMAIN
    counters = d.counters()
    assert (counters["upstream_udp"] == 0) == tcp and counters["upstream_tcp" if tcp else "upstream_udp"] >= 2


def test_exceptions_and_the_longest_match(daemon, server):
    d = daemon({"root": {"file": "", "anchors-roll": False},
                "forward": [{"zone": ".", "servers": [server], "except": ["org"]},
                            {"zone": "corp.example", "servers": ["127.0.0.9@9"]},
                            {"zone": "deep.corp.example", "servers": [server], "validate": False}]})
    assert [str(r) for r in d.ask("www.deep.corp.example.").answer[0]] == ["192.0.2.7"]
    before = d.counters()
    assert d.ask("www.example.org.").rcode() == dns.rcode.SERVFAIL  # there is no root to walk from
    assert d.counters()["upstream_udp"] == before["upstream_udp"]


@pytest.mark.parametrize("forward, words", [
    ([{"zone": "a.example", "servers": ["127.0.0.1"]}, {"zone": "A.example.", "servers": ["127.0.0.1"]}], "forward[0] already"),
    ([{"zone": "a.example", "servers": []}], "forward[0].servers"),
    ([{"zone": "a.example", "servers": ["127.0.0.2"], "except": ["a.example"]}], "stands here again"),
    ([{"zone": "a.example", "servers": ["127.0.0.1"]}], "forward[0].servers: 127.0.0.1@53 is an address of server.listen"),
    ([{"zone": "a.example"}], "forward[0]: 'servers' is missing"),
])
def test_mistakes_are_named(tmp_path, forward, words):
    path = tmp_path / "banyan.yaml"
    path.write_text(yaml.safe_dump({"forward": forward}))
    done = subprocess.run([program("banyand"), "-c", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and words in done.stderr
