# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full, a real one of 4 MB: what is good stays in use, the log names the folder and what to do, and with room it goes on by itself."""
import ctypes
import os
import subprocess

import dns.query
import dns.zone
import pytest

from conftest import put
from daemons import wait_for
from test_copies import from_file, serial, wait_serial, wait_state, copy  # noqa: F401

CLONE_NEWNS = 0x20000
DISK = 4 << 20  # bytes


@pytest.fixture(scope="session")
def own_mounts():
    """What is mounted here nobody else sees; the daemons that are started from here do."""
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        pytest.skip("a disk of one's own needs root")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Disk:
    def __init__(self, folder):
        self.folder, self.filler = folder, folder / "filler"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "banyan-test", str(folder)], check=True)

    def fill(self, but=0):
        """`but`: bytes that stay free."""
        with open(self.filler, "ab", buffering=0) as out:
            while (left := self.free() - but) != 0:  # what others write meanwhile counts, too
                if left > 0:
                    out.write(bytes(min(left, 65536)))
                else:
                    out.truncate(out.seek(0, os.SEEK_END) + left)

    def free(self):
        about = os.statvfs(self.folder)
        return about.f_bavail * about.f_frsize

    def empty(self):
        self.filler.unlink()

    def close(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def disk(own_mounts, tmp_path):
    made = Disk(tmp_path / "disk")
    yield made
    made.close()


# ---- the store of a copy

PAGE = 4096  # each file of this small root takes one


@pytest.mark.parametrize("but", range(5), ids=["the candidate", "its wire form", "its image", "what is said about it", "which is current"])
def test_store(disk, from_file, versions, but):
    """Wherever it ends, the last good one is answered from, also after a restart; the next one comes when there is room."""
    d = from_file(store=str(disk.folder / "store"))
    wait_serial(d, 1)
    wait_for("it to be written down", lambda: (disk.folder / "store" / "confirmed").exists())
    disk.fill(but * PAGE)
    put(d.source, versions.text(2))
    word = f"its store {disk.folder}/store cannot be written to" if but < 3 else f"cannot keep serial 2 in {disk.folder}/store"
    wait_for("the word", lambda: word + ": No space left on device; make room there" in d.log())
    wait_state(d, "lagging")
    assert "No space left on device" in copy(d)["why"]
    assert serial(d) == 1
    rounds = d.counters()["copy_unwritten"]
    wait_for("further rounds", lambda: d.counters()["copy_unwritten"] >= rounds + 2)
    assert d.log().count("are tried again") == 1  # told once, not each time
    d.stop()
    d.start()
    assert serial(d) == 1
    disk.empty()
    wait_serial(d, 2)
    wait_state(d, "current")


def test_store_is_told_of_again(disk, from_file, versions):
    d = from_file(store=str(disk.folder / "store"))
    wait_serial(d, 1)
    for number in (2, 3):
        disk.fill()
        put(d.source, versions.text(number))
        wait_for("the word", lambda: d.log().count("are tried again") == number - 1)
        disk.empty()
        wait_serial(d, number)
        wait_for("its end", lambda: d.log().count("can be written to again") == number - 1)


def test_no_source_is_blamed(disk, from_file, versions):
    """It is this machine's fault: what the source says counts as before."""
    d = from_file(store=str(disk.folder / "store"))
    wait_serial(d, 1)
    disk.fill()
    put(d.source, versions.text(2))
    wait_for("some rounds", lambda: d.counters()["copy_unwritten"] >= 3)
    assert copy(d)["sources"][0]["failures"] == 0
    disk.empty()
    wait_serial(d, 2)


# ---- the journal of transfers

def zone_text(number):
    return (f"$TTL 300\n@ SOA ns host {number} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n" +
            "".join(f"n{i} A 192.0.2.{number if i < 5 else 1}\n" for i in range(200)))


def test_journal(disk, daemon, tmp_path):
    put(tmp_path / "example.zone", zone_text(1))
    d = daemon({"server": {"workers": 1}, "resolver": {"enabled": False}, "root": {"file": ""},
                "transfers": {"journal-folder": str(disk.folder)},
                "zones": [{"name": "example.", "file": str(tmp_path / "example.zone"), "transfer": ["127.0.0.0/8"]}]})
    journal = disk.folder / "journal.example."

    def version(number):
        put(tmp_path / "example.zone", zone_text(number))
        code, _, errors = d.cli("reload")
        assert code == 0, errors
        wait_for(f"version {number}", lambda: d.ask("example.", "SOA").answer[0][0].serial == number)

    def transferred():
        zone = dns.zone.from_xfr(dns.query.xfr("127.0.0.1", "example.", port=d.port, lifetime=60))
        return zone.get_soa().serial

    wait_for("the journal", lambda: journal.exists() and journal.stat().st_size > 0)
    before = journal.read_bytes()
    disk.fill()
    version(2)
    wait_for("the word", lambda: f"the journal {journal} cannot be written: No space left on device; make room there" in d.log())
    assert transferred() == 2  # what it is for is not lost before a restart
    assert journal.read_bytes() == before
    disk.empty()
    version(3)
    wait_for("the journal", lambda: journal.read_bytes() != before)
    assert transferred() == 3
    d.stop()
    before = len(d.log())
    d.start()
    wait_for("what the journal has", lambda: "differences from 2 versions before" in d.log()[before:])


# ---- the published tree

@pytest.mark.parametrize("but", [0, 8192], ids=["nothing fits", "half of it fits"])
def test_tree(disk, daemon, tmp_path, but):
    """What is published stays whole, and is followed by the version in use when there is room, without anybody's doing."""
    tree = disk.folder / "tree"
    tree.mkdir()
    put(tmp_path / "example.zone", zone_text(1))
    d = daemon({"server": {"workers": 1, "files-folder": str(tree)}, "resolver": {"enabled": False}, "root": {"file": ""},
                "zones": [{"name": "example.", "file": str(tmp_path / "example.zone"), "publish": True}]})
    current = tree / "example" / "current"
    wait_for("the first version", current.exists)
    before = current.read_bytes()
    disk.fill(but)
    put(tmp_path / "example.zone", zone_text(2))
    assert d.cli("reload")[0] == 0
    wait_for("the word", lambda: "zone example. is not published: " in d.log())
    word = d.log().split("zone example. is not published: ")[1].splitlines()[0]
    assert word.startswith(f"{tree}/example/") and word.endswith("No space left on device; make room there"), word
    assert current.read_bytes() == before and d.ask("example.", "SOA").answer[0][0].serial == 2
    listed = {line.split()[1] for line in before.decode().splitlines() if line.split()[0] in ("wire", "text")}
    assert listed and all((tree / "example" / path).exists() for path in listed), listed
    disk.empty()
    wait_for("the second version", lambda: current.read_bytes() != before, 120)
    assert b"\nserial 2\n" in current.read_bytes()
