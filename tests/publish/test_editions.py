# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edition has at its apex, and that others agree that it is signed and digested as it should be."""
import os
import shutil
import subprocess

import dns.rdatatype as T
import pytest

from editions import APEXES, PATH, Edition, judge, judges, put, source_text


@pytest.fixture
def home(tmp_path):
    put(tmp_path / "source", source_text())
    return tmp_path


@pytest.mark.parametrize("name", list(APEXES))
def test_apex(home, name):
    edition = Edition(home, name)
    said = edition.good()
    assert (said["outcome"], said["serial"]) == ("published", 100)
    judge(edition)
    assert edition.rrset(".", "TXT") == {f'"edition={name}"'}
    wanted = APEXES[name] or [{"name": "a.root-servers.net.", "addresses": ["198.41.0.4", "2001:503:ba3e::2:30"]},
                              {"name": "b.root-servers.net.", "addresses": ["170.247.170.2", "2801:1b8:10::b"]}]
    assert edition.rrset(".", "NS") == {server["name"] for server in wanted}
    for server in wanted:
        assert edition.rrset(server["name"], "A") == {server["addresses"][0]}
        assert edition.rrset(server["name"], "AAAA") == {server["addresses"][1]}
    # names that nobody serves by any more have no addresses left
    assert (edition.zone().get_node("a.root-servers.net.") is None) == bool(APEXES[name])


@pytest.mark.parametrize("algorithm", [8, 13, 15])
@pytest.mark.parametrize("denial", ["nsec", "nsec3"])
def test_signing(home, algorithm, denial):
    edition = Edition(home, "letters", keys={"algorithm": algorithm}, signing={"denial": denial, "zonemd": "both"})
    edition.good()
    judge(edition)
    zone = edition.zone()
    assert {rdata.algorithm for rdata in zone.find_rdataset(".", T.DNSKEY)} == {algorithm}
    assert len(zone.find_rdataset(".", T.ZONEMD)) == 2
    assert (zone.get_rdataset(".", T.NSEC3PARAM) is not None) == (denial == "nsec3")


@pytest.mark.parametrize("opt_out", [False, True])
def test_nsec3_by_itself(home, opt_out):
    """Without a digest there is one more judge of the chain of a root."""
    edition = Edition(home, "letters", signing={"denial": "nsec3", "nsec3-opt-out": opt_out, "zonemd": "none"})
    edition.good()
    assert "ldns-verify-zone" in judges(edition)
    judge(edition)
    put(home / "source", source_text(101, more="late. 60 NS ns.late.\nns.late. 60 A 192.0.2.1\n"))
    edition.good()
    judge(edition)


def test_one_key_for_both(home):
    edition = Edition(home, "letters", keys={"split": False})
    edition.good()
    judge(edition, alone=False)
    assert len(edition.zone().find_rdataset(".", T.DNSKEY)) == 1


def test_the_judges_can_say_no(home):
    """Each of those that see a digit of glue changed says so: the tests above mean something."""
    edition = Edition(home, "letters")
    edition.good()
    text = edition.text()
    assert text.count("192.5.6.30") == 1
    put(edition.zone_file, text.replace("192.5.6.30", "192.5.6.31"))
    said_no = {name for name, command in judges(edition).items()
               if subprocess.run(command, capture_output=True, timeout=120, env=dict(os.environ, PATH=PATH)).returncode != 0}
    assert {"banyan verify", "ldns-verify-zone"} <= said_no


def test_namespaces_are_their_own(home):
    """Two editions of one source have keys, anchors and names of their own: the anchor of one proves nothing of the other."""
    one, other = Edition(home, "letters"), Edition(home, "anycast")
    one.good()
    other.good()
    assert one.anchors.read_text() != other.anchors.read_text()
    done = one.cli("verify", "--anchor", str(other.anchors), str(one.zone_file))
    assert done.returncode == 1 and "anchor-no-match" in done.stdout


