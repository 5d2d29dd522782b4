# SPDX-License-Identifier: GPL-3.0-or-later
"""banyan-fetch: what it asks of web servers, and what it does not take from them."""
import re
import socket
import subprocess
import time

import pytest
from basics import Server, free_port
from conftest import http_reply, http_request

ZONE = b". 86400 IN SOA a. b. 7 1800 900 604800 86400\n" + b"; padding\n" * 5000


def test_whole_then_conditional(nginx, fetch, root):
    first = fetch(url=nginx.url("root.zone"))
    assert first["status"] == "200" and "error" not in first
    assert fetch.content() == root.text
    again = fetch(url=nginx.url("root.zone"), etag=first["etag"])
    assert again["status"] == "304" and again["received"] == "0"
    again = fetch(url=nginx.url("root.zone"), modified=first["modified"])
    assert again["status"] == "304"
    assert fetch.content() == root.text


def test_head_peeks_at_the_serial(nginx, fetch, root):
    head = fetch(url=nginx.url("root.zone"), head="yes", peek=2048)
    assert head["status"] == "200" and int(head["length"]) == len(root.text)
    assert fetch.content() == root.text[:2048]
    assert int(head["received"]) < 10000
    head = fetch(url=nginx.url("root.zone"), head="yes", peek=2048, etag=head["etag"])
    assert head["status"] == "304"


@pytest.mark.parametrize("level", ["-1", "-19", "--ultra -22 --long=27", "--no-content-size -3"])
def test_head_peeks_into_zstd(nginx, fetch, root, level):
    import subprocess
    path = nginx.files / "other.zst"
    subprocess.run(["zstd", "-q", *level.split(), "-f", str(nginx.files / "root.zone"), "-o", str(path)], check=True)
    head = fetch(url=nginx.url("other.zst"), head="yes", peek=2048)
    assert head["status"] == "200" and "error" not in head and int(head["length"]) == path.stat().st_size
    assert fetch.content() == root.text[:2048]
    assert int(head["received"]) < 140000


def test_head_peeks_into_gzip(nginx, fetch, root):
    head = fetch(url=nginx.url("root.zone.gz"), head="yes", peek=2048)
    assert head["status"] == "200" and root.text.startswith(fetch.content()) and len(fetch.content()) > 500
    assert int(head["received"]) < 10000  # no more than the begin is needed


@pytest.mark.parametrize("damage", [b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\xff" + b"\xff" * 3000, b"\x1f\x8b", b"\x1f\x8b" + b"\0" * 3000,
                                    b"\x28\xb5\x2f\xfd\x20\x01\xfd\xff\x0f" + b"x" * 200000],
                         ids=["zstd, a mark", "zstd, nonsense", "gzip, a mark", "gzip, nonsense", "zstd, a block of nonsense"])
def test_head_peeks_into_what_only_looks_packed(nginx, fetch, damage):
    (nginx.files / "odd").write_bytes(damage)
    head = fetch(url=nginx.url("odd"), head="yes", peek=2048)
    assert head["status"] == "200" and "error" not in head
    assert damage.startswith(fetch.content())


def test_compressed_on_the_way(nginx, fetch, root):
    got = fetch(url=nginx.url("gzip/root.zone"))
    assert fetch.content() == root.text
    assert got["encoding"] == "gzip" and int(got["received"]) < len(root.text) * 2 // 3


def test_compressed_on_disk_comes_as_it_is(nginx, fetch):
    for name in ("root.zone.zst", "root.zone.gz"):
        assert "error" not in fetch(url=nginx.url(name))
        assert fetch.content() == (nginx.files / name).read_bytes()


def test_resumed_by_range(nginx, fetch, root):
    tag = fetch(url=nginx.url("root.zone"))["etag"]
    fetch.body.write_bytes(root.text[:1000])
    rest = fetch(url=nginx.url("root.zone"), **{"resume-at": 1000, "resume-tag": tag})
    assert rest["status"] == "206" and int(rest["received"]) == len(root.text) - 1000
    assert fetch.content() == root.text


def test_not_resumed_when_it_is_another_file(nginx, fetch, root):
    fetch.body.write_bytes(b"x" * (len(root.text) + 1000))
    got = fetch(url=nginx.url("root.zone"), **{"resume-at": 1000, "resume-tag": '"other"'})
    assert got["status"] == "200"
    assert fetch.content() == root.text
    got = fetch(url=nginx.url("root.zone"), **{"resume-at": len(root.text) + 99, "resume-tag": got["etag"]})
    assert got["status"] == "200"
    assert fetch.content() == root.text


