"""GET /metrics of a live node, and what is built on it: alerts and dashboard."""
import json

from conftest import World
from lab import ForeignRouter, Network, SessionKind, metrics, wait_for

ENABLED, QUEUED_FOR_SETUP, QUEUED_FOR_DELETE = 2, 4, 5


def scrape(node):
    status, text = node.api("/metrics", token=None)
    assert status == 200, text
    return text


def asns(series):
    return {dict(labels)["asn"] for _, labels in series if "asn" in dict(labels)}


def test_a_real_scrape_is_what_prometheus_and_the_documentation_expect(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    labels = {"asn": str(foreign.asn), "interface": f"dn42_{foreign.asn}"}

    def look():
        text = scrape(world.node)
        series = metrics.parse(text)
        assert series[("moenet_session_status", tuple({**labels, "status": "ENABLED"}.items()))] == 1
        assert series[("moenet_session_state", tuple({**labels, "state": "in_place"}.items()))] == 1
        return text, series

    text, series = wait_for("the session is shown", look)
    assert metrics.promtool("check", "metrics", text=text) == (0, "")
    told = metrics.described()
    for name, of_series in series:
        assert name in told, "not in docs/metrics.md"
        assert {label for label, _ in of_series} - {"le"} == told[name], name
    assert series[("moenet_agent_breaker_state", (("state", "closed"),))] == 1


def test_series_come_and_go_with_their_sessions(lab):
    """A scrape all along while sessions come and go: never an error, and no series of one that is gone."""
    world = World(lab, "bird2")
    first, first_uuid = world.add()
    world.node.start_agent()
    world.reaches(first_uuid, ENABLED)
    scrapes = 0

    def shown():
        nonlocal scrapes
        series = metrics.parse(scrape(world.node))
        scrapes += 1
        return asns(series)

    crowd = world.add_crowd(3)
    for row in [row for row in world.fake.rows if row["uuid"] != first_uuid]:
        everyone = {str(face.asn) for face, _ in crowd} | {str(first.asn)}
        wait_for("all are shown", lambda: shown() == everyone, 30, every=0.02)
        world.fake.change(row["uuid"], status=QUEUED_FOR_DELETE)
        wait_for("one is gone", lambda: shown() == everyone - {str(row["asn"])}, 30, every=0.02)
        with world.fake.lock:
            world.fake.rows.append({**row, "status": QUEUED_FOR_SETUP})
    assert scrapes > 5
    assert metrics.promtool("check", "metrics", text=scrape(world.node)) == (0, "")


def test_a_token_is_asked_for_from_elsewhere_and_not_on_loopback(world2):
    elsewhere, _ = world2.add()
    world2.node.write_config(world2.fake.url, world2.fake.token, server={"listen": "0.0.0.0:24368"})
    world2.node.start_agent()
    assert world2.node.api("/metrics", token=None)[0] == 200

    def asked(*header):
        return elsewhere.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *header, f"http://{world2.node.address}:24368/metrics")

    assert asked() == "401"
    assert asked("-H", "Authorization: Bearer local-token") == "200"


def test_the_alerts_fire_when_they_should():
    assert metrics.promtool("check", "rules", metrics.RULES)[0] == 0
    status, output = metrics.promtool("test", "rules", metrics.RULES_TEST)
    assert status == 0, output


def test_rules_and_dashboard_ask_for_nothing_that_is_not_there():
    told = metrics.described()
    names, joined = metrics.used()
    assert len(names) > 25, "the queries were not found"
    for name, labels in names.items():
        assert name in told, f"{name} is not in docs/metrics.md"
        assert labels <= told[name], f"{name} has no {labels - told[name]}"
    assert joined <= set().union(*told.values())
    dashboard = json.loads(metrics.DASHBOARD.read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_rules_and_dashboard_find_all_they_ask_for_on_a_live_node(lab):
    """A node with BIRD 2 and one with BIRD 3, each with a session and the other as its neighbor in the mesh; names, labels and values."""
    network, hasty = Network(lab), {"metric": {"rttInterval": 1, "pingCount": 2}, "controlPlane": {"metricInterval": 1}}
    nodes = [network.add(f"node{number}", number, rr=True, bird=bird, sections=hasty) for number, bird in ((1, "bird2"), (2, "bird3"))]
    network.converge()
    for node in nodes:
        foreign = ForeignRouter(lab, node.number)
        node.expected_by(foreign, SessionKind.LINK_LOCAL)
        network.control_plane.approve(network.control_plane.add_peer(node, foreign, SessionKind.LINK_LOCAL))
        wait_for("BGP", lambda n=node, f=foreign: n.is_established(f.asn) and f.is_established(n.asn), 30)
    for node in nodes:
        before = metrics.parse(scrape(node))
        maintenance = "moenet_node_maintenance_start_timestamp_seconds{}"
        assert maintenance in metrics.finding_nothing(before), "what is not there is not missed"
        node.agent("maintenance", "start")  # begins now, and the sessions stay up

        def look(of=node):
            series = metrics.parse(scrape(of))
            assert metrics.finding_nothing(series) == []
            moving = {name: value for (name, _), value in series.items() if name.endswith(("_rx_bytes_total", "_rtt_seconds"))}
            assert len(moving) == 4 and all(moving.values()), moving
            return series

        series = wait_for(f"all that is asked for, on {node.name}", look, 40, 0.2)
        live = {label for _, labels in series for label, _ in labels}
        assert metrics.used()[1] <= live, metrics.used()[1] - live
