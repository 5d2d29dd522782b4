# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones signed by BIND and ldns with every algorithm, whole and damaged; our verdict beside those of three other verifiers."""
import itertools
import re
import subprocess
import time
from pathlib import Path

import pytest

from conftest import verify

ORIGIN = "example."
ZONE = """$TTL 3600
@ SOA ns.example. host.example. 2026080100 1800 900 604800 86400
@ NS ns.example.
@ NS ns.other.
@ MX 10 Mail.Example.
@ TXT "a zone for tests" "of several strings"
@ CAA 0 issue "ca.example.net"
ns A 192.0.2.1
ns AAAA 2001:db8::1
mail A 192.0.2.2
mail A 192.0.2.3
* TXT "wildcard"
*.deep.wild A 192.0.2.4
a.b.c.d TXT "below empty non-terminals"
alias CNAME Mail
_443._tcp.mail TLSA 3 1 1 0102030405060708091011121314151617181920212223242526272829303132
_sip._udp SRV 0 1 5060 Mail
web HTTPS 1 . alpn=h2,h3
odd TYPE65280 \\# 4 01020304
redirect DNAME elsewhere.
insecure NS ns.insecure
insecure NS ns.other.
ns.insecure A 192.0.2.5
one.two.insecure2 NS ns.other.
secure NS ns.secure
secure DS 12345 13 2 0102030405060708091011121314151617181920212223242526272829303132
ns.secure AAAA 2001:db8::5
"""
ALGORITHMS = {5: "RSASHA1", 7: "NSEC3RSASHA1", 8: "RSASHA256", 10: "RSASHA512", 13: "ECDSAP256SHA256",
              14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448"}
DENIALS = {"nsec": [], "nsec3": ["-3", "ABCD", "-H", "5"], "opt-out": ["-3", "-", "-H", "0", "-A"]}
NOW = int(time.time())


def stamp(t):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(t))


def command(*words, cwd=None):
    return subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, timeout=120, text=True)


def make_keys(folder, algorithm):
    keys = []
    for role in ([], ["-f", "KSK"]):
        size = ["-b", "2048"] if algorithm < 11 else []
        done = command("dnssec-keygen", "-q", "-K", folder, "-a", ALGORITHMS[algorithm], *size, *role, ORIGIN)
        if done.returncode != 0:
            pytest.skip(f"this dnssec-keygen makes no {ALGORITHMS[algorithm]} keys: {done.stderr.strip()}")
        keys.append(folder / done.stdout.strip())
    return keys


def anchor_of(keys):
    return Path(str(keys[1]) + ".key")


class Signed:
    def __init__(self, folder, algorithm, denial):
        self.folder = folder
        self.keys = make_keys(folder, algorithm)
        self.anchor = anchor_of(self.keys)
        plain, self.path = folder / "plain", folder / "zone"
        plain.write_text(ZONE)
        done = command("dnssec-signzone", "-q", "-P", "-S", "-K", folder, "-o", ORIGIN, "-s", stamp(NOW - 3600), "-e",
                       stamp(NOW + 86400), "-O", "full", *DENIALS[denial], "-f", self.path, plain, cwd=folder)
        if done.returncode != 0:
            pytest.skip(f"dnssec-signzone does not sign so: {done.stderr.strip()}")
        self.lines = self.path.read_text().splitlines()


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    made = {}

    def get(algorithm, denial):
        if (algorithm, denial) not in made:
            made[algorithm, denial] = Signed(tmp_path_factory.mktemp(f"{algorithm}-{denial}"), algorithm, denial)
        return made[algorithm, denial]
    return get


COMBINATIONS = [c for c in itertools.product(ALGORITHMS, DENIALS) if c != (5, "nsec3") and c != (5, "opt-out")]


def peers(zone, anchor, at=NOW):
    """What others say of the zone: True, False, or None when they cannot be asked."""
    shift = at != NOW
    return {
        "ldns": command("ldns-verify-zone", "-t", stamp(at), "-k", anchor, zone).returncode == 0,
        "knot": command("kzonecheck", "-o", ORIGIN, "-d", "on", "-t", at, zone).returncode == 0,
        "bind": None if shift else command("dnssec-verify", "-q", "-o", ORIGIN, zone).returncode == 0,
    }


