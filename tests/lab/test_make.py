# SPDX-License-Identifier: GPL-3.0-or-later
"""What `banyan lab make` writes: the same from the same seed, in the shape of the real root, and provable."""
import re
import subprocess
from collections import Counter, defaultdict

import pytest

from conftest import AT, make_lab, program

SMALL = ("--tlds", "90", "--sites", "60", "--parked-signed", "6", "--at", str(AT))
ECDSA = "13"  # its signatures contain a random number


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.name != "banyan.yaml"}  # these contain the folder's own name


def without_ecdsa(content):
    return [line for line in content.splitlines() if not re.search(rb"\tRRSIG\t\S+ 13 ", line)]


def records_of(path):
    with open(path, encoding="ascii") as file:
        return [line.rstrip("\n").split(None, 4) for line in file]


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    top = tmp_path_factory.mktemp("twins")
    return [make_lab(top / name, "--seed", seed, *SMALL) for name, seed in (("a", "5"), ("b", "5"), ("c", "6"))]


def test_same_seed_same_lab(twins):
    a, b = files_of(twins[0]), files_of(twins[1])
    assert a.keys() == b.keys() and len(a) > 300
    different = {name for name in a if a[name] != b[name]}
    for name in different:
        # only ECDSA signatures may differ, and so only in zones that are signed with it
        assert name.startswith("zones/"), name
        assert without_ecdsa(a[name]) == without_ecdsa(b[name]), name
    identical = {name for name in a if name.startswith("zones/") and b" RRSIG " in a[name].replace(b"\t", b" ")} - different
    algorithms = {re.search(rb"RRSIG\t\S+ (\d+) ", a[name]).group(1) for name in identical}
    assert algorithms == {b"8", b"15"}, "RSA and Ed25519 signatures are the same each time"


def test_other_seed_other_lab(twins):
    a, c = files_of(twins[0]), files_of(twins[2])
    assert a["root/root.ds"] != c["root/root.ds"]
    assert a["expected.csv"] != c["expected.csv"]
    assert a["zones/root.zone"] != c["zones/root.zone"]


def test_every_key_is_its_own(twins):
    keys = [path.read_bytes().split(b"PrivateKey", 1)[-1].split(b"Modulus", 1)[-1]
            for path in twins[0].joinpath("keys").glob("*.private")]
    assert len(keys) == len(set(keys)) > 50


def test_root_has_the_shape_of_the_real_one(lab):
    """Against the root zone of 2026-07-31: 1,438 TLDs, 7,577 NS, 5,938 A, 5,643 AAAA, 1,483 DS, 2,792 RRSIG."""
    records = records_of(lab.path("zones", "root.zone"))
    count = Counter(record[3] for record in records)
    cuts = {record[0] for record in records if record[3] == "NS"} - {"."}
    assert len(cuts) == 1440 and count["NSEC"] == 1441
    assert 7100 < count["NS"] < 8000
    assert 5200 < count["A"] < 6300 and 5000 < count["AAAA"] < 6000 and count["AAAA"] < count["A"]
    signed = {record[0] for record in records if record[3] == "DS"}
    assert 1310 < len(signed) < 1390 and 1400 < count["DS"] < 1560
    assert count["RRSIG"] == 1441 + len(signed) + 4  # NSEC, DS, and the apex: SOA, NS, DNSKEY, ZONEMD
    assert count["ZONEMD"] == 1 and count["DNSKEY"] == 2
    assert {record[4].split()[1] for record in records if record[3] == "RRSIG"} == {"8"}
    assert 120 < sum(name.startswith("xn--") for name in cuts) < 170


def test_root_servers_and_glue(lab):
    records = records_of(lab.path("zones", "root.zone"))
    servers, glue = defaultdict(set), set()
    for owner, _, _, rtype, data in records:
        if rtype == "NS":
            servers[owner].add(data)
        elif rtype in ("A", "AAAA"):
            glue.add(owner)
    assert servers.pop(".") == {f"{letter}.root-servers.net." for letter in "abcdefghijklm"}
    named = set().union(*servers.values()) | {f"{letter}.root-servers.net." for letter in "abcdefghijklm"}
    assert named == glue, "every server has glue, and there is no other glue"
    inside = sum(all(s.endswith("." + tld) for s in of) for tld, of in servers.items())
    outside = sum(not any(s.endswith("." + tld) for s in of) for tld, of in servers.items())
    assert 850 < inside < 1050 and 280 < outside < 480 and inside + outside < len(servers)
    sizes = Counter(len(of) for of in servers.values())
    assert set(sizes) <= set(range(2, 14)) and sizes.most_common(1)[0][0] == 6 and sizes[4] > 400


