#!/bin/bash
# checks.sh: what run.sh checks, as root on a machine that may be spoilt. One line per check; ends at the first that fails.
set -euo pipefail
here=$(dirname "$0")
package=("$here"/moenet_*.deb)
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
in_journal() { journalctl -o cat -u "$1" | grep -qF -- "$2"; }
has_fields() { journalctl -o json -u moenet-agent MOENET_ASN=4242420101 PRIORITY=6 | grep -q '"MOENET_SESSION"'; }
agent_is() { systemctl show moenet-agent -P "$1"; }
is_in_place() { moenet-agent status 2>/dev/null | grep -qE "^$1 .* in_place"; }
daemon() { pgrep -x -f 'wireguard-go dn42-4242420101'; }
same_daemon() { [ "$(daemon)" = "$daemon" ] && ip link show dev dn42-4242420101 up | grep -q UP; }
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
add_peer() {
  moenet-controlplane peer add --node jp1 --asn "$1" --key "$(moenet-agent genkey | moenet-agent pubkey)" --link-local fe80::101 \
    --mp-bgp --approve --port "$2" >/dev/null
}

dpkg -i "${package[0]}" >/dev/null
check "the package starts nothing" is_down moenet-controlplane
check "the units are sound" systemd-analyze verify /usr/lib/systemd/system/moenet-{agent,controlplane}.service

systemctl start moenet-controlplane
token=/var/lib/moenet-controlplane/admin-token
check "the admin token is private" [ "$(stat -Lc %a $token)" = 600 ]
check "the journal says that it was made" in_journal moenet-controlplane "admin token made"
check "the journal does not hold it" not in_journal moenet-controlplane "$(cat $token)"
moenet-controlplane node add jp1 --region AS-E >/dev/null
bootstrap=$(moenet-controlplane node bootstrap jp1 --public-url http://127.0.0.1:8080 | tail -n 1)
check "the bootstrap line makes this machine a node" bash -o pipefail -c "$bootstrap"
check "the agent is up" is_active moenet-agent
# Also where the kernel has WireGuard: its tunnels have no process that systemd could end
sed -i 's/^{/{"wireguard":{"backend":"userspace"},/' /etc/moenet-agent/config.json
check "it takes a new configuration" systemctl reload moenet-agent
check "its folders are there and private" mode_of /etc/wireguard "700 root"
check "its key is there" soon 5 mode_of /etc/wireguard/private.key "600 root"
check "the log says what is missing" soon 10 in_journal moenet-agent "the peer folder /etc/bird/peers is missing"

install -m 640 -g bird "$here/bird.conf" /etc/bird/bird.conf
install -d -m 750 -g bird /etc/bird/peers
systemctl start bird
add_peer 4242420101 30101
add_peer 4242420102 500
check "a session is put up" soon 60 is_in_place 4242420101
check "also one on a port below 1024" soon 60 is_in_place 4242420102
check "the log says that nothing is missing any more" in_journal moenet-agent "the node's problem is over"
daemon=$(daemon)
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

sed -n 's/.*"token":"\([^"]*\)".*/\1/p' /etc/moenet-agent/config.json >"$here/token"
sed -i 's/,"token":"[^"]*"//' /etc/moenet-agent/config.json
drop_in "LoadCredential=control-plane-token:$here/token"
check "the token may come as a credential" systemctl restart moenet-agent
MOENET_CP_TOKEN=$(cat "$here/token")
export MOENET_CP_TOKEN
check "which is enough" soon 20 is_in_place 4242420101

dpkg -i "${package[0]}" >/dev/null
check "an update leaves both running" is_active moenet-controlplane
check "an update brings the new agent" soon 10 is_in_place 4242420101
check "an update leaves the tunnel" same_daemon
dpkg -r moenet >/dev/null
check "a removal leaves no program of ours running" not pgrep -f '^/usr/bin/moenet-'
check "nor a unit that starts at boot" [ -z "$(find /etc/systemd/system -name 'moenet-*.service')" ]
check "a removal leaves the tunnel" same_daemon
echo "dev-says: $count checks"
