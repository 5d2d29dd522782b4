# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that everybody on the machine may read are refused, with what to do: at the start, at a reload, and by the tool."""
import os
import subprocess

import pytest

from conftest import DEADLINE_S, certificate, example_zone, free_port, guard, program, wait_for

WORDS = "everybody on this machine may read or write this secret"


@pytest.fixture
def zone(tmp_path):
    (tmp_path / "example.zone").write_text(example_zone())
    return [{"name": "example.", "file": str(tmp_path / "example.zone")}]


@pytest.mark.parametrize("kind", ["tsig", "cookies", "tls"])
@pytest.mark.parametrize("mode", [0o644, 0o602])
def test_the_daemon_refuses(daemon, zone, tmp_path, kind, mode):
    secret = tmp_path / "secret"
    secret.write_text("e5e973e5a6b2a43f48e7dc849e37bfcf\n" if kind == "cookies" else "c2VjcmV0IG9mIHRoZSB0ZXN0cw==\n")
    config = {"resolver": {"enabled": False}, "zones": zone, "server": {}}
    if kind == "tsig":
        config["keys"] = [{"name": "k.example.", "algorithm": "hmac-sha256", "file": str(secret)}]
    elif kind == "cookies":
        config["server"]["cookie-secrets"] = str(secret)
    else:
        pem, secret = certificate(tmp_path)
        config["server"].update({"tls-listen": [f"127.0.0.1@{free_port()}"], "tls-certificate": str(pem), "tls-key": str(secret)})
    os.chmod(secret, mode)
    d = daemon(config, start=False).launch()
    assert d.process.wait(DEADLINE_S) != 0
    assert WORDS in d.log() and str(secret) in d.log()
    d.process = None
    d.notify.close()
    guard(secret)
    d.start()
    os.chmod(secret, mode)
    code, _, err = d.cli("reload")
    if kind == "tls":  # it goes on with the one that it has
        wait_for("the log", lambda: d.log().count(WORDS) > 1)
    else:
        assert code == 1 and WORDS in err and str(secret) in err
    assert d.ask("www.example.").answer  # what was there goes on
    guard(secret)
    assert d.cli("reload")[0] == 0


def test_files_write_refuses(zone, tmp_path):
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    os.chmod(key, 0o644)
    command = [program("banyan"), "files", "write", "--key", str(key), "--origin", "example.", zone[0]["file"], str(tmp_path / "tree")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and WORDS in done.stderr and str(key) in done.stderr, done.stderr
    assert not (tmp_path / "tree" / "example").exists()
