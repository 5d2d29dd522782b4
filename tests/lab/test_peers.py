# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with others: BIND and unbound resolve and validate every expected name, and NSD, Knot DNS and BIND serve its zones."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

import ask
from conftest import DEADLINE_S, Run, make_lab, program, short_folder, wait_for

HERE = Path(__file__).resolve().parent
NOT_BY_IPV4 = {"ipv6-only"}  # features that a resolver without our reroutes cannot reach
SLOW_TO_FAIL = {"dead", "dead-only"}  # peers take up to a minute to give up on a dead server


def bind_conf(lab, folder, address):
    anchor = lab.path("root", "root.ds").read_text(encoding="ascii").split(None, 4)[4].split()
    return f"""
options {{
    directory "{folder}"; managed-keys-directory "{folder}"; session-keyfile "{folder}/session.key"; pid-file none;
    port {lab.port}; listen-on {{ {address}; }}; listen-on-v6 {{ none; }}; recursion yes; allow-query {{ any; }};
    dnssec-validation yes; empty-zones-enable no; notify no; lame-ttl 0; max-udp-size 1232; max-cache-size 64M;
}};
controls {{ }};
trust-anchors {{ . static-ds {anchor[0]} {anchor[1]} {anchor[2]} "{anchor[3]}"; }};
zone "." {{ type hint; file "{lab.path('root', 'root.hints')}"; }};
"""


@pytest.fixture
def bind(lab, tmp_path):
    """BIND as a resolver: its `port` is also the one that it asks servers at, so it walks the lab as it is."""
    if shutil.which("named", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("named is not installed")
    folder, address = tmp_path, "127.0.0.1"  # it wants an address that an interface has
    conf = folder / "named.conf"
    conf.write_text(bind_conf(lab, folder, address), encoding="utf-8")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(["/usr/sbin/named", "-4", "-g", "-n", "1", "-c", str(conf)], stdout=log, stderr=log)
    yield address
    process.terminate()
    process.wait(timeout=DEADLINE_S)


def bind_is_up(address, port):
    try:
        query = dns.message.make_query("id.server.", "TXT", "CH")
        return dns.query.udp(query, address, 1, port)
    except (dns.exception.DNSException, OSError):
        return None


@pytest.mark.parametrize("server", ["banyand", "nsd"])
def test_bind_resolves_and_validates_every_name(lab, bind, server):
    """Neither the lab nor the expected answers are ours alone: BIND walks and validates it, with nsd as all servers too."""
    options = ["--banyand", str(HERE / "nsd-as-banyand")] if server == "nsd" else []
    if server == "nsd" and not Path("/usr/sbin/nsd").exists():
        pytest.skip("nsd is not installed")
    with Run(lab.folder, *options):
        wait_for("named", lambda: bind_is_up(bind, lab.port))
        replies = ask.ask_all(ask.expected_of(lab, NOT_BY_IPV4 | SLOW_TO_FAIL), bind, lab.port)
    ask.assert_all_as_expected(replies)
    authentic = {reply.row.feature for reply in replies if reply.authentic}
    assert {"plain", "site-signed", "parked-signed", "wildcard", "no-tld", "tld"} <= authentic
    insecure = [reply for reply in replies if reply.row.feature in ("parked", "unsigned-tld") and reply.row.rcode == "NOERROR"]
    assert insecure and not any(reply.authentic for reply in insecure)


UNBOUND_CONF = """
server:
  chroot: "" username: "" use-syslog: no pidfile: "" directory: "{folder}"
  interface: 127.10.250.2 port: 53 access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no do-ip6: no
  root-hints: "{hints}"
  trust-anchor-file: "{anchor}"
  local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault
  max-udp-size: 1232
remote-control:
  control-enable: no
"""


class Namespace:
    """A network of its own, where port 53 is free. Lives as long as the process that holds it."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up && echo up && exec sleep 3600"],
                                       stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"up\n"
        self.prefix = ["nsenter", "-n", "-t", str(self.holder.pid)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture(scope="module")
def lab53():
    """A lab at port 53, where unbound asks and BIND listens."""
    with short_folder() as place:
        yield make_lab(Path(place) / "lab", "--seed", "9", "--port", "53", "--resolver", "127.0.0.1@5300")


def rows_for(folder, wanted, without):
    rows = [row for row in ask.read_expected(folder / "expected.csv") if row.feature not in without]
    wanted.write_text("\n".join(",".join(row) for row in [ask.Row._fields, *rows]) + "\n", encoding="ascii")
    return wanted


def assert_resolves_all(namespace, wanted, address, port, times="1"):
    result = subprocess.run([*namespace.prefix, "/usr/bin/python3", str(HERE / "ask.py"), str(wanted), address, port, times],
                            capture_output=True, text=True, timeout=DEADLINE_S * 4, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
    authentic = int(result.stdout.rsplit(", ", 1)[1].split()[0])
    assert authentic > 150, result.stdout[-200:]


def add_addresses(namespace, folder):
    """Those that the operators listen at, for BIND, which wants to see them on an interface."""
    found = set()
    for path in folder.glob("operators/*/banyan.yaml"):
        found |= set(re.findall(r'"(127[.][0-9.]+)@', path.read_text(encoding="utf-8")))
    commands = "".join(f"address add {address}/32 dev lo\n" for address in sorted(found))
    subprocess.run([*namespace.prefix, "ip", "-batch", "-"], input=commands, text=True, check=True)


@pytest.mark.parametrize("server", ["banyand", "nsd", "knot", "bind"])
def test_with_each_peer_as_all_authorities(tmp_path, lab53, monkeypatch, server):
    """Every name of the lab through banyand, and through unbound in its place, whoever serves the zones."""
    needed = ["unbound", "ip", *{"nsd": ["nsd"], "knot": ["knotd"], "bind": ["named"]}.get(server, [])]
    if os.geteuid() != 0 or any(shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None for name in needed):
        pytest.skip("needs root for a network namespace, and " + ", ".join(needed))
    monkeypatch.setenv("BANYAND", program("banyand"))
    options = [] if server == "banyand" else ["--resolver", "--banyand", str(HERE / f"{server}-as-banyand")]
    conf = tmp_path / "unbound.conf"
    conf.write_text(UNBOUND_CONF.format(folder=tmp_path, hints=lab53 / "root/root.hints", anchor=lab53 / "root/root.ds"),
                    encoding="utf-8")
    with Namespace() as namespace:
        add_addresses(namespace, lab53)
        with Run(lab53, *options, prefix=namespace.prefix), open(tmp_path / "log", "wb") as log:
            unbound = subprocess.Popen([*namespace.prefix, "/usr/sbin/unbound", "-d", "-c", str(conf)], stdout=log, stderr=log)
            try:
                if server != "banyand":
                    assert_resolves_all(namespace, rows_for(lab53, tmp_path / "all", set()), "127.0.0.1", "5300")
                # a busy unbound may lose a question
                assert_resolves_all(namespace, rows_for(lab53, tmp_path / "most", NOT_BY_IPV4 | SLOW_TO_FAIL), "127.10.250.2", "53", "3")
            finally:
                unbound.terminate()
                unbound.wait(timeout=DEADLINE_S)
