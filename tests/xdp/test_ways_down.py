# SPDX-License-Identifier: GPL-3.0-or-later
"""Where AF_XDP is not possible, sockets serve and the log says why; and however a daemon ends, its filter goes with it."""
import shutil
import signal
import subprocess

import dns.message
import pytest
import wires
import daemons
from conftest import af_xdp_is_there, settles
from daemons import TOP, is_sanitized, program, wait_for
from wires import CLIENT, SERVER, SERVER6


def is_answered(wire, server=SERVER, client=CLIENT):
    q = dns.message.make_query("www.sizes.example.", "A")
    with wire.socket(client) as s:
        s.sendto(q.to_wire(), (server, 53))
        return bool(dns.message.from_wire(s.recv(4096)).answer)


def by_sockets(d, wire):
    assert is_answered(wire)
    counters = d.counters()
    return counters["udp_questions"] > 0 and counters["xdp_questions"] == 0


def test_no_such_interface(serve, wire):
    d = serve(server={"xdp": ["none0"]})
    assert "warning banyand: no AF_XDP on none0, ordinary sockets serve it: there is no such interface" in d.log()
    assert by_sockets(d, wire)


def test_the_loopback(serve, wire):
    d = serve(server={"xdp": ["lo"], "listen": ["127.0.0.1@53", f"{SERVER}@53"]})
    assert "no AF_XDP on lo, ordinary sockets serve it: it is the loopback" in d.log()
    assert by_sockets(d, wire)


def test_an_address_that_is_not_there(serve, wire):
    d = serve(server={"listen": ["127.0.0.1@53"]}, config={})
    assert "no AF_XDP on s0, ordinary sockets serve it: no address of server.listen can be asked through it" in d.log()


def test_no_privilege(serve, wire):
    """As in a container: root, but not with all its rights."""
    keep = "-all,+net_bind_service,+setuid,+setgid,+setpcap,+chown,+dac_override,+fowner,+kill"
    d = serve(prefix=["setpriv", "--bounding-set", keep, "--inh-caps", "-all"])
    assert "no AF_XDP on s0, ordinary sockets serve it: the kernel refuses maps for a filter: Operation not permitted (CAP_BPF" in d.log()
    assert by_sockets(d, wire)


def test_another_program_is_there(xdp, serve, wire):
    first = xdp()
    second = serve(server={"listen": ["10.53.0.3@53"]})
    assert "no AF_XDP on s0, ordinary sockets serve it: another program (bpf id " in second.log()
    assert is_answered(wire, server="10.53.0.3")
    assert is_answered(wire) and settles(first, xdp_replies=1)
    second.stop()
    assert is_answered(wire) and settles(first, xdp_replies=2)


@pytest.fixture
def macvlan(xdp, wire):
    """m0, an interface without XDP of its own; it is down."""
    xdp().stop()
    wires.run("ip", "link", "add", "m0", "link", "s0", "type", "macvlan", "mode", "private")
    wires.run("ip", "addr", "add", "10.54.0.1/24", "dev", "m0")
    with wire.client():
        wires.run("ip", "addr", "add", "10.54.0.2/24", "dev", "c0")
    yield "m0"
    with wire.client():
        wires.run("ip", "addr", "del", "10.54.0.2/24", "dev", "c0")
    subprocess.run(["ip", "link", "del", "m0"], capture_output=True)


def start_on_both(xdp):
    return xdp(server={"xdp": ["s0", "m0"], "listen": [f"{SERVER}@53", "10.54.0.1@53"]})


def test_a_driver_without_it(xdp, wire, macvlan):
    """The kernel's generic XDP takes its place."""
    d = start_on_both(xdp)
    assert "m0: AF_XDP in generic mode, copied, 1 queue, 2 addresses; not native: the filter cannot be attached: the driver has no such mode" in d.log()
    wires.run("ip", "link", "set", "m0", "up")
    assert is_answered(wire, "10.54.0.1", "10.54.0.2")
    assert is_answered(wire)
    assert settles(d, xdp_replies=2)
    d.stop()
    assert wire.programs("m0") == wire.programs("s0") == []


