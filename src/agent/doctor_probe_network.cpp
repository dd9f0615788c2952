#include <algorithm>
#include <iterator>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/config_task.h"
#include "agent/doctor_probes.h"
#include "agent/state_file.h"
#include "agent/version.h"
#include "base/latest.h"
#include "http/client.h"
#include "http/retry_policy.h"
#include "model/session_json.h"
#include "net/resolver.h"
#include "net/tcp_reach.h"

namespace moenet::agent {
namespace {

std::string host_of(const std::string& url) {
  std::string_view rest = url;
  rest.remove_prefix(rest.find("://") + 3);
  const auto authority = HostPort::parse(rest.substr(0, rest.find('/')), 80);
  return authority ? authority->host : "";
}

// Errors: those of kept_policy.
Result<std::vector<HostPort>> rtr_servers(const AgentConfig& config) {
  TRY(const auto known, kept_policy(config));
  std::vector<HostPort> servers;
  for (const model::RpkiServer& server : known.policy.rpki_servers) servers.push_back(server.remote);
  return servers;
}

using Addresses = std::map<std::string, Result<IpAddress>>;

// All at once.
Addresses look_up_all(const std::vector<std::string>& hosts) {
  Wakeup answered;
  net::Resolver resolver([&] { answered.notify(); });
  const auto deadline = Deadline::after(kDoctorPatience);
  Addresses found;
  for (;;) {
    for (const auto& host : hosts) {
      if (found.contains(host)) continue;
      const auto address = resolver.lookup(host);
      if (!address) found.emplace(host, std::unexpected(address.error()));
      if (address && *address) found.emplace(host, **address);
    }
    if (found.size() == hosts.size() || deadline.passed()) break;
    answered.wait(deadline, {});
  }
  for (const auto& host : hosts)
    found.emplace(host,
                  fail(Errc::timeout, fmt::format("look up {}: no answer in {} s", host, kDoctorPatience.count())));
  return found;
}

std::vector<RtrFact> reach_all(const std::vector<HostPort>& servers, const Addresses& addresses) {
  std::vector<RtrFact> facts;
  std::vector<Endpoint> remotes;
  std::vector<std::size_t> whose;
  for (const auto& server : servers) {
    const auto& address = addresses.at(server.host);
    facts.push_back({server.text(), address ? Result<void>{} : std::unexpected(address.error())});
    if (!address) continue;
    remotes.push_back({*address, server.port});
    whose.push_back(facts.size() - 1);
  }
  const auto outcomes = net::reach_tcp(remotes, Deadline::after(kDoctorPatience));
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (!outcomes[i]) facts[whose[i]].reached = std::unexpected(outcomes[i].error());
  return facts;
}

}  // namespace

Result<model::BirdPolicy> kept_policy(const AgentConfig& config) {
  TRY(const std::string body, StateFile(config.state_folder, kPolicyAnswer, identity_of(config)).read());
  TRY(const auto data, model::read_envelope(body));
  return model::read_bird_config(data);
}

ControlPlaneLook probe_control_plane(const AgentConfig& config) {
  if (config.control_plane.token.empty()) return {for_root_only("the token to ask it with"), std::nullopt};
  http::ClientSettings settings;
  settings.retry.max_retries = 0;
  settings.connect_timeout = kDoctorPatience;
  settings.user_agent = fmt::format("moenet-agent/{} doctor", version_text());
  http::HttpClient client(settings);
  http::Request request;
  // A node's name needs no escapes in a path (agent/config.cpp).
  request.target = fmt::format("{}/api/v1/agent/{}/config", config.control_plane.url, config.node.name);
  const auto began = steady_now();
  const auto response =
      client.send(request, config.control_plane.token, kDoctorPatience, Deadline::after(kDoctorPatience), {});
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began);
  ControlPlaneLook look;
  if (!response) {
    look.fact = ControlPlaneFact{config.control_plane.url, config.node.name, std::unexpected(response.error()), took};
    return look;
  }
  look.fact = ControlPlaneFact{config.control_plane.url, config.node.name, response->status, took};
  const auto text = response->headers.find("Date");
  if (const auto date = text ? http::parse_http_date(*text) : std::nullopt)
    look.clock_ahead = std::chrono::duration_cast<std::chrono::seconds>(wall_now() - *date);
  return look;
}

NamesLook probe_names(const AgentConfig& config) {
  NamesLook look;
  const std::string control_plane = host_of(config.control_plane.url);
  std::vector<std::string> hosts{control_plane};
  const auto servers = rtr_servers(config);
  if (servers) std::ranges::transform(*servers, std::back_inserter(hosts), &HostPort::host);
  std::ranges::sort(hosts);
  hosts.erase(std::ranges::unique(hosts).begin(), hosts.end());

  const Addresses addresses = look_up_all(hosts);
  std::vector<LookupFact> lookups;
  for (const auto& [host, address] : addresses) {
    if (!IpAddress::parse(host)) lookups.push_back({host, host == control_plane, address});
  }
  look.lookups = std::move(lookups);
  if (servers) {
    look.rtr_servers = reach_all(*servers, addresses);
  } else if (servers.error().code == Errc::not_found) {
    look.rtr_servers = Skipped{"the control plane has not given this node a policy yet"};
  } else {
    look.rtr_servers = Skipped{servers.error().what};
  }
  return look;
}

}  // namespace moenet::agent
