# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones as files: published by the daemon, carried by its own listener, by nginx, and by Varnish before either; taken up at the other end."""
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import time

import pytest

from conftest import DEADLINE_S, example_zone, free_port, guard, program, wait_for

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port};
        root {tree};
        disable_symlinks on;
        location ~ ^/[^/]+/[0-9]+/ {{ add_header Cache-Control "public, max-age=31536000, immutable"; }}
        location ~ ^/[^/]+/current$ {{ add_header Cache-Control "public, max-age=60"; default_type text/plain; }}
    }}
}}
"""


class Pointer:
    """The lines of a pointer."""

    def __init__(self, text):
        self.lines = [line.split(" ") for line in text.decode("ascii").splitlines()]
        assert self.lines[0] == ["banyan-published-zone", "1"]

    def get(self, word):
        return next(line[1:] for line in self.lines if line[0] == word)

    def deltas(self):
        return {line[1]: line[2:] for line in self.lines if line[0] == "delta"}


def get(port, path, method="GET", **headers):
    """(status, headers, body)"""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        c.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = c.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        c.close()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


@pytest.fixture
def publisher(daemon, tmp_path):
    """A daemon that publishes example. and serves the tree: (daemon, HTTP port, tree, public key)."""
    tree, key, port = tmp_path / "tree", tmp_path / "key.pem", free_port()
    tree.mkdir()
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    (tmp_path / "example.zone").write_text(example_zone())
    for path in (tmp_path, tree):
        path.chmod(0o777)
    guard(key)
    d = daemon({"server": {"files-folder": str(tree), "files-listen": [f"127.0.0.1@{port}"], "files-key": str(key), "files-deltas": 3},
                "zones": [{"name": "example.", "file": str(tmp_path / "example.zone"), "publish": True}], "resolver": {"enabled": False}})
    wait_for("the first version", lambda: get(port, "/example/current")[0] == 200)
    return d, port, tree, Pointer(get(port, "/example/current")[2]).get("key")[0]


@pytest.fixture
def carriers(publisher, tmp_path):
    """Ports of those who carry the tree: the daemon, nginx, Varnish before each of them."""
    _, own, tree, _ = publisher
    running, ports = [], {"own": own}

    def start(name, command):
        log = open(tmp_path / f"{name}.log", "wb")
        running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=tmp_path))
        log.close()
        wait_for(f"{name}: {(tmp_path / (name + '.log')).read_text()}", lambda: listens(ports[name]))
    if shutil.which("nginx") is None or shutil.which("varnishd") is None:
        pytest.skip("nginx or varnish is not installed (tools/install-needed test)")
    folder = tmp_path / "nginx"
    folder.mkdir()
    ports["nginx"] = free_port()
    (folder / "conf").write_text(NGINX.format(folder=folder, tree=tree, port=ports["nginx"]))
    start("nginx", ["nginx", "-e", str(folder / "start.log"), "-c", str(folder / "conf"), "-p", str(folder)])
    for behind in ("own", "nginx"):
        name = f"varnish before {behind}"
        ports[name] = free_port()
        start(name, ["varnishd", "-F", "-j", "none", "-n", str(tmp_path / f"varnish-{behind}"), "-a", f"127.0.0.1:{ports[name]}",
                     "-b", f"127.0.0.1:{ports[behind]}", "-s", "malloc,16m"])
    yield ports
    for process in reversed(running):
        process.terminate()
    for process in running:
        process.wait(DEADLINE_S)


def publish(d, port, tmp_path, serial, more=""):
    (tmp_path / "example.zone").write_text(example_zone(serial) + more)
    code, _, err = d.cli("reload")
    assert code == 0, err
    wait_for(f"serial {serial}", lambda: Pointer(get(port, "/example/current")[2]).get("serial") == [str(serial)])


def banyan(*words):
    done = subprocess.run([program("banyan"), *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_versions_follow_each_other(publisher, tmp_path):
    """Each version that is served is published; a peer goes from one to the next by the delta, byte for byte."""
    d, port, tree, key = publisher
    first = Pointer(get(port, "/example/current")[2])
    base = get(port, "/example/" + first.get("wire")[0])[2]
    fill = "".join(f"n{i} TXT \"{hashlib.sha256(b'%d' % i).hexdigest()}\"\n" for i in range(60))
    publish(d, port, tmp_path, 2, fill)
    second = Pointer(get(port, "/example/current")[2])
    assert second.get("unchanged-since") == ["2"]
    base2 = get(port, "/example/" + second.get("wire")[0])[2]
    publish(d, port, tmp_path, 3, fill)
    third = Pointer(get(port, "/example/current")[2])
    # the record that tells the serial has changed, too
    assert third.get("unchanged-since") == ["3"] and third.get("serial") == ["3"]
    path, size, digest = third.deltas()["2"]
    delta = get(port, "/example/" + path)[2]
    assert len(delta) == int(size) and hashlib.sha256(delta).hexdigest() == digest
    (tmp_path / "base").write_bytes(base2)
    (tmp_path / "delta").write_bytes(delta)
    code, said = banyan("delta", "apply", "--origin", "example.", tmp_path / "base", tmp_path / "delta", tmp_path / "new")
    assert code == 0, said
    made = (tmp_path / "new").read_bytes()
    assert hashlib.sha256(made).hexdigest() == third.get("wire")[4] and len(made) == int(third.get("wire")[3])
    # from another base nothing comes out
    (tmp_path / "base").write_bytes(base)
    code, said = banyan("delta", "apply", "--origin", "example.", tmp_path / "base", tmp_path / "delta", tmp_path / "none")
    assert code == 1 and "it is for another base" in said and not (tmp_path / "none").exists()
    code, said = banyan("files", "check", "--origin", "example.", "--key", key, tree)
    assert code == 0, said
    counters = d.counters()
    assert counters["published"] == 3 and counters["publish_failed"] == 0 and counters["web_requests"] > 5
    # the same content again publishes nothing
    code, _, err = d.cli("reload")
    assert code == 0, err


def test_carriers(publisher, carriers, tmp_path):
    """Validators, ranges and lifetimes are the same from whoever carries the tree."""
    d, own, tree, _ = publisher
    pointer = Pointer(get(own, "/example/current")[2])
    path, _, digest = pointer.get("wire")[:3]
    for name, port in carriers.items():
        status, headers, body = get(port, "/example/" + path)
        assert status == 200 and hashlib.sha256(body).hexdigest() == digest, name
        assert "immutable" in headers["Cache-Control"] and "max-age=31536000" in headers["Cache-Control"], name
        assert "Content-Encoding" not in headers, name
        tag = headers["ETag"]
        assert get(port, "/example/" + path, If_None_Match=tag)[0] == 304, name
        status, headers, part = get(port, "/example/" + path, Range="bytes=10-19")
        assert status == 206 and part == body[10:20] and headers["Content-Range"] == f"bytes 10-19/{len(body)}", name
        status, _, rest = get(port, "/example/" + path, Range="bytes=100-", If_Range=tag)
        assert status == 206 and body[:100] + rest == body, name  # a download that was cut off goes on
        status, headers, none = get(port, "/example/" + path, method="HEAD")
        assert status == 200 and none == b"" and headers["Content-Length"] == str(len(body)), name
        assert "max-age=60" in get(port, "/example/current")[1]["Cache-Control"], name
        assert get(port, "/example/nothing")[0] == 404 and get(port, "/example/")[0] in (403, 404), name
    before = d.counters()["web_requests"]
    for _ in range(5):
        assert get(carriers["varnish before own"], "/example/" + path)[0] == 200
    assert d.counters()["web_requests"] == before  # the cache has it, and need not ask


def test_nothing_else_is_served(publisher, tmp_path):
    _, port, tree, _ = publisher
    (tmp_path / "secret").write_text("secret")
    os.symlink(tmp_path / "secret", tree / "example" / "link")
    (tree / ".hidden").write_text("secret")
    for path in ("/../secret", "/example/../../secret", "/example/%2e%2e/%2e%2e/secret", "/example/link", "/.hidden", "//.hidden",
                 "/example/..%2f..%2fsecret", "/"):
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            reply = b""
            while more := s.recv(4096):
                reply += more
        assert reply.startswith(b"HTTP/1.1 404 ") and b"secret" not in reply, path


def test_what_is_published_never_changes(publisher, tmp_path):
    """Other content under the same serial is not published, and the log says why; the zone is served all the same."""
    d, port, _, _ = publisher
    before = get(port, "/example/current")[2]
    (tmp_path / "example.zone").write_text(example_zone() + "other A 192.0.2.99\n")
    code, _, err = d.cli("reload")
    assert code == 0, err
    wait_for("a refusal", lambda: d.counters()["publish_failed"] == 1)
    assert "serial 1 is published with other content" in d.log()
    assert get(port, "/example/current")[2] == before
    assert len(d.ask("other.example.").answer) == 1


def test_bandwidth(publisher, tmp_path):
    """What is larger than a second's worth comes in turns, and whole."""
    d, port, _, _ = publisher
    fill = "".join(f"n{i} TXT \"{hashlib.sha512(b'%d' % i).hexdigest()}\"\n" for i in range(4000))
    publish(d, port, tmp_path, 2, fill)
    d.stop()
    d.config["server"].update({"files-bandwidth": "256K", "files-bandwidth-per-client": "192K"})
    d.write()
    d.start()
    path, size, digest = Pointer(get(port, "/example/current")[2]).get("wire")[:3]
    assert int(size) > 256 * 1024
    status, headers, body = get(port, "/example/" + path)
    assert status == 200 and headers["Content-Length"] == size and hashlib.sha256(body).hexdigest() == digest
    assert d.counters()["web_held"] > 0
    assert get(port, "/example/" + path, Range="bytes=-10")[2] == body[-10:]
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as s:  # ended while somebody waits
        s.sendall(f"GET /example/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 3)
        held = d.counters()["web_held"]
        wait_for("a turn that has not come", lambda: d.counters()["web_held"] > held)
        d.stop()


def test_wrong_configurations(tmp_path):
    zone = tmp_path / "example.zone"
    zone.write_text(example_zone())
    for server, zones, words in (
            ("files-listen: [127.0.0.1@8080]", "", "server.files-listen: found without server.files-folder"),
            (f"{{files-folder: {tmp_path}, files-listen: [127.0.0.1]}}", "", "server.files-listen: 127.0.0.1 has no port"),
            (f"{{files-folder: {tmp_path}, files-bandwidth: 1K}}", "", "server.files-bandwidth: 1024 bytes a second are too few"),
            (f"{{files-folder: {tmp_path}, files-bandwidth-per-client: 65535}}", "", "server.files-bandwidth-per-client: 65535 bytes"),
            ("{}", f"zones: [{{name: example., file: {zone}, publish: true}}]", "zones[].publish: found without server.files-folder")):
        path = tmp_path / "c.yaml"
        path.write_text(f"server:\n  {server}\n{zones}\n")
        done = subprocess.run([program("banyand"), "--check", "-c", str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and words in done.stderr, done.stderr


def test_a_folder_that_is_not_there(daemon, tmp_path):
    d = daemon({"server": {"files-folder": str(tmp_path / "none"), "files-listen": [f"127.0.0.1@{free_port()}"]},
                "resolver": {"enabled": False}}, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) != 0
    assert "the folder to serve cannot be opened" in d.log()
    d.process = None
    d.hang_up()
