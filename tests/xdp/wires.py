# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts with a wire between them: the server's network namespace is this process's own, the client's is another one.

Frames are made and read here byte by byte, by nothing that the daemon uses too.
"""
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
ETH_P_ALL, SIOCETHTOOL, SIOCGIFINDEX = 3, 0x8946, 0x8933
ETHTOOL_SFLAGS, ETHTOOL_STXCSUM, ETHTOOL_SCHANNELS = 0x26, 0x17, 0x3d
LIBC = ctypes.CDLL(None, use_errno=True)

SERVER, CLIENT = "10.53.0.1", "10.53.0.2"
SERVER6, CLIENT6 = "fd53::1", "fd53::2"
TAG = 7
TAGGED, TAGGED_CLIENT = "10.53.7.1", "10.53.7.2"
TAGGED6, TAGGED_CLIENT6 = "fd53:7::1", "fd53:7::2"
SERVICE = "192.0.2.53"  # on the loopback, as anycast services have theirs
SILENT = "10.53.0.3"    # the server's too, but nobody listens there


def run(*words):
    subprocess.run(words, check=True, capture_output=True, text=True)


def ethtool(name, command, *values):
    """Numbers to the driver; as ethtool(8), which need not be installed."""
    data = ctypes.create_string_buffer(struct.pack(f"{1 + len(values)}I", command, *values))
    request = struct.pack("16sP", name.encode(), ctypes.addressof(data)) + bytes(16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCETHTOOL, request)


def vlans_here():
    """Has this kernel VLAN interfaces? Where it has none, tests/unit/net/test_xdp.c sends tagged frames without them."""
    words = "ip link add v0 type veth peer name v1 && ip link add link v0 name v2 type vlan id 2"
    return subprocess.run(["unshare", "-n", "sh", "-c", words], capture_output=True).returncode == 0


VLANS = vlans_here()


class Wire:
    def __init__(self):
        if LIBC.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo up && exec sleep 3600"], stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.away = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        more = ["numrxqueues", "2", "numtxqueues", "2"]
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "s0", *more, "type", "veth", "peer", "name", "c0", *more)
        run("ip", "link", "set", "c0", "netns", str(self.holder.pid))
        run("ip", "addr", "add", f"{SERVICE}/32", "dev", "lo")
        self.vlans = VLANS
        self.plug("s0", SERVER, SERVER6, TAGGED, TAGGED6)
        run("ip", "addr", "add", f"{SILENT}/24", "dev", "s0")
        with self.client():
            run("ip", "link", "set", "lo", "up")
            self.plug("c0", CLIENT, CLIENT6, TAGGED_CLIENT, TAGGED_CLIENT6)
            run("ip", "route", "add", f"{SERVICE}/32", "via", SERVER)
        self.queues(1)
        self.server_mac, self.client_mac = self.mac("s0"), self.mac("c0", away=True)
        for address in (SERVER, SERVER6, TAGGED, TAGGED6)[:2 + 2 * self.vlans]:
            dev = "c0" if address in (SERVER, SERVER6) else f"c0.{TAG}"
            with self.client():
                run("ip", "neigh", "replace", address, "lladdr", self.text(self.server_mac), "dev", dev)

    def queues(self, n):
        """So many of them receive, and the other end sends to so many."""
        with self.client():
            ethtool("c0", ETHTOOL_SCHANNELS, 0, 0, 0, 0, n, n, 0, 0)
        end = time.monotonic() + 60  # the kernel gives a queue back some time after its last socket was closed
        while True:
            try:
                return ethtool("s0", ETHTOOL_SCHANNELS, 0, 0, 0, 0, n, n, 0, 0)
            except OSError:
                if time.monotonic() > end:
                    raise
            time.sleep(.01)

    def plug(self, name, ip4, ip6, tagged4, tagged6):
        # tags stand in the frame, and what the kernel sends has its checksums complete
        ethtool(name, ETHTOOL_SFLAGS, 0)
        if name == "s0":
            ethtool(name, ETHTOOL_STXCSUM, 0)
        if self.vlans:
            run("ip", "link", "add", "link", name, "name", f"{name}.{TAG}", "type", "vlan", "id", str(TAG))
        for dev, v4, v6 in ((name, ip4, ip6), (f"{name}.{TAG}", tagged4, tagged6))[:1 + self.vlans]:
            run("ip", "link", "set", dev, "up")
            run("ip", "addr", "add", f"{v4}/24", "dev", dev, "broadcast", "+")
            run("ip", "addr", "add", f"{v6}/64", "dev", dev, "nodad")

    def mac(self, name, away=False):
        with self.client() if away else contextlib.nullcontext():
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
                s.bind((name, 0))
                return s.getsockname()[4]

    @staticmethod
    def text(mac):
        return ":".join(f"{b:02x}" for b in mac)

    @contextlib.contextmanager
    def client(self):
        """What is opened within belongs to the client's host."""
        LIBC.setns(self.away, CLONE_NEWNET)
        try:
            yield
        finally:
            LIBC.setns(self.home, CLONE_NEWNET)

    def link_local(self):
        """(client's address, server's, client's interface)"""
        def own(name):
            """Once the kernel has seen that nobody else has it (RFC 4862 section 5.4)."""
            end = time.monotonic() + 60
            while time.monotonic() < end:
                out = subprocess.run(["ip", "-o", "-6", "addr", "show", "dev", name, "scope", "link"], capture_output=True, text=True).stdout
                if out and "tentative" not in out:
                    return out.split()[3].split("/")[0]
                time.sleep(0.02)
            raise AssertionError(f"{name} has no link-local address: {out}")
        server = own("s0")
        with self.client():
            return own("c0"), server, socket.if_nametoindex("c0")

    def socket(self, address, port=0, kind=socket.SOCK_DGRAM, scope=0):
        """A socket of the client, bound to one of its addresses."""
        with self.client():
            s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
            if kind == socket.SOCK_DGRAM:
                s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE
            s.bind((address, port, 0, scope) if scope else (address, port))
        s.settimeout(60)
        return s

    def tap(self):
        """Sees all that comes to the client, and sends any frame."""
        with self.client():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            s.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)
            s.bind(("c0", ETH_P_ALL))
        s.settimeout(60)
        return s

    def programs(self, name="s0"):
        out = subprocess.run(["ip", "-o", "link", "show", name], capture_output=True, text=True).stdout
        return [w for w in out.split() if w.startswith("xdp")]

    def close(self):
        self.holder.kill()
        self.holder.wait()
        subprocess.run(["ip", "link", "del", "s0"])
        os.close(self.home)
        os.close(self.away)


