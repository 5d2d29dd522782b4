# SPDX-License-Identifier: GPL-3.0-or-later
"""A resolver whose clocks are set by libfaketime while it runs: its root copy when they jump, and a roll of the root's key (RFC 5011)."""
import glob

import pytest

from conftest import put
from daemons import wait_for
from test_copies import copy, root_config, serial, wait_serial, wait_state

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
DAY_S = 86400


@pytest.fixture
def timed(daemon, versions, tmp_path):
    """A resolver; timed.jump("+40d") sets its clocks against those of the machine, the monotonic one with it if `both`."""
    def start(text, both=False, **options):
        assert LIBRARY, "libfaketime is not installed"
        clock = tmp_path / "clock"
        put(clock, "+0")
        put(tmp_path / "source", text)
        env = {"LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "0" if both else "1"}
        d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/source"], **options), env=env)
        d.source = tmp_path / "source"
        d.jump = lambda offset: put(clock, offset)
        return d
    return start


def test_clock_set_ahead_by_weeks_and_right_again(timed, versions):
    d = timed(versions.text(1))
    wait_serial(d, 1)
    wait_state(d, "current")
    d.jump("+60d")
    wait_state(d, "expired")
    assert "signatures ended" in copy(d)["why"]
    wait_for("the word", lambda: "the clock was set ahead by" in d.log())
    wait_for("no answers from it", lambda: serial(d) is None)
    put(d.source, versions.text(2))
    wait_for("its refusal", lambda: "rrsig-expired" in d.log())
    d.jump("+0")
    wait_serial(d, 2)
    wait_state(d, "current")
    wait_for("the word", lambda: "the clock was set back by" in d.log())


def test_clock_set_back_by_days(timed, versions):
    """Signatures of tomorrow: what is in use stays, nothing new proves, and all is well when the clock is."""
    d = timed(versions.text(1))
    wait_serial(d, 1)
    d.jump("-3d")
    wait_for("the word", lambda: "the clock was set back by" in d.log())
    put(d.source, versions.text(2))
    wait_state(d, "held")
    assert "rrsig-not-yet-valid" in copy(d)["why"]
    d.jump("+0")
    wait_serial(d, 2)
    wait_state(d, "current")


def test_the_key_of_the_root_rolls(timed, versions, tmp_path):
    """The new key is seen, and trusted after its thirty days; what only it signs is refused until then and in use at once after."""
    year = {"lives": 365 * DAY_S, "expire": 200 * DAY_S, "refresh": 3600}
    d = timed(versions.text(1, more=versions.key(1), **year), both=True, **{"anchors-state": str(tmp_path)})
    wait_serial(d, 1)
    state = tmp_path / "trust-anchor.state"
    d.jump("+2d")  # the first look at the keys is made when there is no copy yet
    # a question wakes the worker, which sleeps by the machine's own clock
    wait_for("the new key", lambda: serial(d) and state.exists() and "ADDPEND" in state.read_text())
    put(d.source, versions.text(2, key=1, **year))
    assert d.cli("copy", "refresh")[0] == 0
    wait_for("its refusal", lambda: "serial 2 is refused" in d.log())
    assert serial(d) == 1
    d.jump("+40d")
    wait_for("the new anchors", lambda: serial(d) and "other trust anchors" in d.log())
    wait_serial(d, 2)
    wait_state(d, "current")
