# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolver's root copy and served zones from sources: fetched, proved, kept, and in use again at once after a restart."""
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rrset
import dns.tsigkeyring
import pytest

import others
from conftest import put, spoil
from daemons import free_port, program, wait_for

SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


def root_config(versions, tmp_path, sources, key=0, **options):
    return {"server": {"workers": 1}, "resolver": {"enabled": True},
            "root": dict({"file": "", "anchors": [versions.anchors(key)], "anchors-built-in": "off", "store": str(tmp_path / "store"),
                          "sources": sources, "refresh-min": "1s"}, **options)}


def serial(d):
    """Of the root, as the resolver answers it; None while it cannot."""
    try:
        reply = d.ask(".", "SOA", wait_s=10)
    except dns.exception.Timeout:
        return None
    return reply.answer[0][0].serial if reply.answer else None


def copy(d):
    return d.status()["resolver"]["root"]["copy"]


def wait_serial(d, expected):
    wait_for(f"serial {expected}", lambda: serial(d) == expected)


def wait_state(d, expected):
    wait_for(f"state {expected}", lambda: copy(d)["state"] == expected)


@pytest.fixture
def from_file(daemon, versions, tmp_path):
    """A resolver whose root comes from a file; from_file.file is that."""
    def start(text=None, **options):
        put(tmp_path / "source", versions.text(1) if text is None else text)
        d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/source"], **options))
        d.source = tmp_path / "source"
        return d
    return start


# ---- getting one, and newer ones

def test_starts_without_a_store(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    wait_state(d, "current")
    reply = d.ask("no-such-tld")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    put(d.source, versions.text(2))
    wait_serial(d, 2)
    assert copy(d)["generations"] == 2
    assert d.counters()["copy_adopted"] == 2


def test_is_said_once_when_there_is_nothing(daemon, versions, tmp_path):
    d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/none"]))
    wait_for("the word", lambda: "there is none yet" in d.log())
    assert d.ask("example.").rcode() == dns.rcode.SERVFAIL
    wait_for("further rounds", lambda: d.counters()["copy_probes"] >= 3)
    assert d.log().count("there is none yet") == 1
    assert copy(d)["state"] == "empty"
    put(tmp_path / "none", versions.text(5))
    wait_serial(d, 5)


# ---- what is kept

def test_restart_without_any_source(from_file):
    d = from_file()
    wait_serial(d, 1)
    d.stop()
    os.unlink(d.source)
    d.start()
    assert serial(d) == 1  # at the first question
    assert "is in use at once" in d.log()
    wait_for("the second proof", lambda: "proved once more" in d.log())
    assert serial(d) == 1


def test_other_anchors_at_a_restart(from_file, versions):
    """What is kept is used at once, but it is proved again: with anchors that do not fit it goes."""
    d = from_file()
    wait_serial(d, 1)
    d.stop()
    d.config["root"]["anchors"] = [versions.anchors(1)]
    d.write()
    d.start()
    wait_for("the refusal", lambda: "does not prove any more" in d.log())
    wait_for("no more answers from it", lambda: serial(d) is None)
    put(d.source, versions.text(2, key=1))
    wait_serial(d, 2)


def test_wrong_anchors_destroy_nothing(from_file, versions):
    """A mistake in the configuration that is mended costs no version that is kept."""
    d = from_file()
    wait_serial(d, 1)
    put(d.source, versions.text(2))
    wait_serial(d, 2)
    d.stop()
    d.config["root"]["anchors"] = [versions.anchors(1)]
    d.write()
    d.start()
    wait_for("both refused", lambda: d.log().count("does not prove any more") == 2)
    wait_for("no more answers from them", lambda: serial(d) is None)
    d.stop()
    os.unlink(d.source)
    d.config["root"]["anchors"] = [versions.anchors(0)]
    d.write()
    d.start()
    assert serial(d) == 2
    assert copy(d)["generations"] == 2


def test_other_anchors_by_a_reload(from_file, versions):
    """What is in use was proved with anchors that are not trusted any more: it is proved with the new ones, and goes. They were wrong: it comes back."""
    d = from_file()
    wait_serial(d, 1)
    os.unlink(d.source)
    d.config["root"]["anchors"] = [versions.anchors(1)]
    d.write()
    code, out, err = d.cli("reload")
    assert code == 0, err
    wait_for("no more answers from it", lambda: serial(d) is None)
    assert "does not prove any more" in d.log()
    d.config["root"]["anchors"] = [versions.anchors(0)]
    d.write()
    assert d.cli("reload")[0] == 0
    wait_serial(d, 1)


def parent_of(process):
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1]


