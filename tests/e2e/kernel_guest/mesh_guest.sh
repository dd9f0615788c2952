#!/sbin/dash
# mesh_guest.sh: runs as root in the machine that mesh.sh boots. Three nodes and their control plane, each in a network and a
# mount namespace of its own, on a bridge (198.51.100.0/24, RFC 5737):
#   jp1 (2, AS-E, client) == hk-rr (1, AS-E, reflector) == de-rr (11, EU-C, reflector)
# Regions meet at reflectors only, so jp1 and de-rr see each other through hk-rr. BIRD 3 on de-rr, BIRD 2 on the others.
# A check that fails ends it with the last of every log.
# shellcheck disable=SC2034  # nodes.sh reads these
set -eu
nodes="hk-rr jp1 de-rr"
more_config=
limit=90  # seconds for anything to become true: Babel says hello every 4 s, and an emulated machine on a busy host is slow

number_of() { case $1 in hk-rr) echo 1 ;; jp1) echo 2 ;; de-rr) echo 11 ;; cp) echo 90 ;; esac; }
region_of() { case $1 in de-rr) echo EU-C ;; *) echo AS-E ;; esac; }
code_of() { case $1 in de-rr) echo 302 ;; *) echo 101 ;; esac; }
bird_of() { case $1 in de-rr) echo bird3 ;; *) echo bird2 ;; esac; }
address_of() { echo "198.51.100.$(number_of "$1")"; }
ipv4_of() { echo "172.22.188.$(number_of "$1")"; }
ipv6_of() { echo "fd00:4242:7777:$(code_of "$1"):$(number_of "$1")::1"; }

# shellcheck source=tests/e2e/kernel_guest/nodes.sh
. /sbin/nodes.sh

# What is asserted, as questions
mesh_link() { echo "dn42-wg-igp-$(number_of "$1")"; }
hears() { has "$(ask_bird "$1" show babel neighbors)" "$(mesh_link "$2")"; }
has_ibgp() { has "$(ask_bird "$1" show protocols "ibgp_$(number_of "$2")")" Established; }
says_configured() { # after a look: on a machine as slow as this the agent looks by itself once a minute
  agent "$1" sync >/dev/null; has "$(status_of "$1")" "\"interface\":\"$(mesh_link "$2")\",\"state\":\"configured\""
}
reaches() { pings "$1" "$(ipv4_of "$2")" "$(ipv4_of "$1")" && pings "$1" "$(ipv6_of "$2")" "$(ipv6_of "$1")"; }
shakes_hands() { [ "$(at "$1" wg show "$(mesh_link "$2")" latest-handshakes | cut -f2)" -gt 0 ]; }
dies_after_one_hop() { # dies_after_one_hop FROM TO OF ROUTER
  has "$(at "$1" ping -n -c 1 -W 10 -t 1 -I "$3" "$2" || :)" "From $4 icmp_seq=1 Time"
}
runs_nothing_else() { # on the whole machine: programs that are none of the kernel's, this script's or named here
  found=
  for process in /proc/[0-9]*; do
    case $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null) in
      '' | "/bin/busybox sh /init "* | "/sbin/dash /program "* | "sleep 1000000 " | syslogd* | tr* | moenet-*" -c "* | moenet-*" serve "* | *"/bird -f "*) ;;
      *) found="$found $(tr '\0' ' ' <"$process/cmdline")" ;;
    esac
  done
  equal "$found" ''
}
# Of links and iBGP sessions of a node, what changes when one of them is made anew or goes down.
memory_of() { # memory_of NODE NEIGHBOR...
  node=$1; shift
  for neighbor in "$@"; do
    echo "link $(index_of "$node" "$(mesh_link "$neighbor")")"
    ask_bird "$node" show protocols "ibgp_$(number_of "$neighbor")" | awk 'END {print $1, $4, substr($5, 1, 8), $6}'  # to the second
  done
}

