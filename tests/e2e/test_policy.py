"""The rendered policy in a real BIRD: what the node accepts, prefers, tags and announces is read from both ends of its sessions."""
import pytest

from lab import Announcement, Lab, wait_for
from lab.policy_network import (CLIENT, DOWNSTREAM, FULL, LOOPBACK, NETWORK_ASN as A, PEER, REFLECTOR, UPSTREAM, V4_CLIENT,
                                PolicyNetwork)
from lab.route_speaker import parse_routes

GSHUT = (65535, 0)
NODE_TAGS = {(A, 1, 100), (A, 2, 101), (A, 3, 1), (A, 5, 10000)}
PART = "172.22.188.48/28"  # a static of this node
OWN = {"172.22.188.0/26", "fd00:4242:7777::/48", PART, "172.22.188.16/28"}  # the last is a static of another node
OWN_REGION = {(64511, 50), (64511, 1344)}

# Every other route has a ROA of its origin's.
NO_ROA, OTHERS_ROA, TOO_LONG = "172.20.12.0/24", "172.20.13.0/24", "172.20.14.0/25"
UNVALIDATED = {NO_ROA, OTHERS_ROA, TOO_LONG}

# What the links' files say of them.
LINK = {(64511, 4), (64511, 25), (64511, 34), (64511, 93), (64511, 83)}
PEER_LINK = {(64511, 1), (64511, 23), (64511, 34), (64511, 83)}  # its loss is not known
DOWNSTREAM_LINK = {(64511, 9), (64511, 22), (64511, 34), (64511, 91), (64511, 83)}

FROM_FULL = {  # what the node must make of it: communities, or None when it must refuse
    Announcement("172.20.1.0/24"): LINK,
    # worse on the way here: stays
    Announcement("172.20.2.0/24", (4242421001,), ((64511, 6), (64511, 24), (64511, 31), (64511, 94))):
        {(64511, 6), (64511, 24), (64511, 31), (64511, 94), (64511, 83)},
    # better on the way here: the link's; of two the worse; what else it came over stays
    Announcement("172.20.3.0/24", (), ((64511, 1), (64511, 22), (64511, 33), (64511, 34), (64511, 91), (64511, 92), (64511, 81))):
        LINK - {(64511, 34)} | {(64511, 33), (64511, 81)},
    # a foreign route's region is its own affair
    Announcement("172.20.4.0/24", (), ((64511, 41),), ((A, 1, 300), (A, 3, 9), (4242420101, 7, 7))):
        LINK | {(64511, 41)},
    Announcement("172.20.5.0/24", (), (GSHUT,)): LINK | {GSHUT},
    Announcement("172.20.6.0/24", (1, 2, 3, 4)): LINK,
    Announcement("172.20.7.0/24", (1, 2, 3, 4, 5)): None,  # too long a path
    Announcement("172.20.8.0/24", (4242420666, 1)): None,  # a blocked network on the way
    Announcement("172.20.9.0/24", (A, 1)): None,  # a loop
    Announcement(NO_ROA): None,
    Announcement(OTHERS_ROA): None,
    Announcement(TOO_LONG): None,
    Announcement("172.20.66.0/25"): None,  # blocked
    Announcement("172.22.188.0/26"): None,  # ours
    Announcement("172.22.188.32/27"): None,
    Announcement("0.0.0.0/0"): None,
    Announcement("10.0.0.0/8"): None,
    Announcement("192.168.0.0/24"): None,
    Announcement("172.20.15.0/30"): None,
    Announcement("172.20.0.53/32"): LINK,  # anycast
    Announcement("10.127.8.0/24"): LINK,
    Announcement("fd42:1::/48", (4242421001,)): LINK,
    Announcement("fd42:2::/65"): None,
    Announcement("fd42:4000::/43"): None,
    Announcement("2001:db8::/48"): None,
    Announcement("fd00:4242:7777:5::/64"): None,
    Announcement("fd42:66:1::/48"): None,
    Announcement("::/0"): None,
}
# Only what the neighbor originates, however often it prepends itself.
FROM_PEER = {Announcement("172.20.20.0/24"): PEER_LINK,
             Announcement("172.20.21.0/24", (4242420102, 4242420102)): PEER_LINK,
             Announcement("172.20.22.0/24", (4242421001,)): None}
