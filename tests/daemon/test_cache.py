# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of a running banyand: it outlives the daemon, and operators look at it and flush it."""
import json
import os
import stat
import subprocess
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import wait_for
from test_resolver import ede, keys, world  # noqa: F401 (fixtures)

NAMES = 400


@pytest.fixture
def many(world, tmp_path):
    """As world, with NAMES names n0.tree., n1.tree. ... below the second zone."""
    def start(resolver=None, server=None):
        authority, d, _ = world(resolver, server)
        with open(tmp_path / "tree.zone", "a") as zone:
            zone.writelines(f"n{i} A 192.0.2.{i % 250}\nn{i} AAAA 2001:db8::{i:x}\n" for i in range(NAMES))
            zone.write("short 2 A 192.0.2.9\n")
        assert authority.cli("reload")[0] == 0
        return authority, d
    return start


def names_of(n=NAMES):
    return [f"n{i}.tree." for i in range(n)]


def known(d):
    """Names and types of what the cache has."""
    code, out, err = d.cli("cache", "dump", "--json")
    assert code == 0, err
    return {(e["name"], e.get("type"), e["kind"]) for e in map(json.loads, out.splitlines())}


def is_known(d, name, rtype="A", kind="set"):
    return (name, rtype, kind) in known(d)


def kept(d, names):
    """Which part of the names the cache has."""
    have = known(d)
    return sum((name, "A", "set") in have for name in names) / len(names)


def share(d, names):
    """Which part of the names is answered; no server may be there to ask."""
    return sum(bool(d.ask(name).answer) for name in names) / len(names)


def saved_after(path, t):
    """The file was begun after `t`; two saves, since one may have been under way."""
    first = wait_for("a save", lambda: path.exists() and path.stat().st_mtime > t and path.stat().st_mtime)
    wait_for("another save", lambda: path.stat().st_mtime > first)


def kill(d):
    d.process.kill()
    d.stop(expect=-9)


def restart(d):
    d.notify = None
    return d.start()


def fill(d, names):
    for name in names:
        assert d.ask(name).answer, name


# ---- over a restart ----

