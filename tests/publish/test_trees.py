# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees and deltas that are written by hand: of the zone that was meant, and over nobody else's."""
import os
import subprocess

import pytest

from editions import Edition, program, put, source_text

EXAMPLE = "example. 60 SOA ns.example. host.example. {} 60 60 600 60\nexample. 60 NS ns.example.\nns.example. 60 A 192.0.2.1\n"


def banyan(*words, **more):
    return subprocess.run([program("banyan"), *map(str, words)], capture_output=True, timeout=60, **more)


def key(path):
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)], check=True, capture_output=True)
    os.chmod(path, 0o600)
    return path


@pytest.fixture
def zones(tmp_path):
    for serial in 1, 2:
        (tmp_path / f"zone{serial}").write_text(EXAMPLE.format(serial))
    (tmp_path / "web").mkdir()
    return tmp_path


def test_a_zone_of_another_name(zones):
    """Without --origin it was a root of serial 0; with a wrong one, an empty zone."""
    for words in (("files", "write", zones / "zone1", zones / "web"), ("delta", "make", zones / "zone1", zones / "zone2", zones / "delta"),
                  ("sign", "--output", zones / "signed", zones / "zone1")):
        done = banyan(*words)
        assert done.returncode == 2 and b"no SOA at ., but one at example." in done.stderr and b"give --origin example." in done.stderr, done.stderr
        done = banyan(words[0], *words[1:], "--origin", "com.")
        assert done.returncode == 2 and b"no SOA at com., but one at example." in done.stderr and b"3 records are outside" in done.stderr, done.stderr
    assert not any((zones / name).exists() for name in ("web/root", "web/com", "delta", "signed"))
    (zones / "zone1").write_text(EXAMPLE.format(1) + "com. 60 NS ns.example.\n")
    done = banyan("files", "write", "--origin", "example.", zones / "zone1", zones / "web")
    assert done.returncode == 0 and b"1 records outside of the zone are left out" in done.stderr, done.stderr
    assert b"serial 1 published" in done.stdout


def test_to_standard_output(zones):
    made = banyan("delta", "make", "--origin", "example.", "zone1", "zone2", "-", cwd=zones)
    assert made.returncode == 0 and b"to serial 2" in made.stderr, made.stderr
    (zones / "delta").write_bytes(made.stdout)
    applied = banyan("delta", "apply", "--origin", "example.", "--text", "zone1", "delta", "-", cwd=zones)
    assert applied.returncode == 0 and b" 2 60 60 600 60" in applied.stdout, applied
    assert banyan("sign", "--origin", "example.", "zone1", cwd=zones).stdout.count(b" ZONEMD ") == 1  # into a pipe
    assert not (zones / "-").exists()


def test_the_tree_of_an_edition(tmp_path):
    put(tmp_path / "source", source_text())
    (tmp_path / "tree").mkdir()
    letters = Edition(tmp_path, "letters", output={"tree": "tree", "tree-key": str(key(tmp_path / "tree.pem"))})
    letters.good()
    other = Edition(tmp_path, "anycast")
    other.good()
    pointer = (tmp_path / "tree" / "root" / "current").read_text()
    for zone in other.zone_file, tmp_path / "source":
        done = banyan("files", "write", "--key", tmp_path / "tree.pem", zone, tmp_path / "tree")
        assert done.returncode == 2 and b"is the tree of the edition letters, and " in done.stderr, done.stderr
    done = banyan("files", "write", letters.zone_file, tmp_path / "tree")
    assert done.returncode == 2 and b"give its private half by --key" in done.stderr, done.stderr
    assert (tmp_path / "tree" / "root" / "current").read_text() == pointer
    assert banyan("files", "write", "--key", tmp_path / "tree.pem", letters.zone_file, tmp_path / "tree").returncode == 0
    assert banyan("files", "write", "--unsigned", letters.zone_file, tmp_path / "tree").returncode == 0
    assert "key" not in (tmp_path / "tree" / "root" / "current").read_text().split()


def test_a_tree_that_cannot_be_written(tmp_path):
    """Whoever looks at the exit status hears of it, and of its end."""
    put(tmp_path / "source", source_text())
    letters = Edition(tmp_path, "letters", output={"tree": "no/tree", "tree-key": str(key(tmp_path / "tree.pem"))})
    for outcome in "published", "unchanged":
        status, said, _ = letters.publish()
        assert (status, said["outcome"]) == (1, outcome) and "no/tree" in said["warning"], said
    (tmp_path / "no" / "tree").mkdir(parents=True)
    status, said, _ = letters.publish()
    assert (status, said["outcome"], said["warning"]) == (0, "unchanged", None), said
    os.chmod(tmp_path / "tree.pem", 0o644)
    put(tmp_path / "source", source_text(101))
    status, said, _ = letters.publish()
    assert (status, said["outcome"]) == (1, "published") and "tree.pem" in said["warning"], said


def test_what_a_watch_does_not_take(tmp_path):
    put(tmp_path / "source", source_text())
    letters = Edition(tmp_path, "letters")
    letters.good()
    put(tmp_path / "source", source_text(99))
    assert "run once with --accept-serial (a --watch is ended before that, and started again after)" in letters.refused("source-serial-back")
    status, _, errors = letters.publish("--watch", "--accept-serial")
    assert status == 2 and "end the watch that runs, run once with them, and start it again" in errors, errors


def test_words_that_are_not_known(tmp_path):
    done = banyan("publish", "--nothing")
    assert done.returncode == 2 and done.stderr.startswith(b"banyan publish: unrecognized option"), done.stderr
    keys = ("--keys", tmp_path / "keys")
    assert banyan("key", "generate", *keys, "--zone", ".").returncode == 0
    assert b"`banyan key policy help` lists the names" in banyan("key", "policy", *keys, "foo=1").stderr
    done = banyan("key", "list", *keys, "extra")
    assert done.returncode == 2 and b"banyan key list: 'extra' is one word too many" in done.stderr, done.stderr


def test_nobody_is_there():
    done = banyan("status", "--fleet", "--master", "127.0.0.1@9", "--time", "1")
    assert done.returncode == 3 and b"is a name server running there?" in done.stderr and b"input/output" not in done.stderr, done.stderr
    done = banyan("plan", "priming", "--against", "127.0.0.1@9")
    assert done.returncode == 2 and b"is a name server running there" in done.stderr and b"input/output" not in done.stderr, done.stderr
