# SPDX-License-Identifier: GPL-3.0-or-later
"""Editions of the root: a namespace of its own each, used by who was told to and refused by everybody else; and who gives them on."""
import re
import socket
import subprocess
import threading

import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import put
from daemons import free_port, program, wait_for
from test_copies import copy, root_config, serial, wait_serial, wait_state
from test_dates import FIRST, NOW, SECOND, version, words


@pytest.mark.parametrize("trusted, given", [("", "open"), ("open", ""), ("open", "other"), ("open", "Open")])
def test_another_edition_is_refused(daemon, versions, tmp_path, trusted, given):
    def text(number, name):
        return versions.text(number, more=f'. 300 TXT "edition={name}"\n' if name else "")
    put(tmp_path / "source", text(1, trusted))
    d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/source"], edition=trusted, fallback=False))
    wait_serial(d, 1)
    put(tmp_path / "source", text(2, given))
    wait_state(d, "held")
    assert "edition-other" in copy(d)["why"]
    assert serial(d) == 1
    put(tmp_path / "source", text(3, trusted))
    wait_serial(d, 3)
    wait_state(d, "current")


def test_another_edition_after_a_reload(daemon, versions, tmp_path):
    """What is in use is proved once more when another edition is trusted, and goes."""
    put(tmp_path / "source", versions.text(1))
    d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/source"], fallback=False))
    wait_serial(d, 1)
    d.config["root"]["edition"] = "open"
    d.write()
    assert d.cli("reload")[0] == 0
    assert serial(d) is None
    wait_for("why", lambda: "edition-other" in d.log())
    put(tmp_path / "source", versions.text(2, more='. 300 TXT "edition=open"\n'))
    wait_serial(d, 2)
    assert copy(d)["edition"] == "open"


def test_malformed_words_are_refused(daemon, versions, tmp_path):
    put(tmp_path / "source", versions.text(1, more='. 300 TXT "edition=open" "valid-from=tomorrow"\n'))
    d = daemon(root_config(versions, tmp_path, [f"file:{tmp_path}/source"], edition="open", fallback=False))
    wait_for("its refusal", lambda: "edition-malformed" in d.log())
    wait_state(d, "empty")


def test_a_name_that_is_none(daemon, versions, tmp_path):
    d = daemon(root_config(versions, tmp_path, [], edition="two words"), start=False)
    done = subprocess.run([program("banyand"), "-c", str(d.path), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and '"two words" is no name of an edition' in done.stderr + done.stdout


@pytest.mark.parametrize("keeps", [True, False])
def test_a_master_gives_on_at_once(daemon, versions, tmp_path, keeps):
    """zones[].dates: what is offered ahead is served when its time begins, or, by a distribution master, when it comes."""
    put(tmp_path / "source", version(versions, 1))
    d = daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
                "zones": [{"name": ".", "sources": [f"file:{tmp_path}/source"], "store": str(tmp_path / "store"), "refresh-min": "1s",
                           "anchors": [versions.anchors()], "transfer": ["127.0.0.1"], "dates": keeps}]})
    wait_serial(d, 1)
    put(tmp_path / "source", version(versions, 2))
    if keeps:
        wait_for("the shelf", lambda: d.counters()["copy_ahead"] == 1)
        assert serial(d) == 1
    else:
        wait_serial(d, 2)
        assert d.counters()["copy_ahead"] == 0


def test_a_resolver_behind_a_master(daemon, versions, tmp_path):
    """By transfer: the master offers ahead, the resolver waits."""
    put(tmp_path / "source", version(versions, 1))
    master = daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
                     "zones": [{"name": ".", "sources": [f"file:{tmp_path}/source"], "store": str(tmp_path / "master"),
                                "refresh-min": "1s", "anchors": [versions.anchors()], "transfer": ["127.0.0.1"], "dates": False}]})
    wait_serial(master, 1)
    d = daemon(root_config(versions, tmp_path, [f"xfr:127.0.0.1@{master.port}"], edition="open", fallback=False))
    wait_serial(d, 1)
    put(tmp_path / "source", version(versions, 2))
    wait_serial(master, 2)
    wait_for("serial 2 on the shelf", lambda: copy(d).get("next_serial") == 2)
    assert serial(d) == 1
    assert copy(d)["state"] == "current"
    # and a correction of it by differences from that
    put(tmp_path / "source", versions.text(3, more=words(SECOND) + "more. 300 TXT x\n", since=20 * 86400))
    wait_for("serial 3 on the shelf", lambda: d.counters()["copy_ahead"] == 2)
    assert serial(d) == 1 and copy(d)["generations"] == 3


