"""A DN42 in a box: namespaced routers with real BIRD and WireGuard, a MoeNet node, a control plane. Root is needed, the host's own
network is never touched, and nothing is left behind, whatever ends the process.

    with Lab() as lab:
        a = ForeignRouter(lab, 1)
"""
from .backbone import BackboneNode
from .birdc import Birdc, bird_programs
from .controlplane import ControlPlane
from .fake_controlplane import FakeControlPlane
from .foreign import ForeignRouter, SessionKind
from .network import Network
from .node import MoenetNode
from .probes import Stream, answer_traces, trace
from .route_speaker import Announcement
from .rtr_server import RtrServer
from .sea import Sea
from .space import Lab, Space
from .waiting import wait_for
from .web_file import WebFile

__all__ = ["Announcement", "BackboneNode", "Birdc", "ControlPlane", "FakeControlPlane", "ForeignRouter", "Lab", "MoenetNode", "Network",
           "RtrServer", "Sea", "SessionKind", "Space", "Stream", "WebFile", "answer_traces", "bird_programs", "trace", "wait_for"]
