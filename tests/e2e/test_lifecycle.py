"""A session through all its statuses (wire contract A3), on a real node."""
import pytest

from lab import SessionKind, wait_for
from lab.waiting import holds_for

DELETED, DISABLED, ENABLED, PENDING, SETUP, DELETE, PROBLEM, TEARDOWN, REJECTED = range(9)


@pytest.mark.parametrize("kind", list(SessionKind), ids=lambda kind: kind.name.lower())
def test_session_lives_from_queue_to_trace_free_removal(world, kind):
    foreign, uuid = world.add(kind)
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    ping = ["ping", "-c1", "-W1", "-I"]
    wait_for("IPv4 data path",
             lambda: world.node.run(*ping, world.node.ipv4, foreign.ipv4, check=False)[0] == 0, 10)
    if kind is not SessionKind.IPV4:
        wait_for("IPv6 data path",
                 lambda: world.node.run(*ping, world.node.ipv6, foreign.ipv6, check=False)[0] == 0, 10)
    world.fake.change(uuid, status=DELETE)
    wait_for("the row is gone", lambda: world.fake.status_of(uuid) is None)
    assert world.node.traces_of(foreign.asn) == []


def test_disabled_removes_and_says_nothing_and_requeued_comes_back(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.fake.reports.clear()
    world.fake.change(uuid, status=DISABLED)
    wait_for("nothing is left", lambda: world.node.traces_of(foreign.asn) == [])
    world.node.sync()
    assert world.fake.reports == []
    world.fake.change(uuid, status=SETUP)
    world.reaches(uuid, ENABLED)
    world.up(foreign)


@pytest.mark.parametrize("status", [PENDING, REJECTED, 77], ids=["pending", "rejected", "unknown"])
def test_statuses_that_ask_for_nothing_get_nothing(world2, status):
    foreign, uuid = world2.add(status=status)
    world2.node.start_agent()
    world2.node.sync()
    world2.node.sync()
    assert world2.node.traces_of(foreign.asn) == [] and world2.fake.reports == [] and world2.fake.status_of(uuid) == status


def test_pending_after_enabled_leaves_what_runs(world2):
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, ENABLED)
    world2.up(foreign)
    for status in (PENDING, REJECTED, 77):
        world2.fake.change(uuid, status=status)
        world2.node.sync()
        assert world2.node.is_established(foreign.asn)


def test_delete_of_what_was_never_set_up_is_answered_at_once(world2):
    _, uuid = world2.add(status=DELETE)
    world2.node.start_agent()
    wait_for("the row is gone", lambda: world2.fake.status_of(uuid) is None)


def test_problem_is_tried_again_and_becomes_enabled_when_its_cause_goes(world2):
    world2.node.run("ip", "link", "add", "dn42_4242420101", "type", "bridge")  # the operator's own, under the session's name
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, PROBLEM)
    assert "dn42_4242420101" in world2.fake.error_of(uuid)
    assert world2.node.links()["dn42_4242420101"]["linkinfo"]["info_kind"] == "bridge", "what is not ours was touched"
    world2.node.run("ip", "link", "del", "dn42_4242420101")
    world2.reaches(uuid, ENABLED, 30)
    assert not world2.fake.error_of(uuid)
    world2.up(foreign)


def test_listen_port_in_use_is_named(world2):
    foreign, uuid = world2.add()
    port = world2.node.port_for(foreign.asn)
    with world2.node.entered():
        import socket
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("0.0.0.0", port))
    world2.node.start_agent()
    world2.reaches(uuid, PROBLEM)
    assert f"listen port {port} is in use" in world2.fake.error_of(uuid)
    other.close()
    world2.reaches(uuid, ENABLED, 40)


def test_neighbor_that_is_our_own_address_is_named(world2):
    foreign, uuid = world2.add(ipv6=world2.node.link_local, ipv6LinkLocal=None)
    world2.node.start_agent()
    wait_for("a report", lambda: world2.fake.status_of(uuid) in (PROBLEM, TEARDOWN))
    assert world2.node.link_local in world2.fake.error_of(uuid)
    assert world2.node.traces_of(foreign.asn) == []


