# SPDX-License-Identifier: GPL-3.0-or-later
"""Every attack runs twice, first on banyand and then on Debian's unbound: same world, same root copy, same clients.

A network namespace keeps all of it on a loopback of its own. What is measured goes into one table, which is printed at the
end and written to the file that BANYAN_ATTACKS_TABLE names.
"""
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import aliases  # noqa: E402
import clients  # noqa: E402
import crypto  # noqa: E402
import delegations  # noqa: E402
import forgery  # noqa: E402
import resolvers  # noqa: E402
import slowness  # noqa: E402
import zones  # noqa: E402
from world import TLD, Handle, Honest  # noqa: E402

SCENARIOS = {c.__name__: c for module in (aliases, crypto, delegations, forgery, slowness) for c in module.ALL}
SCENARIOS["Honest"] = Honest
CLONE_NEWNET = 0x40000000
ROWS = []


@pytest.fixture(scope="session", autouse=True)
def network():
    """Port 53 is free here, and nothing leaves."""
    if os.geteuid() != 0:
        pytest.skip("attacks need root for a network namespace")
    if shutil.which("unbound", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("unbound is not installed")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        pytest.skip("no network namespace")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


@pytest.fixture(scope="session")
def keys():
    return crypto.make_keys()


@pytest.fixture(scope="session")
def root(network, keys):
    with tempfile.TemporaryDirectory(prefix="banyan-attacks.", dir="/tmp") as folder:
        yield zones.Root(Path(folder), {"com.": (TLD, None), "sec.": (TLD, keys["sec."])})


@pytest.fixture(scope="session")
def world(network, keys):
    handle = Handle(keys, SCENARIOS)
    yield handle
    handle.end()


class Outcome:
    """What one resolver did in one attack."""

    def __init__(self, kind, questions, counts, cpu_s, watched, counters, numbers):
        self.kind, self.questions, self.counts, self.watched, self.counters = kind, questions, counts, watched, counters
        self.cpu_ms = 1000 * cpu_s
        self.__dict__.update(numbers)

    def asked(self, *addresses):
        """Messages that these authorities received (all, if none is named)."""
        return sum(c["udp_in"] + c["tcp_in"] for a, c in self.counts.items() if not addresses or a in addresses)

    @property
    def bytes(self):
        return sum(c["bytes_in"] + c["bytes_out"] for c in self.counts.values())

    def asked_anew(self, *addresses):
        """The same without those that were sent again because a reply was late, which depends on the machine; of ours alone it is known."""
        return self.asked(*addresses) - self.counters["upstream_timeouts"]

    def per_question(self, amount):
        return amount / self.questions


@pytest.fixture
def attack(world, root, tmp_path):
    """attack(scenario, drive, ...) -> (ours, unbound).

    drive(resolver) does the asking; what it returns, a dictionary, becomes attributes of the outcome. "questions" in it is
    the number of the attacker's questions. While it runs on banyand, cached names of others must be answered, all of them."""
    def run(scenario, drive, options=None, watch=True, kinds=("ours", "unbound"), **scenario_options):
        outcomes = []
        for kind in kinds:
            clients.patience = clients.PATIENCE[kind]
            world.play(scenario, **scenario_options)
            folder = tmp_path / f"{kind}{len(list(tmp_path.iterdir()))}"
            with resolvers.KINDS[kind](folder, root, options) as resolver:
                clients.warm(resolver.server)
                world.reset()
                before, cpu = Counter(resolver.counters()), resolver.cpu_s()
                watcher = clients.Watcher(resolver.server)
                if watch:
                    with watcher:
                        numbers = drive(resolver)
                else:
                    numbers = drive(resolver)
                cpu = resolver.cpu_s() - cpu
                after = Counter(resolver.counters())
                after.subtract(before)
                outcomes.append(Outcome(kind, numbers.pop("questions"), world.counts(), cpu, watcher.result, after, numbers))
        if watch:
            watched = outcomes[0].watched
            assert watched is not None and watched.asked > 0, "nobody watched"
            assert watched.lost == 0 and watched.wrong == 0, f"others were not answered during the attack: {watched}"
        return outcomes
    return run


def shown(value):
    if isinstance(value, float):
        return f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return str(value)


@pytest.fixture
def report():
    """report(attack, measure, limit, default, ours, unbound): a row of the table."""
    def row(attack_name, measure, limit, default, ours, theirs, watched=None, peer=None):
        ROWS.append((attack_name, measure, limit, shown(default), shown(ours), shown(theirs),
                     f"{watched.median_ms:.2f} / {watched.p99_ms:.1f}" if watched else "", f"{peer.median_ms:.2f} / {peer.p99_ms:.1f}" if peer else ""))
    return row


def table():
    head = ("attack", "measured", "limit", "default", "ours", "unbound", "others' cached names, ms median / p99", "with unbound")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in ROWS]) + "\n"


def pytest_terminal_summary(terminalreporter):
    if not ROWS:
        return
    terminalreporter.section("attacks")
    terminalreporter.write(table())
    path = os.environ.get("BANYAN_ATTACKS_TABLE")
    if path:
        Path(path).write_text(table(), encoding="utf-8")
