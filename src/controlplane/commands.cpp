#include "controlplane/commands.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stop_token>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "controlplane/admin_body.h"
#include "controlplane/pages.h"
#include "controlplane/people_pages.h"
#include "controlplane/server_config.h"
#include "controlplane/token.h"
#include "controlplane/version.h"
#include "http/client.h"
#include "model/json_reader.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using Kind = ApiCommand::Kind;

constexpr std::chrono::seconds kAttempt{15};

std::string member(const json::value& object, std::string_view name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// Of an answer that must have it. Throws when it has not, as at() and as_array() do: run_command tells.
std::string required(const json::value& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

http::ClientSettings client_settings() {
  http::ClientSettings settings;
  settings.retry.max_retries = 0;  // an add that was carried out and not answered must not be repeated blindly
  settings.user_agent = std::string(version_line());
  return settings;
}

// The admin API as its callers see it: JSON in, JSON out, refusals as errors in the server's words.
class AdminClient {
 public:
  AdminClient(std::string url, Secret token)
      : base_(std::move(url) + "/api/v1/"), token_(std::move(token)), client_(client_settings()) {}

  // Below /api/v1/admin/, or with a slash at its beginning below /api/v1.
  Result<json::value> call(std::string_view method, const std::string& path, std::string body = {}) {
    http::Request request;
    request.method = method;
    request.target = base_ + (path.starts_with('/') ? path.substr(1) : "admin/" + path);
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
    TRY(const auto response, client_.send(request, token_, kAttempt, Deadline::after(kAttempt), std::stop_token()));
    if (response.status == 204) return json::value(nullptr);
    auto answer = model::parse_json(response.body);
    if (response.status < 300 && answer) return answer;
    std::string detail = answer ? escape_for_log(member(*answer, "detail")) : std::string();
    if (detail.empty()) return fail(Errc::internal, fmt::format("HTTP {} from {}", response.status, request.target));
    if (const std::string hint = member(*answer, "hint"); !hint.empty()) detail += ": " + escape_for_log(hint);
    const std::string field = member(*answer, "field");
    return fail(Errc::invalid, field.empty() ? detail : fmt::format("{}: {}", escape_for_log(field), detail));
  }

 private:
  std::string base_;
  Secret token_;
  http::HttpClient client_;
};

// RFC 3986: what an operator typed, as one path segment or parameter.
std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '_' || c == '.' || c == '~';
    result += is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return result;
}

// The uuid of a session that was named by its AS number or its uuid.
Result<std::string> find_uuid(AdminClient& api, const ApiCommand& command) {
  if (is_uuid(command.session)) return command.session;
  std::string number = command.session;
  if (number.starts_with("AS") || number.starts_with("as")) number.erase(0, 2);
  std::string path = "sessions?asn=" + encoded(number);
  if (!command.node.empty()) path += "&node=" + encoded(command.node);
  TRY(const auto answer, api.call("GET", path));
  const json::array& sessions = answer.at("sessions").as_array();
  if (sessions.empty()) return fail(Errc::not_found, fmt::format("no session of AS{}; `peer list` shows all", number));
  if (sessions.size() > 1)
    return fail(Errc::conflict, fmt::format("AS{} has {} sessions: say which --node", number, sessions.size()));
  return required(sessions.front(), "uuid");
}

Result<std::string> body_with_secrets(const ApiCommand& command) {
  json::object body = json::parse(command.body).as_object();
  if (!command.psk_file.empty()) {
    TRY(const Secret key, read_secret_file(command.psk_file));
    body["presharedKey"] = key.reveal();
  }
  if (!command.password_file.empty()) {
    TRY(const Secret password, read_secret_file(command.password_file));
    body["password"] = password.reveal();
  }
  return json::serialize(body);
}

// `url` "": as the control plane knows itself (its publicUrl); when it does not, `fallback`, and "" is its refusal.
Result<json::value> ask_for_line(AdminClient& api, const std::string& node, const std::string& url,
                                 const std::string& fallback) {
  const std::string path = "nodes/" + encoded(node) + "/bootstrap";
  if (!url.empty()) return api.call("POST", path, json::serialize(json::object{{"url", url}}));
  auto line = api.call("POST", path, "{}");
  if (line || line.error().code != Errc::invalid || fallback.empty()) return line;
  return api.call("POST", path, json::serialize(json::object{{"url", fallback}}));
}

std::string bootstrap_page(const json::value& line) {
  return fmt::format(
      "on the machine that becomes {0}, as root, within a day; to look at first what it would do:\n"
      "curl -sS '{1}?dry-run=1' | sh\n"
      "and then:\ncurl -sS {1} | sh\n",
      required(line, "name"), required(line, "url"));
}

// All parts of a list, as one answer.
Result<json::value> whole_list(AdminClient& api, const std::string& path, const std::string& name) {
  json::array all;
  std::string after;
  while (true) {
    TRY(auto part, api.call("GET", path + "?limit=500" + (after.empty() ? "" : "&after=" + encoded(after))));
    for (json::value& item : part.at(name).as_array()) all.push_back(std::move(item));
    if (part.at("next").is_null()) return json::value(json::object{{name, std::move(all)}});
    after = required(part, "next");
  }
}

// Of the settings' answer.
Result<json::value> peering_in(Result<json::value> settings) {
  if (!settings) return settings;
  return settings->at("peering");
}

Result<json::value> ask_of_people(AdminClient& api, const ApiCommand& command) {
  switch (command.kind) {
    case Kind::user_list: return whole_list(api, "/users", "users");
    case Kind::user_add: return api.call("POST", "/users", command.body);
    case Kind::user_change: return api.call("PATCH", "/users/" + encoded(command.subject), command.body);
    case Kind::user_delete: return api.call("DELETE", "/users/" + encoded(command.subject));
    case Kind::token_list: return whole_list(api, "/tokens", "tokens");
    case Kind::token_add: return api.call("POST", "/tokens", command.body);
    case Kind::token_revoke: return api.call("DELETE", "/tokens/" + encoded(command.subject));
    case Kind::peering_show: return peering_in(api.call("GET", "/settings"));
    case Kind::peering_change: return peering_in(api.call("PATCH", "/settings", command.body));
    case Kind::audit:
      return api.call("GET", fmt::format("/audit?limit={}{}{}", command.limit,
                                         command.subject.empty() ? "" : "&object=" + encoded(command.subject),
                                         command.who.empty() ? "" : "&who=" + encoded(command.who)));
    default: return fail(Errc::internal, "no such command");
  }
}

Result<json::value> ask(AdminClient& api, const ApiCommand& command, const std::string& own_url) {
  switch (command.kind) {
    case Kind::node_add: return api.call("POST", "nodes", command.body);
    case Kind::node_list: return api.call("GET", "nodes");
    case Kind::node_show: return api.call("GET", "nodes/" + encoded(command.node));
    case Kind::node_change: return api.call("PATCH", "nodes/" + encoded(command.node), command.body);
    case Kind::node_delete:
      return api.call("DELETE", "nodes/" + encoded(command.node) + (command.force ? "?force=1" : ""));
    case Kind::node_token: return api.call("POST", "nodes/" + encoded(command.node) + "/token", command.body);
    case Kind::node_revoke: return api.call("DELETE", "nodes/" + encoded(command.node) + "/token");
    case Kind::node_bootstrap: return ask_for_line(api, command.node, command.public_url, own_url);
    case Kind::peer_list:
      return api.call("GET", "sessions?" + (command.node.empty() ? "" : "node=" + encoded(command.node) + "&") +
                                 (command.status.empty() ? "" : "status=" + encoded(command.status)));
    case Kind::peer_add: {
      TRY(std::string body, body_with_secrets(command));
      return api.call("POST", "sessions", std::move(body));
    }
    case Kind::peer_show: {
      TRY(const std::string uuid, find_uuid(api, command));
      return api.call("GET", "sessions/" + uuid);
    }
    case Kind::peer_move: {
      TRY(const std::string uuid, find_uuid(api, command));
      const json::object body = command.reason.empty() ? json::object() : json::object{{"reason", command.reason}};
      return api.call("POST", "sessions/" + uuid + "/" + command.move, json::serialize(body));
    }
    case Kind::peer_delete: {
      TRY(const std::string uuid, find_uuid(api, command));
      return api.call("DELETE", "sessions/" + uuid + (command.force ? "?force=1" : ""));
    }
    default: return ask_of_people(api, command);
  }
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(wall_now().time_since_epoch()).count();
}

std::string one_line(const json::value& session) {
  if (session.is_null()) return "deleted\n";
  return fmt::format("AS{} on {}: {} ({})\n", json::serialize(session.at("asn")),
                     escape_for_log(required(session, "node")), escape_for_log(required(session, "status")),
                     escape_for_log(required(session, "uuid")));
}

Result<std::string> page_of(AdminClient& api, const ApiCommand& command, const json::value& answer) {
  switch (command.kind) {
    case Kind::node_add: {
      const std::string name = required(answer, "name");
      const auto line = ask_for_line(api, name, "", "");
      return (line ? bootstrap_page(*line)
                   : fmt::format("the line that makes a machine this node: moenet-controlplane node bootstrap {} "
                                 "--public-url URL\n",
                                 name)) +
             fmt::format("or by hand, with its token, told this once (tokenFile of its agent):\n{}\n",
                         required(answer, "token"));
    }
    case Kind::node_token:
      return fmt::format("token of {}, told this once (controlPlane.token or tokenFile of its agent):\n{}\n",
                         required(answer, "name"), required(answer, "token"));
    case Kind::node_bootstrap: return bootstrap_page(answer);
    case Kind::node_list: return nodes_page(answer.at("nodes"), now_ms());
    case Kind::node_show:
    case Kind::node_change: return node_page(answer, now_ms());
    case Kind::node_delete:
      if (answer.is_object())
        return fmt::format("{} is leaving: it is gone when its agent has removed its sessions (--force: at once)\n",
                           escape_for_log(required(answer, "name")));
      return "deleted\n";
    case Kind::peering_show:
    case Kind::peering_change: return peering_page(answer);
    case Kind::user_delete: return "deleted\n";
    case Kind::node_revoke:
    case Kind::token_revoke: return "revoked\n";
    case Kind::user_list: return users_page(answer.at("users"));
    case Kind::user_add:
    case Kind::user_change: return users_page(json::array{answer});
    case Kind::token_list: return tokens_page(answer.at("tokens"));
    case Kind::token_add:
      return fmt::format("token {}, told this once:\n{}\n", required(answer, "label"), required(answer, "token"));
    case Kind::audit: return audit_page(answer.at("entries"));
    case Kind::peer_list: return sessions_page(answer.at("sessions"));
    case Kind::peer_show: {
      TRY(const auto node, api.call("GET", "nodes/" + encoded(required(answer, "node"))));
      TRY(const auto settings, api.call("GET", "settings"));
      return session_page(answer, node, settings.at("asn").to_number<std::int64_t>());
    }
    case Kind::peer_add:
    case Kind::peer_move:
    case Kind::peer_delete: break;
  }
  return one_line(answer);
}

Result<std::string> output_of(const CommandLine& line, const ApiCommand& command) {
  std::filesystem::path file = line.token_file;
  if (file.empty()) {
    const std::string folder =
        line.state_dir.empty() ? state_folder_of(line.config_file, [](const char* name) { return std::getenv(name); })
                               : line.state_dir;
    file = std::filesystem::path(folder) / "admin-token";
  }
  auto token = read_secret_file(file);
  if (!token) return std::unexpected(with_context(token.error(), "admin token (--state-dir, --token-file)"));
  AdminClient api(line.url, std::move(*token));
  TRY(const auto answer, ask(api, command, line.url));
  if (line.json) return json::serialize(answer) + "\n";
  return page_of(api, command, answer);
}

// JSON of another shape than the admin API's ends in an exception, wherever it is met.
Result<std::string> output_or_fault(const CommandLine& line, const ApiCommand& command) {
  try {
    return output_of(line, command);
  } catch (const std::exception&) {
    return fail(Errc::invalid, fmt::format("{} answers, but not as a moenet-controlplane does", line.url));
  }
}

}  // namespace

int run_command(const CommandLine& line, const ApiCommand& command) {
  const auto output = output_or_fault(line, command);
  if (!output) {
    std::fputs(("moenet-controlplane: " + output.error().what + "\n").c_str(), stderr);
    return 1;
  }
  std::fputs(output->c_str(), stdout);
  return 0;
}

}  // namespace moenet::controlplane
