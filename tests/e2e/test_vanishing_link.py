"""A link goes away between the look at the node and the change of it: that session is set up anew, and no other waits for it."""
import os
import signal

from lab import wait_for

ENABLED = 2


def test_a_link_that_vanishes_between_two_steps(world2):
    """A daemon that is stopped holds up the look at its own tunnel for a second, when all links have been listed and the next tunnel was
    not read yet: time enough to take that one away."""
    sessions = sorted([world2.add() for _ in range(3)], key=lambda session: session[0].asn)
    node = world2.node
    node.start_agent()
    for foreign, uuid in sessions:
        world2.reaches(uuid, ENABLED)
        world2.up(foreign)
    (first, first_uuid), (second, second_uuid), (third, third_uuid) = sessions
    before = node.birdc.protocols()[f"dn42_{third.asn}"]
    index = node.links()[f"dn42_{second.asn}"]["ifindex"]
    pid = node.daemons()[f"dn42_{first.asn}"]
    os.kill(pid, signal.SIGSTOP)
    try:
        asked = world2.fake.count("sessions")
        with world2.fake.lock:
            for row in world2.fake.rows:
                row["port"] += 7000 if row["uuid"] != third_uuid else 0
                row["mtu"] = 1333
        wait_for("the list is read", lambda: world2.fake.count("sessions") > asked)
        node.run("ip", "link", "del", f"dn42_{second.asn}")
    finally:
        os.kill(pid, signal.SIGCONT)

    def is_anew():
        link = node.links().get(f"dn42_{second.asn}", {})
        return link.get("ifindex", index) != index and link["mtu"] == 1333 and len(node.wireguard(f"dn42_{second.asn}")[1]) == 1

    wait_for("the second is set up anew", is_anew, 40)
    for foreign, uuid in sessions:
        world2.reaches(uuid, ENABLED, 90)
        wait_for(f"port of {foreign.name}", lambda a=foreign.asn: node.wireguard(f"dn42_{a}")[0][2] == str(
            node.port_for(a) + (7000 if a != third.asn else 0)), 40)
    assert node.birdc.protocols()[f"dn42_{third.asn}"] == before
