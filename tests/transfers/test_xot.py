# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones over TLS (RFC 9103), with peers of other makes on either side, and with those that are not whom they should be. Knot DNS 3.2 has
no TLS for transfers; its kdig has."""
import base64
import hashlib
import signal
import socket
import ssl
import struct
import subprocess

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import others
import pytest
from basics import Server, certificate, wait_for
from conftest import PRIMARY, SECONDARY, Banyand, notify, records, serial_of, zone_text

ZONE, HOST = "example.net.", "xfr.example"
TLS, OTHER_TLS = 8530, 8531
TIMERS = "1 1 86400 60"  # refresh and retry: so that what is asked is asked often


def text_of(serial, names=50):
    return zone_text(serial, names, serial * 7 % 40).replace("3600 600 86400 60", TIMERS)


def spki(pem):
    public = subprocess.run(["openssl", "x509", "-in", str(pem), "-pubkey", "-noout"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.fixture
def paper(tmp_path):
    return certificate(tmp_path, HOST)


@pytest.fixture
def primary(tmp_path, started, paper):
    """A banyand that gives the zone over TLS; options of the zone and sections of the configuration."""
    def start(zone=None, name="p", tls=TLS, port=PRIMARY, server=None, text=None, **sections):
        folder = tmp_path / name
        folder.mkdir()
        pem, key = paper
        server = dict({"tls-listen": [f"127.0.0.1@{tls}"], "tls-certificate": str(pem), "tls-key": str(key)}, **(server or {}))
        d = Banyand(folder, {ZONE: dict({"transfer": ["127.0.0.1 tls"]}, **(zone or {}))}, port=port, server=server, **sections)
        d.put(ZONE, text or text_of(1))
        started.append(d.start())
        return d
    return start


# ---- banyand gives

def bind_secondary(folder, pem):
    tls = f'tls t {{ ca-file "{pem}"; remote-hostname "{HOST}"; protocols {{ TLSv1.3; }}; }};'
    return others.bind(folder, f"127.0.0.1@{SECONDARY}", ZONE, ["type secondary;", f"primaries {{ 127.0.0.1 port {TLS} tls t; }};",
                                                                "masterfile-format text;"],
                       options="notify no; allow-transfer { any; }; allow-notify { 127.0.0.1; };", before=tls)


def nsd_secondary(folder, pem):
    return others.nsd(folder, f"127.0.0.1@{SECONDARY}", ZONE, [f"request-xfr: 127.0.0.1@{TLS} NOKEY auth", "allow-notify: 127.0.0.1 NOKEY",
                                                               "provide-xfr: 127.0.0.1 NOKEY"],
                      server=[f'tls-cert-bundle: "{pem}"'], sections=f'tls-auth:\n  name: auth\n  auth-domain-name: "{HOST}"\n')


@pytest.mark.parametrize("make", [bind_secondary, nsd_secondary])
def test_secondaries_over_tls(make, primary, started, paper, tmp_path):
    """Three versions, the later ones as differences; nothing is given without TLS."""
    d = primary()
    other = others.Other(tmp_path / "s", make(tmp_path / "s", paper[0])).start()
    started.append(other)
    for version in (1, 2, 3):
        if version > 1:
            d.put(ZONE, text_of(version))
            d.reload()

        def arrived():
            if serial_of(SECONDARY, ZONE) == version:
                return True
            notify(ZONE, version)
            return False
        wait_for(f"serial {version}: {other.log()}", arrived)
        wait_for("the same records", lambda: records("127.0.0.1", SECONDARY, ZONE) == over_tls(TLS, paper[0]))
    given = d.counters()
    assert given["transfers_differences"] >= 1, d.log()
    assert given["transfers_refused"] == given["transfers_broken"] == given["tls_failed"] == 0, d.log()


def session(port, pem, alpn=("dot",), receive=None, **options):
    context = ssl.create_default_context(cafile=str(pem))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    for option, value in options.items():
        setattr(context, option, value)
    bare = socket.socket()
    bare.settimeout(60)
    if receive:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    bare.connect(("127.0.0.1", port))
    return context.wrap_socket(bare, server_hostname=HOST)


def over_tls(port, pem, **options):
    """All of the zone by a session of Python's, as conftest.records() writes it."""
    query = dns.message.make_query(ZONE, "AXFR")
    found, ends = set(), 0
    with session(port, pem, **options) as s:
        dns.query.send_tcp(s, query)
        while ends < 2:
            reply = dns.query.receive_tcp(s, one_rr_per_rrset=True)[0]
            assert reply.rcode() == dns.rcode.NOERROR and reply.answer, reply
            for rrset in reply.answer:
                ends += rrset.rdtype == dns.rdatatype.SOA
                found.add(f"{rrset.name.to_text().lower()} {rrset.ttl} {rrset.rdtype} {rrset[0].to_digestable().hex()}")
    return sorted(found)


