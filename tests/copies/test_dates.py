# SPDX-License-Identifier: GPL-3.0-or-later
"""A resolver on an edition with dates, whose clock is set by libfaketime while it runs: it uses what is valid by that clock, or says why nothing is."""
import glob
import os
import time

import dns.edns
import pytest

from conftest import put
from daemons import wait_for
from test_copies import copy, root_config, serial, wait_serial, wait_state

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
HOUR_S, DAY_S = 3600, 86400
NOW = int(time.time())


def date(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(NOW + seconds))


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW + seconds))


def words(begins, name="open"):
    """The TXT of a version that is valid for 48 hours from then, in seconds from the begin of the tests."""
    return f'. 300 TXT "edition={name}" "valid-from={date(begins)}" "valid-until={date(begins + 2 * DAY_S)}"\n'


# each a day after the one before it
FIRST, SECOND, THIRD = -23 * HOUR_S, HOUR_S, 25 * HOUR_S


def version(versions, number, **options):
    begins = {1: FIRST, 2: SECOND, 3: THIRD}[number]
    return versions.text(number, more=words(begins, **options), since=20 * DAY_S)


@pytest.fixture
def timed(daemon, versions, tmp_path):
    """A resolver on the edition; timed.jump("+2h") sets its clock."""
    def start(text, sources=(f"file:{tmp_path}/source",), **options):
        assert LIBRARY, "libfaketime is not installed"
        clock = tmp_path / "clock"
        put(clock, "+0")
        put(tmp_path / "source", text)
        env = {"LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        d = daemon(root_config(versions, tmp_path, list(sources), edition="open", fallback=False, **options), env=env)
        d.source = tmp_path / "source"
        d.jump = lambda offset: put(clock, offset)
        return d
    return start


def wait_next(d, number):
    wait_for(f"serial {number} on the shelf", lambda: copy(d).get("next_serial") == number)


def test_offered_ahead_and_used_in_its_time(timed, versions):
    d = timed(version(versions, 1))
    wait_serial(d, 1)
    wait_state(d, "current")
    put(d.source, version(versions, 2))
    wait_next(d, 2)
    status = copy(d)
    assert (status["edition"], status["valid_from"], status["valid_until"]) == ("open", iso(FIRST), iso(FIRST + 2 * DAY_S))
    assert (status["state"], status["usable_until"], status["next_from"]) == ("current", iso(FIRST + 2 * DAY_S), iso(SECOND))
    assert serial(d) == 1
    assert "it is kept until its time begins" in d.log()
    assert d.counters()["copy_ahead"] == 1 and d.counters()["copy_turns"] == 0
    d.jump("+2h")
    wait_serial(d, 2)
    wait_state(d, "current")
    assert "serial 2 is in use: it is its time" in d.log()
    # a clock that was wrong: the one before it is there, and is the right one
    d.jump("+0")
    wait_serial(d, 1)
    wait_state(d, "current")
    d.jump("+2h")
    wait_serial(d, 2)
    assert "serial 2" in d.cli("status")[1] and "edition open, valid from" in d.cli("status")[1]


def test_restart_past_its_begin(timed, versions):
    """What waits on the disk is used after a restart without any source."""
    d = timed(version(versions, 1))
    wait_serial(d, 1)
    put(d.source, version(versions, 2))
    wait_next(d, 2)
    d.stop()
    os.unlink(d.source)
    d.start()
    assert serial(d) == 1
    wait_next(d, 2)
    d.stop()
    d.jump("+2h")
    d.start()
    wait_serial(d, 2)
    wait_for("the second proof", lambda: "proved once more" in d.log())
    assert serial(d) == 2


def said(d, code):
    """Is this the extended error with which questions for the root are answered?"""
    reply = d.ask("no-such-tld", use_edns=0)
    texts = [o.text for o in reply.options if isinstance(o, dns.edns.EDEOption)]
    return not reply.answer and any(text.startswith(f"{code}: ") for text in texts)


def test_after_its_end_and_before_its_begin(timed, versions):
    d = timed(version(versions, 1))
    wait_serial(d, 1)
    d.jump("+3d")
    wait_state(d, "expired")
    assert f"its time ended at {iso(FIRST + 2 * DAY_S)}" in copy(d)["why"]
    wait_for("no answers from it", lambda: said(d, "root-copy-expired"))
    d.jump("+0")
    wait_serial(d, 1)
    d.jump("-2d")
    wait_state(d, "early")
    assert f"its time begins at {iso(FIRST)}" in copy(d)["why"]
    wait_for("no answers from it", lambda: said(d, "root-copy-early"))
    d.jump("+0")
    wait_serial(d, 1)
    wait_state(d, "current")
    # what has ended when it comes is refused
    d.jump("+4d")
    wait_state(d, "expired")
    put(d.source, version(versions, 2))
    wait_for("its refusal", lambda: "edition-ended: its time ended at" in d.log())
    put(d.source, versions.text(3, more=words(3 * DAY_S), since=20 * DAY_S))
    wait_serial(d, 3)


def test_a_machine_without_a_clock(timed, versions):
    """It begins in 1971 with what is stored, and no source: nothing is used and it says why; when the clock is right it is used at once."""
    d = timed(version(versions, 1))
    wait_serial(d, 1)
    d.stop()
    os.unlink(d.source)
    d.jump("-20400d")
    d.start()
    wait_state(d, "early")
    assert f"its time begins at {iso(FIRST)}, and the clock of this machine says 197" in copy(d)["why"]
    wait_for("no answers from it", lambda: said(d, "root-copy-early"))
    d.jump("+0")
    wait_serial(d, 1)
    assert copy(d)["state"] in ("current", "lagging")
    # with a source that confirms it meanwhile, and is gone when the clock is set
    put(d.source, version(versions, 1))
    d.jump("-20400d")
    wait_state(d, "early")
    d.cli("copy", "refresh")
    wait_for("a confirmation", lambda: "197" in (copy(d)["confirmed_at"] or ""))
    os.unlink(d.source)
    d.jump("+0")
    wait_serial(d, 1)
    d.stop()
    d.start()
    wait_serial(d, 1)


def test_begins_with_what_is_to_come(timed, versions):
    d = timed(version(versions, 2))
    wait_state(d, "early")
    assert f"its time begins at {iso(SECOND)}" in copy(d)["why"]
    wait_for("the word", lambda: said(d, "root-copy-early"))
    d.jump("+2h")
    wait_serial(d, 2)
    wait_state(d, "current")


def test_a_file_has_its_dates_too(daemon, timed, versions, tmp_path):
    """root.file, without any source."""
    d = timed(version(versions, 1), sources=[], file=str(tmp_path / "source"))
    wait_serial(d, 1)
    d.jump("+3d")
    wait_for("no answers from it", lambda: serial(d) is None)
    d.jump("+0")
    wait_serial(d, 1)
    d.jump("-2d")
    wait_for("the word", lambda: "it is not used before: set the clock" in d.log())
    d.jump("+0")
    wait_serial(d, 1)
