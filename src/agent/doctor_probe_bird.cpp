#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "agent/base_config.h"
#include "agent/doctor_probes.h"
#include "bird/check_config.h"
#include "bird/client.h"
#include "bird/config_text.h"
#include "bird/control.h"
#include "bird/peer_folder.h"
#include "bird/policy.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

// A peer file that might come: is it where an include would find it? It is empty, and exists in the question only.
constexpr const char* kImaginedName = "dn42_4294967295.conf";
constexpr const char* kImaginedText = "/dev/null";

using Kind = bird::Definition::Kind;

// The names that peer files build on: always, or because one does now.
std::vector<std::pair<Kind, std::string>> needed_names(const bird::PolicyNames& names,
                                                       const bird::PeerFolder::Listing& files) {
  std::vector<std::pair<Kind, std::string>> needed{{Kind::bgp_template, names.peer_template},
                                                   {Kind::filter, names.import_filter},
                                                   {Kind::filter, names.export_filter}};
  const auto add_if_used = [&](const char* direction, const std::string& name) {
    const std::string line = fmt::format("\n    {} filter {};", direction, name);
    const auto uses = [&](const auto& file) { return file->text.contains(line); };
    if (std::ranges::any_of(files.ours, uses)) needed.emplace_back(Kind::filter, name);
  };
  add_if_used("import", names.import_theirs);
  add_if_used("export", names.export_own);
  return needed;
}

void find_missing_names(const bird::CheckConfig& check, const bird::PolicyNames& names,
                        const bird::PeerFolder::Listing& files, BirdFilesFact& fact) {
  for (const auto& [kind, name] : needed_names(names, files)) {
    const auto is_it = [&](const bird::CheckConfig::Defined& defined) {
      return defined.definition.kind == kind && defined.definition.name == name && defined.before_peers;
    };
    if (std::ranges::any_of(check.defined, is_it)) continue;
    fact.missing.push_back((kind == Kind::filter ? "filter " : "template bgp ") + name);
    fact.snippets += bird::snippet_for(name, names);
  }
}

std::string_view words_for(Kind kind) {
  switch (kind) {
    case Kind::bgp_template: return "template bgp";
    case Kind::filter: return "filter";
    case Kind::protocol: return "protocol";
  }
  return "";
}

// What the agent's own policy defines, of these kinds; without one from the control plane nothing.
std::set<std::pair<Kind, std::string>> policy_definitions(const AgentConfig& config, const bird::Version& version) {
  std::set<std::pair<Kind, std::string>> defined;
  const auto known = kept_policy(config);
  if (!known) return defined;
  bird::PolicyInput input;
  input.policy = *known;
  input.names = config.bird.names;
  input.loopback_link = config.loopback.name;
  for (const auto& file : bird::render_policy(input, bird::Dialect::of(version))) {
    for (const auto& item : bird::items_of(file.text)) {
      if (const auto* one = std::get_if<bird::Definition>(&item)) defined.emplace(one->kind, one->name);
    }
  }
  return defined;
}

void find_taken_names(const bird::CheckConfig& check, const AgentConfig& config, const bird::Version& version,
                      BirdFilesFact& fact) {
  const auto ours = policy_definitions(config, version);
  for (const auto& [definition, file, before_peers] : check.defined) {
    if (ours.contains({definition.kind, definition.name}))
      fact.taken.push_back(
          fmt::format("{} {} in {}:{}", words_for(definition.kind), definition.name, file, definition.line));
  }
}

// Is the file that the agent would write somebody else's?
bool is_in_the_way(const BirdSettings& settings) {
  if (settings.ownership != BirdOwnership::full) return false;
  const auto current = is_base_config_current(settings.config_file, "");
  return !current && current.error().code == Errc::conflict;
}

std::string words_of(const bird::ConfigError& error) {
  return fmt::format("{}:{}:{} {}", error.file, error.line, error.column, error.text);
}

Result<BirdFilesFact> look_at_files(const AgentConfig& config, const bird::Version& version, bird::BirdControl& bird) {
  const BirdSettings& settings = config.bird;
  BirdFilesFact fact;
  fact.peer_folder = settings.peer_folder;
  TRY(fact.main_file, bird.main_file());
  bird::PeerFolder folder(settings.peer_folder);
  const auto files = folder.read();
  if (!files && files.error().code == Errc::not_found) return fact;
  if (!files) return std::unexpected(files.error());
  fact.has_folder = true;

  bird::FolderView view{settings.peer_folder, {{kImaginedName, kImaginedText}}, {}};
  for (const auto& file : files->ours) view.ours[file->name] = settings.peer_folder + "/" + file->name;
  TRY(const bird::CheckConfig check, bird::build_check(fact.main_file, std::nullopt, view));
  fact.is_included = check.reached.contains(kImaginedName);
  // With "full" they are the agent's to define.
  if (settings.ownership == BirdOwnership::peers) {
    find_missing_names(check, settings.names, *files, fact);
  } else {
    find_taken_names(check, config, version, fact);
  }
  TRY(const auto error, bird.check(fact.main_file));
  if (error) fact.refused = words_of(*error);
  return fact;
}

}  // namespace

BirdLook probe_bird(const AgentConfig& config) {
  const BirdSettings& settings = config.bird;
  std::optional<BirdFilesFact> in_the_way;
  if (is_in_the_way(settings)) {
    in_the_way.emplace();
    in_the_way->main_file = settings.config_file;
    in_the_way->peer_folder = settings.peer_folder;
    in_the_way->is_others = true;
  }
  const auto deadline = Deadline::after(kDoctorPatience);
  auto client = bird::BirdClient::connect(settings.control_socket, deadline, {});
  if (!client) {
    const Error& error = client.error();
    BirdLook look{BirdFact{settings.control_socket, std::unexpected(error)}, Skipped{"BIRD does not answer"}};
    if (in_the_way) look.files = Result<BirdFilesFact>(*in_the_way);
    if (error.code == Errc::denied && !is_root()) look.fact = for_root_only("BIRD's socket");
    return look;
  }
  bird::BirdControl bird(*client, deadline, {});
  BirdLook look{BirdFact{settings.control_socket, client->version()},
                in_the_way ? Result<BirdFilesFact>(*in_the_way) : look_at_files(config, client->version(), bird)};
  const auto& files = std::get<Result<BirdFilesFact>>(look.files);
  if (!files && files.error().code == Errc::denied && !is_root()) look.files = for_root_only("BIRD's configuration");
  return look;
}

}  // namespace moenet::agent
