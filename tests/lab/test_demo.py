# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: it shows what it promises, fails when a name is not found as expected, and leaves nothing behind."""
import os
import signal
import subprocess

import pytest

from conftest import DEADLINE_S, TOP, free_ports, processes_of, program, wait_for

pytestmark = pytest.mark.skipif(bool(os.environ.get("BANYAN_SANITIZED")),
                                reason="the demo's daemons are confined, which sanitizers do not bear")


@pytest.fixture
def demo(tmp_path, place):
    """Starts the demo."""
    build, tmp = tmp_path / "build", place
    build.mkdir()
    for name in ("banyan", "banyand"):
        (build / name).symlink_to(program(name))
    port = free_ports()
    env = {**os.environ, "TMPDIR": str(tmp), "DEMO_PORT": str(port), "DEMO_PORT6": str(port),
           "DEMO_RESOLVER": f"127.0.0.1@{port + 1}"}
    started = []

    def start(oneshot, replace_banyan=None):
        if replace_banyan:
            (build / "banyan").unlink()
            (build / "banyan").write_text(replace_banyan, encoding="ascii")
            (build / "banyan").chmod(0o755)
        process = subprocess.Popen([str(TOP / "tools/demo"), str(build)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**env, **({"DEMO_ONESHOT": "1"} if oneshot else {})}, start_new_session=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # who runs the tests may ignore it
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.stdout.close()
    wait_for("every process of the demo to be gone", lambda: not lab_processes(tmp))


def lab_processes(tmp):
    return [pid for folder in tmp.glob("banyan-demo.*/lab") for pid in processes_of(folder)]


def test_a_dozen_names(demo, place):
    process = demo(oneshot=True)
    output = process.communicate(timeout=DEADLINE_S * 4)[0].decode()
    assert process.returncode == 0, output
    assert "root.zone: proved" in output and "All 14 names as expected." in output
    assert output.count("[proved root]") >= 14 and " tcp: " in output and "127.10." in output and "2001:db8:10:" in output
    assert not list(place.iterdir())


def test_a_wrong_answer_fails_the_demo(demo):
    forger = f"""#!/bin/sh
[ "$1" = trace ] || exec {program("banyan")} "$@"
{program("banyan")} "$@" | sed 's/ A 198[.]18[.]120[.]11$/ A 198.18.120.99/'
"""
    process = demo(oneshot=True, replace_banyan=forger)
    output = process.communicate(timeout=DEADLINE_S * 4)[0].decode()
    assert process.returncode == 1, output
    assert "NOT AS EXPECTED: expected 198.18.120.11" in output and "1 of 14 names" in output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_takes_everything_with_it(demo, place, how):
    process = demo(oneshot=False)
    output = b""
    while b"until Ctrl-C" not in output:
        chunk = process.stdout.read1(65536)
        assert chunk, output.decode()
        output += chunk
    wait_for("all of its processes", lambda: len(lab_processes(place)) == 16)
    process.send_signal(how)
    assert process.wait(timeout=DEADLINE_S) == {signal.SIGINT: 0, signal.SIGTERM: 143, signal.SIGKILL: -9}[how]
    wait_for("every process of the demo to be gone", lambda: not lab_processes(place))
    if how != signal.SIGKILL:
        assert not list(place.iterdir())
