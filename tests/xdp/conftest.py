# SPDX-License-Identifier: GPL-3.0-or-later
"""A banyand whose questions come by AF_XDP, over a wire between two network namespaces.

Where the machine cannot do AF_XDP at all (a container without the rights, a kernel without it), which is found out without the
daemon's help, what is tested is that the daemon says so and serves by sockets.
"""
import ctypes
import importlib.util
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

import dns.message
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import wires  # noqa: E402

spec = importlib.util.spec_from_file_location("daemons", HERE.parent / "daemon" / "conftest.py")
daemons = importlib.util.module_from_spec(spec)
sys.modules["daemons"] = daemons
spec.loader.exec_module(daemons)

LONGEST = 1400


def settles(d, **expected):
    """Waits until the counters say so: replies are counted behind their sending, when who got them may already ask."""
    daemons.wait_for(f"{expected}", lambda: (now := d.counters()) and all(now[name] == value for name, value in expected.items()))
    return True


def zone_text():
    """A name for each size: n0040 has a TXT record with 40 bytes of data."""
    lines = ["$ORIGIN sizes.example.", "$TTL 3600", "@ SOA ns h 1 7200 3600 1209600 300", "@ NS ns", "ns A 192.0.2.1",
             "www A 192.0.2.7", "big " + " ".join(["TXT"] + ['"' + "y" * 250 + '"'] * 11)]
    for size in range(1, LONGEST + 1):
        strings, left = [], size
        while left > 0:
            part = min(left, 256)
            if left - part == 1:  # a string has at least its length
                part -= 1
            strings.append('"' + "x" * (part - 1) + '"')
            left -= part
        lines.append(f"n{size:04} TXT {' '.join(strings)}")
    return "\n".join(lines) + "\n"


def af_xdp_is_there():
    """Would the kernel give this process a map of sockets, and a socket? Asked of it directly."""
    attr = struct.pack("IIII", 17, 4, 4, 1).ljust(120, b"\0")  # BPF_MAP_TYPE_XSKMAP
    fd = ctypes.CDLL(None, use_errno=True).syscall({"x86_64": 321}.get(os.uname().machine, 280), 0, attr, len(attr))
    if fd < 0:
        return False
    os.close(fd)
    try:
        socket.socket(44, socket.SOCK_RAW).close()  # AF_XDP
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def wire():
    if os.geteuid() != 0:
        pytest.skip("AF_XDP needs root")
    try:
        w = wires.Wire()
    except OSError as error:
        pytest.skip(f"no network namespace: {error}")
    yield w
    w.close()


@pytest.fixture(scope="session")
def zone():
    """Readable for whatever user the daemon becomes."""
    with tempfile.TemporaryDirectory(prefix="banyan-xdp.", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "sizes.zone"
        path.write_text(zone_text())
        yield str(path)


@pytest.fixture
def serve(wire, zone):
    """serve(config, ...) starts a banyand with AF_XDP on s0 that serves sizes.example.; all are ended, and leave no filter."""
    running = []

    def start(config=None, server=None, start=True, prefix=(), expect=0):
        folder = Path(tempfile.mkdtemp(dir=Path(zone).parent))
        folder.chmod(0o755)
        config = dict(config or {})
        config.setdefault("zones", [{"name": "sizes.example", "file": zone, "prove": "structure"}])
        config.setdefault("resolver", {"enabled": False})
        config["server"] = {"xdp": ["s0"], "user": "root", "listen": [f"{wires.SERVER}@53", f"{wires.SERVER6}@53"], **(server or {})}
        d = daemons.Daemon(folder, config, addresses=(wires.SERVER,), port=53, prefix=prefix)
        running.append(d)
        return d.start() if start else d
    yield start
    for d in running:
        d.stop(expect=None)
    assert wire.programs() == []


@pytest.fixture
def xdp(serve, wire):
    """As serve, for what is about AF_XDP itself."""
    def start(*args, **options):
        d = serve(*args, **options)
        log = d.log()
        if not af_xdp_is_there():
            assert "no AF_XDP on s0, ordinary sockets serve it: the kernel refuses" in log
            assert wire.programs() == []
            question = dns.message.make_query("www.sizes.example.", "A")
            with wire.socket(wires.CLIENT) as s:
                s.sendto(question.to_wire(), (wires.SERVER, 53))
                assert dns.message.from_wire(s.recv(4096)).answer
            pytest.skip("this kernel gives no AF_XDP to this process; that the daemon serves by sockets was tested instead")
        assert "s0: AF_XDP in native mode, copied" in log, log
        assert wire.programs() != []
        return d
    return start
