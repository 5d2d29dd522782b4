# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that begins to publish what it has had for long, and one that has nothing any more that it may vouch for."""
import datetime
import os

import pytest

from conftest import put
from daemons import wait_for
from test_copies import root_config, wait_serial, wait_state
from test_published import Tree


@pytest.fixture
def tree(tmp_path):
    tmp_path.chmod(0o755)
    return Tree(tmp_path)


@pytest.mark.parametrize("how", ["restart", "reload"])
def test_what_is_kept_is_published_when_that_is_configured(daemon, versions, tree, tmp_path, how):
    """And not only the next version."""
    put(tmp_path / "source", versions.text(1))
    config = root_config(versions, tmp_path, [f"file:{tmp_path}/source"])
    config["server"]["files-folder"] = str(tree.folder)
    d = daemon(config)
    wait_serial(d, 1)
    d.config["root"]["publish"] = True
    d.write()
    if how == "restart":
        d.stop()
        d.start()
    else:
        assert d.cli("reload")[0] == 0
    wait_for("it to be published", lambda: tree.has(1))


def test_nobody_vouches_for_a_copy_that_has_expired(daemon, versions, tree, tmp_path):
    """Else those who fetch from here would take it for confirmed, for as long as its signatures live."""
    put(tmp_path / "source", versions.text(1, expire=6))
    config = root_config(versions, tmp_path, [f"file:{tmp_path}/source"], publish=True)
    config["server"].update({"files-folder": str(tree.folder), "files-fresh": "10s"})
    d = daemon(config)
    wait_serial(d, 1)
    wait_for("it to be published", lambda: tree.has(1))
    first = tree.pointer()["made"]
    wait_for("the pointer to be written anew", lambda: tree.pointer()["made"] != first)
    os.unlink(d_source := tmp_path / "source")
    wait_state(d, "expired")
    wait_for("the pointer to be too old", lambda: now() > tree.pointer()["fresh-until"][0])
    last = tree.pointer()
    put(d_source, versions.text(1, expire=6))
    wait_for("the pointer to be written anew", lambda: tree.pointer()["made"] != last["made"])


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