@pytest.mark.parametrize("tool", [["kdig", "+tls", "+tls-ca={pem}", f"+tls-hostname={HOST}", "+time=60"],
                                  ["dig", "+tls", "+tls-ca={pem}", f"+tls-hostname={HOST}", "+time=60"]], ids=["kdig", "dig"])
def test_tools_over_tls(primary, paper, tool):
    primary()
    out = subprocess.run([word.format(pem=paper[0]) for word in tool] + ["@127.0.0.1", "-p", str(TLS), ZONE, "AXFR"], capture_output=True,
                         text=True, timeout=120)
    assert len([line for line in out.stdout.splitlines() if line.startswith("n") and "\tIN\tA\t" in line]) >= 50, out


def plain(kind, tcp=True):
    query = dns.message.make_query(ZONE, kind)
    if kind == "IXFR":
        query.authority.append(dns.rrset.from_text(ZONE, 0, "IN", "SOA", ". . 0 0 0 0 0"))
    return (dns.query.tcp if tcp else dns.query.udp)(query, "127.0.0.1", port=PRIMARY, timeout=60)


def test_over_tls_only(primary, paper):
    """By the word tls, by the option for all, and by neither, each with a reload."""
    d = primary()
    for transfer, only, open_to_all in ((["127.0.0.1 tls"], False, False), (["127.0.0.1"], True, False), (["127.0.0.1"], False, True),
                                        (["127.0.0.2", "127.0.0.1 tls"], False, False)):
        d.rewrite(zones=[{"name": ZONE, "file": str(d.files[ZONE]), "transfer": transfer}], transfers={"tls-only": only})
        d.reload()
        assert len(over_tls(TLS, paper[0])) > 50
        for kind, tcp in (("AXFR", True), ("IXFR", True), ("IXFR", False)):
            reply = plain(kind, tcp)
            assert reply.rcode() == (dns.rcode.NOERROR if open_to_all else dns.rcode.REFUSED), transfer
        assert plain("SOA", False).answer
    assert "refused, since it may have it over TLS only" in d.log()
    assert d.counters()["transfers_refused"] == 9


