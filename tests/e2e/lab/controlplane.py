class ControlPlane: pass
class FakeControlPlane: pass
class MoenetNode: pass
