#!/usr/bin/env python3
"""The bare work of a setup: the devices of SPEC made by a minimal loop, all WireGuard daemons started together, one `configure`.
Run inside a node's namespaces by node_bench.py; prints the seconds and the CPU seconds of itself and its tools as JSON."""
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys
import time


def ask_bird(path, command):
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        stream = link.makefile("rb")
        for text in (None, command):
            if text:
                link.sendall(text.encode() + b"\n")
            for line in stream:
                if re.match(rb"\d{4} ", line):
                    break
    return line.decode()


def ask_daemon(name, text, seconds):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(seconds)
        link.connect(f"/run/wireguard/{name}.sock")
        link.sendall(text.encode())
        return link.makefile("rb").read(1)


def wait_until_it_answers(name):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if ask_daemon(name, "get=1\n\n", 0.25):
                return
        except OSError:
            time.sleep(0.002)
    sys.exit(f"the daemon of {name} does not answer (fs.inotify.max_user_instances used up?)")


def main():
    spec = json.loads(pathlib.Path(sys.argv[1]).read_text())
    begun = time.monotonic()
    null = os.open("/dev/null", os.O_RDWR)
    to_null = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
    starting = [os.posix_spawnp("wireguard-go", ["wireguard-go", device["name"]], os.environ, file_actions=to_null, setsid=True)
                for device in spec["devices"]]
    for pid in starting:
        os.waitpid(pid, 0)
    links = ""
    for device in spec["devices"]:
        wait_until_it_answers(device["name"])
        ask_daemon(device["name"], device["set"], 5)
        links += f"link set {device['name']} mtu 1420 addrgenmode none\nlink set {device['name']} alias {device['alias']}\n"
        links += "".join(f"addr add {address} dev {device['name']}\n" for address in device["addresses"])
        links += f"link set {device['name']} up\n"
    subprocess.run(["ip", "-batch", "-"], input=links.encode(), check=True)
    for name, text in spec["files"].items():
        pathlib.Path(spec["folder"], name).write_text(text)
    answer = ask_bird(spec["bird"], "configure")
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"seconds": time.monotonic() - begun, "bird": answer.strip(),
                      "cpu": sum(use.ru_utime + use.ru_stime for use in spent)}))


main()
