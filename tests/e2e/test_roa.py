"""Route origin validation of a whole node: from RTR servers and from files, and what happens when either is away or talks nonsense."""
import json

import pytest
from lab import BackboneNode, ControlPlane, ForeignRouter, RtrServer, SessionKind, Space, WebFile, wait_for
from lab.node import LOCAL_ASN
from lab.route_speaker import parse_routes
from lab.waiting import holds_for

VALID = {"172.20.1.0/24", "fd42:0:1::/48"}  # what the foreign router announces anyway
WITHOUT_ROA = {"172.20.12.0/24", "fd42:12::/48"}
OF_ANOTHER = {"172.20.13.0/24", "fd42:13::/48"}
ALL = VALID | WITHOUT_ROA | OF_ANOTHER

OWN_ROAS = {("172.22.188.0/26", 29, LOCAL_ASN), ("fd00:4242:7777::/48", 64, LOCAL_ASN)}
VALID_ROAS = {("172.20.1.0/24", 24, 4242420101), ("fd42:0:1::/48", 48, 4242420101)}
ROAS = OWN_ROAS | VALID_ROAS | {("172.20.13.0/24", 24, 4242429999), ("fd42:13::/48", 48, 4242429999)}


def file_of(roas):
    return "#\n# dn42 ROA table\n#\n" + "".join(f"route {prefix} max {most} as {asn};\n" for prefix, most, asn in sorted(roas))


class Validated:
    """A node on our control plane with one foreign peer, which announces routes with and without a ROA."""

    def __init__(self, lab, bird, rpki_servers=(), **bird_section):
        self.plane = ControlPlane(lab, number=90)
        policy = {"rpkiServers": list(rpki_servers)}
        assert self.plane.admin("PATCH", "/settings", {"policy": policy})[0] == 200
        self.node = BackboneNode(lab, self.plane, "hk1", 1, bird=bird, sections={"bird": bird_section})
        self.node.come_up()
        self.peer = ForeignRouter(lab, 1)
        self.peer.announce(*WITHOUT_ROA, *OF_ANOTHER)
        self.peer.peer(SessionKind.LINK_LOCAL, self.node, endpoint=f"{self.node.address}:{self.node.port_for(self.peer.asn)}")
        self.plane.approve(self.plane.add_peer(self.node, self.peer, SessionKind.LINK_LOCAL))

    def accepted(self):
        return set(parse_routes(self.node.birdc.routes("protocol", f"dn42_{self.peer.asn}", "all")))

    def settles(self, expected, seconds=30):
        def look():
            seen = self.accepted()
            assert seen == expected, f"too many {seen - expected}, missing {expected - seen}"
            return True

        wait_for("the routes", look, seconds, 0.2)

    def stays(self, expected, seconds):
        holds_for("the routes", lambda: self.accepted() == expected, seconds, 0.2)

    def doctor_says(self):
        """The state of its check `roa`."""
        _, output = self.node.agent("doctor", "--json", check=False)
        checks = json.loads(output[output.index('{"checks"'):])["checks"]
        return next(check["state"] for check in checks if check["name"] == "roa")

    def roa_task(self):
        return self.node.status()["tasks"]["roaTask"]

    def reminders(self):
        return self.node.agent_log().count("BIRD's filters judge all routes again")


@pytest.mark.parametrize("version", [1, 0])
def test_an_rtr_server_that_comes_changes_and_goes(lab, bird, version):
    rtr = RtrServer(Space(lab, "rtr", 80), most_version=version)
    world = Validated(lab, bird, [{"name": "lab", "host": rtr.space.address, "port": rtr.port}])
    world.settles(ALL, 60)  # nothing is validated before there is a ROA of the network's own
    assert world.doctor_says() == "warning"
    rtr.set(*ROAS)
    rtr.start()
    world.node.birdc.ask("restart rpki_lab")  # BIRD's next try comes in 90 s
    world.settles(VALID)
    assert rtr.versions == {version}
    assert world.doctor_says() == "ok"

    rtr.set(*(ROAS - {("172.20.1.0/24", 24, 4242420101)}))
    world.settles(VALID - {"172.20.1.0/24"})
    rtr.set(*ROAS)
    world.settles(VALID)

    # one family's own ROA goes: that family is not validated
    rtr.set(*(ROAS - {("172.22.188.0/26", 29, LOCAL_ASN)}))
    world.settles(VALID | {"172.20.12.0/24", "172.20.13.0/24"})
    rtr.set(*ROAS)
    world.settles(VALID)

    before = world.reminders()
    assert (before > 0) == (bird == "bird3")  # BIRD 2 needs none
    rtr.stop()
    world.stays(VALID, 8)  # longer than the agent's pause between two looks
    assert world.reminders() == before  # one for each change, and none besides
    assert world.node.sync()["planned"] == 0


def test_a_bird_that_starts_again_validates_again(lab, bird):
    rtr = RtrServer(Space(lab, "rtr", 80))
    rtr.set(*ROAS)
    rtr.start()
    world = Validated(lab, bird, [{"name": "lab", "host": rtr.space.address, "port": rtr.port}])
    world.settles(VALID, 60)
    world.node.stop(world.node.bird_process)
    world.node.start_bird()
    world.settles(VALID, 60)
    world.stays(VALID, 6)


def test_a_file_that_changes_is_cut_and_cannot_be_had(lab, bird):
    web = WebFile(Space(lab, "web", 81), file_of(ROAS))
    world = Validated(lab, bird, roaUrls=[web.url])
    world.settles(VALID, 60)
    assert world.roa_task()["last_error"] == "" and world.roa_task()["failures"] == 0

    asked = len(web.answers)
    world.node.sync()
    wait_for("a read that changes nothing", lambda: web.answers[asked:] == [304], 10)
    web.text = file_of(ROAS - {("172.20.1.0/24", 24, 4242420101)})
    world.node.sync()
    world.settles(VALID - {"172.20.1.0/24"})
    web.text = file_of(ROAS)
    world.node.sync()
    world.settles(VALID)

    for text, problem in (("<html>bad gateway</html>\n", f"{web.url}: line 1 is no ROA: <html>bad gateway</html>"),
                          ("# nothing\n", f"{web.url}: holds no ROA"),
                          (file_of(OWN_ROAS), f"{web.url}: holds 2 ROAs, less than half of the 6 before")):
        rejected, web.text = world.roa_task()["rejected_data"], text
        wait_for("what is refused is named", lambda: world.node.sync() and world.roa_task()["rejected_data"] > rejected, 20, 1)
        assert world.roa_task()["last_error"] == problem
    world.stays(VALID, 2)

    web.stop()
    world.node.stop_agent()
    roa_file = world.node.folder / "peers/10_roa.conf"
    text = roa_file.read_text()
    assert "172.20.1.0/24 max 24 as 4242420101" in text
    roa_file.unlink()  # as good as a disk from before
    world.node.start_agent()
    wait_for("the ROAs of the state file", lambda: roa_file.read_text() == text, 30)
    world.settles(VALID)
    wait_for("the server is away", lambda: "roaTask" in world.node.status()["tasks"] and world.roa_task()["failures"] > 0, 20)
    assert web.url in world.roa_task()["last_error"]
    assert not web.tokens  # of the control plane or anybody

    web.text = file_of(OWN_ROAS)
    web.start()
    wait_for("the operator says that it may shrink",
             lambda: world.node.agent("sync", "--allow-mass-delete") and "172.20.1.0/24" not in roa_file.read_text(), 60, 2)
    world.settles(set())