def test_http2_and_certificates(nginx, fetch, root):
    url = f"https://files.example:{nginx.tls}/root.zone"
    good = {"url": url, "address": "127.0.0.1", "ca": nginx.folder / "cert.pem"}
    got = fetch(**good)
    assert got["http"] == "20" and fetch.content() == root.text
    assert fetch(url=url, address="127.0.0.1")["error"] == "tls"
    other = url.replace("files", "other")
    assert fetch(**{**good, "url": other})["error"] == "tls"


def test_redirects(nginx, fetch, root):
    got = fetch(url=nginx.url("moved/"), **{"redirects-max": 1})
    assert got["redirects"] == "1" and fetch.content() == root.text
    assert fetch(url=nginx.url("moved/"))["error"] == "refused"
    assert fetch(url=nginx.url("round/"), **{"redirects-max": 5})["error"] == "refused"
    got = fetch(url=nginx.url("elsewhere"), **{"redirects-max": 5})
    assert got["error"] == "redirect" and got["url"] == f"http://localhost:{nginx.port}/root.zone"
    down = {"url": f"https://files.example:{nginx.tls}/down/", "address": "127.0.0.1", "ca": nginx.folder / "cert.pem"}
    got = fetch(**down, **{"redirects-max": 5})
    assert got["error"] == "refused" and "https to http" in got["why"]


FAR, NEAR = "203.0.113.7", "10.9.8.7"  # of the Internet, and of a private network


@pytest.fixture
def addresses():
    """Addresses that are not of loopback, in a network that has nothing else."""
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        pytest.skip("not in a network of its own")
    for address in (FAR, NEAR):
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
    yield
    for address in (FAR, NEAR):
        subprocess.run(["ip", "addr", "del", f"{address}/32", "dev", "lo"], check=True)


@pytest.fixture
def pointing(addresses, root):
    """A server on each address: /root.zone is there, and /to/ADDRESS points to that of another one."""
    def serve(server, connection):
        request = http_request(connection)
        if request is None:
            return
        head, path, _ = request[0].split()
        if path.startswith("/to/"):
            hosts = path.split("/")[2:]
            rest = "/to/" + "/".join(hosts[1:]) if hosts[1:] else "/root.zone"
            connection.sendall(http_reply("302 Found", Location=f"http://{hosts[0]}:{server.port}{rest}"))
        elif head == "HEAD":
            connection.sendall(http_reply(Content_Length=len(root.text)))
        else:
            connection.sendall(http_reply(body=root.text))
    hosts = ("127.0.0.1", "127.0.0.2", FAR, NEAR)
    port = free_port(hosts)
    servers = [Server(serve, host, port) for host in hosts]
    yield lambda host, path: f"http://{host}:{port}{path}"
    for each in servers:
        each.stop()


@pytest.mark.parametrize("source, way", [("127.0.0.1", "127.0.0.2"), ("127.0.0.1", NEAR), ("127.0.0.1", FAR), (NEAR, FAR), (FAR, FAR),
                                         (NEAR, f"{FAR}/{NEAR}"), ("127.0.0.1", f"{FAR}/127.0.0.2")])
def test_redirects_that_are_followed(pointing, probe, root, source, way):
    row, = probe(pointing(source, f"/to/{way}"))[0]
    assert row["proves"] and row["serial"] == root.serial, row


@pytest.mark.parametrize("source, way, where", [(FAR, "127.0.0.1", "this machine"), (FAR, NEAR, "a private network"), (NEAR, "127.0.0.1", "this machine"),
                                                (FAR, "[::ffff:127.0.0.1]", "this machine"), (FAR, "0.0.0.0", "this machine"),
                                                (FAR, f"{FAR}/127.0.0.1", "this machine"), (FAR, "169.254.169.254", "this link")])
def test_redirects_to_what_is_nearer(pointing, probe, source, way, where):
    """Whoever runs a source cannot make us ask what only we can reach."""
    row, = probe(pointing(source, f"/to/{way}"))[0]
    assert f"in {where}: from a source in " in row["trouble"] and "that is not followed" in row["trouble"], row


def test_redirects_with_names(pointing, fetch, root):
    """Where the C library finds addresses, each connection is looked at."""
    got = fetch(url=pointing(FAR, "/to/localhost"), resolve="yes", **{"redirects-max": 5})
    assert got["error"] == "refused" and "nearer to this machine" in got["why"], got
    got = fetch(url=pointing("127.0.0.2", "/to/localhost"), resolve="yes", **{"redirects-max": 5})
    assert "error" not in got and fetch.content() == root.text


def test_no_name_is_looked_up(fetch):
    got = fetch(url="http://localhost/")
    assert got["error"] == "name" and "no address was given" in got["why"]


