#include "controlplane/bootstrap.h"

#include <algorithm>
#include <cctype>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/bootstrap_script.h"
#include "controlplane/token.h"
#include "http/target.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostUrlBytes = 255;
constexpr std::size_t kMostTokenBytes = 128;  // ours have 43
constexpr std::size_t kNodeTokenBytes = 43;   // 256 bits

bool is_token_text(std::string_view text) {
  const auto is_token_byte = [](unsigned char c) { return (c < 0x80 && std::isalnum(c) != 0) || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= kMostTokenBytes && std::ranges::all_of(text, is_token_byte);
}

http::Response script_answer(int status, std::string script) {
  http::Response response = http::Response::text(status, std::move(script));
  response.headers.set("Content-Type", "text/x-shellscript");
  return response;
}

http::Response script_refusal(int status, std::string_view reason) {
  return script_answer(status, fmt::format("echo 'moenet: {}' >&2\nexit 1\n", reason));
}

UnixMs unix_ms(WallTime now) { return std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count(); }

// The status and words for a token that opens nothing.
std::pair<int, std::string_view> refusal_of(const Error& error) {
  if (error.code == Errc::not_found) return {404, "this bootstrap token is unknown or expired; ask for another one"};
  if (error.code == Errc::conflict) return {409, "this bootstrap token is used up; ask for another one"};
  log::error("bootstrap token not looked up", {{"error", error.what}});
  return {503, "the control plane has a problem; try again later"};
}

}  // namespace

Checked<std::string> bootstrap_base(const json::value& body, std::string_view fallback) {
  const json::value* member = body.is_object() ? body.get_object().if_contains("url") : nullptr;
  std::string url(fallback);
  if (member != nullptr) url = member->is_string() ? std::string(member->get_string()) : std::string();
  while (url.ends_with('/')) url.pop_back();
  if (url.size() > kMostUrlBytes || !http::is_server_url(url))
    return refuse(Errc::invalid, "expected the http or https URL at which the node reaches this control plane", "url");
  return url;
}

http::Response give_script(Store& store, const BootstrapSettings& settings, std::string_view token, WallTime now,
                           bool is_dry_run) {
  if (!is_token_text(token)) return script_refusal(400, "this is no bootstrap token");
  const auto found = store.find_bootstrap(hash_of_token(token), unix_ms(now));
  if (!found) {
    const auto [status, reason] = refusal_of(found.error());
    return script_refusal(status, reason);
  }
  const BootstrapScript script{.node_name = found->node_name,
                               .url = found->url,
                               .token = Secret(token),
                               .packages = offered_packages(settings.packages),
                               .is_dry_run = is_dry_run};
  return script_answer(200, text_of(script));
}

http::Response claim_node(Store& store, std::string_view token, std::string_view node_token, std::string_view address,
                          WallTime now) {
  if (!is_token_text(token)) return http::Response::text(400, "this is no bootstrap token\n");
  if (node_token.size() != kNodeTokenBytes || !is_token_text(node_token))
    return http::Response::text(400, "expected a token for the node: 43 characters of URL-safe base64\n");
  const auto claimed = store.redeem_bootstrap({"bootstrap token", std::string(address)}, hash_of_token(token),
                                              hash_of_token(node_token), unix_ms(now));
  if (!claimed) {
    const auto [status, reason] = refusal_of(claimed.error());
    return http::Response::text(status, std::string(reason) + "\n");
  }
  log::info("bootstrap token redeemed", {{"node", claimed->node_name}});
  return http::Response::text(200, "claimed\n");
}

http::Response give_package(Store& store, const BootstrapSettings& settings, std::string_view token,
                            std::string_view sha256, WallTime now) {
  if (!is_token_text(token)) return http::Response::text(400, "this is no bootstrap token\n");
  const auto found = store.find_bootstrap(hash_of_token(token), unix_ms(now));
  if (!found) {
    const auto [status, reason] = refusal_of(found.error());
    return http::Response::text(status, std::string(reason) + "\n");
  }
  auto bytes = read_package(settings.packages, sha256);
  if (!bytes) return http::Response::text(404, "this package is not offered any more; run the line again\n");
  http::Response response = http::Response::text(200, std::move(*bytes));
  response.headers.set("Content-Type", "application/vnd.debian.binary-package");
  return response;
}

}  // namespace moenet::controlplane
