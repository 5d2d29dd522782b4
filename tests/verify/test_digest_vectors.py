# SPDX-License-Identifier: GPL-3.0-or-later
"""RFC 8976: the examples of its appendix and the cases that Verisign publishes, each with its expected outcome."""
import csv

import pytest

from conftest import SHARED, verify

FOLDER = SHARED / "data" / "rfc8976"
CASES = list(csv.DictReader((FOLDER / "EXPECTED.csv").open())) if FOLDER.exists() else []
if not CASES:
    pytest.skip("there are no RFC 8976 vectors among the shared data", allow_module_level=True)

# why each failing one fails: the outcome alone could be right for the wrong reason
REASONS = {
    # libzscanner reads no SIG (RFC 2535, obsolete since RFC 3755) in its own text form, only as TYPE24 \# ...
    "22-lots-rr-types": (2, "syntax"),
    "30-repeated-scheme-algorithm": (1, "zonemd-repeated"),
    "31-too-small-digest": (1, "zonemd-malformed"),
    "32-truncated-digest": (1, "zonemd-malformed"),
    "33-unknown-hash-algorithm": (1, "zonemd-hash"),
    "34-unknown-scheme": (1, "zonemd-scheme"),
    "35-wrong-serial": (1, "zonemd-serial"),
    "80-mixed-classes": (2, "class-mixed"),
    "81-mixed-ttls": (1, "ttl-mixed"),
}


def test_all_are_here():
    assert len(CASES) == 41


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_outcome(case):
    report = verify("--digest-only", "--origin", case["origin"], FOLDER / case["zonefile"])
    if case["expected_digest_check"] == "success":
        assert report.status == 0
        assert report["zonemd"] == "matches-unsigned"
        assert report["checks"]["keys"]["state"] == "not-checked"
        assert "origin" in report["unprotected"]
    else:
        assert (report.status, report["reason"]) == REASONS[case["case"]]


@pytest.mark.parametrize("name", [case["case"] for case in CASES if case["case"].startswith(("01-", "40-"))])
def test_unsigned_is_not_proved_without_digest_only(name):
    case = next(case for case in CASES if case["case"] == name)
    report = verify("--origin", case["origin"], FOLDER / case["zonefile"])
    assert (report.status, report["reason"], report["zonemd"]) == (1, "zone-unsigned", "matches-unsigned")


def test_right_digest_with_wrong_signature(tmp_path):
    """Case 53: the digest alone passes, the whole proof must not."""
    case = next(case for case in CASES if case["case"].startswith("53-"))
    zone = FOLDER / case["zonefile"]
    anchor = tmp_path / "anchor"
    anchor.write_text("\n".join(line.split(";")[0] for line in zone.read_text().splitlines()
                                if "\tDNSKEY\t257" in line) + "\n")
    report = verify("--origin", case["origin"], "--anchor", anchor, "--at", "2021-06-01", zone)
    assert (report.status, report["reason"]) == (1, "rrsig-bogus")
    bogus = [f for f in report["findings"] if f["reason"] == "rrsig-bogus"]
    assert len(bogus) == 1 and "over ZONEMD" in bogus[0]["text"]
