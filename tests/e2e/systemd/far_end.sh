# shellcheck shell=bash
# far_end.sh: somebody else's router in a network namespace of its own, with WireGuard and BIRD: AS 4242420101, fe80::101. For checks.sh.

far_private=$(moenet-agent genkey)
# shellcheck disable=SC2034  # for checks.sh
far_public=$(moenet-agent pubkey <<<"$far_private")

# far_end DEVICE PORT: it calls the tunnel DEVICE of this machine, which listens on PORT.
far_end() {
  local ours
  ours=$(ip -6 -o addr show dev "$1" | grep -o 'fe80::[0-9a-f:]*')
  ip netns add far
  ip link add to-far type veth peer name to-us netns far
  ip addr add 198.51.100.1/24 dev to-far && ip link set to-far up
  ip -n far addr add 198.51.100.2/24 dev to-us && ip -n far link set to-us up
  ip netns exec far wireguard-go far 2>/dev/null
  wg set far private-key <(echo "$far_private") peer "$(moenet-agent pubkey </etc/wireguard/private.key)" \
    endpoint "198.51.100.1:$2" allowed-ips ::/0,0.0.0.0/0 persistent-keepalive 1
  ip -n far link set far up addrgenmode none && ip -n far addr add fe80::101/64 dev far
  cat >/run/far.conf <<C
router id 198.51.100.2;
protocol device {}
protocol bgp to_us {
  local fe80::101 as 4242420101;
  neighbor $ours % 'far' as 4242420998;
  connect delay time 1; connect retry time 2; error wait time 1, 2;
  ipv6 { import all; export none; };
  ipv4 { import all; export none; };
}
C
  ip netns exec far bird -c /run/far.conf -s /run/far.ctl
}
far_is_up() { birdc -s /run/far.ctl show protocols to_us | grep Established >/dev/null; }
