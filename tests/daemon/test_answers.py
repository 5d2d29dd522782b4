# SPDX-License-Identifier: GPL-3.0-or-later
"""What the resolver's replies look like: order of records, additional section, ANY, DNS64."""
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest

from conftest import DEADLINE_S, free_port
from test_resolver import keys  # noqa: F401 (fixture)

ZONE = """\
$ORIGIN example.
$TTL 3600
@ SOA ns.example. host.example. 1 7200 3600 1209600 50
@ NS ns.example.
ns A 127.0.0.3
many A 192.0.2.1
many A 192.0.2.2
many A 192.0.2.3
many A 192.0.2.4
mail A 192.0.2.25
mail AAAA 2001:db8::25
mx MX 10 mail
svc HTTPS 0 pool
pool HTTPS 1 . alpn=h2
pool A 192.0.2.80
everything A 192.0.2.9
everything TXT "{fill}"
everything MX 10 mail
four A 198.51.100.7
alias CNAME four
mapped AAAA ::ffff:192.0.2.1
mapped A 198.51.100.8
both AAAA ::ffff:192.0.2.1
both AAAA 2001:db8::b
both A 198.51.100.9
private A 10.0.0.1
nothing TXT x
6 A 198.51.100.6
""".format(fill="x" * 200)

REVERSE = """\
$ORIGIN arpa.
$TTL 3600
@ SOA ns.example. host.example. 1 7200 3600 1209600 50
@ NS ns.example.
8.7.6.5.in-addr PTR four.example.
"""


@pytest.fixture
def resolver(daemon, tmp_path, keys):  # noqa: F811
    """resolver({...}) starts one in front of the zone above; the words are the configuration's sections."""
    def start(**sections):
        keys.sign(1)
        (tmp_path / "example.zone").write_text(ZONE)
        (tmp_path / "reverse.zone").write_text(REVERSE)
        port = free_port(("127.0.0.3",))
        daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
                "zones": [{"name": "example.", "file": str(tmp_path / "example.zone")},
                          {"name": "arpa.", "file": str(tmp_path / "reverse.zone")}]},
               addresses=("127.0.0.3",), port=port)
        config = {"root": {"file": str(keys.zone), "anchors": [str(keys.anchors)]}}
        config.update(sections)
        config["resolver"] = dict({"upstream-port": port, "ipv6": False, "question-time": "20s"}, **sections.get("resolver", {}))
        return daemon(config)
    return start


def texts(reply, rtype):
    return [str(r) for s in reply.answer if s.rdtype == dns.rdatatype.from_text(rtype) for r in s]


def first(d, query_id):
    """The first address as it stands in the message: dnspython keeps the order of records."""
    query = dns.message.make_query("many.example.", "A", id=query_id)
    return str(dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30).answer[0][0])


def test_rotation(resolver):
    d = resolver()
    assert len({first(d, i) for i in range(8)}) == 4
    assert sorted(texts(d.ask("many.example."), "A")) == [f"192.0.2.{i}" for i in range(1, 5)]
    d = resolver(resolver={"rotate": False})
    assert len({first(d, i) for i in range(8)}) == 1


def additional(reply):
    return sorted((s.name.to_text(), dns.rdatatype.to_text(s.rdtype)) for s in reply.additional)


def test_additional(resolver):
    d = resolver(server={"minimal-responses": False})
    assert not additional(d.ask("mx.example.", "MX"))  # nothing is asked for its sake
    for name, rtype in (("mail.example.", "A"), ("mail.example.", "AAAA"), ("pool.example.", "HTTPS"), ("pool.example.", "A")):
        assert d.ask(name, rtype).answer
    assert additional(d.ask("mx.example.", "MX")) == [("mail.example.", "A"), ("mail.example.", "AAAA")]
    assert additional(d.ask("svc.example.", "HTTPS")) == [("pool.example.", "A"), ("pool.example.", "HTTPS")]
    assert additional(d.ask("pool.example.", "HTTPS")) == [("pool.example.", "A")]
    reply = d.ask("mx.example.", "MX", use_edns=False)
    assert not reply.flags & dns.flags.TC
    d = resolver()  # minimal is the default
    d.ask("mail.example.", "A")
    assert not additional(d.ask("mx.example.", "MX"))


