# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions over TLS: common clients, a certificate that is renewed while sessions are open, files that are wrong."""
import datetime
import socket
import ssl
import subprocess

import dns.message
import dns.query
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import DEADLINE_S, free_port, guard, tcp_message, tcp_read, wait_for


def certificate(folder, name="dns.example", stem="tls"):
    """A self-signed certificate; the paths of it and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    (folder / f"{stem}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{stem}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                            serialization.NoEncryption()))
    return folder / f"{stem}.pem", guard(folder / f"{stem}.key")


@pytest.fixture
def secure(authority, tmp_path):
    """(daemon, port, certificate) of an authority that listens with TLS, too."""
    pem, key = certificate(tmp_path)
    port = free_port()
    d = authority(server={"tls-listen": [f"127.0.0.1@{port}"], "tls-certificate": str(pem), "tls-key": str(key)})
    return d, port, pem


def session(port, pem, name="dns.example", **options):
    context = ssl.create_default_context(cafile=str(pem))
    for option, value in options.items():
        setattr(context, option, value)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30), server_hostname=name)


def test_common_clients(secure):
    d, port, pem = secure
    done = subprocess.run(["kdig", "+short", "+norec", f"+tls-ca={pem}", "+tls-hostname=dns.example", "@127.0.0.1", "-p", str(port),
                           "www.example.", "AAAA"], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "2001:db8::1", done.stdout + done.stderr
    reply = dns.query.tls(dns.message.make_query("www.example.", "A"), "127.0.0.1", port=port, timeout=30, server_hostname="dns.example",
                          ssl_context=ssl.create_default_context(cafile=str(pem)))
    assert reply.answer[0].to_text() == "www.example. 3600 IN A 192.0.2.1"
    assert d.counters()["tls_failed"] == 0


def test_many_questions_of_one_session(secure):
    _, port, pem = secure
    with session(port, pem) as s:
        assert s.version() == "TLSv1.3"
        queries = [dns.message.make_query("www.example.", "A") for _ in range(300)]
        s.sendall(b"".join(tcp_message(query) for query in queries))
        for query in queries:
            assert tcp_read(s).id == query.id


def test_older_versions_are_refused(secure):
    d, port, pem = secure
    with pytest.raises(ssl.SSLError):
        session(port, pem, maximum_version=ssl.TLSVersion.TLSv1_2)
    wait_for("it is counted", lambda: d.counters()["tls_failed"] == 1)


def test_a_certificate_is_renewed(secure, tmp_path):
    d, port, pem = secure
    before = session(port, pem)
    certificate(tmp_path)
    code, _, err = d.cli("reload")
    assert code == 0, err
    wait_for("the new one is shown", lambda: renewed(port, pem))
    before.sendall(tcp_message(dns.message.make_query("www.example.", "A")))  # a session that was open goes on
    assert tcp_read(before).answer
    (tmp_path / "tls.key").write_text("nothing")
    code, _, err = d.cli("reload")
    assert code == 0, err
    wait_for("the log says so", lambda: "the one before stays" in d.log())
    assert renewed(port, pem)


def renewed(port, pem):
    try:
        session(port, pem).close()
        return True
    except ssl.SSLError:
        return False


def test_wrong_files(authority, tmp_path):
    pem, _ = certificate(tmp_path)
    _, other = certificate(tmp_path, stem="other")
    d = authority(server={"tls-listen": [f"127.0.0.1@{free_port()}"], "tls-certificate": str(pem), "tls-key": str(other)}, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert str(other) in d.log() and "tls-key" in d.log()
    d.stop(expect=1)
