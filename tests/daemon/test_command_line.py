# SPDX-License-Identifier: GPL-3.0-or-later
"""What banyand and banyan say and return to who calls them."""
import subprocess

import pytest
import yaml

from conftest import is_sanitized, program


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_version_and_help():
    for name in ("banyand", "banyan"):
        code, out, _ = run(program(name), "--version")
        assert code == 0 and out.startswith(name + " ")
        code, out, _ = run(program(name), "--help")
        assert code == 0 and "usage: " + name in out


def test_usage_is_status_2():
    assert run(program("banyand"), "--nonsense")[0] == 2
    assert run(program("banyand"), "surplus")[0] == 2
    assert run(program("banyan"), "status", "surplus")[0] == 2
    assert run(program("banyan"), "trace")[0] == 2
    assert run(program("banyan"), "trace", "a name with spaces")[0] == 2


def test_check_good(tmp_path):
    config = tmp_path / "b.yaml"
    config.write_text("server:\n  workers: 1\n")
    code, out, err = run(program("banyand"), "-c", str(config), "--check")
    assert (code, err) == (0, "") and "good" in out


def test_check_empty_file_is_good(tmp_path):
    config = tmp_path / "b.yaml"
    config.write_text("")
    assert run(program("banyand"), "-c", str(config), "--check")[0] == 0


def test_check_bad_names_file_line_and_key(tmp_path):
    config = tmp_path / "b.yaml"
    config.write_text("server:\n  workers: many\n")
    code, _, err = run(program("banyand"), "--check", "--config", str(config))
    assert code == 1
    assert f"{config}:2" in err and "workers" in err and "many" in err


@pytest.mark.parametrize("text, name", [
    ("root: {anchors: [FILE]}", "anchors"), ("server: {cookie-secrets: FILE}", "secrets"), ("local: {hosts: [FILE]}", "hosts")])
def test_check_reads_what_is_named(tmp_path, text, name):
    config, file = tmp_path / "b.yaml", tmp_path / name
    config.write_text(text.replace("FILE", str(file)) + "\n")
    code, _, err = run(program("banyand"), "-c", str(config), "--check")
    assert code == 1 and str(file) in err, err
    file.write_text("this is none\n")
    code, _, err = run(program("banyand"), "-c", str(config), "--check")
    assert code == 1 and str(file) in err, err


def test_check_missing_file(tmp_path):
    code, _, err = run(program("banyand"), "-c", str(tmp_path / "none.yaml"), "--check")
    assert code == 1 and "none.yaml" in err


def test_sample_is_a_good_configuration(tmp_path):
    code, out, _ = run(program("banyand"), "--sample")
    assert code == 0 and "server:" in out
    config = tmp_path / "sample.yaml"
    config.write_text(out)
    code, _, err = run(program("banyand"), "-c", str(config), "--check")
    assert code == 0, err


def test_control_without_daemon(tmp_path):
    for command in ("status", "reload", "stop"):
        code, _, err = run(program("banyan"), command, "--socket", str(tmp_path / "none.sock"))
        assert code == 2 and "none.sock" in err
    code, _, err = run(program("banyan"), "trace", "--socket", str(tmp_path / "none.sock"), "example.")
    assert code == 2


def test_addresses_of_root_servers(tmp_path):
    """Nobody is taken for a root server by mistake, neither by name nor behind a wildcard."""
    config = tmp_path / "banyan.yaml"
    for listen in ("198.41.0.4@53", "0.0.0.0@5300", "2001:7fd::1@53"):
        for told in (False, True):
            config.write_text(yaml.safe_dump({"server": {"listen": [listen], "root-server": told, "confine": not is_sanitized(), "rundir": str(tmp_path / "run")},
                                              "root": {"file": ""}, "resolver": {"enabled": False}}))
            script = (f"ip link set lo up; ip address add 198.41.0.4/32 dev lo; ip address add 2001:7fd::1/128 dev lo nodad; "
                      f"exec {program('banyand')} -c {config}")
            with subprocess.Popen(["unshare", "-n", "sh", "-c", script], stderr=subprocess.PIPE, text=True) as process:
                said = ""
                for line in process.stderr:
                    said += line
                    if "is ready" in line:
                        process.terminate()
            assert ("is the address of a root server" in said) != told, said
            assert ("is ready" in said) == told, said