@pytest.mark.parametrize("transfer, only, words", [
    (["127.0.0.1 tls"], False, "zones[0].transfer: over TLS only, but server.tls-listen names no address"),
    (["127.0.0.1"], True, "transfers.tls-only: over TLS only, but server.tls-listen names no address"),
    (["tls"], False, "found 'tls', which says nothing of who"),
])
def test_nobody_could_have_it(tmp_path, paper, transfer, only, words):
    server = {} if "names no" in words else {"tls-listen": [f"127.0.0.1@{TLS}"], "tls-certificate": str(paper[0]), "tls-key": str(paper[1])}
    d = Banyand(tmp_path, {ZONE: {"transfer": transfer}}, server=server, transfers={"tls-only": only})
    done = subprocess.run([*d.arguments, "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and words in done.stderr, done


def test_tokens_and_versions(primary, paper):
    """Other tokens and older versions end the session with an alert; no token at all is a client of before RFC 9103."""
    d = primary()
    assert len(over_tls(TLS, paper[0], alpn=())) > 50
    assert len(over_tls(TLS, paper[0], alpn=("h2", "dot"))) > 50
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        session(TLS, paper[0], alpn=("h2",)).read(1)
    with pytest.raises(ssl.SSLError, match="(?i)protocol.version|handshake.failure"):
        session(TLS, paper[0], maximum_version=ssl.TLSVersion.TLSv1_2)
    wait_for("both counted", lambda: d.counters()["tls_failed"] == 2)


def closed(s):
    """Waits until the other side has closed, without reading what it sends in the session."""
    s.settimeout(60)
    try:
        while s.recv(1):
            pass
    except (ConnectionResetError, ssl.SSLError, OSError):
        pass


def test_clients_that_take_their_time(primary, paper):
    """A handshake that is not begun or stops midway, a session without a question, and one that asks for a large zone and does not read."""
    d = primary(server={"tcp-idle": "4s"}, text=text_of(1, 60000))
    raw = socket.create_connection(("127.0.0.1", TLS))
    half = socket.create_connection(("127.0.0.1", TLS))
    half.sendall(b"\x16\x03\x01\x02\x00\x01")
    idle = session(TLS, paper[0])
    for s in (raw, half, idle):
        closed(s)
    wait_for("all three counted", lambda: d.counters()["tcp_idle_closed"] == 3)
    deaf = session(TLS, paper[0], receive=4096)
    deaf.sendall(struct.pack("!H", len(wire := dns.message.make_query(ZONE, "AXFR").to_wire())) + wire)
    wait_for("it is cut", lambda: d.counters()["tcp_slow"] == 1)
    wait_for("the transfer is over", lambda: d.counters()["transfers_broken"] == 1)
    wait_for("the word", lambda: "broken off, since the client went away or reads too slowly" in d.log())
    deaf.close()


# ---- banyand takes

def bind_primary(folder, pem, key):
    tls = f'tls t {{ cert-file "{pem}"; key-file "{key}"; protocols {{ TLSv1.3; }}; }};'
    return others.bind(folder, f"127.0.0.1@{SECONDARY}", ZONE, ["type primary;"], before=tls,
                       options=f"notify no; ixfr-from-differences yes; check-names primary ignore; listen-on port {OTHER_TLS} tls t {{ 127.0.0.1; }}; "
                               f"allow-transfer port {OTHER_TLS} transport tls {{ any; }};")


def nsd_primary(folder, pem, key):
    return others.nsd(folder, f"127.0.0.1@{SECONDARY} 127.0.0.1@{OTHER_TLS}", ZONE, ["provide-xfr: 127.0.0.1 NOKEY"],
                      server=[f"tls-port: {OTHER_TLS}", f'tls-service-key: "{key}"', f'tls-service-pem: "{pem}"'])


@pytest.fixture
def secondary(tmp_path, started):
    """A banyand with these sources and no file."""
    def start(*sources, name="d", **options):
        folder = tmp_path / name
        folder.mkdir()
        zone = {"name": ZONE, "sources": list(sources), "store": str(folder / "store"), "refresh-min": "1s", "transfer": ["127.0.0.1"]}
        d = Banyand(folder, {})
        d.rewrite(zones=[dict(zone, **options)])
        started.append(d.start())
        return d
    return start


def source(pem, port=OTHER_TLS, words=""):
    return f"xot:127.0.0.1@{port} name={HOST} ca={pem}{words}"


@pytest.mark.parametrize("make, words", [(bind_primary, ""), (nsd_primary, " alpn=any")], ids=["bind", "nsd"])
def test_from_others_over_tls(make, words, secondary, started, paper, tmp_path):
    folder = tmp_path / "o"
    folder.mkdir()
    (folder / "zone").write_text(text_of(1))
    other = others.Other(folder, make(folder, *paper)).start()
    started.append(other)
    other.answers(ZONE, SECONDARY)
    d = secondary(source(paper[0], words=words))
    for version in (1, 2):
        if version > 1:
            (folder / "new").write_text(text_of(version))
            (folder / "new").rename(folder / "zone")
            other.signal(signal.SIGHUP)
        wait_for(f"serial {version}", lambda: serial_of(PRIMARY, ZONE) == version)
    assert f"only{2}.{ZONE} " in "\n".join(records("127.0.0.1", PRIMARY, ZONE))
    assert d.counters()["copy_adopted"] == 2


def test_nsd_of_debian_selects_no_token(secondary, started, paper, tmp_path):
    """NSD 4.6 as a server knows nothing of ALPN: it has to be said that this is good enough."""
    folder = tmp_path / "o"
    folder.mkdir()
    (folder / "zone").write_text(text_of(1))
    started.append(others.Other(folder, nsd_primary(folder, *paper)).start().answers(ZONE, SECONDARY))
    d = secondary(source(paper[0]))
    wait_for("the word", lambda: f"127.0.0.1@{OTHER_TLS}: TLS: the server does not select the ALPN token dot" in d.log())
    assert serial_of(PRIMARY, ZONE) is None


def test_from_banyand_over_tls(primary, secondary, paper):
    """By name and authority, by the address in the certificate, by a pin, and by a pin and a name."""
    p = primary(port=SECONDARY, tls=OTHER_TLS)
    pem, where = paper[0], f"xot:127.0.0.1@{OTHER_TLS}"
    for n, text in enumerate((source(pem), f"{where} ca={pem}", f"{where} pin={spki(pem)}", source(pem, words=f" pin={spki(pem)}"))):
        d = secondary(text, name=f"d{n}")
        wait_for(f"it by {text}: {d.log()}", lambda: serial_of(PRIMARY, ZONE) == 1)
        assert records("127.0.0.1", PRIMARY, ZONE) == over_tls(OTHER_TLS, pem)
        d.stop()
    assert p.counters()["tls_failed"] == 0


def test_not_whom_it_should_be(primary, secondary, paper, tmp_path):
    """Each of them is told of with its address and the reason; the good one behind them is used."""
    p = primary(port=SECONDARY, tls=OTHER_TLS)
    pem, where = paper[0], f"xot:127.0.0.1@{OTHER_TLS}"
    wrong, _ = certificate(tmp_path, HOST, "wrong")
    bad = {
        f"{where} name=other.example ca={pem}": "The name in the certificate does not match the expected",
        f"{where} name={HOST} ca={wrong}": "The certificate is NOT trusted",
        f"{where} pin={spki(wrong)}": "the server's key is none of the pinned ones",
        f"{where} name={HOST} ca={pem} pin={spki(wrong)}": "the server's key is none of the pinned ones",
        f"xot:127.0.0.1@{SECONDARY} pin={spki(pem)}": "",  # a server without TLS
    }
    d = secondary(*bad, source(pem), **{"check-sources": 6})
    wait_for("the good one", lambda: serial_of(PRIMARY, ZONE) == 1)
    failures = wait_for("each was asked", lambda: told(d, bad))
    for text, words in bad.items():
        assert failures[text].startswith("127.0.0.1@") and words in failures[text], failures
    wait_for("failed sessions", lambda: p.counters()["tls_failed"] >= 4)


def told(d, sources):
    """What is wrong with each source, when something is wrong with each."""
    failures = {s["source"]: s["failure"] for s in d.status()["zones"][0]["copy"]["sources"]}
    return failures if all(failures[text] for text in sources) else None


class Speaker(Server):
    """A TLS server of its own pace: Python's, or what a function says to a bare connection."""

    def __init__(self, paper, serve, alpn=("dot",), **options):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*map(str, paper))
        if alpn:
            self.context.set_alpn_protocols(list(alpn))
        for option, value in options.items():
            setattr(self.context, option, value)
        super().__init__(serve)


def speaks(then):
    def serve(speaker, connection):
        with speaker.context.wrap_socket(connection, server_side=True) as s:
            then(speaker, s)
    return serve


def is_silent(speaker, s):
    speaker.stopped.wait()


def trickles(speaker, s):
    """The SOA, as it should be, and of the zone a byte now and then."""
    while True:
        query = dns.query.receive_tcp(s)[0]
        reply = dns.message.make_response(query)
        if query.question[0].rdtype == dns.rdatatype.SOA:
            reply.answer.append(dns.rrset.from_text(ZONE, 300, "IN", "SOA", f"ns. h. 9 {TIMERS}"))
            dns.query.send_tcp(s, reply)
            continue
        s.sendall(struct.pack("!H", 60000))
        while not speaker.stopped.wait(0.1):
            s.sendall(b"x")


def says_nothing(speaker, connection):
    speaker.stopped.wait()


def drips_handshake(speaker, connection):
    connection.sendall(b"\x16\x03\x03\x40\x00")
    while not speaker.stopped.wait(0.1):
        connection.sendall(b"x")


def test_peers_that_stall(primary, secondary, started, paper):
    """Before, in and behind the handshake: each costs its turn, with a reason, and the good one is used."""
    primary(port=SECONDARY, tls=OTHER_TLS)
    old = {"minimum_version": ssl.TLSVersion.TLSv1_2, "maximum_version": ssl.TLSVersion.TLSv1_2}
    speakers = {
        Speaker(paper, says_nothing): "TLS: no session within",
        Speaker(paper, drips_handshake): "TLS: ",
        Speaker(paper, speaks(is_silent)): "it does not answer",
        Speaker(paper, speaks(is_silent), **old): "the other side speaks no version 1.3",
        Speaker(paper, speaks(is_silent), alpn=()): "does not select the ALPN token dot",
    }
    started.extend(speakers)
    bad = {source(paper[0], port=s.port): (f"127.0.0.1@{s.port}: ", words) for s, words in speakers.items()}
    d = secondary(*bad, source(paper[0]), **{"check-sources": 6})
    wait_for("the good one", lambda: serial_of(PRIMARY, ZONE) == 1)
    failures = wait_for("each was given up", lambda: told(d, bad))
    for text, (peer, words) in bad.items():
        assert failures[text].startswith(peer) and words in failures[text], failures


def test_a_zone_that_trickles(primary, secondary, started, paper):
    """A transfer that is begun and then given byte by byte is cut by the least rate, though each byte comes long before its time is up."""
    primary(port=SECONDARY, tls=OTHER_TLS)
    speaker = Speaker(paper, speaks(trickles))
    started.append(speaker)
    text = source(paper[0], port=speaker.port)
    d = secondary(text, source(paper[0]))
    failures = wait_for("it is cut", lambda: told(d, [text]), 120)
    assert failures[text].startswith(f"127.0.0.1@{speaker.port}: it sent ") and "are the least" in failures[text], failures
    wait_for("the good one", lambda: serial_of(PRIMARY, ZONE) == 1)
