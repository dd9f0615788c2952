#!/sbin/dash
# gre_guest.sh: runs as root in the machine that gre.sh boots. A node and three other networks, each a machine (namespace) on a bridge
# (198.51.100.0/24 and 2001:db8::/64):
#   jp1 (2) == x1 (AS4242420101): gre with a key · x2 (AS4242420102): ip6gre · x3 (AS4242420103): WireGuard
# The others' ends are made of nothing but what `peer show` tells them, with `ip`, `wg` and BIRD. jp1's host firewall drops what our
# table does not mark. A check that fails ends it with the last of every log.
# shellcheck disable=SC2034  # nodes.sh reads these
set -eu
nodes=jp1
more_config=', "firewall": {"mode": "nftables"}'
limit=90  # seconds for anything to become true: an emulated machine on a busy host is slow

number_of() { case $1 in jp1) echo 2 ;; x*) echo "10${1#x}" ;; cp) echo 90 ;; esac; }
region_of() { echo AS-E; }
bird_of() { case $1 in x2) echo bird3 ;; *) echo bird2 ;; esac; }
address_of() { echo "198.51.100.$(number_of "$1")"; }
ipv6_of() { echo "2001:db8::$(number_of "$1")"; }
asn_of() { echo "4242420$(number_of "$1")"; }
link_to() { echo "dn42-$(asn_of "$1")"; }
own_of() { echo "172.20.$(number_of "$1").1"; }

# shellcheck source=tests/e2e/kernel_guest/nodes.sh
. /sbin/nodes.sh

peer_add() { # peer_add PEER OPTION...
  peer=$1; shift
  control_plane peer add --node jp1 --asn "$(asn_of "$peer")" --link-local "fe80::$(number_of "$peer")" --mp-bgp --extended-next-hop \
    --approve "$@" >>/tmp/cp.add.log 2>&1 || fail "peer add $peer"
}
told() { control_plane peer show "$(asn_of "$1")"; }
make_end() { # make_end PEER: the commands for its link, with the words in capitals filled in
  if told "$1" | grep -q '^ip link add'; then
    told "$1" | grep '^ip ' | sed "s/YOUR-IPV4-ADDRESS/$(address_of "$1")/; s/YOUR-IPV6-ADDRESS/$(ipv6_of "$1")/" | tee "/tmp/$1.link.log" >"/tmp/$1.link"
    at "$1" dash -e "/tmp/$1.link" || fail "the link of $1"
    return
  fi
  told "$1" | sed -n '/^\[Interface\]/,/^AllowedIPs/p' | sed "s|YOUR-PRIVATE-KEY|$(cat "/tmp/$1.key")|" | grep -Ev '^(MTU|Table|PostUp)' >"/tmp/$1.wg"
  at "$1" ip link add moenet-2 type wireguard
  at "$1" wg setconf moenet-2 "/tmp/$1.wg"
  at "$1" ip link set moenet-2 up
  at "$1" ip addr add "fe80::$(number_of "$1")/64" dev moenet-2
}
start_peer_bird() { # with what it learns in its kernel, and the network of its own address announced
  at "$1" ip addr add "$(own_of "$1")/32" dev lo
  { cat <<C
router id $(own_of "$1");
protocol device { scan time 2; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol static { ipv4; route $(own_of "$1" | sed 's/1$/0/')/27 blackhole; }
C
    told "$1" | sed -n '/^filter /,$p'
  } >"/tmp/$1.bird.conf"
  start "$1" bird "/bird/$(bird_of "$1")/run" bird -f -c "/tmp/$1.bird.conf" -s /run/bird.ctl -P /run/bird.pid
}
is_established() { has "$(ask_bird jp1 show protocols "dn42_$(asn_of "$1")")" Established; }
reaches() { at jp1 ping -n -q -c 1 -W 1 -I 172.22.188.2 "$(own_of "$1")"; }
reaches_link_local() { at jp1 ping -n -q -c 1 -W 1 "fe80::$(number_of "$1")%$(link_to "$1")"; }
is_enabled() { has "$(control_plane peer show "$(asn_of "$1")")" "on jp1: ENABLED"; }
is_restored() { has "$(link_text jp1 "$(link_to "$1")")" "$2"; } # is_restored PEER WORDS
memory_of() { # what changes when a link is made anew or BGP goes down
  for peer in "$@"; do
    index_of jp1 "$(link_to "$peer")"
    ask_bird jp1 show protocols "dn42_$(asn_of "$peer")" | awk 'END {print $1, $4, substr($5, 1, 8), $6}'
  done
}
is_quiet() { has "$(agent jp1 sync --json)" '"planned":0,'; }
is_gone() { ! exists jp1 "$(link_to "$1")"; }
knows_key() { ! told x3 | grep -q KEY-OF; }
lets_in() { has "$(at jp1 nft list set inet moenet "$1")" "elements = { $2 }"; } # lets_in SET PEERS
lets_in_none() { ! at jp1 nft list set inet moenet "$1" | grep -q elements; }
repairs() { grep -c "~ $(link_to "$1") " /tmp/jp1.agent.log || :; }
has_more() { [ "$(repairs "$1")" -gt "$2" ]; }

start_network jp1 x1 x2 x3
for space in jp1 x1 x2 x3; do at $space ip addr add "$(ipv6_of $space)/64" dev eth0 nodad; done
bootstrap jp1
control_plane node change jp1 --public-ipv6 "$(ipv6_of jp1)" >>/tmp/cp.add.log 2>&1 || fail "the node's IPv6 address"
start_bird jp1
at jp1 nft 'table inet host { chain input { type filter hook input priority filter; policy drop;
  meta mark & 0x04000000 == 0x04000000 accept; ct state established,related accept; iifname lo accept;
  iifname eth0 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }; }'

