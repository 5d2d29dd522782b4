# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy zones that come from primaries: NSD, Knot DNS and BIND give them, whole and in differences, with and without a key."""
import os
import signal

import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.tsigkeyring
import pytest

import others
from conftest import free_port, guard, wait_for
from test_policy import addresses, resolver, upstream  # noqa: F401

SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
RPZ = """$ORIGIN block.rpz.
$TTL 60
@ SOA ns.block.rpz. h.block.rpz. {serial} {timers} 60
@ NS localhost.
{rules}
"""
FIRST = ["bad.example CNAME ."] + [f"r{i}.other CNAME *." for i in range(300)]


def zone_text(serial, rules, timers="3600 600 86400"):
    return RPZ.format(serial=serial, rules="\n".join(rules), timers=timers)


def nsd(folder, port, notify, key):
    word = "k.test" if key else "NOKEY"
    return others.nsd(folder, f"127.0.0.1@{port}", "block.rpz", [f"provide-xfr: 127.0.0.1 {word}", f"notify: 127.0.0.1@{notify} {word}",
                                                                 "store-ixfr: yes", "create-ixfr: yes"], key="k.test", secret=SECRET)


def knot(folder, port, notify, key):
    return others.knot(folder, f"127.0.0.1@{port}", "block.rpz", ["zonefile-load: difference", "zonefile-sync: -1", "journal-content: changes",
                                                                  "semantic-checks: off", "notify: r"],
                       remote=f"127.0.0.1@{notify}", signed=key, key="k.test", secret=SECRET)


def bind(folder, port, notify, key):
    word = "key k.test" if key else ""
    return others.bind(folder, f"127.0.0.1@{port}", "block.rpz", ["type primary;", f"also-notify {{ 127.0.0.1 port {notify} {word}; }};",
                                                                  f"allow-transfer {{ {word if key else '127.0.0.1'}; }};"],
                       options="check-names primary ignore; ixfr-from-differences yes; notify explicit; notify-delay 0; max-records-per-type 0;",
                       key="k.test", secret=SECRET)


KINDS = {"nsd": nsd, "knot": knot, "bind": bind}


class Primary(others.Other):
    def __init__(self, kind, folder, notify, key):
        self.port = free_port()
        super().__init__(folder, KINDS[kind](folder, self.port, notify, key))

    def start(self, serial, rules, timers="3600 600 86400"):
        self.write(serial, rules, timers)
        super().start()
        wait_for("the primary", lambda: self.serial() == serial)

    def serial(self):
        assert self.process.poll() is None, self.log()
        return others.serial_at("block.rpz.", self.port)

    def write(self, serial, rules, timers="3600 600 86400"):
        (self.folder / "zone.new").write_text(zone_text(serial, rules, timers))
        os.replace(self.folder / "zone.new", self.folder / "zone")

    def change(self, serial, rules):
        self.write(serial, rules)
        self.process.send_signal(signal.SIGHUP)
        wait_for(f"serial {serial} at the primary", lambda: self.serial() == serial)


@pytest.fixture
def primary(tmp_path):
    running = []

    def make(kind, notify, key=False):
        p = Primary(kind, tmp_path / f"{kind}{len(running)}", notify, key)
        running.append(p)
        return p
    yield make
    for p in running:
        p.stop()


def sections(p, tmp_path, key=False, **more):
    rpz = dict({"zone": "block.rpz", "primaries": [f"127.0.0.1@{p.port}"], "file": str(tmp_path / "copy.zone"),
                "refresh-min": "1s"}, **more)
    result = {"rpz": [rpz]}
    if key:
        rpz["key"] = "k.test"
        (tmp_path / "secret").write_text(SECRET + "\n")
        guard(tmp_path / "secret")
        result["keys"] = [{"name": "k.test", "file": str(tmp_path / "secret")}]
    return result


