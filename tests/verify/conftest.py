# SPDX-License-Identifier: GPL-3.0-or-later
"""`banyan verify` as its users call it: a process, an exit status, a report."""
import json
import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BANYAN_BUILD", TOP / "build")).resolve()
SHARED = Path(os.environ.get("BANYAN_SHARED", TOP.parent / "shared")).resolve()


def program():
    for path in (BUILD / "banyan", BUILD / "src" / "cmd" / "banyan" / "banyan"):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    pytest.exit(f"banyan is not built in {BUILD}; set BANYAN_BUILD")


def run(*arguments, stdin=None):
    return subprocess.run([program(), "verify", *map(str, arguments)], input=stdin, capture_output=True,
                          timeout=120, cwd="/")


class Report(dict):
    """The JSON report, with the exit status beside it."""


def verify(*arguments, stdin=None):
    done = run("--json", *arguments, stdin=stdin)
    assert done.returncode in (0, 1, 2), done.stderr.decode()
    report = Report(json.loads(done.stdout))
    report.status = done.returncode
    outcomes = {0: "proved", 1: "not-proved", 2: "unreadable"}
    assert report["outcome"] == outcomes[done.returncode]
    return report


@pytest.fixture
def shared():
    """The folder of the shared test data, by name of what is below it."""
    def find(*names):
        path = SHARED.joinpath("data", *names)
        if not path.exists():
            pytest.skip(f"there is no {'/'.join(names)} among the shared data")
        return path
    return find