# ---- frames ----

def total(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s > 0xffff:
        s = (s & 0xffff) + (s >> 16)
    return s


def pseudo(source, destination, length):
    return source + destination + struct.pack("!HH" if len(source) == 4 else "!IHBB", *((17, length) if len(source) == 4 else (length, 0, 0, 17)))


def udp(source, destination, sport, dport, payload, length=None, checksum=None):
    length = 8 + len(payload) if length is None else length
    head = struct.pack("!HHHH", sport, dport, length, 0)
    if checksum is None:
        checksum = (~total(pseudo(source, destination, 8 + len(payload)) + head + payload) & 0xffff) or 0xffff
    return head[:6] + struct.pack("!H", checksum) + payload


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ipv4(source, destination, body, first=None, length=None, fragment=0, ttl=64, protocol=17, options=b"", checksum=None):
    first = 0x45 + len(options) // 4 if first is None else first
    length = 20 + len(options) + len(body) if length is None else length
    head = struct.pack("!BBHHHBBH4s4s", first, 0, length, 0x1234, fragment, ttl, protocol, 0, source, destination) + options
    checksum = ~total(head) & 0xffff if checksum is None else checksum
    return head[:10] + struct.pack("!H", checksum) + head[12:] + body


def ipv6(source, destination, body, first=0x60, length=None, following=17, hops=64):
    return struct.pack("!BBHHBB16s16s", first, 0, 0, len(body) if length is None else length, following, hops, source, destination) + body


def ethernet(destination, source, body, tag=None, kind=None):
    kind = kind or (0x86dd if body[:1] and body[0] >> 4 == 6 else 0x0800)
    middle = b"" if tag is None else struct.pack("!HH", 0x8100, tag)
    return destination + source + middle + struct.pack("!H", kind) + body


class Frame:
    """A datagram as it came, all of it checked: lengths, checksums, header fields. AssertionError says what is wrong."""

    def __init__(self, data, tag=None):
        self.destination, self.source, self.tag = data[:6], data[6:12], tag
        (kind,) = struct.unpack("!H", data[12:14])
        ip = data[14:]
        self.udp = None
        self.fragment = False
        if kind == 0x0800:
            length, frag, proto = *struct.unpack("!HxxH", ip[2:8]), ip[9]
            assert ip[0] == 0x45 and ip[8] > 0
            assert total(ip[:20]) == 0xffff, "checksum of IPv4"
            assert length == len(ip) or len(data) == 60, f"IPv4 says {length} bytes, the frame has {len(ip)}"
            self.src, self.dst, self.fragment = ip[12:16], ip[16:20], frag & 0x3fff != 0
            body = ip[20:length]
        elif kind == 0x86dd:
            length, proto = struct.unpack("!HB", ip[4:7])
            assert ip[0] >> 4 == 6 and ip[7] > 0
            assert length + 40 == len(ip), f"IPv6 says {length} bytes, the frame has {len(ip) - 40}"
            self.src, self.dst = ip[8:24], ip[24:40]
            self.fragment = proto == 44
            body = ip[40:]
        else:
            return
        if proto != 17 or self.fragment:
            return
        self.sport, self.dport, length, check = struct.unpack("!HHHH", body[:8])
        assert length == len(body), f"UDP says {length} bytes, IP has {len(body)}"
        assert check != 0 or len(self.src) == 4, "UDP over IPv6 without checksum"
        assert check == 0 or total(pseudo(self.src, self.dst, length) + body) == 0xffff, "checksum of UDP"
        self.udp = body[8:]


def receive(tap):
    """The next frame, or None when none came in the tap's time."""
    try:
        data, more, _, _ = tap.recvmsg(65536, 256)
    except (socket.timeout, BlockingIOError):
        return None
    tag = None
    for level, kind, aux in more:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", aux[:20])
            tag = tci & 0xfff if status & 0x10 else None
    return Frame(data, tag)


def drain(tap):
    """All that has come."""
    tap.setblocking(False)
    frames = []
    while True:
        try:
            tap.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            frame = receive(tap)
        except AssertionError:
            tap.settimeout(60)
            raise
        if frame is None:
            break
        frames.append(frame)
    tap.settimeout(60)
    return frames
