# SPDX-License-Identifier: GPL-3.0-or-later
"""Editions on a schedule, in virtual time (`banyan publish --at`): keys that roll while old versions are still in force, a KSK that is elsewhere, clocks and
machines that stand still, schedules that leave gaps."""
import base64
import calendar
import glob
import json
import os
import re
import subprocess
import time

import pytest

from editions import Edition, judge, program, put, source_text, wait_for

HOUR, DAY = 3600, 86400
START = 1795305600  # 2026-11-22T00:00:00Z
SKEW = HOUR


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def stamp(at):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(at))


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%S"))


@pytest.fixture
def daily(tmp_path):
    put(tmp_path / "source", source_text(tlds=4))
    return Edition(tmp_path, "letters", schedule={"every": "24h"})


def key(edition, *words, at=None, keys=None, status=0):
    done = subprocess.run([program("banyan"), "key", *map(str, words), "--keys", str(keys or edition.folder / "keys"),
                           *(["--at", str(at)] if at is not None else [])], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, (words, done.stdout, done.stderr)
    return done.stdout


# ---- keys

class Version:
    """What of a version decides who can prove what: as it stands in the zone file."""

    def __init__(self, text, offered):
        self.offered = offered
        self.sets = {tuple(key.split()) for key in re.findall(r"^\.\s+\d+\s+(?:IN\s+)?DNSKEY\s+(.+)$", text, re.M)}
        self.signed = {int(tag) for tag in re.findall(r"^\S+\s+\d+\s+(?:IN\s+)?RRSIG\s+NS\s+\d+\s+\d+\s+\d+\s+\d+\s+\d+\s+(\d+)\s", text, re.M)}
        self.signed_keys = {int(tag) for tag in re.findall(r"^\.\s+\d+\s+(?:IN\s+)?RRSIG\s+DNSKEY\s+\d+\s+\d+\s+\d+\s+\d+\s+\d+\s+(\d+)\s", text, re.M)}
        dates = re.search(r"valid-from=(\d+).*valid-until=(\d+)", text)
        self.since, self.until = seconds(dates[1]) - SKEW, seconds(dates[2]) + SKEW
        self.tags = {tag_of(words) for words in self.sets if not int(words[0]) & 0x80}


def tag_of(words):
    data = int(words[0]).to_bytes(2, "big") + bytes([int(words[1]), int(words[2])]) + base64.b64decode("".join(words[3:]))
    total = sum(byte << 8 if i % 2 == 0 else byte for i, byte in enumerate(data))
    return (total + (total >> 16)) & 0xffff


def check(versions, ttl):
    """Whoever uses the oldest that is in force, or has what it said in a cache, proves what each other in force says; and the anchors of who began with a later
    one lead to it."""
    rolled = set()
    for a in versions:
        rolled |= a.tags
        for b in versions:
            if a.since < b.until + ttl and b.since < a.until + ttl:
                assert a.tags & b.signed, (iso(a.offered), iso(b.offered), a.tags, b.signed)
    return rolled


def test_keys_roll_while_old_versions_are_in_force(daily):
    """Rolls by lifetime and on request, looked at by all pairs of versions that may be in use at one time."""
    ttl = 6 * DAY  # the longest of the source's: the NS set
    daily.write(keys={"ttl": "1h", "zsk-lifetime": "20d", "ksk-lifetime": "40d", "trust": "rfc5011", "hold-down": "1d", "query-interval": "1h",
                      "revoke-after": "1d", "revoked": "1d", "publish-safety": "0", "retire-safety": "0"},
                apex={"ns-ttl": "1h", "address-ttl": "1h"})
    put(daily.home / "source", re.sub(r"\b\d{5,}\b(?= (?:NS|A|AAAA|DS|SOA))", "3600", source_text(tlds=2)))
    ttl = HOUR
    versions = []
    for day in range(60):
        for at in (START + day * DAY - 2 * HOUR, START + day * DAY + 9 * HOUR):
            if day == 5 and at > START + day * DAY:
                key(daily, "roll", "zsk", at=at)
            said = daily.good("--at", str(at), *(["--force"] if day % 9 == 7 and at > START + day * DAY else []))
            if said["outcome"] == "published":
                versions.append(Version(daily.text(), at))
    assert len(versions) > 60
    assert len(check(versions, ttl)) >= 6, "keys that have come and gone"


def test_a_roll_begins_with_the_next_version(daily):
    """What is asked for in between is in no zone yet, and does not count as if it were."""
    for at in (START - 2 * HOUR, START - 2 * HOUR + 1):  # what is in force, and what is to come
        assert daily.good("--at", str(at))["outcome"] == "published"
    key(daily, "roll", "zsk", at=START)
    assert daily.good("--at", str(START + 1))["outcome"] == "unchanged"
    states = re.findall(r"^\s*(\d+)\s", key(daily, "list", at=START + 2), re.M)
    assert daily.good("--at", str(START + 5 * HOUR))["outcome"] == "unchanged"
    assert re.findall(r"^\s*(\d+)\s", key(daily, "list", at=START + 6 * HOUR), re.M) == states
    before = Version(daily.text(), 0).tags
    assert daily.good("--at", str(START + 22 * HOUR))["outcome"] == "published"
    assert len(Version(daily.text(), 0).tags) == len(before) + 1
    # and its interval is counted from there
    new = (Version(daily.text(), 0).tags - before).pop()
    keys = json.loads(key(daily, "status", "--json", at=START + 22 * HOUR + 1))["keys"]
    due = next(k["next_at"] for k in keys if k["tag"] == new)
    assert due >= START + 22 * HOUR + 2 * HOUR + 2 * DAY + HOUR


def offline(edition, at, slots):
    """A KSK elsewhere: one quarter's ceremony."""
    folder, keys = edition.folder, edition.folder / "keys"
    common = ["dnskey-ttl=2d"]
    key(edition, "policy", "--zone", ".", "offline=yes", "zsk-lifetime=0", *common)
    key(edition, "policy", "--zone", ".", "ksk-only=yes", *common, keys=folder / "away")
    key(edition, "ksr", "--out", folder / "ksr", "--slots", slots, at=at)
    key(edition, "sign-ksr", "--first", folder / "ksr", "--out", folder / "skr", "--record", folder / "record", at=at, keys=folder / "away")
    (folder / "anchor").write_text(key(edition, "ds", at=at, keys=folder / "away"))
    key(edition, "skr", "--anchor", folder / "anchor", folder / "skr", at=at)


def test_a_version_does_not_outlive_its_keys(daily):
    """With the KSK elsewhere: no version leaves whose DNSKEY set ends before it does."""
    (daily.folder / "keys").mkdir(mode=0o700)
    daily.write(keys={"offline-ksk": True, "zsk-lifetime": "0"}, apex={"address-ttl": "2d"})
    begin = START - 3 * HOUR
    offline(daily, begin, slots=2)
    end = begin + 10 * DAY + 21 * DAY
    for day in range(0, 60):
        at = START + day * DAY - 2 * HOUR
        status, said, errors = daily.publish("--at", str(at))
        if at + 2 * HOUR + 2 * DAY + SKEW > end:
            break
        assert status == 0, (said.get("why"), errors)
        late = at + 2 * HOUR + 2 * DAY + SKEW + 5 * DAY > end
        assert (said["warning"] or "").startswith(f"the last of the DNSKEY sets that were signed elsewhere ends at {iso(end)}: hold") == late, (day, said)
        done = daily.cli("verify", "--anchor", str(daily.folder / "anchor"), "--at", str(at + 2 * HOUR + 2 * DAY - 1), str(daily.zone_file))
        assert done.returncode == 0, (day, done.stdout, done.stderr)
    assert 20 < day < 59 and (status, said["reason"]) == (1, "keys-unusable"), said
    assert f"bundle of {iso(begin + 10 * DAY)} in key response" in said["why"] and f"ends at {iso(end)}" in said["why"], said
    assert "hold the next ceremony" in said["why"]
    before = daily.serial()
    assert daily.refused("keys-unusable", "--at", str(at + HOUR)) and daily.serial() == before


# ---- what does not fit is told before anything is made

@pytest.mark.parametrize("schedule, more, words", [
    ({"every": "24h", "valid": "25h"}, {}, "make it valid for 93600 s at least"),
    ({"every": "24h", "ahead": "3h", "valid": "26h"}, {}, "make it valid for 97200 s at least"),
    ({"every": "24h"}, {"signing": {"validity": "2d", "refresh": "1d", "jitter": "0"}}, "the signatures of a version must outlive it"),
    ({"every": "24h"}, {"keys": {"offline-ksk": True, "slot": "20d"}}, "signing.validity-keys, less keys.slot"),
])
def test_wrong_schedules(daily, schedule, more, words):
    daily.write(schedule=schedule, **more)
    line = next(i for i, line in enumerate(daily.path.read_text().splitlines(), 1) if "valid:" in line and "valid" in schedule or
                "valid" not in schedule and line.startswith("schedule"))
    status, _, errors = daily.publish()
    assert status == 2 and f"letters.yaml:{line}: schedule: " in errors and words in errors, errors


def test_twice_the_interval_is_enough(daily):
    daily.write(schedule={"every": "1h", "ahead": "59m", "valid": "2h"})
    assert daily.good("--at", str(START))["outcome"] == "published"


# ---- time

def valid(edition, at):
    (txt,) = edition.rrset(".", "TXT")
    since, until = re.search(r"valid-from=(\d+).*valid-until=(\d+)", txt).groups()
    return since <= stamp(at) < until


def test_once_a_day(daily):
    """Run by a timer that comes once a day, after the first time it is never behind."""
    for day in range(5):
        at = START + day * DAY - HOUR
        daily.good("--at", str(at))
        assert valid(daily, START + day * DAY) and valid(daily, at) == (day == 0)


def test_late(daily):
    """A publisher that was away for days has at once what is in force now, and then what is to come."""
    daily.good("--at", str(START - 2 * HOUR))
    back = START + 5 * DAY + 22 * HOUR + 1800
    said = daily.good("--at", str(back))
    assert said["outcome"] == "published" and valid(daily, back)
    judge(daily, but=("ldns-verify-zone", "kzonecheck", "dnssec-verify", "banyan verify"))  # those look at the time, and it is another one
    done = daily.cli("verify", "--anchor", str(daily.anchors), "--at", str(back), str(daily.zone_file))
    assert done.returncode == 0, done.stdout
    first = daily.serial()
    assert daily.good("--at", str(back + 1))["outcome"] == "published"
    assert not valid(daily, back) and valid(daily, START + 6 * DAY) and daily.serial() > first
    assert daily.good("--at", str(back + 2))["outcome"] == "unchanged"


def test_clock_of_the_publisher(daily):
    """Ahead by a year for once: what is out then is said to be in the way, and goes by somebody's word."""
    daily.good("--at", str(START))
    daily.good("--at", str(START + 365 * DAY))
    said = daily.good("--at", str(START + 1))
    assert said["outcome"] == "unchanged" and "a clock was wrong" in said["warning"] and "--force" in said["warning"]
    serial = daily.serial()
    said = daily.good("--at", str(START + 2), "--force")
    assert said["outcome"] == "published" and (said["serial"] - serial) % 2**32 < 2**31
    assert daily.good("--at", str(START + 22 * HOUR))["warning"] is None and valid(daily, START + DAY)


@pytest.mark.parametrize("every, hours", [("7h", 7), ("36h", 36), ("5h", 5)])
def test_any_interval(daily, every, hours):
    """None that divides a day: each stroke since 1970 has its version, and serials grow."""
    daily.write(schedule={"every": every, "ahead": "1h", "valid": f"{2 * hours}h"})
    at, last = START, None
    for _ in range(14):
        at = (at // (hours * HOUR) + 1) * hours * HOUR
        said = daily.good("--at", str(at - HOUR))
        if last is None:
            said = daily.good("--at", str(at - HOUR))
        assert said["outcome"] == "published" and valid(daily, at) and not valid(daily, at - 1)
        assert last is None or (said["serial"] > last and len(str(said["serial"])) == 10)
        last = said["serial"]


LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


@pytest.fixture
def watched(tmp_path):
    """watched(edition): `--watch` with a clock that watched.jump("+5d") sets, as one that was set or a machine that has slept."""
    if os.environ.get("BANYAN_SANITIZED"):
        pytest.skip("libfaketime and sanitizers both want to be the first library")
    assert LIBRARY, "libfaketime is not installed"
    clock, running = tmp_path / "clock", []

    def start(edition, offset="+0"):
        start.jump(offset)
        running.append(edition.watch(LD_PRELOAD=LIBRARY[0], FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_CACHE_DURATION="1",
                                     FAKETIME_DONT_FAKE_MONOTONIC="1"))
    start.jump = lambda offset: put(clock, offset)
    yield start
    for edition in running:
        edition.stop()


def is_out(edition, at):
    return edition.zone_file.exists() and valid(edition, at)


def test_a_machine_that_sleeps(daily, watched):
    """--watch: after days of sleep there is at once what is in force, with the source or without it; and a clock that was ahead is told."""
    now = int(time.time())
    hour = now % DAY // HOUR
    shift = (12 - hour) * HOUR  # noon of today: nothing is offered ahead
    noon = now + shift
    watched(daily, f"{shift:+d}s")
    wait_for("the first version", lambda: is_out(daily, noon))
    first = daily.serial()
    watched.jump(f"{shift + 5 * DAY:+d}s")
    wait_for("the version of five days later", lambda: is_out(daily, noon + 5 * DAY))
    os.unlink(daily.home / "source")
    watched.jump(f"{shift + 9 * DAY:+d}s")
    wait_for("a version without source", lambda: is_out(daily, noon + 9 * DAY))
    assert daily.serial() > first
    watched.jump(f"{shift + 9 * DAY + 11 * HOUR:+d}s")
    wait_for("what is offered ahead", lambda: is_out(daily, noon + 10 * DAY) and not is_out(daily, noon + 9 * DAY))
    watched.jump(f"{shift:+d}s")
    wait_for("the word", lambda: "a clock was wrong" in daily.log())
    assert is_out(daily, noon + 10 * DAY)


def test_a_clock_that_is_set_back(tmp_path, watched):
    """--watch: the source is looked at as before, and not when the clock has come there again."""
    put(tmp_path / "source", source_text(tlds=4))
    edition = Edition(tmp_path, "letters")
    watched(edition, "+300d")
    wait_for("the first version", lambda: edition.serial() == 100)
    watched.jump("+299d")
    put(tmp_path / "source", source_text(101, tlds=4))
    wait_for("the second", lambda: edition.serial() == 101)


def test_source_gone_at_its_time(tmp_path):
    """--watch: versions come when they are due also while the source is away."""
    put(tmp_path / "source", source_text())
    edition = Edition(tmp_path, "letters", schedule={"every": "3s", "ahead": "1s", "valid": "6s"}, signing={"validity": "13d"})
    try:
        edition.watch()
        wait_for("the first version", lambda: edition.serial() is not None)
        os.unlink(tmp_path / "source")
        serial = edition.serial()
        wait_for("the word", lambda: "source-unreadable" in edition.log())
        wait_for("two more", lambda: edition.serial() - serial >= 2)
        judge(edition, but=("banyan verify",))
    finally:
        edition.stop()
