"""The lab itself, without anything of ours: what every other test stands on."""
import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest

from lab import ForeignRouter, SessionKind, wait_for


@pytest.mark.parametrize("kind", list(SessionKind), ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("birds", [("bird2", "bird2"), ("bird2", "bird3"), ("bird3", "bird3")], ids="-".join)
def test_two_foreign_routers_peer_and_pass_traffic(lab, kind, birds):
    a, b = ForeignRouter(lab, 1, birds[0]), ForeignRouter(lab, 2, birds[1])
    a.peer(kind, b, endpoint=f"{b.address}:{b.port}")
    b.peer(kind, a, endpoint=f"{a.address}:{a.port}")
    wait_for("both ends Established", lambda: a.is_established(b.asn) and b.is_established(a.asn))
    wait_for("ping", lambda: a.run("ping", "-c1", "-W1", "-I", a.ipv4, b.ipv4, check=False)[0] == 0, 10)


def test_a_foreign_router_has_sessions_with_two_routers_of_one_system(lab):
    a, b, c = (ForeignRouter(lab, i) for i in (1, 2, 3))
    c.asn = b.asn
    for line, other in enumerate((b, c)):
        a.peer(SessionKind.LINK_LOCAL, other, endpoint=f"{other.address}:{other.port}", line=line)
        other.peer(SessionKind.LINK_LOCAL, a, endpoint=f"{a.address}:{a.port_of(line)}")
    wait_for("both Established", lambda: a.is_established(b.asn) and a.is_established(b.asn, 1))


def test_a_lab_whose_process_is_killed_leaves_nothing(lab):
    script = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
        from lab import Lab, ForeignRouter
        lab = Lab()
        ForeignRouter(lab, 1)
        print(lab.folder, *[space.pid for space in lab.spaces.values()], flush=True)
        time.sleep(600)
    """)
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    folder, *holders = other.stdout.readline().split()
    assert pathlib.Path(folder).exists() and lab.folder.exists()
    other.send_signal(signal.SIGKILL)
    other.wait()
    wait_for("the folder is gone", lambda: not pathlib.Path(folder).exists(), 10)
    assert not [pid for pid in holders if os.path.exists(f"/proc/{pid}/ns/net")]
