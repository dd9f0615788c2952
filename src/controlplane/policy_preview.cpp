#include "controlplane/policy_preview.h"

#include <map>
#include <utility>

#include <boost/json.hpp>

#include "bird/policy.h"
#include "controlplane/node_views.h"
#include "controlplane/text_diff.h"
#include "model/routing_policy.h"

namespace moenet::controlplane {

namespace {

constexpr std::string_view kLoopbackLink = "dn42-lo";  // the agent's, unless its file names another
constexpr bird::Version kBird{3, 1, 0};

}  // namespace

Checked<std::vector<model::BirdFile>> policy_files(const Settings& settings, const Node& node,
                                                   std::span<const Node> nodes) {
  const auto view = bird_config_view(settings, node, nodes);
  if (!view) return std::vector<model::BirdFile>{};
  auto policy = model::read_bird_config(*view);
  if (!policy) return std::unexpected(Refusal(policy.error()));
  bird::PolicyInput input;
  input.policy = std::move(*policy);
  input.loopback_link = kLoopbackLink;
  return bird::render_policy(input, bird::Dialect::of(kBird));
}

Checked<std::string> policy_diff(const Settings& before, const Settings& after, const Node& node,
                                 std::span<const Node> nodes) {
  std::map<std::string, std::pair<std::string, std::string>> texts;  // by file: before, after
  auto old_files = policy_files(before, node, nodes);
  if (!old_files) return std::unexpected(old_files.error());
  auto new_files = policy_files(after, node, nodes);
  if (!new_files) return std::unexpected(new_files.error());
  for (model::BirdFile& file : *old_files) texts[file.name].first = std::move(file.text);
  for (model::BirdFile& file : *new_files) texts[file.name].second = std::move(file.text);
  std::string diff;
  for (const auto& [name, text] : texts) diff += unified_diff(name, text.first, text.second);
  return diff;
}

}  // namespace moenet::controlplane
