"""The agent owns bird.conf too (config bird.ownership "full")."""
from conftest import World
from lab import wait_for


def test_bird_conf_is_written_and_the_session_comes_up(lab, bird):
    world = World(lab, bird, ownership="full")
    node = world.node
    (node.folder / "bird.conf").write_text(f'log "{node.folder}/bird.log" all;\nrouter id {node.ipv4};\nprotocol device {{ }}\n')
    node.birdc.ask("configure")
    node.write_config(world.fake.url, world.fake.token, bird={"localAsn": node.asn, "ownPrefixes": ["172.22.188.0/26", "fd00:4242:7777::/48"]})
    foreign, uuid = world.add()
    node.start_agent()
    world.reaches(uuid, 2, 30)
    world.up(foreign, 40)
    wait_for("our prefix at the far end", lambda: "172.22.188.0/26" in foreign.birdc.routes("all"), 20)
