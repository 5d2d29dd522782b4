# SPDX-License-Identifier: GPL-3.0-or-later
"""`banyan key`: what it makes is read by BIND, ldns and Knot DNS, and what they make is read by it; a KSK that is offline, in a token that goes away."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import PATH, program, wait_for  # noqa: E402

ZONE = "example."
AT = 1790812800  # 2026-10-01
DAY = 86400
SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")


def run(*command, status=0, env=None, cwd=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, cwd=cwd,
                          env={**os.environ, "PATH": PATH, **(env or {})})
    assert status is None or done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def key(folder, *arguments, status=0, at=AT, env=None):
    done = run(program("banyan"), "key", *arguments, "--keys", folder, "--at", at, status=status, env=env)
    return done.stdout if status == 0 else done.stderr


def keys_of(folder):
    return json.loads(key(folder, "status", "--json"))["keys"]


def tool(name):
    path = shutil.which(name, path=PATH)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def records(text, rdtype):
    """RDATAs of master-file lines, in canonical form."""
    found = set()
    for line in text.splitlines():
        words = line.split(";")[0].split()
        if rdtype not in words:
            continue
        data = " ".join(words[words.index(rdtype) + 1:])
        found.add(dns.rdata.from_text("IN", rdtype, data).to_digestable())
    return found


# ---- other programs ----

@pytest.mark.parametrize("algorithm", [8, 10, 13, 14, 15, 16])
def test_exported_keys(tmp_path, algorithm):
    """BIND and ldns make the same DS of it, BIND signs with it, Knot DNS takes it."""
    folder, out = tmp_path / "keys", tmp_path / "out"
    out.mkdir()
    key(folder, "generate", "--zone", ZONE, "--role", "ksk", f"algorithm={algorithm}")
    key(folder, "generate", "--role", "zsk")
    for one in keys_of(folder):
        key(folder, "export", "--bind", out, one["tag"])
        assert stat.S_IMODE((out / f"K{ZONE}+{algorithm:03}+{one['tag']:05}.private").stat().st_mode) == 0o600
    # nothing is overwritten
    assert "cannot be written" in key(folder, "export", "--bind", out, keys_of(folder)[0]["tag"], status=2)
    ksk = next(k for k in keys_of(folder) if k["role"] == "ksk")
    name = f"K{ZONE}+{algorithm:03}+{ksk['tag']:05}"
    ours = dns.dnssec.make_ds(dns.name.from_text(ZONE), dns.rdata.from_text(
        "IN", "DNSKEY", (out / f"{name}.key").read_text().split("DNSKEY")[1].strip()), "SHA256").to_digestable()
    assert records(run(tool("dnssec-dsfromkey"), "-a", "SHA-256", out / f"{name}.key").stdout, "DS") == {ours}
    assert records(run(tool("ldns-key2ds"), "-n", "-2", out / f"{name}.key").stdout, "DS") == {ours}
    # a zone that BIND signs with them is one that we prove with the DS
    (tmp_path / "zone").write_text(f"{ZONE} 300 IN SOA ns.{ZONE} h.{ZONE} 1 3600 600 604800 300\n{ZONE} 300 IN NS ns.{ZONE}\nns.{ZONE} 300 IN A 192.0.2.1\n" +
                                   "".join(f.read_text() for f in out.glob("*.key")))
    run(tool("dnssec-signzone"), "-K", out, "-o", ZONE, "-f", tmp_path / "signed", tmp_path / "zone", cwd=tmp_path)
    (tmp_path / "anchor").write_text((out / f"{name}.key").read_text())
    run(program("banyan"), "verify", "--origin", ZONE, "--anchor", tmp_path / "anchor", tmp_path / "signed")
    knot = tmp_path / "knot.conf"
    knot.write_text(f"database:\n  storage: {tmp_path}\nzone:\n  - domain: {ZONE}\n")
    taken = run(tool("keymgr"), "-c", knot, ZONE, "import-bind", out / f"{name}.private").stdout.strip()
    listed = run(tool("keymgr"), "-c", knot, ZONE, "list").stdout
    assert str(ksk["tag"]) in listed, taken + listed


@pytest.mark.parametrize("algorithm, name", [(8, "RSASHA256"), (13, "ECDSAP256SHA256"), (14, "ECDSAP384SHA384"), (15, "ED25519"), (16, "ED448")])
def test_imported_keys(tmp_path, algorithm, name):
    bind, ldns, folder = tmp_path / "bind", tmp_path / "ldns", tmp_path / "keys"
    bind.mkdir()
    ldns.mkdir()
    bits = ["-b", "2048"] if algorithm == 8 else []
    ksk = run(tool("dnssec-keygen"), "-a", algorithm, *bits, "-f", "KSK", "-K", bind, ZONE).stdout.strip()
    zsk = run(tool("ldns-keygen"), "-a", name, *bits, ZONE, cwd=ldns).stdout.strip()
    key(folder, "import", "--zone", ZONE, "--role", "ksk", bind / f"{ksk}.private")
    key(folder, "import", "--role", "zsk", ldns / f"{zsk}.private")
    assert {(k["role"], k["tag"], k["state"]) for k in keys_of(folder)} == {
        ("ksk", int(ksk.split("+")[2]), "active"), ("zsk", int(zsk.split("+")[2]), "active")}
    assert records(key(folder, "ds"), "DS") == records(run(tool("dnssec-dsfromkey"), "-a", "SHA-256", bind / f"{ksk}.key").stdout, "DS")
    # out again, as it came in
    out = tmp_path / "out"
    out.mkdir()
    key(folder, "export", "--bind", out, int(zsk.split("+")[2]))
    assert records((out / f"{zsk}.key").read_text(), "DNSKEY") == records((ldns / f"{zsk}.key").read_text(), "DNSKEY")
    # wrong ones
    assert "is there already" in key(folder, "import", "--role", "zsk", "--state", "generated", ldns / f"{zsk}.private", status=2)
    assert "that is a ksk" in key(folder, "import", "--role", "zsk", bind / f"{ksk}.private", status=1)
    (bind / f"{ksk}.key").write_text((ldns / f"{zsk}.key").read_text())
    assert "no private key of the DNSKEY beside it" in key(folder, "import", "--role", "ksk", bind / f"{ksk}.private", status=2)


def test_roll_is_told(tmp_path):
    folder = tmp_path / "keys"
    key(folder, "generate", "--zone", ZONE)
    assert "there is no active zsk to roll from" in key(folder, "roll", "zsk", status=1)
    assert "is not NAME=VALUE" in key(folder, "policy", "zsk-lifetime", status=1)
    assert "not 'long'" in key(folder, "policy", "zsk-lifetime=long", status=1)
    key(folder, "policy", "zsk-lifetime=30d")
    assert "zsk-lifetime 2592000s" in key(folder, "policy")
    assert "goes from generated to active" in key(folder, "status")
    (folder / "state").write_text("nothing of ours\n")
    assert "state:1: the first line is not" in key(folder, "list", status=2)


# ---- the KSK is offline ----

def dnskey_bundles(text):
    """[(from, [DNSKEY], [(tag, algorithm, signature)], inception, expiration)] of a response, read as the manual describes it."""
    import base64
    import calendar
    import time

    def seconds(value):
        return calendar.timegm(time.strptime(value, "%Y-%m-%dT%H:%M:%SZ"))
    bundles = []
    for line in text.splitlines():
        word, _, value = line.partition(" ")
        if word == "bundle":
            bundles.append({"from": seconds(value), "keys": [], "signatures": []})
        elif word in ("inception", "expiration"):
            bundles[-1][word] = seconds(value)
        elif word == "dnskey":
            bundles[-1]["keys"].append(dns.rdata.from_text("IN", "DNSKEY", value.split(" ", 1)[1]))
        elif word == "signature":
            tag, algorithm, data = value.split()
            bundles[-1]["signatures"].append((int(tag), int(algorithm), base64.b64decode(data)))
    return bundles


def check_bundles(text, ttl):
    """Every signature of every bundle, by dnspython."""
    zone = dns.name.from_text(ZONE)
    bundles = dnskey_bundles(text)
    for bundle in bundles:
        rrset = dns.rrset.from_rdata_list(zone, ttl, bundle["keys"])
        ksks = dns.rrset.from_rdata_list(zone, ttl, [k for k in bundle["keys"] if k.flags & 1])
        assert bundle["signatures"]
        for tag, algorithm, data in bundle["signatures"]:
            rrsig = dns.rdtypes.ANY.RRSIG.RRSIG(dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.DNSKEY, algorithm, len(zone) - 1, ttl,
                                                bundle["expiration"], bundle["inception"], tag, zone, data)
            dns.dnssec.validate_rrsig(rrset, rrsig, {zone: ksks}, now=bundle["from"])
    return bundles


def token_of(tmp_path):
    if not SOFTHSM.exists():
        pytest.skip("softhsm2 is not installed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    env = {"SOFTHSM2_CONF": str(tmp_path / "softhsm.conf")}
    run(tool("softhsm2-util"), "--init-token", "--free", "--label", "offline", "--pin", "1234", "--so-pin", "4321", env=env)
    pin = tmp_path / "pin"
    pin.write_text("1234")
    pin.chmod(0o600)
    return f"pkcs11:token=offline?module-path={SOFTHSM}&pin-source=file:{pin}", env


def test_ceremonies(tmp_path):
    """Two quarters with the KSK in a token; between them the token is gone once, and a request is changed on its way."""
    uri, env = token_of(tmp_path)
    online, offline = tmp_path / "online", tmp_path / "offline"
    common = ["trust=rfc5011", "data-ttl=1d", "algorithm=8"]
    key(online, "policy", "--zone", ZONE, "offline=yes", *common)
    key(offline, "policy", "--zone", ZONE, "ksk-only=yes", *common)
    request, response, record = tmp_path / "ksr", tmp_path / "skr", tmp_path / "record"
    anchor = tmp_path / "anchor"
    end = None
    for quarter in range(2):
        at = AT + quarter * 90 * DAY - (10 * DAY if quarter else 0)
        key(online, "ksr", "--out", request, at=at)
        sign = ["sign-ksr", request, "--token", uri, "--out", response, "--record", record]
        if quarter:
            # changed on its way: one letter
            text = request.read_text()
            request.write_text(text.replace("ttl 172800", "ttl 172801"))
            assert "the sum is another one" in key(offline, *sign, status=1, at=at, env=env)
            assert "NOTHING WAS SIGNED" in record.read_text()
            request.write_text(text)
            # the token is gone
            response.unlink()
            (tmp_path / "tokens").rename(tmp_path / "away")
            before = (offline / "state").read_text()
            assert "pkcs11:token=offline" in key(offline, *sign, status=2, at=at, env=env)
            assert "NOTHING WAS SIGNED" in record.read_text()
            assert not response.exists()
            assert keys_of(offline) == keys_of(offline) and (offline / "state").read_text() == before
            (tmp_path / "away").rename(tmp_path / "tokens")
        key(offline, *sign, *([] if quarter else ["--first"]), at=at, env=env)
        text = record.read_text()
        assert "witnesses" in text and "has signed what is asked for it" in text
        bundles = check_bundles(response.read_text(), 172800)
        assert len(bundles) == 9
        assert end is None or bundles[0]["from"] == end
        end = bundles[-1]["from"] + 10 * DAY
        # as at the root: the next ZSK comes in the last bundle, the one before stays in the first
        assert [sum(1 for k in b["keys"] if k.flags == 256) for b in bundles] == [2 if quarter else 1, 1, 1, 1, 1, 1, 1, 1, 2]
        if not quarter:
            anchor.write_text(key(offline, "ds"))
            assert "not signed by a KSK that is known here" in key(online, "skr", response, status=1, at=at)
        key(online, "skr", response, *([] if quarter else ["--anchor", anchor]), at=at)
    assert not any(k["role"] == "ksk" for k in keys_of(online))
    assert not list(offline.glob("*.pem")), "the KSK is in the token alone"
    assert "expired" in key(online, "skr", response, status=1, at=AT + 400 * DAY)


def test_private_halves_of_no_key(tmp_path):
    """What was cut off between a key and the state is told, and told what to do."""
    key(tmp_path / "keys", "generate", "--zone", "example.")
    (tmp_path / "keys" / "example.13.99.pem").write_text("cut off")
    (tmp_path / "keys" / "making").write_text("pkcs11:token=x;id=%01;type=private\n")
    said = key(tmp_path / "keys", "list")
    assert "no key of the state: example.13.99.pem" in said and "delete it from the token" in said
    assert sorted(json.loads(key(tmp_path / "keys", "list", "--json"))["orphans"]) == ["example.13.99.pem", "pkcs11:token=x;id=%01;type=private"]


def test_memory_of_programs_with_keys(tmp_path):
    """No core file has private keys. (Of `banyan publish`: test_watch_a_file.)"""
    key(tmp_path / "keys", "generate", "--zone", "example.")
    for words in (["key", "foreign", "--keys", str(tmp_path / "keys"), "-"], ["sign", "-"]):
        waiting = subprocess.Popen([program("banyan"), *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(f"{words[0]}: no core files", lambda: re.search(r"Max core file size +0 +0 ", Path(f"/proc/{waiting.pid}/limits").read_text()))
        finally:
            waiting.kill()
            waiting.wait()
            waiting.stdin.close()


def error_of(folder, *arguments, status=0, at=AT):
    """What it says to people, also when all is good."""
    return run(program("banyan"), "key", *arguments, "--keys", folder, "--at", at, status=status).stderr


def two_sides(tmp_path):
    online, offline = tmp_path / "online", tmp_path / "offline"
    common = ["trust=rfc5011", "data-ttl=1d"]
    key(online, "policy", "--zone", ZONE, "offline=yes", *common)
    key(offline, "policy", "--zone", ZONE, "ksk-only=yes", *common)
    return online, offline


def test_ceremony_after_gap(tmp_path):
    """The first request is made twice; nobody asks for the second quarter in time."""
    online, offline = two_sides(tmp_path)
    request, response, record, anchor = tmp_path / "ksr", tmp_path / "skr", tmp_path / "record", tmp_path / "anchor"
    key(online, "ksr", "--out", request)
    key(online, "ksr", "--out", tmp_path / "other", "--slots", 6)
    sign = ["sign-ksr", request, "--out", response, "--record", record]
    key(offline, *sign, "--first")
    first = response.read_bytes()
    key(offline, *sign)
    assert response.read_bytes() == first, "the same again"
    anchor.write_text(key(offline, "ds"))
    key(online, "skr", response, "--anchor", anchor)
    assert "the time between is signed" in error_of(offline, "sign-ksr", tmp_path / "other", status=1)
    # nobody asks in time
    late = AT + 130 * DAY
    assert "key responses until 2026-12-30T00:00:00Z, their last signatures until 2027-01-10T00:00:00Z" in key(online, "status")
    assert "to do: the next response is late" in key(online, "status", at=AT + 95 * DAY)
    assert "to do: THERE IS A GAP" in key(online, "status", at=late)
    assert "is for when that time is over" in error_of(online, "ksr", "--from", late, status=1, at=AT + 80 * DAY)
    told = error_of(online, "ksr", "--out", request, at=late)
    assert "there is a gap" in told and "2027-01-10T00:00:00Z" in told and "--after-gap" in told, told
    assert "say --after-gap" in error_of(offline, *sign, status=1, at=late)
    assert "do not go together" in error_of(offline, *sign, "--first", "--after-gap", status=2, at=late)
    key(offline, *sign, "--after-gap", at=late)
    text = record.read_text()
    assert "THERE IS A GAP (--after-gap)" in text and "no validator can prove the zone" in text
    key(online, "skr", response, at=late)
    assert check_bundles(response.read_text(), 172800)[0]["from"] == late
    # and as always
    key(online, "ksr", "--out", request, at=late + 80 * DAY)
    key(offline, *sign, at=late + 80 * DAY)
    key(online, "skr", response, at=late + 80 * DAY)


def test_ceremony_on_full_disks(tmp_path):
    """What cannot be written where it was asked for is not lost."""
    online, offline = two_sides(tmp_path)
    request, response = tmp_path / "ksr", tmp_path / "skr"
    key(online, "ksr", "--out", request)
    sign = ["sign-ksr", "--first", request]
    told = error_of(offline, *sign, "--out", response, "--record", "/dev/full/record", status=2)
    assert "the record of what is signed is in" in told, told
    assert check_bundles(response.read_text(), 172800)
    (kept,) = offline.glob("record-*.txt")
    assert "witnesses" in kept.read_text()
    first = response.read_bytes()
    told = error_of(offline, *sign, "--out", tmp_path / "nowhere" / "skr", "--record", tmp_path / "record", status=2)
    assert "the same command gives the same response again" in told, told
    assert kept.name in (tmp_path / "record").read_text()
    key(offline, *sign, "--out", response, "--record", tmp_path / "record")
    assert response.read_bytes() == first


def test_first_request_far_ahead(tmp_path):
    """A slip in the year of the first request is asked back; one that was signed can be replaced."""
    on, off = tmp_path / "on", tmp_path / "off"
    key(on, "policy", "--zone", ZONE, "offline=yes", "trust=rfc5011")
    key(off, "policy", "--zone", ZONE, "ksk-only=yes", "trust=rfc5011")
    far, ksr, skr, record = AT + 365 * DAY, tmp_path / "ksr", tmp_path / "skr", tmp_path / "record"
    assert "say --ahead" in key(on, "ksr", "--from", far, "--out", ksr, status=1)
    assert not ksr.exists()
    key(on, "ksr", "--from", far, "--ahead", "--out", ksr)
    key(off, "sign-ksr", ksr, "--first", "--out", skr, "--record", record)
    assert "IT BEGINS IN 365 DAYS" in record.read_text()
    key(on, "ksr", "--out", ksr)
    assert "--replace" in key(off, "sign-ksr", ksr, "--out", skr, "--record", record, status=1)
    key(off, "sign-ksr", ksr, "--replace", "--out", skr, "--record", record)
    assert "IS REPLACED" in record.read_text()
    anchor = tmp_path / "anchor"
    anchor.write_text(key(off, "ds"))
    key(on, "skr", skr, "--anchor", anchor)
