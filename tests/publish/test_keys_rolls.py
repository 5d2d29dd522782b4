# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolls of real keys in an edition, in virtual time (`banyan publish --at`): whatever a validator has in its cache, dnspython finds a chain from the DS
(or an anchor that follows RFC 5011) to the data, through every algorithm that is announced."""
import json
import os
import subprocess
import sys
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import PATH, program, wait_for  # noqa: E402

ZONE = dns.name.from_text("example.")
START = 1790812800  # 2026-10-01
HOUR, DAY = 3600, 86400
TTL = 2 * HOUR
PROPAGATION = HOUR // 2

SOURCE = f"""example. {TTL} IN SOA ns.example. h.example. 1 3600 600 604800 300
example. {TTL} IN NS ns.example.
ns.example. {TTL} IN A 192.0.2.1
a.example. {TTL} IN TXT "a"
"""


def run(*command, status=0):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, env={**os.environ, "PATH": PATH})
    assert status is None or done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class World:
    """An edition, its versions, and the DS sets at the parent."""

    def __init__(self, folder, **keys):
        self.folder, self.now, self.versions, self.ds = folder, START, [], []
        self.keys = {"ttl": f"{TTL}s", "trust": "parent", "zsk-lifetime": "0", "propagation-delay": f"{PROPAGATION}s", "publish-safety": "0",
                     "retire-safety": "0", "parent-ds-ttl": f"{TTL}s", "parent-delay": f"{PROPAGATION}s", "algorithm": "13", **keys}
        (folder / "edition").mkdir()
        (folder / "source").write_text(SOURCE)
        self.describe()

    def describe(self):
        lines = [f"edition: {{name: rolls, zone: example, folder: {self.folder}/edition}}", f"source: {{from: 'file:{self.folder}/source'}}", "keys:"]
        (self.folder / "edition.yaml").write_text("\n".join(lines + [f"  {k}: {v}" for k, v in self.keys.items()]) + "\n")

    def key(self, *arguments, status=0):
        return run(program("banyan"), "key", *arguments, "--keys", self.folder / "edition" / "keys", "--at", self.now, status=status)

    def all_keys(self):
        return json.loads(self.key("status", "--json"))["keys"]

    def publish(self):
        run(program("banyan"), "publish", self.folder / "edition.yaml", "--at", self.now)
        text = (self.folder / "edition" / "zone").read_text()
        if self.versions and self.versions[-1]["text"] == text:
            return
        zone = dns.zone.from_text(text, origin=ZONE, relativize=False)
        version = {"from": self.now, "text": text}
        for rdtype in ("DNSKEY", "SOA"):
            version[rdtype] = dns.rrset.from_rdata_list(ZONE, TTL, list(zone.find_rdataset(ZONE, rdtype)))
            version["RRSIG " + rdtype] = list(zone.find_rdataset(ZONE, "RRSIG", rdtype))
        self.versions.append(version)

    def parent(self):
        """The parent takes what is wanted at once; we are told."""
        done = subprocess.run([program("banyan"), "key", "ds", "--keys", str(self.folder / "edition" / "keys"), "--at", str(self.now)],
                              capture_output=True, text=True, timeout=300)
        wanted = {dns.rdata.from_text("IN", "DS", line.split(" DS ")[1]) for line in done.stdout.splitlines()}
        ready = any(k["state"] in ("ready", "active") or k["way"] == "double-ds" for k in self.all_keys() if k["role"] != "zsk")
        if not wanted or not ready or (self.ds and self.ds[-1]["set"] == wanted):
            return
        self.ds.append({"from": self.now, "set": wanted})
        there = {ds.key_tag for ds in wanted}
        for k in self.all_keys():
            if k["role"] == "zsk":
                continue
            if k["tag"] in there and not k["ds_seen"]:
                self.key("ds", "--seen", k["tag"])
            elif k["tag"] not in there and k["ds_seen"]:
                self.key("ds", "--gone", k["tag"])

    def live(self, seconds, parent=True):
        end = self.now + seconds
        while self.now < end:
            self.publish()
            if parent:
                self.parent()
            due = [k["next_at"] for k in self.all_keys() if k.get("next_at") and k["next_at"] > self.now]
            self.now = min([self.now + 5 * HOUR, *due])

    def window(self, items, i, delay):
        end = items[i + 1]["from"] + delay if i + 1 < len(items) else self.now
        return items[i]["from"], end

    def check(self):
        """Every DNSKEY set, SOA and DS set that a cache can have at one time."""
        tried = 0
        keys_of = [self.window(self.versions, i, TTL + PROPAGATION) for i in range(len(self.versions))]
        for i, k in enumerate(self.versions):
            for j, data in enumerate(self.versions):
                at = max(keys_of[i][0], keys_of[j][0])
                if at >= min(keys_of[i][1], keys_of[j][1]):
                    continue
                tried += 1
                for algorithm in {key.algorithm for key in k["DNSKEY"] if not key.flags & 0x80}:
                    assert validates(data["SOA"], data["RRSIG SOA"], k["DNSKEY"], algorithm, at), (i, j, algorithm, k["text"], data["text"])
            for d, ds in enumerate(self.ds):
                window = self.window(self.ds, d, TTL + PROPAGATION)
                at = max(keys_of[i][0], window[0])
                if at >= min(keys_of[i][1], window[1]):
                    continue
                tried += 1
                for algorithm in {one.algorithm for one in ds["set"]}:
                    anchors = [key for key in k["DNSKEY"] if key.algorithm == algorithm and not key.flags & 0x80
                               and any(dns.dnssec.make_ds(ZONE, key, "SHA256") == one for one in ds["set"])]
                    assert anchors and validates(k["DNSKEY"], k["RRSIG DNSKEY"], anchors, algorithm, at), (i, d, algorithm, k["text"])
        return tried


def validates(rrset, rrsigs, keys, algorithm, at):
    keys = dns.rrset.from_rdata_list(ZONE, TTL, [k for k in keys if k.algorithm == algorithm and not k.flags & 0x80])
    for rrsig in rrsigs:
        if rrsig.algorithm != algorithm:
            continue
        try:
            dns.dnssec.validate_rrsig(rrset, rrsig, {ZONE: keys}, now=at)
            return True
        except dns.dnssec.ValidationFailure:
            continue
    return False


def foreign_key(tmp_path):
    """The DNSKEY of another signer, in a file."""
    theirs = tmp_path / "theirs"
    run(program("banyan"), "key", "generate", "--keys", theirs, "--zone", "example.", "--role", "zsk")
    (tmp_path / "out").mkdir()
    tag = json.loads(run(program("banyan"), "key", "list", "--json", "--keys", theirs))["keys"][0]["tag"]
    run(program("banyan"), "key", "export", "--keys", theirs, "--bind", tmp_path / "out", tag)
    return next((tmp_path / "out").glob("*.key"))


def states(world, role):
    return sorted((k["state"], k["algorithm"]) for k in world.all_keys() if k["role"] == role)


@pytest.mark.parametrize("way", ["double-ksk", "double-ds", "csk"])
def test_rolls(tmp_path, way):
    world = World(tmp_path, **({"double-ds": "true"} if way == "double-ds" else {"split": "false"} if way == "csk" else {}))
    world.live(DAY)
    for what in ("csk",) if way == "csk" else ("zsk", "ksk"):
        world.key("roll", what)
        world.live(2 * DAY)
    role = "csk" if way == "csk" else "ksk"
    assert states(world, role) == [("active", 13), ("removed", 13)]
    assert way == "csk" or states(world, "zsk") == [("active", 13), ("removed", 13)]
    assert len(world.ds) >= 2
    assert world.check() > 10


def test_algorithm_roll(tmp_path):
    """RSA to ECDSA, as the root may do: signatures first, keys after them; and back out in the other order."""
    world = World(tmp_path, algorithm="8")
    world.live(DAY)
    world.keys["algorithm"] = "13"
    world.describe()
    world.live(3 * DAY)
    for role in ("ksk", "zsk"):
        assert states(world, role) == [("active", 13), ("removed", 8)]
    assert world.check() > 10
    alone = [{s.algorithm for s in v["RRSIG SOA"]} - {k.algorithm for k in v["DNSKEY"]} for v in world.versions]
    assert {8} in alone and {13} in alone, "signatures of a key that is not in the set, before and after"
    assert {frozenset(one.algorithm for one in ds["set"]) for ds in world.ds} == {frozenset([8]), frozenset([13])}


def test_algorithm_of_a_file_is_guarded(tmp_path):
    """What `banyan key roll algorithm` refuses is refused where a description asks for it, too."""
    world = World(tmp_path, trust="rfc5011", split="false")
    world.publish()
    world.keys["algorithm"] = "15"
    world.describe()
    refused(world, "a revoked CSK signs no data")
    world.keys.update(algorithm="13", trust="parent")
    world.describe()
    world.publish()
    world.key("roll", "algorithm", "15")
    assert "until it is over no other signer" in subprocess.run(
        [program("banyan"), "key", "foreign", "--keys", str(tmp_path / "edition" / "keys"), str(foreign_key(tmp_path))], capture_output=True, text=True,
        timeout=300).stderr


def test_trust_does_not_change_in_a_roll(tmp_path):
    """Neither by the description nor on the command line: what hangs from the old key would be lost."""
    world = World(tmp_path)
    world.live(DAY)
    world.key("roll", "ksk")
    world.publish()
    world.keys["trust"] = "rfc5011"
    world.describe()
    refused(world, "a roll that goes by another `trust`")
    said = subprocess.run([program("banyan"), "key", "policy", "--keys", str(tmp_path / "edition" / "keys"), "trust=rfc5011"], capture_output=True,
                          text=True, timeout=300)
    assert said.returncode == 1 and "cannot change before the roll is over" in said.stderr
    world.keys["trust"] = "parent"
    world.describe()
    world.now += HOUR
    world.publish()


def said(world, *arguments, status=1):
    done = subprocess.run([program("banyan"), "key", *arguments, "--keys", str(world.folder / "edition" / "keys"), "--at", str(world.now)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_one_key_or_two_stays(tmp_path):
    """A living edition does not become one of the other kind, and no other role than its own is rolled."""
    world = World(tmp_path)
    world.publish()
    world.keys["split"] = "false"
    world.describe()
    refused(world, "back to true")
    assert "there is no csk by the policy" in said(world, "roll", "csk")
    assert "'99' is not an algorithm to sign with" in said(world, "roll", "algorithm", "99", status=2)
    world.keys["split"] = "true"
    world.describe()
    world.live(DAY)
    world.key("roll", "zsk")
    world.publish()
    assert "begins when they are over" in world.key("roll", "algorithm", "8")
    assert "asked for: a roll to algorithm 8" in world.key("status")


def test_an_early_ds(tmp_path):
    """The DS of a new zone, given to the parent before its time: it is never asked to go, and a DS in use is not told away."""
    world = World(tmp_path)
    world.publish()
    tag = next(k["tag"] for k in world.all_keys() if k["role"] == "ksk")
    assert "not ready yet: its DS is early" in said(world, "ds", "--seen", str(tag), status=0)
    assert "--gone" not in world.key("status")
    world.live(DAY, parent=False)
    assert states(world, "ksk") == [("active", 13)]
    assert "no other key has taken its place" in said(world, "ds", "--gone", str(tag))
    assert "--gone" not in world.key("status")


def test_offline_ksk_begins(tmp_path):
    """The first publication has nothing to sign with, and makes what the first request needs."""
    world = World(tmp_path, **{"offline-ksk": "true"})
    done = subprocess.run([program("banyan"), "publish", str(world.folder / "edition.yaml"), "--at", str(world.now)], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 1 and "make a request (`banyan key ksr`)" in done.stderr, done.stderr
    assert states(world, "zsk") == [("generated", 13)]
    assert "offline yes" in world.key("policy")
    world.key("ksr")
    assert len(world.all_keys()) == 1


def test_a_roll_waits_for_the_algorithm(tmp_path):
    """Told once, when it is asked for; it begins when the other is over."""
    world = World(tmp_path, algorithm="8")
    world.live(DAY)
    world.keys["algorithm"] = "13"
    world.describe()
    world.publish()
    for _ in range(40):
        if states(world, "zsk") == [("active", 13), ("retired", 8)]:
            break
        world.live(HOUR)
    assert "this roll begins when it is over" in world.key("roll", "zsk")
    assert "begins when the algorithm roll is over" in world.key("status")
    world.live(2 * DAY)
    assert states(world, "zsk") == [("active", 13), ("removed", 8), ("removed", 13)]
    assert world.check() > 10


def test_rfc5011_roll(tmp_path):
    """The new KSK stands by and does not sign; the old one is revoked, signs its own revocation, and goes."""
    world = World(tmp_path, trust="rfc5011", **{"hold-down": "2d", "query-interval": "3h", "revoke-after": "12h", "revoked": "1d"})
    world.live(DAY, parent=False)
    old = next(k["tag"] for k in world.all_keys() if k["role"] == "ksk")
    world.key("roll", "ksk")
    world.live(6 * DAY, parent=False)
    assert states(world, "ksk") == [("active", 13), ("removed", 13)]
    first = dns.dnssec.make_ds(ZONE, next(k for k in world.versions[0]["DNSKEY"] if k.flags == 257), "SHA256")
    assert first.key_tag == old
    new = next(k for k in world.versions[-1]["DNSKEY"] if k.flags == 257)
    stood_by = [v for v in world.versions if new in v["DNSKEY"] and dns.dnssec.key_id(new) not in [s.key_tag for s in v["RRSIG DNSKEY"]]]
    revoked = [v for v in world.versions if any(k.flags & 0x80 for k in v["DNSKEY"])]
    assert stood_by and revoked
    for v in revoked:
        key = next(k for k in v["DNSKEY"] if k.flags & 0x80)
        assert {s.key_tag for s in v["RRSIG DNSKEY"]} == {dns.dnssec.key_id(key), dns.dnssec.key_id(new)}
    signs = next(v["from"] for v in world.versions if dns.dnssec.key_id(new) in [s.key_tag for s in v["RRSIG DNSKEY"]])
    assert signs - stood_by[0]["from"] >= 2 * DAY
    assert world.check() > 10


def test_other_signer(tmp_path):
    """RFC 8901: a new ZSK waits until the other signer has it; foreign keys are published and sign nothing."""
    world = World(tmp_path)
    world.live(DAY)
    file = foreign_key(tmp_path)
    tag = json.loads(run(program("banyan"), "key", "list", "--json", "--keys", tmp_path / "theirs"))["keys"][0]["tag"]
    assert "CDS" in world.versions[-1]["text"]
    world.key("foreign", file, "--name", "other")
    world.key("roll", "zsk")
    world.live(DAY)
    assert "CDS" not in world.versions[-1]["text"], "they would take the other signer's DS away"
    assert tag in [dns.dnssec.key_id(k) for k in world.versions[-1]["DNSKEY"]]
    assert tag not in [s.key_tag for s in world.versions[-1]["RRSIG SOA"]]
    assert states(world, "zsk") == [("active", 13), ("published", 13)]
    world.key("foreign", "--shared", next(k["tag"] for k in world.all_keys() if k["state"] == "published"))
    world.live(DAY)
    assert states(world, "zsk") == [("active", 13), ("removed", 13)]
    world.key("foreign", "--leave", tag)
    world.live(DAY)
    assert tag not in [dns.dnssec.key_id(k) for k in world.versions[-1]["DNSKEY"]]
    assert world.check() > 10


# ---- what cannot be signed is refused, and the last good version stays ----

def refused(world, words, reason="keys-unusable"):
    before = (world.folder / "edition" / "zone").read_bytes()
    done = subprocess.run([program("banyan"), "publish", str(world.folder / "edition.yaml"), "--force", "--at", str(world.now)], capture_output=True,
                          text=True, timeout=300, env={**os.environ, "PATH": PATH})
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stderr and f"({reason})" in done.stderr, done.stderr
    assert (world.folder / "edition" / "zone").read_bytes() == before


@pytest.fixture
def token(tmp_path, monkeypatch):
    """A token of SoftHSM2 in the folder tokens, and its URI as an option of keys."""
    module = Path("/usr/lib/softhsm/libsofthsm2.so")
    if not module.exists():
        pytest.skip("softhsm2 is not installed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    run("softhsm2-util", "--init-token", "--free", "--label", "edition", "--pin", "1234", "--so-pin", "4321")
    (tmp_path / "pin").write_text("1234")
    (tmp_path / "pin").chmod(0o600)
    return f"'pkcs11:token=edition?module-path={module}&pin-source=file:{tmp_path}/pin'"


def test_token_is_gone(tmp_path, token):
    world = World(tmp_path, token=token)
    world.publish()
    assert not list((tmp_path / "edition" / "keys").glob("*.pem"))
    (tmp_path / "tokens").rename(tmp_path / "away")
    world.now += HOUR
    refused(world, "pkcs11:token=edition", "token-gone")
    (tmp_path / "away").rename(tmp_path / "tokens")
    (tmp_path / "source").write_text(SOURCE.replace(" 1 3600", " 7 3600"))
    world.publish()
    assert len(world.versions) == 2
    assert validates(world.versions[1]["SOA"], world.versions[1]["RRSIG SOA"], world.versions[1]["DNSKEY"], 13, world.now)


def test_token_goes_in_the_middle(tmp_path, token):
    """While a version is signed: nothing goes out, and with the token all goes on."""
    world = World(tmp_path, token=token)
    world.publish()
    before, state = (tmp_path / "edition" / "zone").read_bytes(), tmp_path / "edition" / "keys" / "state"
    (tmp_path / "source").write_text(SOURCE.replace(" 1 3600", " 7 3600") + "".join(f"n{i}.example. {TTL} IN TXT \"{i}\"\n" for i in range(4000)))
    inode = state.stat().st_ino
    publishing = subprocess.Popen([program("banyan"), "publish", str(tmp_path / "edition.yaml"), "--at", str(world.now + HOUR)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_for("the keys' state, written before anything is signed", lambda: state.stat().st_ino != inode or publishing.poll() is not None)
        (tmp_path / "tokens").rename(tmp_path / "away")
        errors = publishing.communicate(timeout=120)[1]
    finally:
        publishing.kill()
        publishing.wait()
    assert publishing.returncode == 1 and "(token-gone)" in errors, errors
    assert (tmp_path / "edition" / "zone").read_bytes() == before
    (tmp_path / "away").rename(tmp_path / "tokens")
    world.now += 2 * HOUR
    world.publish()
    assert len(world.versions) == 2


def test_private_key_is_missing(tmp_path):
    world = World(tmp_path)
    world.publish()
    world.now += HOUR
    zsk = next(k["place"] for k in world.all_keys() if k["role"] == "zsk")
    file = tmp_path / "edition" / "keys" / zsk
    file.chmod(0o640)
    refused(world, "others may read this private key")
    file.chmod(0o600)
    file.rename(tmp_path / "away")
    refused(world, "the private key is not to be had")


def test_offline_ksk(tmp_path):
    """An edition whose KSK is elsewhere: signed by what came from the ceremony, until its signatures end."""
    world = World(tmp_path, **{"offline-ksk": "true", "trust": "rfc5011"})
    keys, offline = tmp_path / "edition" / "keys", tmp_path / "offline"
    common = [f"dnskey-ttl={TTL}s", f"data-ttl={TTL}s", f"propagation={PROPAGATION}s", "publish-safety=0", "retire-safety=0", "trust=rfc5011"]
    at = ["--at", world.now]
    run(program("banyan"), "key", "policy", "--keys", keys, "--zone", "example.", "offline=yes", "zsk-lifetime=0", *common)
    run(program("banyan"), "key", "policy", "--keys", offline, "--zone", "example.", "ksk-only=yes", *common)
    run(program("banyan"), "key", "ksr", "--keys", keys, "--out", tmp_path / "ksr", *at)
    run(program("banyan"), "key", "sign-ksr", "--keys", offline, "--first", tmp_path / "ksr", "--out", tmp_path / "skr", "--record", tmp_path / "record", *at)
    (tmp_path / "anchor").write_text(run(program("banyan"), "key", "ds", "--keys", offline, *at))
    run(program("banyan"), "key", "skr", "--keys", keys, "--anchor", tmp_path / "anchor", tmp_path / "skr", *at)
    for _ in range(4):
        world.publish()
        run(program("banyan"), "verify", "--origin", "example.", "--anchor", tmp_path / "anchor", "--at", world.now, tmp_path / "edition" / "zone")
        world.now += 25 * DAY
    assert len({tuple(s.expiration for s in v["RRSIG DNSKEY"]) for v in world.versions}) == 4, "each in its own bundle"
    assert not any(k["role"] == "ksk" for k in world.all_keys())
    world.now += 30 * DAY
    refused(world, "bring the next response")