def is_blocked(d, name):
    return d.ask(name).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("key", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("kind", KINDS)
def test_zone_comes_changes_and_survives(resolver, primary, tmp_path, kind, key):
    port = free_port(("127.0.0.1", "::1"))
    p = primary(kind, port, key)
    p.start(1, FIRST)
    d = resolver(sections(p, tmp_path, key), port=port)
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))
    assert "serial 1 from 127.0.0.1" in d.log() and "all of it" in d.log()
    assert addresses(d.ask("www.example.")) == ["192.0.2.1"]
    p.change(2, FIRST[1:] + ["www.example CNAME ."])
    wait_for("the change", lambda: is_blocked(d, "www.example."))
    assert addresses(d.ask("bad.example.")) == ["192.0.2.66"]
    assert "differences, 2 records" in d.log(), d.log()
    counters = d.counters()
    assert counters["policy_notifies"] >= 1 and counters["policy_zones_fetched"] == 2 and counters["policy_zones_failed"] == 0
    assert "block.rpz. 60 IN SOA ns.block.rpz. h.block.rpz. 2 " in (tmp_path / "copy.zone").read_text()
    zone = d.status()["policy_zones"][0]
    assert (zone["name"], zone["serial"], zone["rules"], zone["failures"]) == ("block.rpz.", 2, 301, 0) and zone["asked_at"]
    # the primary is gone: what was there stays, over a restart, too
    p.stop()
    d.stop()
    d.start()
    assert is_blocked(d, "www.example.")
    wait_for("a word about the primary", lambda: "cannot be fetched (1 time in a row)" in d.log())
    assert is_blocked(d, "www.example.")
    assert d.status()["policy_zones"][0]["failures"] >= 1
    assert "they FAILED" in d.cli("status")[1] and "serial 2, 301 rules" in d.cli("status")[1]


def test_rules_expire_without_primaries(resolver, primary, tmp_path):
    """RFC 1035 section 3.3.13: what nobody has vouched for so long is not used; neither a reload nor a restart brings it back."""
    p = primary("knot", free_port())
    p.start(1, FIRST, "1 1 4")
    d = resolver(sections(p, tmp_path))
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))
    p.stop()
    wait_for("the end of its rules", lambda: addresses(d.ask("bad.example.")) == ["192.0.2.66"])
    assert "policy zone block.rpz.: expired" in d.log() and d.counters()["policy_zones_expired"] == 1
    assert d.cli("reload")[0] == 0 and addresses(d.ask("bad.example.")) == ["192.0.2.66"]
    d.stop()
    d.start()
    assert addresses(d.ask("bad.example.")) == ["192.0.2.66"]
    p.start(2, FIRST, "1 1 4")
    wait_for("the zone again", lambda: is_blocked(d, "bad.example."))


def test_rules_stay_as_long_as_a_primary_vouches_for_them(resolver, primary, tmp_path):
    p = primary("knot", free_port())
    p.start(1, FIRST, "3600 600 2")
    d = resolver(sections(p, tmp_path))
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))
    asked = d.status()["policy_zones"][0]["asked_at"]
    wait_for("questions beyond the expire time",
             lambda: is_blocked(d, "bad.example.") and d.status()["policy_zones"][0]["asked_at"] not in (asked,)
             and d.status()["policy_zones"][0]["asked_at"] > d.status()["policy_zones"][0]["loaded_at"])
    assert d.counters()["policy_zones_expired"] == 0


def test_changes_come_without_notification_too(resolver, primary, tmp_path):
    p = primary("knot", free_port())
    text = [line for line in FIRST]
    p.start(1, text)
    d = resolver(sections(p, tmp_path, **{"refresh-max": "1s"}))
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))
    p.change(2, text + ["www.example CNAME ."])
    wait_for("the change", lambda: is_blocked(d, "www.example."))
    assert d.counters()["policy_notifies"] == 0


def test_without_a_copy_all_of_it_comes(resolver, primary, tmp_path):
    port = free_port(("127.0.0.1", "::1"))
    p = primary("knot", port)
    p.start(1, FIRST)
    d = resolver(sections(p, tmp_path, file=""), port=port)
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))
    p.change(2, FIRST + ["www.example CNAME ."])
    wait_for("the change", lambda: is_blocked(d, "www.example."))
    assert "differences" not in d.log()


