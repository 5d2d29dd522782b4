# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the chain that are not ours: nginx, which carries the published tree, and NSD and Knot DNS as secondaries. Each can be told to be wrong."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from versions import PATH

PUBLISHER, NSD, KNOT, WEB, PEERS = "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4", ("127.0.1.11", "127.0.1.12", "127.0.1.13")


def installed(*programs):
    return all(shutil.which(name, path=PATH) for name in programs)


def listens(address, port):
    try:
        socket.create_connection((address, port), timeout=1).close()
        return True
    except OSError:
        return False


def runs(group):
    """Is there a process of this group that is more than a zombie?"""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group and fields[0] not in "ZX":
                    return True
    return False


class Part:
    """A process in the foreground. It can be killed, stalled and woken at any time."""

    def __init__(self, folder, address, port):
        self.folder, self.address, self.port, self.process = folder, address, port, None
        folder.mkdir()
        folder.chmod(0o777)

    def launch(self, *words):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                            env=dict(os.environ, PATH=PATH))
        end = time.monotonic() + 60
        while not listens(self.address, self.port):
            assert self.process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text(errors="replace")
            time.sleep(0.02)

    def send(self, number):
        os.killpg(self.process.pid, number)  # NSD is several processes

    def kill(self):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # it could not start, or has ended
                self.send(signal.SIGKILL)
            self.process.wait()
            end = time.monotonic() + 60
            while runs(self.process.pid):  # the others of its group hold the port until they are gone
                assert time.monotonic() < end, self.folder
                time.sleep(0.005)
        self.process = None

    def stall(self):
        self.send(signal.SIGSTOP)

    def wake(self):
        self.send(signal.SIGCONT)


class Web(Part):
    CONF = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    server {{
        listen {address}:80;
        listen {address}:443 ssl http2;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        root {tree};
        disable_symlinks on;
        location ~ ^/[^/]+/[0-9]+/  {{ add_header Cache-Control "public, max-age=31536000, immutable"; }}
        location ~ ^/[^/]+/current$ {{ add_header Cache-Control "public, max-age=1"; default_type text/plain; }}
    }}
}}
"""

    def __init__(self, folder):
        super().__init__(folder, WEB, 443)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=carrier",
                        "-addext", f"subjectAltName=IP:{WEB}", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
                       check=True, capture_output=True)

    def start(self, tree):
        self.kill()
        (self.folder / "conf").write_text(self.CONF.format(folder=self.folder, address=self.address, tree=tree))
        self.launch("nginx", "-e", str(self.folder / "errors"), "-c", str(self.folder / "conf"), "-p", str(self.folder))


class Secondary(Part):
    """`start()` as a secondary of the publisher that begins with nothing; `start(text)` with a zone of its own."""

    def __init__(self, folder, address, tell):
        super().__init__(folder, address, 53)
        self.tell = tell

    def start(self, text=None):
        self.kill()
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        if text is not None:
            (data / "zone").write_text(text, encoding="ascii")
        (self.folder / "conf").write_text(self.conf(data, text is None))
        self.launch(*self.words, "-c", str(self.folder / "conf"))


class Nsd(Secondary):
    words = ("nsd", "-d")

    def conf(self, data, secondary):
        notify = "\n".join(f"  notify: {peer} NOKEY" for peer in self.tell)
        return f"""
server:
  ip-address: {self.address}@53
  server-count: 1
  username: ""
  database: ""
  zonesdir: "{data}"
  pidfile: "{data}/pid"
  xfrdfile: "{data}/xfrd.state"
  xfrdir: "{data}"
  zonelistfile: "{data}/zone.list"
  verbosity: 1
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "{data}/zone"
  provide-xfr: 127.0.0.0/8 NOKEY
  outgoing-interface: {self.address}
{notify}
""" + (f"""  request-xfr: {PUBLISHER} NOKEY
  allow-notify: 127.0.0.0/8 NOKEY
""" if secondary else "")


class Knot(Secondary):
    words = ("knotd",)

    def conf(self, data, secondary):
        tell = "".join(f"""
  - id: tell{i}
    address: {peer}
    via: {self.address}""" for i, peer in enumerate(self.tell))
        return f"""
server:
  rundir: {data}
  listen: {self.address}@53
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: {data}
remote:
  - id: publisher
    address: {PUBLISHER}
    via: {self.address}{tell}
acl:
  - id: all
    address: 127.0.0.0/8
    action: [notify, transfer]
template:
  - id: default
    semantic-checks: off
zone:
  - domain: "."
    notify: [{", ".join(f"tell{i}" for i in range(len(self.tell)))}]
    acl: all
    zonefile-sync: -1
""" + ("    zonefile-load: none\n    master: publisher\n" if secondary else f"    file: {data}/zone\n    zonefile-load: whole\n")
