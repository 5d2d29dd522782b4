# SPDX-License-Identifier: GPL-3.0-or-later
"""`banyan sign` held against those who were not there: every verifier of the field must agree, and dnspython must find signed what must be."""
import re
import subprocess
import sys
from pathlib import Path

import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import PATH, program  # noqa: E402

ALGORITHMS = {8: ["-b", "1024"], 13: [], 15: []}
DENIALS = {"nsec": [], "nsec3": ["--nsec3"], "nsec3-salt": ["--iterations", "3", "--salt", "ab01"], "opt-out": ["--opt-out"]}
ZONE = """
@ 3600 SOA ns1 host 1 7200 900 1209600 600
@ 3600 NS ns1
@ 3600 NS ns.safe
@ 3600 MX 10 Mail
ns1 3600 A 192.0.2.1
ns1 3600 AAAA 2001:db8::1
mail 300 A 192.0.2.2
mail 300 TXT "a" "b c"
*.wild 60 A 192.0.2.3
www.deep.down.here 60 CNAME mail
safe 3600 NS ns.safe
safe 3600 DS 12345 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF
ns.safe 3600 A 192.0.2.4
plain 3600 NS ns.plain
plain 3600 A 192.0.2.9
ns.plain 3600 A 192.0.2.5
a.b.empty 3600 NS ns1
moved 3600 DNAME other.example.
svc 60 HTTPS 1 . alpn=h2
typ 60 TYPE65280 \\# 2 0102
"""
# what no resolver sees
HIDDEN = ZONE + """
plain 3600 TXT "hidden"
x.y.plain 60 TXT "hidden"
under.ns.plain 3600 NS ns1
"""
AUTHORITATIVE = {"@": "SOA NS MX DNSKEY ZONEMD", "ns1": "A AAAA", "mail": "A TXT", "*.wild": "A", "www.deep.down.here": "CNAME", "safe": "DS",
                 "moved": "DNAME", "svc": "HTTPS", "typ": "TYPE65280"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """KSK and ZSK of each algorithm, by dnssec-keygen: {algorithm: [paths without ending, the KSK first]}."""
    made = {}
    for algorithm, words in ALGORITHMS.items():
        folder = tmp_path_factory.mktemp(f"keys{algorithm}")
        made[algorithm] = []
        for flags in (["-f", "KSK"], []):
            done = command("dnssec-keygen", "-q", "-K", folder, "-a", str(algorithm), *words, *flags, "zone.example")
            made[algorithm].append(folder / done.stdout.strip())
    return made


def command(*words, check=True):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, env={"PATH": PATH}, check=False)
    assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done


def sign(folder, zone, name, *words, check=True):
    """Signs the text of a zone; the path of what came out."""
    plain, signed = folder / f"{name}.plain", folder / f"{name}.zone"
    plain.write_text(zone)
    done = command(program("banyan"), "sign", "--origin", "zone.example", *words[:-1], "--output", signed, plain, *words[-1], check=check)
    return signed, done


def ask_verifiers(signed, pair):
    command("dnssec-verify", "-o", "zone.example", signed)
    command("named-checkzone", "-i", "local", "-q", "zone.example", signed)
    command("nsd-checkzone", "zone.example", signed)
    command("ldns-verify-zone", "-ZZ", "-k", f"{pair[0]}.key", signed)
    command("kzonecheck", "-d", "on", "-o", "zone.example", signed)


def rrsigs(zone, owner, kind):
    node = zone.get_node(owner)
    return node and node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.from_text(kind))


