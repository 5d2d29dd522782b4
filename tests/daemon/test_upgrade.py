# SPDX-License-Identifier: GPL-3.0-or-later
"""
The daemon is upgraded: what an older one left in its file answers in the newer one. caches/ has files as older versions wrote them, each
filled by a daemon with the configuration below, that was asked for QUESTIONS: form-1-first by the first that had a file, form-1-last by the
last of that form, form-2 by the first of that form. Those in signed/ know SIGNED, below the root that is there, whose signatures are good
for long. Whoever changes the form adds one of each, and keeps those that are there.
"""
import struct
import time
from pathlib import Path

import dns.flags
import dns.rcode
import pytest

CACHES = Path(__file__).parent / "caches"
FILES = sorted(p.name for p in CACHES.iterdir() if p.is_file())
MASK = (1 << 64) - 1
HEAD, BLOCK_HEAD, ENTRY_HEAD = 32, 16, 20

QUESTIONS = ([(f"n{i}.tree.", t) for i in range(30) for t in ("A", "AAAA")] +
             [("alias.tree.", "A"), ("x.wild.tree.", "TXT"), ("mail.tree.", "MX")])
DENIED = [("none.tree.", "A", dns.rcode.NXDOMAIN), ("n1.tree.", "TXT", dns.rcode.NOERROR)]
# nothing of it may depend on where the test runs: a file is only read under the settings that it was learned under
SETTINGS = {"root": {"file": ""}, "stub": [{"zone": "tree.", "servers": ["127.0.0.4@15353"], "validate": False}]}

SIGNED = ([(f"n{i}.signed.", "A", dns.rcode.NOERROR, True) for i in range(10)] +
          [(f"n{i}.tree.", "A", dns.rcode.NOERROR, False) for i in range(3)] +
          [("alias.signed.", "A", dns.rcode.NOERROR, True), ("x.w.signed.", "TXT", dns.rcode.NOERROR, True),
           ("n1.signed.", "MX", dns.rcode.NOERROR, True), ("none.signed.", "A", dns.rcode.NXDOMAIN, True),
           ("none.tree.", "A", dns.rcode.NXDOMAIN, False)])


def rotated(v, n):
    return (v << n | v >> (64 - n)) & MASK


