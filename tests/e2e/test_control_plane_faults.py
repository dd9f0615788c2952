"""A control plane in trouble never takes the data plane down: the last good state stays, /status says what is wrong."""
import functools
import json

import pytest

from conftest import World
from lab import FakeControlPlane, Lab, Space, fake_controlplane, wait_for
from lab.waiting import holds_for

ENABLED = 2


@pytest.fixture(scope="module")
def running():
    """One node with an Established session, shared: each test ends with a control plane that behaves."""
    with Lab() as lab:
        world = World(lab, "bird2")
        world.fixed, world.fixed_uuid = world.add()
        world.node.start_agent()
        world.reaches(world.fixed_uuid, ENABLED)
        world.up(world.fixed)
        yield world


FAULTS = ["garbage", "wrong_envelope", "no_list", "error_500", "error_429", "half_a_body", "endless", "hang", "hang_up", "drip",
          "redirect_elsewhere"]


def failures_of(node):
    task = node.status()["tasks"]["sessionSyncTask"]
    return task["failures"] + task["rejected_data"]


@pytest.mark.parametrize("fault", FAULTS)
def test_last_good_state_stays_and_the_agent_recovers(running, fault):
    node, fake = running.node, running.fake
    since, configured = node.birdc.protocols()[f"dn42_{running.fixed.asn}"]["since"], node.configured_count()
    failures = failures_of(node)
    with fake.while_it("sessions", getattr(fake_controlplane, fault)):
        asked = fake.count("sessions")
        wait_for("the agent meets the fault", lambda: fake.count("sessions") > asked, 40)
        wait_for("/status shows a failure", lambda: failures_of(node) > failures, 40)
        assert node.is_established(running.fixed.asn)
    # it goes on by itself: a change of the row is carried out
    mtu = 1300 + FAULTS.index(fault)
    fake.change(running.fixed_uuid, mtu=mtu)
    wait_for("recovery", lambda: node.links()[f"dn42_{running.fixed.asn}"]["mtu"] == mtu, 60)
    assert node.birdc.protocols()[f"dn42_{running.fixed.asn}"]["since"] == since
    assert node.configured_count() == configured


def test_rejected_data_is_named_in_status(running):
    with running.fake.while_it("sessions", fake_controlplane.garbage):
        before = running.node.status()["tasks"]["sessionSyncTask"]["rejected_data"]
        wait_for("rejected data in /status", lambda: running.node.status()["tasks"]["sessionSyncTask"]["rejected_data"] > before)


def test_a_report_that_fails_is_made_later(running):
    foreign, uuid = running.add()
    with running.fake.while_it("modify", fake_controlplane.error_500):
        asked = running.fake.count("modify")
        wait_for("the failing report", lambda: running.fake.count("modify") > asked, 30)
        assert running.fake.status_of(uuid) == 4
    running.reaches(uuid, ENABLED, 60)


def test_a_redirect_is_not_followed_to_another_host(running):
    """Nobody but the control plane is told the token."""
    stranger = FakeControlPlane(Space(running.lab, "stranger", 3))
    stranger.rows = [running.node.row(running.fixed, status=5)]
    failures = failures_of(running.node)
    redirect = functools.partial(fake_controlplane.redirect_elsewhere, target=stranger.url)
    with running.fake.while_it("*", redirect):
        wait_for("/status shows failures", lambda: failures_of(running.node) >= failures + 2, 40)
    assert stranger.requests == [] and running.node.is_established(running.fixed.asn)
    assert "302" in running.node.status()["tasks"]["sessionSyncTask"]["last_error"]


def test_a_flapping_control_plane_costs_time_alone(running):
    node, fake = running.node, running.fake
    before = node.birdc.protocols()[f"dn42_{running.fixed.asn}"]
    with fake.while_it("*", fake_controlplane.flapping()):
        for mtu in (1390, 1391):
            fake.change(running.fixed_uuid, mtu=mtu)
            wait_for(f"MTU {mtu}", lambda mtu=mtu: node.links()[f"dn42_{running.fixed.asn}"]["mtu"] == mtu, 60)
        foreign, uuid = running.add()
        running.reaches(uuid, ENABLED, 60)
        running.up(foreign)
        assert node.status()["tasks"]["sessionSyncTask"]["failures"] > 0
        fake.change(uuid, status=5)
        wait_for("the row is gone", lambda: fake.status_of(uuid) is None, 60)
    assert node.traces_of(foreign.asn) == []
    assert node.birdc.protocols()[f"dn42_{running.fixed.asn}"] == before


