# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator says about names, in a running daemon: local zones, hosts files, views, policy zones from files."""
import json
import subprocess

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
import yaml

from conftest import free_port, program, wait_for

UPSTREAM = """$ORIGIN example.
@ 300 SOA ns h 1 7200 3600 86400 300
@ 300 NS ns
ns 300 A 127.0.0.3
www 300 A 192.0.2.1
bad 300 A 192.0.2.66
alias 300 CNAME bad
sub.bad 300 A 192.0.2.2
far 300 A 198.51.100.7
ok 300 A 192.0.2.5
"""

RPZ = """$ORIGIN block.rpz.
@ 60 SOA ns h {serial} 60 30 600 60
@ 60 NS ns
bad.example CNAME .
*.bad.example CNAME *.
ok.example CNAME rpz-passthru.
garden.example CNAME garden.invalid.
local.example A 10.9.8.7
drop.example CNAME rpz-drop.
tcp.example CNAME rpz-tcp-only.
24.0.100.51.198.rpz-ip CNAME .
"""


@pytest.fixture
def upstream(daemon, tmp_path):
    """The address of an authority for example."""
    (tmp_path / "upstream.zone").write_text(UPSTREAM)
    port = free_port(("127.0.0.3",))
    daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
            "zones": [{"name": "example.", "file": str(tmp_path / "upstream.zone")}]}, addresses=("127.0.0.3",), port=port)
    return f"127.0.0.3@{port}"


@pytest.fixture
def resolver(daemon, upstream):
    """resolver(sections) -> a daemon that asks the authority for example. and has these sections."""
    def start(sections, **options):
        config = {"root": {"file": ""}, "stub": [{"zone": "example", "servers": [upstream], "validate": False}],
                  "resolver": {"allow": ["127.0.0.0/8", "::1"]}}
        config.update(sections)
        return daemon(config, **options)
    return start


def addresses(reply):
    return sorted(str(r) for rrset in reply.answer for r in rrset if rrset.rdtype in (1, 28))


def ede(reply):
    return [o.code for o in reply.options if isinstance(o, dns.edns.EDEOption)]


def test_default_zones(resolver):
    d = resolver({})
    assert addresses(d.ask("localhost.")) == ["127.0.0.1"]
    assert addresses(d.ask("a.localhost.", "AAAA")) == ["::1"]
    for name in ("1.1.10.in-addr.arpa.", "printer.local.", "x.onion.", "x.home.arpa.", "x.alt.", "x.test.", "x.invalid.",
                 "1.64.100.in-addr.arpa."):
        reply = d.ask(name, "PTR")
        assert reply.rcode() == dns.rcode.NXDOMAIN, name
        assert reply.authority[0].rdtype == dns.rdatatype.SOA
    assert d.counters()["upstream_udp"] == 0


def test_default_zones_can_be_opened(resolver, upstream):
    forward = [{"zone": "1.10.in-addr.arpa", "servers": [upstream]}]
    d = resolver({"local": {"open": ["onion", "in-addr.arpa"]}, "forward": forward})
    assert d.ask("x.onion.").rcode() == dns.rcode.SERVFAIL  # there is no root to walk from
    assert d.ask("1.168.192.in-addr.arpa.", "PTR").rcode() == dns.rcode.SERVFAIL
    assert d.ask("x.test.").rcode() == dns.rcode.NXDOMAIN
    d = resolver({"forward": forward})
    assert d.ask("1.1.10.in-addr.arpa.", "PTR").rcode() != dns.rcode.NXDOMAIN
    assert d.ask("1.2.10.in-addr.arpa.", "PTR").rcode() == dns.rcode.NXDOMAIN
    d = resolver({"local": {"default-zones": False}})
    assert d.ask("x.test.").rcode() == dns.rcode.SERVFAIL