peer_add x1 --type gre --gre-key 7 --endpoint "$(address_of x1)" --mtu 1400
peer_add x2 --type ip6gre --endpoint "$(ipv6_of x2)"
at x3 moenet-agent genkey >/tmp/x3.key
peer_add x3 --key "$(moenet-agent pubkey </tmp/x3.key)" --endpoint "$(address_of x3):20103"
check "a second gre session to one host without another key is refused" \
  has "$(control_plane peer add --node jp1 --asn 4242420109 --type gre --gre-key 7 --endpoint "$(address_of x1)" --link-local fe80::9 2>&1 || :)" greKey
await "the control plane knows jp1's key" knows_key
for peer in x1 x2 x3; do make_end $peer; start_peer_bird $peer; done

# They come up, beside each other, and carry traffic.
for peer in x1 x2 x3; do
  await "$peer: BGP" is_established $peer
  await "$peer: link-local ping" reaches_link_local $peer
  await "$peer: traffic" reaches $peer
  await "$peer: ENABLED" is_enabled $peer
done
x1=$(link_text jp1 "$(link_to x1)")
check "x1: a gre link with its mark" has "$x1" "alias moenet-agent session/"
for words in " gre remote 198.51.100.101 local any " "ttl 64 " "tos inherit" "key 0.0.0.7" "mtu 1400"; do check "x1: $words" has "$x1" "$words"; done
x2=$(link_text jp1 "$(link_to x2)")
for words in " ip6gre remote 2001:db8::102 local 2001:db8::2 " "hoplimit 64 " "encaplimit none" "tclass inherit" "mtu 1420"; do check "x2: $words" has "$x2" "$words"; done
for peer in x1 x2; do
  check "$peer: no address but ours" equal "$(addresses_on jp1 "$(link_to $peer)")" "fe80::998:101:2:1/64 "
done
check "the firewall lets in x1" lets_in gre_peers 198.51.100.101
check "the firewall lets in x2" lets_in ip6gre_peers 2001:db8::102
check "the agent says where x1 is" has "$(agent jp1 status "$(asn_of x1)")" "gre to 198.51.100.101, key 7"
check "nothing is left to do" is_quiet
before=$(memory_of x1 x2 x3)

# What somebody changes by hand is put right in place, and nobody else sees it.
damage() { # damage PEER WORDS-OF-THE-WHOLE COMMAND...
  peer=$1 words=$2; shift 2
  old=$(index_of jp1 "$(link_to "$peer")") count=$(repairs "$peer")
  at jp1 "$@" || fail "$*"
  await "$peer: a change after $*" has_more "$peer" "$count"
  await "$peer: restored" is_restored "$peer" "$words"
  check "$peer: in place" equal "$(index_of jp1 "$(link_to "$peer")")" "$old"
}
damage x1 "ttl 64 " ip link change dn42-4242420101 type gre ttl 9
damage x1 "key 0.0.0.7" ip link change dn42-4242420101 type gre key 8
damage x1 "remote 198.51.100.101 " ip link change dn42-4242420101 type gre remote 198.51.100.103
damage x1 "mtu 1400" ip link set dn42-4242420101 mtu 1300
damage x2 "hoplimit 64 " ip link change dn42-4242420102 type ip6gre hoplimit 9
damage x2 "encaplimit none" ip link change dn42-4242420102 type ip6gre encaplimit 4
damage x2 "mtu 1420" ip addr del fe80::998:101:2:1/64 dev dn42-4242420102
check "x2: its address is there again" equal "$(addresses_on jp1 dn42-4242420102)" "fe80::998:101:2:1/64 "
for peer in x1 x2; do await "$peer: BGP" is_established $peer; await "$peer: traffic" reaches $peer; done
old=$(index_of jp1 dn42-4242420101)
at jp1 ip link del dn42-4242420101
await "x1: the deleted link is there again" is_new jp1 dn42-4242420101 "$old"
await "x1: BGP" is_established x1
at jp1 ip link del dn42-4242420102
at jp1 ip link add dn42-4242420102 type dummy
at jp1 ip link set dn42-4242420102 alias "moenet-agent $(echo "$x2" | sed -n 's|.*alias moenet-agent \(session/[^ ]*\).*|\1|p')"
agent jp1 sync >/dev/null
await "x2: a link of another kind is made anew" is_restored x2 " ip6gre remote 2001:db8::102 "
await "x2: BGP" is_established x2

# The agent is killed and starts again: nothing changes.
await "x1: traffic" reaches x1
await "nothing is left to do" is_quiet
before=$(memory_of x1 x2 x3)
kill -9 "$(cat /tmp/jp1.agent.pid)"
wait "$(cat /tmp/jp1.agent.pid)" 2>/dev/null || :
start_agent jp1
await "the agent is back, and nothing is left to do" is_quiet
check "links and BGP stayed" equal "$(memory_of x1 x2 x3)" "$before"

# Away without a trace.
peer_uuid=$(echo "$x1" | sed -n 's|.*alias moenet-agent session/\([^ ]*\).*|\1|p')
control_plane peer delete "$(asn_of x1)" >>/tmp/cp.add.log 2>&1 || fail "peer delete x1"
await "x1: its link is gone" is_gone x1
check "x1: its file is gone" equal "$(at jp1 dash -c 'ls /node/peers' | grep -c "$peer_uuid\|4242420101" || :)" 0
await "the firewall lets in x1 no more" lets_in_none gre_peers
check "x2 and x3 saw nothing of it" equal "$(memory_of x2 x3)" "$(echo "$before" | tail -n 4)"
say "all checks passed"
