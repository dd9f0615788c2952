#!/bin/bash
# checks.sh: what run.sh checks, as root on a machine that may be spoilt. One line per check; ends at the first that fails.
set -euo pipefail
here=$(dirname "$0")
packages=("$here"/*.deb)
newer=("$here"/newer/*.deb)
count=0

# check TEXT COMMAND...: COMMAND holds.
check() {
  local text=$1
  shift
  if "$@"; then
    echo "  ok  $text"
    count=$((count + 1))
    return
  fi
  echo "  FAILED  $text: $*"
  systemctl status --no-pager --full moenet-agent moenet-controlplane bird || :
  journalctl --no-pager -o short-monotonic -n 60 || :
  exit 1
}
# soon SECONDS COMMAND...: COMMAND holds within so long.
soon() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}
not() { ! "$@"; }
is_active() { systemctl is-active --quiet "$1"; }
is_down() { not is_active "$1"; }
mode_of() { [ "$(stat -Lc '%a %U' "$1")" = "$2" ]; }
owner_of() { [ "$(stat -Lc '%U:%G' "$1")" = "$2" ]; }
# Not grep -q: it ends at once, and the writer of the pipe then fails.
in_journal() { journalctl -o cat -u "$1" | grep -F -- "$2" >/dev/null; }
has_fields() { journalctl -o json -u moenet-agent MOENET_ASN=4242420101 PRIORITY=6 | grep '"MOENET_SESSION"' >/dev/null; }
agent_is() { systemctl show moenet-agent -P "$1"; }
is_in_place() {
  moenet-agent status --json 2>/dev/null |
    python3 -c 'import json, sys; sys.exit((sys.argv[1], "in_place") not in [(str(s["asn"]), s["state"]) for s in json.load(sys.stdin)["sessions"]])' "$1" 2>/dev/null
}
daemon() { pgrep -x -f 'wireguard-go dn42-4242420101'; }
same_daemon() { [ "$(daemon)" = "$daemon" ] && ip link show dev dn42-4242420101 up | grep -q UP; }
# What BIRD says of the session with its time of the last change, and the files that it reads, by inode.
session_now() {
  birdc show protocols dn42_4242420101 | grep dn42_
  stat -c '%n %i %Y' /etc/bird/bird.conf /etc/bird/peers/*.conf
}
# quickly COMMAND...: in under a second.
quickly() {
  local begun
  begun=$(date +%s%3N)
  "$@" && [ $(($(date +%s%3N) - begun)) -lt 1000 ]
}
drop_in() {
  mkdir -p /etc/systemd/system/moenet-agent.service.d
  printf '[Service]\n%s\n' "$1" >/etc/systemd/system/moenet-agent.service.d/test.conf
  systemctl daemon-reload
}
# add_peer ASN PORT [KEY]
add_peer() {
  moenet-controlplane peer add --node jp1 --asn "$1" --key "${3:-$(moenet-agent genkey | moenet-agent pubkey)}" --link-local fe80::101 \
    --mp-bgp --approve --port "$2" >/dev/null
}
is_gone() { not ip link show dev "dn42-$1" 2>/dev/null && [ ! -e "/etc/bird/peers/dn42_$1.conf" ] && [ ! -e "/run/wireguard/dn42-$1.sock" ]; }

# node_line: a new bootstrap line of jp1 in `line`, and the one that only looks in `look`.
node_line() {
  local lines
  lines=$(moenet-controlplane node bootstrap jp1 --public-url http://127.0.0.1:8080)
  line=$(tail -n 1 <<<"$lines")
  look=$(grep dry-run <<<"$lines")
}
joins() { bash -o pipefail -c "$1" >"$here/said" 2>&1 || { cat "$here/said"; return 1; }; }
is_shipped() { cmp -s "$here/shipped.conf" "$1"; }
in_bird() { birdc show symbols "$1" | grep -w "$2" >/dev/null; }
has_loopback() { ip -o addr show dev dn42-lo | grep -F 172.22.188.1/32 >/dev/null; }
holds_setting() { [ "$(sysctl -n "$1")" = "$2" ]; }
has_table() { nft list table inet moenet >/dev/null; }
opens_port() { nft list set inet moenet udp_ports | grep -w "$1" >/dev/null; }
has_tunnel() { ip link show dev dn42-wg-igp-2 up 2>/dev/null | grep UP >/dev/null; }
speaks_babel() { birdc show babel interfaces | grep 'dn42-wg-igp-2 .*Up' >/dev/null; }
# A neighbor in the mesh, whose agent has told its key.
add_neighbor() {
  local token
  token=$(moenet-controlplane node add hk-rr --region AS-E --rr --public-ipv4 192.0.2.2 | tail -n 1)
  curl -sSf -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{\"node_id\":\"hk-rr\",\"status\":{\"meshPublicKey\":\"$(moenet-agent genkey | moenet-agent pubkey)\"}}" \
    http://127.0.0.1:8080/api/v1/agent/hk-rr/heartbeat
}
# doctor_is STATE NAME...: these checks of doctor.
doctor_is() {
  local state=$1 found name
  shift
  found=$(moenet-agent doctor --json) || :
  for name in "$@"; do
    grep -q "\"name\":\"$name\",\"state\":\"$state\"" <<<"$found" || { echo "$name: $found"; return 1; }
  done
}

check "there is a package of each program" [ ${#packages[@]} = 2 ]
dpkg -i "${packages[@]}" >/dev/null
# shellcheck source-path=SCRIPTDIR
. "$here/far_end.sh"
. "$here/privileges.sh"
check "the packages start nothing" is_down moenet-controlplane
check "the units are sound" systemd-analyze verify /usr/lib/systemd/system/moenet-{agent,controlplane}.service
for file in prometheus/moenet-agent.rules.yml grafana/moenet-agent.json; do
  check "it brings $file" test -s /usr/share/moenet-agent/$file
done

systemctl start moenet-controlplane
token=/var/lib/moenet-controlplane/admin-token
check "the admin token is private" [ "$(stat -Lc %a $token)" = 600 ]
check "the journal says that it was made" in_journal moenet-controlplane "admin token made"
check "the journal does not hold it" not in_journal moenet-controlplane "$(cat $token)"
check "it runs as its own user" [ "$(stat -Lc %U $token)" = moenet-controlplane ]
check "which has little to lose" is_weak moenet-controlplane
cp /usr/share/doc/moenet-controlplane/examples/config.json /etc/moenet-controlplane/config.json
check "the example of its configuration is sound" moenet-controlplane check-config
sed -i 's/"drain": 0/"drain": 1/; s/"workers": 4/"workers": 8/' /etc/moenet-controlplane/config.json
check "a reload succeeds" systemctl reload moenet-controlplane
check "and says what needs a restart" soon 5 in_journal moenet-controlplane "a part of it needs a restart"
rm /etc/moenet-controlplane/config.json
systemctl reload moenet-controlplane
moenet-controlplane node add jp1 --region AS-E >/dev/null
# A bird.conf of somebody's own
cp -p /etc/bird/bird.conf "$here/shipped.conf"
echo '# mine' >>/etc/bird/bird.conf
sum_of_own=$(md5sum </etc/bird/bird.conf)
node_line
joins "$look"
check "the bootstrap line can be looked at first" [ ! -e /etc/moenet-agent/config.json ]
check "and says that bird.conf is not touched" grep -q 'bird.ownership is "peers"' "$here/said"
check "the bootstrap line makes this machine a node" joins "$line"
check "the agent is up" is_active moenet-agent
check "a bird.conf of somebody's own stays" [ "$(md5sum </etc/bird/bird.conf)" = "$sum_of_own" ]
check "its folders are there and private" mode_of /etc/wireguard "1770 root"
check "its key is there" soon 5 mode_of /etc/wireguard/private.key "600 moenet-agent"
check "its configuration is root's" mode_of /etc/moenet-agent/config.json "640 root"
check "and not its own to write" not as_agent test -w /etc/moenet-agent/config.json
check "the log says what is missing" soon 10 in_journal moenet-agent "the peer folder /etc/bird/peers is missing"

# One as Debian ships it, and a network that does not forward
cp -p "$here/shipped.conf" /etc/bird/bird.conf
sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=2
node_line
joins "$look"
check "a look at a node changes nothing" is_shipped /etc/bird/bird.conf
check "and says that bird.conf would be the agent's" grep -q 'would run: install .* /etc/bird/bird.conf$' "$here/said"
moenet-agent sync >/dev/null || :
check "and the node's token stays" not grep -q 401 <(moenet-agent status)
check "the line hands BIRD over" joins "$line"
check "BIRD runs" is_active bird
check "with a bird.conf of the agent's" grep -q '^# moenet-agent base:' /etc/bird/bird.conf
check "and the old one is kept" is_shipped /etc/bird/bird.conf.before
check "and the old configuration" grep -q '"ownership":"peers"' /etc/moenet-agent/config.json.before
check "BIRD has the policy" soon 30 in_bird filter dn42_import_filter
check "the loopbacks are on a link" soon 10 has_loopback
check "the kernel forwards" soon 10 holds_setting net.ipv4.ip_forward 1
check "also IPv6" holds_setting net.ipv6.conf.all.forwarding 1
check "and filters no reverse paths" holds_setting net.ipv4.conf.all.rp_filter 0
node_line
before=$(stat -c %i /etc/bird/bird.conf)
check "it can be done again" joins "$line"
check "and leaves BIRD alone" [ "$(stat -c %i /etc/bird/bird.conf)" = "$before" ]
# Also where the kernel has WireGuard: its tunnels have no process that systemd could end
sed -i 's/^{/{"wireguard":{"backend":"userspace"},"firewall":{"mode":"nftables"},/' /etc/moenet-agent/config.json
check "it takes a new configuration" systemctl reload moenet-agent
check "the firewall's table is there" soon 20 has_table
add_neighbor
check "a tunnel of the mesh comes up" soon 30 has_tunnel
check "and Babel speaks on it" soon 30 speaks_babel
check "the firewall lets its port in" soon 20 opens_port 51822
check "doctor finds nothing wrong with it" doctor_is ok kernel-settings firewall bird bird-files ports link-names loopback-link capabilities
add_peer 4242420101 30101 "$far_public"
add_peer 4242420102 500
check "a session is put up" soon 60 is_in_place 4242420101
check "also one on a port below 1024" soon 60 is_in_place 4242420102
check "the log says that nothing is missing any more" in_journal moenet-agent "the node's problem is over"
far_end dn42-4242420101 30101
check "BGP comes up through it" soon 60 far_is_up
check "BIRD reads the file by its group" owner_of /etc/bird/peers/dn42_4242420101.conf moenet-agent:bird
daemon=$(daemon)
check_privileges
check "journal entries have fields" soon 10 has_fields

check "a restart is done in a second" quickly systemctl restart moenet-agent
check "the same tunnel goes on" same_daemon
check "the new agent adopts it" soon 10 is_in_place 4242420101
check "a reload succeeds" systemctl reload moenet-agent
cp /etc/moenet-agent/config.json "$here/"
echo '{' >/etc/moenet-agent/config.json
check "so does that of a faulty configuration" systemctl reload moenet-agent
check "which the unit's status tells" grep -q "the old one stays in force" <<<"$(agent_is StatusText)"
cp "$here/config.json" /etc/moenet-agent/
check "a stop is done in a second" quickly systemctl stop moenet-agent
check "and leaves the tunnel" same_daemon
check "and is no failure" not systemctl is-failed --quiet moenet-agent

drop_in WatchdogSec=8
systemctl start moenet-agent
check "the agent is up again" soon 10 is_in_place 4242420101
sleep 20
check "it feeds its watchdog" [ "$(agent_is NRestarts)" = 0 ]
kill -STOP "$(agent_is MainPID)"
check "the watchdog ends a hanging one" soon 30 in_journal moenet-agent "Watchdog timeout"
check "and it comes back" soon 30 is_in_place 4242420101
check "with the same tunnel" same_daemon
systemctl stop moenet-agent moenet-controlplane
mv /var/lib/moenet-agent "$here/state"
systemctl start moenet-agent
sleep 20
check "one that waits for its first config feeds its watchdog" [ "$(agent_is NRestarts)" = 0 ]
systemctl start moenet-controlplane
systemctl restart moenet-agent
check "and gets it" soon 20 is_in_place 4242420101

mv /etc/moenet-agent/token "$here/token"
sed -i 's/,"tokenFile":"[^"]*"//' /etc/moenet-agent/config.json
drop_in "LoadCredential=control-plane-token:$here/token"
check "the token may come as a credential" systemctl restart moenet-agent
MOENET_CP_TOKEN=$(cat "$here/token")
export MOENET_CP_TOKEN
check "which is enough" soon 20 is_in_place 4242420101

run_as_root

before=$(session_now)
agent=$(agent_is MainPID)
control_plane=$(systemctl show moenet-controlplane -P MainPID)
database=$(stat -c %i /var/lib/moenet-controlplane/moenet.db)
dpkg -i "${newer[@]}" >/dev/null
check "an update brings both programs" [ "$(dpkg-query -W -f '${Version} ' moenet-agent moenet-controlplane | grep -o newer | wc -l)" = 2 ]
check "it starts the agent anew" [ "$(agent_is MainPID)" != "$agent" ]
check "and the control plane" [ "$(systemctl show moenet-controlplane -P MainPID)" != "$control_plane" ]
check "both are up" systemctl is-active --quiet moenet-agent moenet-controlplane
check "the new agent adopts the session" soon 10 is_in_place 4242420101
check "as its own user" kernel_says "$(agent_is MainPID)" Uid "$(id -u moenet-agent)"
check "what was root's is its own now" owner_of /etc/bird/peers/dn42_4242420103.conf moenet-agent:bird
check "it goes on with a tunnel of root's" soon 10 is_in_place 4242420103
moenet-controlplane peer delete 4242420103 >/dev/null
check "and takes it away when it is to go" soon 20 is_gone 4242420103
check "an update leaves the tunnel" same_daemon
check "and BGP through it" far_is_up
check "an update leaves BGP and its files" [ "$(session_now)" = "$before" ]
check "an update leaves the database" [ "$(stat -c %i /var/lib/moenet-controlplane/moenet.db)" = "$database" ]
check "and what is in it" grep -q 4242420101 <(moenet-controlplane peer list)
dpkg -i "${newer[@]}" >/dev/null
check "so does one to the same version" same_daemon

gpasswd -d moenet-agent bird >/dev/null
dpkg-trigger --by-package=bird2 --no-await /usr/sbin/bird && dpkg --triggers-only moenet-agent
check "BIRD, installed later, is reached too" is_bird_user

dpkg -r moenet-agent moenet-controlplane >/dev/null
check "a removal leaves no program of ours running" not pgrep -f '^/usr/bin/moenet-'
check "nor a unit that starts at boot" [ -z "$(find /etc/systemd/system -name 'moenet-*.service')" ]
check "nor a file of ours" [ -z "$(find /usr -path '*moenet-agent*' -o -path '*moenet-controlplane*')" ]
check "a removal leaves the tunnel" same_daemon
check "a removal leaves BGP and its files" [ "$(session_now)" = "$before" ]
dpkg -P moenet-agent moenet-controlplane >"$here/purged" 2>&1
check "dpkg has forgotten them" not dpkg-query -W moenet-agent moenet-controlplane
check "a purge leaves the configuration" test -s /etc/moenet-agent/config.json
check "and the key" test -s /etc/wireguard/private.key
check "and the database" test -s /var/lib/moenet-controlplane/moenet.db
check "and says so" grep -q 'moenet-controlplane is left' "$here/purged"
check "it takes the agent's cache" [ ! -e /var/lib/moenet-agent ]
check "a purge leaves the tunnel" same_daemon

dpkg -i "${packages[@]}" >/dev/null
systemctl start moenet-controlplane moenet-agent
check "installed anew, the agent adopts what ran all the time" soon 30 is_in_place 4242420101
check "with the same tunnel" same_daemon
check "and BGP" [ "$(session_now)" = "$before" ]
dpkg -r moenet-agent moenet-controlplane >/dev/null
rm -r /etc/moenet-agent /etc/moenet-controlplane /var/lib/moenet-controlplane
dpkg -P moenet-agent moenet-controlplane >/dev/null
check "where nothing is left the user goes too" not getent passwd moenet-controlplane
echo "dev-says: $count checks"
