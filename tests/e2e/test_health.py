"""Does a session that is in place work? What the control plane is told of it (docs/operations.md)."""
import json
import signal

import pytest

from lab import metrics, wait_for
from lab.foreign import make_keys
from lab.waiting import holds_for

DELETED, DISABLED, ENABLED, PENDING, SETUP, DELETE, PROBLEM, TEARDOWN, REJECTED = range(9)


@pytest.fixture
def hasty(world):
    """A node that calls a failure of 3 s a problem, and measures each second."""
    world.node.write_config(world.fake.url, world.fake.token, health={"problemAfter": 3, "okAfter": 1},
                            controlPlane={"metricInterval": 1})
    return world


def shown(world, uuid):
    return next(session for session in world.node.status()["sessions"] if session["uuid"] == uuid)


def test_a_far_end_that_goes_away_is_a_problem_until_it_is_back(hasty):
    foreign, uuid = hasty.add()
    other, other_uuid = hasty.add()
    hasty.node.start_agent()
    for session in (uuid, other_uuid):
        hasty.reaches(session, ENABLED)
    hasty.up(foreign)
    hasty.up(other)
    wait_for("it is certain that it works", lambda: shown(hasty, uuid)["works"] is True)
    hasty.fake.reports.clear()
    configured = hasty.node.configured_count()
    foreign.forget(hasty.node)
    hasty.reaches(uuid, PROBLEM, 30)
    assert hasty.fake.error_of(uuid).startswith("BGP is not established: "), hasty.fake.error_of(uuid)
    assert hasty.fake.status_of(other_uuid) == ENABLED
    now = shown(hasty, uuid)
    assert now["state"] == "in_place" and now["works"] is False and now["cause"].startswith("BGP is not established: ")
    foreign.remember(hasty.node, hasty.node.endpoint_for(foreign))
    hasty.reaches(uuid, ENABLED, 30)
    assert not hasty.fake.error_of(uuid)
    wait_for("status says so", lambda: shown(hasty, uuid)["works"] is True and shown(hasty, uuid)["cause"] == "")
    assert hasty.node.configured_count() == configured, "a session that does not work is left as it is"


def test_a_far_end_that_never_was_there_is_named(hasty):
    foreign, uuid = hasty.add(credential='{"public_key": "%s"}' % make_keys()[1])  # a key that nobody has
    hasty.node.start_agent()
    hasty.reaches(uuid, ENABLED)
    hasty.reaches(uuid, PROBLEM)
    assert hasty.fake.error_of(uuid) == f"no handshake yet: endpoint {foreign.address}:{foreign.port} does not answer"
    hasty.fake.reports.clear()
    # what starts anew knows no better, and does not call the problem over
    hasty.node.stop_agent()
    hasty.node.start_agent()
    holds_for("it stays a problem", lambda: hasty.fake.status_of(uuid) == PROBLEM, 5)
    hasty.fake.change(uuid, credential='{"public_key": "%s"}' % foreign.public_key)
    hasty.reaches(uuid, ENABLED, 30)
    hasty.up(foreign)


def test_a_bird_that_dies_is_the_nodes_problem(hasty):
    foreign, uuid = hasty.add()
    hasty.node.start_agent()
    hasty.reaches(uuid, ENABLED)
    hasty.up(foreign)
    hasty.node.stop(hasty.node.bird_process, number=signal.SIGKILL)
    hasty.reaches(uuid, PROBLEM)
    assert "BGP" not in hasty.fake.error_of(uuid), hasty.fake.error_of(uuid)
    hasty.node.start_bird()
    hasty.reaches(uuid, ENABLED, 30)


def test_what_was_measured_is_reported(hasty):
    foreign, uuid = hasty.add()
    hasty.node.start_agent()
    hasty.reaches(uuid, ENABLED)
    hasty.up(foreign)

    def reported():
        session = hasty.fake.measured_of(foreign.asn)
        assert session and session["state"] == "Established" and session["channels"]["ipv6"]["imported"] == 1, session
        return session

    wait_for("the routes in a report", reported)
    session = reported()
    assert session["name"] == f"dn42_{foreign.asn}" and session["type"] == "bgp" and session["uuid"] == uuid
    assert session["routes_imported"] == 2 and session["routes_exported"] >= 2 and session["mtu"] == 1420
    assert session["wireguard"]["handshake_age"] < 120 and session["wireguard"]["rx"] > 0
    assert session["wireguard"]["endpoint"] == f"{foreign.address}:{foreign.port}"
    with hasty.fake.lock:
        count = len(hasty.fake.measured)
    hasty.fake.misbehave("report", lambda fake, handler: fake.answer(handler, 500, b"", "text/plain"))
    wait_for("reports wait", lambda: hasty.node.status()["metric_report"]["waiting"] >= 2)
    hasty.fake.behave()
    wait_for("they are told", lambda: hasty.node.status()["metric_report"]["waiting"] == 0, 60)
    with hasty.fake.lock:
        times = [body["timestamp"] for body in hasty.fake.measured[count:]]
    assert times == sorted(times) and hasty.node.status()["metric_report"]["dropped"] == 0


