# SPDX-License-Identifier: GPL-3.0-or-later
"""From one daemon to the next by published files: deltas, versions that are kept while their content is the same, and pointers that lie."""
import base64
import datetime
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import PATH, put
from daemons import free_port, guard, program, wait_for
from test_copies import copy, root_config, serial, wait_serial, wait_state

# the same content but for serial, signatures and digest
STEADY = """\
. 300 SOA a. h. {serial} 1 1 604800 300
. 300 NS a.
a. 300 A 127.0.0.3
example. 300 NS ns.example.
ns.example. 300 A 127.0.0.4
""" + "".join(f"tld{i}. 300 NS ns.tld{i}.\nns.tld{i}. 300 A 127.1.0.{i}\n" for i in range(30))


@pytest.fixture(scope="module")
def steady(versions):
    """steady(serial, more): a version of a root that changes only by what `more` says."""
    made = {}

    def text(number, more=""):
        if (number, more) not in made:
            (versions.folder / "plain").write_text(STEADY.format(serial=number) + more)
            subprocess.run(["ldns-signzone", "-z", "simple:sha384", "-f", "signed", "-o", ".", "plain", versions.keys[0]],
                           cwd=versions.folder, check=True, capture_output=True, timeout=60, env=dict(os.environ, PATH=PATH))
            made[number, more] = (versions.folder / "signed").read_text()
        return made[number, more]
    return text


class Tree:
    """What is published: its pointer as a dictionary, and a way to lie in it, signed or not."""

    def __init__(self, folder):
        self.folder, self.key = folder / "tree", folder / "key.pem"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.make_key(self.key)
        der = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        self.public = base64.b64encode(der[-32:]).decode()
        self.current = self.folder / "root" / "current"

    @staticmethod
    def make_key(path):
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
        guard(path)

    def pointer(self):
        try:
            return {line.split(" ")[0]: line.split(" ")[1:] for line in self.current.read_text().splitlines()}
        except FileNotFoundError:
            return {}

    def has(self, number):
        return self.pointer().get("serial") == [str(number)]

    def lie(self, text, key):
        """The pointer becomes this, with the signature of this key."""
        unsigned = text[:text.index("signature ")]
        part, out = str(self.folder) + ".part", str(self.folder) + ".sig"
        with open(part, "w") as f:
            f.write(unsigned)
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", part, "-out", out], check=True, capture_output=True)
        with open(out, "rb") as f:
            put(self.current, unsigned + "signature " + base64.b64encode(f.read()).decode() + "\n")


@pytest.fixture
def tree(tmp_path):
    tmp_path.chmod(0o755)
    return Tree(tmp_path)


@pytest.fixture
def publisher(daemon, versions, steady, tree, tmp_path):
    """A daemon that gets a copy from a file and publishes it; .publish(serial, more) makes the next version."""
    folder = tmp_path / "publisher"
    folder.mkdir()
    port = free_port()
    put(folder / "source", steady(1))
    config = root_config(versions, folder, [f"file:{folder}/source"], publish=True)
    config["server"].update({"files-folder": str(tree.folder), "files-listen": [f"127.0.0.1@{port}"], "files-key": str(tree.key)})
    d = daemon(config)
    d.web = port

    def publish(number, more=""):
        put(folder / "source", steady(number, more))
        code, _, err = d.cli("copy", "refresh")
        assert code == 0, err
        wait_for(f"serial {number} is published", lambda: tree.has(number))
    d.publish = publish
    wait_for("the first version", lambda: tree.has(1))
    return d


@pytest.fixture
def reader(daemon, versions, tmp_path):
    """reader(source, **options): a daemon whose root comes from there."""
    def start(source, name="reader", **options):
        folder = tmp_path / name
        folder.mkdir()
        return daemon(root_config(versions, folder, [source], **options))
    return start


class Nginx:
    def __init__(self, folder, files):
        if shutil.which("nginx", path=PATH) is None:
            pytest.skip("nginx is not installed (tools/install-needed test)")
        folder.mkdir()
        self.port, self.log = free_port(), folder / "access.log"
        (folder / "conf").write_text(f"""daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    log_format all '$request_method $uri $status $body_bytes_sent "$http_if_none_match"';
    access_log {self.log} all;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{self.port}; root {files}; disable_symlinks on; }}
}}
""")
        self.process = subprocess.Popen(["nginx", "-e", folder / "start.log", "-c", folder / "conf", "-p", folder],
                                        env=dict(os.environ, PATH=PATH), stderr=subprocess.DEVNULL)
        wait_for("nginx", lambda: (folder / "pid").exists())

    def requests(self, word=""):
        """(method, path, status, bytes) of each so far."""
        lines = [line.split(" ") for line in self.log.read_text().splitlines()]
        return [(line[0], line[1], int(line[2]), int(line[3])) for line in lines if word in line[1]]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@pytest.fixture
def nginx(tmp_path):
    """nginx(folder): carries it."""
    running = []

    def start(files):
        running.append(Nginx(tmp_path / "nginx", files))
        return running[-1]
    yield start
    for each in running:
        each.stop()


