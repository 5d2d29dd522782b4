# SPDX-License-Identifier: GPL-3.0-or-later
"""`banyan publish` killed at a system call that changes a file: what is out is whole and validates, the next run puts all else in order, no serial goes
back, and none ever stands for two contents.

BANYAN_KILLS=all kills at each such call; else at some, spread over all of them."""
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from editions import Edition, put, source_text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import program  # noqa: E402

CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "unlink", "unlinkat",
         "mkdir", "mkdirat", "ftruncate", "fchmod", "chmod", "utimensat")
KILLS = 9  # each is some runs of the program: a second
BEGIN = 1785542400  # 2026-08-01
LATE = "late. 60 NS ns.late.\nns.late. 60 A 192.0.2.1\n"


@pytest.fixture
def edition(tmp_path):
    """One version is out, and with the next one a key comes, too."""
    put(tmp_path / "source", source_text())
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "tree.key")], check=True, capture_output=True)
    (tmp_path / "tree.key").chmod(0o600)
    made = Edition(tmp_path, "letters", output={"tree": "letters/tree", "tree-key": "tree.key"}, keys={"zsk-lifetime": "20d"})
    (made.folder / "tree").mkdir()
    made.good("--at", str(BEGIN))
    done = made.cli("key", "status", "--json", "--keys", str(made.folder / "keys"), "--at", str(BEGIN))
    due = min(key["next_at"] for key in json.loads(done.stdout)["keys"] if key.get("next_at"))
    made.before, made.now, made.later = str(due - 600), str(due + 60), str(due + 120)
    made.good("--at", made.before)
    return made


class World:
    """What anybody has ever seen of an edition: serials and what they stood for."""

    def __init__(self, edition):
        self.edition, self.seen, self.newest = edition, {}, 0

    def one(self, where, serial, content):
        digest = hashlib.sha256(content).hexdigest()
        assert self.seen.setdefault((where, serial), digest) == digest, f"serial {serial} of the {where} has stood for something else"
        return serial

    def look(self, at):
        """All that is out validates; its serial."""
        edition = self.edition
        serial = self.one("zone file", edition.serial(), edition.zone_file.read_bytes())
        assert serial >= self.newest, "the serial has gone back"
        self.newest = serial
        done = edition.cli("verify", "--anchor", str(edition.anchors), "--at", at, "--require", "zonemd", str(edition.zone_file))
        assert done.returncode == 0, done.stdout
        pointer = (edition.folder / "tree" / "root" / "current").read_text()
        offered = int(re.search(r"^serial (\d+)$", pointer, re.M)[1])
        self.one("tree", offered, re.search(r"^zonemd .*$|^zone .*$|^wire .*$|^sha256 .*$", pointer, re.M)[0].encode())
        assert offered <= serial, "the tree offers what the zone file has not"
        done = edition.cli("files", "check", "--at", at, str(edition.folder / "tree"))
        assert done.returncode == 0, done.stdout + done.stderr
        return serial


def traced(edition, *options):
    """Publishes the second version under strace; -f is not given: the process that reads the source writes no file."""
    options_of_asan = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # which traces, too
    return subprocess.run(["strace", "-qq", *options, program("banyan"), "publish", "--json", "--at", edition.now, str(edition.path)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env={**os.environ, "ASAN_OPTIONS": options_of_asan})


def killed(edition, name, number):
    return traced(edition, "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={number}")


def points(edition, tmp_path):
    """(call, number of it) of all calls that change files, in their order, of a run that nobody kills."""
    log = tmp_path / "strace"
    done = traced(edition, "-o", str(log), "-e", "trace=" + ",".join(CALLS))
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    counts, found = {}, []
    for line in log.read_text(errors="replace").splitlines():
        name = line.partition("(")[0]
        counts[name] = counts.get(name, 0) + 1
        if name != "openat" or "O_CREAT" in line:
            found.append((name, counts[name]))
    return found


def test_killed_anywhere(edition, tmp_path):
    if shutil.which("strace") is None:
        pytest.fail("strace is not installed; tools/install-needed names the packages")
    put(tmp_path / "source", source_text(101, more=LATE))
    shutil.copytree(edition.folder, tmp_path / "before")
    found = points(edition, tmp_path)
    assert len(found) > 30, found
    every = os.environ.get("BANYAN_KILLS") == "all"
    renames = [point for point in found if point[0].startswith("rename")]
    some = found if every else random.Random(6).sample(renames, 4) + random.Random(6).sample(found, KILLS - 4)
    for name, number in some:
        print(name, number)
        shutil.rmtree(edition.folder)
        shutil.copytree(tmp_path / "before", edition.folder)
        world = World(edition)
        world.look(edition.before)
        done = killed(edition, name, number)
        try:
            assert done.returncode != 0, "it was not killed"
            between = world.look(edition.now)
            status, after, errors = edition.publish("--at", edition.now)
            # a key whose making was cut off is told
            assert status == 0 and all("never signs: its making was cut off" in line for line in errors.splitlines()), (after, errors)
            assert world.look(edition.now) >= max(between, 101), after
            assert edition.rrset("ns.late.", "A")
            status, again, errors = edition.publish("--at", edition.later)
            assert (status, again["outcome"], again["warning"]) == (0, "unchanged", None), (again, errors)
            world.look(edition.later)
        except AssertionError as error:
            raise AssertionError(f"killed at {name} number {number}: {error}") from error


def test_the_first_version_killed_anywhere(edition, tmp_path):
    """Nothing is out yet, and there are no keys: the next run begins as if nothing had been, or goes on with what there is."""
    if shutil.which("strace") is None:
        pytest.fail("strace is not installed; tools/install-needed names the packages")
    shutil.rmtree(edition.folder)
    (edition.folder / "tree").mkdir(parents=True)
    shutil.copytree(edition.folder, tmp_path / "before")
    found = points(edition, tmp_path)
    for name, number in found if os.environ.get("BANYAN_KILLS") == "all" else random.Random(7).sample(found, 3):
        print(name, number)
        shutil.rmtree(edition.folder)
        shutil.copytree(tmp_path / "before", edition.folder)
        world = World(edition)
        assert killed(edition, name, number).returncode != 0, "it was not killed"
        out = edition.serial()
        if out is not None:
            world.one("zone file", out, edition.zone_file.read_bytes())
        status, after, errors = edition.publish("--at", edition.now)
        assert status == 0, (name, number, after, errors)
        assert world.look(edition.now) >= (out or 100)