def test_outlives_kill_9(many, tmp_path):
    path = tmp_path / "kept"
    authority, d = many({"cache-file": str(path), "cache-save-interval": "1s"})
    fill(d, names_of())
    d.ask("none.example.")
    filled = time.time()
    saved_after(path, filled)
    kill(d)
    authority.stop()
    restart(d)
    found = share(d, names_of())
    print("share of the cache that answers after kill -9:", found)
    assert found == 1
    assert d.ask("none.example.").rcode() == dns.rcode.NXDOMAIN
    reply = d.ask("n1.tree.")  # no server is there to ask
    assert reply.answer and reply.answer[0].ttl < 600  # the time that it was off has gone by for TTLs too
    assert f"entries from {path}" in d.log() and " 0 torn" in d.log()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_killed_while_it_writes(many, tmp_path):
    """The new file is beside the last one until it is whole, so that half of it harms nothing."""
    path = tmp_path / "kept"
    _, d = many({"cache-file": str(path), "cache-save-interval": "1s"})
    fill(d, names_of(100))
    saved_after(path, time.time())
    kill(d)
    whole = path.read_bytes()
    path.with_suffix(".tmp").write_bytes(whole[:len(whole) // 2])
    restart(d)
    assert kept(d, names_of(100)) == 1
    saved_after(path, time.time())
    assert not path.with_suffix(".tmp").exists() or path.with_suffix(".tmp").read_bytes() != whole[:len(whole) // 2]


def test_outlives_a_stop(many, tmp_path):
    """As an upgrade does it: the next start is with the same form of the file."""
    path = tmp_path / "kept"
    authority, d = many({"cache-file": str(path), "cache-save-interval": "0s"})
    fill(d, names_of())
    d.stop()
    authority.stop()
    restart(d)
    found = share(d, names_of())
    print("share of the cache that answers after a restart:", found)
    assert found == 1


@pytest.mark.parametrize("section, other", [("resolver", {"cache-ttl-max": "1h"}), ("root", {"edition": "open", "fallback": False})])
def test_another_form_or_context(many, tmp_path, section, other):
    path = tmp_path / "kept"
    _, d = many({"cache-file": str(path), "cache-save-interval": "0s"})
    fill(d, names_of(20))
    d.stop()
    good = path.read_bytes()
    path.write_bytes(good[:11] + bytes([good[11] + 1]) + good[12:])
    restart(d)
    assert "written by a newer version, whose cache has a form that this one does not know" in d.log()
    assert kept(d, names_of(20)) == 0 and d.ask("n0.tree.").answer
    d.stop()
    path.write_bytes(good)
    d.config[section].update(other)
    d.write()
    restart(d)
    assert "learned under other settings" in d.log()
    assert kept(d, names_of(20)) == 0


@pytest.mark.parametrize("spoil", ["empty", "text", "cut", "zeros", "folder"])
def test_broken_files(many, tmp_path, spoil):
    path = tmp_path / "kept"
    _, d = many({"cache-file": str(path), "cache-save-interval": "0s"})
    fill(d, names_of(50))
    d.stop()
    good = path.read_bytes()
    if spoil == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"empty": b"", "text": b"#!/bin/sh\n" * 100, "cut": good[:-1],
                          "zeros": good[:100] + bytes(len(good) - 100)}[spoil])
    restart(d)
    assert {"empty": "is left out", "text": "is no cache of banyand", "cut": "1 torn", "zeros": "1 torn",
            "folder": "is left out"}[spoil] in d.log()
    assert d.ask("n1.tree.").answer
    d.stop()
    if spoil == "folder":
        assert "cannot write the cache" in d.log()
        return
    restart(d)
    assert is_known(d, "n1.tree.")


def test_state_folder_and_off(world, tmp_path):
    """Without a file's name the service manager's folder is it; and nothing is written where that is not wanted."""
    _, d, _ = world()
    d.ask("www.example.")
    d.env["STATE_DIRECTORY"] = f"{tmp_path / 'state'}:{tmp_path}"
    (tmp_path / "state").mkdir()
    d.stop()
    assert not (tmp_path / "state" / "cache").exists()  # it had no such folder
    restart(d)
    d.ask("www.example.")
    d.stop()
    assert (tmp_path / "state" / "cache").exists()
    restart(d)
    assert is_known(d, "www.example.")
    d.stop()
    (tmp_path / "state" / "cache").unlink()
    d.config["resolver"]["cache-keep"] = False
    d.write()
    restart(d)
    d.ask("www.example.")
    d.stop()
    assert not (tmp_path / "state" / "cache").exists()


# ---- looking ----

def test_look(world):
    _, d, _ = world()
    d.ask("www.example.")
    d.ask("www.example.", "AAAA")
    d.ask("none.example.")
    code, out, _ = d.cli("cache", "look", "www.example")
    assert code == 0 and "192.0.2.1" in out and "2001:db8::1" in out and "from 127.0.0.3" in out
    code, out, _ = d.cli("cache", "look", "WWW.example.", "A")
    assert code == 0 and "192.0.2.1" in out and "2001:db8::1" not in out
    assert "none.example. " in d.cli("cache", "look", "none.example.")[1]
    code, out, _ = d.cli("cache", "look", "never.example.")
    assert code == 0 and "nothing" in out
    code, out, _ = d.cli("cache", "look", "example.", "--subtree", "--json")
    entries = [json.loads(line) for line in out.splitlines()]
    assert {"set", "nxdomain", "delegation"} <= {e["kind"] for e in entries}
    www = [e for e in entries if e["name"] == "www.example." and e["type"] == "A"]
    assert len(www) == 1 and www[0]["records"][0]["data"] == "192.0.2.1" and 3500 < www[0]["ttl"] <= 3600


def test_dump(many):
    _, d = many()
    fill(d, names_of())
    code, out, _ = d.cli("cache", "dump")
    assert code == 0 and sum(line.startswith("n") and "\tA\t" in line or " A " in line for line in out.splitlines()) >= NAMES
    code, out, _ = d.cli("cache", "dump", "--json")
    entries = [json.loads(line) for line in out.splitlines()]
    assert {f"n{i}.tree." for i in range(NAMES)} <= {e["name"] for e in entries}


def test_refusals(world, authority):
    _, d, _ = world()
    for words, why in ((["look", "a..b"], "is no domain name"), (["look", "www.example.", "WHAT"], "is no record type"),
                       (["flush"], "usage"), (["burn", "www.example."], "usage"), (["dump", "www.example."], "usage"),
                       (["look"], "usage")):
        code, out, err = d.cli("cache", *words)
        assert code != 0 and why in out + err, words
    code, out, err = authority().cli("cache", "dump")
    assert code == 1 and "there is no cache" in out + err


# ---- flushing ----

def flush(d, *words):
    code, out, err = d.cli("cache", "flush", *words)
    assert code == 0, err
    return int(out.split()[0])


def test_flush_name_and_type(world):
    _, d, _ = world()
    for name, rtype in (("www.example.", "A"), ("www.example.", "AAAA"), ("serial.example.", "TXT")):
        d.ask(name, rtype)
    assert flush(d, "www.example.", "AAAA") == 1
    assert is_known(d, "www.example.") and not is_known(d, "www.example.", "AAAA")
    assert flush(d, "www.example.") == 1
    assert not is_known(d, "www.example.") and is_known(d, "serial.example.", "TXT")
    assert flush(d, "www.example.") == 0


def test_flush_subtree_and_all(many):
    authority, d = many()
    fill(d, names_of(50))
    d.ask("www.example.")
    assert any("delegation" in line for line in d.cli("cache", "dump", "--json")[1].splitlines())
    assert flush(d, "--subtree", "tree.") >= 50
    assert kept(d, names_of(50)) == 0 and is_known(d, "www.example.")
    assert "nothing" in d.cli("cache", "look", "tree.", "--subtree")[1]
    fill(d, names_of(50))
    assert flush(d, "all") >= 51
    assert d.cli("cache", "dump")[1].startswith("; the cache has nothing")
    assert d.ask("www.example.").answer


def test_flush_denials_and_failures(world, tmp_path):
    """What was denied or has failed is asked for again, at once."""
    authority, d, _ = world({"question-time": "10s"})
    assert d.ask("later.example.").rcode() == dns.rcode.NXDOMAIN
    assert d.ask("below.later.example.").rcode() == dns.rcode.NXDOMAIN
    zone = tmp_path / "example.zone"
    text = zone.read_text()
    zone.write_text(text + "later A 192.0.2.77\nbelow.later A 192.0.2.78\n")
    assert authority.cli("reload")[0] == 0
    assert d.ask("later.example.").rcode() == dns.rcode.NXDOMAIN
    assert flush(d, "below.later.example.") >= 1
    assert d.ask("below.later.example.").answer  # the denial of the name above it went too
    flush(d, "later.example.")
    assert d.ask("later.example.").answer
    authority.stop()
    assert d.ask("host.tree.").rcode() == dns.rcode.SERVFAIL
    assert "failure" in d.cli("cache", "look", "host.tree.", "--json")[1]
    restart(authority)
    flush(d, "host.tree.")
    assert d.ask("host.tree.").answer


# ---- what has expired, and what is about to ----

def test_stale_answers(many):
    """RFC 8767 by the settings: with servers that are gone, what has expired is given, and says so; also after kill -9."""
    authority, d = many({"cache-negative-ttl-max": "1s", "stale-ttl": "7s", "stale-client-timeout": "300ms",
                         "cache-save-interval": "0s"})
    d.stop()
    d.config["resolver"]["cache-file"] = str(d.folder / "kept")
    d.write()
    restart(d)
    assert d.ask("short.tree.").answer and d.ask("none.example.").rcode() == dns.rcode.NXDOMAIN
    authority.stop()
    reply = wait_for("what has expired", lambda: (r := d.ask("short.tree.", use_edns=0)) and ede(r) and r)
    assert [code for code, _ in ede(reply)] == [3] and reply.answer[0].ttl == 7
    reply = wait_for("its denial", lambda: (r := d.ask("none.example.", use_edns=0)) and ede(r) and r)
    assert [code for code, _ in ede(reply)] == [19] and reply.rcode() == dns.rcode.NXDOMAIN
    d.stop()
    restart(d)
    reply = d.ask("short.tree.", use_edns=0)
    assert [code for code, _ in ede(reply)] == [3] and str(reply.answer[0][0]) == "192.0.2.9"
    d.stop()
    d.config["resolver"]["serve-stale"] = False
    d.write()
    restart(d)
    assert d.ask("short.tree.").rcode() == dns.rcode.SERVFAIL


def test_prefetch(world):
    """What is asked for often is asked again before it expires, and nobody waits for it."""
    _, d, _ = world({"cache-ttl-max": "10s"})
    def asked():
        assert d.ask("www.example.").answer
        return d.counters()["prefetches"] > 0
    wait_for("a prefetch", asked)
    wait_for("what it brought", lambda: d.ask("www.example.").answer[0].ttl >= 8)