def source(d):
    return copy(d)["sources"][0]


@pytest.mark.parametrize("carrier", ["own listener", "nginx"])
def test_the_next_version_comes_as_a_delta(publisher, reader, nginx, tree, carrier):
    port = publisher.web if carrier == "own listener" else nginx(tree.folder).port
    d = reader(f"http://127.0.0.1:{port}/root/ key={tree.public}")
    wait_serial(d, 1)
    assert d.counters().get("copy_deltas", 0) == 0  # there is nothing that it could be one from
    before = d.counters()["copy_bytes"]
    publisher.publish(2, "new. 300 NS ns.example.\n")
    wait_serial(d, 2)
    counters = d.counters()
    size = int(tree.pointer()["wire"][1])
    assert counters["copy_deltas"] == 1 and counters["copy_adopted"] == 2
    assert counters["copy_bytes"] - before < 2 * size
    assert " with a delta from http://" in d.log()
    wait_state(d, "current")


def test_unchanged_content_is_kept_by_choice(publisher, reader, nginx, tree):
    web = nginx(tree.folder)
    by_choice = reader(f"http://127.0.0.1:{web.port}/root/ key={tree.public}", **{"keep-unchanged": True, "keep-margin": "1h"})
    wait_serial(by_choice, 1)
    publisher.publish(2)
    assert tree.pointer()["unchanged-since"] == ["1"]
    kept = wait_for("the newer one is seen", lambda: source(by_choice) if "kept_instead_of" in source(by_choice) else None)
    assert kept["kept_instead_of"] == 2 and kept["serial"] == 1 and kept["failures"] == 0
    assert copy(by_choice)["state"] == "current"
    code, text, _ = by_choice.cli("status")
    assert code == 0 and "kept instead of 2, which says the same, until 20" in text
    publisher.publish(3)
    wait_for("the next one, too", lambda: source(by_choice).get("kept_instead_of") == 3)
    rounds = by_choice.counters()["copy_probes"]
    wait_for("rounds with the pointer as it was", lambda: by_choice.counters()["copy_probes"] >= rounds + 3)
    assert serial(by_choice) == 1 and by_choice.counters()["copy_kept"] == 2
    # nothing but the first version was fetched, and a pointer that is as it was is not sent again
    objects = [r for r in web.requests() if not r[1].endswith("/current")]
    assert len(objects) == 1
    assert sum(r[2] == 200 for r in web.requests("/root/current")) <= 4 and any(r[2] == 304 and r[3] == 0 for r in web.requests())
    # another peer, without the choice, fetches each
    each = reader(f"http://127.0.0.1:{publisher.web}/root/ key={tree.public}", "each")
    wait_serial(each, 3)
    publisher.publish(4)
    wait_serial(each, 4)
    assert serial(by_choice) == 1
    # other content is fetched, by the delta from the version that was kept
    publisher.publish(5, "new. 300 NS ns.example.\n")
    wait_serial(by_choice, 5)
    assert by_choice.counters()["copy_deltas"] == 1 and "kept_instead_of" not in source(by_choice)


def test_a_kept_version_is_renewed_before_its_signatures_age(publisher, reader, tree):
    d = reader(f"http://127.0.0.1:{publisher.web}/root/ key={tree.public}", **{"keep-unchanged": True, "keep-margin": "1h"})
    wait_serial(d, 1)
    publisher.publish(2)
    wait_for("it is kept", lambda: source(d).get("kept_instead_of") == 2)
    until = source(d)["kept_until"]
    d.stop()
    d.start()
    wait_for("also after a restart", lambda: source(d).get("kept_instead_of") == 2)
    assert source(d)["kept_until"] == until and serial(d) == 1
    # with a margin of 30 days they have aged: ldns-signzone gives them four weeks
    d.config["root"]["keep-margin"] = "30d"
    d.write()
    code, _, err = d.cli("reload")
    assert code == 0, err
    wait_serial(d, 2)
    publisher.publish(3)
    wait_serial(d, 3)
    # and without the choice, at once
    d.config["root"].update({"keep-margin": "1h"})
    d.write()
    assert d.cli("reload")[0] == 0
    publisher.publish(4)
    wait_for("it is kept again", lambda: source(d).get("kept_instead_of") == 4)
    d.config["root"]["keep-unchanged"] = False
    d.write()
    assert d.cli("reload")[0] == 0
    wait_serial(d, 4)


def test_a_publisher_without_key_makes_nobody_keep(publisher, reader, tree):
    d = reader(f"http://127.0.0.1:{publisher.web}/root/", **{"keep-unchanged": True})
    wait_serial(d, 1)
    assert "keep-unchanged has no effect" in d.log()
    publisher.publish(2)
    wait_serial(d, 2)


