"""A userspace tunnel whose daemon does not answer (stopped, swapped out, wedged) is that session's problem alone."""
import os
import signal
import time

import pytest

from lab import wait_for

ENABLED, DELETE, PROBLEM = 2, 5, 6


@pytest.fixture
def stopped(world2):
    """Two sessions ENABLED; the first one's daemon is stopped."""
    world2.first, world2.first_uuid = world2.add()
    world2.second, world2.second_uuid = world2.add()
    world2.node.start_agent()
    for foreign, uuid in ((world2.first, world2.first_uuid), (world2.second, world2.second_uuid)):
        world2.reaches(uuid, ENABLED)
        world2.up(foreign)
    pid = world2.node.daemons()[f"dn42_{world2.first.asn}"]
    os.kill(pid, signal.SIGSTOP)
    world2.go_on = lambda: os.kill(pid, signal.SIGCONT)
    yield world2
    world2.go_on()


def test_the_others_are_set_up_and_deleted_and_it_recovers(stopped):
    newcomer, uuid = stopped.add()
    stopped.fake.change(stopped.second_uuid, status=DELETE)
    stopped.reaches(uuid, ENABLED)
    stopped.up(newcomer)
    wait_for("the deleted row is gone", lambda: stopped.fake.status_of(stopped.second_uuid) is None)
    assert stopped.node.traces_of(stopped.second.asn) == []
    stopped.reaches(stopped.first_uuid, PROBLEM)
    assert f"dn42_{stopped.first.asn}" in stopped.fake.error_of(stopped.first_uuid)
    stopped.go_on()
    stopped.reaches(stopped.first_uuid, ENABLED, 30)
    stopped.up(stopped.first)


def test_sigterm_ends_the_agent_within_thirty_seconds(stopped):
    asked = stopped.fake.count("sessions")
    stopped.add()
    wait_for("a step is under way", lambda: stopped.fake.count("sessions") >= asked + 3)
    begun = time.monotonic()
    assert stopped.node.stop_agent() == 0
    assert time.monotonic() - begun < 30
    assert stopped.node.is_established(stopped.second.asn)
