#!/bin/bash
# gre.sh: sessions over gre, ip6gre and the kernel's WireGuard side by side, with peers that are set up as the control plane tells
# them to; as mesh.sh. What is asserted is in gre_guest.sh. About 60 s of CPU.
exec "$(dirname "$0")/mesh.sh" gre_guest.sh
