"""The way to the control plane is broken: its certificate has expired, or no name leads anywhere. What runs goes on, /status names the
cause, and once it is mended nobody has to help."""
import ssl

import pytest

from conftest import World
from lab import FakeControlPlane, wait_for
from test_control_plane_service import make_certificate

ENABLED = 2
CP, PEER = "cp.example", "peer1.example"


def sync_task(node):
    return node.status()["tasks"]["sessionSyncTask"]


def mtu_of(world, foreign):
    return world.node.links()[f"dn42_{foreign.asn}"]["mtu"]


@pytest.fixture
def secure(world2, tmp_path):
    """The control plane behind TLS, with two certificates that the node would believe; one has expired."""
    world2.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    address = world2.lab.spaces["cp"].address
    for name, days in (("valid", 30), ("expired", -1)):
        (tmp_path / name).mkdir()
        setattr(world2, name, make_certificate(tmp_path / name, address, days))
    trusted = world2.node.folder / "trusted.pem"
    trusted.write_text(world2.valid[0].read_text() + world2.expired[0].read_text())
    world2.node.run("mount", "--bind", trusted, "/etc/ssl/certs/ca-certificates.crt")
    world2.context.load_cert_chain(*world2.valid)
    world2.fake = FakeControlPlane(world2.lab.spaces["cp"], 8443, tls=world2.context)
    world2.node.write_config(world2.fake.url, world2.fake.token)
    return world2


def test_an_expired_certificate(secure):
    foreign, uuid = secure.add()
    secure.node.start_agent()
    secure.reaches(uuid, ENABLED)
    secure.up(foreign)
    since = secure.node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"]
    secure.context.load_cert_chain(*secure.expired)
    secure.node.stop_agent()  # its connections would last
    secure.node.start_agent()
    wait_for("the cause in /status", lambda: "expired" in sync_task(secure.node)["last_error"])
    asked = secure.fake.count("sessions")
    assert secure.node.status()["sessions_from"] == "state_file"
    secure.fake.change(uuid, mtu=1377)
    failures = sync_task(secure.node)["failures"]
    wait_for("it keeps trying", lambda: sync_task(secure.node)["failures"] > failures + 1, 40)
    assert secure.fake.count("sessions") == asked, "nothing was asked of one that nobody vouches for"
    assert mtu_of(secure, foreign) == 1420
    secure.context.load_cert_chain(*secure.valid)
    wait_for("the change", lambda: mtu_of(secure, foreign) == 1377, 60)
    assert secure.node.birdc.protocols()[f"dn42_{foreign.asn}"]["since"] == since


@pytest.fixture
def named(lab):
    """Control plane and one far end have names, which the node's own files lead to."""
    world = World(lab, "bird2")
    hosts, resolver = world.node.folder / "hosts", world.node.folder / "resolv.conf"
    resolver.write_text("nameserver 198.51.100.250\n")  # nobody
    names = f"127.0.0.1 localhost\n{world.lab.spaces['cp'].address} {CP}\n198.51.100.101 {PEER}\n"
    hosts.write_text(names)
    for path in (hosts, resolver):
        world.node.run("mount", "--bind", path, f"/etc/{path.name}")
    world.node.write_config(f"http://{CP}:8080", world.fake.token)
    world.forget_names = lambda: hosts.write_text("127.0.0.1 localhost\n")
    world.know_names = lambda: hosts.write_text(names)
    return world


def test_no_name_leads_anywhere(named):
    node = named.node
    by_name, uuid = named.add(endpoint=f"{PEER}:51001")
    other, other_uuid = named.add()
    node.start_agent()
    for foreign, session in ((by_name, uuid), (other, other_uuid)):
        named.reaches(session, ENABLED)
        named.up(foreign)
    before = node.birdc.protocols()
    named.forget_names()
    node.stop_agent()
    node.start_agent()
    wait_for("the cause in /status", lambda: CP in sync_task(node)["last_error"], 40)
    assert node.status()["sessions_from"] == "state_file"
    # what needs no name is kept right
    node.run("ip", "link", "set", f"dn42_{other.asn}", "mtu", 1300)
    wait_for("drift is repaired", lambda: mtu_of(named, other) == 1420)
    assert node.wireguard(f"dn42_{by_name.asn}")[1][0][2] == "198.51.100.101:51001", "the address that it had stays"
    named.fake.change(other_uuid, mtu=1355)
    named.know_names()
    wait_for("the change", lambda: mtu_of(named, other) == 1355, 60)
    assert node.status()["sessions_from"] == "control_plane"
    assert all(node.birdc.protocols()[f"dn42_{asn}"] == before[f"dn42_{asn}"] for asn in (by_name.asn, other.asn))
