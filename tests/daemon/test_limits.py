# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates, access and cookies as clients see them: dig, kdig and dnspython; cookies beside NSD, Knot DNS and BIND with the same secret."""
import re
import shutil
import socket
import subprocess
import time

import dns.edns
import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import DEADLINE_S, free_port, guard, wait_for
from test_resolver import keys, world  # noqa: F401 (fixtures)

SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
OTHER = "445536bcd2513298075a5d379663c962"
COOKIE = 10
BADCOOKIE = 23


def program(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def cookie_of(reply):
    found = [o.data for o in reply.options if o.otype == COOKIE]
    return found[0] if found else None


def ask(port, cookie=None, name="www.example.", address="127.0.0.1", timeout=30, **options):
    if cookie is not None:
        options["options"] = [dns.edns.GenericOption(COOKIE, cookie)]
        options["use_edns"] = 0
    return dns.query.udp(dns.message.make_query(name, "A", **options), address, port=port, timeout=timeout)


# ---- cookies ----

def nsd(port, folder, zone):
    (folder / "nsd.conf").write_text(f"""server:
  ip-address: 127.0.0.1@{port}
  username: ""
  database: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  answer-cookie: yes
  cookie-secret: "{SECRET}"
remote-control:
  control-enable: no
zone:
  name: example.
  zonefile: {zone}
""")
    return ["nsd", "-d", "-c", str(folder / "nsd.conf")]


def knot(port, folder, zone):
    (folder / "knot.conf").write_text(f"""server:
  rundir: {folder}
  listen: 127.0.0.1@{port}
log:
  - target: stderr
    any: info
database:
  storage: {folder}
mod-cookies:
  - id: c
    secret: 0x{SECRET}
    badcookie-slip: 1
template:
  - id: default
    global-module: mod-cookies/c
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
zone:
  - domain: example.
    file: {zone}
""")
    return ["knotd", "-c", str(folder / "knot.conf")]


def named(port, folder, zone):
    (folder / "named.conf").write_text(f"""options {{
  directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; notify no; dnssec-validation no; pid-file none; session-keyfile none;
  answer-cookie yes; cookie-algorithm siphash24; cookie-secret "{SECRET}"; require-server-cookie yes;
}};
controls {{ }};
logging {{ channel c {{ stderr; }}; category default {{ c; }}; }};
zone "example." {{ type primary; file "{zone}"; }};
""")
    return ["named", "-f", "-n", "1", "-c", str(folder / "named.conf")]


@pytest.fixture
def peer(tmp_path):
    running = []

    def start(kind):
        words = kind(port := free_port(), tmp_path, tmp_path / "example.zone")
        program(words[0])
        log = open(tmp_path / "peer.log", "wb")
        running.append(subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        log.close()

        def answers():
            assert running[0].poll() is None, (tmp_path / "peer.log").read_text()
            try:
                return ask(port, b"tryout!!", timeout=1)
            except dns.exception.Timeout:
                return None
        wait_for(f"{words[0]} answers", answers)
        return port
    yield start
    for process in running:
        process.terminate()
        process.wait(DEADLINE_S)


def secrets(tmp_path, *lines):
    path = tmp_path / "secrets"
    path.write_text("# of the fleet\n" + "".join(line + "\n" for line in lines))
    return str(guard(path))


@pytest.mark.parametrize("kind", [nsd, knot, named], ids=["nsd", "knot", "bind"])
def test_fleet_shares_a_secret(authority, peer, tmp_path, kind):
    d = authority({"cookies": "require", "cookie-secrets": secrets(tmp_path, SECRET)})
    other = peer(kind)
    # theirs is good here: no BADCOOKIE, and it comes back as it is
    theirs = cookie_of(ask(other, b"abcdefgh"))
    assert len(theirs) == 24 and theirs[:8] == b"abcdefgh"
    reply = ask(d.port, theirs)
    assert reply.rcode() == dns.rcode.NOERROR and cookie_of(reply) == theirs
    # ours is good there
    for _ in range(100):
        reply = ask(d.port, b"12345678")
        assert reply.rcode() == BADCOOKIE
        ours = cookie_of(reply)
        reply = ask(other, ours)
        if cookie_of(reply)[12:16] == ours[12:16]:  # BIND makes a new one each second
            break
    assert reply.rcode() == dns.rcode.NOERROR and cookie_of(reply) == ours
    # and what is forged is good nowhere
    forged = ours[:-1] + bytes([ours[-1] ^ 1])
    assert ask(d.port, forged).rcode() == BADCOOKIE
    assert cookie_of(ask(other, forged)) != forged


def test_secret_is_rolled_without_loss(authority, tmp_path):
    d = authority({"cookies": "require", "cookie-secrets": secrets(tmp_path, SECRET)})
    old = cookie_of(ask(d.port, b"abcdefgh"))
    secrets(tmp_path, SECRET, OTHER)
    assert d.cli("reload")[0] == 0
    assert cookie_of(ask(d.port, old)) == old
    secrets(tmp_path, OTHER, SECRET)
    assert d.cli("reload")[0] == 0
    reply = ask(d.port, old)
    assert reply.rcode() == dns.rcode.NOERROR
    new = cookie_of(reply)
    assert new != old
    secrets(tmp_path, OTHER)
    assert d.cli("reload")[0] == 0
    assert ask(d.port, old).rcode() == BADCOOKIE
    assert ask(d.port, new).rcode() == dns.rcode.NOERROR
    # what is no secret is refused with its line, and nothing changes
    secrets(tmp_path, OTHER, "0123")
    code, _, err = d.cli("reload")
    assert code != 0 and "secrets:3:" in err + d.log()
    assert ask(d.port, new).rcode() == dns.rcode.NOERROR


def test_own_secret_outlives_a_reload(authority):
    d = authority({"cookies": "require"})
    cookie = cookie_of(ask(d.port, b"abcdefgh"))
    assert d.cli("reload")[0] == 0
    assert cookie_of(ask(d.port, cookie)) == cookie


@pytest.mark.parametrize("client", ["dig", "kdig"])
def test_cookie_clients(authority, client):
    d = authority({"cookies": "require"})
    once = ["+time=30", "+tries=1" if client == "dig" else "+retry=0"]
    words = [program(client), "@127.0.0.1", "-p", str(d.port), *once, "+cookie", "www.example.", "A"]
    out = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    assert "192.0.2.1" in out and re.search("cookie", out, re.I), out  # asked again with the cookie of BADCOOKIE
    assert d.counters()["cookie_required"] == 1
    out = subprocess.run(words[:6] + ["+nocookie", "+ignore", "www.example.", "A"], capture_output=True, text=True,
                         timeout=60).stdout
    assert "192.0.2.1" not in out and re.search(r"flags:[^;]* tc\b", out, re.I), out


def test_cookie_without_question(authority):
    d = authority()
    query = dns.message.make_query(".", "A", options=[dns.edns.GenericOption(COOKIE, b"abcdefgh")])
    query.question.clear()
    reply = dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30)
    assert reply.rcode() == dns.rcode.NOERROR and not reply.question
    cookie = cookie_of(reply)
    assert len(cookie) == 24
    query = dns.message.make_query(".", "A", options=[dns.edns.GenericOption(COOKIE, cookie[:-1] + bytes([cookie[-1] ^ 1]))])
    query.question.clear()
    assert dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30).rcode() == BADCOOKIE


