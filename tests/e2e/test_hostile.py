"""Hostile text in every field of a session reaches neither BIRD's configuration nor a log line raw, and one bad row stops no other."""
import json

import pytest

from conftest import World
from lab import Lab, wait_for

ENABLED = 2

HOSTILE = {
    "newline": "x\nprotocol static evil { ipv4; }\n",
    "quote": "x\"; } protocol static evil { ipv4; } #",
    "brace": "} protocol static evil { ipv4; } {",
    "percent": "%s%n%x {} {0} %",
    "nul": "x\0y",
    "long": "A" * 10_000,
    "utf8": "日本 \u202e\u0007\x1b[2J é\U0001f4a3",
    "path": "../../../../etc/passwd",
}
FIELDS = ["name", "description", "ipv4", "ipv6", "ipv6LinkLocal", "endpoint", "type", "interface", "credential", "lastError", "policy",
          "mtu", "port", "extensions", "data", "asn", "status", "uuid"]


@pytest.fixture(scope="module")
def field_test():
    """A node with one good session, which must stay up through everything."""
    with Lab() as lab:
        world = World(lab, "bird3")
        world.good, world.good_uuid = world.add()
        world.victim = world.add_crowd(1)[0][0]
        world.fake.rows[:] = world.fake.rows[:1]
        world.node.start_agent()
        world.reaches(world.good_uuid, ENABLED)
        world.up(world.good)
        world.since = world.node.birdc.protocols()[f"dn42_{world.good.asn}"]["since"][:8]
        yield world


def printable_lines(text):
    """No control characters, C1 included; other characters may stand in a description."""
    return not any(ord(c) < 32 or 127 <= ord(c) < 160 for line in text.split("\n") for c in line)


@pytest.mark.parametrize("kind", list(HOSTILE))
def test_hostile_text_in_every_field(field_test, kind):
    world, text = field_test, HOSTILE[kind]
    rows = []
    for number, field in enumerate(FIELDS):
        row = world.node.row(world.victim, uuid=f"00000000-0000-4000-8000-{number:012d}", asn=4242422000 + number,
                             interface=f"dn42_{4242422000 + number}", port=42000 + number)
        row[field] = text
        rows.append(row)
    rows.append({**rows[0], "uuid": "00000000-0000-4000-8000-0000000000ff", "name": "ok", "data": {"password": text}})
    with world.fake.lock:
        world.fake.rows[1:] = rows
    world.node.sync()
    assert world.node.is_established(world.good.asn)
    assert world.node.birdc.protocols()[f"dn42_{world.good.asn}"]["since"][:8] == world.since
    for path in (world.node.folder / "peers").iterdir():
        content = path.read_text()
        assert printable_lines(content) and "protocol static evil" not in content.replace("'", '"').split("description")[0], path
        assert content.count("protocol ") == 1 or "description" in content
    assert "evil" not in world.node.birdc.protocols()
    assert printable_lines(world.node.agent_log()), "a log line holds what it should have escaped"
    assert not [line for line in world.node.agent_log().split("\n") if len(line) > 4000]
    assert json.loads(json.dumps(world.node.status()))
    # the row with a hostile name or description alone is a good session
    named = next(row["uuid"] for row in rows if row.get("name") == text)
    world.reaches(named, ENABLED)
    with world.fake.lock:
        world.fake.rows[1:] = []
    world.node.sync()
    world.node.sync()
    world.node.sync()
    world.node.agent("sync", "--allow-mass-delete")
    wait_for("the hostile ones are gone", lambda: len(world.node.files()) == 1, 20)


@pytest.mark.parametrize("row", [None, 7, "row", [], {}, {"uuid": None}, {"uuid": 5, "asn": -1}], ids=repr)
def test_a_row_that_is_no_session_stops_no_other(field_test, row):
    world = field_test
    with world.fake.lock:
        world.fake.rows.append(row if isinstance(row, dict) else row)
    try:
        world.node.sync()
        assert world.node.is_established(world.good.asn)
    finally:
        with world.fake.lock:
            world.fake.rows[1:] = []
