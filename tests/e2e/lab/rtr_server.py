"""RtrServer: a cache that validating routers ask for ROAs (RFC 8210, versions 1 and 0), in a namespace, with a table that tests change.
Its routers are told of a change by Serial Notify, and get what differs. (A Cache Reset in its place would do by the RFC, and makes
BIRD wait for its retry interval.)"""
import ipaddress
import socket
import struct
import threading

_SERIAL_NOTIFY, _SERIAL_QUERY, _RESET_QUERY, _CACHE_RESPONSE = 0, 1, 2, 3
_IPV4_PREFIX, _IPV6_PREFIX, _END_OF_DATA, _CACHE_RESET, _ERROR_REPORT = 4, 6, 7, 8, 10
_SESSION = 0x4242
_UNSUPPORTED_VERSION = 4
_REFRESH, _RETRY, _EXPIRE = 3600, 600, 7200


def _pdu(version, kind, field, body=b""):
    """Section 5: version, type, session id (or zero, or error code), length of all."""
    return struct.pack("!BBHI", version, kind, field, 8 + len(body)) + body


class RtrServer:
    """`roas`: {(prefix, max length, AS number)}."""

    def __init__(self, space, port=8282, most_version=1):
        self.space, self.port, self.most_version = space, port, most_version
        self.roas, self.serial, self.versions = set(), 0, set()
        self._tables = {0: set()}  # by serial number
        self._lock, self._routers, self._listener = threading.Lock(), {}, None
        space.lab.at_exit.append(self.stop)

    def start(self):
        with self.space.entered():
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.space.address, self.port))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self):
        """As a server that dies: the port is closed, and so are all connections."""
        listener, self._listener = self._listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for link in self._routers:
                link.shutdown(socket.SHUT_RDWR)
            self._routers = {}

    def set(self, *roas):
        """Another table, of which the routers are told."""
        with self._lock:
            self.roas, self.serial = set(roas), self.serial + 1
            self._tables[self.serial] = self.roas
            for link, version in self._routers.items():
                link.sendall(_pdu(version, _SERIAL_NOTIFY, _SESSION, struct.pack("!I", self.serial)))

    def _accept(self, listener):
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        try:
            with link.makefile("rb") as stream:
                while self._answer(link, stream):
                    pass
        except OSError:
            pass
        with self._lock:
            self._routers.pop(link, None)
            link.close()

    def _answer(self, link, stream):
        header = stream.read(8)
        if len(header) < 8:
            return False
        version, kind, _, length = struct.unpack("!BBHI", header)
        body = stream.read(length - 8)
        if kind not in (_SERIAL_QUERY, _RESET_QUERY):
            return False
        if version > self.most_version:  # section 7
            link.sendall(_pdu(self.most_version, _ERROR_REPORT, _UNSUPPORTED_VERSION,
                              struct.pack("!I", 8) + header + struct.pack("!I", 0)))
            return False
        with self._lock:
            self._routers[link] = version
            self.versions.add(version)
            known = self._tables.get(struct.unpack("!I", body)[0]) if kind == _SERIAL_QUERY else set()
            link.sendall(_pdu(version, _CACHE_RESET, 0) if known is None else self._difference(version, known))
        return True

    def _difference(self, version, known):
        out = _pdu(version, _CACHE_RESPONSE, _SESSION)
        for is_announced, roas in ((0, known - self.roas), (1, self.roas - known)):
            for prefix, most, asn in sorted(roas):
                network = ipaddress.ip_network(prefix)
                body = struct.pack("!BBBB", is_announced, network.prefixlen, most, 0) + network.network_address.packed
                out += _pdu(version, _IPV4_PREFIX if network.version == 4 else _IPV6_PREFIX, 0, body + struct.pack("!I", asn))
        end = struct.pack("!I", self.serial)
        if version == 1:
            end += struct.pack("!III", _REFRESH, _RETRY, _EXPIRE)
        return out + _pdu(version, _END_OF_DATA, _SESSION, end)
