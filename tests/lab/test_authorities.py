# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that NSD's, Knot DNS's and BIND's own tools have signed, served by each of them: banyand and unbound, side by side on the
same servers, say the same; and what they say is what the zones hold."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import program

HERE = Path(__file__).resolve().parent
PEERS = {"nsd": ["nsd"], "bind": ["named", "dnssec-signzone"], "knot": ["knotd", "keymgr"]}
COMMON = ["unbound", "ldns-signzone", "ldns-key2ds", "unshare", "ip"]
DEADLINE_S = 600
SIGNED = ["rsa8", "rsa10", "p256", "p256n3", "p384", "ed", "edn", "ed448", "opt"]


def cname_below_dname(question, ours, theirs):
    """unbound 1.17 answers a question for CNAME below a DNAME of a signed zone with SERVFAIL. The alias that the DNAME makes is the
    answer (RFC 6672 section 3.1), and it is proved by the DNAME (section 5.3.1)."""
    name, rdtype = question
    return rdtype == "CNAME" and ".d." in name and theirs["rcode"] == "SERVFAIL" and ours["ad"]


# Every difference must be of one of these classes.
EXPLAINED = [cname_below_dname]


@pytest.fixture(scope="module", params=list(PEERS))
def said(request, tmp_path_factory):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in PEERS[request.param] + COMMON if shutil.which(name, path=path) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"not installed: {', '.join(missing)}" if missing else "needs root for a network namespace")
    folder = tmp_path_factory.mktemp(request.param)
    result = subprocess.run(["unshare", "-n", "/usr/bin/python3", str(HERE / "authorities.py"), request.param, str(folder),
                             program("banyand")], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert result.returncode == 0, result.stderr[-4000:]
    return json.loads(result.stdout)


@pytest.fixture
def banyand(said):
    return {tuple(question): reply for question, reply in zip(said["questions"], said["banyand"])}


def test_the_same_as_unbound(said):
    unexplained = []
    for question, ours, theirs in zip(said["questions"], said["banyand"], said["unbound"]):
        if ours != theirs and not any(explains(question, ours, theirs) for explains in EXPLAINED):
            unexplained.append(f"{' '.join(question)}: banyand {ours}, unbound {theirs}")
    assert len(said["questions"]) > 500 and not unexplained, "\n".join(unexplained[:20])


@pytest.mark.parametrize("zone", SIGNED)
def test_what_signed_zones_hold_is_proved(banyand, zone):
    def reply(owner, rdtype):
        return banyand[(f"{owner}.{zone}.lab.".lstrip("."), rdtype)]
    opt_out = zone == "opt"
    www = reply("www", "A")
    assert www["rcode"] == "NOERROR" and www["ad"] and len(www["answer"]) == 2 and www["signed"] == [f"www.{zone}.lab. A"]
    wildcard = reply("q.w", "A")
    assert wildcard["answer"] == [f"q.w.{zone}.lab. A 192.0.2.9"] and wildcard["ad"] != opt_out
    assert reply("big", "TXT")["ad"] and len(reply("big", "TXT")["answer"]) == 20
    assert reply("www.d", "A")["ad"] and len(reply("www.d", "A")["answer"]) == 3
    assert reply("out", "A")["ad"] and reply("plain", "A")["answer"] and not reply("plain", "A")["ad"]
    for owner, rdtype, rcode in (("nothing", "A", "NXDOMAIN"), ("no.b.c", "A", "NXDOMAIN"), ("b.c", "A", "NOERROR"), ("www", "TXT", "NOERROR")):
        denied = reply(owner, rdtype)
        assert denied["rcode"] == rcode and not denied["answer"]
        assert denied["ad"] == (not opt_out or rcode == "NOERROR"), (owner, rdtype)
    assert reply("www.sub", "A")["answer"] == [f"www.sub.{zone}.lab. A 192.0.2.77"] and not reply("www.sub", "A")["ad"]
    assert reply("", "DS")["ad"] and reply("", "DNSKEY")["ad"]


def test_odd_delegations(banyand):
    for name in ("www.lameonly.lab.", "www.dead.lab.", "www.loop1.lab."):
        assert banyand[(name, "A")]["rcode"] == "SERVFAIL"
    assert banyand[("a.lame.lab.", "A")]["answer"] == ["a.lame.lab. A 192.0.2.22"], "one of two servers is lame"
    assert banyand[("www.glueless.lab.", "A")]["answer"] == ["www.glueless.lab. A 192.0.2.23"]


def test_servers_go_and_return(said):
    down = said["down"]["banyand"]
    assert down["two"] and not down["gone"] and down["back_s"] is not None, said["down"]