def test_cookies_in_answers_of_the_resolver(world):  # noqa: F811
    _, d, _ = world()
    first = cookie_of(ask(d.port, b"abcdefgh"))
    assert cookie_of(ask(d.port, first)) == first  # from the cache, too


# ---- rates ----

def test_rrl(authority):
    d = authority(None)
    d.config["rrl"] = {"rate": 5, "nxdomains": 5, "slip": 2}
    d.write()
    assert d.cli("reload")[0] == 0
    query = dns.message.make_query("www.example.", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", d.port))
        began = time.monotonic()
        for _ in range(100):
            s.send(query)
        done = wait_for("all are answered or dropped", lambda: (c := d.counters())["rrl_dropped"] + c["udp_replies"] >= 100 and c)
        whole = 5 * (2 + int(time.monotonic() - began))  # 5, and 5 more for each second that begins meanwhile
        assert done["rrl_dropped"] + done["udp_replies"] == 100
        assert done["udp_replies"] - done["rrl_slipped"] <= whole
        assert done["rrl_slipped"] >= (100 - whole) // 2
    out = subprocess.run([program("dig"), "@127.0.0.1", "-p", str(d.port), "+nocookie", "+tries=9", "+time=3", "www.example."],
                         capture_output=True, text=True, timeout=60).stdout
    assert "192.0.2.1" in out, out  # TC leads to TCP
    cookie = cookie_of(dns.query.tcp(dns.message.make_query("www.example.", "A", options=[
        dns.edns.GenericOption(COOKIE, b"abcdefgh")]), "127.0.0.1", port=d.port, timeout=30))
    for _ in range(30):
        assert ask(d.port, cookie).answer


def test_client_rate_and_access(world):  # noqa: F811
    _, d, _ = world({"allow": ["127.0.0.0/8", "::1/128"], "deny": ["127.5.0.0/16"], "drop": ["127.5.5.0/24"],
                     "client-rate": 5, "client-exempt": ["::1/128"]})
    assert ask(d.port).answer  # and it is in the cache
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", d.port))
        for n in range(100):
            s.send(dns.message.make_query("www.example.", "A", id=n).to_wire())
        done = wait_for("all are answered or dropped", lambda: (c := d.counters())["client_rate_limited"] + c["udp_replies"] >= 101 and c)
        allowed = 5 * (2 + int(time.monotonic() - began))
        s.setblocking(False)
        answered = 0
        while answered < 101:
            try:
                answered += len(dns.message.from_wire(s.recv(4096)).answer)
            except BlockingIOError:
                break
    assert 4 <= answered <= allowed and done["client_rate_limited"] >= 100 - allowed
    for _ in range(50):
        assert ask(d.port, address="::1").answer
    query = dns.message.make_query("www.example.", "A")
    refused = dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30, source="127.5.1.1")
    assert refused.rcode() == dns.rcode.REFUSED
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(query, "127.0.0.1", port=d.port, timeout=0.3, source="127.5.5.1")
    wait_for("it is counted", lambda: d.counters()["clients_dropped"] == 1)