def test_pointers_that_lie(publisher, reader, nginx, tree, tmp_path):
    """Wrong signature, another's key, expired, played back: the last good version stays, and the source says why."""
    web = nginx(tree.folder)
    d = reader(f"http://127.0.0.1:{web.port}/root/ key={tree.public}")
    wait_serial(d, 1)
    first = tree.current.read_text()
    publisher.publish(2, "new. 300 NS ns.example.\n")
    wait_serial(d, 2)
    good = tree.current.read_text()
    publisher.stop()
    newer = good.replace("serial 2\n", "serial 9\n")
    other = tmp_path / "other.pem"
    tree.make_key(other)

    def refused(words):
        wait_for(words, lambda: words in source(d)["failure"])
        assert serial(d) == 2 and d.counters()["copy_adopted"] == 2
    put(tree.current, newer)
    refused("the signature of the pointer is wrong")
    tree.lie(newer, other)
    refused("the signature of the pointer is wrong")
    der = subprocess.run(["openssl", "pkey", "-in", other, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    tree.lie(re.sub("key .*\n", "key " + base64.b64encode(der[-32:]).decode() + "\n", newer), other)
    refused("signed by another key")
    put(tree.current, newer[:newer.index("key ")])
    refused("not signed, and a key was given")
    past = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    tree.lie(re.sub("fresh-until .*\n", f"fresh-until {past}\n", newer), tree.key)
    refused("the pointer is too old")
    # played back while it is good: the source lags, no more, and nothing goes back
    put(tree.current, first)
    wait_for("it is seen", lambda: source(d)["serial"] == 1 and source(d)["behind"] == 1)
    assert serial(d) == 2
    # the right key, for a version that is not there
    tree.lie(newer, tree.key)
    refused("it said serial 9 and gave serial 2")
    # the good one again: all is well
    put(tree.current, good)
    code, _, err = d.cli("copy", "refresh")
    assert code == 0, err
    wait_state(d, "current")
    publisher.start()
    publisher.publish(3)
    assert d.cli("copy", "refresh")[0] == 0
    wait_serial(d, 3)
    wait_for("all is well", lambda: source(d)["failure"] == "" and source(d)["proved"])


def test_a_pointer_is_written_anew(publisher, reader, tree):
    """Also when there is no new version, long before it is too old."""
    publisher.config["server"]["files-fresh"] = "10s"
    publisher.write()
    assert publisher.cli("reload")[0] == 0
    publisher.stop()
    publisher.start()
    d = reader(f"http://127.0.0.1:{publisher.web}/root/ key={tree.public}")
    wait_serial(d, 1)
    wire = (tree.folder / "root" / "1" / "zone.wire.zst").stat()
    seen = {tree.pointer()["made"][0]}

    def renewed():
        seen.add(tree.pointer()["made"][0])
        return len(seen) >= 3
    wait_for("two more pointers", renewed)
    wait_for("they are counted", lambda: publisher.counters()["publish_renewed"] >= 2)
    assert publisher.counters()["published"] == 0  # of this run: the version was there before
    again = (tree.folder / "root" / "1" / "zone.wire.zst").stat()
    assert (wire.st_ino, wire.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)
    assert source(d)["failures"] == 0 and d.counters()["copy_fetches"] == 1


@pytest.mark.parametrize("name", ["root.zone", "root.zone.gz", "root.zone.zst", "root/"])
def test_nothing_is_sent_twice_because_of_a_restart(reader, steady, nginx, tree, name):
    files = tree.folder
    put(files / "root.zone", steady(1))

    def pack():
        # each file whole at once: what gzip has begun is a version of its own to who asks just then
        for command, ending in ((["gzip", "-c"], "gz"), (["zstd", "-qc", "-19"], "zst")):
            packed = subprocess.run([*command, files / "root.zone"], check=True, capture_output=True).stdout
            (files / "packed").write_bytes(packed)
            (files / "packed").replace(files / f"root.zone.{ending}")
        subprocess.run([program("banyan"), "files", "write", "--key", tree.key, files / "root.zone", files], check=True, capture_output=True)
    pack()
    web = nginx(files)
    d = reader(f"http://127.0.0.1:{web.port}/{name}")
    wait_serial(d, 1)
    assert sum(r[2] == 200 and r[3] > 0 for r in web.requests()) >= 1
    d.stop()
    before = len(web.requests())
    d.start()
    assert serial(d) == 1
    wait_for("its source is asked", lambda: d.counters()["copy_probes"] >= 2 and len(web.requests()) > before)
    after = web.requests()[before:]
    assert {r[2] for r in after} == {304} and sum(r[3] for r in after) == 0, after
    assert d.counters()["copy_fetches"] == 0 and copy(d)["state"] == "current"
    # and what is new is seen, and fetched once
    put(files / "root.zone", steady(2))
    pack()
    wait_serial(d, 2)  # by itself: to ask for it would break off what may have begun, and begin it once more
    assert d.counters()["copy_fetches"] == 1
    # a store without that file costs a look, and no download: the serial shows at the begin of each of them
    d.stop()
    Path(d.config["root"]["store"], "tags").unlink()
    before = len(web.requests())
    d.start()
    wait_for("its source is asked", lambda: d.counters()["copy_probes"] >= 1 and len(web.requests()) > before)
    wait_for("what it has", lambda: source(d).get("serial") == 2)
    wait_state(d, "current")
    assert d.counters()["copy_fetches"] == 0
