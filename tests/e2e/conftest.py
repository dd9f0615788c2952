"""Fixtures of the end to end tests. A failing test shows the end of every log of its lab; MOENET_LOGS names a folder that gets all."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lab import FakeControlPlane, ForeignRouter, Lab, MoenetNode, SessionKind, Space, bird_programs, wait_for  # noqa: E402
from lab.kernel_log import KernelLog  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: takes minutes; runs where MOENET_SOAK is set, as ./dev soak does")
    if os.geteuid() != 0:
        pytest.exit("end to end tests need root for their network namespaces: ./dev test", returncode=2)
    missing = {"bird2", "bird2.17", "bird3"} - set(bird_programs())
    if missing:
        pytest.exit(f"no {' and no '.join(sorted(missing))} on this machine: ./dev setup", returncode=2)


def pytest_collection_modifyitems(config, items):
    """What takes minutes of waiting alone belongs to `./dev soak`, and is not counted as passed or skipped elsewhere."""
    if not os.environ.get("MOENET_SOAK"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("soak")])
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab is not None and report.when == "call":
        for name, text in lab.logs():
            report.sections.append((name, text))
        if os.environ.get("MOENET_LOGS"):
            lab.save_logs(pathlib.Path(os.environ["MOENET_LOGS"]) / item.name.replace("/", "_"))


@pytest.fixture(params=["bird2", "bird3"])
def bird(request):
    return request.param


@pytest.fixture
def lab():
    with Lab() as one:
        yield one


@pytest.fixture(autouse=True)
def kernel_log():
    """Nothing that the agent or its daemons need is refused to them. Tests that run beside may be the ones that are meant."""
    with KernelLog() as log:
        yield
        assert log.refused() == [], "refused by the agent's filter (agent/system_calls)"


class World:
    """A node and a fake control plane, and as many foreign routers as a test asks for."""

    def __init__(self, lab, bird, **node):
        self.lab, self.bird = lab, bird
        self.fake = FakeControlPlane(Space(lab, "cp", 2))
        self.node = MoenetNode(lab, bird=bird, **node)
        self.node.write_config(self.fake.url, self.fake.token)
        self.foreign = []

    def add(self, kind=SessionKind.LINK_LOCAL, status=4, bird="bird2", **fields):
        """A foreign router that waits for us, and its row at the control plane. Returns (router, row's uuid)."""
        foreign = ForeignRouter(self.lab, len(self.foreign) + 1, bird)
        self.foreign.append(foreign)
        self.node.expected_by(foreign, kind)
        row = self.node.row(foreign, kind, status, **fields)
        with self.fake.lock:
            self.fake.rows.append(row)
        return foreign, row["uuid"]

    def add_crowd(self, count, status=4):
        """`count` sessions with one foreign router that plays as many systems. Returns [(face, row's uuid)]."""
        router = ForeignRouter(self.lab, 50)
        faces = router.crowd(count, self.node, self.node.endpoint_for)
        rows = [self.node.row(face, status=status) for face in faces]
        with self.fake.lock:
            self.fake.rows.extend(rows)
        return [(face, row["uuid"]) for face, row in zip(faces, rows)]

    def reaches(self, uuid, status, seconds=20):
        def look():
            now = self.fake.status_of(uuid)
            assert now == status, f"status {now}, error {self.fake.error_of(uuid)!r}"
            return True

        wait_for(f"status {status} of {uuid}", look, seconds)

    def up(self, foreign, seconds=20):
        wait_for(f"BGP with {foreign.name}",
                 lambda: self.node.is_established(foreign.asn) and foreign.is_established(self.node.asn), seconds)


@pytest.fixture
def world(lab, bird):
    return World(lab, bird)


@pytest.fixture
def world2(lab):
    """With BIRD 2 only: where the subject has nothing to do with BIRD's version."""
    return World(lab, "bird2")
