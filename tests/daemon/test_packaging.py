# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit, the user and the folders that are installed, held against systemd's own tools."""
import json
import shutil
import subprocess

import pytest

from conftest import BUILD, TOP, program

UNIT = BUILD / "src" / "cmd" / "banyand" / "banyand.service"
XDP = TOP / "packaging" / "systemd" / "xdp.conf"

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def unit_for_tests(folder):
    """The unit with the programs of this build, since systemd-analyze looks for them."""
    lines = []
    for line in UNIT.read_text().splitlines():
        for key in ("ExecStart", "ExecReload"):
            if line.startswith(key + "="):
                words = line.split("=", 1)[1].split()
                words[0] = program(words[0].rsplit("/", 1)[1])
                line = f"{key}={' '.join(words)}"
        lines.append(line)
    path = folder / "banyand.service"
    path.write_text("\n".join(lines) + "\n")
    return path


@needs_analyze
def test_unit_is_well_formed(tmp_path):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit_for_tests(tmp_path)], capture_output=True, text=True)
    about_us = [line for line in done.stderr.splitlines() if "banyand.service" in line]
    assert about_us == []


def with_drop_in(folder):
    unit = unit_for_tests(folder)
    drop_ins = folder / "banyand.service.d"
    drop_ins.mkdir()
    shutil.copy(XDP, drop_ins / "xdp.conf")
    return unit


@needs_analyze
def test_drop_in_for_af_xdp_is_well_formed(tmp_path):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", with_drop_in(tmp_path)], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if "banyand.service" in line or "xdp.conf" in line] == []


@needs_analyze
def test_a_mistake_in_the_drop_in_would_be_seen(tmp_path):
    unit = with_drop_in(tmp_path)
    path = tmp_path / "banyand.service.d" / "xdp.conf"
    path.write_text(path.read_text() + "SystemCallFiltre=bpf\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    assert "SystemCallFiltre" in done.stderr


@needs_analyze
def test_drop_in_for_af_xdp_adds_what_it_says(tmp_path):
    """As systemd reads both: the rights are there, and those of the unit are kept."""
    def lacking(unit):
        """Of what the service is spared, by systemd's names."""
        out = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", "--json=short", unit], capture_output=True, text=True).stdout
        return {entry["name"] for entry in json.loads(out) if entry["set"] is False}
    plain, folder = tmp_path / "plain", tmp_path / "xdp"
    plain.mkdir()
    folder.mkdir()
    before, after = lacking(unit_for_tests(plain)), lacking(with_drop_in(folder))
    assert after - before == {"CapabilityBoundingSet=~CAP_BPF", "CapabilityBoundingSet=~CAP_NET_ADMIN", "CapabilityBoundingSet=~CAP_SYS_ADMIN",
                              "CapabilityBoundingSet=~CAP_IPC_LOCK", "RestrictAddressFamilies=~AF_NETLINK", "RestrictAddressFamilies=~…"}


@needs_analyze
def test_unit_exposes_little(tmp_path):
    """On systemd's scale from 0 (nothing) to 10 (all); an ordinary service has 9.6."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit_for_tests(tmp_path)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_programs_of_the_unit_know_their_options():
    text = UNIT.read_text()
    assert "banyand -c /etc/banyan/banyan.yaml" in text
    assert "/run/banyan/control.sock" in subprocess.run([program("banyan"), "status", "--help"], capture_output=True,
                                                        text=True).stdout
    assert "User=banyan" in text
    assert "u banyan " in (TOP / "packaging" / "systemd" / "banyan.sysusers").read_text()
