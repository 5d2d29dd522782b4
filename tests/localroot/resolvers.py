# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolvers that carry a copy of the root: banyand, and Debian's unbound, BIND and PowerDNS Recursor, each with the settings
that make it as careful with its copy as it can be."""
import itertools
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype as T
import pytest
import yaml

import rootzone

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BANYAN_BUILD", TOP / "build")).resolve()
DEADLINE_S = 60
ADDRESS = "127.53.0.53"
HINT = f". 3600 IN NS ns.root.\nns.root. 3600 IN A {rootzone.SERVER}\n"


def program(name):
    for path in (BUILD / name, BUILD / "src" / "cmd" / name / name):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    pytest.exit(f"{name} is not built in {BUILD}; set BANYAN_BUILD")


class Resolver:
    """`transfers` and `urls` are its sources; `file` one on the disk. What it learns stays in its folder over a restart."""
    name = binary = None
    takes_urls = takes_several = True

    def __init__(self, folder, keys, transfers=(), urls=(), local_file=None, fallback=True):
        self.folder, self.keys, self.transfers, self.urls = folder, keys, list(transfers), list(urls)
        self.local_file, self.fallback, self.process = local_file, fallback, None
        self.marks = {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hints").write_text(HINT)
        (folder / "root.ds").write_text(f". 3600 IN DS {keys.ds.to_text()}\n")

    @classmethod
    def installed(cls):
        return cls.binary is None or shutil.which(cls.binary, path="/usr/sbin:/usr/bin") is not None

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + DEADLINE_S
        while self.ask("version.bind.", T.TXT, wait_s=1.0, rdclass="CH") is None:
            assert self.process.poll() is None and time.monotonic() < end, f"{self.name} does not start:\n{self.log()}"
        return self

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop(signal.SIGKILL)
            raise

    def __exit__(self, *_):
        self.stop()

    def ask(self, qname, rtype, wait_s=15.0, rdclass="IN", do=True):
        query = dns.message.make_query(qname, rtype, rdclass, want_dnssec=do, payload=1232)
        try:
            reply, _ = dns.query.udp_with_fallback(query, ADDRESS, timeout=wait_s)
            return reply
        except (dns.exception.Timeout, OSError):
            return None

    def has(self, version):
        """Does it stand on this version? Whatever it answers from, each mark is asked for once."""
        mark = next(self.marks.setdefault(version, itertools.cycle(range(rootzone.MARKS))))
        reply = self.ask(f"v{version}-{mark}.", T.TXT)
        return reply is not None and any(rrset.rdtype == T.TXT for rrset in reply.answer)

    def nudge(self):
        """Makes it look at its sources now."""
        self.notify()

    def notify(self):
        """Tells it that there is something new, if it listens to that."""
        message = dns.message.make_query(".", T.SOA)
        message.set_opcode(dns.opcode.NOTIFY)
        message.flags = (message.flags & ~dns.flags.RD) | dns.flags.AA
        try:
            dns.query.udp(message, ADDRESS, timeout=0.3, source=self.transfers[0] if self.transfers else None)
        except (dns.exception.Timeout, OSError, dns.query.BadResponse):
            pass


class Unbound(Resolver):
    name, binary = "unbound", "unbound"

    def command(self):
        text = f"""server:
  interface: {ADDRESS}
  do-ip6: no
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  root-hints: "{self.folder}/hints"
  trust-anchor-file: "{self.folder}/root.ds"
  module-config: "validator iterator"
remote-control:
  control-enable: no
auth-zone:
  name: "."
  zonefile: "{self.folder}/root.zone"
  for-downstream: no
  for-upstream: yes
  fallback-enabled: {"yes" if self.fallback else "no"}
  zonemd-check: yes
  zonemd-reject-absence: yes
  allow-notify: 127.53.0.0/16
