# shellcheck shell=bash disable=SC2154  # uses the variables of checks.sh
# privileges.sh: what the agent may do under its unit, and an agent of before, which ran as root. For checks.sh.

# kernel_says PID NAME VALUE: of a process.
kernel_says() { grep -qP "^$2:\t$3(\t|$)" "/proc/$1/status"; }
as_agent() { setpriv --reuid=moenet-agent --regid=moenet-agent --init-groups "$@"; }
is_bird_user() { id -nG moenet-agent | grep -qw bird; }
is_weak() { systemd-analyze security --no-pager --threshold=19 "$1" >/dev/null; }

check_privileges() {
  local agent user
  agent=$(agent_is MainPID)
  user=$(id -u moenet-agent)
  check "the agent has little to lose" is_weak moenet-agent
  check "it is its own user" kernel_says "$agent" Uid "$user"
  check "and so is the tunnel's daemon" kernel_says "$daemon" Uid "$user"
  check "its capabilities are net_bind_service, net_admin, net_raw" kernel_says "$agent" CapEff 0000000000003400
  check "and none can come back" kernel_says "$agent" CapBnd 0000000000003400
  check "the daemon's are the first two" kernel_says "$daemon" CapEff 0000000000001400
  check "system calls are filtered" kernel_says "$agent" Seccomp 2
  check "its memory is closed to its own user" not as_agent cat "/proc/$agent/environ"
}
# An agent of before, which ran as root, and what it leaves. The session 4242420103 is put up by it.
run_as_root() {
  chown root:root /etc/wireguard /etc/wireguard/*.key
  chmod 700 /etc/wireguard
  chown root:bird /etc/bird/bird.conf /etc/bird/peers/*.conf
  chmod g-w /etc/bird /etc/bird/peers
  drop_in "LoadCredential=control-plane-token:$here/token
User=root
Group=root
AmbientCapabilities=
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER"
  systemctl restart moenet-agent
  add_peer 4242420103 30103
  check "an agent that runs as root works too" soon 60 is_in_place 4242420103
  check "and it is root" kernel_says "$(agent_is MainPID)" Uid 0
  check "and makes files of root's" owner_of /etc/bird/peers/dn42_4242420103.conf root:bird
  check "and its state is root's" owner_of /var/lib/moenet-agent/sessions.state root:root
  drop_in "LoadCredential=control-plane-token:$here/token"
}
