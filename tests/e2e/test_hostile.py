"""Hostile text in every field of a session reaches neither BIRD's configuration nor a log line raw, and a bad row stops no other."""
import json
import re

import pytest

from conftest import World
from lab import Lab, wait_for

ENABLED, DELETE, PROBLEM, TEARDOWN = 2, 5, 6, 7

HOSTILE = {
    "newline": "x\nprotocol static evil { ipv4; }\r\n",
    "quote": 'x"; } protocol static evil { ipv4; } #',
    # in a quoted string of a peer's file it would leave a file that BIRD accepts
    "injection": 'x";neighbor 192.0.2.9 as 1;\n}\nprotocol static evil { ipv4; }\nprotocol bgp evil2 from dn42_peer {\n description "',
    "brace": "} protocol static evil { ipv4; } {",
    "backslash": "x\\\\\" \\n \\",
    "percent": "%s%n%x {} {0} %",
    "nul": "x\0y",
    "long": "A" * 10_000,
    "utf8": "日本 \u202e\u2028\u0007\x1b[2J\x9b é\U0001f4a3",
    "invalid_utf8": b"\xff\xc3( \xed\xa0\x80 \xc0\xaf \xf0\x9f".decode(errors="surrogateescape"),
    "path": "../../../../etc/passwd",
}


def put(row, text, field):
    row[field] = text


def put_in_credential(row, text, field):
    row["credential"] = json.dumps({**json.loads(row["credential"]), field: text})
    if field in ("endpoint", "listen_port"):  # the copy counts where the row has none
        del row[{"endpoint": "endpoint", "listen_port": "port"}[field]]


def put_in_data(row, text, field):
    row["data"] = {field: text}


def put_as_local_port(row, text, _):
    del row["port"]
    row["localPort"] = text


# Where the text goes, and which statuses its session may then reach: free text is no fault, wherever else it is one.
FREE, FAULT, EITHER = {ENABLED}, {TEARDOWN, PROBLEM}, {ENABLED, TEARDOWN, PROBLEM}
PLACES = [
    *[(put, field, FREE) for field in ("name", "description", "lastError", "data")],
    *[(put, field, FAULT) for field in ("asn", "type", "interface", "credential", "mtu", "port", "policy", "endpoint", "ipv4", "ipv6",
                                        "ipv6LinkLocal")],
    (put_as_local_port, "", FAULT),
    (put, "extensions", EITHER),  # names that we do not know are other nodes' business
    (lambda row, text, _: put(row, [text], "extensions"), "", FREE),
    *[(put_in_credential, field, FAULT) for field in ("public_key", "preshared_key", "endpoint")],
    *[(put_in_credential, field, EITHER) for field in ("mtu", "listen_port")],  # no fault as long as the whole is not too long
    (put_in_data, "password", EITHER),
    (put_in_data, "importLimit", FAULT),
    (put, "status", None),  # neither can be reported upon
    (put, "uuid", None),
]


@pytest.fixture(scope="module")
def field_test():
    """A node with one good session, which must stay up through everything, and newcomers: good sessions, as (other end, row), that
    nobody has asked for yet."""
    with Lab() as lab:
        world = World(lab, "bird3")
        world.good, world.good_uuid = world.add()
        crowd = world.add_crowd(1 + len(HOSTILE) + len(NO_SESSIONS))
        world.victim = crowd[0][0]
        world.newcomers = [(face, row) for (face, _), row in zip(crowd[1:], world.fake.rows[2:])]
        world.fake.rows[1:] = []
        world.node.start_agent()
        world.reaches(world.good_uuid, ENABLED)
        world.up(world.good)
        world.since = world.node.birdc.protocols()[f"dn42_{world.good.asn}"]["since"]
        yield world


@pytest.fixture
def stage(field_test):
    """The same, and whatever a test has listed is gone afterwards."""
    yield field_test
    with field_test.fake.lock:
        field_test.fake.rows[:] = [row for row in field_test.fake.rows if isinstance(row, dict) and is_a_uuid(row.get("uuid"))]
        for row in field_test.fake.rows[1:]:
            row["status"] = DELETE
    field_test.node.sync()
    wait_for("all but the first are gone", lambda: len(field_test.fake.rows) == 1 and len(field_test.node.files()) == 1)
    check_what_was_written(field_test)


def is_a_uuid(text):
    return isinstance(text, str) and re.fullmatch("[0-9a-f-]{36}", text)


