# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that work and sources that do not: nginx, NSD, and servers in this file that break every promise."""
import base64
import datetime
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import dns.message
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.zone
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
import others  # noqa: E402
from basics import DEADLINE_S, Server, free_port, program  # noqa: E402


def wait_for_port(port, process):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None, f"ended with {process.returncode}"
            time.sleep(0.02)
    raise AssertionError(f"nobody listens on port {port}")


class Root:
    """A small signed root with its anchors and keys of this run."""

    def __init__(self, folder):
        subprocess.run([program("banyan"), "lab", "make", "--tlds", "20", "--sites", "5", str(folder)], check=True,
                       capture_output=True)
        self.file = folder / "zones" / "root.zone"
        self.anchors = folder / "root" / "root.ds"
        self.text = self.file.read_bytes()
        self.serial = int(re.search(rb"SOA\s+\S+\s+\S+\s+\(?\s*(\d+)", self.text)[1])


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return Root(tmp_path_factory.mktemp("lab") / "lab")


@pytest.fixture
def probe(root):
    """Runs `banyan sources --json` on sources; the rows as they were given, and the exit status."""

    def run(*sources, options=(), fetch=True, time_s=60):
        command = [program("banyan"), "sources", "--json", "--anchor", str(root.anchors), "--time", str(time_s)]
        command += ["--fetch"] if fetch else []
        done = subprocess.run([*command, *options, *sources], capture_output=True, text=True, timeout=10 * DEADLINE_S)
        assert done.stdout, done.stderr
        rows = {row["source"]: row for row in json.loads(done.stdout)["sources"]}
        return [rows[source] for source in sources], done.returncode

    return run


@pytest.fixture
def server():
    """Starts a Server with the given function."""
    servers = []

    def start(serve):
        servers.append(Server(serve))
        return servers[-1]

    yield start
    for each in servers:
        each.stop()


def http_request(connection):
    """The request line and headers (lower case) of one request, or None."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    first, *lines = data.split(b"\r\n\r\n")[0].decode().split("\r\n")
    return first, {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


def http_reply(status="200 OK", body=b"", **headers):
    headers.setdefault("Content_Length", len(body))
    lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items() if v is not None)
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n{lines}\r\n".encode() + body


def dns_request(connection):
    """One DNS question by TCP, or None."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    return dns.message.from_wire(data[2:])


def dns_send(connection, wire):
    connection.sendall(struct.pack("!H", len(wire)) + wire)


SOA = ". 86400 IN SOA a. b. {} 1800 900 604800 86400"


def soa_reply(question, serial):
    reply = dns.message.make_response(question)
    reply.flags |= dns.flags.AA
    reply.answer.append(dns.rrset.from_text(".", 86400, "IN", "SOA", f"a. b. {serial} 1800 900 604800 86400"))
    return reply


class Nginx:
    def __init__(self, folder, root):
        self.folder, self.files = folder, folder / "files"
        self.files.mkdir()
        shutil.copy(root.file, self.files / "root.zone")
        subprocess.run(["zstd", "-q", "-k", str(self.files / "root.zone")], check=True)
        subprocess.run(["gzip", "-k", "-n", str(self.files / "root.zone")], check=True)
        self.port, self.tls = free_port(), free_port()
        self.make_certificate()
        self.log = folder / "access.log"
        conf = folder / "nginx.conf"
        conf.write_text(f"""daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
worker_processes 1; events {{}}
http {{
    log_format all '$request_method $uri $status $body_bytes_sent "$http_range" "$http_if_none_match" "$sent_http_content_encoding" $server_protocol';
    access_log {self.log} all;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    gzip_types *; gzip_min_length 1;
    server {{ listen 127.0.0.1:{self.port}; root {self.files};
        location /gzip/ {{ alias {self.files}/; gzip on; }}
        location /moved/ {{ return 302 /root.zone; }}
        location /round/ {{ return 302 /round/; }}
        location /elsewhere {{ return 302 http://localhost:{self.port}/root.zone; }}
    }}
    server {{ listen 127.0.0.1:{self.tls} ssl http2; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
        root {self.files};
        location /down/ {{ return 302 http://127.0.0.1:{self.port}/root.zone; }}
    }}
}}
""")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", str(folder), "-c", str(conf)], stderr=subprocess.PIPE)
        wait_for_port(self.port, self.process)

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=files.example", "-addext", "subjectAltName=DNS:files.example",
                        "-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "cert.pem")],
                       check=True, capture_output=True)

    def requests(self):
        return self.log.read_text().splitlines()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE_S)


@pytest.fixture
def nginx(tmp_path, root):
    folder = tmp_path / "nginx"
    folder.mkdir()
    os.chmod(tmp_path, 0o755)
    started = Nginx(folder, root)
    yield started
    started.stop()


class Fetcher:
    """banyan-fetch by itself."""

    def __init__(self, folder):
        self.body = folder / "body"

    def __call__(self, **request):
        request.setdefault("bytes-max", 1 << 24)
        request.setdefault("time-max-ms", 60000)
        lines = "".join(f"{k} {each}\n" for k, v in request.items() for each in (v if isinstance(v, list) else [v]))
        return self.raw(lines)

    def raw(self, lines):
        body = os.open(self.body, os.O_RDWR | os.O_CREAT, 0o600)
        read, write = os.pipe()

        def descriptors():
            # not through each other: each of them may be the other's number
            parked = os.dup(write)
            os.dup2(body, 1)
            os.dup2(parked, 3)

        process = subprocess.Popen([program("banyan-fetch")], stdin=subprocess.PIPE, stdout=None, close_fds=False,
                                   preexec_fn=descriptors, env={"LC_ALL": "C", "http_proxy": "http://127.0.0.1:9/"})
        os.close(write)
        process.communicate(lines.encode(), timeout=3 * DEADLINE_S)
        result = b""
        while more := os.read(read, 65536):
            result += more
        os.close(read)
        os.close(body)
        assert process.returncode == 0
        return dict(line.split(" ", 1) for line in result.decode().splitlines())

    def content(self):
        return self.body.read_bytes()


@pytest.fixture
def fetch(tmp_path):
    return Fetcher(tmp_path)


class Nsd:
    """NSD with the root, for whom has the key or asks without on the second port."""

    SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()

    def __init__(self, folder, root):
        self.port = free_port()
        shutil.copy(root.file, folder / "zone")
        self.other = others.Other(folder, others.nsd(folder, f"127.0.0.1@{self.port}", ".", ["provide-xfr: 127.0.0.1 k.example"],
                                                     key="k.example", secret=self.SECRET))
        self.key_file = folder / "key"
        self.key_file.write_text(f"hmac-sha256:k.example:{self.SECRET}\n")
        wait_for_port(self.port, self.other.start().process)

    def stop(self):
        self.other.stop()


@pytest.fixture
def nsd(tmp_path, root):
    folder = tmp_path / "nsd"
    folder.mkdir()
    started = Nsd(folder, root)
    yield started
    started.stop()
