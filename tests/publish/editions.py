# SPDX-License-Identifier: GPL-3.0-or-later
"""Editions of a small root: its source, their descriptions, `banyan publish` as a process, and what others say of what came out."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.zone
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from basics import PATH, program, wait_for  # noqa: E402,F401

DS = "DS 1 13 2 " + "ab" * 32
TLDS = 60


def source_text(serial=100, tlds=TLDS, more="", refresh=1):
    """A root as it comes from whoever makes it, not signed: two servers, delegations with DS and glue."""
    lines = [f". 86400 SOA a.root-servers.net. nstld.example. {serial} {refresh} {refresh} 604800 86400",
             ". 518400 NS a.root-servers.net.", ". 518400 NS b.root-servers.net.",
             "a.root-servers.net. 3600000 A 198.41.0.4", "a.root-servers.net. 3600000 AAAA 2001:503:ba3e::2:30",
             "b.root-servers.net. 3600000 A 170.247.170.2", "b.root-servers.net. 3600000 AAAA 2801:1b8:10::b",
             "net. 172800 NS a.gtld-servers.net.", f"net. 86400 {DS}", "a.gtld-servers.net. 172800 A 192.5.6.30"]
    for i in range(tlds):
        lines += [f"tld{i}. 172800 NS ns1.nic.tld{i}.", f"tld{i}. 172800 NS ns2.example.net.",
                  f"ns1.nic.tld{i}. 172800 A 192.0.2.{i % 250 + 1}"]
        if i % 5:
            lines.append(f"tld{i}. 86400 {DS}")
    return "\n".join(lines) + "\n" + more


def put(path, text):
    """As who publishes does it: the file is whole at any moment."""
    Path(str(path) + ".new").write_text(text)
    os.replace(str(path) + ".new", path)


def servers(*names):
    return [{"name": name, "addresses": [f"192.0.2.{i + 1}", f"2001:db8::{i + 1:x}"]} for i, name in enumerate(names)]


APEXES = {
    "thirteen": [],
    "letters": servers(*(f"{letter}." for letter in "abcdefghijklmn")),
    "anycast": servers("anycast-x1.iana-servers.net."),
    "yeti": servers(*(f"bii.dns-lab{i}.net." for i in range(25))),
}


class Edition:
    """A description in a folder of its own; `sections` are merged into it."""

    def __init__(self, folder, name, source=None, apex=None, **sections):
        self.folder = folder / name
        self.folder.mkdir()
        self.name, self.home = name, folder
        self.path = folder / f"{name}.yaml"
        apex = APEXES.get(name, []) if apex is None else apex
        self.config = {"edition": {"name": name, "folder": name}, "source": {"from": source or "file:source"},
                       "apex": {"name-servers": apex}, "signing": {"threads": 1}}
        self.write(**sections)
        self.watching = None

    def write(self, **sections):
        for section, options in sections.items():
            self.config.setdefault(section, {}).update(options)
        self.path.write_text(yaml.safe_dump(self.config))
        return self

    def command(self, *words):
        return [program("banyan"), *words]

    def publish(self, *words):
        """(exit status, what it says as JSON, errors)"""
        done = subprocess.run([program("banyan"), "publish", "--json", *words, str(self.path)], capture_output=True, text=True, timeout=120)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        self.lines = said
        return done.returncode, said[-1] if said else {}, done.stderr

    def good(self, *words):
        status, said, errors = self.publish(*words)
        assert status == 0 and not errors, (said, errors)
        return said

    def refused(self, reason, *words):
        status, said, errors = self.publish(*words)
        assert (status, said.get("reason")) == (1, reason), (said, errors)
        return said["why"]

    def watch(self, **env):
        log = open(self.folder / "log", "ab")
        self.watching = subprocess.Popen([program("banyan"), "publish", "--watch", str(self.path)], stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=log, env=dict(os.environ, **env))
        log.close()
        return self

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        if self.watching is not None:
            self.watching.send_signal(signal.SIGTERM)
            try:
                status = self.watching.wait(60)
            except subprocess.TimeoutExpired:
                self.watching.kill()
                self.watching.wait()
                raise
            self.watching = None
            assert status == 0 and "Sanitizer" not in self.log() and "runtime error" not in self.log(), self.log()

    @property
    def zone_file(self):
        return self.folder / "zone"

    @property
    def anchors(self):
        return self.folder / "anchors"

    def text(self):
        return self.zone_file.read_text()

    def zone(self):
        return dns.zone.from_text(self.text(), origin=".", relativize=False, check_origin=False)

    def serial(self):
        try:
            return self.zone().get_soa().serial
        except FileNotFoundError:
            return None

    def rrset(self, name, rtype):
        return {rdata.to_text() for rdata in self.zone().find_rdataset(dns.name.from_text(name), rtype)}

    def cli(self, *words):
        return subprocess.run([program("banyan"), *words], capture_output=True, text=True, timeout=120)


def stays(edition, reason, *words):
    """Refused for this reason, and the version before stays."""
    before = edition.text()
    why = edition.refused(reason, *words)
    assert edition.text() == before
    return why


def judges(edition, alone=True):
    """Each says what it thinks of the zone file; all must agree. `alone`: the zone has KSKs and ZSKs, and not one key for both."""
    zone, anchors = str(edition.zone_file), str(edition.anchors)
    types = {rdataset.rdtype for _, rdataset in edition.zone().iterate_rdatasets()}
    digest, nsec3 = dns.rdatatype.ZONEMD in types, dns.rdatatype.NSEC3 in types
    asked = {
        "banyan verify": [program("banyan"), "verify", "--anchor", anchors, *(["--require", "zonemd"] if digest else []), zone],
        "ldns-verify-zone": ["ldns-verify-zone", *(["-Z"] if digest else []), "-k", anchors, zone],
        "kzonecheck": ["kzonecheck", "-o", ".", "-d", "on", zone],
        "named-checkzone": ["named-checkzone", "-i", "local", ".", zone],
        "nsd-checkzone": ["nsd-checkzone", ".", zone],
        "dnssec-verify": ["dnssec-verify", *([] if alone else ["-z"]), "-o", ".", zone],
    }
    if digest and nsec3:  # with both, and glue, ldns-verify-zone 1.8.3 may never end, and in a root it never does; with either it ends
        del asked["ldns-verify-zone"]
    return asked


def judge(edition, alone=True, but=()):
    for name, command in judges(edition, alone).items():
        if name in but:
            continue
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=dict(os.environ, PATH=PATH))
        assert done.returncode == 0, (name, done.stdout[-2000:], done.stderr[-2000:])
    zone = edition.zone()
    if zone.get_rdataset(".", dns.rdatatype.ZONEMD) is not None:
        zone.verify_digest()
