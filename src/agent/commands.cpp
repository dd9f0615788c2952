#include "agent/commands.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/adoption.h"
#include "agent/backbone.h"
#include "agent/compose.h"
#include "agent/config_task.h"
#include "agent/control_plane.h"
#include "agent/hostile_chains.h"
#include "agent/keys.h"
#include "agent/linux_node.h"
#include "agent/local_client.h"
#include "agent/mtu_task.h"
#include "agent/roa_task.h"
#include "agent/rtt_task.h"
#include "agent/session_sync.h"
#include "agent/state_file.h"
#include "agent/status_view.h"
#include "agent/version.h"
#include "base/file.h"
#include "net/resolver.h"
#include "reconcile/deletion_guard.h"
#include "reconcile/reconciler.h"

namespace moenet::agent {
namespace {

int complain(const Error& error) {
  fmt::print(stderr, "moenet-agent: {}\n", error.what);
  return error.code == Errc::invalid && error.what.find("config") != std::string::npos ? kExitConfig : EXIT_FAILURE;
}

int complain(const std::vector<model::JsonFault>& faults, const std::string& path) {
  for (const auto& fault : faults) fmt::print(stderr, "{}: {}\n", path, fault.text());
  fmt::print(stderr, "moenet-agent: {} fault{} in the configuration\n", faults.size(), faults.size() == 1 ? "" : "s");
  return kExitConfig;
}

// Commands that ask the control plane need the service's token; those that ask the running agent do as well as they
// can, which asks for none on loopback (`status`) or may have one of its own (`api.token`).
TokenSearch of_service() { return {std::string(kServiceCredential)}; }
TokenSearch if_there_is_one() { return {std::string(kServiceCredential), true}; }

// The control plane's answers of this moment; where it gives none, those of the last good state.
class AnswersNow {
 public:
  explicit AnswersNow(const AgentConfig& config)
      : config_(config),
        control_plane_(impatient(config), config.node.name, fmt::format("moenet-agent/{}", version_text())) {}

  // `read`: body to answer.
  template <class T, class Read>
  Result<T> get(std::string_view action, const Read& read) {
    auto fetched = control_plane_.fetch(action, "", std::chrono::seconds(0), {});
    Result<T> answer = fetched ? read(std::move(fetched->body)) : std::unexpected(fetched.error());
    if (answer) return answer;
    auto body = StateFile(config_.state_folder, action, identity_of(config_)).read();
    if (!body) return answer;
    if (!std::exchange(is_from_disk_, true)) {
      fmt::print(stderr, "the control plane does not answer ({}); this is from the last good state\n",
                 answer.error().what);
    }
    return read(std::move(*body));
  }
  std::string_view source() const { return is_from_disk_ ? "the last good state" : "the control plane"; }

 private:
  static ControlPlaneSettings impatient(const AgentConfig& config) {
    ControlPlaneSettings settings = config.control_plane;
    settings.max_retries = 0;
    return settings;
  }

