# SPDX-License-Identifier: GPL-3.0-or-later
"""Root zones as they were published: each proves in its own time, and at no other."""
import csv
import gzip
import subprocess

import pytest

from conftest import SHARED, run, verify

MANIFEST = SHARED / "data" / "rootzones" / "signed" / "MANIFEST.csv"
ZONES = list(csv.DictReader(MANIFEST.open())) if MANIFEST.exists() else []
IDS = [zone["serial"] for zone in ZONES]
LATEST = "2026073102"

if not ZONES:
    pytestmark = pytest.mark.skip(reason="there are no signed root zones among the shared data")
    ZONES, IDS = [None], ["none"]


def path(zone):
    return MANIFEST.parent / zone["file"]


def of(serial):
    return next(zone for zone in ZONES if zone["serial"] == serial)


@pytest.mark.parametrize("zone", ZONES, ids=IDS)
def test_proves_in_its_time(zone, shared):
    report = verify("--at", zone["valid_at_unix"], path(zone))
    assert report.status == 0
    assert report["serial"] == int(zone["serial"])
    assert report["records"] == int(zone["rrs"])
    assert report["signatures"] == report["signatures_good"] == int(zone["n_RRSIG"])
    assert report["anchor_tag"] == int(zone["trust_anchor"])
    assert all(check["state"] == "good" for name, check in report["checks"].items() if name != "zonemd")
    if zone["n_ZONEMD"] == "1":
        assert report["zonemd"] == "proved" and report["unprotected"].startswith("nothing")
    else:
        assert report["zonemd"] == "absent-proved" and "glue" in report["unprotected"]
    # the anchor as a DS and as a DNSKEY does as well as the built-in one
    for form in ("ds", "dnskey"):
        anchor = shared("rootzones", "trust-anchors", f"ksk-{zone['trust_anchor']}.{form}")
        assert verify("--at", zone["valid_at_unix"], "--anchor", anchor, path(zone)).status == 0


@pytest.mark.parametrize("zone", ZONES, ids=IDS)
def test_window_is_exact(zone):
    first, last = int(zone["all_sigs_valid_from_unix"]), int(zone["all_sigs_valid_until_unix"])
    assert verify("--at", first, path(zone)).status == 0
    assert verify("--at", last, path(zone)).status == 0
    early, late = verify("--at", first - 1, path(zone)), verify("--at", last + 1, path(zone))
    assert (early.status, early["reason"]) == (1, "rrsig-not-yet-valid")
    assert (late.status, late["reason"]) == (1, "rrsig-expired")


@pytest.mark.parametrize("zone", ZONES, ids=IDS)
def test_require_zonemd(zone):
    report = verify("--at", zone["valid_at_unix"], "--require", "zonemd", path(zone))
    if zone["n_ZONEMD"] == "1":
        assert report.status == 0
    else:
        assert (report.status, report["reason"]) == (1, "zonemd-absent")


def test_wrong_anchor(shared):
    """KSK-2010 is in no zone as an unrevoked key; KSK-2024 is in the newest one, but does not sign yet."""
    for zone in (of("2019012200"), of(LATEST)):
        for anchor in ("ksk-19036.ds", "ksk-19036.dnskey", "ksk-38696.ds"):
            report = verify("--at", zone["valid_at_unix"], "--anchor", shared("rootzones", "trust-anchors", anchor),
                            path(zone))
            assert (report.status, report["reason"]) == (1, "anchor-no-match")
            assert report["checks"]["signatures"]["state"] == "good"


def test_revoked_key_signs_but_is_no_anchor():
    zone = of("2019012200")
    assert zone["ksk_revoked"] == "19164"
    assert verify("--at", zone["valid_at_unix"], path(zone)).status == 0


def test_stdin_gzip_and_plain(tmp_path):
    zone = of(LATEST)
    text = subprocess.run(["zstd", "-dc", path(zone)], capture_output=True, check=True).stdout
    assert verify("--at", zone["valid_at_unix"], "-", stdin=text).status == 0
    assert verify("--at", zone["valid_at_unix"], "-", stdin=path(zone).read_bytes()).status == 0
    packed = tmp_path / "root"
    packed.write_bytes(gzip.compress(text, 1))
    assert verify("--at", zone["valid_at_unix"], packed).status == 0
    # one thread and many find the same
    one, many = (verify("--at", zone["valid_at_unix"], "--threads", n, packed) for n in (1, 8))
    for report in (one, many):
        del report["read_ms"], report["prove_ms"]
    assert one == many


@pytest.mark.parametrize("what, reason", [
    ("glue", "zonemd-mismatch"), ("delegation", "zonemd-mismatch"), ("ds", "rrsig-bogus"),
    ("tld-removed", "nsec-chain-broken"), ("zonemd-removed", "zonemd-stripped"), ("signature-removed", "rrsig-missing"),
])
def test_tampered(tmp_path, what, reason):
    zone = of(LATEST)
    lines = subprocess.run(["zstd", "-dc", path(zone)], capture_output=True, check=True).stdout.decode().splitlines()
    fields = [line.split() for line in lines]
    if what == "glue":
        i = next(i for i, f in enumerate(fields) if f[3] == "A" and f[0] == "a.nic.aaa.")
        lines[i] = lines[i].rsplit(None, 1)[0] + " 192.0.2.1"
    elif what == "delegation":
        i = next(i for i, f in enumerate(fields) if f[3] == "NS" and f[0] == "aaa.")
        lines[i] = lines[i].rsplit(None, 1)[0] + " ns.example."
    elif what == "ds":
        i = next(i for i, f in enumerate(fields) if f[3] == "DS")
        lines[i] = lines[i][:-1] + ("0" if lines[i][-1] != "0" else "1")
    elif what == "tld-removed":
        lines = [line for line, f in zip(lines, fields) if not f[0].endswith("zuerich.")]
    elif what == "zonemd-removed":
        lines = [line for line, f in zip(lines, fields) if f[3] != "ZONEMD" and f[3:5] != ["RRSIG", "ZONEMD"]]
    elif what == "signature-removed":
        lines = [line for line, f in zip(lines, fields) if not (f[0] == "aaa." and f[3:5] == ["RRSIG", "DS"])]
    bad = tmp_path / "root.zone"
    bad.write_text("\n".join(lines) + "\n")
    report = verify("--at", zone["valid_at_unix"], bad)
    assert (report.status, report["reason"]) == (1, reason)


def test_text_report_of_the_newest():
    zone = of(LATEST)
    done = run("--at", "2026-08-01T01:00:00Z", path(zone))
    text = done.stdout.decode()
    assert done.returncode == 0 and text.splitlines()[0].endswith(": proved")
    for words in ("serial 2026073102", "24877 records", "2792 signatures", "2792 of 2792 verify", "tag 20326",
                  "then the first signature expires", "2026-08-13T20:00:00Z", "unprotected nothing"):
        assert words in text
