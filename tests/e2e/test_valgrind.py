"""Both programs under valgrind, from start to stop with a session set up and removed in between: no error, and nothing lost."""
import pathlib
import shutil

import pytest

from lab import ControlPlane, ForeignRouter, MoenetNode, SessionKind, wait_for

pytestmark = pytest.mark.soak  # minutes

_SUPPRESSIONS = pathlib.Path(__file__).with_name("valgrind.supp")
_SLOWER = 120  # seconds that each step may take; 20 times what it takes without
_FAULTS = 99


def watched(log):
    """Words before a program. `log` gets what valgrind has to say; the program's status is _FAULTS when that is a fault."""
    assert shutil.which("valgrind"), "no valgrind on this machine: ./dev setup"
    return ("valgrind", "--quiet", f"--error-exitcode={_FAULTS}", "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite", f"--suppressions={_SUPPRESSIONS}", f"--log-file={log}", "--num-callers=30")


def test_a_session_from_start_to_stop(lab):
    said = {name: lab.folder / f"valgrind-{name}.log" for name in ("agent", "controlplane")}
    plane = ControlPlane(lab, before=watched(said["controlplane"]), seconds=_SLOWER)
    foreign, node = ForeignRouter(lab, 1), MoenetNode(lab)
    node.expected_by(foreign)
    node.write_config(plane.url, plane.add_node(node), controlPlane={"requestTimeout": 30})
    node.start_agent(wait=False, before=watched(said["agent"]))
    wait_for("the agent's API", node.status, _SLOWER, 0.5)
    uuid = plane.add_peer(node, foreign, SessionKind.LINK_LOCAL)
    plane.approve(uuid)
    wait_for("ENABLED", lambda: plane.status_of(uuid) == "ENABLED", _SLOWER, 0.5)
    wait_for("BGP", lambda: node.is_established(foreign.asn), _SLOWER, 0.5)
    assert node.api("/metrics")[0] == 200
    plane.delete(uuid)
    wait_for("the row is gone", lambda: plane.status_of(uuid) is None, _SLOWER, 0.5)
    wait_for("nothing is left", lambda: not node.traces_of(foreign.asn), _SLOWER, 0.5)
    ends = {"agent": node.stop(node.agent_process, _SLOWER), "controlplane": plane.stop(plane.process, _SLOWER)}
    assert ends == {"agent": 0, "controlplane": 0}, "\n".join(path.read_text()[:4000] for path in said.values())
