# SPDX-License-Identifier: GPL-3.0-or-later
"""banyan status --fleet: a master, global nodes, local nodes; who is behind, who lies and who is silent."""
import contextlib
import os
import subprocess
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest

from fleets import TOP, Fleet, Liar, Versions, load_daemons, others, put, wait_for, without

REAL_ZONE = Path(os.environ.get("BANYAN_SHARED", TOP.parent / "shared")) / "data" / "rootzones" / "signed" / "root-2026073102.zone.zst"
daemon = load_daemons().daemon


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    return Versions(tmp_path_factory.mktemp("versions"))


@pytest.fixture
def fleet(daemon, versions, tmp_path):
    return Fleet(daemon, versions, tmp_path)


@pytest.fixture
def liar():
    running = []

    def start(*words, **options):
        running.append(Liar(*words, **options))
        return running[-1]
    yield start
    for each in running:
        each.stop()


def storeys(fleet, **options):
    """The master, two global nodes, a local node at each of them; all have version 1."""
    fleet.master(**options)
    for name, parent in ((2, 1), (3, 1), (4, 2), (5, 3)):
        fleet.node(name, [parent])
        fleet.wait(name, 1)
        fleet.registered(name, by=parent)


def test_who_is_behind_and_who_is_silent(fleet):
    storeys(fleet)
    local = [fleet.at(4), fleet.at(5)]
    nodes, code = fleet.nodes(*local)
    assert {address: node["state"] for address, node in nodes.items()} == {fleet.at(i): "current" for i in (2, 3, 4, 5)} and code == 0
    assert nodes[fleet.at(2)]["registered"] and not nodes[fleet.at(2)]["given"] and nodes[fleet.at(4)]["given"]
    for i in (2, 3, 4, 5):
        node = nodes[fleet.at(i)]
        assert node["nsid"] == node["id"] == f"node-{i}" and node["round_trip_ms"] > 0 and node["digest_matches"] and not node["tcp"]
        assert node["soa_signature"] == node["digest_signature"] == "good" and node["lag_s"] == node["versions_behind"] == 0
    fleet.running[3].process.kill()
    fleet.running[3].process.wait()
    for serial in (2, 3):
        put(fleet.source, fleet.versions.text(serial))
        for name in (1, 2, 4):
            fleet.wait(name, serial)
    nodes, code = fleet.nodes(*local, "--time", "5")
    assert code == 2 and nodes[fleet.at(3)]["state"] == "silent" and nodes[fleet.at(3)]["reason"] == "unreachable"
    last = nodes[fleet.at(5)]
    assert last["state"] == "behind" and last["serial"] == 1 and last["serials_behind"] == last["versions_behind"] == 2
    assert last["lag_s"] > 0 and not last["lag_at_least"] and last["digest_matches"]
    assert nodes[fleet.at(2)]["state"] == nodes[fleet.at(4)]["state"] == "current"
    only, code = fleet.nodes("--no-register", *local)
    assert code == 1 and set(only) == set(local)
    assert fleet.nodes("--no-register", "--grace", "100000", *local)[1] == 0
    code, told, _ = fleet.status("--trouble", "--no-register", *local)
    assert [node["address"] for node in told["nodes"]] == [fleet.at(5)] and told["summary"]["nodes"] == 2
    fleet.running[3].process = None
    fleet.running[3].hang_up()


def test_the_table_for_people(fleet, liar):
    fleet.master()
    liar(fleet.at(9), fleet.versions.text(1, other=1))
    fleet.node(2, [1])
    fleet.wait(2, 1)
    fleet.registered(2, by=1)
    code, out, err = fleet.running[1].cli("status", "--fleet", "--zone", "example.", "--time", "5", fleet.at(9), fleet.at(8))
    assert code == 2 and err == ""
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    assert "current" in lines[fleet.at(2)] and "node-2" in lines[fleet.at(2)] and " ms" in lines[fleet.at(2)]
    assert "LIES" in lines[fleet.at(9)] and "its ZONEMD differs from the master's of the same serial" in lines[fleet.at(9)]
    assert "SILENT" in lines[fleet.at(8)]
    assert "master" in lines["zone"] and "(node-1), serial 1 since " in lines["zone"]
    assert ": 1 current, 1 lies, 1 silent" in out
    code, out, _ = fleet.running[1].cli("status", "--fleet", "--zone", "example.", "--trouble", "--no-register", fleet.at(2))
    assert code == 0 and fleet.at(2) not in out