def test_zones_are_of_every_kind(lab):
    kinds = Counter()
    for path in lab.path("unsigned").glob("*.zone"):
        text = lab.path("zones", path.name).read_text(encoding="ascii")
        algorithm = re.search(r"\tDNSKEY\t\d+ 3 (\d+) ", text).group(1)
        nsec3 = re.search(r"\tNSEC3\t1 ([01]) (\d+) (\S+)", text)
        denial = "NSEC" if nsec3 is None else "opt-out" if nsec3.group(1) == "1" else "NSEC3"
        assert nsec3 is None or nsec3.group(2, 3) == ("0", "-"), "RFC 9276"
        kinds[algorithm, denial] += 1
    assert {algorithm for algorithm, _ in kinds} == {"8", "13", "15"}
    assert {denial for _, denial in kinds} == {"NSEC", "NSEC3", "opt-out"}
    everything = "".join(path.read_text(encoding="ascii") for path in lab.path("zones").glob("*.zone"))
    for wanted in (" DNAME ", "\tDNAME\t", " CNAME ", "*.stalls.", " PTR ", " MX ", "xn--"):
        assert wanted in everything, wanted


def test_opt_out_leaves_insecure_delegations_out(lab):
    text = lab.path("zones", "com.zone").read_text(encoding="ascii")
    cuts = set(re.findall(r"^(\S+)\s+\d+\s+IN\s+NS\s", text, re.M)) - {"com."}
    secure = set(re.findall(r"^(\S+)\s+\d+\s+IN\s+DS\s", text, re.M))
    chain = len(re.findall(r"\tNSEC3\t", text))
    assert len(cuts) > len(secure) + 20 and chain < len(cuts)


VERIFIERS = {
    "banyan": lambda name, path, key: [program("banyan"), "verify", "--origin", name, "--anchor", key, path],
    "ldns": lambda name, path, key: ["ldns-verify-zone", path],
    "knot": lambda name, path, key: ["kzonecheck", "-d", "on", "-o", name, path],
}


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_every_signed_zone_verifies(lab, verifier):
    checked = 0
    for path in sorted(lab.path("unsigned").glob("*.zone")):
        name = "." if path.name == "root.zone" else path.name.removesuffix("zone")
        key = max(lab.path("keys").glob(f"K{name}+*.key"), key=lambda key: " 257 " in key.read_text(encoding="ascii"))
        result = subprocess.run(VERIFIERS[verifier](name, str(lab.path("zones", path.name)), str(key)),
                                capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{name}: {result.stdout}{result.stderr}"
        checked += 1
    assert checked > 150


@pytest.mark.parametrize("option", [("--seed", "x"), ("--tlds", "-1"), ("--sites", "2001"), ("--at", "tomorrow"),
                                    ("--port", "65536"), ("--resolver", "nowhere"), ("--what", "1")])
def test_bad_options_are_named(tmp_path, option):
    result = subprocess.run([program("banyan"), "lab", "make", *option, str(tmp_path / "x")], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 2 and (option[1] in result.stderr or option[0] in result.stderr)
    assert not (tmp_path / "x").exists()


def test_without_its_tools_it_says_so(tmp_path):
    banyan = program("banyan")
    result = subprocess.run([banyan, "lab", "make", *SMALL, "--suffixes", "/nowhere", str(tmp_path / "x")],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "publicsuffix" in result.stderr
    result = subprocess.run([banyan, "lab", "make", *SMALL, str(tmp_path / "y")], env={"PATH": "/nowhere"},
                            capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "ldnsutils" in result.stderr


def test_a_folder_too_deep_for_sockets_is_refused(tmp_path):
    deep = tmp_path / ("x" * 100)
    result = subprocess.run([program("banyan"), "lab", "make", *SMALL, str(deep)], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "too long" in result.stderr