@pytest.mark.parametrize("algorithm, denial", COMBINATIONS)
def test_whole_zone_proves(signed, algorithm, denial):
    zone = signed(algorithm, denial)
    report = verify("--origin", ORIGIN, "--anchor", zone.anchor, "--at", NOW, zone.path)
    assert report.status == 0, report["findings"]
    assert report["denial"] == {"nsec": "nsec", "nsec3": "nsec3", "opt-out": "nsec3-opt-out"}[denial]
    assert report["zonemd"] == "absent-proved"
    assert report["signatures"] == report["signatures_good"] > 10
    for peer, verdict in peers(zone.path, zone.anchor).items():
        assert verdict, f"{peer} refuses what is whole"
    for at, reason in ((NOW - 4000, "rrsig-not-yet-valid"), (NOW + 90000, "rrsig-expired")):
        report = verify("--origin", ORIGIN, "--anchor", zone.anchor, "--at", at, zone.path)
        assert (report.status, report["reason"]) == (1, reason)


@pytest.mark.parametrize("algorithm, denial", [c for c in COMBINATIONS if c[0] in (5, 7)])
def test_sha1_can_be_refused(signed, algorithm, denial):
    zone = signed(algorithm, denial)
    report = verify("--refuse-sha1", "--origin", ORIGIN, "--anchor", zone.anchor, "--at", NOW, zone.path)
    assert (report.status, report["reason"]) == (1, "algorithm-unsupported")
    assert report["signatures_good"] == 0
    assert any(f"algorithm {algorithm}" in finding["text"] for finding in report["findings"])


@pytest.mark.parametrize("algorithm", [8, 13, 16])
def test_others_are_not_refused_with_sha1(signed, algorithm):
    zone = signed(algorithm, "nsec")
    assert verify("--refuse-sha1", "--origin", ORIGIN, "--anchor", zone.anchor, "--at", NOW, zone.path).status == 0


def parts(line):
    return line.split(None, 4)


def owner_of(line, name):
    return parts(line)[0] == f"{name}{ORIGIN}"


def first(lines, name, *types):
    """The line of the record of this owner and type (RRSIG: and covered type)."""
    for i, line in enumerate(lines):
        f = line.split()
        if len(f) > 4 and f[0] == name + ORIGIN and f[3:3 + len(types)] == list(types):
            return i
    raise AssertionError((name, types))


def nsec_line(lines, denial, pick):
    kind = "NSEC" if denial == "nsec" else "NSEC3"
    return [i for i, line in enumerate(lines) if line.split()[3:4] == [kind]][pick]


def without_sigs_of(lines, index):
    """Takes out record `index` and the RRSIG over it."""
    f = lines[index].split()
    return [line for i, line in enumerate(lines)
            if i != index and not (line.split()[0] == f[0] and line.split()[3:5] == ["RRSIG", f[3]])]


def damage(kind, zone, denial):
    lines = list(zone.lines)
    if kind == "data":
        i = first(lines, "mail.", "A")
        lines[i] = re.sub(r"192\.0\.2\.\d", "192.0.2.77", lines[i])
    elif kind == "ttl":
        i = first(lines, "ns.", "A")
        lines[i] = lines[i].replace("3600", "3601", 1)
    elif kind == "ds":
        i = first(lines, "secure.", "DS")
        lines[i] = lines[i].replace("12345", "12346")
    elif kind == "record-added":
        lines.append(f"mail.{ORIGIN} 3600 IN A 192.0.2.66")
    elif kind == "record-removed":
        del lines[first(lines, "mail.", "A")]
    elif kind == "signature-removed":
        del lines[first(lines, "mail.", "RRSIG", "A")]
    elif kind == "signature-changed":
        i = first(lines, "mail.", "RRSIG", "A")
        lines[i] = re.sub(r"([A-Za-z0-9+/])([A-Za-z0-9+/]=*)$", lambda m: ("A" if m[1] != "A" else "B") + m[2], lines[i])
    elif kind == "denial-removed":
        lines = without_sigs_of(lines, nsec_line(lines, denial, 3))
    elif kind == "name-added":
        lines.append(f"new.{ORIGIN} 3600 IN TXT \"no signature, no denial\"")
    elif kind == "type-unsigned":
        lines.append(f"mail.{ORIGIN} 3600 IN TXT \"no signature\"")
    elif kind == "key-removed":
        del lines[first(lines, "", "DNSKEY", "256")]
    elif kind == "soa-removed":
        lines = without_sigs_of(lines, first(lines, "", "SOA"))
    return lines