@pytest.mark.parametrize("denial", DENIALS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_verifier_agrees(keys, tmp_path, algorithm, denial):
    signed, done = sign(tmp_path, ZONE, "all", "--zonemd", "both", *DENIALS[denial], keys[algorithm])
    assert re.search(r"signatures made, 0 kept, 0 dropped", done.stderr)
    ask_verifiers(signed, keys[algorithm])
    zone = dns.zone.from_file(str(signed), "zone.example", relativize=True)
    for owner, kinds in AUTHORITATIVE.items():
        for kind in kinds.split():
            assert rrsigs(zone, owner, kind), (owner, kind)
    for owner, kind in [("safe", "NS"), ("ns.safe", "A"), ("plain", "NS"), ("plain", "A"), ("ns.plain", "A"), ("a.b.empty", "NS")]:
        assert not rrsigs(zone, owner, kind), (owner, kind)
    has = {dns.rdatatype.to_text(s.rdtype) for _, s in zone.iterate_rdatasets()}
    assert ("NSEC" in has, "NSEC3" in has) == (denial == "nsec", denial != "nsec")


@pytest.mark.parametrize("denial", ["nsec", "nsec3", "opt-out"])
def test_what_nobody_sees_is_not_signed(keys, tmp_path, denial):
    signed, _ = sign(tmp_path, HIDDEN, "hidden", *DENIALS[denial], keys[13])
    ask_verifiers(signed, keys[13])
    zone = dns.zone.from_file(str(signed), "zone.example", relativize=True)
    for owner, kind in [("plain", "TXT"), ("x.y.plain", "TXT"), ("under.ns.plain", "NS")]:
        assert zone.get_node(owner).get_rdataset(dns.rdataclass.IN, dns.rdatatype.from_text(kind))
        assert not rrsigs(zone, owner, kind), (owner, kind)


@pytest.mark.parametrize("denial", ["nsec", "nsec3", "opt-out"])
@pytest.mark.parametrize("algorithm", [8, 13])
def test_versions_one_after_the_other(keys, tmp_path, algorithm, denial):
    """Each version is made from the one before, and each is good on its own."""
    before, words, total = None, [], None
    for serial in range(1, 7):
        zone = ZONE.replace("host 1 ", f"host {serial} ") + f"new{serial} 60 A 192.0.2.{serial}\n"
        zone += "".join(f"n{i}.sub{serial % 3} 60 NS ns1\n" for i in range(serial))
        if serial == 4:
            zone = zone.replace("mail 300 A 192.0.2.2\n", "")
        words = ["--before", before] if before else []
        signed, done = sign(tmp_path, zone, f"v{serial}", *words, *DENIALS[denial], keys[algorithm])
        made, kept = (int(n) for n in re.search(r"(\d+) signatures made, (\d+) kept", done.stderr).groups())
        ask_verifiers(signed, keys[algorithm])
        if before:
            assert kept >= total // 3 and made < total, (made, kept, total)
        before, total = signed, made + kept


def test_the_digest_alone(tmp_path):
    signed, _ = sign(tmp_path, ZONE, "digest", "--zonemd", "sha512", [])
    command(program("banyan"), "verify", "--origin", "zone.example", "--digest-only", "--require", "zonemd", signed)
    dns.zone.from_file(str(signed), "zone.example", relativize=False).verify_digest()


def test_to_a_pipe(tmp_path):
    """Standard output is the default, and a pipe has no disk to be flushed to."""
    (tmp_path / "plain").write_text(f"$ORIGIN zone.example.\n{ZONE}")
    done = subprocess.run([program("banyan"), "sign", "--origin", "zone.example.", tmp_path / "plain"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0 and " ZONEMD " in done.stdout.replace("\t", " "), done.stderr


def test_refusals_write_nothing(keys, tmp_path):
    ksk, zsk = keys[15]
    cases = [
        (ZONE.replace("@ 3600 SOA ns1 host 1 7200 900 1209600 600\n", ""), ["--quiet"], [ksk, zsk], 2, "SOA"),
        (ZONE, ["--refresh", "30d"], [ksk, zsk], 2, "made anew at once"),
        (ZONE, ["--salt", "abc"], [ksk, zsk], 2, "hexadecimal"),
        (ZONE, ["--iterations", "51"], [ksk, zsk], 2, "RFC 9276"),
        (ZONE, [], [tmp_path / "none"], 2, "none.key"),
        # two aliases at one name: a signature over it proves nothing
        (ZONE + "www.deep.down.here 60 CNAME ns1\n", [], [ksk, zsk], 1, "www.deep.down.here.zone.example. CNAME: there is more than one"),
    ]
    for i, (zone, words, pair, status, says) in enumerate(cases):
        signed, done = sign(tmp_path, zone, f"bad{i}", *words, pair, check=False)
        assert done.returncode == status and says in done.stderr, (words, done.stderr)
        assert not signed.exists()
    # the private half of another key
    mixed = tmp_path / "mixed"
    Path(f"{mixed}.key").write_text(Path(f"{ksk}.key").read_text())
    Path(f"{mixed}.private").write_text(Path(f"{zsk}.private").read_text())
    signed, done = sign(tmp_path, ZONE, "mixed", [mixed], check=False)
    assert done.returncode == 2 and "not the private half" in done.stderr
    # there is none: it cannot sign
    Path(f"{mixed}.private").unlink()
    signed, done = sign(tmp_path, ZONE, "mixed", [mixed], check=False)
    assert done.returncode == 2 and "signs" in done.stderr and not signed.exists()
