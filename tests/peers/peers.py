# SPDX-License-Identifier: GPL-3.0-or-later
"""Authoritative servers to compare with: NSD, Knot DNS, BIND and banyand, each started in the foreground with a small
configuration of its own, waited for with a deadline, ended by its process id.

    private_network()                                   # once: a network namespace with nothing but loopback
    with start("knot", {"example.": path}, work) as server:
        reply = ask_udp(server, wire)

`subject` is a variable everywhere: what holds for banyand can be asked of the others too.
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
import time

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 60.0
UDP_SIZE = 4096
IDENTITY = "peer-check"
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def build_dir():
    return REPOSITORY / os.environ.get("BANYAN_BUILD", "build")


def banyand_path():
    for path in (build_dir() / "banyand", build_dir() / "src/cmd/banyand/banyand"):
        if path.is_file():
            return path
    return None


def private_network():
    """Moves this process into a network namespace of its own with loopback up; children inherit it. Raises OSError."""
    if private_network.done:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWNET | (CLONE_NEWUSER if os.geteuid() != 0 else 0)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    private_network.done = True


private_network.done = False


class Server:
    """A running server: name, address and port, process, folder with its configuration and log."""

    def __init__(self, name, port, process, folder):
        self.name = name
        self.address = ("127.0.0.1", port)
        self.process = process
        self.folder = folder

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        """Ends it and waits; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def _nsd(port, zones, folder):
    lines = [
        "server:", f"  ip-address: 127.0.0.1@{port}", "  server-count: 1", '  username: ""', '  database: ""',
        f'  zonesdir: "{folder}"', f'  pidfile: "{folder}/nsd.pid"', f'  xfrdfile: "{folder}/xfrd.state"',
        f'  zonelistfile: "{folder}/zone.list"', f"  ipv4-edns-size: {UDP_SIZE}", "  minimal-responses: yes",
        "  rrl-ratelimit: 0", f'  identity: "{IDENTITY}"', f'  nsid: "ascii_{IDENTITY}"', "  hide-version: yes", "  tcp-timeout: 30",
        "remote-control:", "  control-enable: no"]
    for origin, path in zones.items():
        lines += ["zone:", f'  name: "{origin}"', f'  zonefile: "{path}"']
    (folder / "nsd.conf").write_text("\n".join(lines) + "\n")
    return ["nsd", "-d", "-c", str(folder / "nsd.conf")]


def _knot(port, zones, folder):
    lines = [
        "server:", f"  rundir: {folder}", f"  listen: 127.0.0.1@{port}", f"  udp-max-payload: {UDP_SIZE}",
        "  udp-workers: 1", "  tcp-workers: 1", "  background-workers: 1", f"  identity: {IDENTITY}", '  version: ""',
        f"  nsid: {IDENTITY}",
        "log:", "  - target: stderr", "    any: info", "database:", f"  storage: {folder}", "template:",
        "  - id: default", "    journal-content: none", "    zonefile-load: whole", "    zonefile-sync: -1",
        "    semantic-checks: off", "zone:"]
    for origin, path in zones.items():
        lines += [f"  - domain: {origin}", f"    file: {path}"]
    (folder / "knot.conf").write_text("\n".join(lines) + "\n")
    return ["knotd", "-c", str(folder / "knot.conf")]


def _bind(port, zones, folder):
    lines = [
        "options {", f'  directory "{folder}";', f"  listen-on port {port} {{ 127.0.0.1; }};", "  listen-on-v6 { none; };",
        "  recursion no;", "  notify no;", "  dnssec-validation no;", "  minimal-responses no-auth;",
        f"  edns-udp-size {UDP_SIZE}; max-udp-size {UDP_SIZE}; nocookie-udp-size {UDP_SIZE};", "  answer-cookie no;",
        "  empty-zones-enable no;", "  pid-file none;", "  check-integrity no; check-names primary ignore;",
        "  allow-transfer { none; };", "  zero-no-soa-ttl no; max-records-per-type 0;", f'  server-id "{IDENTITY}"; hostname "{IDENTITY}"; version none;',
        '  session-keyfile none;', "  tcp-idle-timeout 300;", "};", "controls { };",
        'logging { channel c { stderr; severity info; }; category default { c; }; };']
    for origin, path in zones.items():
        lines.append(f'zone "{origin}" {{ type primary; file "{path}"; }};')
    (folder / "named.conf").write_text("\n".join(lines) + "\n")
    return ["named", "-f", "-n", "1", "-c", str(folder / "named.conf")]


