"""BIRD refuses one of twenty peers: nineteen come up in the same sync, the one is torn down with BIRD's words."""
from conftest import World
from lab import wait_for

ENABLED, TEARDOWN = 2, 7


def test_one_refused_peer_of_twenty_costs_only_itself(lab, bird):
    # the operator's bird.conf has a constant under the name that the fifth session wants: only BIRD itself can know
    taken = "define dn42_4242421005 = 5;\n"
    world = World(lab, bird, extra_bird=taken)
    crowd = world.add_crowd(20)
    refused, refused_uuid = crowd[4]
    configured = world.node.configured_count()
    world.node.start_agent()
    world.reaches(refused_uuid, TEARDOWN, 30)
    assert "dn42_4242421005.conf:" in world.fake.error_of(refused_uuid), "BIRD's words with file and line"
    for face, uuid in crowd:
        if face is not refused:
            world.reaches(uuid, ENABLED, 30)
    assert world.node.configured_count() == configured + 1, "all nineteen in one configure"
    assert f"dn42_{refused.asn}.conf" not in world.node.files() and f"dn42_{refused.asn}" not in world.node.links()
    for face, _ in crowd:
        if face is not refused:
            wait_for(f"BGP with {face.name}", lambda face=face: face.is_established(world.node.asn), 30)


def test_the_refused_one_comes_up_once_the_row_is_changed_and_bird_is_mended(lab):
    taken = "protocol static dn42_4242420101 { ipv4; }\n"
    world = World(lab, "bird2", extra_bird=taken)
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, TEARDOWN)
    world.node.write_bird()
    assert world.node.birdc.ask("configure")[0] in (3, 4)
    world.fake.change(uuid, status=4, description="again")
    world.reaches(uuid, ENABLED)
    world.up(foreign)


def test_a_broken_bird_conf_is_named_and_running_sessions_stay(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    world.node.write_bird("this is no BIRD configuration;\n")
    _, new = world.add()
    wait_for("/status names it", lambda: "bird.conf" in world.node.status()["bird"]["problem"])
    assert world.node.is_established(foreign.asn) and world.fake.status_of(new) != ENABLED
    world.node.write_bird()
    world.reaches(new, ENABLED, 60)


def test_a_missing_template_is_named_with_its_snippet(lab, bird):
    world = World(lab, bird)
    path = world.node.folder / "bird.conf"
    path.write_text(path.read_text().replace("template bgp dn42_peer", "template bgp other_peer"))
    world.node.birdc.ask("configure")
    world.add()
    world.node.start_agent()
    wait_for("the name and the mending snippet", lambda: "template bgp dn42_peer" in world.node.status()["bird"]["problem"])
