"""What happened to a session is known afterwards, also to the agent's next life."""
import json
import signal

from lab import wait_for

ENABLED = 2


def events(world, query="limit=1000"):
    status, body = world.node.api(f"/events?{query}")
    assert status == 200, body
    return json.loads(body)


def session(world, uuid):
    status, body = world.node.api(f"/sessions/{uuid}")
    return json.loads(body) if status == 200 else None


def journal(world):
    path = world.node.folder / "state/events.journal"
    return path.read_text() if path.exists() else ""


def test_a_session_tells_what_became_of_it_and_why(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    assert world.node.api("/events", token=None)[0] == 401
    world.reaches(uuid, ENABLED)
    wait_for("the report is an event", lambda: any(e["text"] == "ENABLED" for e in events(world)["events"]))
    known = session(world, uuid)
    assert known["session"]["asn"] == foreign.asn and known["session"]["state"] == "in_place"
    assert any("create wireguard tunnel" in change and "QUEUED_FOR_SETUP" in change for change in known["last_change"]["changes"])
    assert {event["kind"] for event in known["events"]} >= {"changed", "state"}
    world.fake.change(uuid, mtu=1333)
    wait_for("the last change", lambda: any("mtu 1333" in line for line in session(world, uuid)["last_change"]["changes"]))
    numbers = [event["number"] for event in events(world)["events"]]
    assert numbers == sorted(set(numbers))
    page = events(world, f"since={numbers[0]}&limit=1")["events"]
    assert [event["number"] for event in page] == numbers[1:2]
    assert session(world, "00000000-0000-4000-8000-000000000000") is None


def test_the_journal_outlives_restarts_and_a_torn_end(world2):
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, ENABLED)
    wait_for("the report is on disk", lambda: "ENABLED" in journal(world2))
    before = events(world2)["events"]
    world2.node.stop_agent(signal.SIGKILL)
    path = world2.node.folder / "state/events.journal"
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    with path.open("a") as file:
        file.write('{"number":99999,"time_ms":18')
    world2.node.start_agent()
    after = events(world2)
    assert after["events"][:len(before)] == before
    world2.fake.change(uuid, mtu=1333)
    wait_for("a new event", lambda: events(world2)["latest"] > before[-1]["number"])
    world2.node.stop_agent()
    assert all(json.loads(line) for line in journal(world2).splitlines()), "no line is torn any more"
    assert "mtu 1333" in journal(world2), "what happened last is written at the end"


def test_a_full_disk_loses_events_and_nothing_else(world2):
    (world2.node.folder / "state").mkdir()
    world2.node.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", world2.node.folder / "state")
    filler = world2.node.folder / "state/filler"
    world2.node.run("dd", "if=/dev/zero", f"of={filler}", "bs=4k", check=False)
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, ENABLED)
    world2.up(foreign)
    wait_for("the failure is told", lambda: "journalTask" in world2.node.status()["tasks"])
    assert "No space left" in world2.node.status()["tasks"]["journalTask"]["last_error"]
    assert session(world2, uuid)["events"], "they are known while the agent runs"
    world2.node.run("rm", filler)
    world2.fake.change(uuid, mtu=1333)
    wait_for("the journal is whole", lambda: world2.node.run("grep", "-c", "ENABLED", world2.node.folder / "state/events.journal",
                                                             check=False)[0] == 0)