def test_published_ahead_as_files(daemon, versions, tmp_path):
    """A node publishes what it keeps for later; its pointer says what it is, and who trusts another edition does not even fetch it."""
    port = free_port(["127.0.0.1"])
    folder = tmp_path / "files"
    folder.mkdir()
    put(tmp_path / "source", version(versions, 1))
    config = root_config(versions, tmp_path, [f"file:{tmp_path}/source"], edition="open", fallback=False, publish=True)
    config["server"].update({"files-folder": str(folder), "files-listen": [f"127.0.0.1@{port}"]})
    node = daemon(config)
    wait_serial(node, 1)
    current = folder / "root" / "current"
    wait_for("serial 1 as files", lambda: current.exists() and "\nserial 1\n" in current.read_text())
    source = [f"http://127.0.0.1:{port}/root/"]
    d = daemon(root_config(versions, tmp_path, source, edition="open", fallback=False, store=str(tmp_path / "second")))
    other = daemon(root_config(versions, tmp_path, source, fallback=False, store=str(tmp_path / "third")))
    wait_serial(d, 1)
    put(tmp_path / "source", version(versions, 2))
    wait_for("serial 2 as files", lambda: "\nserial 2\n" in current.read_text())
    assert re.search(r"\nedition open\nvalid-from 20\S+Z\nvalid-until 20\S+Z\n", current.read_text())
    wait_for("serial 2 on the shelf", lambda: copy(d).get("next_serial") == 2)
    assert serial(node) == serial(d) == 1
    assert d.counters()["copy_deltas"] == 1
    done = subprocess.run([program("banyan"), "files", "check", str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for("the refusal", lambda: "edition-other: what is published there is edition open" in copy(other)["sources"][0]["failure"])
    assert other.counters()["copy_fetches"] == 0 and serial(other) is None


class Asked:
    """A root server that refuses everything and counts."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port, self.count = self.socket.getsockname()[1], 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            self.count += 1
            reply = dns.message.make_response(dns.message.from_wire(data))
            reply.set_rcode(dns.rcode.REFUSED)
            self.socket.sendto(reply.to_wire(), peer)

    def close(self):
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(30)
        self.socket.close()


@pytest.fixture
def asked():
    server = Asked()
    yield server
    server.close()


def ask(d, name):
    return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=d.port, timeout=60)


@pytest.mark.parametrize("before, after", [("", "open"), ("open", "")])
def test_a_reload_leaves_no_way_back(daemon, versions, tmp_path, asked, before, after):
    """The hints of one namespace are not asked for names of another, nor is there anything of it in the cache or in the place of the root."""
    source = tmp_path / "source"
    put(source, versions.text(1, more=f'. 300 TXT "edition={before}"\n' if before else ""))
    config = root_config(versions, tmp_path, [f"file:{source}"], edition=before, fallback=True, hints=[f"127.0.0.1@{asked.port}"])
    config["resolver"]["validate"] = False
    d = daemon(config)
    wait_serial(d, 1)
    put(source, "nothing")
    count = asked.count  # while there was no copy
    d.config["root"]["edition"] = after
    d.write()
    assert d.cli("reload")[0] == 0
    assert serial(d) is None
    assert ask(d, "below.example.").rcode() == dns.rcode.SERVFAIL
    assert asked.count == count
    assert "root servers that are known here are those of another namespace" in d.log() and "the cache is emptied" in d.log()
    d.stop()  # and with what it is told now from the start
    d.start()
    assert ask(d, "below.example.").rcode() == dns.rcode.SERVFAIL
    assert asked.count > count


@pytest.mark.parametrize("given", ["", "other", "open"])
def test_a_root_that_is_served_is_of_the_same_edition(daemon, versions, tmp_path, given):
    put(tmp_path / "root.zone", versions.text(1, more=f'. 300 TXT "edition={given}"\n' if given else ""))
    config = root_config(versions, tmp_path, [], edition="open", fallback=False)
    config["zones"] = [{"name": ".", "file": str(tmp_path / "root.zone"), "prove": "structure"}]
    d = daemon(config, start=False)
    if given == "open":
        d.start()
    else:
        done = subprocess.run([program("banyand"), "-c", str(d.path)], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and "their names would mix" in done.stderr + done.stdout


def test_verify_says_it_and_holds_it(versions, tmp_path):
    put(tmp_path / "zone", version(versions, 1))

    def verify(*options):
        done = subprocess.run([program("banyan"), "verify", "--anchor", versions.anchors(), *options, str(tmp_path / "zone")],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout
    assert verify()[0] == 0 and "edition     open, valid from " in verify()[1]
    assert '"edition": "open", "valid_from": "20' in verify("--json")[1]
    assert verify("--edition", "open")[0] == 0
    code, out = verify("--edition", "")
    assert code == 1 and "edition-other" in out
    code, out = verify("--edition", "open", "--at", str(NOW + FIRST - 1))
    assert code == 1 and "edition-early" in out
    code, out = verify("--edition", "open", "--at", str(NOW + FIRST + 2 * 86400))
    assert code == 1 and "edition-ended" in out
    assert verify("--edition", "two words")[0] == 2