@pytest.mark.parametrize("what", ["port", "interface", "neighbor"])
def test_of_two_sessions_that_claim_one_thing_the_older_keeps_working(world2, what):
    first, one = world2.add(SessionKind.ULA)
    world2.node.start_agent()
    world2.reaches(one, ENABLED)
    world2.up(first)
    claim = {"port": ({"port": world2.node.port_for(first.asn)}, f"listen port {world2.node.port_for(first.asn)}"),
             "interface": ({"interface": f"dn42_{first.asn}"}, f"interface dn42_{first.asn}"),
             "neighbor": ({"ipv6": first.ipv6}, f"neighbor {first.ipv6}")}
    fields, words = claim[what]
    check_that_the_newer_loses(world2, first, one, fields, words)


def test_a_port_of_the_kernels_choice_is_kept_by_who_runs_on_it(world2):
    first, one = world2.add(port=0)
    world2.node.start_agent()
    world2.reaches(one, ENABLED)
    world2.up(first)
    port = int(world2.node.wireguard(f"dn42_{first.asn}")[0][2])
    check_that_the_newer_loses(world2, first, one, {"port": port}, f"listen port {port}")


def check_that_the_newer_loses(world, first, one, fields, words):
    before = (world.node.links()[f"dn42_{first.asn}"]["ifindex"], world.node.birdc.protocols()[f"dn42_{first.asn}"]["since"])
    second, two = world.add(SessionKind.ULA, **fields)
    world.reaches(two, PROBLEM)
    assert words in world.fake.error_of(two) and f"AS{first.asn}" in world.fake.error_of(two), world.fake.error_of(two)
    after = (world.node.links()[f"dn42_{first.asn}"]["ifindex"], world.node.birdc.protocols()[f"dn42_{first.asn}"]["since"])
    assert after == before and world.node.is_established(first.asn) and world.fake.status_of(one) == ENABLED
    assert f"dn42_{second.asn}.conf" not in world.node.files()
    world.fake.change(one, status=DELETE)
    world.reaches(two, ENABLED, 30)  # what it claimed is free now


def test_edit_in_place_is_carried_out_without_a_new_status(world2):
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, ENABLED)
    world2.up(foreign)
    world2.fake.change(uuid, mtu=1380)
    wait_for("new MTU", lambda: world2.node.links()[f"dn42_{foreign.asn}"]["mtu"] == 1380)
    assert world2.node.is_established(foreign.asn) and world2.fake.status_of(uuid) == ENABLED


def test_preshared_key_is_used(world2):
    import json

    from lab.foreign import ForeignRouter, make_preshared_key
    key = make_preshared_key()
    foreign = ForeignRouter(world2.lab, 1)
    world2.node.expected_by(foreign, preshared_key=key)
    row = world2.node.row(foreign, credential=json.dumps({"public_key": foreign.public_key, "preshared_key": key}))
    world2.fake.rows.append(row)
    world2.node.start_agent()
    world2.reaches(row["uuid"], ENABLED)
    world2.up(foreign)
    assert key not in world2.node.agent_log()


def test_a_kernel_without_gre_is_a_problem_of_gre_sessions(world2):
    """On one that has it: tests/e2e/kernel_guest/gre.sh."""
    if world2.node.run("ip", "link", "add", "probe", "type", "gre", "remote", "192.0.2.1", check=False)[0] == 0:
        pytest.skip("this kernel has gre")
    foreign, uuid = world2.add(type="gre")
    world2.node.start_agent()
    world2.reaches(uuid, PROBLEM)
    assert "of kind gre" in world2.fake.error_of(uuid)
    holds_for("nothing is set up", lambda: world2.node.traces_of(foreign.asn) == [], 0.3)
