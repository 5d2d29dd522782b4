# SPDX-License-Identifier: GPL-3.0-or-later
"""NSD, Knot DNS and BIND as secondaries of banyand, with keys and without, through 20 versions of a zone: the same records at each, and
differences in place of the whole."""
import re

import dns.tsigkeyring
import pytest

from conftest import MAKES, NAME, PRIMARY, SECONDARY, SECRET, Banyand, notify, records, secondary, serial_of, wait_for, zone_text

ZONE = "example.net."
VERSIONS = 20


@pytest.mark.parametrize("key", [False, True], ids=["plain", "signed"])
@pytest.mark.parametrize("make", sorted(MAKES))
def test_twenty_versions(make, key, tmp_path, started):
    primary = Banyand(tmp_path, {ZONE: {"transfer": [f"key={NAME}"] if key else ["127.0.0.0/8"]}})
    primary.put(ZONE, zone_text(1, 300))
    started.append(primary.start())
    started.append(secondary(make, tmp_path / make, ZONE, key))
    keyring = dns.tsigkeyring.from_text({NAME: SECRET}) if key else None
    for version in range(1, VERSIONS + 1):
        if version > 1:
            primary.put(ZONE, zone_text(version, 300 + version % 3, version * 7 % 40))
            primary.reload()
            notify(ZONE, version)

        def arrived():
            serial = serial_of(SECONDARY, ZONE)
            if serial != version:
                notify(ZONE, version)
            return serial == version
        wait_for(f"{make} to have serial {version}", arrived)
        expected = records("127.0.0.1", PRIMARY, ZONE, keyring)
        # a process of NSD that is about to end may still answer with the version before
        wait_for(f"{make} to have the same records, serial {version}", lambda: records("127.0.0.1", SECONDARY, ZONE) == expected)
    given = primary.counters()
    log = primary.log()
    # at most some of the steps fell together; none was more than the differences
    differences = len(re.findall(r"differences from serial", log))
    assert differences == given["transfers_differences"]
    assert differences >= VERSIONS - 3, log
    assert given["transfers_broken"] == given["transfers_refused"] == 0
