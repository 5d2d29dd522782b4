# SPDX-License-Identifier: GPL-3.0-or-later
"""What `banyan publish` refuses, and why; that the version before stays; that it follows its source by itself."""
import ctypes
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import dns.message
import dns.opcode
import pytest

from editions import TLDS, Edition, judge, put, source_text, stays

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
import others  # noqa: E402
from basics import free_port, wait_for  # noqa: E402

CLONE_NEWNS = 0x20000
LATE = "late. 60 NS ns.late.\nns.late. 60 A 192.0.2.1\n"


@pytest.fixture
def edition(tmp_path):
    put(tmp_path / "source", source_text())
    made = Edition(tmp_path, "letters")
    yield made
    made.stop()


def after(edition, text):
    put(edition.home / "source", text)


# ---- what costs what

def test_only_what_changed_is_signed(edition):
    first = edition.good()
    assert edition.good()["outcome"] == "unchanged"
    after(edition, source_text(101, more=LATE))
    said = edition.good()
    # SOA, ZONEMD, and the NSEC of the new name and of the one before it
    assert said["serial"] == 101 and said["signatures"]["made"] <= 6 and said["signatures"]["kept"] >= first["signatures"]["made"] - 6
    judge(edition)


def test_a_change_without_a_new_serial(edition):
    edition.good()
    after(edition, source_text(more=LATE))
    assert edition.good()["serial"] == 101
    after(edition, source_text(101, more=LATE))  # the source catches up
    assert edition.good()["serial"] == 102


def test_check_writes_nothing(edition):
    edition.good()
    before = edition.text()
    after(edition, source_text(101))
    assert edition.good("--check")["outcome"] == "checked"
    assert edition.text() == before


# ---- refusals: the version before stays

def test_source_shrinks(edition):
    edition.good()
    after(edition, source_text(101, tlds=TLDS * 3 // 4))
    assert "more than 10 percent are gone" in stays(edition, "source-shrank")
    assert edition.good("--accept-shrink")["serial"] == 101


def test_serial_goes_back(edition):
    edition.good()
    after(edition, source_text(99))
    assert "serial 99, which is older than 100" in stays(edition, "source-serial-back")
    assert edition.good("--accept-serial")["serial"] == 101  # of the edition it never does


def test_source_is_gone_or_no_zone(edition):
    edition.good()
    (edition.home / "source").unlink()
    assert "there is no file" in stays(edition, "source-unreadable")
    after(edition, "no zone at all")
    stays(edition, "source-unreadable")
    after(edition, ". 60 NS a.\na. 60 A 192.0.2.1\n")
    assert "has no SOA" in stays(edition, "edition-misfit")


def test_source_is_not_proved(edition, tmp_path):
    """An edition of an edition: what claims to be signed must prove by the anchors that were given."""
    edition.good()
    second = Edition(tmp_path, "anycast", source=f"file:{edition.zone_file}")
    second.write(source={"anchors": [str(edition.anchors)]})
    second.good()
    put(edition.zone_file, edition.text().replace("192.5.6.30", "192.5.6.31"))
    assert "zonemd-mismatch" in stays(second, "source-not-proved")


def test_keys_are_gone(edition):
    edition.good()
    after(edition, source_text(101))
    for key in (edition.folder / "keys").glob("*.pem"):
        key.rename(key.with_suffix(".away"))
    stays(edition, "keys-unusable")
    for key in (edition.folder / "keys").glob("*.away"):
        key.rename(key.with_suffix(".pem"))
        key.with_suffix(".pem").chmod(0o644)
    stays(edition, "keys-unusable")  # others may read them
    for key in (edition.folder / "keys").glob("*.pem"):
        key.chmod(0o600)
    assert edition.good()["serial"] == 101


def test_a_folder_of_keys_that_is_not_there(edition):
    """A folder that is lost or not mounted is no reason to begin anew with another trust anchor."""
    edition.good()
    after(edition, source_text(101))
    anchors, keys, away = (edition.folder / "anchors").read_text(), edition.folder / "keys", edition.folder / "away"
    keys.rename(away)
    stays(edition, "keys-unusable")
    keys.mkdir(mode=0o700, exist_ok=True)  # a mount point with nothing on it
    stays(edition, "keys-unusable")
    (keys / "state").write_bytes(b"")
    stays(edition, "keys-unusable")
    for left in keys.iterdir():
        left.unlink()
    keys.rmdir()
    away.rename(keys)
    assert edition.good()["serial"] == 101
    assert (edition.folder / "anchors").read_text() == anchors
    keys.rename(away)
    edition.zone_file.rename(edition.folder / "old")  # as the refusal says, if that is meant
    assert edition.publish()[0] == 0
    assert (edition.folder / "anchors").read_text() != anchors


def test_a_version_that_was_touched(edition):
    """What is taken over of the version before is proved with the rest: somebody's change does not go out, all is signed anew."""
    first = edition.good()
    lines = edition.text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "\tRRSIG\t" in line.replace(" ", "\t") and "\tDS\t" in line.replace(" ", "\t"))
    lines[at] = lines[at].rstrip("\n").rstrip("=")[:-6] + "AAAAAA" + "=" * (len(lines[at].rstrip("\n")) - len(lines[at].rstrip("\n").rstrip("="))) + "\n"
    put(edition.zone_file, "".join(lines))
    after(edition, source_text(101))
    status, said, _ = edition.publish()
    assert status == 0 and said["serial"] == 101 and said["signatures"]["made"] > 2
    judge(edition)
    assert first["records"] == said["records"]


def test_folder_of_another(edition):
    edition.good()
    edition.config["edition"]["name"] = "other"
    edition.write()
    status, _, errors = edition.publish()
    assert status == 2 and "give each edition a folder of its own" in errors


def test_what_two_editions_cannot_share(edition, tmp_path):
    edition.good()
    second = Edition(tmp_path, "yeti", output={"zone-file": str(edition.zone_file)})
    status, _, errors = second.publish()
    assert status == 2 and f"{edition.zone_file} is that of the edition letters of . in {edition.folder}, and not of yeti in {second.folder}" in errors
    del second.config["output"]
    second.write(keys={"folder": str(edition.folder / "keys")})
    assert f"remove {edition.folder}/keys/edition" in second.refused("keys-unusable")
    del second.config["keys"]
    second.write().good()


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        pytest.skip("a disk of one's own needs root")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "banyan-test", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("but", [0, 4096, 16384], ids=["nothing fits", "a page fits", "the state of the keys fits"])
def test_disk_full(small_disk, tmp_path, but):
    put(tmp_path / "source", source_text())
    edition = Edition(small_disk, "letters", source=f"file:{tmp_path}/source")
    edition.good()
    about = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(max(about.f_bavail * about.f_frsize - but, 0)))
    put(tmp_path / "source", source_text(101, more=LATE))
    before = edition.text()
    status, said, _ = edition.publish()
    assert status == 1 and said["reason"] == "output-not-written" and "make room" in said["why"], said
    assert edition.text() == before
    (small_disk / "filler").unlink()
    assert edition.good()["serial"] == 101
    judge(edition)