def test_a_limit_that_blocked_is_tried_again(world):
    world.node.write_config(world.fake.url, world.fake.token, health={"problemAfter": 3, "okAfter": 1, "limitRetry": 5},
                            controlPlane={"metricInterval": 1})
    foreign, uuid = world.add(data={"importLimit": 2})
    more = [f"172.20.{foreign.i}.{n}/28" for n in (16, 32, 48)]
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    wait_for("it is certain that it works", lambda: shown(world, uuid)["works"] is True)
    protocol = f"dn42_{foreign.asn}"

    def routes():
        _, text = world.node.birdc.ask(f"show route protocol {protocol} table master4")
        return {prefix for prefix in [f"172.20.{foreign.i}.0/24"] + more if prefix in text}

    before = world.node.birdc.protocols()[protocol]
    foreign.announce(*more)
    world.reaches(uuid, PROBLEM, 30)
    assert world.fake.error_of(uuid).startswith("import limit of 2 routes hit (ipv4): more are blocked"), world.fake.error_of(uuid)
    wait_for("it is tried in vain, and told", lambda: "; tried again at " in shown(world, uuid)["cause"], 60)
    assert len(routes()) == 2, routes()
    blocked = next(prefix for prefix in more if prefix not in routes())
    # only what was blocked is left, beside nothing that was taken
    foreign.announce(blocked)
    world.reaches(uuid, ENABLED, 90)
    assert blocked in routes()
    assert world.node.birdc.protocols()[protocol] == before, "the session stays up"
    events = json.loads(world.node.api("/events?limit=1000")[1])["events"]
    assert any("take again what the import limit blocked" in event["text"] for event in events), events


def import_limit_is_hit(world, uuid):
    """Of ipv4: as the session's document says it, and so `status PEER`; the metric says the same."""
    channels = json.loads(world.node.api(f"/sessions/{uuid}")[1])["bgp"]["channels"]
    told = next(channel["import_limit"]["hit"] for channel in channels if channel["name"] == "ipv4")
    measured = [value for (name, labels), value in metrics.parse(world.node.api("/metrics", token=None)[1]).items()
                if name == "moenet_session_route_limit_hit" and {("family", "ipv4"), ("direction", "import")} <= set(labels)]
    assert measured == [told], measured
    return told


def test_a_limit_is_shown_as_hit_while_it_is(world):
    world.node.write_config(world.fake.url, world.fake.token, health={"problemAfter": 3, "okAfter": 1, "limitRetry": 3600},
                            controlPlane={"metricInterval": 1})
    foreign, uuid = world.add(data={"importLimit": 2})
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    wait_for("its routes are known", lambda: import_limit_is_hit(world, uuid) is False)
    foreign.announce(*[f"172.20.{foreign.i}.{n}/28" for n in (16, 32, 48)])
    wait_for("it is hit", lambda: import_limit_is_hit(world, uuid), 30)
    assert "import limit of 2 HIT" in " ".join(world.node.agent("status", str(foreign.asn)).split()), "however it is broken into lines"
    protocol = f"dn42_{foreign.asn}"
    foreign.announce()  # its own alone
    if world.bird == "bird3":
        wait_for("it takes routes again", lambda: not import_limit_is_hit(world, uuid))
        assert "[HIT]" in world.node.birdc.ask(f"show protocols all {protocol}")[1], "BIRD's mark stays"
        assert "HIT" not in world.node.agent("status", str(foreign.asn))
        wait_for("the cause says it", lambda: shown(world, uuid)["cause"].startswith("import limit of 2 routes was hit (ipv4): "))
    else:
        holds_for("it blocks, however few routes there are", lambda: import_limit_is_hit(world, uuid), 4)
    world.node.birdc.ask(f"restart {protocol}")
    world.up(foreign)
    wait_for("it begins anew", lambda: import_limit_is_hit(world, uuid) is False, 30)
    world.reaches(uuid, ENABLED, 60)