def test_breaker_opens_is_shown_and_closes_again(running):
    with running.fake.while_it("*", fake_controlplane.error_500):
        wait_for("open breaker", lambda: running.node.status()["breaker"]["state"] == "open", 40)
    wait_for("closed breaker", lambda: running.node.status()["breaker"]["state"] == "closed", 60)


class TestDeletionGuard:
    @pytest.fixture
    def six(self, lab):
        world = World(lab, "bird2")
        world.node.write_config(world.fake.url, world.fake.token, controlPlane={"syncInterval": 60})
        world.crowd = world.add_crowd(6)
        world.node.start_agent()
        for _, uuid in world.crowd:
            world.reaches(uuid, ENABLED)
        return world

    def there(self, world):
        return [face.asn for face, _ in world.crowd if world.node.traces_of(face.asn)]

    def test_an_empty_list_is_not_believed_twice_but_is_the_third_time(self, six):
        with six.fake.while_it("sessions", fake_controlplane.empty_list):
            six.node.sync()
            six.node.sync()
            assert len(self.there(six)) == 6
            guard = six.node.status()["deletion_guard"]
            assert guard["holds"] and len(guard["vanished"]) == 6 and guard["seen"] == 2
            six.node.sync()
            wait_for("all removed", lambda: not self.there(six))

    def test_the_list_of_another_node_takes_nothing_away(self, six):
        """Nothing in a list says whose it is; that none of ours is in it does."""
        with six.fake.lock:
            ours, theirs = six.fake.rows, [dict(row, uuid=f"00000000-0000-4000-8000-{n:012d}", asn=4242422000 + n, port=42000 + n,
                                                interface=f"dn42_{4242422000 + n}") for n, row in enumerate(six.fake.rows[:2])]
        wait_for("all are up", lambda: all(six.node.is_established(face.asn) for face, _ in six.crowd))
        since = {face.asn: six.node.birdc.protocols()[f"dn42_{face.asn}"]["since"] for face, _ in six.crowd}
        six.fake.rows = theirs
        six.node.sync()
        six.node.sync()
        guard = six.node.status()["deletion_guard"]
        assert len(self.there(six)) == 6 and guard["holds"] and len(guard["vanished"]) == 6
        six.fake.rows = ours
        six.node.sync()
        wait_for("the others' are gone", lambda: not [row for row in theirs if six.node.traces_of(row["asn"])])
        assert not six.node.status()["deletion_guard"]["holds"]
        assert {face.asn: six.node.birdc.protocols()[f"dn42_{face.asn}"]["since"] for face, _ in six.crowd} == since

    def test_plan_says_what_the_guard_would_hold(self, six):
        assert "deletion guard" not in six.node.agent("plan")
        with six.fake.while_it("sessions", fake_controlplane.empty_list):
            assert "held by the deletion guard: 6 sessions vanished" in six.node.agent("plan")
            guard = json.loads(six.node.agent("plan", "--json"))["deletion_guard"]
            assert guard["holds"] and len(guard["vanished"]) == 6

    def test_a_full_list_in_between_starts_the_count_again(self, six):
        for _ in range(2):
            with six.fake.while_it("sessions", fake_controlplane.empty_list):
                six.node.sync()
                six.node.sync()
            six.node.sync()
        assert len(self.there(six)) == 6

    def test_the_operator_may_confirm(self, six):
        with six.fake.while_it("sessions", fake_controlplane.empty_list):
            six.node.sync()
            assert len(self.there(six)) == 6
            six.node.agent("sync", "--allow-mass-delete")
            wait_for("all removed", lambda: not self.there(six))

    def test_explicit_deletes_are_obeyed_at_once(self, six):
        for _, uuid in six.crowd:
            six.fake.change(uuid, status=5)
        six.node.sync()
        assert not self.there(six)
        wait_for("all rows are gone", lambda: six.fake.rows == [])

    def test_the_default_interval_of_a_hanging_server_is_no_obstacle_to_status(self, six):
        with six.fake.while_it("sessions", fake_controlplane.hang):
            assert six.node.api("/sync")[0] == 202
            holds_for("/status answers", lambda: six.node.api("/status", seconds=1)[0] == 200, 1)