def test_lies(fleet, liar):
    """Each shows something else that is not so, and is told by it."""
    fleet.master(5)
    put(fleet.source, fleet.versions.text(6))
    fleet.wait(1, 6)
    truth, make = fleet.source.read_text(), fleet.versions.text
    old = make(4, dates=("-i", "20200101000000", "-e", "20200201000000"))

    def refuses(query, reply):
        reply.set_rcode(5)
        reply.answer = []
        return reply

    def babbles(query, reply):
        return reply.to_wire()[:17]

    def forges(query, reply):
        """Another one's reply comes first: it is no reply to what was asked."""
        reply.id ^= 1
        return reply

    servers = {
        10: (truth, None, "current", None),
        11: (make(6, other=1), None, "lies", "digest-differs"),
        12: (make(6, key=1), None, "lies", "digest-differs"),
        13: (make(7, key=1), None, "lies", "signature-of-other-key"),
        14: (make(7), None, "ahead", "signed-ahead"),
        15: (truth.replace(" 604800 300", " 604800 301"), None, "lies", "signature-bad"),
        16: (truth.replace("host.example. 6 1 1", "host.example. 7 1 1"), None, "lies", "serial-of-digest"),
        17: (without(truth, "ZONEMD"), None, "lies", "digest-missing"),
        18: ("\n".join(line for line in truth.splitlines() if "RRSIG" not in line), None, "lies", "unsigned"),
        19: (old, None, "behind", "signature-dates"),
        20: (truth, refuses, "fails", "no-zone"),
        21: (truth, babbles, "fails", "malformed"),
        22: (truth, forges, "silent", "unreachable"),
        23: (make(4), None, "behind", None),
    }
    for i, (text, answer, _, _) in servers.items():
        liar(fleet.at(i), text, answer=answer)
    nodes, code = fleet.nodes("--time", "5", *(fleet.at(i) for i in servers))
    assert code == 2
    assert {i: (nodes[fleet.at(i)]["state"], nodes[fleet.at(i)]["reason"]) for i in servers} == {i: row[2:] for i, row in servers.items()}
    assert nodes[fleet.at(23)]["lag_at_least"] and nodes[fleet.at(23)]["versions_behind"] == 2
    assert nodes[fleet.at(19)]["soa_signature"] == "out of date" and nodes[fleet.at(13)]["soa_signature"] == "unknown key"
    assert nodes[fleet.at(20)]["rcode"] == "REFUSED" and nodes[fleet.at(14)]["serials_behind"] == -1
    assert fleet.nodes("--no-register", fleet.at(14), fleet.at(10))[1] == 1


def replaced(rtype, owner, *data):
    """What changes a reply: sets of this owner and type have these data."""
    def answer(_, reply):
        for section in (reply.answer, reply.authority, reply.additional):
            for i, rrset in enumerate(section):
                if rrset.name.to_text() == owner and rrset.rdtype == rtype:
                    section[i] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", rtype, *data)
        return reply
    return answer


