# SPDX-License-Identifier: GPL-3.0-or-later
"""Random zones and editions of them: what we let through BIND, Knot DNS, NSD and ldns believe, and what they refuse we refuse, with `edition-misfit`.

A seed that fails is run again by random_zones.py SEED SEED+1.
"""
import pytest

from random_zones import World, Zone

BATCHES, A_BATCH, EDITIONS = 4, 30, 10  # zones and editions in each


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("random"))


def attempt(what, seed):
    try:
        return what(seed)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize("batch", range(BATCHES))
def test_zones(world, batch):
    outcomes = [attempt(world.judge, seed) for seed in range(batch * A_BATCH, (batch + 1) * A_BATCH)]
    # the seeds are such that all of it happens
    assert {"signed", "signed twice", "refused"} <= set(outcomes)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_editions(world, batch):
    outcomes = [attempt(world.publish, seed) for seed in range(batch * EDITIONS, (batch + 1) * EDITIONS)]
    assert {"published published"} < set(outcomes)


def test_the_same_seed_is_the_same_zone():
    assert Zone(7).whole() == Zone(7).whole() != Zone(8).whole()
