#include "agent/tools_work.h"

#include "agent/mtu_task.h"
#include "agent/ownership_mark.h"
#include "base/file.h"
#include "base/latest.h"
#include "net/dns_query.h"
#include "net/link.h"
#include "net/resolver.h"
#include "net/tcp_reach.h"

namespace moenet::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// All chosen, so that the slowest, a trace to a named host that nobody answers (3 s and four rounds of 1.3 s), ends
// within 10 s.
constexpr seconds kNameTime{3};
constexpr unsigned kEchoes = 5;
constexpr unsigned kConnections = 3;
constexpr seconds kConnectTime{3};
constexpr seconds kServerTime{3};  // each of at most three name servers

// A resolver of its own, which keeps no stranger's names; what hangs in it holds up nobody.
Result<IpAddress> address_of(const Host& host, Deadline deadline, const std::stop_token& stop) {
  if (const auto* address = std::get_if<IpAddress>(&host)) return *address;
  const std::string& name = std::get<HostName>(host).text;
  Wakeup answered;
  net::Resolver resolver([&] { answered.notify(); });
  for (const auto until = deadline.or_sooner(kNameTime);;) {
    TRY(const auto address, resolver.lookup(name));
    if (address) return *address;
    if (stop.stop_requested()) return fail(Errc::cancelled, "cancelled");
    if (until.passed()) return fail(Errc::timeout, "look up " + name + ": no name server answers in time");
    answered.wait(until, stop);
  }
}

// Where echoes and connections go.
struct Way {
  IpAddress address;
  int interface_index = 0;  // 0: as the routes say
  std::string text;         // as it is shown
};

Result<Way> way_on_link(const ScopedAddress& target, Deadline deadline) {
  TRY(auto socket, net::NetlinkSocket::open(net::NetlinkFamily::route));
  const auto link = net::find_link(socket, target.interface_name, deadline);
  if (!link && link.error().code != Errc::not_found) return std::unexpected(link.error());
  if (!link || !read_mark(link->alias)) return std::unexpected(no_link_of_ours(target.text()));
  return Way{target.address, link->index, target.text()};
}

Result<Way> way_to(const Reached& target, Deadline deadline, const std::stop_token& stop) {
  if (const auto* scoped = std::get_if<ScopedAddress>(&target)) return way_on_link(*scoped, deadline);
  const auto* name = std::get_if<HostName>(&target);
  const Host host = name != nullptr ? Host(*name) : Host(std::get<IpAddress>(target));
  TRY(const IpAddress address, address_of(host, deadline, stop));
  if (address.is_v6() && address.is_link_local()) return std::unexpected(no_link_of_ours(address.text()));
  return Way{address, 0, address.text()};
}

struct Asked {
  bird::LookingGlass& looking_glass;
  const ToolWork::Reach& may_reach;
  Deadline deadline;
  const std::stop_token& stop;

  Result<IpAddress> reachable(const IpAddress& address) const {
    if (may_reach && !may_reach(address)) return fail(Errc::denied, address.text() + " is not asked from this node");
    return address;
  }
  Result<IpAddress> reachable(const Host& host) const {
    TRY(const IpAddress address, address_of(host, deadline, stop));
    return reachable(address);
  }
  Result<Way> reachable_way(const Reached& target) const {
    TRY(Way way, way_to(target, deadline, stop));
    TRY_VOID(reachable(way.address));
    return way;
  }

  Result<ToolAnswer> operator()(const PingQuestion& question) const {
    TRY(const Way way, reachable_way(question.target));
    TRY(const auto pinger, net::Pinger::open());
    net::EchoPlan plan;
    plan.count = kEchoes;
    const net::EchoTarget targets[] = {{.address = way.address, .interface_index = way.interface_index, .source = {}}};
    TRY(const auto results, pinger->measure(targets, plan, stop));
    return ping_answer(way.text, results.front());
  }

  Result<ToolAnswer> operator()(const TcpingQuestion& question) const {
    TRY(const Way way, reachable_way(question.target));
    const std::vector<Endpoint> attempts(kConnections, Endpoint{way.address, question.port});
    const auto outcomes = net::reach_tcp(attempts, deadline.or_sooner(kConnectTime), way.interface_index);
    return tcping_answer(HostPort{way.text, question.port}.text(), outcomes);
  }

  Result<ToolAnswer> operator()(const TraceQuestion& question) const {
    TRY(const Way way, reachable_way(question.target));
    TRY(const auto exchange, net::EchoExchange::open());
    const net::EchoProbe probe{.target = way.address, .interface_index = way.interface_index, .source = {}};
    TRY(const auto trace, net::trace_path(*exchange, probe, {}, stop));
    return trace_answer(way.text, trace);
  }

  Result<ToolAnswer> operator()(const RouteQuestion& question) const {
    bird::RouteTarget target;
    if (const auto* prefix = std::get_if<IpPrefix>(&question.target)) {
      target = *prefix;
    } else {
      const auto* name = std::get_if<HostName>(&question.target);
      const Host host = name != nullptr ? Host(*name) : Host(std::get<IpAddress>(question.target));
      TRY(target, address_of(host, deadline, stop));
    }
    TRY(const auto answer, looking_glass.routes_to(target, std::nullopt, deadline, stop));
    return route_answer(target, answer);
  }

  Result<ToolAnswer> operator()(const PathQuestion& question) const {
    TRY(const IpAddress target, address_of(question.target, deadline, stop));
    TRY(const auto path, looking_glass.path_to(target, deadline, stop));
    return path_answer(target, path);
  }

  Result<ToolAnswer> operator()(const MtuQuestion& question) const {
    TRY(const IpAddress target, reachable(question.target));
    TRY(const auto path, search_path(target, stop));
    return mtu_answer(target, path);
  }

  Result<ToolAnswer> operator()(const DigQuestion& question) const {
    constexpr std::size_t kResolvConfBytes = 64u << 10;
    const auto file = question.server ? Result<std::string>("") : read_file("/etc/resolv.conf", kResolvConfBytes);
    const auto servers = question.server ? std::vector{*question.server} : net::name_servers_in(file.value_or(""));
    if (question.server) TRY_VOID(reachable(*question.server));
    const net::DnsQuestion asked{question.name, question.type};
    Error last;
    for (const IpAddress& server : servers) {
      constexpr std::uint16_t kDnsPort = 53;
      auto answer = net::ask_name_server({server, kDnsPort}, asked, deadline.or_sooner(kServerTime), stop);
      if (answer) return dig_answer(asked, server, *answer);
      last = std::move(answer.error());
    }
    return std::unexpected(last);
  }
};

}  // namespace

Result<ToolAnswer> ToolWork::answer(const ToolQuestion& question, Deadline deadline, const std::stop_token& stop) {
  return std::visit(Asked{looking_glass_, may_reach_, deadline, stop}, question);
}

}  // namespace moenet::agent