DAMAGES = {
    "data": {"rrsig-bogus"}, "ttl": {"rrsig-malformed"}, "ds": {"rrsig-bogus"},
    "record-added": {"rrsig-bogus"}, "record-removed": {"rrsig-bogus"}, "signature-removed": {"rrsig-missing"},
    "signature-changed": {"rrsig-bogus"}, "denial-removed": {"nsec-missing"}, "name-added": {"rrsig-missing"},
    "type-unsigned": {"rrsig-missing"}, "key-removed": {"rrsig-no-key"}, "soa-removed": {"soa-missing"},
}
# What another verifier lets pass, and why ours may not: one row each.
LENIENT = {
    ("ldns", "ttl"): "compares with the original TTL of the signature only downwards (RFC 4035 section 5.3.3)",
}


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("algorithm, denial", [(8, "nsec"), (13, "nsec3"), (15, "opt-out")])
def test_damaged_zone_is_refused(signed, tmp_path, algorithm, denial, kind):
    zone = signed(algorithm, denial)
    bad = tmp_path / "zone"
    bad.write_text("\n".join(damage(kind, zone, denial)) + "\n")
    report = verify("--origin", ORIGIN, "--anchor", zone.anchor, "--at", NOW, bad)
    assert report.status == 1
    assert report["reason"] in DAMAGES[kind]
    # the line is named, unless what is missed stands on none (an empty non-terminal's NSEC3, the SOA)
    assert any(f["fatal"] and f["reason"] == report["reason"] and (f["line"] > 0 or kind in ("soa-removed", "denial-removed"))
               for f in report["findings"])
    for peer, verdict in peers(bad, zone.anchor).items():
        assert verdict == ((peer, kind) in LENIENT), f"{peer} says {verdict} of '{kind}'"


@pytest.mark.parametrize("algorithm, options", [(8, []), (13, ["-n"]), (15, ["-n", "-p", "-t", "3", "-s", "BEEF"]),
                                                (14, []), (10, ["-n", "-t", "0"])])
@pytest.mark.parametrize("digests", [[], ["simple:sha384"], ["simple:sha512"], ["simple:sha384", "simple:sha512"]])
def test_signed_by_ldns_with_zonemd(tmp_path, algorithm, options, digests):
    keys = make_keys(tmp_path, algorithm)
    plain, zone = tmp_path / "plain", tmp_path / "zone"
    plain.write_text("\n".join(line for line in ZONE.splitlines() if " HTTPS " not in line)
                     .replace("@ SOA", f"$ORIGIN {ORIGIN}\n@ SOA") + "\n")
    wanted = [word for digest in digests for word in ("-z", digest)]
    done = command("ldns-signzone", "-i", stamp(NOW - 3600), "-e", stamp(NOW + 86400), "-o", ORIGIN, *options, *wanted,
                   "-f", zone, plain, *keys, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = verify("--origin", ORIGIN, "--anchor", anchor_of(keys), "--at", NOW, zone)
    assert report.status == 0, report["findings"]
    assert report["zonemd"] == ("proved" if digests else "absent-proved")
    verdict = command("ldns-verify-zone", "-Z" if digests else "-V2", "-t", stamp(NOW), "-k", anchor_of(keys), zone)
    assert verdict.returncode == 0, verdict.stderr
    if not digests:
        return
    # what no signature covers, changed: only the digest tells
    text = zone.read_text()
    assert "192.0.2.5" in text
    zone.write_text(text.replace("192.0.2.5", "192.0.2.55"))
    report = verify("--origin", ORIGIN, "--anchor", anchor_of(keys), "--at", NOW, zone)
    assert (report.status, report["reason"]) == (1, "zonemd-mismatch")
    assert report["checks"]["signatures"]["state"] == "good"
    assert command("ldns-verify-zone", "-Z", "-t", stamp(NOW), "-k", anchor_of(keys), zone).returncode != 0
