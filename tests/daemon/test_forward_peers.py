# SPDX-License-Identifier: GPL-3.0-or-later
"""Forward and stub zones whose servers are NSD, Knot DNS, BIND and Unbound, beside a local root that denies them."""
import os
import subprocess
import sys
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import DEADLINE_S, free_port, wait_for
from test_resolver import keys, world  # noqa: F401 (fixtures)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))
import peers  # noqa: E402

CORP = "corp.no-such-tld."
LONG = "x" * 250
TEXT = f"""$ORIGIN {CORP}
$TTL 300
@ SOA ns h 1 7200 3600 86400 300
@ NS ns
ns A 127.0.0.1
www A 192.0.2.7
alias CNAME www
big TXT {" ".join([LONG] * 20)}
"""


def unbound(folder, port, zone):
    lines = ["server:", "  interface: 127.0.0.1", f"  port: {port}", "  do-daemonize: no", '  username: ""', '  chroot: ""', '  pidfile: ""',
             f'  directory: "{folder}"', "  use-syslog: no", "  module-config: iterator", "  access-control: 127.0.0.0/8 allow", "  num-threads: 1",
             "  edns-buffer-size: 1232", "  max-udp-size: 1232",
             "auth-zone:", f'  name: "{CORP}"', f'  zonefile: "{zone}"', "  for-upstream: yes", "  for-downstream: no",
             "remote-control:", "  control-enable: no"]
    (folder / "unbound.conf").write_text("\n".join(lines) + "\n")
    return ["unbound", "-d", "-p", "-c", str(folder / "unbound.conf")]


def bind(folder, port, zone):
    (folder / "named.conf").write_text(f"""options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion yes;
allow-recursion {{ any; }}; dnssec-validation no; pid-file none; session-keyfile none; empty-zones-enable no; max-udp-size 1232; }};
controls {{ }}; logging {{ channel c {{ stderr; }}; category default {{ c; }}; }};
zone "{CORP}" {{ type primary; file "{zone}"; }};
""")
    return ["named", "-f", "-n", "1", "-c", str(folder / "named.conf")]


@pytest.fixture
def corp(tmp_path):
    """corp(kind) starts a server that has the zone; returns "address@port"."""
    running, contexts = [], []
    zone = tmp_path / "corp.zone"
    zone.write_text(TEXT)

    def start(kind):
        port = free_port()
        if kind in peers.KINDS:
            contexts.append(peers.start(kind, {CORP: zone}, tmp_path, port))
            contexts[-1].__enter__()
            return f"127.0.0.1@{port}"
        folder = tmp_path / kind
        folder.mkdir()
        command = {"unbound": unbound, "bind-recursive": bind}[kind](folder, port, zone)
        environment = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        with open(folder / "log", "wb") as log:
            running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder))

        def answers():
            assert running[-1].poll() is None, (folder / "log").read_text()
            try:
                return dns.query.udp(dns.message.make_query("www." + CORP, "A"), "127.0.0.1", 1, port).answer
            except (dns.exception.Timeout, OSError):
                return None
        wait_for(f"{kind} answers", answers)
        return f"127.0.0.1@{port}"
    yield start
    for context in contexts:
        context.__exit__(None, None, None)
    for process in running:
        process.terminate()
        process.wait(DEADLINE_S)


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("section, kind", [("stub", "nsd"), ("stub", "knot"), ("stub", "bind"), ("forward", "unbound"), ("forward", "bind-recursive")])
def test_zone_of(world, corp, section, kind, tcp):  # noqa: F811
    server = corp(kind)
    _, d, _ = world(resolver={"question-time": "30s"}, server={"workers": 1}, start=False)
    d.config[section] = [{"zone": CORP, "servers": [server], "tcp-only": tcp, "validate": False}]
    d.write()
    d.start()
    assert d.ask("no-such-tld.").rcode() == dns.rcode.NXDOMAIN  # the root denies what is above it
    assert [str(r) for r in d.ask("www." + CORP).answer[0]] == ["192.0.2.7"]
    reply = d.ask("alias." + CORP, want_dnssec=True)
    assert [str(r) for s in reply.answer for r in s] == ["www." + CORP, "192.0.2.7"]
    assert not reply.flags & dns.flags.AD
    assert d.ask("none." + CORP).rcode() == dns.rcode.NXDOMAIN
    assert not d.ask("www." + CORP, "AAAA").answer
    assert len(d.ask("big." + CORP, "TXT", tcp=True).answer[0][0].strings) == 20
    counters = d.counters()
    assert counters["upstream_tcp"] >= 1 and (counters["upstream_udp"] == 0) == tcp
    assert 1 <= counters["upstream_tcp_connections"] < counters["upstream_tcp"] + (not tcp)  # one serves several questions
    assert [str(r) for r in d.ask("www.example.").answer[0]] == ["192.0.2.1"]
