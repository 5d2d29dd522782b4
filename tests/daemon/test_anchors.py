# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust anchors of a running daemon: where they come from, how they roll and are kept, where by order nothing is proved."""
import datetime
import json
import signal
import subprocess

import dns.edns
import dns.flags
import dns.rcode
import pytest

from conftest import DEADLINE_S, free_port, wait_for

ROOT = """\
. 86400 IN SOA ns. host. 1 1800 900 604800 86400
. 86400 IN NS ns.
ns. 86400 IN A 127.0.0.99
{zone}. 86400 IN NS ns.{zone}.
ns.{zone}. 86400 IN A 127.0.0.3
"""

ISLAND = """\
$ORIGIN island.
$TTL 60
@ SOA ns.island. host.island. 1 7200 3600 1209600 1
@ NS ns.island.
ns A 127.0.0.3
www A 192.0.2.1
*.w A 192.0.2.9
root-key-sentinel-is-ta-{tag:05} A 192.0.2.2
root-key-sentinel-not-ta-{tag:05} A 192.0.2.3
root-key-sentinel-is-ta-{other:05} A 192.0.2.4
"""


def run(folder, *words, **options):
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, timeout=60, **options).stdout.strip()


class Signed:
    """A zone with a key of its own, signed by ldns."""

    def __init__(self, folder, origin, text, zonemd=False):
        self.folder, self.origin = folder, origin
        self.key = run(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", origin)
        self.ds = folder / (self.key + ".ds")
        self.dnskey = folder / (self.key + ".key")
        self.tag = int(self.key.rsplit("+", 1)[1])
        self.file = folder / (origin.strip(".") + "zone.signed")
        plain = folder / (origin.strip(".") + "zone.plain")
        plain.write_text(text)
        words = ["-z", "simple:sha384"] if zonemd else []
        run(folder, "ldns-signzone", *words, "-f", str(self.file), "-o", origin, str(plain), self.key)

    def ds_fields(self):
        """owner, key tag, algorithm, digest type, digest"""
        words = [w for w in self.ds.read_text().split(";")[0].split() if not w.isdigit() or len(w) < 6]
        at = words.index("DS")
        return words[0], words[at + 1], words[at + 2], words[at + 3], "".join(words[at + 4:])


@pytest.fixture(scope="session")
def zones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("anchors")
    root = Signed(folder, ".", ROOT.format(zone="island"), zonemd=True)
    other = (root.tag + 1) % 65536
    return root, Signed(folder, "island.", ISLAND.format(tag=root.tag, other=other)), other


@pytest.fixture
def world(daemon, tmp_path, zones):
    """The resolver; world(root={...}, resolver={...}) sets options. island. has no DS in the root."""
    def start(root=None, resolver=None, start=True, env=None):
        signed, island, _ = zones
        port = free_port(("127.0.0.3",))
        daemon({"server": {"workers": 1}, "resolver": {"enabled": False},
                "zones": [{"name": "island.", "file": str(island.file)}]}, addresses=("127.0.0.3",), port=port)
        config = {"root": dict({"file": str(signed.file), "anchors": [str(signed.ds)],
                                "anchors-state": str(tmp_path)}, **(root or {})),
                  "resolver": dict({"upstream-port": port, "ipv6": False}, **(resolver or {}))}
        return daemon(config, start=start, env=env)
    return start


def anchors(d):
    code, out, err = d.cli("anchors", "--json")
    assert code == 0, err
    return {zone["zone"]: zone for zone in json.loads(out)["zones"]}


def secure(d, name="www.island.", **options):
    reply = d.ask(name, want_dnssec=True, **options)
    assert reply.rcode() == dns.rcode.NOERROR, reply
    return bool(reply.flags & dns.flags.AD)


def ede(reply):
    return [(o.code, o.text) for o in reply.options if isinstance(o, dns.edns.EDEOption)]


def kept(path, word="VALID"):
    return path.exists() and word in path.read_text() and path.read_text()


# ---- where they come from ----

def test_anchors_of_other_zones(world, zones, tmp_path):
    signed, island, _ = zones
    d = world()
    assert not secure(d)  # the root proves that it has no DS
    owner, tag, algorithm, digest_type, digest = island.ds_fields()
    forms = {
        "ds": f"{owner} IN DS {tag} {algorithm} {digest_type} {digest}\n",
        "bare": f"island DS {tag} ECDSAP256SHA256 SHA-256 ( {digest[:20]} ; half of it\n  {digest[20:]} )\n",
        "bind": f'trust-anchors {{\n  "island." static-ds {tag} {algorithm} {digest_type} "{digest}"; // by hand\n}};\n',
        "dnskey": island.dnskey.read_text(),
    }
    for name, text in forms.items():
        path = tmp_path / name
        path.write_text(text)
        d.config["root"]["anchors"] = [str(signed.ds), str(path)]
        d.write()
        code, out, err = d.cli("reload")
        assert code == 0, out + err
        wait_for(f"answers proved by the anchors as {name}", lambda: secure(d))
        assert anchors(d)["island."]["trusted"] == [island.tag]
        assert anchors(d)["island."]["rolls"] == (name != "bind")
    d.config["root"]["anchors"] = [str(signed.ds)]
    d.write()
    assert d.cli("reload")[0] == 0
    wait_for("answers that count as insecure again", lambda: not secure(d))


def test_a_bad_anchor_file_is_refused(world, zones, tmp_path):
    signed, _, _ = zones
    d = world()
    (tmp_path / "bad").write_text("; two lines\nisland. DS 1 2 3 nonsense\n")
    d.config["root"]["anchors"] = [str(signed.ds), str(tmp_path / "bad")]
    d.write()
    code, out, err = d.cli("reload")
    assert code == 1 and "bad:2:" in out + err
    assert not secure(d)


def test_built_in_anchors(world, zones):
    signed, _, _ = zones
    d = world(root={"anchors-built-in": "on"})
    assert anchors(d)["."]["trusted"] in ([signed.tag, 20326, 38696], [20326, 38696, signed.tag])
    d.config["root"]["anchors"] = []
    d.config["root"]["anchors-built-in"] = "auto"
    d.write()
    assert d.cli("reload")[0] == 1  # a root copy that was proved is not given up for one that is not
    d = world(root={"anchors": []})  # this root is not signed by those
    assert anchors(d)["."]["trusted"] == [20326, 38696]
    assert "anchor-no-match" in d.log() and not d.status()["resolver"]["root"]["loaded"]


def test_no_anchors_at_all(world, zones):
    port = {"anchors": [], "anchors-built-in": "off", "file": ""}
    d = world(root=port, start=False)
    upstream = d.config["resolver"]["upstream-port"]
    d.config["stub"] = [{"zone": "island.", "servers": [f"127.0.0.3@{upstream}"]}]
    d.write()
    d.start()
    assert "there are no trust anchors" in d.log()
    assert not secure(d)
    assert "every answer counts as insecure" in d.cli("anchors")[1]
    # an island alone: its names are proved, without any root
    d.config["root"]["anchors"] = [str(zones[1].ds)]
    d.write()
    assert d.cli("reload")[0] == 0
    wait_for("answers proved by the island's anchor", lambda: secure(d, "a.w.island."))


# ---- root-anchors.xml (RFC 9718) ----

def xml_of(zone):
    _, tag, algorithm, digest_type, digest = zone.ds_fields()
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<TrustAnchor id="A" source="test"><Zone>.</Zone>
<KeyDigest id="K" validFrom="2020-01-01T00:00:00+00:00"><KeyTag>{tag}</KeyTag><Algorithm>{algorithm}</Algorithm>
<DigestType>{digest_type}</DigestType><Digest>{digest.upper()}</Digest></KeyDigest></TrustAnchor>
"""


@pytest.fixture(scope="session")
def xml(tmp_path_factory, zones):
    """The file, its signature, the authority; signed as IANA signs it."""
    folder = tmp_path_factory.mktemp("xml")
    (folder / "root-anchors.xml").write_text(xml_of(zones[0]))
    (folder / "leaf.ext").write_text("subjectAltName=email:dnssec@iana.org\nkeyUsage=digitalSignature\nextendedKeyUsage=emailProtection\n")
    run(folder, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
        "-out", "ca.pem", "-subj", "/CN=Test authority", "-days", "30")
    run(folder, "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "leaf.key",
        "-out", "leaf.csr", "-subj", "/CN=Anchors")
    run(folder, "openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
        "-extfile", "leaf.ext", "-out", "leaf.pem")
    run(folder, "openssl", "smime", "-sign", "-binary", "-in", "root-anchors.xml", "-signer", "leaf.pem", "-inkey", "leaf.key",
        "-outform", "DER", "-out", "root-anchors.p7s")
    return folder


def xml_options(folder, **more):
    return dict({"anchors": [], "anchors-xml": str(folder / "root-anchors.xml"),
                 "anchors-xml-signature": str(folder / "root-anchors.p7s"),
                 "anchors-xml-authority": str(folder / "ca.pem")}, **more)


def test_root_anchors_xml(world, zones, xml):
    d = world(root=xml_options(xml))
    assert anchors(d)["."]["trusted"] == [zones[0].tag]
    assert d.status()["resolver"]["root"]["proved"]


@pytest.mark.parametrize("what", ["changed", "another signer"])
def test_root_anchors_xml_with_a_bad_signature(world, zones, xml, tmp_path, what):
    options = xml_options(xml)
    if what == "changed":
        options["anchors-xml"] = str(tmp_path / "root-anchors.xml")
        (tmp_path / "root-anchors.xml").write_text(xml_of(zones[0]) + "\n")
    else:
        options["anchors-xml-signer"] = "somebody@example.org"
    d = world(root=options, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert "root-anchors.xml" in d.log() and "signature" in d.log()
    d.process = None


def test_a_signature_needs_its_authority(world, xml):
    options = xml_options(xml)
    del options["anchors-xml-authority"]
    d = world(root=options, start=False)
    d.launch()
    assert d.process.wait(DEADLINE_S) == 1
    assert "root.anchors-xml-signature: found without root.anchors-xml-authority" in d.log()
    d.process = None


# ---- rolling (RFC 5011) ----

def test_the_state_is_kept(world, zones, tmp_path):
    signed, island, _ = zones
    d = world(root={"anchors": [str(signed.ds), str(island.ds)]})
    for zone, name in (signed, "trust-anchor.state"), (island, "trust-anchor.island.state"):
        text = wait_for(f"the state of {zone.origin}", lambda: kept(tmp_path / name))
        assert f"key VALID tag {zone.tag}" in text
        shown = wait_for("the key among those that are known", lambda: anchors(d)[zone.origin]["keys"])
        assert [(k["tag"], k["state"]) for k in shown] == [(zone.tag, "VALID")]
        assert anchors(d)[zone.origin]["file"] == str(tmp_path / name)
    assert f"key {signed.tag}, algorithm 13: VALID" in d.cli("anchors")[1]
    d.process.send_signal(signal.SIGKILL)
    d.process.wait(DEADLINE_S)
    d.start()
    assert "1 keys from " + str(tmp_path / "trust-anchor.state") in d.log()
    assert secure(d)


def waiting_key(zone, folder, until):
    """The state of the zone in which its key is not trusted yet."""
    key = next(line for line in zone.dnskey.read_text().splitlines() if not line.startswith(";"))
    data = key.split(";")[0].split("DNSKEY")[1].strip()
    stamp = datetime.datetime.now(datetime.timezone.utc)
    return (f"rollover 1\nzone {zone.origin}\nproved {stamp:%Y-%m-%dT%H:%M:%SZ}\nnext {stamp:%Y-%m-%dT%H:%M:%SZ}\nretry 3600\n"
            f"key REVOKED tag {zone.tag} since 2026-01-01T00:00:00Z until {until} DNSKEY {data}\nend 1\n")


def test_what_was_revoked_stays_revoked(world, zones, tmp_path):
    signed, island, _ = zones
    (tmp_path / "trust-anchor.island.state").write_text(waiting_key(island, tmp_path, "2096-01-01T00:00:00Z"))
    d = world(root={"anchors": [str(signed.ds), str(island.ds)]})
    assert anchors(d)["island."]["trusted"] == []
    assert not secure(d)  # all of its anchors are revoked: as if it had none (RFC 5011 section 5)


def test_the_root_copy_is_proved_with_what_was_rolled(world, zones, tmp_path):
    signed, _, _ = zones
    (tmp_path / "trust-anchor.state").write_text(waiting_key(signed, tmp_path, "2096-01-01T00:00:00Z"))
    d = world()
    assert not d.status()["resolver"]["root"]["loaded"] and anchors(d)["."]["trusted"] == []


@pytest.mark.parametrize("text", ["", "rollover 1\nzone .\nproved 2026-01-01T00:00:00Z\n", "rollover 9\n", "\0\0\0"])
def test_a_broken_state_is_refused(world, zones, tmp_path, text):
    path = tmp_path / "trust-anchor.state"
    path.write_text(text)
    d = world()
    assert "the state of rolling trust anchors is not used" in d.log() and str(path) in d.log()
    assert (tmp_path / "trust-anchor.state.broken").read_text() == text
    assert d.status()["resolver"]["root"]["proved"]
    wait_for("a state that is written anew", lambda: kept(path, f"key VALID tag {zones[0].tag}"))


def test_a_state_of_other_anchors_is_refused(world, zones, tmp_path):
    """Keys that grew from anchors which are not configured any more are not trusted."""
    signed, island, _ = zones
    path = tmp_path / "trust-anchor.state"
    path.write_text(waiting_key(island, tmp_path, "1970-01-01T00:00:00Z").replace("zone island.", "zone .").replace("REVOKED", "VALID"))
    d = world()
    assert "none of its keys is named by a configured anchor" in d.log()
    assert anchors(d)["."]["trusted"] == [signed.tag]


def test_without_a_folder_and_without_rolling(world, tmp_path):
    d = world(root={"anchors-state": ""}, env={"STATE_DIRECTORY": ""})
    wait_for("the key among those that are known", lambda: anchors(d)["."]["keys"])
    assert "kept in no file" in d.cli("anchors")[1]
    d = world(root={"anchors-roll": False})
    assert not anchors(d)["."]["rolls"] and not (tmp_path / "trust-anchor.state").exists()


def test_the_folder_of_the_service_manager(world, tmp_path):
    (tmp_path / "state").mkdir()
    world(root={"anchors-state": ""}, env={"STATE_DIRECTORY": f"{tmp_path}/state:{tmp_path}/other"})
    wait_for("the state", lambda: kept(tmp_path / "state" / "trust-anchor.state"))


# ---- what others are told ----

def test_key_tag_signal(world, zones):
    signed, island, _ = zones
    options = {"anchors": [str(signed.ds), str(island.ds)]}
    d = world(root=options)
    wait_for("a signal to the island's servers alone", lambda: d.counters()["key_tag_signals"] == 1)
    d = world(root=options, resolver={"key-tag-signal": False})
    wait_for("the island's keys", lambda: d.counters()["anchors_proved"] >= 2)
    assert d.counters()["key_tag_signals"] == 0


def test_sentinel(world, zones):
    signed, island, other = zones
    options = {"anchors": [str(signed.ds), str(island.ds)]}
    d = world(root=options)
    assert secure(d, f"root-key-sentinel-is-ta-{signed.tag:05}.island.")
    for name in f"not-ta-{signed.tag:05}", f"is-ta-{other:05}":
        reply = d.ask(f"root-key-sentinel-{name}.island.", want_dnssec=True)
        assert reply.rcode() == dns.rcode.SERVFAIL and "sentinel" in ede(reply)[0][1]
    d = world(root=options, resolver={"sentinel": False})
    assert secure(d, f"root-key-sentinel-not-ta-{signed.tag:05}.island.")


# ---- where by order nothing is proved (RFC 7646) ----

def wrong_anchor(zones, tmp_path):
    """Anchors with which nothing below island. can be proved."""
    signed, island, other = zones
    owner, _, algorithm, digest_type, digest = island.ds_fields()
    (tmp_path / "wrong").write_text(f"island. DS {other} {algorithm} {digest_type} {digest[::-1]}\n")
    return [str(signed.ds), str(tmp_path / "wrong")]


def test_negative_anchors_end(world, zones, tmp_path):
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=8)).replace(microsecond=0)
    d = world(root={"anchors": wrong_anchor(zones, tmp_path)},
              resolver={"negative-anchors": [f"island. until {until:%Y-%m-%dT%H:%M:%SZ}"]})
    assert "answers at and below island. are not validated until" in d.log()
    reply = d.ask("first.w.island.")
    if datetime.datetime.now(datetime.timezone.utc) < until:
        assert reply.rcode() == dns.rcode.NOERROR
    count = iter(range(10000))

    def fails():
        reply = d.ask(f"n{next(count)}.w.island.", use_edns=0)
        return reply.rcode() == dns.rcode.SERVFAIL and [told for told in ede(reply) if told[0] == 9]  # others: nobody could be asked in time
    assert wait_for("answers that are proved again", fails)[0][0] == 9
    assert datetime.datetime.now(datetime.timezone.utc) >= until
    assert json.loads(d.cli("anchors", "--json")[1])["negative"][0]["over"]


def test_negative_anchors_by_command(world, zones, tmp_path):
    """In an emergency without a change of the configuration; a restart does not end it."""
    d = world(root={"anchors": wrong_anchor(zones, tmp_path)})
    assert d.ask("www.island.").rcode() == dns.rcode.SERVFAIL
    code, out, _ = d.cli("anchors", "negative", "Island.", "2h")
    assert code == 0 and "flushed" in out
    assert d.ask("www.island.").rcode() == dns.rcode.NOERROR
    shown = json.loads(d.cli("anchors", "--json")[1])["negative"]
    assert [(a["name"], a["configured"], a["over"]) for a in shown] == [("island.", False, False)]
    assert "by command" in d.cli("anchors")[1]
    d.stop()
    d.start()
    assert d.ask("www.island.").rcode() == dns.rcode.NOERROR
    assert d.cli("reload")[0] == 0
    assert d.ask("first.w.island.").rcode() == dns.rcode.NOERROR
    assert d.cli("anchors", "negative", "island", "remove")[0] == 0
    assert d.ask("www.island.").rcode() == dns.rcode.SERVFAIL
    assert json.loads(d.cli("anchors", "--json")[1])["negative"] == []
    code, _, err = d.cli("anchors", "negative", "island", "remove")
    assert code == 1 and "banyan reload" in err
    for words in (["island.", "2000-01-01"], ["island.", "0d"], ["island.", "9x"], ["island.", "500d"], ["a..b"], []):
        code, _, err = d.cli("anchors", "negative", *words)
        assert code == 1 and "usage: anchors negative" in err
    code, out, _ = d.cli("anchors", "negative", "island", "2s")
    assert code == 0 and d.ask("www.island.").rcode() == dns.rcode.NOERROR
    wait_for("its end", lambda: d.ask("www.island.").rcode() == dns.rcode.SERVFAIL)


def test_negative_anchors_without_a_folder(world, zones, tmp_path):
    d = world(root={"anchors": wrong_anchor(zones, tmp_path), "anchors-state": ""})
    code, out, _ = d.cli("anchors", "negative", "island.")
    assert code == 0 and "ends with the daemon" in out
    assert d.ask("www.island.").rcode() == dns.rcode.NOERROR


def test_negative_anchors_by_reload(world, zones, tmp_path):
    d = world(root={"anchors": wrong_anchor(zones, tmp_path)})
    assert d.ask("www.island.").rcode() == dns.rcode.SERVFAIL
    d.config["resolver"]["negative-anchors"] = ["island. until 2100-01-01"]
    d.write()
    code, out, _ = d.cli("reload")
    assert code == 0 and "restart" not in out
    assert d.ask("www.island.").rcode() == dns.rcode.NOERROR
    d.config["resolver"]["negative-anchors"] = []
    d.write()
    assert d.cli("reload")[0] == 0
    assert d.ask("www.island.").rcode() == dns.rcode.SERVFAIL


# ---- the clock ----

@pytest.mark.parametrize("days, counter, words", [
    (+3.02, "clock_behind", "it is behind by 3 d 0 h at least. Set the clock"),
    (-40.02, "clock_ahead", "either this copy is outdated or the clock is ahead, by 10 d 0 h at least")])
def test_a_clock_that_does_not_fit_the_root(world, zones, tmp_path, days, counter, words):
    """The root copy is good but for its dates: the log and the metric say by how much the clock is off."""
    signed, _, _ = zones
    now = datetime.datetime.now(datetime.timezone.utc)
    begin = now + datetime.timedelta(days=days)
    end = begin + datetime.timedelta(days=30)
    run(signed.folder, "ldns-signzone", "-z", "simple:sha384", "-i", f"{begin:%Y%m%d%H%M%S}", "-e", f"{end:%Y%m%d%H%M%S}",
        "-f", str(tmp_path / "dated.zone"), "-o", ".", "zone.plain", signed.key)
    d = world(root={"file": str(tmp_path / "dated.zone"), "anchors-built-in": "off"})
    assert "but for its dates it is good" in d.log() and words in d.log()
    wait_for("the bad news", lambda: "the clock does not fit the root copy" in d.log())
    seconds = d.counters()[counter]
    assert abs(seconds - (3.02 if days > 0 else 10.02) * 86400) < 300
    d.config["root"]["file"] = str(signed.file)
    d.write()
    assert d.cli("reload")[0] == 0
    wait_for("a clock that fits", lambda: d.counters()[counter] == 0)
    wait_for("the good news", lambda: "fits the signatures of the root copy again" in d.log())
