#include <algorithm>

#include <fmt/format.h>

#include "agent/doctor_checks.h"

namespace moenet::agent {
namespace {

using State = CheckState;

constexpr bird::Version kOldestBird{2, 0, 12};  // Debian 12's, the oldest that the rendered text is tested with
constexpr int kNewestBirdMajor = 3;
constexpr std::chrono::seconds kClockTolerance{30};
constexpr std::size_t kMostNamed = 4;

bool speaks_of_tls(std::string_view text) {
  return text.contains("SSL") || text.contains("TLS") || text.contains("certificate");
}

Check unreachable(const ControlPlaneFact& fact) {
  const Error& error = fact.status.error();
  if (speaks_of_tls(error.what))
    return {
        "control-plane", State::problem, "TLS with the control plane fails: " + error.what,
        fmt::format("curl -v {}  # mend its certificate, or add its CA: update-ca-certificates; look at the clock too",
                    fact.url)};
  return {"control-plane", State::problem, "the control plane does not answer: " + error.what,
          fmt::format("curl -v {}/health  # is controlPlane.url right, does it run, is the way open?", fact.url)};
}

}  // namespace

Check judge_bird(const BirdFact& bird) {
  if (!bird.version) {
    const Error& error = bird.version.error();
    if (error.code == Errc::denied)
      return {"bird", State::problem, "BIRD's socket may not be used: " + error.what,
              fmt::format("ls -l {}  # run the agent as root, or as a member of the socket's group", bird.socket)};
    if (error.code == Errc::timeout)
      return {"bird", State::problem, "BIRD does not answer in time: " + error.what,
              "systemctl status bird; journalctl -u bird -n 50"};
    return {"bird", State::problem, fmt::format("no BIRD at {} (bird.controlSocket): {}", bird.socket, error.what),
            "systemctl start bird  # not there at all: apt-get install bird2"};
  }
  const bird::Version& version = *bird.version;
  if (version < kOldestBird)
    return {"bird", State::problem,
            fmt::format("BIRD {} is older than {}, the oldest that is supported", version.text(), kOldestBird.text()),
            "apt-get install bird2"};
  if (version.major > kNewestBirdMajor)
    return {"bird", State::warning,
            fmt::format("BIRD {} is newer than what was tested, {}.x", version.text(), kNewestBirdMajor),
            "apt-get install bird3"};
  return {"bird", State::ok, fmt::format("BIRD {} answers", version.text()), ""};
}

Check judge_bird_files(const Result<BirdFilesFact>& files) {
  if (!files)
    return {"bird-files", State::problem, "BIRD's configuration cannot be followed: " + files.error().what,
            "birdc configure check"};
  if (files->is_others)
    return {
        "bird-files", State::problem,
        fmt::format("{} is not the agent's, and bird.ownership is \"full\": it stays as it is, and nothing that BIRD "
                    "should do comes up",
                    files->main_file),
        fmt::format("install -d -m 770 -g bird {1}\n"
                    "made=$(mktemp -d) && moenet-agent render $made && cp -p {0} {0}.before && install -m 640 -o bird "
                    "-g bird $made/bird.conf {0} && systemctl restart bird\n"
                    "# or keep it: \"bird\": {{\"ownership\": \"peers\"}} in the configuration, then: systemctl reload "
                    "moenet-agent",
                    files->main_file, files->peer_folder)};
  if (!files->has_folder)
    return {"bird-files", State::problem, fmt::format("the peer folder {} is missing", files->peer_folder),
            fmt::format("install -d -m 770 -g bird {}", files->peer_folder)};
  const std::string include = fmt::format("include \"{}/*.conf\";", files->peer_folder);
  if (!files->is_included)
    return {"bird-files", State::problem, fmt::format("{} does not include {}", files->main_file, files->peer_folder),
            fmt::format("{}\n# at the end of {}, then: birdc configure", include, files->main_file)};
  if (!files->missing.empty())
    return {
        "bird-files", State::problem,
        fmt::format("{} does not define {} before it includes the peer files", files->main_file,
                    listed(files->missing, kMostNamed)),
        fmt::format("{}# in {} above the line {}, then: birdc configure", files->snippets, files->main_file, include)};
  if (!files->taken.empty())
    return {"bird-files", State::problem,
            fmt::format("a name of the agent's policy is defined by somebody else too, so BIRD refuses the policy: {}",
                        listed(files->taken, kMostNamed)),
            "moenet-agent sync  # after it was renamed or removed there"};
  if (!files->refused.empty())
    return {"bird-files", State::problem, "BIRD would not load its configuration: " + files->refused,
            "birdc configure check"};
  return {"bird-files", State::ok, fmt::format("{} includes {}", files->main_file, files->peer_folder), ""};
}

Check judge_clock(const ClockFact& clock) {
  constexpr std::string_view kRemedy =
      "timedatectl set-ntp true  # apt-get install systemd-timesyncd where there is none";
  const auto ahead = clock.ahead.value_or(std::chrono::seconds(0));
  if (std::chrono::abs(ahead) > kClockTolerance)
    return {"clock", State::warning,
            fmt::format("this node's clock is {} s {} the control plane's", std::chrono::abs(ahead).count(),
                        ahead.count() > 0 ? "ahead of" : "behind"),
            std::string(kRemedy)};
  if (!clock.is_synchronised)
    return {"clock", State::warning, "no NTP client keeps the clock right", std::string(kRemedy)};
  return {"clock", State::ok,
          clock.ahead ? "the clock is kept by NTP and agrees with the control plane's" : "the clock is kept by NTP",
          ""};
}

Check judge_lookups(const std::vector<LookupFact>& lookups) {
  std::vector<std::string> failed;
  State state = State::ok;
  std::string host;
  for (const auto& lookup : lookups) {
    if (lookup.address) continue;
    failed.push_back(lookup.address.error().what);
    if (host.empty()) host = lookup.host;
    state = lookup.is_control_plane ? State::problem : std::max(state, State::warning);
  }
  if (failed.empty())
    return {"dns", State::ok,
            lookups.empty() ? "only addresses are configured, no names"
                            : fmt::format("{} name{} found", lookups.size(), lookups.size() == 1 ? "" : "s"),
            ""};
  return {"dns", state, listed(failed, kMostNamed),
          fmt::format("getent hosts {}  # is the name right? name servers: /etc/resolv.conf", host)};
}

Check judge_control_plane(const ControlPlaneFact& fact) {
  if (!fact.status) return unreachable(fact);
  const int status = *fact.status;
  if (status == 200)
    return {"control-plane", State::ok, fmt::format("{} answers in {} ms", fact.url, fact.took.count()), ""};
  const std::string answered = fmt::format("{} answers HTTP {}", fact.url, status);
  if (status == 401 || status == 403)
    return {"control-plane", State::problem, fmt::format("{}: it refuses the token of node {}", answered, fact.node),
            fmt::format("moenet-controlplane node token {}  # there; put what it prints into controlPlane.tokenFile, "
                        "then: systemctl reload moenet-agent",
                        fact.node)};
  if (status == 404)
    return {"control-plane", State::problem, fmt::format("{}: it knows no node {}", answered, fact.node),
            fmt::format("moenet-controlplane node add {} --region CODE  # there; or mend node.name here", fact.node)};
  return {"control-plane", status >= 500 ? State::problem : State::warning, answered,
          "journalctl -u moenet-controlplane -n 50  # there; is controlPlane.url right?"};
}

Check judge_rtr_servers(const std::vector<RtrFact>& servers) {
  if (servers.empty()) return {"rtr-servers", State::ok, "the policy names none", ""};
  std::vector<std::string> dead;
  std::string first;
  for (const auto& server : servers) {
    if (server.reached) continue;
    dead.push_back(server.reached.error().what);
    if (first.empty()) first = server.server;
  }
  if (dead.empty()) return {"rtr-servers", State::ok, fmt::format("all {} accept connections", servers.size()), ""};
  const std::string host = first.substr(0, first.rfind(':'));
  return {
      "rtr-servers", dead.size() == servers.size() ? State::problem : State::warning,
      fmt::format("{} of {} cannot be reached: {}", dead.size(), servers.size(), listed(dead, kMostNamed)),
      fmt::format("ip route get $(getent ahosts {} | awk 'NR==1{{print $1}}')  # is there a way to it? other servers: "
                  "rpkiServers of the control plane's policy",
                  host)};
}

Check judge_own_roas(const std::vector<OwnRoaFact>& roas) {
  std::vector<std::string> missing;
  for (const auto& roa : roas) {
    if (!roa.is_loaded) missing.push_back(fmt::format("{} of AS{}", roa.prefix, roa.asn));
  }
  if (missing.empty()) return {"roa", State::ok, "BIRD's tables hold the ROAs of this network's prefixes", ""};
  return {
      "roa", State::warning,
      fmt::format("BIRD knows no ROA for {}: networks that validate refuse it, and while a family has none of its "
                  "own, what others announce in it is accepted unvalidated",
                  listed(missing, kMostNamed)),
      "birdc show route table dn42_roa4; birdc show route table dn42_roa6  # empty: mend rpkiServers of the control "
      "plane's policy, or name files in bird.roaUrls\n"
      "# not empty: a route object with this origin is missing in DN42's registry"};
}

}  // namespace moenet::agent
