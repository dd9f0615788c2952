"""An endpoint that is a host name: the address it leads to is looked up anew when the tunnel is silent."""
import pytest

from lab import wait_for

ENABLED = 2
NAME = "peer1.example"


@pytest.fixture
def hosts(world2):
    """Says where NAME leads on the node, in its own /etc/hosts."""
    path = world2.node.folder / "hosts"
    path.write_text("127.0.0.1 localhost\n")
    world2.node.run("mount", "--bind", path, "/etc/hosts")
    return lambda address: path.write_text(f"127.0.0.1 localhost\n{address} {NAME}\n")


def test_a_silent_peer_is_sought_where_its_name_leads_now(world2, hosts):
    """Nobody is at the first address, so the handshake is stale from the start; the far end knows no endpoint of ours."""
    foreign, uuid = world2.add(endpoint=f"{NAME}:51001", port=40001)
    hosts("198.51.100.250")
    world2.node.start_agent()
    world2.reaches(uuid, ENABLED)
    endpoint = lambda: world2.node.wireguard(f"dn42_{foreign.asn}")[1][0][2]  # noqa: E731
    wait_for("the first address", lambda: endpoint() == "198.51.100.250:51001")
    hosts(foreign.address)
    wait_for("the new address", lambda: endpoint() == f"{foreign.address}:51001", 45)
    world2.up(foreign)