def siphash(data, key=b"banyan's blocks\0"):
    """SipHash-2-4, as the files have it."""
    k = struct.unpack("<QQ", key)
    v = [k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d, k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573]

    def turn(times):
        for _ in range(times):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = rotated(v[1], 13) ^ v[0]
            v[0] = rotated(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = rotated(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = rotated(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = rotated(v[1], 17) ^ v[2]
            v[2] = rotated(v[2], 32)
    whole = len(data) // 8 * 8
    words = [w for w, in struct.iter_unpack("<Q", data[:whole])]
    for word in words + [int.from_bytes(data[whole:], "little") | (len(data) & 255) << 56]:
        v[3] ^= word
        turn(2)
        v[0] ^= word
    v[2] ^= 255
    turn(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def blocks(data):
    pos = HEAD
    while pos < len(data):
        size = int.from_bytes(data[pos + 4:pos + 8], "big")
        yield pos, pos + BLOCK_HEAD, pos + BLOCK_HEAD + size
        pos += BLOCK_HEAD + size


def entries(data):
    """Where each begins."""
    for _, pos, end in blocks(data):
        while pos < end:
            yield pos
            key_len, value_len = int.from_bytes(data[pos:pos + 2], "big"), int.from_bytes(data[pos + 5:pos + 8], "big")
            pos += ENTRY_HEAD + key_len + value_len
        assert pos == end


def as_if_new(data):
    """The same file, the last entry of it stored a minute ago."""
    data = bytearray(data)
    stored = {pos: int.from_bytes(data[pos + 8:pos + 16], "big") for pos in entries(data)}
    later = int((time.time() - 60) * 1000) - max(stored.values())
    for pos, t in stored.items():
        data[pos + 8:pos + 16] = (t + later).to_bytes(8, "big")
    for head, start, end in blocks(data):
        data[head + 8:head + 16] = siphash(bytes(data[start:end])).to_bytes(8, "big")
    return bytes(data), len(stored)


def daemon_on(daemon, tmp_path, data, settings=SETTINGS, resolver=None):
    path = tmp_path / "kept"
    path.write_bytes(data)
    config = dict(settings, resolver=dict({"cache-file": str(path), "cache-save-interval": "0s"}, **(resolver or {})))
    return daemon(config)


def head_here(daemon, tmp_path, name, settings, resolver):
    """What tells the settings, as the daemon that wrote the file would have written it here: names of files are in it."""
    if not name.startswith("form-1"):
        daemon_on(daemon, tmp_path, b"", settings, resolver).stop()
        return (tmp_path / "kept").read_bytes()[12:24]
    text = f"1 0 50 86400 0 3600 0 {resolver['upstream-port']}"
    text += "" if name == "form-1-first" else "\nanchors 0 "
    text += "".join(f"\nanchors {path}" for path in settings["root"]["anchors"])
    return bytes(4) + siphash(text.encode(), b"banyan's context").to_bytes(8, "big")


def with_head(data, told):
    head = data[:12] + told
    return head + siphash(head).to_bytes(8, "big") + data[HEAD:]


def test_checksums_are_ours():
    for name in FILES:
        data = (CACHES / name).read_bytes()
        assert int.from_bytes(data[24:32], "big") == siphash(data[:24])
        assert all(int.from_bytes(data[h + 8:h + 16], "big") == siphash(data[s:e]) for h, s, e in blocks(data))


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_an_older_daemon(daemon, tmp_path, name):
    data, n = as_if_new((CACHES / name).read_bytes())
    d = daemon_on(daemon, tmp_path, data)
    assert f"cache: {n} entries from {tmp_path / 'kept'}" in d.log() and f"{n} of them alive; 0 left out" in d.log()
    answered = sum(bool(d.ask(*question).answer) for question in QUESTIONS)  # no server is there to ask
    print(f"share of the cache of {name} that answers after the upgrade:", answered / len(QUESTIONS))
    assert answered == len(QUESTIONS)
    for owner, rtype, rcode in DENIED:
        reply = d.ask(owner, rtype)
        assert reply.rcode() == rcode and not reply.answer and reply.authority
    assert 86000 < d.ask("n1.tree.").answer[0].ttl < 86400 - 59
    # it is written anew in the present form, which is read as a whole
    d.stop()
    written = (tmp_path / "kept").read_bytes()
    assert written[8:12] == (CACHES / FILES[-1]).read_bytes()[8:12]
    d.start()
    assert all(d.ask(*question).answer for question in QUESTIONS)


@pytest.mark.parametrize("name", FILES)
def test_what_an_older_daemon_proved(daemon, tmp_path, name):
    """Signed names are as authentic as before, with all servers gone: what proves them was in the cache as well."""
    data, n = as_if_new((CACHES / "signed" / name).read_bytes())
    root = {"file": str(CACHES / "signed" / "root.zone"), "anchors": [str(CACHES / "signed" / "anchor.ds")]}
    settings, resolver = {"root": root}, {"upstream-port": 15353, "ipv6": False}
    d = daemon_on(daemon, tmp_path, with_head(data, head_here(daemon, tmp_path, name, settings, resolver)), settings,
                  resolver)
    assert f"cache: {n} entries from" in d.log() or "proved by other rules" in d.log()
    assert "0 left out" in d.log()
    for owner, rtype, rcode, authentic in SIGNED:
        reply = d.ask(owner, rtype, want_dnssec=True)
        assert (reply.rcode(), bool(reply.flags & dns.flags.AD)) == (rcode, authentic), (owner, reply.to_text())
        assert bool(reply.answer) == (rcode == dns.rcode.NOERROR and rtype != "MX")


@pytest.mark.parametrize("name", FILES)
def test_other_servers_are_another_world(daemon, tmp_path, name):
    """Of a daemon that asked other servers nothing is taken over, whatever the form."""
    data, _ = as_if_new((CACHES / name).read_bytes())
    stub = [dict(SETTINGS["stub"][0], servers=["127.0.0.5@15353"])]
    d = daemon_on(daemon, tmp_path, data, dict(SETTINGS, stub=stub))
    assert "learned under other settings" in d.log() and " entries from " not in d.log()


def test_other_rules_of_proof(daemon, tmp_path):
    """What was judged by other rules is judged again, and not thrown away."""
    data, _ = as_if_new((CACHES / "form-2").read_bytes())
    d = daemon_on(daemon, tmp_path, data)
    assert "proved by other rules" not in d.log()
    d.stop()
    d = daemon_on(daemon, tmp_path, data, resolver={"nsec3-iterations-max": 77})
    assert "proved by other rules" in d.log()
    assert all(d.ask(*question).answer for question in QUESTIONS)


def test_a_form_to_come(daemon, tmp_path):
    """A file of a newer daemon is left out, with words that say so, and harms nothing."""
    data = bytearray(as_if_new((CACHES / FILES[-1]).read_bytes())[0])
    data[8:12] = (int.from_bytes(data[8:12], "big") + 1).to_bytes(4, "big")
    data[24:32] = siphash(bytes(data[:24])).to_bytes(8, "big")
    d = daemon_on(daemon, tmp_path, data)
    assert "is left out: it was written by a newer version" in d.log()
    assert d.status()["resolver"]["cache_rrsets"] == 0
    assert d.ask("n1.tree.").rcode() == dns.rcode.SERVFAIL  # it is empty, and there is nobody to ask