FROM_UPSTREAM = {Announcement("172.20.30.0/24"): set(),  # its file says nothing of the link
                 Announcement("172.20.31.0/24", (4242421001,)): None}
FROM_DOWNSTREAM = {Announcement("172.20.40.0/24", (4242421001,)): DOWNSTREAM_LINK}
EBGP = {FULL: FROM_FULL, PEER: FROM_PEER, UPSTREAM: FROM_UPSTREAM, DOWNSTREAM: FROM_DOWNSTREAM}

# From a client: by where the routes came in, whatever the client thinks of them.
FROM_CLIENT = {
    Announcement("172.21.1.0/24", (4242421002,), (), ((A, 1, 100), (A, 2, 101), (A, 3, 2)), 7): 400,
    Announcement("172.21.2.0/24", (4242421002,), (), ((A, 1, 100), (A, 2, 102))): 350,
    Announcement("172.21.3.0/24", (4242421002,), (), ((A, 1, 400),)): 250,
    Announcement("172.21.4.0/24", (4242421002,), (), ((A, 1, 300), (A, 2, 301))): 100,
    Announcement("172.21.5.0/24", (4242421002,), (), (), 999): 300,
    Announcement("172.21.6.0/24", (4242421002,), (GSHUT,), ((A, 1, 100), (A, 2, 101))): 0,
    Announcement("172.21.7.0/24", (4242421002,), ((65535, 65281),), ((A, 1, 200),)): 100,  # NO_EXPORT
    Announcement("fd42:21::/48", (4242421002,), ((64511, 7),), ((A, 1, 400),)): 250,
    Announcement("172.22.188.16/28"): 300,
    Announcement("172.22.188.0/26"): None,  # every node has it
    Announcement("fd00:4242:7777::/48"): None,
}
FROM_REFLECTOR = {Announcement("172.21.30.0/24", (4242421003,), (), ((A, 1, 300),)): 100}
IBGP = {CLIENT: FROM_CLIENT, REFLECTOR: FROM_REFLECTOR}

def roas(own=True):
    lines = {4: [f"route 172.22.188.0/26 max 29 as {A};"] if own else [],
             6: [f"route fd00:4242:7777::/48 max 64 as {A};"]}
    lines[4] += [f"route {OTHERS_ROA} max 24 as 4242429999;", "route 172.20.14.0/24 max 24 as 4242420101;"]
    for i, routes in enumerate(EBGP.values()):
        for route in routes:
            if route.prefix not in UNVALIDATED:
                origin = route.path[-1] if route.path else 4242420101 + i
                lines[6 if ":" in route.prefix else 4].append(f"route {route.prefix} max {route.prefix.split('/')[1]} as {origin};")
    return "".join(f"protocol static known{family} {{ roa{family} {{ table dn42_roa{family}; }}; {' '.join(lines[family])} }}\n"
                   for family in (4, 6))


def all_routes():
    return {protocol: {route.prefix for route, expected in routes.items() if expected is not None}
            for protocol, routes in (EBGP | IBGP).items()}


def unvalidated_routes():
    return {protocol: prefixes | (UNVALIDATED if protocol == FULL else set()) for protocol, prefixes in all_routes().items()}


def settle(network, expected, reminder=lambda: None):
    def look():
        reminder()
        for protocol, prefixes in expected.items():
            seen = network.accepted(protocol).keys()
            assert seen == prefixes, f"{protocol}: too many {seen - prefixes}, missing {prefixes - seen}"
        return True

    wait_for("the routes", look, 20, 0.2)


