"""BIRD is hung, another one, or behind a socket that is none, or the agent may not reach it: tunnels are kept right all the same, /status
names the cause, and what waited is done once BIRD is back."""
import os
import signal
import socket
import threading

import pytest

from conftest import World
from lab import wait_for
from lab.waiting import holds_for

pytestmark = pytest.mark.soak  # minutes

ENABLED, DELETE = 2, 5


@pytest.fixture
def one(world):
    """One session, Established."""
    world.kept, world.kept_uuid = world.add()
    world.node.start_agent()
    world.reaches(world.kept_uuid, ENABLED)
    world.up(world.kept)
    return world


def problem(world):
    return world.node.status()["bird"]["problem"]


def mtu_is(world, mtu):
    return world.node.links()[f"dn42_{world.kept.asn}"]["mtu"] == mtu


def what_needs_no_bird_is_done(world, mtu):
    world.fake.change(world.kept_uuid, mtu=mtu)
    wait_for(f"MTU {mtu}", lambda: mtu_is(world, mtu), 40)


def all_is_well(world, *sessions):
    for foreign, uuid in ((world.kept, world.kept_uuid), *sessions):
        world.reaches(uuid, ENABLED, 60)
        world.up(foreign, 60)
    assert problem(world) == ""


def test_hung(one):
    newcomer, uuid = one.add()
    one.node.bird_process.send_signal(signal.SIGSTOP)
    try:
        one.node.api("/sync")
        wait_for("/status names it", lambda: problem(one), 40)
        assert "BIRD" in problem(one)
        what_needs_no_bird_is_done(one, 1377)
        assert one.fake.status_of(uuid) != ENABLED
        assert one.node.api("/status", seconds=1)[0] == 200, "nobody waits for BIRD who asks the agent"
    finally:
        one.node.bird_process.send_signal(signal.SIGCONT)
    all_is_well(one, (newcomer, uuid))


def test_killed_amid_a_change_and_restarted(one):
    """It dies with sessions under way to it."""
    newcomers = [one.add() for _ in range(3)]
    one.fake.change(one.kept_uuid, data={"importLimit": 4000})
    one.node.bird_process.send_signal(signal.SIGSTOP)  # so that the change is certain to be under way
    one.node.api("/sync")
    wait_for("tunnels", lambda: all(f"dn42_{foreign.asn}" in one.node.links() for foreign, _ in newcomers))
    one.node.stop(one.node.bird_process, number=signal.SIGKILL)
    wait_for("/status names it", lambda: str(one.node.birdc.path) in problem(one), 40)
    one.node.start_bird()
    all_is_well(one, *newcomers)
    assert "import limit 4000 " in (one.node.folder / f"peers/dn42_{one.kept.asn}.conf").read_text()
    assert not (one.node.folder / "peers/.moenet-stage").exists()


@pytest.mark.parametrize("before, after", [("bird2", "bird3"), ("bird3", "bird2"), ("bird2.17", "bird3")])
def test_restarted_with_another_version(lab, before, after):
    world = World(lab, before)
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    old, files = world.node.status()["bird"]["version"], world.node.files()
    daemons = world.node.daemons()
    world.node.stop(world.node.bird_process)
    world.node.bird = after
    world.node.start_bird()
    world.up(foreign, 30)
    wait_for("/status has the other version", lambda: world.node.status()["bird"]["version"] not in (old, ""), 30)
    other, other_uuid = world.add()
    world.reaches(other_uuid, ENABLED)
    world.up(other)
    world.fake.change(uuid, status=DELETE)
    wait_for("it is gone", lambda: world.node.traces_of(foreign.asn) == [])
    assert files == [f"dn42_{foreign.asn}.conf"] and f"dn42_{foreign.asn}" in daemons and problem(world) == ""


def garbage(link):
    link.sendall(b"\xff\x00HTTP/1.1 400 Bad Request\r\n\r\n")


def endless(link):
    while True:
        link.sendall(b"0001-BIRD 2.0.12 ready.\n" * 1000)


def greeting_alone(link):
    link.sendall(b"0001 BIRD 2.0.12 ready.\n")
    link.recv(1)


def nothing(link):
    link.recv(1)


class Impostor:
    """Listens where BIRD did, and says to everyone what `say(link)` does; ends with the test."""

    def __init__(self, path, say):
        self.say, self.links = say, []
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(path))
        self.door.listen(16)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            while True:
                link, _ = self.door.accept()
                self.links.append(link)
                threading.Thread(target=self._answer, args=(link,), daemon=True).start()
        except OSError:
            return

    def _answer(self, link):
        try:
            self.say(link)
        except OSError:
            return

    def close(self):
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        for link in self.links:
            link.close()


@pytest.mark.parametrize("say", [garbage, endless, greeting_alone, nothing], ids=lambda say: say.__name__)
def test_somebody_else_is_at_its_socket(lab, say):
    world = World(lab, "bird2")
    world.kept, world.kept_uuid = world.add()
    world.node.start_agent()
    world.reaches(world.kept_uuid, ENABLED)
    world.up(world.kept)
    world.node.stop(world.node.bird_process)
    path = world.node.folder / "bird.ctl"
    path.unlink(missing_ok=True)
    impostor = Impostor(path, say)
    try:
        newcomer, uuid = world.add()
        wait_for("somebody was asked", lambda: impostor.links, 30)
        wait_for("/status names it", lambda: problem(world), 40)
        what_needs_no_bird_is_done(world, 1377)
        assert world.fake.status_of(uuid) != ENABLED
    finally:
        impostor.close()
    path.unlink()
    world.node.start_bird()
    all_is_well(world, (newcomer, uuid))


def test_a_new_socket_takes_the_place_of_the_old(one):
    """BIRD runs on under another name while a second one answers at the path: what the agent says goes to one of them, whole."""
    path = one.node.folder / "bird.ctl"
    path.rename(path.with_suffix(".old"))
    one.node.stop(one.node.bird_process)
    wait_for("/status names it", lambda: problem(one), 40)
    path.mkdir()  # nobody can listen there now
    newcomer, uuid = one.add()
    what_needs_no_bird_is_done(one, 1388)
    assert problem(one) and one.fake.status_of(uuid) != ENABLED
    path.rmdir()
    one.node.start_bird()
    all_is_well(one, (newcomer, uuid))


@pytest.mark.parametrize("what", ["bird.ctl", "peers"])
def test_the_right_to_reach_it_is_taken(lab, what):
    """From root without CAP_DAC_OVERRIDE, which a mode stops as it stops any user."""
    world = World(lab, "bird2")
    world.kept, world.kept_uuid = world.add()
    world.node.start_agent(before=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    world.reaches(world.kept_uuid, ENABLED)
    world.up(world.kept)
    before = world.node.birdc.protocols()[f"dn42_{world.kept.asn}"]
    path = world.node.folder / what
    mode = path.stat().st_mode & 0o7777
    path.chmod(0o500 if path.is_dir() else 0)
    if what == "bird.ctl":  # a connection that is open stays so: it must make a new one
        world.node.stop_agent()
        world.node.start_agent(before=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    newcomer, uuid = world.add()
    wait_for("/status names it", lambda: "ermission denied" in problem(world) and what in problem(world), 40)
    what_needs_no_bird_is_done(world, 1377)
    assert world.fake.status_of(uuid) != ENABLED
    holds_for("BGP", lambda: world.node.is_established(world.kept.asn), 0.3)
    os.chmod(path, mode)
    all_is_well(world, (newcomer, uuid))
    assert world.node.birdc.protocols()[f"dn42_{world.kept.asn}"] == before
