# SPDX-License-Identifier: GPL-3.0-or-later
"""`banyan copy list`: folders of generations, written here by hand as their form says."""
import hashlib
import json
import subprocess
import time

import pytest

from conftest import program


def seal(text):
    return text + "sha256 " + hashlib.sha256(text.encode()).hexdigest() + "\n"


def generation(folder, number, serial, now, first_expiry):
    sums = {}
    for kind in ("wire", "image"):
        data = f"{kind} of {serial}".encode()
        (folder / f"{number}.{kind}").write_bytes(data)
        sums[kind] = f"{len(data)} {hashlib.sha256(data).hexdigest()}"
    (folder / f"{number}.about").write_text(seal(
        f"banyan-generation 1\nzone .\nnumber {number}\nserial {serial}\nfetched {now - 7200}\nproved {now - 7199}\n"
        f"first-expiry {first_expiry}\nlast-inception {now - 90000}\nrefresh 1800\nretry 900\nexpire 604800\n"
        f"records 24000\nzonemd-scheme 1\nzonemd-algorithm 1\nzonemd-digest {'ab' * 48}\nsource xfr:192.0.2.1\n"
        f"proof proved by anchor 20326\nwire {sums['wire']}\nimage {sums['image']}\nhighest {serial}\n"))


@pytest.fixture
def folder(tmp_path):
    now = int(time.time())
    generation(tmp_path, 4, 2026080100, now, now - 10)
    generation(tmp_path, 5, 2026080101, now, now + 86400)
    (tmp_path / "state").write_text(seal("banyan-keep 1\nzone .\ncurrent 5\nnext 6\nhighest 2026080101\n"))
    return tmp_path


def copy_list(*arguments):
    done = subprocess.run([program(), "copy", "list", *map(str, arguments)], capture_output=True, timeout=60, cwd="/")
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_good_folder(folder):
    before = sorted(p.name for p in folder.iterdir())
    status, out, err = copy_list(folder)
    assert status == 0 and not err
    assert "zone ., 2 generations, no serial older than 2026080101 is taken" in out
    assert "* 5  serial 2026080101, fetched 2 h 0 min ago, usable until" in out
    assert "  4  serial 2026080100, fetched 2 h 0 min ago, EXPIRED at" in out
    assert "from xfr:192.0.2.1" in out and "proved by anchor 20326" in out
    assert sorted(p.name for p in folder.iterdir()) == before


def test_json(folder):
    status, out, _ = copy_list("--json", folder)
    told = json.loads(out)
    assert status == 0
    assert (told["zone"], told["current"], told["highest"], told["rolled_back"]) == (".", 5, 2026080101, False)
    assert [g["number"] for g in told["generations"]] == [5, 4]
    newest = told["generations"][0]
    assert newest["current"] and newest["zonemd"] == {"scheme": 1, "algorithm": 1, "digest": "ab" * 48}
    assert newest["usable_until"] == newest["first_expiry"]
    assert told["damaged"] == []


def test_a_damaged_one(folder):
    (folder / "5.image").write_bytes(b"image of 2026080109")
    status, out, _ = copy_list(folder)
    assert status == 1
    assert "! 5  DAMAGED: the checksum of 5.image is wrong" in out
    assert "* 4  serial 2026080100" in out
    status, out, _ = copy_list("--json", folder)
    told = json.loads(out)
    assert status == 1 and told["current"] == 4
    assert told["damaged"] == [{"number": 5, "words": "the checksum of 5.image is wrong"}]


def test_wrong_folders_and_options(folder, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    assert copy_list(empty)[0] == 2 and "holds no generations" in copy_list(empty)[2]
    assert copy_list("/nonexistent/x")[0] == 2 and "/nonexistent/x" in copy_list("/nonexistent/x")[2]
    assert copy_list()[0] == 2
    assert copy_list("--nonsense", folder)[0] == 2
    assert copy_list("--help")[0] == 0 and "--json" in copy_list("--help")[1]
