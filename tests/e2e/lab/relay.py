"""A relay in user space that makes packets late or loses them, where the kernel has no netem: a TUN device from which it takes IPv4
packets and into which it puts them back after the delay of their link. A link is a pair of addresses, both directions alike.

    relay.py SOCKET serve TUN                  until it is killed
    relay.py SOCKET delay ADDRESS ADDRESS MS   one way, in milliseconds; links that are not named pass at once
    relay.py SOCKET cut ADDRESS ADDRESS        loses everything from now on, what is under way too
    relay.py SOCKET join ADDRESS ADDRESS       the opposite
"""
import asyncio
import contextlib
import fcntl
import ipaddress
import os
import socket
import struct
import sys

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_MOST_BYTES = 65536


class Relay:
    def __init__(self, tun):
        self.tun, self.seconds, self.cut = tun, {}, set()

    def take(self):
        packet = os.read(self.tun, _MOST_BYTES)
        if len(packet) >= 20 and packet[0] >> 4 == 4:
            link = frozenset((packet[12:16], packet[16:20]))  # source and destination (RFC 791)
            asyncio.get_running_loop().call_later(self.seconds.get(link, 0), self.give, link, packet)

    def give(self, link, packet):
        if link not in self.cut:
            with contextlib.suppress(BlockingIOError):  # a full device loses packets, as a full line does
                os.write(self.tun, packet)

    def obey(self, verb, one, other, milliseconds="0"):
        link = frozenset(ipaddress.IPv4Address(address).packed for address in (one, other))
        if verb == "delay":
            self.seconds[link] = float(milliseconds) / 1000
        elif verb == "cut":
            self.cut.add(link)
        elif verb == "join":
            self.cut.discard(link)
        else:
            raise ValueError(f"what is {verb}?")

    async def answer(self, reader, writer):
        try:
            self.obey(*(await reader.readline()).decode().split())
            writer.write(b"ok\n")
        except (ValueError, TypeError) as error:
            writer.write(f"{error}\n".encode())
        writer.close()


async def serve(path, name):
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    relay = Relay(tun)
    asyncio.get_running_loop().add_reader(tun, relay.take)
    async with await asyncio.start_unix_server(relay.answer, path) as server:
        await server.serve_forever()


def tell(path, *words):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        link.connect(str(path))
        link.sendall(" ".join(map(str, words)).encode() + b"\n")
        answer = link.makefile().read().strip()
    if answer != "ok":
        raise RuntimeError(f"relay: {' '.join(map(str, words))}: {answer}")


if __name__ == "__main__":
    if sys.argv[2] == "serve":
        asyncio.run(serve(sys.argv[1], sys.argv[3]))
    else:
        tell(sys.argv[1], *sys.argv[2:])