def test_hosts_and_records(resolver, tmp_path):
    (tmp_path / "hosts").write_text("# mine\n192.0.2.10 router.lan router # two names\n2001:db8::10\trouter.lan\n0.0.0.0 ads.example\n")
    (tmp_path / "records").write_text("mail.lan. 60 MX 10 router.lan.\n")
    d = resolver({"local": {
        "hosts": [str(tmp_path / "hosts")], "files": [str(tmp_path / "records")], "records": ["nas.lan. 120 A 192.0.2.11"],
        "zones": [{"name": "lan"}, {"name": "shop.example", "kind": "refuse"}, {"name": "empty.example", "kind": "nodata"},
                  {"name": "all.example", "kind": "redirect"}],
        "names": [{"name": "printer.lan", "addresses": ["192.0.2.12", "2001:db8::12"], "records": ["TXT \"hello world\""],
                   "ttl": "77s"},
                  {"name": "p.lan", "alias": "printer.lan"}, {"name": "all.example", "addresses": ["192.0.2.13"]}]}})
    assert addresses(d.ask("router.lan.")) == ["192.0.2.10"]
    assert addresses(d.ask("router.", "A")) == ["192.0.2.10"]
    assert addresses(d.ask("router.lan.", "AAAA")) == ["2001:db8::10"]
    assert addresses(d.ask("ads.example.")) == ["0.0.0.0"]
    assert str(d.ask("10.2.0.192.in-addr.arpa.", "PTR").answer[0][0]) == "router.lan."
    assert str(d.ask("mail.lan.", "MX").answer[0][0]) == "10 router.lan."
    assert d.ask("nas.lan.").answer[0].ttl == 120
    reply = d.ask("p.lan.", "TXT")
    assert str(reply.answer[0][0]) == "printer.lan." and str(reply.answer[1][0]) == '"hello world"'
    assert reply.answer[1].ttl == 77 and reply.flags & dns.flags.AA
    assert str(d.ask("12.2.0.192.in-addr.arpa.", "PTR").answer[0][0]) == "printer.lan."
    assert d.ask("other.lan.").rcode() == dns.rcode.NXDOMAIN
    assert d.ask("any.shop.example.").rcode() == dns.rcode.REFUSED
    assert ede(d.ask("any.shop.example.", use_edns=0)) == [15]
    reply = d.ask("x.empty.example.")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer
    assert addresses(d.ask("x.y.all.example.")) == ["192.0.2.13"]
    assert addresses(d.ask("www.example.")) == ["192.0.2.1"]


def test_views(resolver, tmp_path):
    (tmp_path / "rpz").write_text(RPZ.format(serial=1))
    d = resolver({
        "local": {"names": [{"name": "host.lan", "addresses": ["192.0.2.10"]}, {"name": "all.lan", "addresses": ["192.0.2.9"]}]},
        "views": [{"name": "inside", "clients": ["127.0.1.0/24"], "names": [{"name": "host.lan", "addresses": ["10.0.0.10"]}]},
                  {"name": "alone", "clients": ["127.0.2.0/24"], "common": False},
                  {"name": "kids", "clients": ["127.0.3.0/24"]},
                  {"name": "out", "clients": ["127.0.4.0/24"], "access": "refuse"},
                  {"name": "gone", "clients": ["127.0.5.0/24"], "access": "drop"}],
        "rpz": [{"zone": "block.rpz", "file": str(tmp_path / "rpz"), "views": ["kids"], "reason": "filtered"}]})

    def query(name, source, timeout=30):
        return dns.query.udp(dns.message.make_query(name, "A", use_edns=0), "127.0.0.1", port=d.port, timeout=timeout,
                             source=source)
    assert addresses(query("host.lan.", "127.0.0.1")) == ["192.0.2.10"]
    assert addresses(query("host.lan.", "127.0.1.1")) == ["10.0.0.10"]
    assert addresses(query("all.lan.", "127.0.1.1")) == ["192.0.2.9"]
    assert query("all.lan.", "127.0.2.1").rcode() == dns.rcode.SERVFAIL
    assert query("x.test.", "127.0.2.1").rcode() == dns.rcode.NXDOMAIN
    assert addresses(query("bad.example.", "127.0.1.1")) == ["192.0.2.66"]
    reply = query("bad.example.", "127.0.3.1")
    assert reply.rcode() == dns.rcode.NXDOMAIN and ede(reply) == [17]
    assert query("www.example.", "127.0.4.1").rcode() == dns.rcode.REFUSED
    with pytest.raises(dns.exception.Timeout):
        query("www.example.", "127.0.5.1", timeout=0.5)


