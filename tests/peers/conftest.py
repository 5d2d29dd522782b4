# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer check runs in a network of its own."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import peers  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def network():
    try:
        peers.private_network()
    except OSError as error:
        pytest.skip(f"no network namespace: {error}")
