"""The agent is killed with SIGKILL at random moments of its work, 1,000 in all, and each time comes back whole.
`KILL_SEED=n` draws a run again; the seed and where the kills hit are printed."""
import os
import time

import pytest

from conftest import World
from lab.kill_campaign import KillCampaign, drawn_seed

pytestmark = pytest.mark.soak  # minutes

SESSIONS = 30
KILLS = int(os.environ.get("KILLS", "500"))  # with each BIRD


def test_killed_at_random_moments_it_leaves_nothing_and_loses_nothing(lab, bird):
    seed = drawn_seed()
    print(f"KILL_SEED={seed}")
    world = World(lab, bird)
    world.node.write_config(world.fake.url, world.fake.token, firewall={"mode": "nftables"})
    faces = [face for face, _ in world.add_crowd(SESSIONS)]
    world.fake.rows.clear()
    campaign = KillCampaign(world, faces, seed)
    world.node.start_agent()
    campaign.settle()
    begun = time.monotonic()
    while campaign.hits["kills"] < KILLS:
        campaign.moment()
    print(f"{time.monotonic() - begun:.1f} s, {campaign.number} moments, {campaign.inside()} kills inside an apply: {dict(campaign.hits)}")
    assert campaign.inside() >= KILLS / 3, "too few hit the work itself"
    assert campaign.hits["Established sessions left alone"] > 0
    campaign.all_work()