def test_one_client_cannot_take_all_places(world):  # noqa: F811
    """With all that one client may have in flight in work, it still gets what is cached, and others get everything."""
    _, d, _ = world({"client-questions-max": 20, "question-time": "60s", "zone-questions-max": 0}, {"workers": 1})
    assert ask(d.port).answer
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.77", d.config["resolver"]["upstream-port"]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", d.port))
        for i in range(100):
            s.send(dns.message.make_query(f"n{i}.dead.", "A").to_wire())
        wait_for("those above the limit are refused", lambda: d.counters()["client_limited"] >= 80)
    assert ask(d.port).answer
    assert ask(d.port, name="serial.example.").rcode() == dns.rcode.SERVFAIL
    query = dns.message.make_query("ns.example.", "A")
    assert dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30, source="127.0.0.9").answer
    silent.close()


def test_keepalive_over_tcp(authority):
    d = authority({"tcp-idle": "7s"})
    query = dns.message.make_query("www.example.", "A", options=[dns.edns.GenericOption(11, b"")])
    reply = dns.query.tcp(query, "127.0.0.1", port=d.port, timeout=30)
    assert [o.data for o in reply.options if o.otype == 11] == [(70).to_bytes(2, "big")]
    reply = dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30)
    assert not reply.options  # RFC 7828 section 3.2.2: not over UDP