def test_policy_zone_from_a_file(resolver, tmp_path):
    (tmp_path / "rpz").write_text(RPZ.format(serial=1))
    d = resolver({"rpz": [{"zone": "block.rpz", "file": str(tmp_path / "rpz"), "log": True}],
                  "local": {"names": [{"name": "garden.invalid", "addresses": ["192.0.2.99"]}]}})
    reply = d.ask("bad.example.", use_edns=0)
    assert reply.rcode() == dns.rcode.NXDOMAIN and ede(reply) == [15]
    reply = d.ask("x.bad.example.")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer
    assert d.ask("alias.example.").rcode() == dns.rcode.NXDOMAIN
    assert addresses(d.ask("ok.example.")) == ["192.0.2.5"]
    assert addresses(d.ask("local.example.")) == ["10.9.8.7"]
    assert addresses(d.ask("garden.example.")) == ["192.0.2.99"]
    reply = d.ask("tcp.example.")
    assert reply.flags & dns.flags.TC and not reply.answer
    assert d.ask("tcp.example.", tcp=True).rcode() == dns.rcode.NXDOMAIN
    assert d.ask("far.example.").rcode() == dns.rcode.NXDOMAIN  # where it leads to
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(dns.message.make_query("drop.example.", "A"), "127.0.0.1", port=d.port, timeout=0.5)
    wait_for("a line in the log", lambda: "asked for bad.example. A: no such name: policy zone block.rpz. qname bad.example." in d.log())


def test_a_reload_takes_new_rules_and_keeps_the_old_when_they_are_broken(resolver, tmp_path):
    (tmp_path / "rpz").write_text(RPZ.format(serial=1))
    (tmp_path / "hosts").write_text("192.0.2.10 router.lan\n")
    d = resolver({"rpz": [{"zone": "block.rpz", "file": str(tmp_path / "rpz")}], "local": {"hosts": [str(tmp_path / "hosts")]}})
    assert d.ask("www.example.").rcode() == dns.rcode.NOERROR
    (tmp_path / "rpz").write_text(RPZ.format(serial=2) + "www.example CNAME .\n")
    (tmp_path / "hosts").write_text("192.0.2.11 router.lan\n")
    code, out, _ = d.cli("reload")
    assert code == 0, out
    assert d.ask("www.example.").rcode() == dns.rcode.NXDOMAIN
    assert addresses(d.ask("router.lan.")) == ["192.0.2.11"]
    (tmp_path / "hosts").write_text("192.0.2.12 router.lan\n\n192.0.2.999 broken.lan\n")
    code, out, err = d.cli("reload")
    assert code != 0 and f"{tmp_path}/hosts:3: '192.0.2.999' is no IPv4 or IPv6 address" in out + err
    assert addresses(d.ask("router.lan.")) == ["192.0.2.11"]
    (tmp_path / "hosts").write_text("192.0.2.12 router.lan\n")
    (tmp_path / "rpz").write_text(RPZ.format(serial=3) + "www.example CNAME ( .\n")
    code, out, err = d.cli("reload")
    assert code != 0 and f"{tmp_path}/rpz:" in out + err
    assert d.ask("www.example.").rcode() == dns.rcode.NXDOMAIN
    assert addresses(d.ask("router.lan.")) == ["192.0.2.11"]


