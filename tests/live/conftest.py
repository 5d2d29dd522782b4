# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain: publisher, nginx, NSD and Knot DNS behind it, three peers behind those; in a network of its own that has loopback alone."""
import ctypes
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dns.exception
import dns.name
import dns.rrset
import pytest

HERE = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("daemons", HERE.parent / "daemon" / "conftest.py")
daemons = importlib.util.module_from_spec(spec)
sys.modules["daemons"] = daemons
spec.loader.exec_module(daemons)
sys.path.insert(0, str(HERE))

from clients import Client  # noqa: E402
from parts import KNOT, NSD, PEERS, PUBLISHER, WEB, Knot, Nsd, Web, installed  # noqa: E402
from versions import LAB, LAB_SERVER, Versions  # noqa: E402

CLONE_NEWNET = 0x40000000
DOWNLOADS = 20000  # an hour: as many versions come in minutes here as in half a year


@pytest.fixture(scope="session", autouse=True)
def network():
    if not installed("nginx", "nsd", "knotd", "ldns-signzone", "openssl"):
        pytest.skip("nginx, nsd, knot or ldnsutils is not installed (tools/install-needed test)")
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        pytest.skip("a network namespace of one's own needs root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def put(path, text):
    """As who publishes does it: the file is whole at any moment."""
    Path(str(path) + ".new").write_text(text, encoding="ascii")
    os.replace(str(path) + ".new", path)


class Peer(daemons.Daemon):
    def __init__(self, folder, address, config):
        folder.mkdir()
        config["server"] = {"listen": [f"{address}@53"], "workers": 1, **config.get("server", {})}
        super().__init__(folder, config, addresses=(address,), port=53)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.hang_up()
        self.process = None


class Chain:
    def __init__(self, folder, versions, seed):
        self.folder, self.versions, self.number = folder, versions, 0
        self.published, self.random, self.clients = set(), random.Random(seed), []
        self.tree, self.source, self.spare = folder / "tree", folder / "source", 0
        self.tree.mkdir()
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(folder / "files.pem")], check=True, capture_output=True)
        self.files_key = self.public_key()
        self.web = Web(folder / "nginx")
        self.nsd = Nsd(folder / "nsd", NSD, [PEERS[1]])
        self.knot = Knot(folder / "knot", KNOT, [PEERS[1]])
        self.publisher = self.make_publisher()
        self.peers = self.make_peers()
        (folder / "lab.zone").write_text(f"{LAB} 60 SOA ns.{LAB} admin.{LAB} 1 3600 600 86400 1\n{LAB} 60 NS ns.{LAB}\n"
                                         f"ns.{LAB} 60 A {LAB_SERVER}\n*.{LAB} 1 A 192.0.2.7\n")
        self.lab = Peer(folder / "lab", LAB_SERVER, {"resolver": {"enabled": False}, "root": {"file": ""},
                                                     "zones": [{"name": LAB, "file": str(folder / "lab.zone")}]})
        self.sources = [self.publisher, self.web, self.nsd, self.knot]

    def public_key(self):
        der = subprocess.run(["openssl", "pkey", "-in", str(self.folder / "files.pem"), "-pubout", "-outform", "DER"], check=True,
                             capture_output=True).stdout
        return subprocess.run(["openssl", "base64", "-A"], input=der[-32:], check=True, capture_output=True).stdout.decode()

    def make_publisher(self):
        return Peer(self.folder / "publisher", PUBLISHER, {
            "server": {"files-folder": str(self.tree), "files-key": str(self.folder / "files.pem"), "files-deltas": 5},
            "resolver": {"enabled": False}, "root": {"file": ""},
            "zones": [{"name": ".", "sources": [f"file:{self.source}"], "store": str(self.folder / "publisher-store"), "prove": "full",
                       "anchors": [self.versions.anchors], "require-zonemd": True, "refresh-min": "1s", "downloads": DOWNLOADS,
                       "transfer": ["127.0.0.0/8"], "register": ["127.0.0.0/8"], "notify": [NSD, KNOT, PEERS[2]], "publish": True}]})

    def make_peer(self, number, sources, **root):
        return Peer(self.folder / f"peer{number + 1}", PEERS[number], {
            "resolver": {"enabled": True, "allow": ["127.0.0.0/8"], "do-not-query": []},
            "root": {"file": "", "anchors": [self.versions.anchors], "anchors-built-in": "off", "anchors-roll": False, "fallback": False,
                     "store": str(self.folder / f"peer{number + 1}-store"), "sources": sources, "refresh-min": "1s", "notify-from": ["127.0.0.0/8"], "downloads": DOWNLOADS, **root}})

    def make_peers(self):
        key, ca = self.files_key, self.web.folder / "cert.pem"
        return [self.make_peer(0, [f"https://{WEB}/root/ ca={ca} key={key}", f"http://{WEB}/root/ key={key}"],
                               transfer=["127.0.0.0/8"], register=["127.0.0.0/8"]),
                self.make_peer(1, [f"xfr:{NSD}", f"xfr:{KNOT}"]),
                self.make_peer(2, [f"xfr:{PUBLISHER} register=on", f"xfr:{PEERS[0]} register=on"])]

    # ---- what goes well ----

    def publish(self, number):
        self.published.add(number)  # before anybody can have it
        self.number = number
        put(self.source, self.versions.good(number))

    def start(self):
        self.publish(1)
        self.lab.start()
        self.publisher.start()
        daemons.wait_for("the published tree", lambda: (self.tree / "root" / "current").exists())
        self.web.start(self.tree)
        self.nsd.start()
        self.knot.start()
        for peer in self.peers:
            peer.start()
        for peer in self.peers:
            daemons.wait_for(f"the first copy of {peer.addresses[0]}: {peer.log()}", lambda: self.serial_of(peer) is not None)
        return self

    def keys(self):
        text = (self.versions.folder / (self.versions.key + ".key")).read_text().split("DNSKEY", 1)[1].split(";")[0]
        return {dns.name.root: dns.rrset.from_text(".", 3600, "IN", "DNSKEY", text.strip())}

    def ask_all_the_time(self):
        tld = "com." if self.versions.real else "tld5."
        self.clients = [Client(address, self.published, self.keys(), self.random.getrandbits(32), tld).start() for address in PEERS]

    @staticmethod
    def serial_of(peer):
        try:
            reply = peer.ask(".", "SOA")
        except (dns.exception.Timeout, OSError):
            return None
        return reply.answer[0][0].serial if reply.answer else None

    def close(self):
        for client in self.clients:
            client.stop()
        for part in (self.web, self.nsd, self.knot):
            part.kill()
        for each in (self.publisher, *self.peers, self.lab):
            if each.process is not None:
                each.process.send_signal(signal.SIGCONT)
            each.stop()

    # ---- what does not: name -> (begin, end) ----

    def faults(self):
        return {
            "nginx killed": (self.web.kill, self.web_heal),
            "nginx stalled": (self.web.stall, self.web.wake),
            "nginx flips bytes": (self.web_flip, self.web_heal),
            "nginx has forged files": (self.web_forge, self.web_heal),
            "nginx rolled back": (self.web_back, self.web_heal),
            "nsd killed": (self.nsd.kill, self.nsd.start),
            "nsd stalled": (self.nsd.stall, self.nsd.wake),
            "nsd has a wrong zone": (lambda: self.nsd.start(self.wrong()), self.nsd.start),
            "nsd rolled back": (lambda: self.nsd.start(self.older()), self.nsd.start),
            "knot killed": (self.knot.kill, self.knot.start),
            "knot stalled": (self.knot.stall, self.knot.wake),
            "knot has a wrong zone": (lambda: self.knot.start(self.wrong()), self.knot.start),
            "knot rolled back": (lambda: self.knot.start(self.older()), self.knot.start),
            "publisher killed": (self.publisher.kill, self.publisher.start),
            "publisher stalled": (lambda: self.publisher.process.send_signal(signal.SIGSTOP),
                                  lambda: self.publisher.process.send_signal(signal.SIGCONT)),
            "publisher gives no transfers": (lambda: self.transfers([]), lambda: self.transfers(["127.0.0.0/8"])),
            "publisher given a wrong zone": (lambda: put(self.source, self.wrong()), self.source_heal),
            "publisher given an older zone": (lambda: put(self.source, self.older()), self.source_heal),
        }

    def wrong(self):
        return self.versions.wrong(self.number)

    def older(self):
        return self.versions.good(self.random.randint(1, max(1, self.number - 1)))

    def transfers(self, to):
        """Without them, the third peer has the first one alone."""
        self.publisher.config["zones"][0]["transfer"] = to
        self.publisher.write()
        code, _, errors = self.publisher.cli("reload")
        assert code == 0, errors

    def source_heal(self):
        put(self.source, self.versions.good(self.number))

    def web_heal(self):
        self.web.start(self.tree)

    def spare_tree(self):
        """A folder that nobody has written to before: what is immutable is kept by nobody for too long."""
        self.spare += 1
        return self.folder / f"carried{self.spare}"

    def web_copy(self):
        tree = self.spare_tree()
        while True:  # the publisher may take old objects away meanwhile
            try:
                shutil.copytree(self.tree, tree, dirs_exist_ok=True)
                return tree
            except (shutil.Error, OSError):
                time.sleep(0.05)

    def web_flip(self):
        tree = self.web_copy()
        for path in tree.rglob("*"):
            if path.is_file() and path.name != "current":
                data = bytearray(path.read_bytes())
                data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
                path.write_bytes(data)
        self.web.start(tree)

    def files_write(self, text):
        tree, zone = self.spare_tree(), self.folder / "carried.zone"
        tree.mkdir()
        zone.write_text(text, encoding="ascii")
        done = subprocess.run([daemons.program("banyan"), "files", "write", "--key", str(self.folder / "files.pem"), str(zone), str(tree)],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return tree

    def web_forge(self):
        """With the publisher's own signature: who has that key can still not make a zone that proves."""
        self.web.start(self.files_write(self.versions.wrong(self.number, whole=True)))

    def web_back(self):
        self.web.start(self.files_write(self.older()))


@pytest.fixture
def chain(tmp_path):
    """chain(count, seed, real): the parts, running, with version 1 everywhere."""
    made = []

    def start(count, seed, real=None):
        made.append(Chain(tmp_path, Versions(tmp_path / "versions", count, seed, real), seed))
        return made[-1].start()
    yield start
    for each in made:
        each.close()