check_link() { # check_link NODE NEIGHBOR: the tunnel is as the wire contract wants it
  link=$(mesh_link "$2")
  text=$(link_text "$1" "$link")
  check "$1: $link is the kernel's wireguard" has "$text" "    wireguard "
  check "$1: $link has our mark" has "$text" "alias moenet-agent mesh/$(number_of "$2") "
  check "$1: $link has its port" equal "$(at "$1" wg show "$link" listen-port)" $((51820 + $(number_of "$2")))
  check "$1: $link dials $2" equal "$(at "$1" wg show "$link" endpoints)" \
    "$(at "$2" cat /node/public.key)	$(address_of "$2"):$((51820 + $(number_of "$1")))"
  check "$1: $link lets everything through" equal "$(at "$1" wg show "$link" allowed-ips | cut -f2)" "0.0.0.0/0 ::/0"
  check "$1: $link has two addresses" equal "$(addresses_on "$1" "$link")" \
    "$(ipv4_of "$1")/32 fe80::998:$(code_of "$1"):$(number_of "$1"):1/64 "
}

start_network $nodes
for node in $nodes; do bootstrap $node; done
for node in $nodes; do start_bird $node; done

# They find each other.
for pair in "hk-rr jp1" "jp1 hk-rr" "hk-rr de-rr" "de-rr hk-rr"; do
  await "$pair: handshake" shakes_hands $pair
  await "$pair: Babel" hears $pair
  check_link $pair
done
for node in jp1 de-rr; do check "$node: no other tunnel" equal "$(at $node wg show interfaces)" dn42-wg-igp-1; done
for node in $nodes; do
  text=$(link_text $node dn42-lo)
  check "$node: the loopback is a dummy" has "$text" "    dummy "
  check "$node: the loopback has our mark" has "$text" "alias moenet-agent loopback"
  check "$node: the loopback's addresses" equal "$(addresses_on $node dn42-lo)" "$(ipv4_of $node)/32 $(ipv6_of $node)/128 "
done
for pair in "jp1 hk-rr" "hk-rr de-rr" "jp1 de-rr" "de-rr jp1"; do await "$pair: pings between loopbacks, IPv4 and IPv6" reaches $pair; done
check "jp1 reaches de-rr through hk-rr, IPv4" dies_after_one_hop jp1 "$(ipv4_of de-rr)" "$(ipv4_of jp1)" "$(ipv4_of hk-rr)"
check "jp1 reaches de-rr through hk-rr, IPv6" dies_after_one_hop jp1 "$(ipv6_of de-rr)" "$(ipv6_of jp1)" "$(ipv6_of hk-rr)"
for pair in "hk-rr jp1" "jp1 hk-rr" "hk-rr de-rr" "de-rr hk-rr"; do
  await "$pair: iBGP" has_ibgp $pair
  await "$pair: the agent says so" says_configured $pair
done
check "no program for tunnels runs" runs_nothing_else
for node in $nodes; do
  check "$node: nothing is left to do" has "$(agent $node sync --json)" '"planned":0,'
done

# A link that somebody deletes comes back; its neighbor is not disturbed.
other=$(memory_of hk-rr jp1)
old=$(index_of hk-rr dn42-wg-igp-11)
at hk-rr ip link del dn42-wg-igp-11
await "hk-rr: the deleted link is there again" is_new hk-rr dn42-wg-igp-11 "$old"
await "hk-rr de-rr: handshake" shakes_hands hk-rr de-rr
check_link hk-rr de-rr
await "jp1 de-rr: pings again" reaches jp1 de-rr
check "hk-rr: the tunnel and iBGP to jp1 saw nothing of it" equal "$(memory_of hk-rr jp1)" "$other"
old=$(index_of hk-rr dn42-lo)
at hk-rr ip link del dn42-lo
await "hk-rr: the deleted loopback is there again" is_new hk-rr dn42-lo "$old"
await "hk-rr de-rr: iBGP" has_ibgp hk-rr de-rr
await "hk-rr jp1: iBGP" has_ibgp hk-rr jp1

# The agent is killed: nothing changes; it starts again: nothing changes.
before=$(memory_of hk-rr jp1 de-rr)
kill -9 "$(cat /tmp/hk-rr.agent.pid)"
wait "$(cat /tmp/hk-rr.agent.pid)" 2>/dev/null || :
await "without its agent hk-rr forwards" reaches jp1 de-rr
start_agent hk-rr
await "hk-rr: the agent is back, and jp1 configured" says_configured hk-rr jp1
await "hk-rr: the agent is back, and de-rr configured" says_configured hk-rr de-rr
check "hk-rr: nothing is left to do" has "$(agent hk-rr sync --json)" '"planned":0,'
check "hk-rr: tunnels and iBGP stayed" equal "$(memory_of hk-rr jp1 de-rr)" "$before"
await "jp1 de-rr: pings" reaches jp1 de-rr
say "all checks passed"