def test_other_data_beside_a_true_digest(fleet, liar):
    """SOA and ZONEMD, with their signatures, are replayed; what is served beside them is not of that version."""
    fleet.master(5)
    before = fleet.source.read_text()
    put(fleet.source, fleet.versions.text(6))
    fleet.wait(1, 6)
    truth, types = fleet.source.read_text(), dns.rdatatype

    def refuses(query, reply):
        return reply if query.question[0].rdtype in (types.SOA, types.ZONEMD) else refused(query)

    def refused(query):
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.REFUSED)
        return reply

    def invents(query, reply):
        if reply.rcode() == dns.rcode.NXDOMAIN:
            reply.set_rcode(dns.rcode.NOERROR)
            reply.authority = []
            reply.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "A", "192.0.2.66")]
        return reply

    def has_the_child(query, reply):
        """It serves open.example., too, which its parent cannot say anything against."""
        name = query.question[0].name
        if name.to_text() == "open.example." and query.question[0].rdtype == types.NS:
            reply.flags |= dns.flags.AA
            reply.answer, reply.authority, reply.additional = [dns.rrset.from_text(name, 60, "IN", "NS", "ns2.open.example.")], [], []
        return reply

    def forgets(_, reply):
        reply.authority = [rrset for rrset in reply.authority if rrset.rdtype != types.DS and rrset.covers != types.DS]
        return reply

    servers = {
        10: (None, "current", None),
        11: (replaced(types.NS, "open.example.", "ns.evil."), "lies", "data-differs"),
        12: (replaced(types.DS, "safe.example.", "2 13 2 " + "00" * 32), "lies", "data-differs"),
        13: (replaced(types.A, "ns.safe.example.", "192.0.2.66"), "lies", "data-differs"),
        14: (replaced(types.A, "www.example.", "192.0.2.66"), "lies", "data-differs"),
        15: (replaced(types.NS, "example.", "ns.example.", "ns.evil."), "lies", "data-differs"),
        16: (replaced(types.DNSKEY, "example.", "257 3 13 " + "A" * 86 + "=="), "lies", "data-differs"),
        17: (invents, "lies", "data-differs"),
        18: (forgets, "lies", "data-differs"),
        19: (refuses, "fails", "no-data-reply"),
        20: (has_the_child, "current", None),
    }
    for i, (answer, _, _) in servers.items():
        liar(fleet.at(i), truth, answer=answer)
    # of an older version the samples are not; there is what its signatures say
    old = {21: (before, None, "behind", None), 22: (before, replaced(types.DS, "safe.example.", "2 13 2 " + "00" * 32), "lies", "data-unproved")}
    for i, (text, answer, _, _) in old.items():
        liar(fleet.at(i), text, answer=answer)
    expected = {i: row[-2:] for i, row in {**servers, **old}.items()}
    nodes, code = fleet.nodes("--samples", "64", "--time", "5", *(fleet.at(i) for i in expected))
    assert code == 2 and {i: (nodes[fleet.at(i)]["state"], nodes[fleet.at(i)]["reason"]) for i in expected} == expected
    assert nodes[fleet.at(10)]["data"] == "same" and nodes[fleet.at(21)]["data"] == "proved" and nodes[fleet.at(22)]["data"] == "unproved"
    assert "other data: open.example. NS" in nodes[fleet.at(11)]["words"] and nodes[fleet.at(11)]["digest_matches"]
    assert "does not answer for" in nodes[fleet.at(19)]["words"]
    # the apex and a name that is not there are looked at each time; without samples, nothing
    nodes, code = fleet.nodes("--samples", "1", *(fleet.at(i) for i in (15, 16, 17)))
    assert code == 2 and {nodes[fleet.at(i)]["reason"] for i in (15, 16, 17)} == {"data-differs"}
    nodes, code = fleet.nodes("--samples", "0", *(fleet.at(i) for i in (11, 17, 19)))
    assert code == 0 and {(node["state"], node["data"]) for node in nodes.values()} == {("current", "not asked")}
    # a master that is asked by DNS, and names that are found by its proofs
    nodes, code = fleet.nodes("--master", fleet.at(10), "--samples", "64", fleet.at(1), fleet.at(11), fleet.at(14), fleet.at(20), by=None)
    assert code == 2 and {address: node["reason"] for address, node in nodes.items() if node["state"] != "current"} == {
        fleet.at(11): "data-differs", fleet.at(14): "data-differs"}
    assert nodes[fleet.at(1)]["data"] == nodes[fleet.at(10)]["data"] == "same"


def test_a_version_that_changes_while_it_is_looked_at(fleet, liar):
    """SOA and ZONEMD of one version, data of the next: it is asked anew, and no liar."""
    fleet.master(1)
    before, after = (Liar.__new__(Liar) for _ in range(2))
    for each, text in ((before, fleet.source.read_text()), (after, fleet.versions.text(2))):
        each.zone, each.answer = dns.zone.from_text(text, origin="example.", relativize=False), None
    asked = []

    def turns(query, _):
        """The first SOA and ZONEMD are of version 1, all else of version 2."""
        rtype = query.question[0].rdtype
        asked.append(rtype)
        first = rtype in (dns.rdatatype.SOA, dns.rdatatype.ZONEMD) and asked.count(rtype) == 1
        return dns.message.from_wire((before if first else after).reply(query.to_wire()))
    liar(fleet.at(10), fleet.source.read_text(), answer=turns)
    nodes, code = fleet.nodes("--samples", "8", "--time", "30", fleet.at(10))
    assert code == 1 and nodes[fleet.at(10)]["reason"] == "signed-ahead" and nodes[fleet.at(10)]["data"] == "proved"
    assert asked.count(dns.rdatatype.SOA) >= 2


# ---- versions on a schedule

