"""Changes by hand are put right within seconds; what roams or lives is left alone."""
import pytest

from conftest import World
from lab import Lab, wait_for
from lab.foreign import make_keys

ENABLED = 2


@pytest.fixture(scope="module")
def settled():
    with Lab() as lab:
        world = World(lab, "bird3")
        world.foreign1, world.uuid = world.add()
        world.link = f"dn42_{world.foreign1.asn}"
        world.node.start_agent()
        world.reaches(world.uuid, ENABLED)
        world.up(world.foreign1)
        yield world


@pytest.fixture
def drift(settled):
    yield settled
    settled.reaches(settled.uuid, ENABLED, 30)
    settled.up(settled.foreign1, 30)


def addresses(world):
    return {f"{a['local']}/{a['prefixlen']}" for a in world.node.links().get(world.link, {}).get("addr_info", [])}


def test_a_deleted_link_comes_back(drift):
    index = drift.node.links()[drift.link]["ifindex"]
    drift.node.run("ip", "link", "del", drift.link)
    wait_for("a new link", lambda: drift.node.links().get(drift.link, {}).get("ifindex", index) != index, 10)


def test_a_killed_tunnel_daemon_is_replaced(drift):
    old = drift.node.daemons()[drift.link]
    drift.node.run("kill", "-9", old)
    wait_for("a new daemon that answers", lambda: drift.node.daemons().get(drift.link, old) != old and
             drift.node.run("wg", "show", drift.link, seconds=1, check=False)[0] == 0, 15)


def test_a_link_set_down_goes_up(drift):
    drift.node.run("ip", "link", "set", drift.link, "down")
    wait_for("up again", lambda: "UP" in drift.node.links()[drift.link]["flags"], 10)


def test_a_changed_mtu_is_put_right(drift):
    drift.node.run("ip", "link", "set", drift.link, "mtu", 1300)
    wait_for("MTU 1420", lambda: drift.node.links()[drift.link]["mtu"] == 1420, 10)


def test_a_removed_address_comes_back_and_an_added_one_goes(drift):
    before = addresses(drift)
    assert before
    for address in before:
        drift.node.run("ip", "addr", "del", address, "dev", drift.link, check=False)
    drift.node.run("ip", "addr", "add", "192.0.2.77/32", "dev", drift.link)
    wait_for("the addresses as they were", lambda: addresses(drift) == before, 10)


def test_a_changed_peer_key_is_replaced(drift):
    _, other = make_keys()
    drift.node.run("wg", "set", drift.link, "peer", drift.foreign1.public_key, "remove", "peer", other, "allowed-ips", "10.0.0.0/8")
    drift.node.sync()
    wait_for("the right peer alone",
             lambda: [peer[0] for peer in drift.node.wireguard(drift.link)[1]] == [drift.foreign1.public_key], 15)


def test_a_changed_private_key_and_port_are_put_right(drift):
    private, _ = make_keys()
    (drift.node.folder / "wrong.key").write_text(private)
    drift.node.run("wg", "set", drift.link, "private-key", drift.node.folder / "wrong.key", "listen-port", 4444)
    drift.node.sync()
    port = str(drift.node.port_for(drift.foreign1.asn))
    wait_for("key and port", lambda: drift.node.wireguard(drift.link)[0][1:3] == [drift.node.public_key, port], 15)


def test_a_roaming_peer_is_left_alone(drift):
    """The far end moves to another address; a sync must not call it back to the configured one."""
    foreign = drift.foreign1
    endpoint = lambda: drift.node.wireguard(drift.link)[1][0][2]  # noqa: E731

    def move_to(address, port):
        foreign.run("ip", "addr", "flush", "dev", "eth0")
        foreign.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        # a new socket as well: wireguard-go's old one would keep its source address for 15 s
        foreign.run("wg", "set", f"to_{drift.node.asn % 10000}", "listen-port", port)
        foreign.run("ping", "-c1", "-W1", f"{drift.node.link_local}%to_{drift.node.asn % 10000}", check=False)
        wait_for("the new endpoint", lambda: endpoint() == f"{address}:{port}")

    move_to("198.51.100.201", 51999)
    drift.node.sync()
    drift.node.sync()
    assert endpoint() == "198.51.100.201:51999"
    move_to(foreign.address, foreign.port)


def test_an_edited_and_a_deleted_bird_file_are_put_right(drift):
    path = drift.node.folder / f"peers/{drift.link}.conf"
    text = path.read_text()
    path.write_text(text + "# edited\n")
    drift.node.sync()
    wait_for("the file as it was", lambda: path.read_text() == text, 15)
    path.unlink()
    drift.node.sync()
    wait_for("the file is back", lambda: path.exists() and path.read_text() == text, 15)


def test_bird_restarted_is_noticed_and_caught_up_with(drift):
    drift.node.stop(drift.node.bird_process)
    wait_for("/status says that BIRD is away", lambda: drift.node.status()["bird"]["problem"], 15)
    drift.node.start_bird()
    wait_for("/status says that BIRD is back", lambda: not drift.node.status()["bird"]["problem"], 30)


def test_a_leftover_of_ours_is_removed_and_known_by_its_mark(settled):
    """Kill -9, the state file lost, the row gone meanwhile: the mark alone says whose the link is."""
    import shutil
    import signal
    foreign, uuid = settled.add()
    settled.reaches(uuid, ENABLED)
    settled.node.stop_agent(signal.SIGKILL)
    shutil.rmtree(settled.node.folder / "state")
    settled.fake.rows[:] = [row for row in settled.fake.rows if row["uuid"] != uuid]
    settled.node.start_agent()
    wait_for("the leftover is gone", lambda: settled.node.traces_of(foreign.asn) == [], 20)
    assert settled.node.is_established(settled.foreign1.asn)