def _banyan(port, zones, folder):
    lines = [
        "server:", f"  listen: [127.0.0.1@{port}]", f"  rundir: {folder}", f"  identity: {IDENTITY}",
        f"  udp-size: {UDP_SIZE}", "  minimal-responses: false", "  cookies: off", "  workers: 1", '  user: ""', "  confine: false", "resolver:", "  enabled: false", "zones:"]
    for origin, path in zones.items():
        lines += [f'  - name: "{origin}"', f"    file: {path}", "    prove: structure"]
    (folder / "banyan.yaml").write_text("\n".join(lines) + "\n")
    return [str(banyand_path()), "-c", str(folder / "banyan.yaml")]


# name: (program, port, configuration writer)
KINDS = {
    "nsd": ("nsd", 5301, _nsd),
    "knot": ("knotd", 5302, _knot),
    "bind": ("named", 5303, _bind),
    "banyan": (None, 5300, _banyan),
}


def missing(names):
    """Those of the servers that are not installed or built."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [n for n in names if (banyand_path() is None if n == "banyan" else shutil.which(KINDS[n][0], path=path) is None)]


def _soa_question(origin):
    name = b"".join(bytes([len(label)]) + label.encode() for label in origin.rstrip(".").split(".") if label) + b"\0"
    return b"\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x06\x00\x01"


def _serves(server, origin):
    """Does it answer for the zone, with authority and a record?"""
    reply = ask_udp(server, _soa_question(origin), timeout_s=1)
    return reply is not None and len(reply) > 12 and reply[3] & 0x0F == 0 and reply[7] > 0


@contextlib.contextmanager
def start(name, zones, work, port=None):
    """Runs a server for `zones` (origin to path of the zone file) with its files in a new folder under `work`."""
    _, default_port, configure = KINDS[name]
    port = port or default_port
    folder = pathlib.Path(work) / f"{name}-{port}"
    folder.mkdir(parents=True)
    command = configure(port, zones, folder)
    environment = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder)
    server = Server(name, port, process, folder)
    try:
        deadline = time.monotonic() + START_DEADLINE_S
        for origin in zones:
            while not _serves(server, origin):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{name} does not serve {origin}:\n{server.log()}")
                time.sleep(0.02)
        yield server
    finally:
        server.stop()


def ask_udp(server, wire, timeout_s=10.0):
    """Sends one message and returns the reply with its ID, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout_s)
        sock.connect(server.address)
        try:
            sock.send(wire)
            while True:
                reply = sock.recv(65535)
                if reply[:2] == wire[:2]:
                    return reply
        except (TimeoutError, ConnectionRefusedError):
            return None


def ask_udp_many(server, wires, window=64, timeout_s=10.0):
    """Sends messages (their IDs are set here) with `window` of them in flight; returns the replies in order, None for silence.
    What is not answered in time is asked once more."""
    replies = [None] * len(wires)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.connect(server.address)
        sock.settimeout(timeout_s)
        for start_at in range(0, len(wires), window):
            todo = set(range(start_at, min(start_at + window, len(wires))))
            for _ in range(2):
                for i in todo:
                    sock.send((i & 0xFFFF).to_bytes(2, "big") + wires[i][2:])
                try:
                    while todo:
                        reply = sock.recv(65535)
                        i = start_at + ((int.from_bytes(reply[:2], "big") - start_at) & 0xFFFF)
                        if i in todo:
                            replies[i] = reply
                            todo.discard(i)
                except TimeoutError:
                    pass
    return replies


def _receive(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def ask_tcp_many(server, wires, timeout_s=20.0):
    """Asks one message after the other over one connection; a closed connection is opened again."""
    replies = []
    sock = None
    for wire in wires:
        reply = None
        for _ in range(2):
            try:
                if sock is None:
                    sock = socket.create_connection(server.address, timeout=timeout_s)
                sock.sendall(len(wire).to_bytes(2, "big") + wire)
                reply = _receive(sock, int.from_bytes(_receive(sock, 2), "big"))
                break
            except OSError:
                if sock is not None:
                    sock.close()
                sock = None
        replies.append(reply)
    if sock is not None:
        sock.close()
    return replies
