# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy goes on: from a file to one daemon, from there to a second and a third, each of which proves it and tells the next."""
import signal

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.xfr
import dns.zone

from conftest import put
from daemons import wait_for
from test_copies import copy, root_config, serial, wait_serial


def chain_config(versions, folder, sources, **options):
    folder.mkdir()
    config = root_config(versions, folder, sources, transfer=["127.0.0.0/8"], **options)
    return config


def transferred(d):
    """All records of the root that the daemon gives away, as texts; None while it gives none."""
    try:
        zone = dns.zone.from_xfr(dns.query.xfr("127.0.0.1", ".", port=d.port, relativize=False, timeout=30), relativize=False)
    except dns.xfr.TransferError:
        return None
    return sorted(f"{name} {ttl} {rdata}" for name, ttl, rdata in zone.iterate_rdatas())


def test_a_copy_goes_on(daemon, versions, tmp_path):
    put(tmp_path / "source", versions.text(1))
    last = daemon(chain_config(versions, tmp_path / "3", [f"file:{tmp_path}/none-yet"]))
    last_port = last.port
    last.stop()
    second = daemon(chain_config(versions, tmp_path / "2", [f"file:{tmp_path}/none-yet"]))
    second_port = second.port
    second.stop()
    first = daemon(chain_config(versions, tmp_path / "1", [f"file:{tmp_path}/source"], notify=[f"127.0.0.1@{second_port}"]))
    wait_serial(first, 1)
    slow = {"refresh-min": "1h", "refresh-max": "1h"}  # so that only who is told comes so soon
    second.config["root"].update(slow, sources=[f"xfr:127.0.0.1@{first.port}"], notify=[f"127.0.0.1@{last_port}"])
    second.write()
    second.start()
    wait_serial(second, 1)
    last.config["root"].update(slow, sources=[f"xfr:127.0.0.1@{second_port}"])
    last.write()
    last.start()
    wait_serial(last, 1)
    for version in (2, 3):
        put(tmp_path / "source", versions.text(version))
        wait_serial(last, version)
    expected = transferred(first)
    assert expected is not None and expected == transferred(second)
    wait_for("the same from the last", lambda: transferred(last) == expected)
    assert copy(last)["state"] == "current"
    # the middle one falls over, and stands again on what it has: it goes on giving that away
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    first.stop()
    second.process = None
    second.start()
    assert serial(second) == 3
    wait_for("it is given away", lambda: transferred(second) == transferred(last))


def expire(d):
    """What is left of the copy, as its SOA is told (RFC 7314)."""
    query = dns.message.make_query(".", "SOA", options=[dns.edns.GenericOption(9, b"")], use_edns=0)
    query.flags &= ~dns.flags.RD
    reply = dns.query.udp(query, "127.0.0.1", port=d.port, timeout=30)
    return [int.from_bytes(option.data, "big") for option in reply.options if option.otype == 9]


def test_what_is_left_of_a_copy_is_told(daemon, versions, tmp_path):
    put(tmp_path / "source", versions.text(1, expire=1000))
    (tmp_path / "1").mkdir()
    zone = {"name": ".", "sources": [f"file:{tmp_path}/source"], "store": str(tmp_path / "1/store"), "refresh-min": "1s",
            "anchors": [versions.anchors(0)], "transfer": ["127.0.0.0/8"]}
    d = daemon({"server": {"workers": 1}, "resolver": {"enabled": False}, "root": {"file": ""}, "zones": [zone]})
    wait_for("it is there", lambda: expire(d) and expire(d)[0] > 990)
    (tmp_path / "source").unlink()
    wait_for("it ages while no source confirms it", lambda: expire(d) and expire(d)[0] < 998)
    put(tmp_path / "source", versions.text(1, expire=1000))
    wait_for("and is young again when one does", lambda: expire(d) and expire(d)[0] >= 999)


def test_who_may_not(daemon, versions, tmp_path):
    put(tmp_path / "source", versions.text(1))
    (tmp_path / "1").mkdir()
    d = daemon(root_config(versions, tmp_path / "1", [f"file:{tmp_path}/source"], transfer=["192.0.2.0/24"]))
    wait_serial(d, 1)
    reply = d.ask(".", dns.rdatatype.AXFR, tcp=True)
    assert not reply.answer
