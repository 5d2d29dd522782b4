# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of editions that do wrong or are gone: each is a refusal that says what to do; the version before stays and is signed anew."""
import datetime
import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from editions import TLDS, Edition, judge, put, source_text, stays
from masters import Master, Web

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import wait_for  # noqa: E402

LATE = "late. 60 NS ns.late.\nns.late. 60 A 192.0.2.1\n"


@pytest.fixture
def edition(tmp_path):
    put(tmp_path / "source", source_text())
    made = Edition(tmp_path, "letters")
    yield made
    made.stop()


@pytest.fixture
def server():
    started = []

    def start(kind, *args, **options):
        started.append(kind(*args, **options))
        return started[-1]
    yield start
    for each in started:
        each.close()


# ---- the process in which sources are read

def takers(edition):
    """Process IDs of the children of `banyan publish --watch` that read a source."""
    children = Path(f"/proc/{edition.watching.pid}/task/{edition.watching.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"--take-source" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_confined(pid):
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1"


def test_the_process_that_reads_has_no_keys(edition, server):
    """It was started anew, has a filter, no key among its descriptors, and no secret of the environment."""
    master = server(Master, source_text())
    edition.config["source"]["from"] = f"xfr:127.0.0.1@{master.port}"
    edition.write().good()
    master.fault = "hangs"
    os.environ["BANYAN_TEST_SECRET"] = "1234"
    try:
        edition.watch()
    finally:
        del os.environ["BANYAN_TEST_SECRET"]
    (pid,) = wait_for("a process that reads", lambda: takers(edition))
    wait_for("its filter", lambda: is_confined(pid))
    opened = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    assert not any(str(edition.folder) in path for path in opened if path != str(edition.folder / "log")), opened
    assert b"SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize("how, words", [(signal.SIGABRT, "crashed: Aborted"), (signal.SIGKILL, "was killed from outside")])
def test_the_process_that_reads_dies(edition, server, how, words):
    master = server(Master, source_text(refresh=1))
    edition.config["source"]["from"] = f"xfr:127.0.0.1@{master.port}"
    edition.write().good()
    before = edition.text()
    master.fault = "hangs"
    edition.watch()
    (pid,) = wait_for("a process that reads", lambda: takers(edition))
    wait_for("its filter", lambda: is_confined(pid))
    os.kill(pid, how)
    wait_for("the word", lambda: words in edition.log() and "source-unreadable" in edition.log())
    assert edition.text() == before
    master.fault, master.text = None, source_text(101, more=LATE)
    wait_for("the next version", lambda: edition.serial() == 101)


def test_the_process_that_reads_hangs(edition, server):
    master = server(Master, source_text())
    edition.config["source"].update({"from": f"xfr:127.0.0.1@{master.port}", "time-max": "1s"})
    edition.write().good()
    master.fault = "hangs"
    edition.watch()
    (pid,) = wait_for("a process that reads", lambda: takers(edition))
    os.kill(pid, signal.SIGSTOP)  # it does not even count its own time
    wait_for("the word", lambda: "not done after 1 s (source.time-max)" in edition.log())
    assert edition.serial() == 100
    wait_for("its end", lambda: not Path(f"/proc/{pid}").exists())


def test_source_too_large(edition):
    edition.good()
    edition.write(source={"size-max": "64K"})
    put(edition.home / "source", source_text(101, more="".join(f"x{i}. 60 NS ns.x{i}.\n" for i in range(4000))))
    assert "source.size-max" in stays(edition, "source-unreadable")
    (edition.home / "source").write_bytes(gzip.compress((source_text(101) + "; " + "x" * 10_000_000 + "\n").encode()))
    assert "source.size-max" in stays(edition, "source-unreadable")


def test_the_option_is_for_itself(edition):
    done = subprocess.run(edition.command("publish", "--take-source"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "is for `banyan publish` itself" in done.stderr


# ---- transfers that go wrong

@pytest.mark.parametrize("fault, words", [
    ("refuses", "REFUSED"), ("ends early", "closed"), ("bytes are missing", "closed"), ("another zone", "another name"), ("garbage", "malformed")])
def test_transfers_that_go_wrong(edition, server, fault, words):
    master = server(Master, source_text())
    edition.config["source"]["from"] = source = f"xfr:127.0.0.1@{master.port}"
    edition.write().good()
    master.fault, master.text = fault, source_text(101, more=LATE)
    why = stays(edition, "source-unreadable")
    assert why.startswith(source + ": ") and words in why and "`banyan sources --fetch`" in why, why
    master.fault = None
    assert edition.good()["serial"] == 101
    judge(edition)


@pytest.mark.parametrize("secret, words", [("another", "key"), (None, "key")])
def test_keys_of_transfers(edition, server, secret, words):
    """The server signs with another key, or not at all."""
    given = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    master = server(Master, source_text(), key=("k.", given))
    edition.config["source"].update({"from": f"xfr:127.0.0.1@{master.port} key=k.", "tsig": f"hmac-sha256:k.:{given}"})
    edition.write().good()
    master.text = source_text(101, more=LATE)
    if secret is None:
        master.key = None
    else:
        edition.config["source"]["tsig"] = f"hmac-sha256:k.:{given[::-1].lstrip('=')}="
        edition.write()
    why = stays(edition, "source-unreadable")
    assert words in why
    edition.config["source"]["tsig"] = f"hmac-sha256:k.:{given}"
    master.key = ("k.", given)
    assert edition.write().good()["serial"] == 101


# ---- web servers that go wrong

def test_web_servers_that_go_wrong(edition, server):
    web, other = server(Web, source_text().encode()), server(Web, source_text(101).encode())
    edition.config["source"].update({"from": f"http://127.0.0.1:{web.port}/root.zone", "time-max": "3s"})
    edition.write().good()
    web.body, web.status = b"no", "404 Not Found"
    assert "404: there is no /" in stays(edition, "source-unreadable")
    web.status = "503 Service Unavailable"
    assert "in trouble itself" in stays(edition, "source-unreadable")
    web.status, web.headers = "302 Found", [f"Location: http://127.0.0.1:{web.port}/again"]
    assert "points elsewhere for the" in stays(edition, "source-unreadable")
    web.headers = ["Location: file:///etc/passwd"]
    assert "points elsewhere" in stays(edition, "source-unreadable")
    web.fault = "hangs"
    assert "not done after" in stays(edition, "source-unreadable")
    web.fault, web.status, web.headers = None, "200 OK", []
    web.body, web.length = source_text(101).encode()[:500], 5000
    why = stays(edition, "source-unreadable")
    assert "broke off" in why and why.startswith(f"http://127.0.0.1:{web.port}/root.zone: "), why
    web.body = web.length = None
    web.status, web.body, web.headers = "302 Found", b"", [f"Location: http://127.0.0.1:{other.port}/root.zone"]
    assert edition.good()["serial"] == 101  # that is followed


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout],
                         ids=["gzip", "zstd"])
def test_packed_files_that_are_cut_off(edition, pack):
    edition.good()
    whole = pack(source_text(101, more=LATE).encode())
    path = edition.home / "source"
    for length in (1, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        why = stays(edition, "source-unreadable")
        assert why.startswith(f"file:{path}: "), why
    path.write_bytes(whole)
    assert edition.good()["serial"] == 101


def test_a_file_that_is_written_while_it_is_read(edition):
    """A writer that does not rename: what is half of one version and half of another is not taken; what is whole is."""
    edition.good()
    path, n = edition.home / "source", 0
    edition.watch()
    text = source_text(101, more=LATE) + "; end\n"
    with open(path, "w") as file:
        for line in text.splitlines(keepends=True):
            file.write(line)
            file.flush()
            n += 1
    wait_for("the next version", lambda: edition.serial() is not None and edition.serial() >= 101)
    wait_for("all of it", lambda: len(edition.rrset("ns.late.", "A")) == 1 if edition.zone().get_node("ns.late.") else False)
    judge(edition)


# ---- --watch goes on by itself

def test_watch_backs_off_and_recovers(edition, server):
    master = server(Master, source_text(refresh=1))
    edition.config["source"]["from"] = f"xfr:127.0.0.1@{master.port}"
    edition.write().watch()
    wait_for("the first version", lambda: edition.serial() == 100)
    master.fault = "refuses all"
    master.text = source_text(101, more=LATE)
    wait_for("the word", lambda: "source-unreadable" in edition.log())
    before = len(master.tries()) - 1
    tries = wait_for("two more tries", lambda: len(master.tries()) >= before + 3 and master.tries()[before:])
    gaps = [b - a for a, b in zip(tries, tries[1:])]
    assert gaps[1] > 1.5 and gaps[1] > gaps[0], gaps  # 1, 2 seconds
    master.fault = None
    wait_for("the next version", lambda: edition.serial() == 101)
    wait_for("the word", lambda: "can be had again" in edition.log())
    assert edition.log().count("source-unreadable") == 1
    judge(edition)


def test_a_bad_file_is_read_once(edition):
    edition.watch()
    wait_for("the first version", lambda: edition.serial() == 100)
    put(edition.home / "source", "no zone at all")
    wait_for("the word", lambda: "source-unreadable" in edition.log())
    put(edition.home / "source", source_text(101, more=LATE))
    wait_for("the next version", lambda: edition.serial() == 101)


# ---- several sources

def test_sources_in_their_order(edition, server):
    master = server(Master, source_text())
    edition.config["source"].update({"from": f"xfr:127.0.0.1@{master.port}", "fallback": ["file:second", "file:third"]})
    edition.write().good()
    put(edition.home / "third", source_text(101, more=LATE))
    master.fault = "refuses all"
    assert edition.good()["serial"] == 101
    (edition.home / "third").unlink()
    why = stays(edition, "source-unreadable")
    assert f"xfr:127.0.0.1@{master.port}: " in why and f"file:{edition.home}/second: there is no file" in why and "third" in why, why
    master.fault, master.text = None, source_text(102)
    assert edition.good()["serial"] == 102


def test_a_source_that_does_not_prove_is_passed_over(edition, tmp_path):
    edition.good()
    second = Edition(tmp_path, "anycast", source=f"file:{edition.home}/bad")
    second.write(source={"anchors": [str(edition.anchors)], "fallback": [f"file:{edition.zone_file}"]})
    put(tmp_path / "bad", edition.text().replace("192.5.6.30", "192.5.6.31"))
    assert second.good()["serial"] == 100


# ---- the state of the edition

def test_a_damaged_state(edition):
    """It is told, its place is taken by what is out; sources are held against what was there before, and no serial goes back."""
    edition.good()
    state = edition.folder / "state"
    put(edition.home / "source", source_text(101))
    edition.good("--force")
    whole = state.read_text()
    for damaged in ("", whole[: len(whole) // 2], whole.replace("serial 101", "serial 100"), "\n".join(whole.splitlines()[:5]) + "\n"):
        state.write_text(damaged)
        put(edition.home / "source", source_text(100))
        status, said, errors = edition.publish()
        assert (status, said["reason"]) == (1, "source-serial-back") and str(state) in errors and "follows serial 101" in errors, (said, errors)
        put(edition.home / "source", source_text(102, tlds=3))
        status, said, errors = edition.publish()
        assert (status, said["reason"]) == (1, "source-shrank"), said
    put(edition.home / "source", source_text(101, more=LATE))
    status, said, errors = edition.publish()
    assert (status, said["serial"]) == (0, 102), (said, errors)
    assert not edition.publish()[2]
    judge(edition)


def test_a_damaged_state_alone(edition):
    """Nothing is left to go by: it says what to do."""
    edition.good()
    (edition.folder / "state").write_text("banyan-edition 1\n")
    (edition.folder / "source").rename(edition.folder / "away")
    status, _, errors = edition.publish()
    assert status == 2 and "put back a copy of the state" in errors and "cut off after line 1" in errors, errors
    (edition.folder / "away").rename(edition.folder / "source")
    edition.zone_file.unlink()
    status, _, errors = edition.publish()
    assert status == 2 and "no zone file that can be read is out" in errors, errors


# ---- what was taken of a source that is gone

def days(n, hour=0):
    return (datetime.datetime(2026, 8, 1, hour, tzinfo=datetime.timezone.utc) + datetime.timedelta(days=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


def without_source(edition, at):
    """One run in which the source cannot be had: what was made all the same, or None."""
    status, said, errors = edition.publish("--at", at)
    assert (status, said["reason"]) == (1, "source-unreadable"), (said, errors)
    if len(edition.lines) == 1:
        return None
    made, _ = edition.lines
    assert made["outcome"] == "published" and "what was taken of the source before" in made["warning"], made
    done = edition.cli("verify", "--anchor", str(edition.anchors), "--at", at, "--require", "zonemd", str(edition.zone_file))
    assert done.returncode == 0, done.stdout
    return made


def test_signed_anew_without_its_source(edition):
    edition.good("--at", days(0))
    first = edition.text()
    (edition.home / "source").unlink()
    assert without_source(edition, days(1)) is None and edition.text() == first
    made = without_source(edition, days(10))
    assert made["serial"] == 101 and made["source_serial"] == 100 and made["signatures"]["made"] > TLDS / 2
    made = without_source(edition, days(20))
    assert made["serial"] == 102
    put(edition.home / "source", source_text(103, more=LATE))
    assert edition.good("--at", days(20, 1))["serial"] == 103


def test_a_zsk_rolls_without_the_source(edition):
    edition.write(keys={"zsk-lifetime": "20d"})
    edition.good("--at", days(0))
    before = edition.rrset(".", "DNSKEY")
    (edition.home / "source").unlink()
    sizes = set()
    for day in range(1, 56, 3):
        without_source(edition, days(day))
        sizes.add(len(edition.rrset(".", "DNSKEY")))
    after = edition.rrset(".", "DNSKEY")
    assert sizes == {2, 3} and len(after & before) < 2, (before, after)


def test_a_schedule_without_the_source(edition):
    edition.write(schedule={"every": "24h"}, signing={"validity": "13d"})
    edition.good("--at", days(0, 1))
    put(edition.home / "source", source_text(101, more=LATE))
    assert edition.good("--at", days(0, 2))["outcome"] == "unchanged"  # it will be in the version to come
    (edition.home / "source").unlink()
    made = without_source(edition, days(0, 22))
    assert made["serial"] == 2026080200 and made["source_serial"] == 101 and edition.rrset("ns.late.", "A")
    assert without_source(edition, days(0, 23)) is None
    assert without_source(edition, days(1, 22))["serial"] == 2026080300


def test_what_is_kept_must_prove(edition, tmp_path):
    """It is proved as any source, and its signatures end as any."""
    edition.good("--at", days(0))
    second = Edition(tmp_path, "anycast", source=f"file:{tmp_path}/second")
    second.write(source={"anchors": [str(edition.anchors)]}, signing={"validity": "4d", "refresh": "3d", "jitter": "0"})
    put(tmp_path / "second", edition.text())
    second.good("--at", days(0))
    (tmp_path / "second").unlink()
    assert without_source(second, days(2))["serial"] == 101
    kept = second.folder / "source"
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(bytes([192, 5, 6, 30]), bytes([192, 5, 6, 31])))
    before = second.text()
    second.publish("--at", days(4))
    assert [line["reason"] for line in second.lines] == ["source-not-proved", "source-unreadable"] and second.text() == before
    kept.write_bytes(whole[:-3])
    _, _, errors = second.publish("--at", days(4))
    assert "what was taken of the source last cannot be read" in errors and second.text() == before
    kept.write_bytes(whole)
    assert without_source(second, days(4))["serial"] == 102
    second.publish("--at", days(60))
    assert [line["reason"] for line in second.lines] == ["source-not-proved", "source-unreadable"]


def test_watch_is_started_while_the_source_is_gone(edition):
    edition.write(signing={"validity": "1m", "refresh": "56s", "jitter": "0"})
    edition.good()
    (edition.home / "source").unlink()
    edition.watch()
    wait_for("a version that is signed anew", lambda: edition.serial() > 100)
    wait_for("the word", lambda: "source-unreadable" in edition.log() and "what was taken of the source before" in edition.log())
    judge(edition)


def test_watch_is_started_while_the_source_hangs(edition, server):
    master = server(Master, source_text())
    edition.config["source"]["from"] = f"xfr:127.0.0.1@{master.port}"
    edition.write(signing={"validity": "1h", "refresh": "3595s", "jitter": "0"}).good()
    master.fault = "hangs"
    edition.watch()
    wait_for("a version that is signed anew", lambda: edition.serial() > 100)
    master.fault, master.text = None, source_text(1000, more=LATE)
    wait_for("that of the source", lambda: edition.serial() >= 1000)


def test_check_keeps_nothing(edition):
    edition.good()
    kept = (edition.folder / "source").read_bytes()
    put(edition.home / "source", source_text(101, more=LATE))
    edition.good("--check")
    assert (edition.folder / "source").read_bytes() == kept
