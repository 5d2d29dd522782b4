# SPDX-License-Identifier: GPL-3.0-or-later
"""Started as root, the daemon keeps nothing of it; what it may still do is enough for all that it does."""
import os
import pwd
import re
import resource
import socket
import stat
import subprocess

import dns.message
import pytest

from conftest import DEADLINE_S, free_port, is_sanitized, program, wait_for

NO_CAPS = "0000000000000000"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def proc_status(pid, thread):
    text = open(f"/proc/{pid}/task/{thread}/status").read()
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))


def open_way(path):
    """pytest's folders are for their owner alone; the daemon becomes another."""
    for folder in [path, *path.parents]:
        if str(folder).startswith("/tmp/"):
            os.chmod(folder, os.stat(folder).st_mode | 0o055)


@needs_root
def test_dropped(authority, tmp_path):
    nobody = pwd.getpwnam("nobody")
    d = authority({"user": "nobody"}, start=False)
    open_way(d.folder)
    d.start()
    threads = os.listdir(f"/proc/{d.process.pid}/task")
    assert len(threads) >= 3  # the keeper and two workers
    for thread in threads:
        try:
            status = proc_status(d.process.pid, thread)
        except OSError:
            continue  # one that helped at the start has just ended
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert "0" not in status["Groups"].split()
        for caps in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert status[caps] == NO_CAPS, caps
        assert status["NoNewPrivs"] == "1"
        if not is_sanitized():
            assert status["Seccomp"] == "2"
    mode = os.stat(d.socket)
    assert mode.st_uid == nobody.pw_uid and stat.S_IMODE(mode.st_mode) == 0o660
    # and still it answers, reloads and stops
    assert d.ask("www.example.").answer and d.ask("www.example.", tcp=True).answer
    assert d.cli("reload")[0] == 0
    os.chmod(d.config["zones"][0]["file"], 0o600)  # root's, no longer readable: refused, not lost
    code, _, err = d.cli("reload")
    assert code == 1 and "example." in err
    assert d.ask("www.example.").answer


@needs_root
def test_bounding_set_is_empty(authority):
    d = authority({"user": "nobody"}, start=False)
    open_way(d.folder)
    d.start()
    left = int(proc_status(d.process.pid, d.process.pid)["CapBnd"], 16)
    # the two that the change of user itself needed cannot be given up after it; without privileges they are nothing
    assert left & ~(1 << 6 | 1 << 7) == 0


@pytest.mark.skipif(is_sanitized(), reason="sanitizers make system calls that the filter denies")
def test_confined_without_other_user(authority):
    d = authority()
    status = proc_status(d.process.pid, d.process.pid)
    assert status["CapEff"] == NO_CAPS and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


def test_table_of_files_has_its_size_from_the_start(authority):
    """Linux makes it larger while it is in use only by waiting for all CPUs, and a worker would stand still."""
    d = authority()
    most = resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE)[0]
    assert int(proc_status(d.process.pid, d.process.pid)["FDSize"]) >= min(most, 8192)


def test_unconfined(authority):
    d = authority({"confine": False})
    assert proc_status(d.process.pid, d.process.pid)["Seccomp"] == "0"


