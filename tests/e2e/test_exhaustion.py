"""The agent is out of descriptors, may start no process, or gets no more memory: it lives, spends no core on it, says what it lacks, and
goes on by itself when there is enough again. What runs does not notice."""
import os
import socket

import pytest

from lab import fake_controlplane, wait_for
from lab.waiting import holds_for

pytestmark = pytest.mark.soak  # minutes

ENABLED, PENDING, PROBLEM = 2, 3, 6

# As a user of its own: no limit on processes holds for root.
_CAPABILITIES = "+net_admin,+net_raw,+dac_override,+chown,+fowner"
_BECOME = ("setpriv", f"--reuid={2_000_000 + os.getpid() % 1_000_000}", "--clear-groups")
_AS_A_USER = (*_BECOME, f"--inh-caps={_CAPABILITIES}", f"--ambient-caps={_CAPABILITIES}")


@pytest.fixture
def one(world2):
    """One session, Established."""
    world2.kept, world2.kept_uuid = world2.add()
    world2.node.start_agent(before=_AS_A_USER)
    world2.reaches(world2.kept_uuid, ENABLED)
    world2.up(world2.kept)
    world2.before = world2.node.birdc.protocols()[f"dn42_{world2.kept.asn}"]
    return world2


def limit(world, name, value):
    """Sets the soft limit, as the same user: root may not everywhere. Returns the one that was."""
    prlimit = (*_BECOME, "prlimit", "--pid", world.node.agent_process.pid)
    was = world.node.run(*prlimit, f"--{name}", "--output=SOFT", "--noheadings").strip()
    world.node.run(*prlimit, f"--{name}={value}:")
    return was


def cpu_seconds(process):
    """What it has used so far."""
    words = open(f"/proc/{process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def all_is_well(world, foreign, uuid):
    world.reaches(uuid, ENABLED, 90)
    world.up(foreign, 60)
    world.reaches(world.kept_uuid, ENABLED, 90)  # a problem meanwhile, where its device could not be read
    assert world.node.birdc.protocols()[f"dn42_{world.kept.asn}"] == world.before
    assert world.node.agent_process.poll() is None, "it is the process that was"


def test_out_of_descriptors(one):
    process = one.node.agent_process
    was = limit(one, "nofile", "5")  # what is open stays open
    foreign, uuid = one.add()
    one.fake.misbehave("*", fake_controlplane.hang_up)  # so that it needs new connections
    wait_for("the log says it", lambda: "Too many open files" in one.node.agent_log(), 40)
    one.fake.behave()
    begun = cpu_seconds(process)
    with one.node.entered():
        asking = [socket.create_connection(("127.0.0.1", 24368), 5) for _ in range(5)]  # the kernel takes them; the agent cannot
    holds_for("BGP and the agent", lambda: process.poll() is None and one.node.is_established(one.kept.asn), 2)
    assert cpu_seconds(process) - begun < 0.5, "it spins"
    limit(one, "nofile", was)
    for link in asking:
        link.close()
    all_is_well(one, foreign, uuid)


def test_no_process_can_be_started(one):
    was = limit(one, "nproc", "1")
    foreign, uuid = one.add()
    one.reaches(uuid, PROBLEM, 40)
    assert "Resource temporarily unavailable" in one.fake.error_of(uuid), one.fake.error_of(uuid)
    shown = next(session for session in one.node.status()["sessions"] if session["uuid"] == uuid)
    assert "Resource temporarily unavailable" in shown["cause"]
    assert one.node.traces_of(foreign.asn) == [], "nothing half made stays"
    one.fake.change(one.kept_uuid, mtu=1377)
    wait_for("what needs no process is done", lambda: one.node.links()[f"dn42_{one.kept.asn}"]["mtu"] == 1377)
    limit(one, "nproc", was)
    all_is_well(one, foreign, uuid)


def test_no_more_memory(one):
    process = one.node.agent_process
    size = next(int(line.split()[1]) for line in open(f"/proc/{process.pid}/status", encoding="ascii") if line.startswith("VmSize:"))
    was = limit(one, "as", f"{size * 1024}")
    foreign, uuid = one.add()
    many = [one.node.row(one.kept, status=PENDING, uuid=f"00000000-0000-4000-8000-{n:012d}", asn=4242422000 + n, description="x" * 1000)
            for n in range(10_000)]
    with one.fake.lock:
        one.fake.rows += many
    asked = one.fake.count("sessions")
    wait_for("it meets the list", lambda: one.fake.count("sessions") >= asked + 2, 40)
    wait_for("/status says it", lambda: "no memory" in one.node.status()["tasks"]["sessionSyncTask"]["last_error"], 40)
    assert one.node.is_established(one.kept.asn)
    limit(one, "as", was)
    all_is_well(one, foreign, uuid)