"""
        text += "".join(f"  primary: {address}\n" for address in self.transfers) + "".join(f'  url: "{url}"\n' for url in self.urls)
        if self.local_file:
            shutil.copy(self.local_file, self.folder / "root.zone")
        (self.folder / "unbound.conf").write_text(text)
        return ["/usr/sbin/unbound", "-d", "-c", str(self.folder / "unbound.conf")]


class Bind(Resolver):
    name, binary = "BIND", "named"
    takes_urls = False

    def command(self):
        ds = self.keys.ds
        text = f"""options {{
  directory "{self.folder}"; listen-on {{ {ADDRESS}; }}; listen-on-v6 {{ none; }}; pid-file none; session-keyfile none;
  recursion yes; allow-query {{ any; }}; dnssec-validation yes; notify no; minimal-responses no; querylog no;
  min-refresh-time 1; max-refresh-time 2; min-retry-time 1; max-retry-time 1; tcp-initial-timeout 25;
  managed-keys-directory "{self.folder}"; masterfile-format text; allow-notify {{ 127.53.0.0/16; }}; transfer-source-v6 none;
  bindkeys-file "/nonexistent"; lmdb-mapsize 1M;
}};
controls {{ }};
trust-anchors {{ . static-ds {ds.key_tag} {int(ds.algorithm)} {int(ds.digest_type)} "{ds.digest.hex().upper()}"; }};
zone "." {{
  type mirror; file "{self.folder}/root.mirror"; primaries {{ {" ".join(a + ";" for a in self.transfers)} }}; max-transfer-idle-in 1;
}};
"""
        text = text.replace("transfer-source-v6 none;", "").replace("lmdb-mapsize 1M;", "")
        (self.folder / "named.conf").write_text(text)
        return ["/usr/sbin/named", "-f", "-g", "-4", "-n", "1", "-c", str(self.folder / "named.conf")]


class PowerDNS(Resolver):
    name, binary = "PowerDNS Recursor", "pdns_recursor"
    takes_several = False

    def command(self):
        source = ("axfr", self.transfers[0]) if self.transfers else ("url", self.urls[0]) if self.urls else ("file", self.local_file)
        (self.folder / "copy.lua").write_text(f"""
clearTA('.')
addTA('.', "{self.keys.ds.to_text()}")
zoneToCache(".", "{source[0]}", "{source[1]}", {{ refreshPeriod = 2, retryOnErrorPeriod = 1, timeout = 3, zonemd = "require", dnssec = "require" }})
""")
        (self.folder / "recursor.conf").write_text(f"""local-address={ADDRESS}
local-port=53
socket-dir={self.folder}
hint-file={self.folder}/hints
lua-config-file={self.folder}/copy.lua
dnssec=validate
dont-query=
allow-from=127.0.0.0/8
security-poll-suffix=
threads=1
pdns-distributes-queries=no
write-pid=no
disable-syslog=yes
daemon=no
query-local-address=127.0.0.1
loglevel=6
structured-logging=no
""")
        return ["/usr/sbin/pdns_recursor", f"--config-dir={self.folder}"]


    def nudge(self):
        subprocess.run(["/usr/bin/rec_control", f"--socket-dir={self.folder}", "reload-lua-config"], capture_output=True, timeout=DEADLINE_S)


class Banyan(Resolver):
    name = "banyand"

    def command(self):
        sources = [f"xfr:{address}" for address in self.transfers] + list(self.urls) + ([f"file:{self.local_file}"] if self.local_file else [])
        config = {
            "server": {"listen": [f"{ADDRESS}@53"], "workers": 1, "user": "root", "rundir": str(self.folder / "run"), "log-level": "info",
                       "confine": not os.environ.get("BANYAN_SANITIZED")},
            "root": {"file": "", "sources": sources, "store": str(self.folder / "store"), "anchors": [str(self.folder / "root.ds")],
                     "fallback": self.fallback, "hints": [rootzone.SERVER], "refresh-min": "1s"},
            "resolver": {"ipv6": False, "loopback": "on"},
        }
        (self.folder / "banyan.yaml").write_text(yaml.safe_dump(config))
        return [program("banyand"), "-c", str(self.folder / "banyan.yaml")]


    def nudge(self):
        subprocess.run([program("banyan"), "copy", "refresh", "--socket", str(self.folder / "run/control.sock")], capture_output=True, timeout=DEADLINE_S)


KINDS = [Banyan, Unbound, Bind, PowerDNS]
