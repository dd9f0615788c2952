"""The agent owns bird.conf too (config bird.ownership "full")."""
from conftest import World
from lab import wait_for


def test_bird_conf_is_written_and_the_session_comes_up(lab, bird):
    world = World(lab, bird, ownership="full")
    node = world.node
    own = {"localAsn": node.asn, "ownPrefixes": ["172.22.188.0/26", "fd00:4242:7777::/48"]}
    node.write_config(world.fake.url, world.fake.token, bird=own)
    # the first bird.conf, as documented: rendered by the agent, put in place by the operator
    node.agent("render", node.folder / "rendered")
    node.stop(node.bird_process)
    (node.folder / "bird.conf").write_text((node.folder / "rendered/bird.conf").read_text())
    node.start_bird()
    foreign, uuid = world.add()
    node.start_agent()
    world.reaches(uuid, 2, 30)
    world.up(foreign, 40)
    wait_for("our prefix at the far end", lambda: "172.22.188.0/26" in foreign.birdc.routes("all"), 20)
    # another own prefix: bird.conf changes, the session stays
    since = node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"]
    node.stop_agent()
    own["ownPrefixes"].append("fd00:4242:8888::/48")
    node.write_config(world.fake.url, world.fake.token, bird=own)
    node.start_agent()
    wait_for("the new prefix at the far end", lambda: "fd00:4242:8888::/48" in foreign.birdc.routes("all"), 20)
    assert node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"] == since
