# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of other makes, in the foreground, in a folder of their own: the part of their configuration that is the same in all tests."""
import os
import shutil
import subprocess

import dns.exception
import dns.message
import dns.query
import pytest

from basics import PATH, wait_for

KEY = "transfer.example"
SECRET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def indented(lines, by="  "):
    return "".join(f"{by}{line}\n" for line in lines)


def nsd(folder, listen, zone, lines, *, server=(), sections="", key=KEY, secret=SECRET):
    """`listen`: ADDRESS@PORT, several by spaces; `lines`: of the zone; `server`: more of that section; `sections`: whole ones."""
    addresses = [f"ip-address: {each}" for each in listen.split()]
    return ["nsd", "-d", "-c", str(folder / "conf")], f"""
server:
{indented(addresses)}{indented(server)}  server-count: 1
  username: ""
  database: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/pid"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  verbosity: 2
remote-control:
  control-enable: no
key:
  name: "{key}"
  algorithm: hmac-sha256
  secret: "{secret}"
{sections}zone:
  name: "{zone}"
  zonefile: "{folder}/zone"
{indented(lines)}"""


def knot(folder, listen, zone, lines, *, remote=None, actions="transfer", template="", signed=False, allowed="127.0.0.1", key=KEY,
         secret=SECRET):
    """`remote`: ADDRESS@PORT of the other side, known as r; who may do `actions` is the acl a."""
    named = f"\n    key: {key}" if signed else ""
    others = f"remote:\n  - id: r\n    address: {remote}{named}\n" if remote else ""
    return ["knotd", "-c", str(folder / "conf")], f"""
server:
  rundir: {folder}
  listen: [{", ".join(listen.split())}]
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: {folder}
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
{others}acl:
  - id: a
    address: {allowed}
    action: [{actions}]{named}
{template}zone:
  - domain: "{zone}"
    file: {folder}/zone
    acl: a
{indented(lines, "    ")}"""


def bind(folder, listen, zone, lines, *, options="", before="", key=KEY, secret=SECRET):
    """`listen`: ADDRESS@PORT; `options`, `before`: in that section, and ahead of it."""
    address, port = listen.split("@")
    return ["named", "-f", "-n", "1", "-c", str(folder / "conf")], f"""
{before}
options {{
  directory "{folder}"; listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no;
  dnssec-validation no; pid-file none; session-keyfile none; empty-zones-enable no; check-integrity no;
  {options}
}};
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
controls {{ }};
logging {{ channel c {{ stderr; severity info; print-time no; }}; category default {{ c; }}; }};
zone "{zone}" {{
  file "{folder}/zone";
{indented(lines)}}};
"""


class Other:
    """One of them. `made`: what one of the functions above returned."""

    def __init__(self, folder, made):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        self.folder, (self.command, text) = folder, made
        if shutil.which(self.command[0], path=PATH) is None:
            pytest.fail(f"{self.command[0]} is not installed; tools/install-needed names the packages")
        (folder / "conf").write_text(text)
        self.process = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            env=dict(os.environ, PATH=PATH))
        return self

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def answers(self, zone, port, address="127.0.0.1"):
        """Waits until it answers for the zone, with or without having it."""
        def reply():
            assert self.process.poll() is None, self.log()
            return asked(zone, port, address) is not None
        wait_for(f"{self.command[0]} to answer", reply)
        return self


def asked(zone, port, address="127.0.0.1", rtype="SOA"):
    try:
        return dns.query.udp(dns.message.make_query(zone, rtype), address, port=port, timeout=1)
    except (dns.exception.DNSException, OSError):
        return None


def serial_at(zone, port, address="127.0.0.1"):
    """None: nobody there, or without the zone."""
    reply = asked(zone, port, address)
    return reply.answer[0][0].serial if reply is not None and reply.answer else None