@pytest.mark.parametrize("request_text, word", [
    ("", "must be given"),
    ("url http://127.0.0.1/\n", "must be given"),
    ("url http://127.0.0.1/\nbytes-max 1\ntime-max-ms 99999999\n", "must be given"),
    ("nonsense 1\n", "not known"),
    ("url\n", "without value"),
    ("url http://127.0.0.1/\nbytes-max -1\n", "no number"),
    ("address 1.2.3\n", "no address"),
    ("etag a\rX-Evil: b\n", "no text has"),
    ("url http://127.0.0.1/", "no end"),
])
def test_requests_that_are_none(fetch, request_text, word):
    got = fetch.raw(request_text)
    assert got["error"] == "local" and word in got["why"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "scp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_other_protocols(fetch, url):
    assert fetch(url=url)["error"] == "local"
    assert fetch.content() == b""


# ---- servers that break promises ----

def answering(*parts, then=None):
    """A server that sends these parts to each request."""

    def serve(server, connection):
        while http_request(connection):
            for part in parts:
                connection.sendall(part)
            if then is not None:
                then(server, connection)
            return

    return serve


def drip(server, connection):
    """A byte now and then, so that the connection is never idle."""
    while not server.stopped.wait(0.2):
        connection.sendall(b"x")


def silence(server, connection):
    server.stopped.wait()


def endless(server, connection):
    while not server.stopped.is_set():
        connection.sendall(b"; and so on\n" * 1000)


HEAD = b"HTTP/1.1 200 OK\r\nETag: \"v\"\r\nAccept-Ranges: bytes\r\n"


@pytest.mark.parametrize("then", [drip, silence])
@pytest.mark.parametrize("sent", [b"", b"HT", b"HTTP/1.1 200 OK\r\nX-", HEAD + b"\r\n", HEAD + b"Content-Length: 99999\r\n\r\nabc"])
def test_stalls_at_every_byte(server, fetch, sent, then):
    there = server(answering(sent, then=then))
    started = time.monotonic()
    got = fetch(url=f"http://127.0.0.1:{there.port}/", **{"rate-min": 1000, "rate-window-s": 1, "time-max-ms": 120000})
    assert got["error"] in ("slow", "timeout", "protocol"), got  # protocol: what drips is no HTTP
    assert time.monotonic() - started < 60  # far from the end of its time


def test_time_is_limited_also_with_progress(server, fetch):
    there = server(answering(HEAD + b"\r\n", then=drip))
    assert fetch(url=f"http://127.0.0.1:{there.port}/", **{"time-max-ms": 700})["error"] == "timeout"


def test_sends_without_end(server, fetch):
    there = server(answering(HEAD + b"\r\n", then=endless))
    got = fetch(url=f"http://127.0.0.1:{there.port}/", **{"bytes-max": 100000})
    assert got["error"] == "large" and len(fetch.content()) <= 100000


def test_announces_too_much(server, fetch):
    there = server(answering(HEAD + b"Content-Length: 5000000000\r\n\r\n", then=silence))
    assert fetch(url=f"http://127.0.0.1:{there.port}/")["error"] == "large"


def test_headers_without_end(server, fetch):
    def headers(server, connection):
        while not server.stopped.is_set():
            connection.sendall(b"X-More: and more\r\n" * 100)

    there = server(answering(HEAD, then=headers))
    assert fetch(url=f"http://127.0.0.1:{there.port}/")["error"] == "protocol"


def test_error_page_without_end(server, fetch):
    there = server(answering(b"HTTP/1.1 500 no\r\n\r\n", then=endless))
    got = fetch(url=f"http://127.0.0.1:{there.port}/")
    assert got["error"] == "status" and fetch.content() == b""


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "500 Broken", "204 No Content", "206 Partial Content"])
def test_answers_otherwise(server, fetch, status):
    there = server(answering(http_reply(status, b"" if status[0:3] == "204" else b"sorry")))
    got = fetch(url=f"http://127.0.0.1:{there.port}/")
    assert got["error"] in ("status", "protocol") and fetch.content() == b""


def test_small_that_unpacks_to_much(server, fetch):
    import gzip
    bomb = gzip.compress(b"\0" * (64 << 20), 9)
    there = server(answering(http_reply(body=bomb, Content_Encoding="gzip")))
    got = fetch(url=f"http://127.0.0.1:{there.port}/", **{"bytes-max": 1 << 20})
    assert got["error"] == "large" and len(fetch.content()) <= 1 << 20


@pytest.mark.parametrize("garbage", [b"\0" * 4096, b"SSH-2.0-x\r\n" * 50, b"HTTP/1.1 abc\r\n\r\n", b"\x16\x03\x01" * 99])
def test_speaks_something_else(server, fetch, garbage):
    there = server(answering(garbage))
    assert "error" in fetch(url=f"http://127.0.0.1:{there.port}/")
    assert fetch.content() == b""