def test_export_to_a_full_disk(small_disk, edition):
    """Nothing is left of a private key that could not be written whole."""
    edition.good()
    about = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(about.f_bavail * about.f_frsize))
    keys = str(edition.folder / "keys")
    tag = json.loads(edition.cli("key", "list", "--json", "--keys", keys).stdout)["keys"][0]["tag"]
    done = edition.cli("key", "export", "--keys", keys, "--bind", str(small_disk), str(tag))
    assert done.returncode == 2 and "cannot be written" in done.stderr
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


# ---- --watch

def test_watch_a_schedule(tmp_path):
    """A source that stands still has a version for each interval all the same."""
    put(tmp_path / "source", source_text())
    edition = Edition(tmp_path, "letters", schedule={"every": "6s", "ahead": "2s", "valid": "12s"})
    seen = set()

    def three():
        if edition.zone_file.exists():
            seen.update(edition.rrset(".", "TXT"))
        return len(seen) >= 3
    try:
        edition.watch()
        wait_for("three versions", three)
    finally:
        edition.stop()


@pytest.mark.parametrize("interval", ["0", "1s"])
def test_watch_a_file(edition, interval):
    edition.write(source={"check-interval": interval}).watch()
    wait_for("the first version", lambda: edition.serial() == 100)
    limits = Path(f"/proc/{edition.watching.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits), "a core file would have its keys"
    after(edition, source_text(101, more=LATE))
    wait_for("the second", lambda: edition.serial() == 101)
    after(edition, source_text(102, tlds=3))  # refused, and told once
    wait_for("the word", lambda: "source-shrank" in edition.log())
    after(edition, source_text(103, more=LATE))
    wait_for("the next good one", lambda: edition.serial() == 103)
    assert edition.log().count("source-shrank") == 1
    judge(edition)


def test_watch_a_transfer(tmp_path):
    """From NSD by AXFR; NOTIFY brings the next version, though the SOA says an hour."""
    primary, listen = free_port(), free_port()
    folder = tmp_path / "nsd"
    folder.mkdir()
    put(folder / "zone", source_text(refresh=3600))
    nsd = others.Other(folder, others.nsd(folder, f"127.0.0.1@{primary}", ".", ["provide-xfr: 127.0.0.0/8 NOKEY"])).start()
    edition = Edition(tmp_path, "letters", source=f"xfr:127.0.0.1@{primary}")
    edition.write(source={"notify-listen": [f"127.0.0.1@{listen}"]})
    try:
        nsd.answers(".", primary)
        edition.watch()
        wait_for("the first version", lambda: edition.serial() == 100)
        put(folder / "zone", source_text(101, more=LATE, refresh=3600))
        nsd.stop()
        nsd.start().answers(".", primary)

        def told():
            message = dns.message.make_query(".", "SOA")
            message.set_opcode(dns.opcode.NOTIFY)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(message.to_wire(), ("127.0.0.1", listen))
            return edition.serial() == 101
        wait_for("the next version", told)
        judge(edition)
    finally:
        edition.stop()
        nsd.stop()