def test_a_version_that_is_offered_ahead(fleet, liar):
    """For two hours there are two versions that are right: nobody is behind who has the one, nor ahead who has the other."""
    now, hour, day = int(time.time()), 3600, 86400
    present, past, coming = ((now + begin, now + begin + 2 * day) for begin in (hour - day, hour - 2 * day, hour))
    fleet.node(1, [f"file:{fleet.source}"], start=False, dates=False)  # as a distribution master has it: it gives them on as they come
    put(fleet.source, fleet.versions.text(1, valid=present))
    fleet.running[1].start()
    fleet.wait(1, 1)
    fleet.node(2, [1])
    fleet.wait(2, 1)
    fleet.registered(2, by=1)
    liar(fleet.at(9), fleet.versions.text(0, valid=past))
    put(fleet.source, fleet.versions.text(2, valid=coming))
    fleet.wait(1, 2)
    liar(fleet.at(10), fleet.source.read_text())
    nodes, code = fleet.nodes(fleet.at(9), fleet.at(10))
    assert {i: (nodes[fleet.at(i)]["state"], nodes[fleet.at(i)]["reason"]) for i in (2, 9, 10)} == {
        2: ("current", None), 9: ("behind", None), 10: ("current", "next-version")} and code == 1
    assert nodes[fleet.at(2)]["serials_behind"] == nodes[fleet.at(2)]["lag_s"] == 0 and nodes[fleet.at(2)]["serial"] == 1
    assert nodes[fleet.at(9)]["serials_behind"] == 1 and nodes[fleet.at(10)]["valid_from"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(coming[0]))
    code, told, _ = fleet.status(fleet.at(10))
    assert code == 0 and told["master"]["serial"] == 2 and told["master"]["serial_in_use"] == 1
    _, out, _ = fleet.running[1].cli("status", "--fleet", "--zone", "example.")
    assert "until then serial 1 is in use" in out and ": 1 current" in out
    # asked by DNS, a master of any make says when its version begins; nodes say so of theirs
    nodes, code = fleet.nodes("--master", fleet.at(10), fleet.at(2), by=None)
    assert code == 0 and nodes[fleet.at(2)]["state"] == "current" and nodes[fleet.at(2)]["serial"] == 1
    # a master that turns itself does not know yet what others have
    nodes, code = fleet.nodes("--no-register", fleet.at(10), "--socket", fleet.running[2].socket, by=None)
    assert code == 0 and nodes[fleet.at(10)]["reason"] == "next-version"


def test_when_the_time_has_come(fleet, liar):
    """From its valid-from on, lag counts, and from there; and a version ends."""
    now, day = int(time.time()), 86400
    ended, present = (now - 2 * day - 50, now - 50), (now - day, now + day)
    fleet.node(1, [f"file:{fleet.source}"], start=False, dates=False)
    put(fleet.source, fleet.versions.text(1, valid=present))
    fleet.running[1].start()
    fleet.wait(1, 1)
    liar(fleet.at(9), fleet.source.read_text())
    liar(fleet.at(10), fleet.versions.text(0, valid=ended))
    coming = (int(time.time()) + 4, int(time.time()) + 4 + 2 * day)
    put(fleet.source, fleet.versions.text(2, valid=coming))
    fleet.wait(1, 2)
    found = []

    def is_behind():
        found.append(fleet.nodes(fleet.at(9))[0][fleet.at(9)])
        return found[-1]["state"] == "behind"
    wait_for("the version begins", is_behind)
    assert 0 <= found[-1]["lag_s"] <= time.time() - coming[0] and found[-1]["versions_behind"] == 1
    assert all(node["state"] == "current" for node in found[:-1])
    nodes, code = fleet.nodes(fleet.at(10))
    assert code == 2 and nodes[fleet.at(10)]["reason"] == "version-expired" and nodes[fleet.at(10)]["state"] == "fails"
    master = fleet.running[1]  # dates are known after a restart
    master.stop()
    master.start()
    fleet.wait(1, 2)
    nodes, code = fleet.nodes(fleet.at(9))
    assert code == 1 and nodes[fleet.at(9)]["versions_behind"] == 1 and nodes[fleet.at(9)]["lag_s"] <= time.time() - coming[0]