def test_additional_of_the_resolver_alone(resolver):
    """For the resolver's answers there is a setting apart from that of zones, and the clients of a view have their own."""
    mail = [("mail.example.", "A")]
    view = [{"name": "other", "clients": ["127.0.0.9/32"], "minimal-responses": "no"}]

    def of_the_view(d):
        return additional(dns.query.udp(dns.message.make_query("mx.example.", "MX"), "127.0.0.1", port=d.port, timeout=30,
                                        source="127.0.0.9"))
    for server, own, expected in ((False, "yes", []), (True, "no", mail), (False, "default", mail), (True, "default", [])):
        d = resolver(server={"minimal-responses": server}, resolver={"minimal-responses": own}, views=view)
        d.ask("mail.example.", "A")
        assert additional(d.ask("mx.example.", "MX")) == expected
        assert of_the_view(d) == mail


def test_any_over_udp_is_one_set(resolver):
    d = resolver()
    reply = d.ask("everything.example.", "ANY")
    assert len({s.rdtype for s in reply.answer}) == 1 and not reply.flags & dns.flags.TC


def dns64(resolver, **more):
    return resolver(dns64=dict({"prefixes": ["2001:db8:64::/96"]}, **more))


def test_dns64(resolver):
    d = dns64(resolver)
    reply = d.ask("four.example.", "AAAA", want_dnssec=True)
    assert texts(reply, "AAAA") == ["2001:db8:64::c633:6407"] and reply.answer[0].ttl <= 50
    assert not reply.flags & dns.flags.AD
    assert any(o.otype == 15 and o.code == 29 for o in reply.options)
    reply = d.ask("alias.example.", "AAAA")
    assert [s.rdtype for s in reply.answer] == [5, 28] and texts(reply, "AAAA") == ["2001:db8:64::c633:6407"]
    assert texts(d.ask("mail.example.", "AAAA"), "AAAA") == ["2001:db8::25"]
    assert texts(d.ask("mapped.example.", "AAAA"), "AAAA") == ["2001:db8:64::c633:6408"]
    assert texts(d.ask("both.example.", "AAAA"), "AAAA") == ["2001:db8::b"]
    reply = d.ask("nothing.example.", "AAAA")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer and reply.authority[0].rdtype == 6
    assert d.ask("none.example.", "AAAA").rcode() == dns.rcode.NXDOMAIN
    assert d.counters()["dns64"] == 4


def test_dns64_leaves_alone_who_validates(resolver):
    d = dns64(resolver)
    query = dns.message.make_query("four.example.", "AAAA", want_dnssec=True)
    query.flags |= dns.flags.CD
    assert not texts(dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30), "AAAA")
    query = dns.message.make_query("four.example.", "AAAA")
    query.flags |= dns.flags.CD
    assert texts(dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30), "AAAA")


def test_dns64_clients_and_well_known_prefix(resolver):
    d = dns64(resolver, clients=["127.0.0.9/32"], prefixes=["64:ff9b::/96", "2001:db8::/40"])
    assert not texts(d.ask("private.example.", "AAAA"), "AAAA")
    query = dns.message.make_query("private.example.", "AAAA")
    reply = dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30, source="127.0.0.9")
    assert texts(reply, "AAAA") == ["2001:db8:a:0:1::"]  # RFC 6052 sections 2.2 and 3.1


def test_dns64_ptr(resolver):
    d = dns64(resolver, prefixes=["64:ff9b::/96"])
    name = dns.reversename.from_address("64:ff9b::506:708").to_text()
    reply = d.ask(name, "PTR")
    assert str(reply.answer[0][0]) == "8.7.6.5.in-addr.arpa."
    assert reply.answer[0].name.to_text() == name and reply.answer[0].rdtype == 5
    assert texts(reply, "PTR") == ["four.example."]
    other = dns.reversename.from_address("64:ff9c::506:708").to_text()
    assert d.ask(other, "PTR").rcode() == dns.rcode.NXDOMAIN


def test_dns64_tells_its_prefix(resolver):
    """RFC 7050, RFC 8880: hosts ask for ipv4only.arpa to learn it; nothing goes upstream for that."""
    d = dns64(resolver, prefixes=["64:ff9b::/96", "2001:db8:64::/96"])
    reply = d.ask("ipv4only.arpa.", "AAAA")
    assert sorted(texts(reply, "AAAA")) == ["2001:db8:64::c000:aa", "2001:db8:64::c000:ab", "64:ff9b::c000:aa",
                                            "64:ff9b::c000:ab"]
    assert d.counters()["upstream_udp"] == 0


def test_dns64_prefix_that_is_none(daemon):
    d = daemon({"dns64": {"prefixes": ["2001:db8::/65"]}}, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) != 0
    assert "dns64.prefixes: found 2001:db8::/65" in d.log()
    d.process = None
