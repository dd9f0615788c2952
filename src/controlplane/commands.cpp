#include "controlplane/commands.h"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <stop_token>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "controlplane/admin_body.h"
#include "controlplane/pages.h"
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
      : base_(std::move(url) + "/api/v1/admin/"), token_(std::move(token)), client_(client_settings()) {}

  Result<json::value> call(std::string_view method, const std::string& path, std::string body = {}) {
    http::Request request;
    request.method = method;
    request.target = base_ + path;
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
    TRY(const auto response, client_.send(request, token_, kAttempt, Deadline::after(kAttempt), std::stop_token()));
    if (response.status == 204) return json::value(nullptr);
    auto answer = model::parse_json(response.body);
    if (response.status < 300 && answer) return answer;
    const std::string detail = answer ? escape_for_log(member(*answer, "detail")) : std::string();
    if (detail.empty()) return fail(Errc::internal, fmt::format("HTTP {} from {}", response.status, request.target));
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

Result<json::value> ask(AdminClient& api, const ApiCommand& command, const std::string& own_url) {
  switch (command.kind) {
    case Kind::node_add: return api.call("POST", "nodes", command.body);
    case Kind::node_list: return api.call("GET", "nodes");
    case Kind::node_show: return api.call("GET", "nodes/" + encoded(command.node));
    case Kind::node_change: return api.call("PATCH", "nodes/" + encoded(command.node), command.body);
    case Kind::node_delete:
      return api.call("DELETE", "nodes/" + encoded(command.node) + (command.force ? "?force=1" : ""));
    case Kind::node_token: return api.call("POST", "nodes/" + encoded(command.node) + "/token", "{}");
    case Kind::node_bootstrap: {
      const json::object body{{"url", command.public_url.empty() ? own_url : command.public_url}};
      return api.call("POST", "nodes/" + encoded(command.node) + "/bootstrap", json::serialize(body));
    }
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
  }
  return fail(Errc::internal, "no such command");
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
    case Kind::node_add:
    case Kind::node_token:
      return fmt::format("token of {}, told this once (controlPlane.token or tokenFile of its agent):\n{}\n",
                         required(answer, "name"), required(answer, "token"));
    case Kind::node_bootstrap:
      return fmt::format("on the machine that becomes {}, as root, once and within a day:\ncurl -sS {} | sh\n",
                         required(answer, "name"), required(answer, "url"));
    case Kind::node_list: return nodes_page(answer.at("nodes"), now_ms());
    case Kind::node_show:
    case Kind::node_change: return node_page(answer, now_ms());
    case Kind::node_delete: return "deleted\n";
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
  const std::filesystem::path file = line.token_file.empty() ? std::filesystem::path(line.state_dir) / "admin-token"
                                                             : std::filesystem::path(line.token_file);
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