  const AgentConfig& config_;
  ControlPlane control_plane_;
  bool is_from_disk_ = false;
};

template <class T, Result<T> (*Read)(const boost::json::value&)>
Result<T> read_body(const std::string& body) {
  TRY(const auto data, model::read_envelope(body));
  return Read(data);
}

// Takes what there is: a control plane may know nothing of it, and then there is none.
template <class T, Result<T> (*Read)(const boost::json::value&)>
Known<T> known_now(AnswersNow& answers, std::string_view action) {
  auto answer = answers.get<T>(action, read_body<T, Read>);
  if (answer) return Known<T>{std::make_shared<const T>(std::move(*answer)), false, 1};
  if (answer.error().code != Errc::not_found) fmt::print(stderr, "{}\n", answer.error().what);
  return {};
}

// Names are looked up here and now: a command may wait.
Lookup blocking_lookup(net::Resolver& resolver, Wakeup& answered) {
  return [&](std::string_view host, std::optional<IpFamily> family) -> Result<std::optional<IpAddress>> {
    const auto deadline = Deadline::after(std::chrono::seconds(10));
    for (;;) {
      auto address = resolver.lookup(host, family);
      if (!address || *address || deadline.passed()) return address;
      answered.wait(deadline, {});
    }
  };
}

// A key that the agent would make is made up for the moment.
Result<Key> key_now(const std::string& path) {
  auto key = load_private_key(path);
  if (key || key.error().code != Errc::not_found) return key;
  fmt::print(stderr, "private key {} is not there: the agent would make it\n", path);
  return generate_private_key();
}

Result<Composed> compose_now(const AgentConfig& config, const std::string& bird_version, std::string& from) {
  if (!config.is_complete)
    return fail(Errc::unavailable, "the control plane has not given this node its config yet (run the agent once)");
  AnswersNow answers(config);
  TRY(const auto sessions, answers.get<SessionAnswer>(kSessionsAnswer, read_answer));
  TRY(const Key key, key_now(config.wireguard.private_key_path));
  Wakeup answered;
  net::Resolver resolver([&] { answered.notify(); });
  const Lookup lookup = blocking_lookup(resolver, answered);
  const NodeContext context = context_of(config, key);
  Backbone backbone(config, context);
  backbone.take_mesh(known_now<model::Mesh, model::read_mesh>(answers, kMeshAnswer), false);
  backbone.take_policy(known_now<model::BirdPolicy, model::read_bird_config>(answers, kPolicyAnswer));
  backbone.take_roas(kept_roas(config));
  const StateFile links(config.state_folder, kLinksState, identity_of(config));
  const StateFile mtus(config.state_folder, kMtusState, identity_of(config));
  const MtuLimits limits = kept_limits(config.mtu, mtus);
  from = answers.source();
  return joined(backbone.compose(lookup, bird_version, limits),
                compose(sessions.rows, context, lookup, kept_qualities(links, wall_now()), limits));
}

// What the files are rendered for; the oldest that is supported when none answers.
std::string bird_version_now(const AgentConfig& config) {
  bird::BirdPool pool(config.bird.control_socket, {1, 1});
  const auto reply = pool.ask("show status", Deadline::after(std::chrono::seconds(5)), {});
  if (reply && pool.version()) return pool.version()->text();
  constexpr std::string_view kOldest = "2.0.12";
  fmt::print(stderr, "BIRD does not answer: the files are for {}\n", kOldest);
  return std::string(kOldest);
}

struct PlanNow {
  reconcile::Plan plan;
  reconcile::DeletionGuard::Verdict guard;
};

boost::json::value json_of(const PlanNow& now) {
  const reconcile::Plan& plan = now.plan;
  boost::json::array tunnels;
  for (const auto* part : {&plan.before_bird, &plan.after_bird}) {
    for (const auto& action : *part) {
      tunnels.push_back(boost::json::object{{"link", std::string(link_name(action))},
                                            {"owner", owner_of(action)},
                                            {"change", reconcile::describe(action)}});
    }
  }
  boost::json::array put;
  for (const auto& file : plan.bird.put) put.push_back(boost::json::object{{"file", file.name}, {"owner", file.owner}});
  boost::json::array remove;
  for (const auto& name : plan.bird.remove) remove.push_back(boost::json::value(name));
  boost::json::array vanished;
  for (const auto& uuid : now.guard.vanished) vanished.push_back(boost::json::value(uuid.view()));
  return boost::json::object{
      {"changes", plan.size()},
      {"deletion_guard", boost::json::object{{"holds", now.guard.holds}, {"vanished", std::move(vanished)}}},
      {"tunnels", std::move(tunnels)},
      {"bird",
       boost::json::object{{"put", std::move(put)}, {"remove", std::move(remove)}, {"reload", plan.bird.reload}}}};
}

std::string text_of(const PlanNow& now) {
  std::string text = reconcile::describe(now.plan);
  if (now.guard.holds) {
    text += fmt::format(
        "held by the deletion guard: {} sessions vanished from the list; they stay until it came {} times in a row, or "
        "until `moenet-agent sync --allow-mass-delete`\n",
        now.guard.vanished.size(), now.guard.needed);
  }
  return text;
}

// What the guard would say of a list that came for the first time.
reconcile::DeletionGuard::Verdict judge(const reconcile::NodeState& observed, const model::DesiredState& wanted) {
  std::vector<model::SessionId> listed;
  for (const auto& peering : wanted.peerings) listed.emplace_back(model::session_of(peering.owner));
  return reconcile::DeletionGuard().judge(reconcile::sessions_in(observed), reconcile::distinct(std::move(listed)));
}

Result<PlanNow> plan_now(const AgentConfig& config) {
  TRY(auto node, LinuxNode::open(config));
  TRY(const auto observed, node->observe(Deadline::after(config.reconciler.step_timeout), {}));
  std::string from;
  TRY(auto composed, compose_now(config, observed.bird.version, from));
  PlanNow now;
  now.guard = judge(observed, composed.state);
  reconcile::Reconciler reconciler(*node, config.reconciler);
  TRY(now.plan, reconciler.preview(std::move(composed.state), composed.status_of, {}));
  now.plan.bird.judge_again = false;  // what BIRD's filters were asked, the running agent alone knows
  return now;
}

}  // namespace

std::expected<ConfigWithSource, ConfigFailure> read_config(const std::string& path, const TokenSearch& tokens) {
  auto found = path.empty() ? find_config_file() : Result<std::string>(path);
  auto source = found ? read_config_file(*found) : std::unexpected(found.error());
  if (!source) return std::unexpected(ConfigFailure{found.value_or(""), source.error(), {}});
  const auto environment = [](const char* name) -> const char* { return std::getenv(name); };
  auto local = understand_config(*source, nullptr, environment, tokens);
  auto loaded = local ? understand_config(*source, kept_config(local->config), environment, tokens) : local;
  // What was kept from the control plane never stands in the way of a good file.
  if (!loaded && local) loaded = std::move(local);
  if (!loaded) return std::unexpected(ConfigFailure{source->path, std::nullopt, loaded.error()});
  return ConfigWithSource{std::move(*source), std::move(*loaded)};
}

std::optional<ConfigWithSource> load_config(const std::string& path, const TokenSearch& tokens) {
  auto config = read_config(path, tokens);
  if (config) return std::move(*config);
  const ConfigFailure& failure = config.error();
  failure.unreadable ? complain(*failure.unreadable) : complain(failure.faults, failure.path);
  return std::nullopt;
}

int check_config(const std::string& config_path) {
  const auto config = load_config(config_path, of_service());
  if (!config) return kExitConfig;
  for (const auto& warning : config->loaded.warnings) fmt::print("{}: warning: {}\n", config->source.path, warning);
  if (config->loaded.config.firewall == FirewallMode::nftables) {
    if (const auto chains = hostile_chains()) {
      for (const auto& chain : *chains)
        fmt::print("{}: warning: {} drops what it does not know: {}\n", config->source.path, chain,
                   hostile_chains_remedy());
    }
  }
  fmt::print("{}: ok{}\n", config->source.path,
             config->loaded.config.is_complete ? "" : " (bootstrap: the rest comes from the control plane)");
  return EXIT_SUCCESS;
}

int show_plan(const std::string& config_path, bool as_json) {
  const auto config = load_config(config_path, of_service());
  if (!config) return kExitConfig;
  const auto plan = plan_now(config->loaded.config);
  if (!plan) return complain(plan.error());
  std::cout << (as_json ? boost::json::serialize(json_of(*plan)) + "\n" : text_of(*plan));
  return EXIT_SUCCESS;
}

int request_sync(const std::string& config_path, bool allow_mass_delete, bool as_json) {
  const auto config = load_config(config_path, if_there_is_one());
  if (!config) return kExitConfig;
  auto document = ask_running_agent(config->loaded.config.api,
                                    allow_mass_delete ? "/sync?wait=1&allow_mass_delete=1" : "/sync?wait=1",
                                    std::chrono::seconds(130));
  if (!document) return complain(document.error());
  if (as_json) {
    std::cout << *document << "\n";
    return EXIT_SUCCESS;
  }
  auto text = sync_view(*document);
  if (!text) return complain(text.error());
  std::cout << *text;
  return EXIT_SUCCESS;
}

int print_new_key() {
  std::cout << generate_private_key().base64() << "\n";
  return EXIT_SUCCESS;
}

int print_public_key() {
  std::string line;
  std::getline(std::cin, line);
  const auto key = Key::from_base64(line);
  wipe(line.data(), line.size());
  if (!key) return complain({Errc::invalid, "stdin holds no WireGuard private key (44 characters of base64)"});
  std::cout << public_key_of(*key).base64() << "\n";
  return EXIT_SUCCESS;
}

int adopt_sessions(const std::string& config_path, bool write) {
  const auto loaded = load_config(config_path, of_service());
  if (!loaded) return kExitConfig;
  const AgentConfig& config = loaded->loaded.config;
  std::string from;
  const auto composed = compose_now(config, bird_version_now(config), from);
  if (!composed) return complain(composed.error());
  const auto deadline = Deadline::after(config.reconciler.step_timeout);
  const auto found = find_adoptions(config, composed->state, deadline);
  if (!found) return complain(found.error());
  bool has_failed = false;
  for (const Adoption& adoption : *found) {
    const std::string what = fmt::format("{}: {}{}{}", adoption.owner, adoption.link,
                                         adoption.link.empty() || adoption.file.empty() ? "" : ", ", adoption.file);
    has_failed |= !adoption.reason.empty();
    if (!adoption.reason.empty()) {
      fmt::print("left alone  {} ({})\n", what, adoption.reason);
      continue;
    }
    if (write) {
      if (auto done = adopt(config, adoption, deadline); !done) return complain(done.error());
    }
    fmt::print("{}  {}\n", write ? "adopted    " : "would adopt", what);
  }
  if (found->empty()) fmt::print("nothing to adopt\n");
  return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int render_files(const std::string& config_path, const std::string& folder) {
  const auto loaded = load_config(config_path, of_service());
  if (!loaded) return kExitConfig;
  const AgentConfig& config = loaded->loaded.config;
  std::string from;
  const auto composed = compose_now(config, bird_version_now(config), from);
  if (!composed) return complain(composed.error());
  if (auto made = make_folder(folder, 0750); !made) return complain(made.error());
  std::size_t files = 0;
  const auto write = [&](const std::string& name, const std::string& text) {
    auto written = atomic_write_file(folder + "/" + name, text, 0640);
    if (written) ++files;
    return written;
  };
  if (config.bird.ownership == BirdOwnership::full) {
    if (auto written =
            write("bird.conf", bird::render_main(config.bird.peer_folder, config.node.name, config.node.ipv4));
        !written)
      return complain(written.error());
  }
  if (composed->state.policy) {
    for (const auto& file : *composed->state.policy) {
      if (auto written = write(file->name, file->text); !written) return complain(written.error());
    }
  }
  for (const auto& peering : composed->state.peerings) {
    if (!peering.bird_file) continue;
    if (auto written = write(peering.bird_file->name, peering.bird_file->text); !written)
      return complain(written.error());
  }
  fmt::print("{} files in {}, from {}\n", files, folder, from);
  return EXIT_SUCCESS;
}

}  // namespace moenet::agent