def test_closes_early(server, fetch):
    there = server(answering(HEAD + b"Content-Length: 99999\r\n\r\nabc"))
    got = fetch(url=f"http://127.0.0.1:{there.port}/")
    assert got["error"] == "broken" and got["bytes"] == "3" and fetch.content() == b"abc"


def test_gives_another_part_than_asked_for(server, fetch):
    def serve(server, connection):
        http_request(connection)
        connection.sendall(http_reply("206 Partial Content", b"xyz", Content_Range="bytes 5-7/8", ETag='"v"'))

    fetch.body.write_bytes(b"abc")
    there = server(serve)
    got = fetch(url=f"http://127.0.0.1:{there.port}/", **{"resume-at": 3, "resume-tag": '"v"'})
    assert got["error"] == "protocol" and fetch.content() == b"abc"


# ---- the same through the whole way: a source ----

def ranged(zone, cut):
    """Gives the file in pieces of `cut` bytes: each connection breaks off after one."""

    def serve(server, connection):
        first, headers = http_request(connection)
        found = re.match(r"bytes=(\d+)-", headers.get("range", ""))
        at = int(found[1]) if found else 0
        body = zone[at:]
        extra = {"Content_Range": f"bytes {at}-{len(zone) - 1}/{len(zone)}"} if found else {}
        head = http_reply("206 Partial Content" if found else "200 OK", b"", ETag='"v"', Content_Length=len(body),
                          Accept_Ranges="bytes", **extra)
        connection.sendall(head if first.startswith("HEAD") else head + body[:cut])

    return serve


def test_taken_up_again_where_it_broke_off(server, probe, root):
    there = server(ranged(root.text, len(root.text) // 3 + 1))
    (row,), status = probe(f"http://127.0.0.1:{there.port}/root.zone")
    assert status == 0 and row["proves"] and row["serial"] == root.serial
    assert there.connections == 2 + 3  # HEAD, the SOA, and three parts


def test_not_taken_up_for_ever(server, probe, root):
    there = server(ranged(root.text, 100))
    (row,), status = probe(f"http://127.0.0.1:{there.port}/root.zone")
    assert status == 1 and "broke off" in row["trouble"]
    assert there.connections == 2 + 1 + 3


def test_sources_by_http(nginx, probe, root):
    rows, status = probe(nginx.url("root.zone"), nginx.url("root.zone.zst"), nginx.url("gzip/root.zone"),
                         f"http://files.example:{nginx.port}/root.zone address=127.0.0.1",
                         f"https://files.example:{nginx.tls}/root.zone address=127.0.0.1 ca={nginx.folder}/cert.pem",
                         nginx.url("elsewhere"), f"file:{root.file}", f"dir:{nginx.files}")
    assert status == 0, "\n".join(map(str, rows))
    assert all(row["proves"] for row in rows)
    # of files here the serial of packed ones is not looked for: they are read anyway when they are new
    assert {row["serial"] for row in rows[:-1]} == {root.serial}
    assert any("HEAD /root.zone 200" in line for line in nginx.requests())


def test_a_changed_byte_does_not_prove(nginx, probe, root):
    at = root.text.index(b"RRSIG") + 60
    (nginx.files / "root.zone").write_bytes(root.text[:at] + bytes([root.text[at] ^ 1]) + root.text[at + 1:])
    (row,), status = probe(nginx.url("root.zone"))
    assert status == 1 and row["proves"] is False and (row["reason"] or row["words"])


def test_what_an_instance_publishes(nginx, probe, root, tmp_path):
    import subprocess
    from conftest import program
    subprocess.run([program("banyan"), "files", "write", str(root.file), str(nginx.files)], check=True, capture_output=True)
    (row,), status = probe(nginx.url("root/"))
    assert status == 0 and row["proves"] and row["serial"] == root.serial
    assert row["fetch"]["bytes"] < len(root.text) * 3 // 4
    wire = next((nginx.files / "root").glob("*/zone.wire.zst"))
    wire.chmod(0o644)
    good = wire.read_bytes()
    wire.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    (row,), status = probe(nginx.url("root/"))
    assert status == 1 and "not what the pointer says" in row["trouble"]


def test_published_by_another_key(nginx, probe, root, tmp_path):
    import subprocess
    from conftest import program
    subprocess.run([program("banyan"), "files", "write", str(root.file), str(nginx.files)], check=True, capture_output=True)
    (row,), status = probe(nginx.url("root/") + " key=GZ9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
    assert status == 1 and row["trouble"]
