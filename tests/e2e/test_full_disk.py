"""No space left where the agent writes, or nothing to be written there at all: what runs goes on, the error is said, and freed space
is all that is needed."""
import pytest

from lab import wait_for

ENABLED, PROBLEM = 2, 6
FOLDERS = ["state", "peers"]


@pytest.fixture
def small(world2):
    """A world whose node has state and peer folder on file systems of 64 kB each. They are in the node's mount namespace: look at
    them by its commands."""
    for name in FOLDERS:
        (world2.node.folder / name).mkdir(exist_ok=True)
        world2.node.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", world2.node.folder / name)
    return world2


def fill(world, name):
    status, output = world.node.run("dd", "if=/dev/zero", f"of={world.node.folder / name}/filler", "bs=4k", check=False)
    assert status != 0 and "No space left" in output


def free(world, name):
    world.node.run("rm", world.node.folder / name / "filler")


def state_error(world):
    return world.node.status()["tasks"]["stateFile"]["last_error"]


def is_kept(world, uuid):
    return world.node.run("grep", "-q", uuid, world.node.folder / "state/sessions.state", check=False)[0] == 0


def test_running_sessions_stay_and_new_ones_wait_for_space(small):
    foreign, uuid = small.add()
    small.node.start_agent()
    small.reaches(uuid, ENABLED)
    small.up(foreign)
    since = small.node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"]
    for name in FOLDERS:
        fill(small, name)
    small.fake.change(uuid, mtu=1380)
    newcomer, new_uuid = small.add()
    small.reaches(new_uuid, PROBLEM)
    assert "No space left" in small.fake.error_of(new_uuid)
    assert "No space left" in small.node.status()["bird"]["problem"]
    assert "No space left" in state_error(small)
    log = small.node.agent_log()
    assert "the last good state cannot be kept on disk" in log and "No space left" in log
    assert small.node.links()[f"dn42_{foreign.asn}"]["mtu"] == 1380, "what needs no disk is done"
    assert small.node.is_established(foreign.asn) and small.fake.status_of(uuid) == ENABLED
    for name in FOLDERS:
        free(small, name)
    small.reaches(new_uuid, ENABLED, 30)
    small.up(newcomer)
    assert small.node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"] == since
    wait_for("the state is kept again", lambda: is_kept(small, new_uuid))


def test_the_agent_starts_on_a_full_state_folder(small):
    foreign, uuid = small.add()
    fill(small, "state")
    small.node.start_agent()
    small.reaches(uuid, ENABLED)
    small.up(foreign)
    assert "No space left" in state_error(small)
    free(small, "state")
    wait_for("the state is kept", lambda: is_kept(small, uuid))


def turn_read_only(world):
    """By a second mount above the first, which cannot be remounted while the agent holds its lock's file open for writing."""
    for name in FOLDERS:
        folder = world.node.folder / name
        world.node.run("mount", "--bind", folder, folder)
        world.node.run("mount", "-o", "remount,bind,ro", folder)


def turn_writable(world):
    for name in FOLDERS:
        world.node.run("umount", "-l", world.node.folder / name)


def test_a_disk_that_turned_read_only(small):
    foreign, uuid = small.add()
    small.node.start_agent()
    small.reaches(uuid, ENABLED)
    small.up(foreign)
    since = small.node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"]
    turn_read_only(small)
    small.fake.change(uuid, mtu=1380)
    newcomer, new_uuid = small.add()
    small.reaches(new_uuid, PROBLEM)
    assert "Read-only file system" in small.fake.error_of(new_uuid)
    assert "Read-only file system" in small.node.status()["bird"]["problem"]
    assert "Read-only file system" in state_error(small)
    assert small.node.links()[f"dn42_{foreign.asn}"]["mtu"] == 1380, "what needs no disk is done"
    assert small.node.is_established(foreign.asn) and small.fake.status_of(uuid) == ENABLED
    turn_writable(small)
    small.reaches(new_uuid, ENABLED, 30)
    small.up(newcomer)
    assert small.node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"] == since
    wait_for("the state is kept again", lambda: is_kept(small, new_uuid))


def test_the_agent_starts_on_a_read_only_disk(small):
    """As after a reboot whose file system check failed: it starts with what the disk still says, and follows the control plane."""
    foreign, uuid = small.add()
    small.node.start_agent()
    small.reaches(uuid, ENABLED)
    small.up(foreign)
    small.node.stop_agent()
    turn_read_only(small)
    small.fake.change(uuid, mtu=1380)
    small.node.start_agent()
    wait_for("the change", lambda: small.node.links()[f"dn42_{foreign.asn}"]["mtu"] == 1380)
    assert small.node.is_established(foreign.asn)
    wait_for("/status says it", lambda: "Read-only file system" in state_error(small))
    turn_writable(small)
    small.fake.change(uuid, mtu=1390)
    state = small.node.folder / "state/sessions.state"
    wait_for("the state is kept", lambda: small.node.run("grep", "-q", "1390", state, check=False)[0] == 0)
