# SPDX-License-Identifier: GPL-3.0-or-later
"""The command itself: options, exit statuses, words."""
import pytest

from conftest import run, verify

GOOD = "@ 60 SOA ns h 7 1800 900 604800 86400\n@ 60 NS ns\nns 60 A 192.0.2.1\n"


@pytest.fixture
def zone(tmp_path):
    def write(text, name="zone"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


def test_help():
    done = run("--help")
    assert done.returncode == 0
    for option in ("--at", "--anchor", "--origin", "--require", "--digest-only", "--json", "--threads", "--include",
                   "--refuse-sha1"):
        assert option in done.stdout.decode()


@pytest.mark.parametrize("arguments", [
    [], ["a", "b"], ["--nonsense", "x"], ["--at", "yesterday", "x"], ["--origin", "a..b", "x"], ["--require", "glue", "x"],
    ["--threads", "many", "x"], ["--threads", "65", "x"], ["--threads", "-1", "x"], ["--anchor", "/nonexistent", "x"],
])
def test_wrong_usage(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and done.stdout == b"" and done.stderr


def test_missing_file():
    report = verify("/nonexistent/zone")
    assert report.status == 2 and "/nonexistent/zone" in report["text"]
    done = run("/nonexistent/zone")
    assert done.returncode == 2 and b"/nonexistent/zone" in done.stderr


def test_error_names_file_line_found_and_remedy(zone):
    path = zone(GOOD + "bad 60 A 192.0.2\n")
    report = verify("--origin", "example", path)
    assert (report.status, report["reason"], report["line"]) == (2, "syntax", 4)
    assert report["text"].startswith(f"{path}:4: ")
    assert '"bad 60 A 192.0.2"' in report["text"]
    assert "; " in report["text"]


def test_unsigned_zone(zone):
    path = zone(GOOD)
    report = verify("--origin", "example", path)
    assert (report.status, report["reason"]) == (1, "zone-unsigned")
    assert report["checks"]["structure"]["state"] == "good"
    assert report["checks"]["keys"] == {"state": "failed", "reason": "zone-unsigned"}
    assert report["checks"]["signatures"]["state"] == "not-checked"
    report = verify("--digest-only", "--origin", "example", path)
    assert (report.status, report["reason"]) == (1, "zonemd-absent")
    text = run("--origin", "example", path).stdout.decode()
    assert "NOT proved: the zone is not signed (zone-unsigned)" in text


def test_wrong_origin(zone):
    report = verify(zone("$ORIGIN example.\n" + GOOD))  # as the root
    assert report.status == 1
    assert report["checks"]["structure"] == {"state": "failed", "reason": "soa-missing"}


def test_include_only_when_allowed(zone):
    zone("www 60 A 192.0.2.2\n", "part")
    path = zone(GOOD + "$INCLUDE part\n")
    report = verify("--origin", "example", path)
    assert (report.status, report["reason"], report["line"]) == (2, "include-denied", 4)
    report = verify("--include", "--origin", "example", path)
    assert (report.status, report["records"]) == (1, 4)


def test_findings_name_record_and_line(zone):
    path = zone(GOOD + "cut 60 NS ns.cut\nc 60 CNAME ns\nc 60 TXT x\nother. 60 A 192.0.2.9\n")
    report = verify("--origin", "example", path)
    found = {f["reason"]: f for f in report["findings"]}
    assert found["cname-and-other"]["fatal"] and found["cname-and-other"]["record"] == "c.example. TXT"
    assert found["cname-and-other"]["line"] == 6
    assert not found["glue-missing"]["fatal"] and found["glue-missing"]["line"] == 4
    assert not found["out-of-zone"]["fatal"] and found["out-of-zone"]["line"] == 7
    text = run("--origin", "example", path).stdout.decode()
    assert "cname-and-other: c.example. TXT (line 6): " in text and "remarks:" in text


def test_many_findings_are_counted_not_printed(zone):
    path = zone(GOOD + "".join(f"n{i} 60 CNAME ns\nn{i} 60 TXT x\n" for i in range(1500)))
    report = verify("--origin", "example", path)
    assert report["findings_by_reason"]["cname-and-other"] == 1500
    assert len(report["findings"]) == 1000
    text = run("--origin", "example", path).stdout.decode()
    assert "cname-and-other: and 1490 more" in text and len(text.splitlines()) < 60


@pytest.mark.parametrize("text", [b"", b"\n\n; nothing\n", b"\0\0\0", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08", b"$", b"("])
def test_odd_input(text):
    report = verify("-", stdin=text)
    assert report.status in (1, 2)
    assert report["reason"]


def test_at_forms(zone):
    path = zone(GOOD)
    for at in ("1785546000", "2026-08-01T01:00:00Z"):
        assert verify("--at", at, "--origin", "example", path)["at"] == "2026-08-01T01:00:00Z"
