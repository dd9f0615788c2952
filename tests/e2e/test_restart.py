"""The agent ends, is killed, comes back, or meets a control plane that is away: tunnels and BGP stay."""
import os
import signal
import socket
import time

import pytest

from conftest import World
from lab import fake_controlplane, wait_for
from lab.waiting import holds_for

ENABLED = 2


def test_sigterm_ends_it_within_a_second_and_leaves_the_data_plane(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    begun = time.monotonic()
    assert world.node.stop_agent() == 0
    assert time.monotonic() - begun < 1.0
    holds_for("the session", lambda: foreign.is_established(world.node.asn) and world.node.is_established(foreign.asn), 0.3)


def test_sigterm_during_a_hanging_request_is_quick_too(world2):
    world2.fake.misbehave("sessions", fake_controlplane.hang)
    world2.node.start_agent()
    wait_for("the request hangs", lambda: world2.fake.count("sessions") > 0)
    begun = time.monotonic()
    assert world2.node.stop_agent() == 0
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize("moment", [1, 30], ids=["first_link", "all_links"])
def test_sigterm_amid_a_setup_leaves_nothing_half_made_and_the_next_start_completes_it(lab, moment):
    world = World(lab, "bird3")
    face, uuid = world.add_crowd(1)[0]
    # nobody calls the others and they call nobody: 60 daemons would use up half of a user's inotify instances
    rows = [world.node.row(face, uuid=f"00000000-0000-4000-8000-{n:012d}", asn=4242422000 + n, interface=f"dn42_{4242422000 + n}",
                           port=42000 + n, endpoint=None) for n in range(29)]
    world.fake.rows += rows
    uuids = [uuid, *[row["uuid"] for row in rows]]
    world.node.start_agent(wait=False)
    wait_for("links appear", lambda: len(tunnels(world)) >= moment, every=0.001)
    assert not [uuid for uuid in uuids if world.fake.status_of(uuid) == ENABLED], "too late: it has ended"
    begun = time.monotonic()
    assert world.node.stop_agent() == 0
    assert time.monotonic() - begun < 30
    unmarked = [name for name, link in tunnels(world).items() if not link.get("ifalias", "").startswith("moenet-agent ")]
    assert unmarked == []
    world.node.start_agent()
    for uuid in uuids:
        world.reaches(uuid, ENABLED, 30)
    wait_for("BGP", lambda: face.is_established(world.node.asn), 30)


def tunnels(world):
    return {name: link for name, link in world.node.links().items() if link.get("linkinfo", {}).get("info_kind") == "tun"}


def test_after_a_reboot_with_the_control_plane_down_the_node_comes_up_as_it_was(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, ENABLED)
    world.up(foreign)
    world.node.stop_agent()
    world.node.stop(world.node.bird_process)
    world.node.run("ip", "link", "del", f"dn42_{foreign.asn}")
    wait_for("the tunnel is gone", lambda: f"dn42_{foreign.asn}" not in world.node.links())
    world.fake.misbehave("sessions", fake_controlplane.error_500)
    world.node.start_bird()
    world.node.start_agent()
    world.up(foreign, 30)


def test_the_state_file_is_private_and_a_broken_one_is_no_obstacle(world2):
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, ENABLED)
    files = [path for path in (world2.node.folder / "state").rglob("*") if path.is_file()]
    assert files and all(oct(path.stat().st_mode & 0o777) == "0o600" for path in files if "lock" not in path.name)
    world2.node.stop_agent(signal.SIGKILL)
    for path in files:
        if "lock" not in path.name:
            path.write_bytes(os.urandom(100))
    world2.node.start_agent()
    world2.node.sync()
    world2.up(foreign)


def test_first_start_with_the_control_plane_down_keeps_trying(world2):
    foreign, uuid = world2.add()
    world2.fake.misbehave("sessions", fake_controlplane.error_500)
    process = world2.node.start_agent()
    wait_for("some tries", lambda: world2.fake.count("sessions") >= 3, 30)
    assert process.poll() is None
    world2.fake.behave()
    world2.reaches(uuid, ENABLED, 60)
    world2.up(foreign)


def test_bird_absent_at_the_start_is_waited_for(world2):
    world2.node.stop(world2.node.bird_process)
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.node.sync()
    assert world2.fake.status_of(uuid) != ENABLED
    world2.node.start_bird()
    world2.reaches(uuid, ENABLED, 40)
    world2.up(foreign)


def test_a_second_agent_on_the_node_refuses_to_start(world2):
    world2.node.start_agent()
    status, output = world2.node.agent("run", check=False, seconds=20)
    assert status != 0 and f"pid {world2.node.agent_process.pid}," in output, "it names who runs"
    assert world2.node.status()


def test_systemd_hears_ready_after_the_first_attempt_and_the_watchdog_is_fed(world2):
    """sd_notify(3) on a socket of ours."""
    path = str(world2.node.folder / "notify")
    foreign, _ = world2.add()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(20)
        world2.node.start_agent(wait=False, NOTIFY_SOCKET=path, WATCHDOG_USEC="2000000")
        seen = ""
        while "READY=1" not in seen:
            seen += notify.recv(4096).decode() + "\n"
        assert f"dn42_{foreign.asn}" in world2.node.links(), "ready before anything was attempted"
        while "WATCHDOG=1" not in seen:
            seen += notify.recv(4096).decode() + "\n"
        world2.node.agent_process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in seen:
            seen += notify.recv(4096).decode() + "\n"


def test_a_bad_reload_keeps_the_old_configuration_and_says_so(world2):
    foreign, uuid = world2.add()
    process = world2.node.start_agent()
    world2.reaches(uuid, ENABLED)
    (world2.node.folder / "config.json").write_text("{ this is no JSON")
    process.send_signal(signal.SIGHUP)
    wait_for("the log says so", lambda: "the new configuration is at fault; the old one stays in force" in world2.node.agent_log())
    world2.fake.change(uuid, mtu=1333)
    wait_for("it goes on", lambda: world2.node.links()[f"dn42_{foreign.asn}"]["mtu"] == 1333)
    assert process.poll() is None