def test_a_damaged_copy_is_fetched_again(resolver, primary, tmp_path):
    port = free_port(("127.0.0.1", "::1"))
    p = primary("knot", port)
    p.start(1, FIRST)
    (tmp_path / "copy.zone").write_text("block.rpz. 60 IN SOA ns. h. 1 (\n")
    d = resolver(sections(p, tmp_path), port=port)
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))
    assert "cannot be used and is fetched again" in d.log()
    # one that is not what the differences begin from
    lines = (tmp_path / "copy.zone").read_text().splitlines(keepends=True)
    (tmp_path / "copy.zone").write_text("".join(line for line in lines if not line.startswith("bad.")))
    p.change(2, FIRST[1:] + ["www.example CNAME ."])
    wait_for("the change", lambda: is_blocked(d, "www.example."))
    assert "the differences do not fit the version that is here" in d.log()


def test_a_wrong_key_is_named(resolver, primary, tmp_path):
    p = primary("knot", free_port(), key=True)
    p.start(1, FIRST)
    wrong = sections(p, tmp_path, key=True)
    wrong["keys"] = [{"name": "k.test", "secret": "YW5vdGhlcg=="}]
    d = resolver(wrong)
    wait_for("a word about the key", lambda: "compare name, algorithm and secret" in d.log())
    assert addresses(d.ask("bad.example.")) == ["192.0.2.66"]
    d.config["keys"] = [{"name": "k.test", "secret": SECRET}]
    d.write()
    code, out, _ = d.cli("reload")
    assert code == 0, out
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))


def test_the_next_primary_is_asked(resolver, primary, tmp_path):
    p = primary("knot", free_port())
    p.start(1, FIRST)
    d = resolver(sections(p, tmp_path, primaries=[f"127.0.0.1@{free_port()}", f"127.0.0.1@{p.port}"]))
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))


def notify(d, zone, source=None, keyring=None):
    message = dns.message.make_query(zone, "SOA")
    message.flags = 0
    message.set_opcode(dns.opcode.NOTIFY)
    if keyring is not None:
        message.use_tsig(keyring)
    return dns.query.udp(message, "127.0.0.1", port=d.port, timeout=30, source=source)


def test_notifications_are_answered(resolver, primary, tmp_path):
    p = primary("knot", free_port(), key=True)
    d = resolver(sections(p, tmp_path, key=True))
    assert notify(d, "block.rpz.").rcode() == dns.rcode.NOERROR
    assert notify(d, "block.rpz.", source="127.0.0.77").rcode() == dns.rcode.NOTAUTH
    assert notify(d, "other.rpz.").rcode() == dns.rcode.NOTIMP
    keyring = dns.tsigkeyring.from_text({"k.test.": SECRET})
    assert notify(d, "block.rpz.", keyring=keyring).had_tsig
    wrong = dns.tsigkeyring.from_text({"k.test.": "YW5vdGhlcg=="})
    assert notify(d, "block.rpz.", keyring=wrong).rcode() == dns.rcode.NOTAUTH
    assert d.counters()["policy_notifies"] == 2


def test_reloads_and_transfers_do_not_lose_each_other(resolver, primary, tmp_path):
    port = free_port(("127.0.0.1", "::1"))
    p = primary("knot", port)
    p.start(1, FIRST)
    d = resolver(sections(p, tmp_path), port=port)
    wait_for("the zone", lambda: is_blocked(d, "bad.example."))
    for serial in range(2, 8):
        p.change(serial, FIRST + [f"n{serial}.example CNAME rpz-drop."] + ["ok.example A 10.0.0.%d" % serial])
        d.process.send_signal(signal.SIGHUP)
        wait_for(f"serial {serial}", lambda: addresses(d.ask("ok.example.")) == [f"10.0.0.{serial}"])
        assert is_blocked(d, "bad.example.")
    d.config["rpz"] = []
    d.write()
    code, out, _ = d.cli("reload")
    assert code == 0, out
    assert addresses(d.ask("bad.example.")) == ["192.0.2.66"]