def test_history_outlives_the_master(fleet, liar):
    """When a version was offered, and with which digest, is known after a restart."""
    master = fleet.master()
    first = fleet.source.read_text()
    forged = fleet.versions.text(1, other=1)
    put(fleet.source, fleet.versions.text(2))
    fleet.wait(1, 2)
    offered = fleet.status("--no-register")[1]["master"]["offered_at"]
    master.stop()
    master.start()
    fleet.wait(1, 2)
    liar(fleet.at(10), first)
    liar(fleet.at(11), forged)
    nodes, code = fleet.nodes(fleet.at(10), fleet.at(11))
    assert code == 2 and nodes[fleet.at(11)]["reason"] == "digest-differs"
    assert nodes[fleet.at(10)]["state"] == "behind" and nodes[fleet.at(10)]["versions_behind"] == 1 and not nodes[fleet.at(10)]["lag_at_least"]
    assert fleet.status("--no-register")[1]["master"]["offered_at"] == offered


def test_a_master_by_dns(fleet, liar, tmp_path):
    """Without a way to its control socket: its records, by its keys, which trust anchors may prove."""
    liar(fleet.at(1), fleet.versions.text(2))
    liar(fleet.at(2), fleet.versions.text(2, other=1))
    liar(fleet.at(3), fleet.versions.text(1))
    anchored = ["--master", fleet.at(1), "--anchor", fleet.versions.anchors(), fleet.at(2), fleet.at(3)]
    nodes, code = fleet.nodes(*anchored, by=None)
    assert code == 2 and nodes[fleet.at(1)]["state"] == "current" and nodes[fleet.at(2)]["reason"] == "digest-differs"
    assert nodes[fleet.at(3)]["state"] == "behind" and nodes[fleet.at(3)]["lag_s"] is None
    liar(fleet.at(4), fleet.versions.text(2, key=1))
    code, told, err = fleet.status("--master", fleet.at(4), "--anchor", fleet.versions.anchors(), by=None)
    assert code == 3 and told is None and "not those of the trust anchors" in err
    assert fleet.status("--master", fleet.at(4), by=None)[0] == 0
    code, told, err = fleet.status("--master", fleet.at(5), "--time", "5", by=None)
    assert code == 3 and fleet.at(5) in err


def test_what_is_wrong_is_said(fleet, tmp_path):
    (tmp_path / "list").write_text("# nodes\n127.0.0.1@53\nnonsense\n")
    for words, what in ((["--depth", "17"], "--depth"), (["--nodes", str(tmp_path / "list")], "line 3"), (["nonsense"], "nonsense"),
                        (["--master", "x"], "--master"), (["--time", "0"], "--time"), (["--zone", "..", ], "--zone"), (["--samples", "65"], "0 to 64"), (["--samples", "x"], "--samples"), (["--grace", "2h"], "0 to 31622400"),
                        (["--nodes", str(tmp_path / "gone")], f"{tmp_path}/gone cannot be read: not found"), (["--key-file", str(tmp_path)], "cannot be read"),
                        (["--key-file", str(tmp_path / "list")], "ALGORITHM:NAME:SECRET"), (["--anchor", str(tmp_path / "gone")], "trust anchors"),
                        (["--anchor", fleet.versions.anchors()], "goes with --master"), (["--master", "127.0.0.1", "--socket", "x"], "one master")):
        code, told, err = fleet.status(*words, by=None)
        assert code == 3 and told is None and what in err, (words, err)
    code, told, err = fleet.status("--socket", str(tmp_path / "nobody"), by=None)
    assert code == 3 and "is banyand running?" in err
    fleet.master(register=[])
    code, told, err = fleet.status()
    assert code == 3 and "nobody" in err
    code, told, err = fleet.status(zone="other.example.")
    assert code == 3 and "no such zone" in err
    (tmp_path / "list").write_text(f"# nodes\n\n{fleet.at(1)} # the master itself\n")
    nodes, code = fleet.nodes("--nodes", str(tmp_path / "list"))
    assert code == 0 and list(nodes) == [fleet.at(1)]


# ---- registers of others