def test_an_interface_above_is_in_the_way(xdp, serve, wire, macvlan):
    d = serve(server={"xdp": ["m0", "s0"]})
    assert "no AF_XDP on s0, ordinary sockets serve it: the filter cannot be attached: File exists (an interface on top of it has a program)" in d.log()
    assert is_answered(wire)


def test_an_interface_that_goes_away(xdp, wire, macvlan):
    d = start_on_both(xdp)
    wires.run("ip", "link", "set", "m0", "up")
    assert is_answered(wire, "10.54.0.1", "10.54.0.2")
    wires.run("ip", "link", "del", "m0")
    assert is_answered(wire) and settles(d, xdp_replies=2)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGABRT])
def test_the_filter_goes_with_the_daemon(xdp, wire, how):
    d = xdp()
    d.process.send_signal(how)
    d.process.wait(60)
    d.stop(expect=None)
    wait_for("no program", lambda: wire.programs() == [])
    again = xdp()
    assert is_answered(wire) and settles(again, xdp_replies=1)


def test_a_start_that_fails_after_it_was_attached(serve, wire, tmp_path):
    bad = tmp_path / "bad.zone"
    bad.write_text("this is no zone\n")
    d = serve({"zones": [{"name": "bad.example", "file": str(bad), "prove": "structure"}]}, start=False)
    done = subprocess.run([program("banyand"), "-c", str(d.path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "bad.zone" in done.stderr
    assert wire.programs() == []


def test_without_rights_once_it_runs(xdp, wire):
    """The queues are served by nobody in particular, behind the filter of system calls."""
    d = xdp(server={"user": "nobody"})
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{d.process.pid}/status").read().splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == 0 and status["Uid"].split()[0] != "0"
    assert is_sanitized() or status["Seccomp"] == "2"
    assert is_answered(wire) and is_answered(wire, SERVER6, wires.CLIENT6)
    assert settles(d, xdp_replies=2)
    d.stop()
    assert wire.programs() == []


def rights(*paths):
    """The capabilities that units give, as setpriv calls them."""
    words = [word for path in paths for line in path.read_text().splitlines() if line.startswith("AmbientCapabilities=")
             for word in line.split("=", 1)[1].split()]
    assert words
    return ",".join(["-all"] + ["+" + word.removeprefix("CAP_").lower() for word in words])


def test_with_the_rights_that_the_drop_in_gives(serve, wire, monkeypatch):
    """Its own user from the start, as systemd starts it with packaging/systemd/xdp.conf; and with one right less by sockets."""
    original, packaging = daemons.program, TOP / "packaging" / "systemd"
    sets = rights(packaging / "banyand.service.in", packaging / "xdp.conf")

    def start(sets):
        prefix = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--no-new-privs", "--bounding-set", sets,
                  "--inh-caps", sets, "--ambient-caps", sets, "--"]
        d = serve(server={"user": ""}, start=False, prefix=prefix)
        copy = shutil.copy(original("banyand"), d.folder)  # nobody may not see where it was built
        shutil.chown(d.folder, "nobody")
        for path in d.folder.iterdir():
            path.chmod(0o755)
        monkeypatch.setattr(daemons, "program", lambda name: copy if name == "banyand" else original(name))
        return d.start()
    d = start(sets.replace(",+bpf", "").replace(",+sys_admin", ""))
    assert "no AF_XDP on s0, ordinary sockets serve it: the kernel refuses" in d.log()
    assert by_sockets(d, wire)
    d.stop()
    d = start(sets)
    if not af_xdp_is_there():
        pytest.skip("this kernel gives no AF_XDP to this process")
    assert "s0: AF_XDP in native mode" in d.log(), d.log()
    assert is_answered(wire) and settles(d, xdp_replies=1)
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{d.process.pid}/status").read().splitlines() if ":\t" in line)
    assert is_sanitized() or int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapAmb"], 16) == 0  # server.confine


@pytest.mark.parametrize("names, words", [
    (["eth0", "eth0"], "server.xdp: eth0 stands here twice"),
    (["a name"], "server.xdp: found 'a name'; allowed is the name of a network interface, such as eth0"),
    (["much-too-long-name"], "server.xdp: found 'much-too-long-name'"),
])
def test_mistakes_are_named(serve, names, words):
    d = serve(server={"xdp": names}, start=False)
    done = subprocess.run([program("banyand"), "-c", str(d.path), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and words in done.stderr
