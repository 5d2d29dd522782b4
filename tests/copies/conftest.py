# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of zones from sources: a root with keys of its own in several versions, primaries that serve them, and a daemon that fetches."""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("daemons", HERE.parent / "daemon" / "conftest.py")
daemons = importlib.util.module_from_spec(spec)
sys.modules["daemons"] = daemons
spec.loader.exec_module(daemons)
daemon, PATH = daemons.daemon, daemons.PATH
sys.path.insert(0, str(HERE))
if daemons.is_sanitized():
    collect_ignore = ["test_clocks.py", "test_dates.py"]  # libfaketime and sanitizers both want to be the first library

ROOT = """\
. 300 SOA a. h. {serial} {refresh} {refresh} {expire} 300
. 300 NS a.
a. 300 A 127.0.0.3
example. 300 NS ns.example.
ns.example. 300 A 127.0.0.4
serial. 300 TXT "{serial}"
"""


def run(folder, *words):
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, PATH=PATH)).stdout


class Versions:
    """Signed and digested versions of one small root, each made once; `key` chooses who signs."""

    def __init__(self, folder):
        for name in ("ldns-signzone", "nsd", "knotd"):
            if shutil.which(name, path=PATH) is None:
                pytest.skip(f"{name} is not installed")
        self.folder = folder
        self.keys = [run(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ".").strip() for _ in range(2)]
        self.made = {}

    def anchors(self, key=0):
        return str(self.folder / (self.keys[key] + ".ds"))

    def key(self, key):
        """Its record, which signs nothing where it is `more` of a zone."""
        return (self.folder / (self.keys[key] + ".key")).read_text()

    def text(self, serial, key=0, expire=604800, lives=None, more="", refresh=1, since=0):
        """lives: seconds that its signatures live from now on. more: further records. since: seconds for which its signatures hold already."""
        at = (serial, key, expire, more, refresh, since)
        if at not in self.made or lives is not None:
            (self.folder / "plain").write_text(ROOT.format(serial=serial, expire=expire, refresh=refresh) + more)
            dates = ["-e", run(self.folder, "date", "-u", "-d", f"+{lives} seconds", "+%Y%m%d%H%M%S").strip()] if lives else []
            if since:
                dates += ["-i", run(self.folder, "date", "-u", "-d", f"-{since} seconds", "+%Y%m%d%H%M%S").strip()]
            run(self.folder, "ldns-signzone", "-z", "simple:sha384", *dates, "-f", "signed", "-o", ".", "plain", self.keys[key])
            text = (self.folder / "signed").read_text()
            if lives is not None:
                return text
            self.made[at] = text
        return self.made[at]


@pytest.fixture(scope="session")
def versions(tmp_path_factory):
    return Versions(tmp_path_factory.mktemp("versions"))


def put(path, text):
    """As who publishes does it: the file is whole at any moment."""
    Path(str(path) + ".new").write_text(text)
    os.replace(str(path) + ".new", path)


def spoil(text):
    """One digit of an address: what only the digest sees."""
    bad, n = re.subn(r"(ns\.example\.\s+300\s+IN\s+A\s+127\.0\.0\.)4", r"\g<1>5", text)
    assert n == 1
    return bad