def test_unknown_user(authority):
    d = authority({"user": "no-such-user-here"}, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert "no-such-user-here" in d.log()
    d.process = None


@needs_root
def test_who_is_not_root_cannot_become_another(authority):
    d = authority({"user": "daemon"}, start=False, prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    open_way(d.folder)
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert "only root" in d.log()
    d.process = None


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@needs_root
def test_any_user_in_any_folder(tmp_path):
    """No rundir, no capability, no folder of its own: ready when TCP is accepted, gone with status 0 on SIGTERM."""
    port = free_port()
    open_way(tmp_path)
    os.chown(tmp_path, 65534, 65534)
    (tmp_path / "my.yaml").write_text(f"server: {{listen: [127.0.0.1@{port}], confine: {str(not is_sanitized()).lower()}}}\n"
                                      "root: {file: ''}\n")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
               program("banyand"), "-c", "my.yaml"]
    with open(tmp_path / "log", "wb") as log:
        # a process that changed its user may not trace itself, as the leak detector does
        process = subprocess.Popen(command, cwd=tmp_path, stderr=log, stdin=subprocess.DEVNULL,
                                   env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    try:
        wait_for("TCP to be accepted", lambda: process.poll() is not None or accepts(port))
        asked = subprocess.run([program("banyan"), "status"], cwd=tmp_path, capture_output=True, text=True)
        assert asked.returncode == 0 and "banyand" in asked.stdout, asked.stderr
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0, (tmp_path / "log").read_text()


def in_folder(folder, config, user=("--reuid=65534", "--regid=65534", "--clear-groups")):
    """Somebody's banyand, started in this folder; its errors go to a pipe."""
    return subprocess.Popen(["setpriv", *user, program("banyand"), "-c", str(config)], cwd=folder, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, text=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))


@needs_root
def test_folder_that_cannot_be_written_or_has_a_daemon_already(tmp_path):
    """Nobody has said where the control socket should be, so it is no reason to fail; and SIGTERM while questions are in flight."""
    open_way(tmp_path)
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chown(shared, 65534, 65534)
    started = []
    try:
        for number, folder in enumerate(("/", shared, shared)):
            port = free_port()
            config = tmp_path / f"{number}.yaml"
            config.write_text(f"server: {{listen: [127.0.0.1@{port}], confine: {str(not is_sanitized()).lower()}}}\n"
                              "root: {file: '', hints: [127.77.0.1]}\nresolver: {loopback: 'on'}\n")
            started.append((in_folder(folder, config), port))
        for process, port in started:
            wait_for("TCP to be accepted", lambda: process.poll() is not None or accepts(port))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for i in range(100):
                    s.sendto(dns.message.make_query(f"n{i}.example.", "A").to_wire(), ("127.0.0.1", port))
    finally:
        for process, _ in started:
            process.terminate()
        logs = [process.communicate(timeout=DEADLINE_S)[1] for process, _ in started]
    assert [process.returncode for process, _ in started] == [0, 0, 0], logs
    warned = ["banyan(1) cannot talk to this daemon" in log for log in logs]
    assert warned[0] and sorted(warned[1:]) == [False, True], logs


def test_sigterm_while_it_starts(daemon, tmp_path):
    """Who does not want to wait until a large zone is proved need not."""
    (tmp_path / "large.zone").write_text("large. 60 SOA ns h 1 60 60 600 60\nlarge. 60 NS ns.large.\nns.large. 60 A 192.0.2.1\n" +
                                         "".join(f"n{i}.large. 60 A 192.0.2.2\n" for i in range(200000)))
    d = daemon({"resolver": {"enabled": False}, "zones": [{"name": "large.", "file": str(tmp_path / "large.zone")}]}, start=False)
    d.launch()
    wait_for("its first signs of life", lambda: os.path.exists(d.socket))
    d.stop()
    assert not os.path.exists(d.socket)


def test_a_socket_that_was_chosen_must_be_had(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(f"server: {{listen: [127.0.0.1@{free_port()}], control: /proc/control.sock}}\nroot: {{file: ''}}\n")
    done = subprocess.run([program("banyand"), "-c", str(config)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "/proc/control.sock" in done.stderr


def test_nothing_is_denied_under_load(authority):
    """The daemon's own system calls all pass its filter, whatever it is asked to do."""
    if is_sanitized():
        pytest.skip("sanitizers need more system calls")
    if subprocess.run(["sh", "-c", "command -v strace"], capture_output=True).returncode != 0:
        pytest.skip("strace is not installed")
    d = authority()
    trace = d.folder / "strace"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "status=failed", "-o", trace, "-p", str(d.process.pid)],
                              stderr=subprocess.DEVNULL)
    try:
        wait_for("strace to be attached", lambda: proc_status(d.process.pid, d.process.pid)["TracerPid"] != "0")
        for i in range(300):
            d.ask(f"n{i}.example.", tcp=i % 3 == 0)
        assert d.cli("reload")[0] == 0
        assert d.cli("status")[0] == 0
        d.stop()
        assert tracer.wait(DEADLINE_S) == 0
    finally:
        tracer.kill()
    failed = trace.read_text().splitlines()
    assert any("EAGAIN" in line for line in failed)  # the trace has seen something
    # clone3 is refused by design, and the C library goes on with clone; a forced buffer size needs a capability
    expected = ("clone3(", "SO_SNDBUFFORCE")
    assert [line for line in failed if ("EPERM" in line or "ENOSYS" in line) and not any(e in line for e in expected)] == []
