# SPDX-License-Identifier: GPL-3.0-or-later
"""`banyan sources sign` and `check`, and lists as sources."""
import subprocess

import pytest
from conftest import program


def banyan(*arguments, text=None):
    return subprocess.run([program("banyan"), "sources", *map(str, arguments)], input=text, capture_output=True, text=True)


@pytest.fixture
def keys(tmp_path):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private, public


def signed(path, lines, private, serial=1, expires="2099-01-01T00:00:00Z"):
    done = banyan("sign", "--serial", serial, "--expires", expires, "--key", private, "-", text=lines)
    assert done.returncode == 0, done.stderr
    path.write_text(done.stdout)
    return path


def test_signed_and_checked(tmp_path, keys):
    private, public = keys
    path = signed(tmp_path / "list", "# ours\nhttps://example.net/root/\naxfr:b.root-servers.net/.\nftp://example.net/x\n", private)
    good = banyan("check", "--key", public, path)
    assert good.returncode == 0 and "2 for ." in good.stdout and "1 of other kinds" in good.stdout
    assert banyan("check", path).returncode == 1
    assert banyan("check", "--key", public, "--at", "2099-01-01T00:00:00Z", path).returncode == 1
    path.write_text(path.read_text().replace("b.root", "c.root"))
    assert banyan("check", "--key", public, path).returncode == 1
    # anybody's tools can check it
    path = signed(path, "https://example.net/\n", private)
    above, below = path.read_text().split("----\n")
    (tmp_path / "above").write_text(above)
    subprocess.run(f"echo {below.split()[1]} | base64 -d > {tmp_path}/signature", shell=True, check=True)
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", tmp_path / "above",
                    "-sigfile", tmp_path / "signature"], check=True, capture_output=True)


def test_example_of_the_draft(tmp_path):
    path = tmp_path / "list"
    path.write_text("http://www.internic.net/domain/root.zone\nhttps://www.internic.net/domain/root.zone\naxfr:b.root-servers.net/.\n"
                    "----\nSHA256\nfba70cbd347741662a3e6c27056d0b8be07b65085633891407e24731c6736307\n")
    assert "nothing proves who made it" in banyan("check", path).stdout
    above, below = path.read_text().split("----\n")
    done = banyan("sign", "--serial", 3, "--checksum", "-", text=above)
    path.write_text(done.stdout)
    assert banyan("check", path).returncode == 0


@pytest.mark.parametrize("arguments, words", [
    (["sign", "/dev/null"], "--serial"),
    (["sign", "--serial", "1", "--key", "/nonexistent", "--expires", "2099-01-01", "/dev/null"], "nonexistent"),
    (["sign", "--serial", "x", "--checksum", "/dev/null"], "number"),
    (["check"], "one file"),
    (["check", "/nonexistent"], "nonexistent"),
    (["xfr:"], "host name"),
    (["192.0.2.1"], "write xfr:192.0.2.1"),
    (["--time", "0"], "seconds"),
    (["list:/nonexistent"], "nonexistent"),
])
def test_wrong_usage(arguments, words):
    done = banyan(*arguments)
    assert done.returncode == 2 and words in done.stderr


def test_lists_as_sources(nginx, keys, tmp_path, root):
    private, public = keys
    signed(nginx.files / "list", nginx.url("root.zone") + "\n" + nginx.url("gzip/root.zone") + "\n", private)
    for place in (nginx.url("list"), nginx.files / "list"):
        done = banyan("--fetch", "--anchor", root.anchors, f"list:{place} key={public}")
        assert done.returncode == 0 and "2 of 2 can be used" in done.stdout, done
    done = banyan(f"list:{nginx.url('list')}")
    assert done.returncode == 2 and "key=FILE" in done.stderr
    (nginx.files / "large").write_bytes(b"\n" * 70000)
    done = banyan(f"list:{nginx.url('large')}")
    assert done.returncode == 2 and "limit" in done.stderr


def test_sources_of_a_configuration(nginx, tmp_path, root):
    path = tmp_path / "banyan.yaml"
    path.write_text(f"root:\n  sources: [\"{nginx.url('root.zone')}\", \"file:{root.file}\"]\n"
                    f"zones:\n- {{name: example, file: x.zone, sources: [\"file:/nonexistent/example\"]}}\n")
    done = banyan("-c", path, "--fetch", "--anchor", root.anchors)
    assert done.returncode == 0 and "2 of 2 can be used" in done.stdout, done
    done = banyan("-c", path, "--origin", "example")
    assert done.returncode == 1 and "/nonexistent/example" in done.stdout, done