def test_registers_are_walked(fleet, tmp_path):
    """From the master down, as far as each lets its register be seen: by address, by key, or not at all."""
    keys = [{"name": "look.example.", "algorithm": "hmac-sha256", "secret": others.SECRET}]
    (tmp_path / "key").write_text(f"hmac-sha256:look.example.:{others.SECRET}\n")
    fleet.master()
    servers = {2: {"fleet": ["127.0.0.0/8"]}, 3: {"fleet": ["key=look.example."]}, 4: {"fleet": ["127.0.0.0/8"]}, 5: {}, 6: {}, 7: {}, 8: {}}
    for name, parent in ((2, 1), (3, 1), (8, 1), (4, 2), (5, 3), (6, 4), (7, 8)):
        fleet.node(name, [parent], server=servers[name], keys=keys if name == 3 else [])
        fleet.wait(name, 1)
        fleet.registered(name, by=parent)
    nodes, code = fleet.nodes()
    seen = {address: (node["via"], node["depth"]) for address, node in nodes.items()}
    expected = {fleet.at(2): (None, 0), fleet.at(3): (None, 0), fleet.at(8): (None, 0), fleet.at(4): (fleet.at(2), 1), fleet.at(6): (fleet.at(4), 2)}
    assert seen == expected and code == 0
    assert [nodes[fleet.at(i)]["register"] for i in (2, 3, 4, 6, 8)] == ["shown", "hidden", "shown", "hidden", "hidden"]
    assert nodes[fleet.at(2)]["peers"] == 1 and all(node["state"] == "current" for node in nodes.values())
    nodes, code = fleet.nodes("--key-file", str(tmp_path / "key"), fleet.at(7))
    assert set(nodes) == set(expected) | {fleet.at(5), fleet.at(7)} and nodes[fleet.at(5)]["via"] == fleet.at(3) and code == 0
    assert set(fleet.nodes("--depth", "0")[0]) == {fleet.at(i) for i in (2, 3, 8)}
    assert set(fleet.nodes("--depth", "1")[0]) == {fleet.at(i) for i in (2, 3, 4, 8)}
    (tmp_path / "wrong").write_text("hmac-sha256:look.example.:d3Jvbmc=\n")
    assert set(fleet.nodes("--key-file", str(tmp_path / "wrong"))[0]) == set(expected)
    assert fleet.running[2].counters()["registers_shown"] >= 4


def test_a_long_register_and_a_ring(fleet):
    """More peers than one message has; they name the master, too, and it is asked but once."""
    everybody = [f"127.0.3.{i}@{fleet.port}" for i in range(1, 121)]
    fleet.master(server={"fleet": ["127.0.0.1"]}, notify=[*everybody, fleet.at(2)], register=[])
    fleet.node(2, [1], server={"fleet": ["127.0.0.1"]}, notify=[fleet.at(1)])
    fleet.wait(2, 1)
    nodes, code = fleet.nodes("--master", fleet.at(1), "--time", "5", by=None)
    assert set(nodes) == {*everybody, fleet.at(1), fleet.at(2)} and code == 2
    assert nodes[fleet.at(1)]["peers"] == 121 and nodes[fleet.at(1)]["told_by"] == 1 and nodes[fleet.at(1)]["given"]
    assert all(nodes[each]["via"] == fleet.at(1) and nodes[each]["state"] == "silent" for each in everybody)
    assert nodes[fleet.at(2)]["state"] == "current" and not nodes[fleet.at(2)]["registered"]


def test_a_register_is_for_whom_it_is(fleet):
    """By UDP, where an address can be forged, nobody is named; who is not allowed learns nothing."""
    fleet.master(server={"fleet": ["127.0.0.1"]}, notify=[fleet.at(9)], register=[])
    fleet.node(2, [1], server={"fleet": ["127.0.0.7"]})
    fleet.wait(2, 1)

    def ask(name, page=0, tcp=False, owner="register.banyan.example."):
        query = dns.message.make_query(f"{page}.{owner}", "TXT", "CH")
        return (dns.query.tcp if tcp else dns.query.udp)(query, fleet.host(name), port=fleet.port, timeout=30)

    def texts(reply):
        return [rdata.strings[0].decode() for rrset in reply.answer for rdata in rrset]
    by_udp = ask(1)
    assert by_udp.flags & dns.flags.TC and not by_udp.answer
    assert texts(ask(1, tcp=True)) == ["peers=1 pages=1", f"{fleet.at(9)} configured"]
    assert texts(ask(1, tcp=True, owner="ReGister.BANYAN.Example.")) == ["peers=1 pages=1", f"{fleet.at(9)} configured"]
    assert texts(ask(1, page=7, tcp=True)) == ["peers=1 pages=1"]
    assert texts(ask(1, owner="register.banyan.other.")) == ["peers=0 pages=1"]
    for tcp in (False, True):
        assert ask(2, tcp=tcp).rcode() == dns.rcode.REFUSED


