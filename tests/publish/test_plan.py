# SPDX-License-Identifier: GPL-3.0-or-later
"""`banyan plan priming` held against servers that run: what it says of this one is what banyand sends, and what it says of NSD and Knot DNS accounts for
each byte of theirs."""
import ctypes
import json
import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
import others  # noqa: E402
from basics import DEADLINE_S, TOP, free_port, is_sanitized, program, wait_for  # noqa: E402

SHARED = Path(os.environ.get("BANYAN_SHARED", TOP.parent / "shared"))
REAL_ZONE = SHARED / "data" / "rootzones" / "signed" / "root-2026073102.zone.zst"
SCHEMES = ["5.1", "5.2", "5.3", "5.4", "5.5", "5.6"]


@pytest.fixture(scope="module", autouse=True)
def network():
    """A network of its own with loopback alone, unless this process has one already."""
    if [name for _, name in socket.if_nameindex()] == ["lo"]:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000 | (0x10000000 if os.geteuid() != 0 else 0)) != 0:
        pytest.skip("no network namespace")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def plan(*arguments, status=0):
    done = subprocess.run([program("banyan"), "plan", "priming", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def plan_json(*arguments):
    return json.loads(plan("--json", *arguments))


# ---- the servers: each has the root and the zones beside it ----

def nsd(folder, port, zones):
    extra = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{path}"\n' for name, path in zones.items() if name != ".")
    command, text = others.nsd(folder / "nsd", f"127.0.0.1@{port}", ".", [], server=["ipv4-edns-size: 4096", "rrl-ratelimit: 0"], sections=extra)
    return command, text.replace(f"{folder}/nsd/zone\"", f"{zones['.']}\"")


def knot(folder, port, zones):
    as_they_are = ["journal-content: none", "zonefile-load: whole", "zonefile-sync: -1", "semantic-checks: off"]
    command, text = others.knot(folder / "knot", f"127.0.0.1@{port}", ".", as_they_are)
    text = text.replace(f"{folder}/knot/zone", str(zones["."])).replace("server:\n", "server:\n  udp-max-payload: 4096\n", 1)
    for name, path in zones.items():
        if name != ".":
            text += f'  - domain: "{name}"\n    file: {path}\n' + others.indented(as_they_are, "    ")
    return command, text


def banyan(folder, port, zones):
    (folder / "banyan").mkdir()
    confine = "false" if is_sanitized() else "true"
    text = f"""server:
  listen: [127.0.0.1@{port}]
  rundir: {folder / "banyan"}
  udp-size: 4096
  workers: 1
  user: ""
  confine: {confine}
resolver:
  enabled: false
zones:
"""
    for name, path in zones.items():
        text += f'  - name: "{name}"\n    file: {path}\n    prove: structure\n'
    return [program("banyand"), "-c", str(folder / "banyan" / "conf")], text


KINDS = {"banyan": banyan, "nsd": nsd, "knot": knot}


class Servers:
    """All three with the same zones; .at[kind] is ADDRESS@PORT."""

    def __init__(self, folder, zones):
        self.running, self.at = [], {}
        try:
            ports = set()
            while len(ports) < len(KINDS):
                ports.add(free_port())
            for (kind, make), port in zip(KINDS.items(), ports):
                self.running.append(others.Other(folder / kind, make(folder, port, zones)).start())
                self.at[kind] = f"127.0.0.1@{port}"
            for server, port in zip(self.running, ports):
                self.wait(server, port)
        except BaseException:
            self.stop()
            raise

    def wait(self, server, port):
        def serves():
            assert server.process.poll() is None, server.log()
            reply = others.asked(".", port)
            return reply is not None and reply.rcode() == 0 and reply.answer
        wait_for(f"{server.command[0]} to serve the root", serves, 2 * DEADLINE_S)

    def stop(self):
        for server in self.running:
            server.stop()


@pytest.fixture(scope="module")
def schemes(tmp_path_factory):
    """Scheme to its servers, started when first asked for."""
    started = {}

    def get(scheme):
        if scheme not in started:
            folder = tmp_path_factory.mktemp("scheme")
            folder.chmod(0o755)
            lines = plan("--scheme", scheme, "--write-zones", folder / "zones").split()
            started[scheme] = Servers(folder, dict(zip(lines[::2], lines[1::2])))
        return started[scheme]
    yield get
    for servers in started.values():
        servers.stop()


def key(row):
    return ("TCP" if row["tcp"] else row["size"], row["edns"], row["dnssec"], row["cookie"])


def rows_of(report):
    assert len(report["plans"]) == 1
    return {key(row): row for row in report["plans"][0]["questions"]}


def check_sums(row):
    """Each byte is accounted for: of the message, of the other one, of the difference."""
    for message in (row, row["other"]):
        assert sum(part["bytes"] for part in message["parts"].values()) == message["bytes"]
        assert message["rcode"] == 0
    assert row["other"]["bytes"] - row["bytes"] == row["other"]["difference"]
    assert sum(each["bytes"] for each in row["other"]["because"]) == row["other"]["difference"]


def because(row):
    return {(each["part"], each["why"]): (each["records"], each["bytes"]) for each in row["other"]["because"]}


# ---- the figures that are known ----

def test_seeds():
    text = plan("--seeds")
    for words in ("492 bytes: header 12, question 5, 13 NS 211, 13 A 208, 2 AAAA 56", "493 bytes: header 12, question 5, 14 NS 196, 14 A 224, 2 AAAA 56",
                  "811 bytes", "1097 bytes: header 12, question 5, 13 NS 211, RRSIG of NS 286, 13 A 208, 13 AAAA 364, OPT 11", "N = 20"):
        assert words in text
    for section in SCHEMES:
        assert f"\n{section}  " in text


def test_seeds_as_json():
    report = plan_json("--seeds")
    found = [seed.get("found_bytes") or seed.get("found_servers") for seed in report["seeds"]]
    assert found == [492, 493, 811, 1097, 20]
    assert [seed["expected"] for seed in report["seeds"]] == found
    parts = report["seeds"][0]["message"]["parts"]
    assert (parts["ns"]["records"], parts["a"]["records"], parts["aaaa"]["records"]) == (13, 13, 2)
    assert [each["scheme"] for each in report["plans"]] == SCHEMES


# ---- our own server sends what the plan says ----

@pytest.mark.parametrize("scheme", SCHEMES)
def test_banyand_sends_what_is_planned(schemes, scheme):
    rows = rows_of(plan_json("--scheme", scheme, "--against", schemes(scheme).at["banyan"]))
    assert len(rows) == 14
    for row in rows.values():
        check_sums(row)
        assert row["other"]["difference"] == 0 and row["other"]["because"] == [], key(row)
        assert row["other"]["tc"] == row["tc"]
        assert row["other"]["records"] == row["records"]  # at the same places


# Bytes of whole replies (TCP, DO), of this server, NSD 4.6 and Knot DNS 3.2.
WHOLE = {
    "5.1": (1097, 1097, 1289),
    "5.2": (1097, 1097, 1289),
    "5.3": (8555, 8555, 8699),
    "5.4": (1093, 1093, 1237),
    "5.5": (1133, 1133, 1133),
    "5.6": (1489, 1489, 1489),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nsd_by_the_byte(schemes, scheme):
    rows = rows_of(plan_json("--scheme", scheme, "--against", schemes(scheme).at["nsd"]))
    whole = rows["TCP", True, True, False]
    assert (whole["bytes"], whole["other"]["bytes"]) == WHOLE[scheme][:2]
    for row in rows.values():
        check_sums(row)
        for part, why in because(row):
            # it compresses as we do; what differs are records for which one had no room, and it makes no cookies here
            assert why in ("left_out", "added"), (key(row), part, why)
        if row["cookie"]:
            assert because(row)["cookie", "left_out"] == (1, -28)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_knot_by_the_byte(schemes, scheme):
    rows = rows_of(plan_json("--scheme", scheme, "--against", schemes(scheme).at["knot"]))
    whole = rows["TCP", True, True, False]
    assert (whole["bytes"], whole["other"]["bytes"]) == (WHOLE[scheme][0], WHOLE[scheme][2])
    names = {"5.1": (12, 192), "5.2": (12, 192), "5.3": (12, 144), "5.4": (12, 144)}.get(scheme)
    for row in rows.values():
        check_sums(row)
        found = because(row)
        if row["other"]["parts"]["ns"]["records"] == row["parts"]["ns"]["records"] > 0:
            assert found.get(("NS", "data_names")) == names  # the names behind the first are written in full
        assert {why for part, why in found} <= {"left_out", "added", "data_names"}, (key(row), found)


def test_knot_at_1232(schemes):
    """The example of the documentation: 1,217 bytes are 1,097, names written in full, less what had no room any more."""
    rows = rows_of(plan_json("--scheme", "5.1", "--against", schemes("5.1").at["knot"]))
    row = rows[1232, True, True, False]
    assert (row["bytes"], row["other"]["bytes"]) == (1097, 1217)
    assert because(row) == {("NS", "data_names"): (12, 192), ("A", "left_out"): (1, -16), ("AAAA", "left_out"): (2, -56)}
    assert rows[1232, True, False, False]["other"]["bytes"] == 1003
    text = plan("--scheme", "5.1", "--against", schemes("5.1").at["knot"], "--sizes", "1232")
    assert "the other server: 1217 bytes (+120), left out: 1 A, 2 AAAA" in text and "+192  12 x NS: names in data" in text


# ---- the real zone ----

@pytest.fixture(scope="module")
def real(tmp_path_factory):
    if not REAL_ZONE.exists():
        pytest.skip("needs ../shared")
    folder = tmp_path_factory.mktemp("real")
    folder.chmod(0o755)
    zone = folder / "root.zone"
    subprocess.run(["zstd", "-q", "-d", str(REAL_ZONE), "-o", str(zone)], check=True)
    servers = Servers(folder, {".": zone})
    servers.zone = zone
    yield servers
    servers.stop()


@pytest.mark.parametrize("kind,sizes", [("banyan", (492, 811, 1097)), ("nsd", (492, 811, 1097)), ("knot", (508, 1003, 1217))])
def test_real_root(real, kind, sizes):
    rows = rows_of(plan_json("--zone", real.zone, "--against", real.at[kind]))
    asked = [rows[512, False, False, False], rows[1232, True, False, False], rows[1232, True, True, False]]
    assert [row["bytes"] for row in asked] == [492, 811, 1097]
    assert tuple(row["other"]["bytes"] for row in asked) == sizes
    for row in rows.values():
        check_sums(row)
        assert kind != "banyan" or row["other"]["because"] == []
    # a root made of the same servers weighs the same
    made = rows_of(plan_json("--from", real.zone))
    assert {k: (row["bytes"], row["tc"]) for k, row in made.items()} == {k: (row["bytes"], row["tc"]) for k, row in rows.items()}


# ---- what it writes ----

def test_written_zones_hold_the_scheme(tmp_path):
    names = plan("--scheme", "5.5", "--write-zones", tmp_path / "zones").split()[::2]
    assert names == ["."] + [f"{letter}." for letter in "abcdefghijklm"]
    root = (tmp_path / "zones" / "root.zone").read_text()
    assert "root.a." in root and (tmp_path / "zones" / "m.zone").exists()


def prove(path, origin):
    """By the project's own verifier and by another one, with the zone's own keys as anchors. Its records as lines."""
    def run(*command):
        done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()
    lines = run("ldns-read-zone", path)
    anchor = path.with_suffix(".anchor")
    anchor.write_text("".join(f"{line}\n" for line in lines if "\tDNSKEY\t" in line))
    run(program("banyan"), "verify", "--origin", origin, "--anchor", anchor, "--require", "zonemd", path)
    run("ldns-verify-zone", "-Z", "-k", anchor, path)
    return lines


@pytest.mark.parametrize("scheme", ["5.3", "5.4"])
def test_written_zones_can_be_proved(tmp_path, scheme):
    plan("--scheme", scheme, "--sign", "ecdsa256", "--sign", "ed25519", "--write-zones", tmp_path)
    root = prove(tmp_path / "root.zone", ".")
    subprocess.run([program("banyan"), "verify", "--anchor", tmp_path / "root.anchors", tmp_path / "root.zone"], check=True, timeout=60)
    if scheme == "5.4":
        child = prove(tmp_path / "root-servers.zone", "root-servers.")
        tags = {re.search(r"id = (\d+)", line)[1] for line in child if "\tDNSKEY\t" in line}
        assert {line.split()[4] for line in root if "\tDS\t" in line} == tags and len(tags) == 2
    else:
        assert any(line.startswith("m.root-servers.") and "RRSIG\tAAAA" in line for line in root)


def test_an_algorithm_to_come():
    report = plan_json("--sign", "2420")["plans"][0]
    assert report["signed"] is False and plan_json("--sign", "ed25519")["plans"][0]["signed"] is True
    whole = rows_of({"plans": [report]})["TCP", True, True, False]
    assert whole["parts"]["rrsig_of_ns"]["bytes"] == 1 + 10 + 18 + 1 + 2420
    assert "no keys of it: bytes in the place of signatures" in plan("--sign", "2420")


def test_records_are_placed_where_they_are(schemes):
    """Offsets and lengths of the JSON report are those of a message that came over the network."""
    address, port = schemes("5.1").at["banyan"].split("@")
    question = dns.message.make_query(".", "NS", use_edns=0, payload=1232)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(DEADLINE_S)
        question.flags &= ~dns.flags.RD
        s.sendto(question.to_wire(), (address, int(port)))
        wire = s.recv(65535)
    row = rows_of(plan_json("--scheme", "5.1"))[1232, True, False, False]
    assert len(wire) == row["bytes"] == 811
    at = 17
    for record in row["records"]:
        assert record["at"] == at
        owner = record["owner_bytes"]
        data_len = int.from_bytes(wire[at + owner + 8:at + owner + 10], "big")
        assert data_len == record["data_bytes"] and record["bytes"] == owner + 10 + data_len
        at += record["bytes"]
    assert at + 11 == len(wire)


def test_picture(tmp_path):
    plan("--svg", tmp_path / "one.svg")
    plan("--schemes", "--svg", tmp_path / "six.svg")
    for name, curves in (("one.svg", 4), ("six.svg", 6)):
        root = xml.etree.ElementTree.parse(tmp_path / name).getroot()
        lines = root.findall("{http://www.w3.org/2000/svg}polyline")
        assert len(lines) == curves
        limits = [each for each in root.iter() if each.get("class") == "limit"]
        assert len(limits) == 4
        for line in lines:  # bytes only grow with the number of servers
            heights = [float(point.split(",")[1]) for point in line.get("points").split()]
            assert heights == sorted(heights, reverse=True) and len(heights) > 4
    numbers = [each.text for each in xml.etree.ElementTree.parse(tmp_path / "one.svg").getroot().iter() if each.text]
    assert "20" in numbers and "15" in numbers  # how many fit at 1232, on the curves


@pytest.mark.parametrize("arguments,words", [
    (["--names", "a..b"], "no name of a server comes of 'a..b'"),
    (["--names", ""], "no name of a server"),
    (["--servers", "0"], "not a number from 1 to 1024"),
    (["--sign", "rsa99999"], "'rsa99999' is unknown"),
    (["--sign", "none", "--sign", "ed25519"], "goes with no other"),
    (["--scheme", "5.7"], "there is no '5.7'"),
    (["--scheme", "5.1", "--names", "%"], "take one"),
    (["--sizes", "100"], "not a number from 512"),
    (["--addresses", "1"], "two numbers are wanted"),
    (["--server", "a.example=nowhere"], "'nowhere' is no address"),
    (["--against", "somewhere"], "'somewhere' is no address"),
    (["--zone", "/nonexistent"], "/nonexistent"),
    (["--zone", "x", "--sign", "ed25519"], "as it stands"),
    (["--seeds", "--sign", "ed25519"], "roots that are known"),
    (["stray"], "'stray' is not understood"),
    (["--server", "A.example", "--server", "a.EXAMPLE"], "differ in case alone are one"),
    (["--server", "a=192.0.2.1,192.0.2.1"], "listed twice"),
    (["--server", "a="], "'' is no address; say --server NAME="),
    (["--server", "=192.0.2.1"], "'' is no name of a server"),
    (["--server", "a=" + ",".join(f"2001:db8::{i:x}" for i in range(1, 130))], "more than 128 addresses"),
    (["--server", "a", "--servers", "2"], "go with --names and the schemes"),
    (["--from", "x", "--addresses", "1,1"], "go with --names and the schemes"),
    (["--names", ".".join(["x" * 63] * 3 + ["y" * 60, "%"])], "255 in all"),
    (["--names", ".".join(["x" * 63] * 3 + ["y" * 59, "%"]), "--servers", "27"], "or not 27"),
    (["--servers", "1025"], "not a number from 1 to 1024"),
    (["--addresses", "65,1"], "not a number from 0 to 64"),
    (["--sign", "rsa511"], "rsa512 to rsa4096"),
    (["--sign", "8193"], "bytes of a signature from 17 to 8192"),
    (["--sizes", "512,"], "'' is not a number from 512"),
    (["--sizes", "65536"], "not a number from 512 to 65535"),
    (["--sizes", ",".join(["512"] * 17)], "more than 16"),
    (["--cut", "127"], "not a number from 0 to 126"),
    (["--against", "127.0.0.1@0"], "is no address"),
    (["--from", "/nonexistent"], "/nonexistent"),
    (["--edition", "/nonexistent"], "/nonexistent"),
    (["--unknown"], "usage: banyan plan priming"),
    (["--svg", "/nonexistent/a.svg"], "/nonexistent/a.svg"),
])
def test_errors_say_what_is_wrong(arguments, words):
    assert words in plan(*arguments, status=2)


def test_a_server_that_is_not_there(tmp_path):
    port = free_port()
    assert f"127.0.0.1@{port} does not answer" in plan("--against", f"127.0.0.1@{port}", status=2)


def test_listed_servers():
    rows = rows_of(plan_json("--server", "x1.iana-servers.net=192.0.2.1,2001:db8::1", "--server", "x2.iana-servers.net", "--sign", "ed25519"))
    row = rows[1232, True, True, False]
    assert [row["parts"][part]["records"] for part in ("ns", "a", "aaaa", "rrsig_of_ns")] == [2, 2, 2, 1]
    assert row["parts"]["rrsig_of_ns"]["bytes"] == 1 + 10 + 18 + 1 + 64


def test_servers_and_signers_of_a_file(tmp_path):
    plan("--names", "%", "--servers", "3", "--addresses", "2,1", "--sign", "ed448", "--sign", "rsa1024", "--write-zones", tmp_path)
    report = plan_json("--from", tmp_path / "root.zone")["plans"][0]
    assert sorted(report["signers"]) == ["ed448", "rsa1024"] and report["servers"] == 3
    standing = rows_of(plan_json("--zone", tmp_path / "root.zone"))
    made = rows_of({"plans": [report]})
    assert {k: row["bytes"] for k, row in standing.items()} == {k: row["bytes"] for k, row in made.items()}
    row = made[4096, True, True, False]
    assert [row["parts"][part]["records"] for part in ("a", "aaaa", "rrsig_of_ns", "rrsig_of_addresses")] == [6, 3, 2, 12]


def test_hints_are_servers(tmp_path):
    hints = tmp_path / "hints"
    hints.write_text(". 3600000 NS A.ROOT-SERVERS.NET.\nA.ROOT-SERVERS.NET. 3600000 A 198.41.0.4\nA.ROOT-SERVERS.NET. 3600000 AAAA 2001:503:ba3e::2:30\n")
    report = plan_json("--from", hints)["plans"][0]
    assert report["signers"] == ["rsa2048"] and report["servers"] == 1
    assert "--from takes the servers of a file of hints" in plan("--zone", hints, status=2)
    (tmp_path / "none").write_text("x. 60 A 192.0.2.1\n")
    assert "there are no NS records of the root" in plan("--from", tmp_path / "none", status=2)


def test_servers_of_an_edition(tmp_path):
    path = tmp_path / "short.yaml"
    names = "".join(f'  - {{name: {letter}., addresses: [192.0.2.{i}, "2001:db8::{i}"]}}\n' for i, letter in enumerate("abcdefghijklmn", 1))
    path.write_text(f"edition: {{name: short, folder: x}}\napex:\n  name-servers:\n{names}keys: {{algorithm: 8, zsk-bits: 2048}}\n")
    report = plan_json("--edition", path)["plans"][0]
    rows = rows_of({"plans": [report]})
    assert report["signers"] == ["rsa2048"] and report["servers"] == 14
    assert rows[512, False, False, False]["bytes"] == 493
    assert rows[4096, True, True, False]["parts"]["rrsig_of_ns"]["bytes"] == 286
    path.write_text("edition: {name: same, folder: x}\n")
    assert "take --from and the source" in plan("--edition", path, status=2)
    path.write_text("edition: {nonsense: 1}\n")
    assert str(path) in plan("--edition", path, status=2)


def test_more_than_any_message_holds():
    text = plan("--names", "%", "--servers", "200", "--addresses", "20,20", "--sign", "none", "--sizes", "512")
    assert "more than 64 KiB" in text and "nothing" not in text


def test_a_name_set_that_no_message_holds():
    big = [word for size in range(8185, 8193) for word in ("--sign", size)]
    text = plan("--names", "%", *big, "--sizes", "512")
    assert "no message holds them" in text and " 0 bytes" not in text and "none in 512 bytes" in text
    report = plan_json("--scheme", "5.3", "--sign", "7856", "--sizes", "65535")
    whole = rows_of(report)["TCP", True, True, False]
    assert not whole["tc"] and whole["left_out"]["beyond_64k"] and whole["parts"]["rrsig_of_addresses"]["records"] == 7
    assert rows_of(report)[65535, True, True, False]["most_servers"] == 3


def test_the_table_is_the_report():
    """What a person reads and what a program reads are the same figures."""
    arguments = ["--names", "%", "--servers", "14", "--sign", "ed25519", "--sign", "rsa4096"]
    rows = rows_of(plan_json(*arguments))
    lines = [line for line in plan(*arguments).splitlines() if re.match(r"(TCP, |no )?EDNS", line)]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows.values()):
        asked, size, length, tc = re.match(r"(.*?) +(\d+|-) +(\d+) (TC)?", line).groups()
        assert int(length) == row["bytes"] and (tc == "TC") == row["tc"] and ("DO" in asked) == row["dnssec"] and ("cookie" in asked) == row["cookie"]
        assert size == ("-" if row["tcp"] else str(row["size"])) and row["edns"] == (not asked.startswith("no "))
        for part in ("ns", "rrsig_of_ns", "a", "aaaa", "opt"):
            share = row["parts"][part]
            assert f' {share["records"]}/{share["bytes"]} ' in line or share["bytes"] == 0
        if not row["tcp"]:
            assert re.search(rf' {row["most_servers"]}\+? +{row["most_servers_one_address"]}\+?$', line)


# The twenty-five of the Yeti test bed (RFC 8483), which had IPv6 addresses only.
YETI = """bii.dns-lab.net yeti-ns.tisf.net yeti-ns.wide.ad.jp yeti-ns.as59715.net dahu1.yeti.eu.org ns-yeti.bondis.org yeti-ns.ix.ru yeti.bofh.priv.at
yeti.ipv6.ernet.in yeti-dns01.dnsworkshop.org yeti-ns.conit.co dahu2.yeti.eu.org yeti.aquaray.com yeti-ns.switch.ch yeti-ns.lab.nic.cl
yeti-ns1.dns-lab.net yeti-ns2.dns-lab.net yeti-ns3.dns-lab.net ca978112ca1bbdcafac231b39a23dc.yeti-dns.net
3e23e8160039594a33894f6564e1b1.yeti-dns.net 3f79bb7b435b05321651daefd374cd.yeti-dns.net xn--r2bi1c.xn--h2bv6c0a.xn--h2brj9c
yeti1.ipv6.ernet.in yeti-dns02.dnsworkshop.org yeti.mind-dns.nl""".split()


def test_twenty_five_names_of_many_zones(tmp_path):
    """More than thirteen, of no common suffix, with one family: as planned, as a file, and as our server, NSD and Knot DNS have it."""
    servers = [word for i, name in enumerate(YETI, 1) for word in ("--server", f"{name}=2001:db8::{i:x}")]
    plan(*servers, "--write-zones", tmp_path)
    rows = rows_of(plan_json(*servers))
    assert rows_of(plan_json("--from", tmp_path / "root.zone")).keys() == rows.keys()
    whole = rows["TCP", True, True, False]
    assert [whole["parts"][part]["records"] for part in ("ns", "a", "aaaa", "rrsig_of_ns", "rrsig_of_addresses")] == [25, 0, 25, 1, 0]
    assert whole["bytes"] > 1232 and rows[1232, True, True, False]["left_out"]["aaaa"] > 0
    tmp_path.chmod(0o755)
    running = Servers(tmp_path, {".": tmp_path / "root.zone"})
    try:
        for kind in KINDS:
            live = rows_of(plan_json("--zone", tmp_path / "root.zone", "--against", running.at[kind]))
            for at, row in live.items():
                check_sums(row)
                assert row["bytes"] == rows[at]["bytes"] and (kind != "banyan" or row["other"]["because"] == []), (kind, at)
    finally:
        running.stop()


def test_a_reply_that_is_none(tmp_path):
    """A server that answers with what is no message."""
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", port))
        s.settimeout(DEADLINE_S)
        asked = subprocess.Popen([program("banyan"), "plan", "priming", "--against", f"127.0.0.1@{port}"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        question, client = s.recvfrom(512)
        s.sendto(question[:2] + b"\x84\0" + b"\xff" * 60, client)
        _, said = asked.communicate(timeout=120)
    assert asked.returncode == 2 and f"the reply of 127.0.0.1@{port} cannot be taken apart" in said