def is_unharmed(world):
    return (world.node.is_established(world.good.asn) and world.fake.status_of(world.good_uuid) == ENABLED and
            world.node.birdc.protocols()[f"dn42_{world.good.asn}"]["since"] == world.since)


# All that src/bird/render.cpp writes, line by line. A string is quoted, on one line, without control characters.
_STRING = r'"[^"\x00-\x1f\x7f-\x9f]*"'
_CHANNEL = (r"(?:  {0} \{{ import none; export none; \}};\n"
            r"|  {0} \{{\n(?:    extended next hop on;\n)?    import filter \w+;\n    export filter \w+;\n"
            r"(?:    import limit \d+ action block;\n)?  \}};\n)")
PEER_FILE = re.compile(
    r"# moenet-agent session/[0-9a-f-]{36}: generated, changes are overwritten\n"
    r"protocol bgp (?P<protocol>dn42_(?P<asn>\d+)) from dn42_peer \{\n"
    rf"(?:  description {_STRING};\n)?"
    r"  local [0-9a-f:.]+;\n  neighbor [0-9a-f:.]+ % '[\w.-]{1,15}' as (?P=asn);\n"
    rf"(?:  password {_STRING};\n)?" + _CHANNEL.format("ipv4") + _CHANNEL.format("ipv6") + r"\}\n", re.ASCII)

# The text form of src/base/log.cpp. Nothing in it ends a line, moves the cursor or reorders what a person reads.
_PRINTABLE = "[^\\x00-\\x1f\\x7f-\\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
LOG = re.compile(rf"(?:\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z (?:debug|info|warning|error) +{_PRINTABLE}{{1,4000}}\n)+")


def check_what_was_written(world):
    for path in (world.node.folder / "peers").iterdir():
        shape = PEER_FILE.fullmatch(path.read_bytes().decode())
        assert shape and path.name == f"{shape['protocol']}.conf", f"{path.name}:\n{path.read_bytes()!r}"
    log = (world.node.folder / "agent.log").read_bytes().decode()
    good = LOG.match(log)
    assert good and good.end() == len(log), f"a line of the log is none: {log[good.end() if good else 0:][:300]!r}"
    for line in world.node.agent("status").split("\n"):
        assert re.fullmatch(_PRINTABLE + "*", line), f"what the operator's terminal gets: {line!r}"


def make_rows(world, text):
    """One row per place, with the statuses that it may reach."""
    rows = []
    for number, (insert, field, allowed) in enumerate(PLACES):
        row = world.node.row(world.victim, uuid=f"00000000-0000-4000-8000-{number:012d}", asn=4242422000 + number,
                             interface=f"dn42_{4242422000 + number}", port=42000 + number)
        insert(row, text, field)
        rows.append((row, field, allowed))
    return rows


@pytest.mark.parametrize("kind", list(HOSTILE))
def test_hostile_text_in_every_field(stage, kind):
    world = stage
    bad = make_rows(world, HOSTILE[kind])
    face, newcomer = world.newcomers.pop()
    with world.fake.lock:
        world.fake.rows[1:] = [row for row, _, _ in bad]
        world.fake.rows.insert(len(bad) // 2, newcomer)
    world.node.sync()
    for row, field, allowed in bad:
        if allowed is not None:
            wait_for(f"{field}: {allowed}", lambda row=row, allowed=allowed: row["status"] in allowed)
            assert row["status"] == ENABLED or row["lastError"], f"{field}: no cause"
    world.reaches(newcomer["uuid"], ENABLED)
    wait_for("BGP with the newcomer", lambda: face.is_established(world.node.asn) and world.node.is_established(face.asn))
    assert is_unharmed(world)
    assert not [name for name in world.node.birdc.protocols() if "evil" in name]
    check_what_was_written(world)

    enabled = sum(row["status"] == ENABLED for row, _, _ in bad)
    assert len(world.node.files()) == 2 + enabled, "what is no session got a file"


NO_SESSIONS = [None, 7, "row", [], {}, {"uuid": None}, {"uuid": 5, "asn": -1}]


@pytest.mark.parametrize("row", NO_SESSIONS, ids=repr)
def test_a_row_that_is_no_session_stops_no_other(stage, row):
    world = stage
    _, newcomer = world.newcomers.pop()
    with world.fake.lock:
        world.fake.rows += [row, newcomer]
    world.node.sync()
    wait_for("the row behind it is ENABLED", lambda: newcomer["status"] == ENABLED)
    assert is_unharmed(world)
    check_what_was_written(world)
