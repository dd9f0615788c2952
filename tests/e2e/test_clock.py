"""Somebody sets the wall clock, far on or far back: sessions, waits and ages go by steady time and do not notice."""
import datetime
import time

import pytest

from lab import wait_for
from lab.waiting import holds_for

ENABLED = 2

DAY = 86_400


class WallClock:
    """The agent's alone: libfaketime (faketime(1)) reads from a file what it is off by, at each question; steady time stays."""

    def __init__(self, folder):
        self.file = folder / "wall-clock"
        self.set_off(0)
        self.environment = {"LD_PRELOAD": "/usr/$LIB/faketime/libfaketimeMT.so.1", "FAKETIME_TIMESTAMP_FILE": str(self.file),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set_off(self, seconds):
        self.file.write_text(f"{seconds:+d}\n", encoding="ascii")


def age_of(world):
    """Of the last handshake; WireGuard tells its wall time."""
    return world.node.status()["sessions"][0]["handshake_age_seconds"]


def wall_time_of(world):
    """As the agent tells it."""
    told = world.node.status()["tasks"]["sessionSyncTask"]["last_success"]
    return datetime.datetime.fromisoformat(told).timestamp()


@pytest.mark.parametrize("seconds", [3 * DAY, -3 * DAY], ids=["on", "back"])
def test_a_step_of_the_wall_clock(world2, seconds):
    foreign, uuid = world2.add()
    clock = WallClock(world2.node.folder)
    world2.node.start_agent(**clock.environment)
    world2.reaches(uuid, ENABLED)
    world2.up(foreign)
    wait_for("a handshake is seen", lambda: age_of(world2) is not None, 15)
    name = f"dn42_{foreign.asn}"
    since, configured = world2.node.birdc.protocols()[name]["since"], world2.node.configured_count()

    clock.set_off(seconds)
    told, runs = len(world2.fake.heartbeats), world2.node.status()["tasks"]["sessionSyncTask"]["runs"]
    wait_for("heartbeats go on", lambda: len(world2.fake.heartbeats) >= told + 2, 20)
    wait_for("the agent sees that time", lambda: abs(wall_time_of(world2) - time.time() - seconds) < 60, 10)
    wait_for("answers are fetched as before", lambda: world2.node.status()["tasks"]["sessionSyncTask"]["runs"] > runs, 10)
    holds_for("the peer is as alive as before", lambda: 0 <= age_of(world2) < 200 and world2.fake.status_of(uuid) == ENABLED, 8)
    assert world2.node.birdc.protocols()[name]["since"] == since
    assert world2.node.configured_count() == configured

    world2.fake.change(uuid, mtu=1377)
    wait_for("changes take effect", lambda: world2.node.links()[name]["mtu"] == 1377, 20)
    assert world2.node.stop_agent() == 0
