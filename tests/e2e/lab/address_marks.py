"""Which addresses of a link bear the agent's number. `ip -d addr` shows it as `proto 0x6d` from iproute2 6.3 on; Debian 12 has 6.1."""
import ipaddress
import socket
import struct

_IFA_ADDRESS, _IFA_LOCAL, _IFA_PROTO = 1, 2, 11  # linux/if_addr.h
_RTM_GETADDR, _NLMSG_DONE, _DUMP_REQUEST = 22, 3, 0x301
OUR_NUMBER = 0x6d


def _attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind, data[4:length]
        data = data[(length + 3) & ~3:]


def marked_addresses(space, link):
    """{"172.22.188.1/32", …}: those with the agent's protocol number."""
    found = set()
    with space.entered():
        index = socket.if_nametoindex(link)
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    with netlink:
        netlink.send(struct.pack("=IHHIIBBBBI", 24, _RTM_GETADDR, _DUMP_REQUEST, 1, 0, 0, 0, 0, 0, 0))
        while True:
            data = netlink.recv(1 << 16)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind == _NLMSG_DONE:
                    return found
                _, bits, _, _, of = struct.unpack_from("=BBBBI", data, 16)
                values = dict(_attributes(data[24:length]))
                if of == index and values.get(_IFA_PROTO) == bytes([OUR_NUMBER]):
                    found.add(f"{ipaddress.ip_address(values.get(_IFA_LOCAL, values.get(_IFA_ADDRESS)))}/{bits}")
                data = data[(length + 3) & ~3:]
