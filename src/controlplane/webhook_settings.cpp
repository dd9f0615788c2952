#include "controlplane/webhook_settings.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "model/text.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using model::JsonFault;
using model::JsonReader;

constexpr std::size_t kMostWebhooks = 8;  // chosen: each costs a row per move
constexpr std::size_t kMostName = 32;
constexpr std::size_t kMostUrl = 500;
constexpr std::size_t kLeastSecret = 16;  // chosen: shorter ones can be found by trying
constexpr std::size_t kMostSecret = 256;
constexpr std::size_t kMostEventNames = 9;  // there are no more statuses

bool is_name(std::string_view text) {
  const auto is_plain = [](unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kMostName && std::ranges::all_of(text, is_plain);
}

// Without a name or password in it, which would be shown; what else is wrong with it, the first delivery tells.
bool is_url(std::string_view text) {
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  if (scheme == 0 || text.size() > kMostUrl) return false;
  const auto is_plain = [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#' && c != '"' && c != '\\'; };
  if (!std::ranges::all_of(text, is_plain)) return false;
  const std::string_view rest = text.substr(scheme);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  return !authority.empty() && authority.find('@') == std::string_view::npos;
}

std::optional<model::SessionStatus> status_of(std::string_view name) {
  for (std::int64_t number = 0; const auto status = model::session_status_from_int(number); ++number) {
    if (model::lower_case(model::name_of(*status)) == model::lower_case(name)) return status;
  }
  return std::nullopt;
}

Webhook read_webhook(const JsonReader& object, const std::vector<Webhook>& before) {
  Webhook hook;
  hook.name = object.text("name", kMostName).value_or("");
  if (!is_name(hook.name)) object.note("name", fmt::format("1 to {} of a-z, 0-9 and -", kMostName));
  hook.url = object.text("url", kMostUrl).value_or("");
  if (!is_url(hook.url)) object.note("url", "an http:// or https:// URL without a password in it");
  for (const std::string& name : object.texts("events", kMostEventNames, kMostName)) {
    const auto status = status_of(name);
    if (!status) object.note("events", "a list of statuses such as ENABLED or PROBLEM");
    if (status && std::ranges::find(hook.events, *status) == hook.events.end()) hook.events.push_back(*status);
  }
  if (auto secret = object.secret("secret", kMostSecret)) hook.secret = std::move(*secret);
  const auto same = std::ranges::find(before, hook.name, &Webhook::name);
  if (hook.secret.empty() && same != before.end()) hook.secret = same->secret;
  if (hook.secret.reveal().size() < kLeastSecret) {
    object.note_secret("secret", fmt::format("{} to {} printable characters", kLeastSecret, kMostSecret));
  }
  return hook;
}

}  // namespace

void read_webhooks(const JsonReader& root, std::vector<Webhook>& hooks, std::vector<JsonFault>& faults) {
  if (!root.has("webhooks")) return;
  const json::value* value = root.find("webhooks");
  if (value == nullptr) return hooks.clear();
  if (!value->is_array() || value->get_array().size() > kMostWebhooks) {
    return root.note("webhooks", fmt::format("a list of at most {} webhooks", kMostWebhooks));
  }
  const std::size_t faults_before = faults.size();
  std::vector<Webhook> read;
  for (const json::value& item : value->get_array()) {
    const JsonReader object(item, faults, fmt::format("{}[{}]", root.path_of("webhooks"), read.size()));
    for (std::string& path : object.unknown_keys({"name", "url", "secret", "hasSecret", "events"})) {
      faults.push_back({std::move(path), "", "no such member"});
    }
    Webhook hook = read_webhook(object, hooks);
    if (std::ranges::find(read, hook.name, &Webhook::name) != read.end()) {
      object.note("name", "the name of one webhook alone");
    }
    read.push_back(std::move(hook));
  }
  if (faults.size() == faults_before) hooks = std::move(read);
}

json::array write_webhooks(const std::vector<Webhook>& hooks, WebhookSecrets secrets) {
  json::array list;
  for (const Webhook& hook : hooks) {
    json::array events;
    for (const model::SessionStatus status : hook.events) events.emplace_back(model::name_of(status));
    json::object object{{"name", hook.name}, {"url", hook.url}, {"events", std::move(events)}};
    if (secrets == WebhookSecrets::written) {
      object["secret"] = hook.secret.reveal();
    } else {
      object["hasSecret"] = true;
    }
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace moenet::controlplane