def children_of(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def provers(d):
    """Processes that prove, two below the daemon."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text() != "banyand-prove\n":
                continue
            above = folder.name
            for _ in range(3):  # the attendant, its minder, the daemon
                above = parent_of(above)
            if above == str(d.process.pid):
                yield int(folder.name)
        except (OSError, IndexError):
            pass


def test_killed_while_it_proves_once_more(from_file, versions, tmp_path):
    """Who has too little memory at the start loses no copy by that: it did prove once."""
    many = "".join(f"t{i}. 300 NS ns.t{i}.\nt{i}. 300 DS 1 13 2 {i:064x}\n" for i in range(4000))
    d = from_file(text=versions.text(1, more=many))
    wait_serial(d, 1)
    os.unlink(d.source)

    def killed():
        d.stop()
        before = len(d.log())
        d.start()
        wait_for("the copy", lambda: "is in use at once" in d.log()[before:])
        end = time.monotonic() + 30
        while time.monotonic() < end and "proved once more\n" not in d.log()[before:]:
            for process in provers(d):
                os.kill(process, signal.SIGKILL)
                return True
        return False
    wait_for("the process that proves", killed)
    wait_for("a word about it", lambda: "killed from outside" in d.log())
    assert serial(d) == 1
    assert copy(d)["generations"] == 1
    assert "is not used" not in d.log()


def test_kill_during_refreshes(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    last = 1
    for number in range(2, 8):
        put(d.source, versions.text(number))
        deadline = time.monotonic() + 0.15 * number
        while time.monotonic() < deadline and serial(d) != number:
            pass
        d.process.kill()
        d.process.wait()
        d.process = None
        d.hang_up()
        d.start()
        now = serial(d)
        assert now is not None and now >= last, d.log()
        last = now
    wait_serial(d, 7)


# ---- what is refused

def test_bad_candidate_keeps_the_last_good_one(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    put(d.source, spoil(versions.text(2)))
    wait_state(d, "held")
    assert "zonemd" in copy(d)["why"]
    assert "zonemd" in copy(d)["sources"][0]["failure"]
    assert serial(d) == 1
    put(d.source, versions.text(3))
    code, out, err = d.cli("copy", "refresh")
    assert code == 0, err
    wait_serial(d, 3)
    wait_state(d, "current")


def test_garbage_and_half_a_file(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    refused = d.counters()["copy_refused"]
    for text in ("this is no zone\n", versions.text(2)[:1200], ""):
        put(d.source, text)
        d.cli("copy", "refresh")
        wait_for("a word about it", lambda: copy(d)["failures"] > 0 or d.counters()["copy_refused"] > refused)
        assert serial(d) == 1
    put(d.source, versions.text(2))
    d.cli("copy", "refresh")
    wait_serial(d, 2)


def test_older_serials_need_the_operators_word(from_file, versions):
    d = from_file(text=versions.text(9))
    wait_serial(d, 9)
    put(d.source, versions.text(4))
    wait_state(d, "held")
    assert "older" in copy(d)["why"]
    d.stop()
    d.start()
    assert serial(d) == 9
    wait_state(d, "held")  # durable over restarts
    assert serial(d) == 9
    code, out, err = d.cli("copy", "accept-serial", ".")
    assert code == 0, err
    wait_serial(d, 4)
    d.stop()
    d.start()
    assert serial(d) == 4


def test_roll_back_by_hand(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    code, out, err = d.cli("copy", "roll-back")
    assert code != 0 and "no older version" in err
    put(d.source, versions.text(2))
    wait_serial(d, 2)
    code, out, err = d.cli("copy", "roll-back")
    assert code == 0 and "serial 1" in out, err
    assert serial(d) == 1
    assert copy(d)["state"] == "held"
    put(d.source, versions.text(3))
    probes = d.counters()["copy_probes"]
    wait_for("further rounds", lambda: d.counters()["copy_probes"] >= probes + 3)
    assert serial(d) == 1
    d.cli("copy", "refresh")
    wait_serial(d, 3)
    assert d.cli("copy", "dance")[0] != 0


# ---- other anchors: what was refused is tried again at once, though its sources rest for an hour

def held_for_its_key(from_file, versions, **options):
    """Serial 1 in use, serial 5 refused, since it is signed by another key; the sources are not asked again for an hour."""
    d = from_file(text=versions.text(1, refresh=3600, more=versions.key(1)), **options)
    wait_serial(d, 1)
    put(d.source, versions.text(5, key=1, refresh=3600))
    assert d.cli("copy", "refresh")[0] == 0
    wait_state(d, "held")
    assert "serial 5 was refused" in copy(d)["why"]
    assert serial(d) == 1
    return d


def test_an_anchor_of_a_reload_frees_what_was_held(from_file, versions):
    d = held_for_its_key(from_file, versions)
    d.config["root"]["anchors"] = [versions.anchors(0), versions.anchors(1)]
    d.write()
    assert d.cli("reload")[0] == 0
    wait_serial(d, 5)
    wait_state(d, "current")


def test_an_anchor_that_goes_takes_what_it_proved(from_file, versions):
    """What is in use must prove with what is trusted now; what is kept comes back with the anchor."""
    d = from_file(text=versions.text(1, refresh=3600))
    wait_serial(d, 1)
    for key, expected in (1, None), (0, 1):
        d.config["root"]["anchors"] = [versions.anchors(key)]
        d.write()
        assert d.cli("reload")[0] == 0
        wait_for(f"serial {expected}", lambda: serial(d) == expected)


# ---- its end

def test_rolled_back_and_forward_again(from_file, versions):
    """To the version that the source has had all along."""
    d = from_file()
    wait_serial(d, 1)
    put(d.source, versions.text(2))
    wait_serial(d, 2)
    code, out, err = d.cli("copy", "roll-back")
    assert code == 0, err
    assert serial(d) == 1
    d.stop()
    d.start()  # it stays until the operator says otherwise
    wait_for("rounds after the restart", lambda: d.counters()["copy_probes"] >= 3)
    assert serial(d) == 1 and copy(d)["state"] == "held"
    d.cli("copy", "refresh")
    wait_serial(d, 2)
    d.stop()
    d.start()
    assert serial(d) == 2
    wait_state(d, "current")


def test_a_source_that_stays_behind(daemon, versions, tmp_path):
    """That it has not changed does not mean that it has what came from another one since."""
    put(tmp_path / "one", versions.text(1))
    put(tmp_path / "two", versions.text(1))
    d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/one", f"file:{tmp_path}/two"]))
    wait_serial(d, 1)
    put(tmp_path / "two", versions.text(2))
    wait_serial(d, 2)
    wait_for("a word from the one that stays behind", lambda: d.counters()["copy_probes"] > 20)
    assert copy(d)["sources"][0]["serial"] == 1
    os.unlink(tmp_path / "two")
    wait_for("the loss of the other one", lambda: copy(d)["sources"][1].get("failure"))
    confirmed, probes = copy(d)["confirmed_at"], d.counters()["copy_probes"]
    wait_for("further rounds", lambda: d.counters()["copy_probes"] >= probes + 4)
    assert copy(d)["confirmed_at"] == confirmed  # nobody has it any more


def test_expires_and_comes_back(from_file, versions):
    d = from_file(text=versions.text(1, expire=4))
    wait_serial(d, 1)
    os.unlink(d.source)
    wait_state(d, "expired")
    wait_for("no answers from it", lambda: serial(d) is None)
    assert d.ask("example.").rcode() == dns.rcode.SERVFAIL
    assert "expired" in d.log() and "the SOA allows 4 s" in d.log()
    assert d.counters()["copy_expired"] >= 1
    put(d.source, versions.text(1, expire=4))  # the same one, confirmed
    wait_serial(d, 1)
    wait_state(d, "current")
    os.unlink(d.source)
    wait_state(d, "expired")
    put(d.source, versions.text(2))
    wait_serial(d, 2)


def test_signatures_that_end(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    number = 1
    while serial(d) == 1:  # again, where it did not come into use as long as it was good
        number += 1
        put(d.source, versions.text(number, lives=6))
        assert number < 20 and d.cli("copy", "refresh")[0] == 0
        wait_for("it is adopted, or refused", lambda: serial(d) != 1 or f"serial {number} is refused" in d.log())
    wait_state(d, "expired")
    assert "signatures ended" in copy(d)["why"]
    wait_for("no answers from it", lambda: serial(d) is None)
    put(d.source, versions.text(number + 1))
    wait_serial(d, number + 1)


# ---- who fetches and proves is killed; or is needed for the first time

def attendant_of(d):
    minder, = children_of(d.process.pid)
    found = wait_for("the attendant", lambda: children_of(minder))
    return int(found[0])


def test_the_attendant_is_killed(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    for number in (2, 3):
        before = attendant_of(d)
        os.kill(before, signal.SIGKILL)
        put(d.source, versions.text(number))
        assert serial(d) in (number - 1, number)  # service goes on
        wait_serial(d, number)
        assert attendant_of(d) != before
    assert d.log().count("the attendant has ended and was started anew") == 2
    wait_state(d, "current")


def test_the_minder_is_killed(from_file, versions):
    """Nobody starts it again: the status says so, in words and in JSON, until the daemon is restarted; service goes on."""
    d = from_file()
    wait_serial(d, 1)
    assert d.status()["attendant"] == "running"
    minder, = children_of(d.process.pid)
    os.kill(int(minder), signal.SIGKILL)
    wait_for("the status says so", lambda: d.status()["attendant"] == "ended")
    assert "has ENDED: no zone gets a new version until banyand is restarted" in d.cli("status")[1]
    assert serial(d) == 1
    d.stop()
    put(d.source, versions.text(2))
    d.start()
    wait_serial(d, 2)
    assert d.status()["attendant"] == "running" and "ENDED" not in d.cli("status")[1]


def test_the_first_source_comes_with_a_reload(daemon, versions, tmp_path):
    put(tmp_path / "source", versions.text(1))
    config = root_config(versions, tmp_path, [f"file:{tmp_path}/source"])
    d = daemon(dict(config, root=dict(config["root"], sources=[])))
    assert serial(d) is None
    d.config["root"]["sources"] = config["root"]["sources"]
    d.write()
    assert d.cli("reload")[0] == 0
    wait_serial(d, 1)


def test_an_authority_for_what_is_here_has_no_process_beside_it(daemon, versions, tmp_path):
    put(tmp_path / "zone", versions.text(1))
    zone = {"name": ".", "file": str(tmp_path / "zone"), "prove": "structure"}
    d = daemon({"resolver": {"enabled": False}, "zones": [zone]})
    assert d.ask("example", "NS").authority
    assert not Path(f"/proc/{d.process.pid}/task/{d.process.pid}/children").read_text().split()
    d.config["zones"] = [{"name": ".", "sources": [f"file:{tmp_path}/zone"], "store": str(tmp_path / "store")}]
    d.write()
    code, out, err = d.cli("reload")
    assert code != 0 and "need a restart" in out + err
    assert d.ask("example", "NS").authority


# ---- a root that is served, and the resolver's

def both_roots(versions, tmp_path, **root):
    config = root_config(versions, tmp_path, [])
    del config["root"]["sources"], config["root"]["refresh-min"], config["root"]["store"]
    config["root"].update(root)
    config["zones"] = [{"name": ".", "sources": [f"file:{tmp_path}/source"], "store": str(tmp_path / "store"), "refresh-min": "1s"}]
    return config


def test_the_root_that_is_served_is_the_resolvers(daemon, versions, tmp_path):
    d = daemon(both_roots(versions, tmp_path))
    assert 14 in errors(d.ask("www0.example", use_edns=0))
    for wanted in (1, 2):
        put(tmp_path / "source", versions.text(wanted, expire=30))
        wait_serial(d, wanted)
        assert d.ask("no-such-tld").flags & dns.flags.AA
        told = errors(d.ask(f"www{wanted}.example", use_edns=0))
        assert told and 14 not in told, told  # the resolver knows whom to ask; they are not there
    assert d.counters()["copy_adopted"] == 2  # each version once
    status = d.status()
    assert status["resolver"]["root"]["serial"] == 2 and copy(d)["state"] == "current"
    assert d.cli("reload")[0] == 0
    assert serial(d) == 2 and d.ask("no-such-tld").rcode() == dns.rcode.NXDOMAIN
    d.stop()
    d.start()
    assert serial(d) == 2 and d.ask("no-such-tld").rcode() == dns.rcode.NXDOMAIN
    os.unlink(tmp_path / "source")
    wait_state(d, "lagging")
    assert errors(d.ask("no-such-tld", use_edns=0))[0].startswith("copy-lagging: ")


def test_two_copies_of_the_root_are_refused(daemon, versions, tmp_path):
    put(tmp_path / "source", versions.text(1))
    d = daemon(both_roots(versions, tmp_path, sources=[f"file:{tmp_path}/source"]), start=False)
    done = subprocess.run([program("banyand"), "-c", str(d.path), "--check"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "zones[0].sources: the root comes from root.sources, too" in done.stderr
    assert "leave out root.sources" in done.stderr
    del d.config["root"]["sources"]
    d.write()
    done = subprocess.run([program("banyand"), "-c", str(d.path), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- what clients hear of it (RFC 8914)

def errors(reply):
    return {option.code: option.text for option in reply.options if option.otype == dns.edns.EDE}


def test_clients_hear_of_trouble(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    wait_state(d, "current")
    assert errors(d.ask("no-such-tld", use_edns=0)) == {}
    put(d.source, spoil(versions.text(2)))
    wait_state(d, "held")
    reply = d.ask("no-such-tld", use_edns=0)
    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert errors(reply)[0].startswith("copy-held: ")
    assert str(d.source) not in reply.to_text()
    assert d.ask("no-such-tld", use_edns=-1).edns < 0
    put(d.source, versions.text(3, expire=5))
    wait_serial(d, 3)
    os.unlink(d.source)
    wait_state(d, "expired")
    wait_for("both errors", lambda: len(errors(d.ask("example.", use_edns=0))) == 2)
    told = errors(d.ask("example.", use_edns=0))
    assert told[0].startswith("root-copy-expired: "), told
    put(d.source, versions.text(4))
    wait_serial(d, 4)
    wait_state(d, "current")
    wait_for("no word any more", lambda: errors(d.ask("no-such-tld", use_edns=0)) == {})


def test_clients_hear_of_the_trouble_of_a_zone(daemon, tmp_path):
    text = "$ORIGIN example.\n$TTL 60\n@ SOA ns host {} 1 1 {} 60\n@ NS ns\nns A 127.0.0.1\n"
    zone = {"name": "example.", "sources": [f"file:{tmp_path}/zone"], "store": str(tmp_path / "store"),
            "refresh-min": "1s", "prove": "structure"}
    d = daemon({"zones": [zone]})

    def ask():
        reply = d.ask("example.", "SOA", use_edns=0)
        return reply.rcode(), errors(reply)

    def is_told(rcode, code, word):
        answer, told = ask()
        return answer == rcode and told.get(code, "").startswith(word)

    wait_for("empty", lambda: is_told(dns.rcode.SERVFAIL, 14, "copy-empty: "))
    put(tmp_path / "zone", text.format(1, 1000))
    wait_for("no word", lambda: ask() == (dns.rcode.NOERROR, {}))
    os.unlink(tmp_path / "zone")
    wait_for("lagging", lambda: is_told(dns.rcode.NOERROR, 0, "copy-lagging: "))
    put(tmp_path / "zone", text.format(2, 5))
    wait_for("no word", lambda: ask() == (dns.rcode.NOERROR, {}))
    os.unlink(tmp_path / "zone")
    wait_for("expired", lambda: is_told(dns.rcode.SERVFAIL, 24, "copy-expired: "))
    code, out, err = d.cli("reload")
    assert code == 0, err
    wait_for("the same after a reload", lambda: is_told(dns.rcode.SERVFAIL, 24, "copy-expired: "))
    put(tmp_path / "zone", text.format(3, 1000))
    wait_for("no word", lambda: ask() == (dns.rcode.NOERROR, {}))


# ---- reload

def test_reload_keeps_the_copy(from_file, versions, tmp_path):
    d = from_file()
    wait_serial(d, 1)
    put(tmp_path / "other", versions.text(6))
    d.config["root"]["sources"] = [f"file:{tmp_path}/other", f"file:{d.source}"]
    d.write()
    assert d.cli("reload")[0] == 0
    assert serial(d) is not None
    wait_serial(d, 6)
    d.config["root"]["sources"] = ["gopher:nowhere"]
    d.write()
    code, out, err = d.cli("reload")
    assert code != 0 and "gopher" in err
    assert serial(d) == 6


def given(d, have=None):
    """What a secondary gets: the SOA serial, and the number of messages' records."""
    records = []
    for message in dns.query.xfr("127.0.0.1", ".", rdtype="AXFR" if have is None else "IXFR", serial=have or 0, port=d.port, relativize=False, lifetime=30):
        records += [rdata for rrset in message.answer for rdata in rrset]
    return records[0].serial, len(records)


def test_given_on_by_transfer(from_file, versions):
    """Who is told of a version gets it, also after a restart and once a reload allows it."""
    d = from_file(transfer=["127.0.0.0/8"])
    wait_serial(d, 1)
    wait_for("the first version", lambda: (given_or_none(d) or (0,))[0] == 1)
    put(d.source, versions.text(2))
    wait_serial(d, 2)
    _, whole = wait_for("the second version", lambda: (now := given_or_none(d)) and now[0] == 2 and now)
    assert given(d, have=1)[0] == 2  # with the whole, which is less than the differences of what was signed anew
    d.stop()
    d.start()
    wait_for("transfers after a restart", lambda: d.log().count("ready for transfers") == 3)
    wait_for("the version", lambda: given_or_none(d) == (2, whole))
    d.cli("copy", "roll-back")
    wait_for("the version before", lambda: (given_or_none(d) or (0,))[0] == 1)


def given_or_none(d):
    try:
        return given(d)
    except (dns.exception.DNSException, OSError):
        return None


def test_given_on_after_a_reload(from_file, versions):
    d = from_file()
    wait_serial(d, 1)
    assert given_or_none(d) is None
    d.config["root"]["transfer"] = ["127.0.0.0/8"]
    d.write()
    assert d.cli("reload")[0] == 0
    wait_for("what it has", lambda: (given_or_none(d) or (0,))[0] == 1)


def test_so_many_downloads_an_hour(from_file, versions):
    d = from_file(downloads=1)
    wait_serial(d, 1)
    put(d.source, versions.text(2))
    wait_for("the limit", lambda: "1 downloads were begun" in copy(d)["why"])
    assert serial(d) == 1
    d.config["root"]["downloads"] = 10000
    d.write()
    assert d.cli("reload")[0] == 0
    wait_serial(d, 2)


def test_lists_are_fetched_at_once(daemon, versions, tmp_path):
    """And again, however busy the copy is otherwise."""
    port = free_port()
    put(tmp_path / "root.zone", versions.text(1))
    lines = f"http://127.0.0.1:{port}/root.zone\n"
    put(tmp_path / "list", f"{lines}----\nSHA256\n{hashlib.sha256(lines.encode()).hexdigest()}\n")
    web = subprocess.Popen([sys.executable, "-m", "http.server", "-b", "127.0.0.1", "-d", str(tmp_path), str(port)],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("the web server", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        d = daemon(root_config(versions, tmp_path, [f"list:http://127.0.0.1:{port}/list"]))
        wait_serial(d, 1)
    finally:
        web.kill()
        web.wait()


@pytest.mark.parametrize("place, words", [("none/store", "make the folder above it"), ("file", "Not a directory; give it the name of a folder")])
def test_a_store_that_cannot_be(daemon, versions, tmp_path, place, words):
    (tmp_path / "file").write_text("")
    d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/x"], store=str(tmp_path / place)))
    wait_for("the word", lambda: words in d.log())
    assert d.log().count("cannot be used") == 1
    assert "its store cannot be used" in d.cli("status")[1]
    assert "cannot be used" in d.cli("copy", "refresh")[2]


def test_a_list_that_is_wrong(daemon, versions, tmp_path):
    d = daemon(root_config(versions, tmp_path, [f"list:{tmp_path}/none"]))
    wait_for("the word", lambda: f"list:{tmp_path}/none: " in d.log())


def test_sources_without_a_folder(daemon, versions, tmp_path):
    d = daemon(root_config(versions, tmp_path, ["file:x"], store=""), start=False)
    d.env.pop("STATE_DIRECTORY", None)
    done = subprocess.run([program("banyand"), "-c", str(d.path), "--check"], capture_output=True, text=True, env=d.env, timeout=60)
    assert done.returncode == 1
    assert "root.store" in done.stderr


# ---- by transfer

def nsd(folder, port, zone, notify):
    return others.nsd(folder, f"127.0.0.1@{port}", zone, ["provide-xfr: 127.0.0.1 k.test", f"notify: 127.0.0.1@{notify} k.test"],
                      key="k.test", secret=SECRET)


def knot(folder, port, zone, notify):
    return others.knot(folder, f"127.0.0.1@{port}", zone, ["notify: r", "zonefile-sync: -1", "zonefile-load: difference", "journal-content: changes"],
                       remote=f"127.0.0.1@{notify}", signed=True, key="k.test", secret=SECRET)


class Primary(others.Other):
    def __init__(self, kind, folder, zone, text, notify):
        self.port, self.zone = free_port(), zone
        super().__init__(folder, kind(folder, self.port, zone, notify))
        put(folder / "zone", text)
        self.start()
        wait_for("the primary", self.serial)

    def serial(self):
        return others.serial_at(self.zone, self.port)

    def publish(self, text):
        put(self.folder / "zone", text)
        self.process.send_signal(signal.SIGHUP)


@pytest.fixture
def primary(tmp_path):
    running = []

    def start(kind, zone, text, notify=1):
        running.append(Primary(kind, tmp_path / f"p{len(running)}", zone, text, notify))
        return running[-1]
    yield start
    for p in running:
        p.stop()


KEYS = [{"name": "k.test", "algorithm": "hmac-sha256", "secret": SECRET}]


@pytest.mark.parametrize("kind", [nsd, knot])
def test_from_a_primary(daemon, primary, versions, tmp_path, kind):
    port = free_port()
    p = primary(kind, ".", versions.text(1), port)
    config = root_config(versions, tmp_path, [f"xfr:127.0.0.1@{p.port} key=k.test"])
    config["root"]["refresh-min"] = "1h"  # so that only a NOTIFY brings the second version soon
    d = daemon(dict(config, keys=KEYS), port=port)
    wait_serial(d, 1)
    p.publish(versions.text(2))
    wait_serial(d, 2)
    assert d.counters()["copy_notifies"] >= 1
    source = copy(d)["sources"][0]
    assert source["proved"] and source["serial"] == 2


def test_one_good_source_of_several(daemon, primary, versions, tmp_path):
    good = primary(nsd, ".", versions.text(1))
    put(tmp_path / "bad", spoil(versions.text(8)))
    put(tmp_path / "old", versions.text(1))
    d = daemon(dict(root_config(versions, tmp_path, [f"file:{tmp_path}/bad", f"xfr:127.0.0.1@{free_port()}",
                                                     f"xfr:127.0.0.1@{good.port} key=k.test", f"file:{tmp_path}/none"]), keys=KEYS))
    wait_serial(d, 1)
    good.publish(versions.text(2))
    wait_serial(d, 2)
    failures = {s["source"].split()[0]: s["failure"] for s in copy(d)["sources"]}
    assert "zonemd" in failures[f"file:{tmp_path}/bad"]
    good.stop()
    d.stop()
    d.start()
    assert serial(d) == 2


def test_a_zone_that_is_served(daemon, primary, tmp_path):
    text = "$ORIGIN example.\n$TTL 60\n@ SOA ns h {serial} 1 1 600 60\n@ NS ns\nns A 127.0.0.1\nserial TXT \"{serial}\"\n"
    port = free_port()
    p = primary(nsd, "example.", text.format(serial=1), port)
    d = daemon({"server": {"workers": 1}, "resolver": {"enabled": False}, "keys": KEYS,
                "zones": [{"name": "example.", "store": str(tmp_path / "store"), "sources": [f"xfr:127.0.0.1@{p.port} key=k.test"],
                           "refresh-min": "1s"}]}, port=port)

    def said():
        reply = d.ask("serial.example.", "TXT")
        assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.SERVFAIL)
        return reply.answer[0][0].strings[0].decode() if reply.answer else None
    wait_for("the first version", lambda: said() == "1")
    p.publish(text.format(serial=2))
    wait_for("the second version", lambda: said() == "2")
    p.stop()
    d.stop()
    d.start()
    assert said() == "2"
    zone = d.status()["zones"][0]
    assert zone["loaded"] and zone["serial"] == 2 and zone["copy"]["generations"] == 2


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_sources_on_this_machine_are_seen_to_change(daemon, versions, tmp_path, kind):
    """No NOTIFY, no refresh for an hour: what a publisher puts into its place is taken at once; what is still being written is not."""
    folder = tmp_path / "incoming"
    folder.mkdir()
    put(folder / "root.zone", versions.text(1, refresh=3600))
    config = root_config(versions, tmp_path, [f"file:{folder}/root.zone" if kind == "file" else f"dir:{folder}"])
    config["root"]["refresh-min"] = "1h"
    d = daemon(config)
    wait_serial(d, 1)
    put(folder / "root.zone", versions.text(2, refresh=3600))
    wait_serial(d, 2)
    put(folder / "root.zone", versions.text(3, refresh=3600))
    wait_serial(d, 3)
    (folder / "root.zone").write_text(versions.text(4, refresh=3600))  # in its place, without a new name
    wait_serial(d, 4)
    assert d.counters()["copy_notifies"] == 0 and copy(d)["state"] == "current"
    # what is bad is refused, and what is mended is looked at
    put(folder / "root.zone", spoil(versions.text(5, refresh=3600)))
    wait_state(d, "held")
    put(folder / "root.zone", versions.text(5, refresh=3600))
    wait_serial(d, 5)
    wait_state(d, "current")
    # what has changed while nobody looked
    d.stop()
    (folder / "root.zone").write_text(versions.text(6, refresh=3600))
    d.start()
    wait_serial(d, 6)
    # what has not is not read again
    d.stop()
    d.start()
    wait_for("a look at it", lambda: d.counters()["copy_probes"] >= 1)
    assert d.counters()["copy_fetches"] == 0


def notify(zone, number=None):
    message = dns.message.make_query(zone, "SOA")
    message.set_opcode(dns.opcode.NOTIFY)
    message.flags = (message.flags | dns.flags.AA) & ~dns.flags.RD
    if number is not None:
        message.answer.append(dns.rrset.from_text(zone, 300, "IN", "SOA", f"a. h. {number} 1 1 1 1"))
    return message


def test_who_may_notify(from_file, versions, tmp_path):
    d = from_file(**{"refresh-min": "1h", "notify-from": ["127.0.0.2"]})
    wait_serial(d, 1)
    put(d.source, versions.text(2))
    reply = dns.query.udp(notify("."), "127.0.0.1", port=d.port, timeout=30)
    assert reply.rcode() == dns.rcode.NOTAUTH
    for _ in range(3):
        reply = dns.query.udp(notify(".", 2), "127.0.0.1", port=d.port, timeout=30, source="127.0.0.2")
        assert reply.rcode() == dns.rcode.NOERROR and reply.opcode() == dns.opcode.NOTIFY
    wait_serial(d, 2)
    counters = d.counters()
    assert counters["copy_notifies"] == 3 and counters["copy_notifies_refused"] == 1
