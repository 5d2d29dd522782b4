# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as it runs: every expected name through banyand, the walks, the odd servers, and a clean end."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

import ask
from conftest import AT, DEADLINE_S, Run, free_ports, make_lab, processes_of, program, wait_for

SMALL = ("--tlds", "60", "--sites", "20", "--parked-signed", "2", "--at", str(AT))


# ---- resolving ----

def test_banyand_resolves_every_name(running):
    replies = ask.ask_all(ask.expected_of(running), "127.0.0.1", running.resolver_port)
    ask.assert_all_as_expected(replies)


def test_banyand_resolves_every_name_from_its_cache(running):
    rows = [row for row in ask.expected_of(running) if row.rcode != "SERVFAIL"]
    ask.ask_all(rows, "127.0.0.1", running.resolver_port)
    again = ask.ask_all(rows, "127.0.0.1", running.resolver_port)
    ask.assert_all_as_expected(again)


# ---- the walk ----

def trace(lab, name, rdtype="A"):
    result = subprocess.run([program("banyan"), "trace", "--socket", str(lab.path("resolver", "control.sock")), "--cold",
                             "--json", name, rdtype], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_what_the_root_denies_costs_no_message(running):
    for name in ("www.no-such-tld.", "localdomain-of-nobody.", "xyzzy.another-none."):
        walk = trace(running, name)
        assert (walk["rcode"], walk["upstream"]) == ("NXDOMAIN", 0)
        assert [step["kind"] for step in walk["steps"]] == ["root"]


def test_no_walk_asks_a_root_server(running):
    for name in ("www.amberharbour.org.", "images.morninggazette.news.", "www.paperkite.jp.", "com."):
        addresses = [step.get("address", "") for step in trace(running, name)["steps"]]
        assert any(addresses) and not any(a.startswith(("127.10.0.", "2001:db8:10:0:")) for a in addresses)


def test_truncation_leads_to_tcp(running):
    steps = trace(running, "www.longscroll.net.")["steps"]
    transports = [step["transport"] for step in steps if step.get("address", "").startswith("127.10.11.3@")]
    assert list(dict.fromkeys(transports)) == ["udp", "tcp"]  # each may be asked again when it is slow


def test_ipv6_goes_through_the_reroutes(running):
    steps = trace(running, "sixonly.ch.", "AAAA")["steps"]
    assert any(step.get("address", "").startswith("2001:db8:10:8::") for step in steps)


# ---- the odd servers ----

def ask_odd(lab, server, name, tcp=False, timeout_s=DEADLINE_S, **options):
    query = dns.message.make_query(name, "A", **options)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, f"127.10.11.{server}", timeout_s, lab.port)


def test_lame_server_refuses(running):
    reply = ask_odd(running, 1, "www.shipwreck.org.")
    assert reply.rcode() == dns.rcode.REFUSED and not reply.answer and not reply.flags & dns.flags.AA


@pytest.mark.parametrize("tcp", [False, True])
def test_slow_server_is_slow(running, tcp):
    started = time.monotonic()
    reply = ask_odd(running, 2, "www.tortoise.nl.", tcp)
    assert time.monotonic() - started >= 0.29 and reply.answer and reply.flags & dns.flags.AA


def test_slow_server_does_not_queue(running):
    """All wait equally long: a hundred at once take as long as one."""
    rows = [ask.Row("slow", f"n{i}.tortoise.nl.", "A", "NXDOMAIN", "") for i in range(ask.IN_FLIGHT)]
    started = time.monotonic()
    replies = ask.ask_all(rows, "127.10.11.2", running.port)
    assert not ask.differences(replies) and time.monotonic() - started < 0.3 * len(rows) * 0.8


@pytest.mark.parametrize("edns", [-1, 0])
def test_truncating_server_truncates(running, edns):
    reply = ask_odd(running, 3, "www.longscroll.net.", use_edns=edns)
    assert reply.flags & dns.flags.TC and not reply.answer and reply.edns == edns
    reply = ask_odd(running, 3, "www.longscroll.net.", tcp=True, use_edns=edns)
    assert not reply.flags & dns.flags.TC and reply.answer and reply.edns == edns
    reply = ask_odd(running, 3, "nothing.longscroll.net.", tcp=True)
    assert reply.rcode() == dns.rcode.NXDOMAIN and reply.authority[0].rdtype == dns.rdatatype.SOA


def test_dead_server_is_silent(running):
    with pytest.raises(dns.exception.Timeout):
        ask_odd(running, 4, "www.stillwater.fr.", timeout_s=0.5)


# ---- beginning and end ----

@pytest.fixture
def small(place):
    port = free_ports()
    return make_lab(place / "lab", "--seed", "3", "--port", str(port), "--port6", str(port), "--resolver",
                    f"127.0.0.1@{port + 1}", *SMALL)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_over(small, how):
    run = Run(small, "--resolver").wait_ready()
    wait_for("all to be there, and who was needed for the start alone to be gone", lambda: len(processes_of(small)) == 16)  # 11 operators, the odd servers, the resolver and two beside it, and lab run itself
    status = run.end(how)
    assert status == (-signal.SIGKILL if how == signal.SIGKILL else 0)


def test_the_end_of_one_is_the_end_of_all(small):
    run = Run(small).wait_ready()
    victim = next(pid for pid in processes_of(small)
                  if b"operators/gtld" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(victim, signal.SIGKILL)
    assert run.process.wait(timeout=DEADLINE_S) == 2
    assert "gtld ended by itself" in run.output() and "operators/gtld/log" in run.output()
    wait_for("every process to be gone", lambda: not processes_of(small))


def test_a_lab_that_cannot_start_says_why(small, tmp_path):
    result = subprocess.run([program("banyan"), "lab", "run", str(tmp_path / "nowhere")], capture_output=True, text=True,
                            check=False)
    assert result.returncode == 2 and "nowhere" in result.stderr
    run = Run(small, "--banyand", "/nowhere/banyand")
    assert run.process.wait(timeout=DEADLINE_S) == 2
    assert "ended by itself" in run.output() and not processes_of(small)
    first = Run(small).wait_ready()
    second = subprocess.run([program("banyan"), "lab", "run", str(small)], capture_output=True, text=True, check=False,
                            timeout=DEADLINE_S)
    assert second.returncode == 2 and " said: " in second.stderr, "its ports are taken"
    assert first.end() == 0


def test_it_can_be_run_again(small):
    for _ in range(2):
        run = Run(small).wait_ready()
        assert run.end() == 0