def test_why_names_zone_and_rule(resolver, tmp_path):
    (tmp_path / "rpz").write_text(RPZ.format(serial=1))
    d = resolver({"rpz": [{"zone": "block.rpz", "file": str(tmp_path / "rpz"), "reason": "censored", "views": ["kids"]},
                          {"zone": "told.rpz", "file": str(tmp_path / "told"), "action": "disabled"}],
                  "views": [{"name": "kids", "clients": ["127.0.3.0/24"]}],
                  "local": {"names": [{"name": "host.lan", "alias": "bad.example"}],
                            "zones": [{"name": "shop.example", "kind": "refuse"}]}}, start=False)
    (tmp_path / "told").write_text("@ 60 SOA ns h 1 60 30 600 60\nwww.example CNAME .\n")
    d.start()

    def why(*words):
        code, out, err = d.cli("why", *words)
        assert code == 0, err
        return out
    assert "x.shop.example. is decided by local zone shop.example.: refused (policy-blocked)." in why("x.shop.example")
    assert "would walk" not in why("x.shop.example") and "would walk" in why("unknown.example")
    assert "The client is in the view default." in why("bad.example") and "decided" not in why("bad.example")
    text = why("bad.example", "--client", "127.0.3.9")
    assert "The client is in the view kids." in text
    assert "bad.example. is decided by policy zone block.rpz. qname bad.example.: no such name (policy-censored)." in text
    text = why("host.lan", "--client", "127.0.3.9")
    assert "host.lan. is decided by local record host.lan.: local data (local-data)." in text
    assert "bad.example. is decided by policy zone block.rpz." in text
    assert "www.example. matches policy zone told.rpz. qname www.example., which is only told of." in why("www.example")
    assert "rules about addresses or servers" in why("far.example", "--client", "127.0.3.9")
    assert addresses(d.ask("far.example.")) == ["198.51.100.7"]
    text = why("far.example", "--client", "127.0.3.9")
    assert "far.example. is decided by policy zone block.rpz. rpz-ip 198.51.100.0/24: no such name" in text
    rules = json.loads(why("bad.example", "--client", "127.0.3.9", "--json"))
    assert rules["view"] == "kids" and rules["rules"][0]["reason"] == "policy-censored"
    assert d.cli("why", "bad.example", "--client", "nobody")[0] == 1


@pytest.mark.parametrize("sections, words", [
    ({"rpz": [{"zone": "x"}]}, ":2:3: rpz[0]: 'x.' has neither file nor primaries"),
    ({"rpz": [{"zone": "x", "file": "f", "key": "k"}]}, "rpz[0].key: there is no key 'k.'"),
    ({"rpz": [{"zone": "x", "file": "f", "action": "cname"}]}, "rpz[0].cname"),
    ({"rpz": [{"zone": "x", "file": "f", "views": ["v"]}]}, "there is no view 'v'"),
    ({"rpz": [{"zone": "x", "file": "f"}]}, "policy zone x.: "),
    ({"views": [{"name": "default", "clients": ["::/0"]}]}, "views[0].name"),
    ({"views": [{"name": "a", "clients": ["::/0"]}, {"name": "a", "clients": ["::/0"]}]}, "it is views[0] already"),
    ({"views": [{"name": "a", "clients": ["::/0"], "names": [{"name": "x"}]}]}, "views[0].names[0]: 'x.' has neither"),
    ({"local": {"names": [{"name": "x", "alias": "y", "addresses": ["::1"]}]}}, "an alias stands alone"),
    ({"local": {"records": ["x A 1.2.3"]}}, "local.records[0]:1:"),
    ({"local": {"hosts": ["none"]}}, "local.hosts names"),
    ({"local": {"zones": [{"name": "x", "kind": "deny"}]}}, "local.zones[0].kind: found 'deny'; allowed is one of static"),
    ({"keys": [{"name": "x"}]}, "needs either secret or file"),
])
def test_mistakes_are_named(tmp_path, sections, words):
    path = tmp_path / "banyan.yaml"
    path.write_text(yaml.safe_dump(sections))
    done = subprocess.run([program("banyand"), "-c", str(path), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and words in done.stderr, done.stderr