def test_three_storeys(fleet, liar, tmp_path):
    """The distribution master tells global nodes, those tell local nodes of any make: registers of each storey, a version on its way down, and who of
    them all is well."""
    shows = {"fleet": ["127.0.0.0/8"]}
    fleet.master(1, server=dict(shows, identity="g0"))
    old = fleet.source.read_text()
    fleet.node(2, [1], server=dict(shows, identity="g1"), notify=[fleet.at(10)])
    fleet.node(3, [1], server=dict(shows, identity="g2"), notify=[fleet.at(i) for i in (11, 12, 13)])
    fleet.node(4, [2], server={"identity": "l1"})
    made = {10: others.nsd(tmp_path / "nsd", fleet.at(10), "example.", [f"request-xfr: AXFR {fleet.at(2)} NOKEY", "allow-notify: 127.0.0.0/8 NOKEY"],
                          server=["nsid: ascii_l2"]),
            11: others.knot(tmp_path / "knot", fleet.at(11), "example.", [])}
    made[11] = made[11][0], made[11][1].replace("server:\n", "server:\n  nsid: l3\n", 1)
    for parent, name in ((1, 2), (1, 3), (2, 4)):
        fleet.wait(name, 1)
        fleet.registered(name, by=parent)
    with contextlib.ExitStack() as running:
        for name, one in zip(("nsd", "knot"), made.values()):
            other = others.Other(tmp_path / name, one)
            (other.folder / "zone").write_text(old)  # Knot stays with it: it has no source
            running.callback(other.stop)
            other.start()
        for i in made:
            wait_for(f"{i} serves", lambda i=i: others.serial_at("example.", fleet.port, fleet.host(i)) is not None)
        put(fleet.source, fleet.versions.text(2))
        for name in (1, 2, 3, 4):
            fleet.wait(name, 2)
        wait_for("NSD has been told", lambda: others.serial_at("example.", fleet.port, fleet.host(10)) == 2)
        liar(fleet.at(12), fleet.source.read_text(), answer=replaced(dns.rdatatype.NS, "open.example.", "ns.evil."))
        words = ["status", "--fleet", "--zone", "example.", "--time", "3", "--samples", "64"]
        code, out, err = fleet.running[1].cli(*words)
        nodes, _ = fleet.nodes(*words[4:])
    assert code == 2 and err == ""
    told = {i: {peer["address"] for zone in fleet.running[i].status()["notified"] for peer in zone["list"]} for i in (1, 2, 3)}
    assert told == {1: {fleet.at(2), fleet.at(3)}, 2: {fleet.at(4), fleet.at(10)}, 3: {fleet.at(11), fleet.at(12), fleet.at(13)}}
    assert {address for address, node in nodes.items() if node["via"] is None} == told[1]
    for i in (2, 3):
        assert {address for address, node in nodes.items() if node["via"] == fleet.at(i)} == told[i] and nodes[fleet.at(i)]["peers"] == len(told[i])
    expected = {2: ("current", None), 3: ("current", None), 4: ("current", None), 10: ("current", None), 11: ("behind", None), 12: ("lies", "data-differs"),
                13: ("silent", "unreachable")}
    assert {i: (nodes[fleet.at(i)]["state"], nodes[fleet.at(i)]["reason"]) for i in expected} == expected
    # the tree: each below who tells it, in two columns more
    lines = [line for line in out.splitlines() if "@" in line.split(" ")[0] or line.startswith("  ")]
    assert {line.split()[0] for line in lines if not line.startswith(" ")} == told[1]
    above = None
    for line in lines:
        if not line.startswith(" "):
            above = line.split()[0]
        else:
            assert line.startswith("  1") and line.split()[0] in told[{fleet.at(2): 2, fleet.at(3): 3}[above]]
    assert ": 4 current, 1 behind, 1 lies, 1 silent" in out
    assert "  beside a true SOA and ZONEMD it serves other data: open.example. NS\n" in out and "l2" in out and "l3" in out


# ---- nodes of other makes