@pytest.fixture(scope="module", params=["bird2", "bird3"])
def network(request):
    with Lab() as lab:
        one = PolicyNetwork(lab, request.param, {session: list(routes) for session, routes in (EBGP | IBGP).items()})
        # nothing is validated before the network's own ROA is there
        settle(one, unvalidated_routes())
        one.change("15_roas.conf", roas())
        settle(one, all_routes(), one.validate_again)
        yield one


@pytest.fixture(autouse=True)
def lab(network):
    return network.lab


def test_each_session_accepts_tags_and_prefers(network):
    for protocol, routes in EBGP.items():
        accepted = network.accepted(protocol)
        assert accepted.keys() == {route.prefix for route, communities in routes.items() if communities is not None}
        for route, communities in routes.items():
            if communities is None:
                continue
            seen = accepted[route.prefix]
            assert seen.communities == communities, (protocol, route)
            assert seen.local_pref == (0 if GSHUT in route.communities else 400), (protocol, route)
            assert seen.large == NODE_TAGS | {tag for tag in route.large if tag[0] != A}, (protocol, route)


def test_ibgp_is_preferred_by_where_a_route_came_in(network):
    for protocol, routes in IBGP.items():
        accepted = network.accepted(protocol)
        for route, local_pref in routes.items():
            if local_pref is None:
                assert route.prefix not in accepted
                continue
            seen = accepted[route.prefix]
            assert seen.local_pref == local_pref, route
            assert (seen.communities, seen.large) == (set(route.communities), set(route.large)), route


def test_babel_carries_loopbacks_only(network):
    learned = set(parse_routes(network.birdc.routes("protocol", "mesh", "all")))
    assert learned == {"172.22.188.2/32", "172.22.188.4/32", f"{LOOPBACK[CLIENT]}/128", f"{LOOPBACK[REFLECTOR]}/128"}
    there = set(parse_routes(network.speakers[0].birdc.routes("protocol", "babel1", "all")))
    assert there >= {"172.22.188.1/32", f"{LOOPBACK['node']}/128"}
    assert all(prefix.endswith(("/32", "/128")) for prefix in there), there


def test_the_kernel_has_what_was_learned_with_the_loopback_as_source(network):
    routes = network.node.run("ip", "route", "show", "proto", "bird") + network.node.run("ip", "-6", "route", "show", "proto", "bird")
    lines = {line.split()[0]: line for line in routes.splitlines() if not line.startswith(("\t", " "))}
    assert "src 172.22.188.1" in lines["172.20.1.0/24"]
    assert "src 172.22.188.1" in lines["172.21.1.0/24"] and "dev dn42-wg-igp-2" in lines["172.21.1.0/24"]
    assert f"src {LOOPBACK['node']}" in lines["fd42:1::/48"]
    assert "172.22.188.2" in lines
    assert not {"172.22.188.0/26", "unreachable", "fd00:4242:7777::/48", "172.22.188.1"} & lines.keys()


@pytest.mark.parametrize("session", ["as101", "as103"])
def test_full_and_upstream_are_sent_all(network, session):
    everything = set().union(*(prefixes for protocol, prefixes in all_routes().items() if protocol[-3:] != session[-3:]))
    sent = network.sent(session)
    assert sent.keys() == (everything | OWN) - {"172.21.7.0/24"}  # NO_EXPORT
    assert sent["172.22.188.0/26"].communities == sent["fd00:4242:7777::/48"].communities == sent[PART].communities == OWN_REGION
    assert sent["172.20.40.0/24"].communities == DOWNSTREAM_LINK
    assert sent["172.20.40.0/24"].path == (A, 4242420104, 4242421001)
    foreign = [route for prefix, route in sent.items() if prefix not in OWN]
    assert not [route for route in foreign if route.communities & OWN_REGION]


@pytest.mark.parametrize("session", ["as102", "as104"])
def test_peer_and_downstream_are_sent_what_is_ours(network, session):
    sent = network.sent(session)
    assert sent.keys() == OWN
    assert {route.path for route in sent.values()} == {(A,)}
    assert sent["172.22.188.0/26"].communities == OWN_REGION


