# nodes.sh: what the scenarios of this folder have in common, in the machine that run.sh boots: checks, namespaces, and nodes in
# them. Sourced; a scenario says who is who before: $nodes, $limit (seconds for anything to become true), $more_config (of agents),
# number_of, region_of, bird_of and address_of (of a node; of "cp" too).
# shellcheck shell=dash disable=SC2154

# How a check ends
seconds() { cut -d. -f1 /proc/uptime; }
say() { echo "$(cut -d' ' -f1 /proc/uptime) $*"; }
fail() {
  for log in /tmp/*.log; do echo "== $log"; tail -n 15 "$log"; done
  for node in $nodes; do
    echo "== $node"; at "$node" ip -br addr || :; at "$node" wg show all dump | cut -f1,3- || :; ask_bird "$node" show protocols || :
    status_of "$node" || :; echo
  done
  say "FAILED: $*"; exit 1
}
check() { # check WHAT COMMAND...: holds now
  what=$1; shift
  "$@" >/dev/null 2>&1 || fail "$what"
  say "ok: $what"
}
await() { # await WHAT COMMAND...: holds within the limit
  what=$1; shift
  end=$(($(seconds) + limit))
  until "$@" >/dev/null 2>&1; do [ "$(seconds)" -lt $end ] || fail "$what, after $limit s"; sleep 0.2; done
  say "ok: $what"
}
equal() { [ "$1" = "$2" ] || { echo "expected '$2', got '$1'" >>/tmp/checks.log; return 1; }; }
has() { case $1 in *"$2"*) ;; *) echo "no '$2' in '$1'" >>/tmp/checks.log; return 1 ;; esac; }

# Namespaces
make_space() { # make_space NAME: /run and /node are its own
  unshare -n -m dash -c "mount -t tmpfs run /run && mount -t tmpfs node /node && mount -t sysfs sys /sys && ip link set lo up && >/tmp/$1.ready && exec sleep 1000000" &
  echo $! >"/tmp/$1.pid"
  await "the namespaces of $1" test -e "/tmp/$1.ready"
}
at() { space=$1; shift; nsenter -n -m -t "$(cat "/tmp/$space.pid")" -- "$@"; }
start() { # start NODE NAME COMMAND...: in the background; its pid is in /tmp/NODE.NAME.pid
  space=$1 name=$2; shift 2
  nsenter -n -m -t "$(cat "/tmp/$space.pid")" -- "$@" </dev/null >>"/tmp/$space.$name.log" 2>&1 &
  echo $! >"/tmp/$space.$name.pid"
}
join_bridge() { # join_bridge NODE
  at "$1" ip link add eth0 type veth peer name "p-$1" netns "$(cat /tmp/cp.pid)"
  at "$1" ip addr add "$(address_of "$1")/24" dev eth0
  at "$1" ip link set eth0 up
  at cp ip link set "p-$1" master br0 up
}

start_network() { # start_network SPACE...: on a bridge with the control plane
  mkdir -p /node
  syslogd -O /tmp/syslog.log  # of the BIRDs
  for member in cp "$@"; do make_space "$member"; done
  at cp ip link add br0 type bridge
  at cp ip addr add 198.51.100.90/24 dev br0
  at cp ip link set br0 up
  start cp serve moenet-controlplane --state-dir /node/state serve --listen 198.51.100.90:8080
  await "the control plane answers" at cp wget -q -O - http://198.51.100.90:8080/health
  for member in "$@"; do join_bridge "$member"; done
}

# Nodes
bootstrap() { # bootstrap NODE: what an operator does
  reflects=; [ "$1" = jp1 ] || reflects=--rr
  token=$(control_plane node add "$1" --id "$(number_of "$1")" \
    --region "$(region_of "$1")" --public-ipv4 "$(address_of "$1")" $reflects 2>/tmp/cp.add.log | tail -n 1)
  at "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  at "$1" mkdir /node/peers
  at "$1" dash -c 'umask 077; cat >/node/config.json' <<C
{"bootstrap": {"controlPlaneUrl": "http://198.51.100.90:8080", "nodeName": "$1", "token": "$token"},
 "controlPlane": {"requestTimeout": 10, "syncInterval": 1}, "api": {"token": "local-token"},
 "bird": {"controlSocket": "/run/bird.ctl", "peerConfDir": "/node/peers", "ownership": "full", "configFile": "/node/bird.conf"},
 "wireguard": {"privateKeyPath": "/node/private.key", "publicKeyPath": "/node/public.key", "backend": "kernel"},
 "stateDir": "/node/state"$more_config}
C
  start_agent "$1"
}
start_agent() { start "$1" agent moenet-agent -c /node/config.json run; }
start_bird() { # start_bird NODE: as its agent renders it
  await "$1 knows itself" at "$1" test -s /node/public.key -a -s /node/state/config.state
  agent "$1" render /node/rendered >>"/tmp/$1.render.log" 2>&1 || fail "render at $1"
  at "$1" cp /node/rendered/bird.conf /node/bird.conf
  start "$1" bird "/bird/$(bird_of "$1")/run" bird -f -c /node/bird.conf -s /run/bird.ctl -P /run/bird.pid
}
ask_bird() { space=$1; shift; at "$space" /bird/bird2/run birdcl -s /run/bird.ctl "$@"; }
agent() { space=$1; shift; at "$space" moenet-agent -c /node/config.json "$@"; }
status_of() { agent "$1" status --json; }

# Questions
pings() { at "$1" ping -n -q -c 1 -W 1 -I "$3" "$2"; }  # pings NODE TO FROM
control_plane() { at cp moenet-controlplane --state-dir /node/state --url http://198.51.100.90:8080 "$@"; }
addresses_on() { at "$1" ip -o addr show dev "$2" | awk '{print $4}' | sort | tr '\n' ' '; }
link_text() { at "$1" ip -d link show dev "$2"; }
index_of() { at "$1" cat "/sys/class/net/$2/ifindex"; }
exists() { at "$1" test -e "/sys/class/net/$2"; }
is_new() { exists "$1" "$2" && [ "$(index_of "$1" "$2")" != "$3" ]; }  # is_new NODE LINK OLD-INDEX
