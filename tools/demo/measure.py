"""Act four, on the same stage: what the nodes know of their links, what others are told of it, and a tunnel that goes dark."""
import time

from lab import wait_for
from lab.route_speaker import parse_routes
from reroute import expect_none_lost, expect_path, say_lost, wait_for_path
from story import duration

HURRY = """
Nodes in less of a hurry than these send echoes every 5 minutes (metric.rttInterval, here 2 s), look at
BGP and tunnels every minute (controlPlane.metricInterval, 1 s), and call a session a PROBLEM after two
minutes (health.problemAfter, 5 s) and well again after 10 s (health.okAfter, 2 s).
"""
HASTY = {"metric": {"rttInterval": 2}, "controlPlane": {"metricInterval": 1}, "health": {"problemAfter": 5, "okAfter": 2}}
SEA_MS, LONG_SEA_MS, PEER2_MS = 40, 60, 28  # round trips of jp1 ─ de-rr, hk-rr ─ de-rr and de2 ═ peer2, as the map has them
TIER = 4  # of 28 ms: over 20 and up to 55 ms (DN42 wiki, BGP communities)
CAUSE = "BGP is not established: "
SLACK = 2  # chosen: so many times a round trip may take on a busy machine


def compare(stage):
    story, jp1, de2 = stage.story, stage.jp1, stage.de2
    story.act("Act four: what the network knows of itself")
    story.chapter("Each node has measured its links")
    story.say(HURRY)
    trips = story.step("moenet-agent status on jp1 and de2", lambda: wait_for("round trips", lambda: round_trips(stage), 20))
    story.show("\n\n".join(tables(node.agent("status")).rstrip() for node in (jp1, de2)))
    story.say("Found, of what the map says: " + "; ".join(f"{link} {found:.1f} of {real} ms" for link, found, real in trips))
    story.step(f"peer1 is told of the worst link on the way to peer2: DN42's latency tier {TIER}", lambda: wait_for(
        f"(64511,{TIER})", lambda: (64511, TIER) in route_at_peer1(stage).communities, 20))
    show_route(stage)


def round_trips(stage):
    """[(link, what its node found, what it is)] in ms, once all of them are known and right."""
    session = stage.de2.status()["sessions"][0]
    trips = [("jp1 ─ de-rr", mesh_trip(stage.jp1, stage.de), SEA_MS), ("hk-rr ─ de-rr", mesh_trip(stage.hk, stage.de), LONG_SEA_MS),
             ("de2 ═ peer2", session["rtt_ms"], PEER2_MS)]
    assert all(real <= found < SLACK * real for _, found, real in trips), trips
    assert session["latency_tier"] == TIER, session
    return trips


def mesh_trip(node, other):
    return next(link["rtt_ms"] for link in node.status()["mesh"]["neighbors"] if link["node"] == other.number)


def tables(status):
    """The node's name and all below the head."""
    head, _, below = status.partition("\n\n")
    return head.splitlines()[0] + "\n" + below


def far_prefix(stage):
    return f"172.20.{stage.peer2.i}.0/24"


def route_at_peer1(stage):
    prefix = far_prefix(stage)
    return parse_routes(stage.peer1.birdc.routes(prefix, "primary", "all"))[prefix][0]


def show_route(stage):
    lines = stage.peer1.birdc.routes(far_prefix(stage), "primary", "all").splitlines()
    stage.story.show("\n".join(line.expandtabs(2) for line in lines if any(word in line for word in ("unicast", "as_path", ".community"))))


def ask(stage):
    story, node, target = stage.story, stage.jp1, stage.peer2.ipv4
    story.chapter("Ask the network, from a node's place and through its API")
    answer = story.step(f"moenet-agent ping {target}, on jp1", lambda: node.agent("ping", target))
    story.show(answer)
    assert " 0% loss" in answer, "pings were lost"
    answer = story.step(f"moenet-agent trace {target}", lambda: node.agent("trace", target))
    story.show(answer)
    for address in (stage.de.ipv4, stage.de2.ipv4, target):
        assert address in answer, f"{address} is not on the way"


def darken(stage):
    story, stream, node, foreign = stage.story, stage.stream, stage.jp1, stage.peer1
    uuid = stage.sessions[foreign, node]
    story.chapter("The tunnel between jp1 and peer1 goes dark: its link stays up, and nothing comes through")
    wait_for_statuses(stage, "ENABLED", "ENABLED", "ENABLED")
    mark, begun = stream.mark(), time.time()
    story.step("cut jp1 ═ peer1 beneath the tunnel", lambda: stage.sea.cut(node, foreign))
    story.step("BGP gives it up (peer1's hold time is 9 s), and pings are answered again", lambda: wait_for(
        "an answer", lambda: stream.answers_after(begun + 0.3), 40))
    assert say_lost(story, stream, mark) > 0, "the tunnel was not cut"
    story.show(f"silence of {duration(stream.longest_silence_since(mark))}")
    expect_path(stage, "hk-rr", "de-rr", "de2")
    story.step("5 s without BGP: ENABLED → PROBLEM at the control plane", lambda: wait_for_row(
        stage, uuid, "PROBLEM", CAUSE))
    story.say(f"{duration(time.time() - begun)} after the cut, with its cause:")
    wait_for_statuses(stage, "ENABLED", "ENABLED", "PROBLEM")
    story.step("moenet-controlplane peer list")
    story.show(stage.plane.command("peer", "list"))
    assert "UP" in node.links()[node.link_of(foreign.asn)]["flags"], "the link is down"
    story.step(f"moenet-agent status {foreign.asn}, on jp1")
    told, _, events = node.agent("status", foreign.asn).partition("EVENTS")
    story.show(told)
    assert CAUSE in told and "BGP is down" in events, "the node tells another story"


def mend(stage):
    story, stream, node, foreign = stage.story, stage.stream, stage.jp1, stage.peer1
    mark, uuid = stream.mark(), stage.sessions[foreign, node]
    story.step("join jp1 ═ peer1", lambda: stage.sea.join(node, foreign))
    story.say("BIRD waits up to a minute after an error before it calls again; who knows better need not wait:")
    name = f"dn42_{foreign.asn}"
    story.step(f"moenet-agent restart {name} --bgp-only → Established", lambda: (
        node.agent("restart", name, "--bgp-only"), wait_for(
            "Established", lambda: node.is_established(foreign.asn) and foreign.is_established(node.asn), 40)))
    story.step("PROBLEM → ENABLED", lambda: wait_for_row(stage, uuid, "ENABLED", ""))
    wait_for_statuses(stage, "ENABLED", "ENABLED", "ENABLED")
    story.step("jp1 carries the traffic again", lambda: wait_for_path(stage, "jp1", "de-rr", "de2"))
    expect_none_lost(story, stream, mark)


def wait_for_statuses(stage, *wanted):
    """Of all sessions, sorted; a machine that was busy may need a moment to have the others well."""
    wait_for(", ".join(wanted), lambda: sorted(map(stage.plane.status_of, stage.sessions.values())) == [*wanted], 20)


def wait_for_row(stage, uuid, status, cause):
    """What the control plane holds of a session: its status, and the beginning of its cause; "" is none."""
    def look():
        row = stage.plane.session(uuid)
        error = row["lastError"] or ""
        assert row["status"] == status and (error.startswith(cause) if cause else not error), f"{row['status']}, {error!r}"
        return True

    wait_for(status, look, 40)
