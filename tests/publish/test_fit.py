# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that servers would not load, or that would not work, are not signed and not published: `edition-misfit`, with the owner and what to do.

Each zone that is refused is shown to BIND, Knot DNS and NSD as it is: those that are named with it refuse it too, and the others do not.
"""
import pytest

from editions import DS, Edition, judge, put, servers, source_text
from test_sign import ZONE, ask_verifiers, command, keys, sign  # noqa: F401

PEERS = {"bind": ["named-checkzone", "-i", "local", "zone.example"], "knot": ["kzonecheck", "-o", "zone.example"], "nsd": ["nsd-checkzone", "zone.example"]}
# name: (what stands beside ZONE, who refuses it, our words)
MISFITS = {
    "ds-at-the-apex": (f"@ 60 {DS}", "bind", "zone.example. DS: it belongs to the zone above"),
    "wildcard-ns": ("*.w 60 NS ns1", "bind", "*.w.zone.example. NS: a wildcard delegates nothing"),
    "wildcard-ns-below-a-cut": ("*.plain 60 NS ns1", "bind", "*.plain.zone.example. NS: a wildcard"),
    "server-without-address": ("@ 3600 NS ns9", "bind knot", "the server ns9.zone.example. has no address"),
    "server-at-a-name-between": ("@ 3600 NS down.here", "bind knot", "the server down.here.zone.example. has no address"),
    "server-is-an-alias": ("@ 3600 NS c\nc 60 CNAME ns1", "bind knot", "the server c.zone.example. is an alias"),
    "server-is-an-alias-by-wildcard": ("@ 3600 NS x.c\n*.c 60 CNAME ns1", "bind knot", "the server x.c.zone.example. is an alias"),
    "server-below-a-dname": ("@ 3600 NS a.moved", "bind knot", "the server a.moved.zone.example. is below a DNAME"),
    "ns-beside-dname": ("moved 60 NS ns1", "knot", "moved.zone.example. NS: it stands beside a DNAME"),
    "ns-beside-dname-below-a-cut": ("x.plain 60 NS ns1\nx.plain 60 DNAME x.", "knot", "x.plain.zone.example. NS: it stands beside a DNAME"),
    "data-below-dname": ("b.moved 60 TXT x", "knot nsd", "b.moved.zone.example. TXT: it is below the DNAME at moved.zone.example."),
    "dname-at-the-apex-of-all": ("@ 60 DNAME x.", "bind knot nsd", "zone.example. is below a DNAME"),
    "wildcard-below-dname": ("*.moved 60 A 192.0.2.1", "knot nsd", "*.moved.zone.example. A: it is below the DNAME"),
    "two-dnames": ("moved 60 DNAME y.", "bind knot nsd", "moved.zone.example. DNAME: there is more than one"),
    "dname-beside-cname": ("moved 60 CNAME y.", "bind knot nsd", "moved.zone.example. DNAME: it stands beside a CNAME"),
    "two-cnames": ("c 60 CNAME x.\nc 60 CNAME y.", "bind knot nsd", "c.zone.example. CNAME: there is more than one"),
    "cname-and-other": ("mail 60 CNAME x.", "bind knot nsd", "mail.zone.example. A: it stands beside a CNAME"),
    "cname-and-other-below-a-cut": ("ns.plain 60 CNAME x.", "bind knot nsd", "ns.plain.zone.example. A: it stands beside a CNAME"),
    "cname-and-key": ("c 60 CNAME x.\nc 60 KEY 256 3 5 AAAA", "knot nsd", "c.zone.example. KEY: it stands beside a CNAME"),
    "cname-and-delegation": ("safe 60 CNAME x.", "bind knot nsd", "safe.zone.example. NS: it stands beside a CNAME"),
    "soa-twice": ("@ 3600 SOA ns1 host 2 7200 900 1209600 600", "bind nsd", "zone.example. SOA: a zone has one SOA"),
    "soa-below": ("mail 60 SOA a. b. 1 2 3 4 5", "bind nsd", "mail.zone.example. SOA: a zone has one SOA"),
    "soa-at-a-cut": ("plain 60 SOA a. b. 1 2 3 4 5", "bind nsd", "plain.zone.example. SOA: a zone has one SOA"),
    "ds-cut-short": ("plain 60 TYPE43 \\# 5 00010D0200", "bind knot", "plain.zone.example. DS: its digest has not the length"),
    "obsolete-type": ("x 60 TYPE3 \\# 1 00", "bind", "x.zone.example. TYPE3: no zone has records of this type any more"),
    # these all load; a validator or a signer stumbles over them
    "ds-without-ns": (f"x 60 {DS}", "", "x.zone.example. DS: there is no NS beside it"),
    "ds-at-a-wildcard": (f"*.x 60 {DS}", "", "*.x.zone.example. DS: there is no NS beside it"),
    "key-below-the-apex": ("x 60 DNSKEY 257 3 13 " + "A" * 86 + "==", "", "x.zone.example. DNSKEY: keys of the zone stand at its apex"),
    "key-at-a-delegation": ("plain 60 KEY 256 3 5 AAAA", "", "plain.zone.example. KEY: validators differ in whose it is"),
    "null": ("x 60 TYPE10 \\# 1 00", "", "x.zone.example. NULL: no zone has records of this type any more"),
}
# what all of them take; some say a word about it
HARMLESS = {
    "apex-server-in-a-delegated-zone": "@ 3600 NS x.safe\n@ 3600 NS ns.elsewhere.example.",
    "apex-server-by-wildcard": "@ 3600 NS x.wild",
    "occluded": f"plain 60 TXT x\nx.plain 60 TXT x\ny.plain 60 NS ns1\nz.plain 60 {DS}\nw.plain 60 CNAME x.",
    "aliases": "*.c 60 CNAME x\nd 60 CNAME d\n*.e 60 DNAME x.\nf 60 DNAME f\n@ 3600 MX 10 d\n_a._tcp 60 SRV 1 2 3 d",
    "digest-below-the-apex": "x 60 ZONEMD 1 1 1 " + "00" * 48,
    "keys-told-for-others": "x._signal 60 CDS 0 0 0 00\nx._signal 60 CDNSKEY 0 3 0 AA==",  # RFC 9615
    "two-ttls": "x 60 TXT a\nx 61 TXT b",
}


def whole(more):
    return "$ORIGIN zone.example.\n" + ZONE + more + "\n"


@pytest.mark.parametrize("name", MISFITS)
def test_not_signed(keys, tmp_path, name):  # noqa: F811
    more, who, words = MISFITS[name]
    path = tmp_path / "zone"
    path.write_text(whole(more))
    refuse = {peer for peer, check in PEERS.items() if command(*check, path, check=False).returncode != 0}
    assert refuse == set(who.split())
    signed, done = sign(tmp_path, whole(more), name, keys[13], check=False)
    assert done.returncode == 1 and words in done.stderr and "(edition-misfit); nothing is written" in done.stderr, done.stderr
    assert not signed.exists()


@pytest.mark.parametrize("name", HARMLESS)
def test_signed(keys, tmp_path, name):  # noqa: F811
    signed, done = sign(tmp_path, whole(HARMLESS[name]), name, keys[13])
    ask_verifiers(signed, keys[13])
    assert ("take the lowest" in done.stderr) == (name == "two-ttls")


# ---- editions

@pytest.fixture
def home(tmp_path):
    put(tmp_path / "source", source_text())
    return tmp_path


def test_it_is_in_the_source(home):
    """The version before stays; what the source has, an edition may leave out."""
    edition = Edition(home, "letters")
    edition.good()
    before = edition.text()
    put(home / "source", source_text(101, more="*.wild. 60 NS ns.example.\n"))
    why = edition.refused("edition-misfit")
    assert why.startswith("*.wild. NS: a wildcard delegates nothing") and "the source has it so: mend it there, or, below the apex" in why
    assert edition.text() == before
    edition.write(records={"remove": ["wild."]})
    assert edition.good()["serial"] == 101


@pytest.mark.parametrize("records, words", [
    ({"add": [f". 60 {DS}"]}, ". DS: it belongs to the zone above"),
    ({"add": [". 518400 NS c.root-servers.net."]}, ". NS: the server c.root-servers.net. has no address"),
    ({"add": ["tld1. 60 CNAME x."]}, "tld1. NS: it stands beside a CNAME"),
    ({"add": ["tld1. 60 DNAME x."]}, "tld1. NS: it stands beside a DNAME"),
    ({"add": ["new. 60 NS ns.new."]}, "new. NS: the server ns.new. has no address"),
    ({"add": [f"new. 60 {DS}"]}, "new. DS: there is no NS beside it"),
    ({"add": ["new. 60 DNAME x.", "a.new. 60 TXT x"]}, "a.new. TXT: it is below the DNAME at new."),
    ({"remove": ["root-servers.net."]}, ". NS: the server a.root-servers.net. has no address"),
    ({"remove": ["nic.tld1."]}, "tld1. NS: the server ns1.nic.tld1. has no address"),
])
def test_it_is_in_the_description(home, records, words):
    edition = Edition(home, "thirteen", records=records)
    why = edition.refused("edition-misfit")
    assert why.startswith(words) and why.endswith("(the source is good: see apex and records)")


@pytest.mark.parametrize("line, words", [
    (". 60 SOA a. b. 1 2 3 4 5", "apex.soa-mname and those that follow change it"),
    (". 60 CDS 0 0 0 00", "`banyan key` rolls them"),
    (". 60 CDNSKEY 0 3 0 AA==", "`banyan key` rolls them"),
    (". 60 DNSKEY 256 3 13 " + "A" * 86 + "==", "bring one in by `banyan key`"),
    (". 60 ZONEMD 1 1 1 " + "00" * 48, "signing.zonemd says which"),
    ("x. 60 NSEC y. A", "made here, by what stands under signing"),
    (". 60 NSEC3PARAM 1 0 0 -", "made here, by what stands under signing"),
    ("x. 60 RRSIG A 13 1 60 20260814000000 20260801000000 1 . AAAA", "made here, by what stands under signing"),
    ("x. 61 TXT b", "another line gives this set another TTL"),
])
def test_what_is_made_is_not_added(home, line, words):
    """It would be passed over without a word, or stand in the way of what is made."""
    edition = Edition(home, "letters", records={"add": ["x. 60 TXT a", line]})
    status, _, errors = edition.publish()
    assert status == 2 and "records.add: found '" + line.split(" ")[0] in errors and words in errors
    assert not edition.zone_file.exists()


def test_another_apex_has_a_name(home):
    edition = Edition(home, "thirteen", records={"add": [". 518400 NS c.", "c. 60 A 192.0.2.1"]})
    edition.good()
    edition.config["edition"]["name"] = ""
    edition.write()
    status, _, errors = edition.publish()
    assert status == 2 and "give edition.name" in errors


def test_addresses_that_others_need(home):
    """A server of the source that is also somebody's mail server keeps its addresses when it serves the apex no more."""
    put(home / "source", source_text(more="post. 60 MX 10 A.ROOT-SERVERS.NET.\n"))
    edition = Edition(home, "letters")
    edition.good()
    assert edition.rrset("a.root-servers.net.", "A") == {"198.41.0.4"} and edition.zone().get_node("b.root-servers.net.") is None
    judge(edition)


@pytest.mark.parametrize("more, words", [
    ("tld1. 60 NS ns3.example.net.\n", "tld1. NS: there is more than one TTL; the lowest is taken"),
    ("$ORIGIN example.\nx 60 TXT x\n", "x.example. TXT"),
])
def test_what_is_told(home, more, words):
    """It is published, and somebody is told."""
    edition = Edition(home, "thirteen")
    if "ORIGIN" in more:  # there is nothing outside of the root
        put(home / "source", "zone.example. 60 SOA a. b. 1 2 3 4 5\nzone.example. 60 NS a.\n" + more)
        edition.write(edition={"zone": "zone.example."})
        words += ": the record is outside of the zone, and is left out"
    else:
        put(home / "source", source_text(more=more))
    status, said, errors = edition.publish()
    assert (status, said.get("outcome")) == (0, "published") and words in errors, errors
    assert "x.example." not in edition.text().replace("zone.example.", "")


def test_servers_are_given_no_address(home):
    edition = Edition(home, "letters", apex=[{"name": "a."}, *servers("b.")])
    assert "name server a. has no address in the source, and none is given" in edition.refused("edition-misfit")