def test_ibgp_is_sent_what_came_in_here_and_clients_what_others_sent(network):
    entered = set().union(*(all_routes()[protocol] for protocol in EBGP)) | {PART}
    client, reflector, v4_client = (network.sent(name) for name in (CLIENT, REFLECTOR, V4_CLIENT))
    assert client.keys() == entered | {"172.21.30.0/24"}
    assert reflector.keys() == entered | all_routes()[CLIENT]
    assert v4_client.keys() == {prefix for prefix in client.keys() | reflector.keys() if ":" not in prefix}
    for sent in (client, reflector):
        assert sent["172.20.2.0/24"].next_hop == LOOPBACK["node"]
        assert sent["172.20.2.0/24"].communities == {(64511, 6), (64511, 24), (64511, 31), (64511, 94), (64511, 83)}
        assert sent["172.20.2.0/24"].large == sent[PART].large == NODE_TAGS
        assert sent[PART].communities == OWN_REGION
        assert sent["172.20.40.0/24"].next_hop == sent[PART].next_hop == LOOPBACK["node"]
    # who reflects is not on the way
    assert client["172.21.30.0/24"].next_hop == LOOPBACK[REFLECTOR]
    assert reflector["172.21.1.0/24"].next_hop == v4_client["172.21.1.0/24"].next_hop == LOOPBACK[CLIENT]
    assert reflector["172.21.1.0/24"].large == {(A, 1, 100), (A, 2, 101), (A, 3, 2)}
    assert v4_client["172.20.1.0/24"].next_hop == "172.22.188.1"


def test_a_drain_asks_everybody_to_go_around_this_node(network):
    network.drain(True)
    try:
        wait_for("local_pref 0", lambda: all(route.local_pref == 0 for protocol in EBGP for route in network.accepted(protocol).values()))

        def asked():
            for session in ("as101", "as102", "as103", "as104"):
                sent = network.sent(session)
                assert sent and all(GSHUT in route.communities for route in sent.values()), session
            for name in (CLIENT, REFLECTOR):
                for prefix, route in network.sent(name).items():
                    entered_here = (A, 3, 1) in route.large
                    assert (GSHUT in route.communities) == (entered_here or prefix == "172.21.6.0/24"), (name, route)
            return True

        wait_for("GRACEFUL_SHUTDOWN everywhere", asked)
        # what came in elsewhere is as good as before, and no session was lost
        assert network.accepted(CLIENT)["172.21.1.0/24"].local_pref == 400
        assert all(network.birdc.established(name) for name in EBGP | IBGP)
    finally:
        network.drain(False)
    wait_for("the way back", lambda: network.accepted(FULL)["172.20.1.0/24"].local_pref == 400
             and GSHUT not in network.sent("as103")["172.20.1.0/24"].communities)
    test_each_session_accepts_tags_and_prefers(network)


def test_without_its_own_roa_nothing_is_validated(network):
    """Per family: IPv4 loses its ROAs, as when all validators are dead for long, and IPv6 keeps them."""
    # reminded as often as looked: 3.1.8 lists a ROA some milliseconds before its filters know it
    network.change("15_roas.conf", roas(own=False))
    try:
        settle(network, unvalidated_routes(), network.validate_again)
    finally:
        network.change("15_roas.conf", roas())
    settle(network, all_routes(), network.validate_again)


def test_a_route_is_validated_again_when_its_roa_changes(network):
    covered = "route 172.20.1.0/24 max 24 as 4242420101;"
    network.change("15_roas.conf", roas().replace(covered, covered.replace("4242420101", "4242429999")))
    try:
        wait_for("the route goes", lambda: "172.20.1.0/24" not in network.accepted(FULL))
    finally:
        network.change("15_roas.conf", roas())
    settle(network, all_routes())
