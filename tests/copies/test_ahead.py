# SPDX-License-Identifier: GPL-3.0-or-later
"""A resolver that begins in the hours in which the next version of an edition is offered ahead: it uses the one in force, where any source has it."""
import subprocess

import pytest

from conftest import put
from daemons import free_port, is_sanitized, program, wait_for
from test_copies import copy, root_config, serial, wait_serial, wait_state
from test_dates import FIRST, NOW, iso, timed, version, wait_next, words  # noqa: F401

DAY_S = 86400


def write(versions, folder, number, at=0):
    put(folder / "zone", version(versions, number))
    done = subprocess.run([program("banyan"), "files", "write", "--hold", "0", "--deltas", "0", "--at", str(NOW + at), str(folder / "zone"), str(folder)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return folder / "root" / "current"


@pytest.fixture
def web(daemon, tmp_path):
    """A tree, and a daemon that carries it and knows nothing of it."""
    folder, port = tmp_path / "tree", free_port()
    folder.mkdir()
    tmp_path.chmod(0o755)
    daemon({"server": {"workers": 1, "files-folder": str(folder), "files-listen": [f"127.0.0.1@{port}"]}, "resolver": {"enabled": False}})
    return folder, f"http://127.0.0.1:{port}/root/"


def test_tree(daemon, versions, tmp_path, web):
    folder, url = web
    write(versions, folder, 1)
    current = write(versions, folder, 2)
    assert f"\npresent 1 {iso(FIRST)} {iso(FIRST + 2 * DAY_S)} 1/zone.wire.zst " in current.read_text()
    done = subprocess.run([program("banyan"), "files", "check", str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "until the time of the newest begins" in done.stdout, done.stdout
    d = daemon(root_config(versions, tmp_path, [url], edition="open", fallback=False))
    wait_serial(d, 1)
    wait_state(d, "current")
    wait_next(d, 2)
    assert serial(d) == 1 and d.counters()["copy_fetches"] == 2 and d.counters()["copy_refused"] == 0
    # the pointer that is written then names it alone
    assert "\npresent " not in write(versions, folder, 2, at=2 * 3600).read_text()


@pytest.mark.skipif(is_sanitized(), reason="libfaketime and sanitizers both want to be the first library")
def test_tree_after_days(timed, versions, tmp_path, web):  # noqa: F811
    """One whose version has ended by then."""
    folder, url = web
    put(folder / "zone", versions.text(1, more=words(-3 * DAY_S), since=20 * DAY_S))
    write_old = [program("banyan"), "files", "write", "--at", str(NOW - 2 * DAY_S), str(folder / "zone"), str(folder)]
    assert subprocess.run(write_old, capture_output=True, timeout=60).returncode == 0
    d = timed("", sources=[url])
    d.jump("-2d")
    wait_serial(d, 1)
    d.stop()
    put(folder / "zone", versions.text(2, more=words(-DAY_S), since=20 * DAY_S))
    for number, begins in ((2, -DAY_S), (3, 3600)):
        put(folder / "zone", versions.text(number, more=words(begins), since=20 * DAY_S))
        assert subprocess.run([program("banyan"), "files", "write", str(folder / "zone"), str(folder)], capture_output=True, timeout=60).returncode == 0
    d.jump("+0")
    d.start()
    wait_serial(d, 2)
    wait_state(d, "current")
    wait_next(d, 3)
    d.jump("+2h")
    wait_serial(d, 3)
    wait_state(d, "current")


def test_by_transfer(daemon, versions, tmp_path):
    """A master that gives on what comes, and a resolver that keeps to the dates: who has nothing takes what the second one uses."""
    put(tmp_path / "source", version(versions, 1))
    source = [f"file:{tmp_path}/source"]

    def server(name, dates):
        return daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
                       "zones": [{"name": ".", "sources": source, "store": str(tmp_path / name), "refresh-min": "1s", "anchors": [versions.anchors()],
                                  "transfer": ["127.0.0.1"], "dates": dates}]})
    master, peer = server("master", False), server("peer", True)
    wait_serial(master, 1)
    wait_serial(peer, 1)
    put(tmp_path / "source", version(versions, 2))
    wait_serial(master, 2)
    wait_for("serial 2 on the shelf", lambda: peer.counters()["copy_ahead"] == 1)
    d = daemon(root_config(versions, tmp_path, [f"xfr:127.0.0.1@{one.port}" for one in (master, peer)], edition="open", fallback=False))
    wait_serial(d, 1)
    wait_for("serial 2 beside it", lambda: copy(d).get("next_serial") == 2)
    assert copy(d)["state"] == "current" and d.counters()["copy_refused"] == 0
    # with the master alone it waits, and says for what
    alone = daemon(root_config(versions, tmp_path, [f"xfr:127.0.0.1@{master.port}"], edition="open", fallback=False, store=str(tmp_path / "alone")))
    wait_state(alone, "early")
    assert "its time begins at" in copy(alone)["why"]
