# SPDX-License-Identifier: GPL-3.0-or-later
"""A reload takes over all or nothing, and no question waits for it or is lost."""
import contextlib
import os
import select
import signal
import socket
import threading
import time
from pathlib import Path

import dns.message
import dns.query
import pytest

from conftest import DEADLINE_S, example_zone, tcp_message, tcp_read, wait_for


def zone_file(d):
    return d.config["zones"][0]["file"]


def write_zone(d, text):
    """As a careful publisher does it: the new file takes the old one's place at once."""
    path = zone_file(d)
    with open(path + ".new", "w") as out:
        out.write(text)
    os.replace(path + ".new", path)


def serial(d, **options):
    return int(d.ask("serial.example.", "TXT", **options).answer[0][0].strings[0])


def test_new_serial(authority):
    d = authority()
    assert serial(d) == 1
    write_zone(d, example_zone(2))
    code, out, _ = d.cli("reload")
    assert code == 0 and "reloaded: 1 zone" in out
    assert serial(d) == 2
    assert d.status()["counters"]["reloads"] == 1


class Stream(threading.Thread):
    """Asks all the time, over UDP and TCP, and keeps what came back."""

    def __init__(self, d):
        super().__init__(daemon=True)
        self.d, self.stopped = d, False
        self.sent, self.serials, self.unanswered = 0, [], 0

    def run(self):
        d = self.d
        waiting = {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, d.connect() as tcp:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            udp.connect(("127.0.0.1", d.port))
            while not self.stopped or waiting:
                if not self.stopped and len(waiting) < 50:
                    query = dns.message.make_query("serial.example.", "TXT", id=self.sent % 65536)
                    waiting[query.id] = time.monotonic()
                    if self.sent % 2:
                        udp.send(query.to_wire())
                    else:
                        tcp.sendall(tcp_message(query))
                    self.sent += 1
                for s in select.select([udp, tcp], [], [], 0 if len(waiting) < 50 and not self.stopped else 1)[0]:
                    reply = tcp_read(tcp) if s is tcp else dns.message.from_wire(udp.recv(65535))
                    if reply is None:
                        self.unanswered += len(waiting)
                        return
                    del waiting[reply.id]
                    self.serials.append(int(reply.answer[0][0].strings[0]))
                if waiting and time.monotonic() - min(waiting.values()) > DEADLINE_S:
                    self.unanswered += len(waiting)
                    return


def test_under_load_nothing_is_lost(authority):
    d = authority()
    stream = Stream(d)
    stream.start()
    for n in range(2, 22):
        write_zone(d, example_zone(n))
        d.process.send_signal(signal.SIGHUP)
        wait_for(f"serial {n}", lambda n=n: stream.serials and stream.serials[-1] >= n or not stream.is_alive())
    wait_for("enough questions", lambda: stream.sent > 200 or not stream.is_alive())
    stream.stopped = True
    stream.join(2 * DEADLINE_S)
    assert not stream.is_alive()
    assert stream.unanswered == 0
    assert len(stream.serials) == stream.sent > 200
    assert stream.serials[-1] == 21
    assert d.counters()["udp_send_failed"] == 0


def test_bad_configuration_keeps_the_old(authority):
    d = authority()
    good = d.path.read_text()
    write_zone(d, example_zone(2))
    d.path.write_text(good + "nonsense: 1\n")
    code, _, err = d.cli("reload")
    assert code == 1
    assert "nonsense" in err and "kept" in err
    assert "nonsense" in d.log()
    assert serial(d) == 1
    assert "nonsense" in d.status()["failed_reload"]
    assert "FAILED" in d.cli("status")[1]
    d.path.write_text(good)
    assert d.cli("reload")[0] == 0
    assert serial(d) == 2
    assert d.status()["failed_reload"] == ""


@pytest.mark.parametrize("text, why", [
    ("$ORIGIN example.\n@ 60 IN A 192.0.2.1\n", "soa-missing"),
    ("$ORIGIN example.\n@ 60 IN SOA a b 1 2 3\n", "banyan"),
    ("", "soa-missing"),
])
def test_bad_zone_keeps_the_old(authority, text, why):
    d = authority()
    write_zone(d, text)
    code, _, err = d.cli("reload")
    assert code == 1 and "example." in err
    assert serial(d) == 1
    assert d.status()["counters"]["reloads_failed"] == 1


def test_missing_zone_keeps_the_old(authority):
    d = authority()
    os.unlink(zone_file(d))
    code, _, err = d.cli("reload")
    assert code == 1 and zone_file(d) in err
    assert serial(d) == 1


def test_one_bad_zone_keeps_all(authority, tmp_path):
    d = authority()
    other = tmp_path / "other.zone"
    other.write_text("other. 60 SOA a.other. b.other. 1 2 3 4 5\n")
    d.config["zones"].append({"name": "other.", "file": str(other)})
    d.write()
    write_zone(d, example_zone(2))
    code, _, err = d.cli("reload")  # other. has no NS
    assert code == 1 and "apex-ns-missing" in err
    assert serial(d) == 1
    other.write_text("other. 60 SOA a.other. b.other. 1 2 3 4 5\nother. 60 NS ns.example.\n")
    code, out, _ = d.cli("reload")
    assert code == 0 and "2 zones" in out
    assert serial(d) == 2
    assert d.ask("other.", "SOA").answer


def test_zone_taken_away(authority):
    d = authority()
    d.config["zones"] = []
    d.write()
    assert d.cli("reload")[0] == 0
    assert d.ask("www.example.").rcode() == 5
    assert d.status()["zones"] == []


def test_what_needs_a_restart_is_named(authority):
    d = authority()
    d.config["server"]["workers"] = 1
    d.config["server"]["identity"] = "other-name"
    d.write()
    code, out, _ = d.cli("reload")
    assert code == 0 and "restart" in out and "server.workers" in out and "identity" not in out
    assert d.status()["workers"] == 2
    assert str(d.ask("id.server.", "TXT", rdclass="CH").answer[0][0]) == '"other-name"'


def test_many_reloads_at_once(authority):
    """Whoever asks during a reload gets the next one's outcome."""
    d = authority()
    write_zone(d, example_zone(5))
    results = []
    threads = [threading.Thread(target=lambda: results.append(d.cli("reload"))) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [code for code, _, _ in results] == [0] * 20
    assert serial(d) == 5


def test_bad_zone_at_start_is_an_exit_with_a_reason(authority, tmp_path):
    d = authority(start=False)
    os.unlink(zone_file(d))
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert "error banyand: zone example." in d.log()
    d.process = None
    assert not os.path.exists(d.socket)


def test_reload_gives_way_to_workers(authority):
    """What reads and proves is nicer than what answers: where both want one CPU, clients hardly wait."""
    d = authority()
    nice = lambda task: int((task / "stat").read_text().rpartition(")")[2].split()[16])  # noqa: E731

    def threads():
        found = {}
        for task in Path(f"/proc/{d.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found[task.name] = nice(task)
        return found
    before = wait_for("those that read at the start to be gone", lambda: (now := threads()) and set(now.values()) == {0} and now)
    assert d.cli("reload")[0] == 0
    after = threads()
    assert {after[task] for task in before} == {0}  # the workers and the keeper are who they were
    assert 10 in after.values()
