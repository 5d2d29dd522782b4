# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket: what banyan status, stop and strangers on it get."""
import os
import socket
import stat

from conftest import DEADLINE_S, wait_for


def say(d, data, shut=False):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(DEADLINE_S)
        s.connect(d.socket)
        s.sendall(data)
        if shut:
            s.shutdown(socket.SHUT_WR)
        reply = b""
        try:
            while more := s.recv(65536):
                reply += more
        except ConnectionResetError:
            pass
        return reply


def test_status_json(authority):
    d = authority()
    d.ask("www.example.")
    d.ask("www.example.", tcp=True)
    status = d.status()
    assert status["workers"] == 2
    assert status["zones"][0]["name"] == "example." and status["zones"][0]["serial"] == 1
    assert status["zones"][0]["proved"] is False  # structure alone is no proof
    assert status["resolver"] == {"enabled": False}
    assert status["counters"]["udp_questions"] == 1 and status["counters"]["tcp_questions"] == 1
    assert status["counters"]["replies_noerror"] == 2
    assert status["failed_reload"] == ""


def test_status_text(authority):
    d = authority()
    code, out, _ = d.cli("status")
    assert code == 0
    assert "zone example.: serial 1" in out and "resolver: off" in out


def test_counters(authority):
    d = authority()
    d.ask("none.example.")
    code, out, _ = d.cli("status", "--counters")
    assert code == 0
    lines = dict(line.split() for line in out.splitlines())
    assert lines["replies_nxdomain"] == "1" and lines["udp_questions"] == "1"


def test_socket_mode(authority):
    d = authority()
    assert stat.S_IMODE(os.stat(d.socket).st_mode) == 0o660


def test_stop(authority):
    d = authority()
    code, out, _ = d.cli("stop")
    assert code == 0 and "stopping" in out
    assert d.process.wait(DEADLINE_S) == 0
    assert not os.path.exists(d.socket)


def test_strange_requests(authority):
    d = authority()
    assert say(d, b"nonsense\n").startswith(b"failed\n")
    assert say(d, b"\n").startswith(b"failed\n")
    assert say(d, b"a b c d e f g h i j\n").startswith(b"failed\n")
    assert say(d, b"x" * 2047).startswith(b"failed\n")
    assert say(d, b"status surplus\n").startswith(b"failed\n")
    assert say(d, b"trace www.example.\n").startswith(b"failed\n")  # no resolver here
    assert say(d, b"status", shut=True) == b""  # no line, no reply
    assert say(d, b"status\n", shut=True).startswith(b"ok\n")
    assert say(d, b"status json\nstatus\n").count(b"ok\n") == 1  # one request a connection
    assert d.ask("www.example.").answer


def test_clients_that_say_nothing_are_bounded(authority):
    d = authority()
    silent = []
    for _ in range(60):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(DEADLINE_S)
        s.connect(d.socket)
        silent.append(s)
    # they are closed after some seconds; then there is room again
    wait_for("room on the control socket", lambda: d.cli("status")[0] == 0)
    for s in silent:
        s.close()


def test_stale_socket_is_replaced(authority):
    d = authority(start=False)
    os.makedirs(os.path.dirname(d.socket))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(d.socket)  # and gone without unlink, as after a crash
    d.start()
    assert d.cli("status")[0] == 0


def test_what_is_no_socket_is_left_alone(authority):
    d = authority(start=False)
    os.makedirs(os.path.dirname(d.socket))
    with open(d.socket, "w") as out:
        out.write("precious")
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert open(d.socket).read() == "precious"
    d.process = None


def test_service_manager_hears_of_it(authority):
    d = authority(start=False)
    d.launch()
    assert "STATUS=" in d.notified("READY=1")
    d.process.send_signal(1)
    assert "MONOTONIC_USEC=" in d.notified("RELOADING=1")
    d.notified("READY=1")
    d.process.send_signal(15)
    d.notified("STOPPING=1")
    d.process.send_signal(15)  # a second one, or a late SIGHUP, while it stops changes nothing
    d.process.send_signal(1)


def test_watchdog(authority):
    d = authority(start=False)
    d.env["WATCHDOG_USEC"] = "2000000"
    d.start()
    for _ in range(3):
        d.notified("WATCHDOG=1")