@contextlib.contextmanager
def other_makes(fleet, folder, text, zone="example."):
    """NSD, Knot DNS and BIND serve the zone; each is told who it is. Their addresses."""
    made = {
        10: others.nsd(folder / "nsd", fleet.at(10), zone, [], server=["nsid: ascii_nsd-10", "identity: nsd-identity"]),
        11: others.knot(folder / "knot", fleet.at(11), zone, []),
        0: others.bind(folder / "bind", fleet.at(0), zone, ["type primary;"], options='server-id "bind-0"; version "BIND of a test";'),
    }
    command, config = made[11]
    made[11] = command, config.replace("server:\n", "server:\n  nsid: knot-11\n  identity: knot-identity\n  version: \"Knot of a test\"\n", 1)
    running = []
    try:
        for name, one in zip(("nsd", "knot", "bind"), made.values()):
            other = others.Other(folder / name, one)
            (folder / name / "zone").write_text(text)
            running.append(other.start())
        for i in made:
            wait_for(f"{i} serves", lambda i=i: others.serial_at(zone, fleet.port, fleet.host(i)) is not None)
        yield [fleet.at(i) for i in made]
    finally:
        for other in running:
            other.stop()


def test_nodes_of_other_makes(fleet, tmp_path):
    """They serve the same version: judged alike, each with its own ways to say who it is."""
    fleet.master()
    with other_makes(fleet, tmp_path, fleet.source.read_text()) as addresses:
        nodes, code = fleet.nodes("--samples", "64", *addresses)
    assert code == 0 and all(node["state"] == "current" and node["digest_matches"] and node["register"] == "hidden" for node in nodes.values())
    assert all(node["data"] == "same" for node in nodes.values())
    said = {i: (nodes[fleet.at(i)]["nsid"], nodes[fleet.at(i)]["id"]) for i in (10, 11, 0)}
    assert said == {10: ("nsd-10", "nsd-identity"), 11: ("knot-11", "knot-identity"), 0: ("bind-0", "bind-0")}
    assert nodes[fleet.at(10)]["version"].startswith("NSD ") and nodes[fleet.at(11)]["version"] == "Knot of a test"
    assert nodes[fleet.at(0)]["version"] == "BIND of a test"


MORE = """\
@ MX 10 mail
mail AAAA 2001:db8::1
*.wild TXT "any"
alias CNAME www
old DNAME www
a.b.c A 192.0.2.20
deep.open.c NS ns.safe
deep.open.c NS ns.elsewhere.
"""


@pytest.mark.parametrize("options", [(), ("-n",), ("-n", "-p")], ids=["nsec", "nsec3", "opt-out"])
def test_true_data_of_other_makes(fleet, tmp_path, options):
    """Whatever there is in a zone, and however its denials are made: who has the same version is no liar, and one that has another proves it."""
    put(fleet.source, fleet.versions.text(1, dates=options, more=MORE))
    fleet.node(1, [f"file:{fleet.source}"])
    fleet.wait(1, 1)
    with other_makes(fleet, tmp_path, fleet.source.read_text()) as addresses:
        nodes, _ = fleet.nodes("--samples", "64", *addresses)
        assert {node["data"] for node in nodes.values()} == {"same"} and {node["state"] for node in nodes.values()} == {"current"}
        nodes, _ = fleet.nodes("--samples", "64", "--master", addresses[0], fleet.at(1), *addresses[1:], by=None)
        assert {node["data"] for node in nodes.values()} == {"same"}
        put(fleet.source, fleet.versions.text(2, dates=options, more=MORE, other=1))
        fleet.wait(1, 2)
        nodes, code = fleet.nodes("--samples", "64", *addresses)
        assert {(node["state"], node["data"]) for node in nodes.values()} == {("behind", "proved")} and code == 1


@pytest.mark.skipif(not REAL_ZONE.exists(), reason="needs ../shared")
def test_the_real_root_at_other_makes(fleet, tmp_path):
    zone = tmp_path / "root.zone"
    subprocess.run(["zstd", "-q", "-d", str(REAL_ZONE), "-o", str(zone)], check=True)
    master = fleet.daemon({"server": {"workers": 1, "listen": [fleet.at(1)]}, "resolver": {"enabled": False},
                           "zones": [{"name": ".", "file": str(zone), "prove": "structure"}]}, addresses=(fleet.host(1),), port=fleet.port)
    with other_makes(fleet, tmp_path, zone.read_text(), zone=".") as addresses:
        nodes, _ = fleet.nodes("--samples", "64", "--socket", master.socket, *addresses, by=None, zone=".")
        assert {(node["state"], node["data"]) for node in nodes.values()} <= {("current", "same")} and len(nodes) == 3
        nodes, _ = fleet.nodes("--samples", "16", "--master", fleet.at(1), *addresses, by=None, zone=".")
        assert {node["data"] for node in nodes.values()} == {"same"} and len(nodes) == 4
