"""moenet-controlplane as a service: configuration, TLS, signals, what systemd is told."""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess

import pytest

from lab import ControlPlane, wait_for
from lab.controlplane import PROGRAM
from lab.node import ROOT


def make_certificate(folder, name, days=30):
    key, request, certificate = (folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
    run = lambda *words: subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: E731
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
        "-keyout", key, "-out", request)
    run("openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", str(days), "-out", certificate)
    return certificate, key


def checked(folder, words, environment=None):
    file = folder / "checked.json"
    file.write_text(json.dumps(words))
    file.chmod(0o600)
    done = subprocess.run([PROGRAM, "-c", file, "check-config"], capture_output=True, text=True, check=False, timeout=20,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stderr


def test_check_config_names_every_fault(tmp_path):
    assert checked(tmp_path, {})[0] == 0
    status, said = checked(tmp_path, {"listen": "everywhere", "drain": -1, "lisen": 1})
    assert status == 78 and re.search("^listen: ", said, re.M) and re.search("^drain: ", said, re.M), said
    assert checked(tmp_path, {"sharedKeyFile": "/none"})[0] == 78
    assert "drain" in checked(tmp_path, {"drain": 99})[1]
    assert checked(tmp_path, {"drain": 1}, {"MOENET_CP_LOG_LEVEL": "loud"})[0] == 78


def test_the_example_is_sound(tmp_path):
    status, said = checked(tmp_path, json.loads((ROOT / "packaging/controlplane.example.json").read_text()))
    assert (status, said) == (0, "")


def test_certificates_that_nobody_would_believe_are_refused(tmp_path):
    certificate, key = make_certificate(tmp_path, "one")
    other, _ = make_certificate(tmp_path, "two")
    old, old_key = make_certificate(tmp_path, "old", -1)
    tls = lambda crt, k: {"listen": "https://127.0.0.1:0", "tls": {"certificate": str(crt), "key": str(k)}}  # noqa: E731
    assert checked(tmp_path, tls(certificate, key)) == (0, "")
    assert checked(tmp_path, tls(other, key)) == (78, f"{key} is not the key of {other}\n")
    status, said = checked(tmp_path, tls(old, old_key))
    assert status == 78 and re.fullmatch(f"{old}: expired on .*\n", said), said


class Listener:
    """What systemd would hear."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)
        self.path = str(path)

    def hear(self, word):
        while True:
            said = self.socket.recv(4096).decode()
            if word in said:
                return said


def secure_connection(control_plane, port=8443):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    link = http.client.HTTPSConnection(control_plane.address, port, timeout=10, context=context)
    with control_plane.entered():
        link.connect()
    return link


def common_name(link):
    der = link.sock.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der, capture_output=True, check=True).stdout
    return text.decode().split("=")[-1].strip()


def status_of(link, path="/health", headers=None):
    link.request("GET", path, headers=headers or {})
    answer = link.getresponse()
    answer.read()
    return answer.status


@pytest.fixture
def secured(lab, tmp_path):
    make_certificate(tmp_path, "one")
    make_certificate(tmp_path, "two")
    for end in ("crt", "key"):
        (tmp_path / f"now.{end}").write_bytes((tmp_path / f"one.{end}").read_bytes())
        (tmp_path / f"now.{end}").chmod(0o600)
    one = ControlPlane(lab, config={"listen": ["198.51.100.2:8080", "https://198.51.100.2:8443"],
                                    "tls": {"certificate": str(tmp_path / "now.crt"), "key": str(tmp_path / "now.key")}})
    one.pem = tmp_path
    return one


def test_a_reload_takes_a_new_certificate_and_drops_nobody(secured):
    before = secure_connection(secured)
    assert common_name(before) == "one" and status_of(before) == 200
    for end in ("crt", "key"):
        (secured.pem / f"now.{end}").write_bytes((secured.pem / f"two.{end}").read_bytes())
    secured.process.send_signal(signal.SIGHUP)
    wait_for("the new certificate", lambda: common_name(secure_connection(secured)) == "two", 10)
    assert status_of(before) == 200, "the connection of before goes on"
    (secured.pem / "now.crt").write_bytes((secured.pem / "one.crt").read_bytes())
    secured.process.send_signal(signal.SIGHUP)
    wait_for("the fault is named", lambda: "is not the key of" in (secured.folder / "controlplane.log").read_text(), 10)
    after = secure_connection(secured)
    assert common_name(after) == "two" and status_of(after) == 200, "the old one stays in force"


def test_plain_http_on_the_tls_port_learns_nothing(secured):
    with secured.entered():
        link = socket.create_connection((secured.address, 8443), timeout=10)
    link.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    heard = b""
    try:
        while piece := link.recv(4096):
            heard += piece
    except ConnectionResetError:
        pass
    assert b"HTTP/" not in heard and b"moenet" not in heard


def test_a_reload_says_what_needs_a_restart_and_takes_the_rest(lab):
    one = ControlPlane(lab, config={"listen": "198.51.100.2:8080", "logLevel": "info"})
    log = one.folder / "controlplane.log"
    one.write_config({"logLevel": "warning", "listen": ["198.51.100.2:8080", "198.51.100.2:8081"], "limits": {"workers": 2}})
    one.process.send_signal(signal.SIGHUP)
    wait_for("it says so", lambda: re.search(r'needs a restart.*"?limits', log.read_text()), 10)
    assert re.search(r"needs a restart.*listen, limits", log.read_text())
    (one.folder / "config.json").write_text("{")
    one.process.send_signal(signal.SIGHUP)
    wait_for("the fault is named", lambda: "the old one stays in force" in log.read_text(), 10)
    assert one.is_healthy()


def test_systemd_hears_when_it_is_ready_works_and_stops(lab):
    listener = Listener(lab.folder / "notify")
    one = ControlPlane(lab, environment={"NOTIFY_SOCKET": listener.path, "WATCHDOG_USEC": "400000"})
    listener.hear("READY=1")
    assert one.http("GET", "/ready")[0] == 200
    for _ in range(5):  # also while nobody asks anything
        listener.hear("WATCHDOG=1")
    one.process.send_signal(signal.SIGTERM)
    listener.hear("STOPPING=1")
    assert one.process.wait(timeout=20) == 0


def test_a_stop_answers_every_waiting_read(lab):
    one = ControlPlane(lab)
    token = one.command("node", "add", "jp1", "--region", "AS-E").splitlines()[-1]
    _, headers, _ = one.http("GET", "/api/v1/agent/jp1/sessions", token=token)
    wait = {"If-None-Match": headers["ETag"], "Prefer": "wait=50", "Authorization": f"Bearer {token}"}
    links = []
    for _ in range(300):
        link = http.client.HTTPConnection(one.address, 8080, timeout=30)
        with one.entered():
            link.connect()
        link.request("GET", "/api/v1/agent/jp1/sessions", headers=wait)
        links.append(link)

    def all_are_read():  # the server's ends, with nothing in their queues
        ends = one.run("ss", "-Htn", "state", "established", "sport", "=", ":8080").splitlines()
        return len(ends) >= 300 and all(end.split()[0] == "0" for end in ends)

    wait_for("the server has read all", all_are_read, 60, 0.1)
    assert one.stop(one.process, 20) == 0
    answers = [link.getresponse() for link in links]
    assert [(answer.status, answer.headers["ETag"]) for answer in answers] == [(304, headers["ETag"])] * 300


def test_a_drain_says_no_to_the_balancer_and_goes_on_for_everybody_else(lab):
    one = ControlPlane(lab, config={"drain": 20})
    assert one.http("GET", "/ready")[0] == 200
    one.process.send_signal(signal.SIGTERM)
    wait_for("/ready says no", lambda: one.http("GET", "/ready")[0] == 503, 10)
    assert json.loads(one.http("GET", "/ready")[2])["reason"] == "stopping"
    assert one.http("GET", "/health")[0] == 200
    assert one.command("node", "list", check=False)[0] == 0
    one.process.send_signal(signal.SIGTERM)  # enough
    assert one.process.wait(timeout=15) == 0


def test_only_a_trusted_proxy_names_the_client(lab):
    one = ControlPlane(lab)
    guess = lambda client: one.http("GET", "/api/v1/admin/nodes", token="wrong",  # noqa: E731
                                    headers={"X-Forwarded-For": client})[1]["X-RateLimit-Remaining"]
    first = int(guess("203.0.113.1"))
    assert int(guess("203.0.113.2")) == first - 1, "all are the one who connects"
    one.write_config({"trustedProxies": [one.address]})
    one.process.send_signal(signal.SIGHUP)
    wait_for("it is taken", lambda: "configuration read again" in (one.folder / "controlplane.log").read_text(), 10)
    fresh = int(guess("203.0.113.3"))
    assert fresh == int(guess("203.0.113.4")) == int(guess("6.6.6.6, 203.0.113.5")), "each client has its own count"
    assert int(guess("203.0.113.3")) == fresh - 1
