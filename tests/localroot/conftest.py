# SPDX-License-Identifier: GPL-3.0-or-later
"""A loopback of one's own, the servers of the root on it, and the table that is printed at the end."""
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import resolvers  # noqa: E402
import rootzone  # noqa: E402
import servers  # noqa: E402

CLONE_NEWNET = 0x40000000
RESULTS = {}  # requirement -> {resolver: verdict}


@pytest.fixture(scope="session", autouse=True)
def network():
    if os.geteuid() != 0:
        pytest.skip("a network namespace of one's own needs root")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        pytest.skip("no network namespace")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", resolvers.ADDRESS + "/8", "dev", "lo"], check=True)  # BIND listens on what it finds there


@pytest.fixture(scope="session")
def keys():
    return rootzone.Keys()


@pytest.fixture(scope="session")
def root_server(network):
    for address in servers.OFFICIAL:
        subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
    server = servers.RootServer(rootzone.SERVER, servers.OFFICIAL)
    yield server
    server.close()


class Stage:
    """What a requirement is tried on: one kind of resolver, sources, and the servers of the root."""

    def __init__(self, kind, keys, root, folder):
        self.kind, self.keys, self.root, self.folder, self.closing = kind, keys, root, folder, []
        self.root.up, self.root.version = True, rootzone.Version(keys, 1)
        self.root.asked.clear()

    def version(self, number, wrong=None, **more):
        return rootzone.Version(self.keys, number, wrong, **more)

    def primary(self, version, last=20, **how):
        primary = servers.Primary(f"127.53.0.{last}", version, **how)
        self.closing.append(primary)
        return primary

    def web(self, version, last=30, **how):
        source = servers.WebSource(f"127.53.0.{last}", version, **how)
        self.closing.append(source)
        return source

    def resolver(self, *sources, **how):
        made = self.kind(self.folder, self.keys, [s.address for s in sources if isinstance(s, servers.Primary)],
                         [f"http://{s.server.server_address[0]}/root.zone" for s in sources if isinstance(s, servers.WebSource)], **how)
        self.closing.append(made)
        return made.start()

    def until(self, true, within_s=12.0):
        """Ours is waited for however slow the machine is; what others do not do costs no more time than it has to."""
        end = time.monotonic() + within_s * (5 if self.kind is resolvers.Banyan else 1)
        while time.monotonic() < end:
            if true():
                return True
            time.sleep(0.1)
        return bool(true())

    def never(self, true, for_s=5.0):
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            if true():
                return False
            time.sleep(0.2)
        return True

    def asks_root(self, resolver, version):
        """Does a question now go to the servers of the root? (Their version must be the one that is asked for.)"""
        before = time.monotonic()
        resolver.has(version)
        return bool(self.root.asked.since(before))

    def is_quiet(self, version, resolver, for_s=2.0):
        """Has no question gone to the servers of the root for a while, though one is asked now?"""
        resolver.has(version)
        return not self.root.asked.since(time.monotonic() - for_s)

    def close(self):
        for each in reversed(self.closing):
            each.stop() if isinstance(each, resolvers.Resolver) else each.close()


# the others take minutes, and are looked at when the table is made anew (make localroot)
KINDS = [kind for kind in resolvers.KINDS if kind is resolvers.Banyan or (os.environ.get("BANYAN_LOCALROOT_PEERS") and kind.installed())]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
def stage(request, keys, root_server, tmp_path):
    made = Stage(request.param, keys, root_server, tmp_path / "resolver")
    yield made
    made.close()


@pytest.fixture
def verdict(stage, request):
    """verdict(requirement, held, remark): a line of the table. Ours must hold; what others do is written down."""
    def say(requirement, held, remark=""):
        RESULTS.setdefault(requirement, {})[stage.kind.name] = ("yes" if held else "**no**") + (f" ({remark})" if remark else "")
        if stage.kind is resolvers.Banyan:
            assert held, f"{requirement}: {remark}"
    return say


def not_tried(requirement, stage, why):
    RESULTS.setdefault(requirement, {})[stage.kind.name] = why


def table():
    names = [kind.name for kind in resolvers.KINDS]
    lines = ["| requirement | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
    lines += [f"| {what} | " + " | ".join(who.get(name, "") for name in names) + " |" for what, who in RESULTS.items()]
    return "\n".join(lines) + "\n"


def pytest_terminal_summary(terminalreporter):
    if RESULTS:
        terminalreporter.section("copies of the root")
        terminalreporter.write(table())
        if os.environ.get("BANYAN_LOCALROOT_TABLE"):
            Path(os.environ["BANYAN_LOCALROOT_TABLE"]).write_text(table(), encoding="utf-8")