def test_records_come_and_go(home):
    edition = Edition(home, "letters", records={"remove": ["tld7."], "add": ["tld7x. 300 NS ns.tld7x.", "ns.tld7x. 300 A 192.0.2.99"]})
    edition.good()
    judge(edition)
    zone = edition.zone()
    assert zone.get_node("tld7.") is None and zone.get_node("ns1.nic.tld7.") is None
    assert edition.rrset("ns.tld7x.", "A") == {"192.0.2.99"}


def test_soa_and_ttls(home):
    edition = Edition(home, "letters")
    edition.write(apex={"ns-ttl": "60s", "address-ttl": "61s", "soa-mname": "m.", "soa-rname": "r.", "soa-refresh": "1h", "soa-minimum": "1h"})
    edition.good()
    judge(edition)
    soa = edition.zone().get_soa()
    assert (soa.mname.to_text(), soa.rname.to_text(), soa.refresh, soa.retry, soa.minimum) == ("m.", "r.", 3600, 1, 3600)
    assert edition.zone().find_rdataset(".", "NS").ttl == 60 and edition.zone().find_rdataset("a.", "A").ttl == 61


def test_of_an_edition(home):
    """What an edition says of itself does not pass over into one that is made of it."""
    first = Edition(home, "letters")
    first.good()
    second = Edition(home, "anycast", source=f"file:{first.zone_file}")
    second.write(source={"anchors": [str(first.anchors)]})
    second.good()
    judge(second)
    assert second.rrset(".", "TXT") == {'"edition=anycast"'} and second.zone().get_node("a.") is None


def test_dates(home):
    """A version of the scheduled regime: dates at the apex, and signatures that outlive them. It does not change before the next is due."""
    edition = Edition(home, "letters", schedule={"every": "24h"}, signing={"validity": "13d"})
    said = edition.good("--at", "2026-08-01T21:59:00Z")
    assert said["serial"] == 2026080100
    said = edition.good("--at", "2026-08-01T22:00:00Z")
    assert said["serial"] == 2026080200
    (txt,) = edition.rrset(".", "TXT")
    assert txt == '"edition=letters" "valid-from=20260802000000" "valid-until=20260804000000"'
    put(home / "source", source_text(101, more="late. 60 NS ns.late.\nns.late. 60 A 192.0.2.1\n"))
    assert edition.good("--at", "2026-08-02T21:59:59Z")["outcome"] == "unchanged"
    assert edition.good("--at", "2026-08-02T22:00:00Z")["serial"] == 2026080300
    assert edition.rrset("ns.late.", "A") == {"192.0.2.1"}
    done = edition.cli("verify", "--anchor", str(edition.anchors), "--at", "2026-08-05T00:00:00Z", str(edition.zone_file))
    assert done.returncode in (0, 1) and "rrsig-expired" not in done.stdout  # whatever it says of the dates, signatures still hold


def test_first_of_its_dates(home):
    """Begun while the next version is offered already: there is one for now, too."""
    edition = Edition(home, "letters", schedule={"every": "24h"}, signing={"validity": "13d"})
    assert edition.good("--at", "2026-08-01T22:30:00Z")["serial"] == 2026080100
    (txt,) = edition.rrset(".", "TXT")
    assert txt == '"edition=letters" "valid-from=20260801000000" "valid-until=20260803000000"'
    assert edition.good("--at", "2026-08-01T22:31:00Z")["serial"] == 2026080200


def test_tree(home):
    """The published tree follows, its pointer signed; the files check."""
    (home / "tree").mkdir()
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(home / "tree.key")], check=True, capture_output=True)
    edition = Edition(home, "letters", output={"tree": "tree", "tree-key": "tree.key"})
    edition.good()
    put(home / "source", source_text(101))
    edition.good()
    pointer = (home / "tree" / "root" / "current").read_text()
    assert "\nserial 101\n" in pointer and "\nsignature " in pointer and "\ndelta 100 " in pointer
    assert "\nedition letters\n" in pointer
    assert edition.cli("files", "check", str(home / "tree")).returncode == 0


@pytest.fixture(autouse=True, scope="module")
def tools():
    for name in ("ldns-verify-zone", "kzonecheck", "named-checkzone", "nsd-checkzone", "dnssec-verify"):
        if shutil.which(name, path=PATH) is None:
            pytest.fail(f"{name} is not installed; tools/install-needed names the packages")
