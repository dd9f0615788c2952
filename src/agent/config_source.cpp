#include "agent/config_source.h"

#include <array>
#include <unistd.h>
#include <utility>

#include "agent/fetched_paths.h"
#include "base/file.h"
#include "model/config_reader.h"

namespace moenet::agent {

namespace json = boost::json;

namespace {

// All that the control plane may set (wire contract A4). Whatever else its answer holds is ignored: what is run,
// listened on, trusted or overwritten is for the node's own file to say.
constexpr std::array<std::pair<std::string_view, std::string_view>, 25> kFetchedMembers{{
    {"node", "name"},
    {"node", "id"},
    {"node", "region"},
    {"node", "location"},
    {"node", "provider"},
    {"bird", "controlSocket"},
    {"bird", "poolSize"},
    {"bird", "poolSizeMax"},
    {"bird", "peerConfDir"},
    {"bird", "ebgpConfTemplateFile"},
    {"bird", "ibgpConfDir"},
    {"wireguard", "privateKeyPath"},
    {"wireguard", "publicKeyPath"},
    {"wireguard", "configDir"},
    {"wireguard", "persistentKeepaliveInterval"},
    {"wireguard", "dn42Ipv4"},
    {"wireguard", "dn42Ipv6"},
    {"wireguard", "dn42Ipv6LinkLocal"},
    {"metric", "pingTimeout"},
    {"metric", "pingCount"},
    {"metric", "pingWorkers"},
    {"autoUpdate", "enabled"},
    {"autoUpdate", "checkInterval"},
    {"autoUpdate", "channel"},
    {"autoUpdate", "githubRepo"},
}};

// "", and 0 as the node's id, stand for "not allocated" (A4).
bool says_nothing(std::string_view key, const json::value& value) {
  return value.is_null() || (value.is_string() && value.get_string().empty()) ||
         (key == "id" && model::integer_in(value) == 0);
}

json::object& object_at(json::object& parent, std::string_view key) {
  json::value& value = parent[key];
  if (!value.is_object()) value = json::object{};
  return value.get_object();
}

// What `over` leaves open.
json::object beneath(const json::object& over, json::object under) {
  for (auto& [group, members] : under) {
    const json::value* existing = over.if_contains(group);
    if (existing == nullptr || !existing->is_object()) continue;
    for (const auto& member : existing->get_object()) members.get_object().erase(member.key());
  }
  return under;
}

std::vector<std::string> own_paths_below(const json::object& root) {
  std::vector<std::string> folders;
  const json::value* section = root.if_contains("controlPlane");
  const json::value* list =
      section != nullptr && section->is_object() ? section->get_object().if_contains("pathsBelow") : nullptr;
  if (list == nullptr || !list->is_array()) return folders;
  for (const json::value& folder : list->get_array()) {
    if (folder.is_string()) folders.emplace_back(folder.get_string());
  }
  return folders;
}

// `over` wins, member by member.
void merge_beneath(json::object& over, json::object under) {
  for (auto& [group, members] : under) {
    json::object* existing = over.emplace(group, json::object{}).first->value().if_object();
    if (existing == nullptr) continue;
    for (auto& [key, value] : members.get_object()) existing->emplace(key, std::move(value));
  }
}

// {"bootstrap":{"controlPlaneUrl" or "apiUrl","nodeName","token"}} in the words of the full form.
bool expand_bootstrap(json::object& root) {
  const json::value* section = root.if_contains("bootstrap");
  if (section == nullptr || !section->is_object()) return false;
  const json::object bootstrap = section->get_object();
  const auto move_to = [&](std::string_view from, std::string_view group, std::string_view to) {
    if (const auto* value = bootstrap.if_contains(from)) object_at(root, group).emplace(to, *value);
  };
  move_to("controlPlaneUrl", "controlPlane", "url");
  move_to("apiUrl", "controlPlane", "url");
  move_to("token", "controlPlane", "token");
  move_to("tokenFile", "controlPlane", "tokenFile");
  move_to("nodeName", "node", "name");
  root.erase("bootstrap");
  return true;
}

void apply_environment(json::object& root, Environment environment) {
  const auto set = [&](const char* variable, std::string_view group, std::string_view key) {
    const char* value = environment(variable);
    if (value != nullptr && *value != '\0') object_at(root, group)[key] = value;
  };
  set("MOENET_NODE_NAME", "node", "name");
  set("MOENET_NODE_ID", "node", "id");
  set("MOENET_CP_URL", "controlPlane", "url");
  set("MOENET_CP_TOKEN", "controlPlane", "token");
}

}  // namespace

Result<std::string> find_config_file() {
  for (const char* path : {"./config.json", "/etc/moenet-agent/config.json", "/opt/moenet-agent/config.json"}) {
    if (::access(path, F_OK) == 0) return std::string(path);
  }
  return fail(Errc::not_found,
              "no configuration: neither ./config.json nor /etc/moenet-agent/config.json nor "
              "/opt/moenet-agent/config.json is there; name one with -c FILE");
}

Result<ConfigSource> read_config_file(const std::string& path) {
  TRY(const std::string text, read_file(path, model::kConfigBytesMax));
  TRY(auto value, model::parse_config(text, path));
  return ConfigSource{path, std::move(value)};
}

json::object fetched_members(const json::value& fetched) {
  json::object members;
  const json::object* answer = fetched.if_object();
  if (answer == nullptr) return members;
  for (const auto& [group, key] : kFetchedMembers) {
    const json::value* section = answer->if_contains(group);
    const json::object* object = section == nullptr ? nullptr : section->if_object();
    const json::value* value = object == nullptr ? nullptr : object->if_contains(key);
    if (value != nullptr && !says_nothing(key, *value)) object_at(members, group)[key] = *value;
  }
  return members;
}

MergedConfig merge_config(const ConfigSource& source, const json::value& fetched, Environment environment) {
  MergedConfig merged{source.file, false, {}};
  json::object& root = merged.root.get_object();
  apply_environment(root, environment);
  merged.is_bootstrap = expand_bootstrap(root);
  const json::object counting = beneath(root, fetched_members(fetched));
  merged.faults = faults_of_paths(counting, own_paths_below(root));
  merge_beneath(root, counting);
  return merged;
}

bool wants_system_call_filter(const ConfigSource& source) {
  const json::value* said = nullptr;
  if (const json::object* root = source.file.if_object()) said = root->if_contains("sandbox");
  if (said != nullptr && said->is_object()) said = said->get_object().if_contains("seccomp");
  return said == nullptr || !said->is_bool() || said->get_bool();
}

}  // namespace moenet::agent
