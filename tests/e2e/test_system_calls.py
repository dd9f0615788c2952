"""The filter of system calls is there, for the daemons too, and can be switched off. That it refuses nothing which they need is seen in
every test: conftest.py looks into the kernel's log."""
import pathlib
import re

import pytest

ENABLED = 2


def filters_of(pid):
    return int(re.search(r"Seccomp_filters:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii"))[1])


@pytest.mark.parametrize("wanted", [True, False], ids=["on", "off"])
def test_the_agent_and_its_daemons_are_held_to_the_calls_that_they_need(world2, wanted):
    foreign, uuid = world2.add()
    node, before = world2.node, filters_of("self")
    node.write_config(world2.fake.url, world2.fake.token, sandbox={"seccomp": wanted})
    agent = node.start_agent()
    world2.reaches(uuid, ENABLED)
    world2.up(foreign)
    daemons = list(node.daemons().values())
    assert len(daemons) == 1
    assert [filters_of(pid) - before > 0 for pid in (agent.pid, *daemons)] == [wanted, wanted]
    assert "system calls are not filtered" not in node.agent_log()
