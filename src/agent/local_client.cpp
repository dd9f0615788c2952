#include "agent/local_client.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "http/client.h"

namespace moenet::agent {
namespace {

// An agent that listens on all addresses is asked on loopback.
Endpoint reachable(Endpoint listen) {
  if (!listen.address.is_unspecified()) return listen;
  std::array<std::uint8_t, 16> loopback{};
  loopback[15] = 1;
  listen.address = listen.address.is_v4() ? IpAddress::v4({127, 0, 0, 1}) : IpAddress::v6(loopback);
  return listen;
}

Errc code_of(int status) {
  switch (status) {
    case 404: return Errc::not_found;
    case 409: return Errc::conflict;
    case 422: return Errc::invalid;
    default: return Errc::unavailable;
  }
}

// The text of {"error": text}, or the body as it is.
std::string words_of(const std::string& body) {
  boost::system::error_code error;
  const auto document = boost::json::parse(body, error);
  const auto* object = error ? nullptr : document.if_object();
  const auto* text = object != nullptr ? object->if_contains("error") : nullptr;
  return text != nullptr && text->is_string() ? std::string(text->get_string()) : body;
}

Result<std::string> send(const ApiSettings& api, http::Request request, const std::string& path,
                         std::chrono::seconds timeout) {
  http::ClientSettings settings;
  settings.retry.max_retries = 0;
  http::HttpClient client(settings);
  request.target = fmt::format("http://{}{}", reachable(api.listen).text(), path);
  auto response = client.send(request, api.token, timeout, Deadline::after(timeout), {});
  if (!response) {
    return std::unexpected(
        with_context(response.error(), fmt::format("ask the agent at {} (is it running?)", api.listen.text())));
  }
  if (response->status == 401 && api.token.empty())
    return fail(Errc::denied,
                "the agent asks for a token: api.token, or else the control plane's, which this user may not read");
  if (response->status == 401)
    return fail(Errc::denied,
                "the running agent has another token (it reads its configuration at start and on SIGHUP)");
  if (response->status != 200 && response->status != 202) {
    return fail(code_of(response->status),
                fmt::format("the agent answered HTTP {}: {}", response->status, words_of(response->body)));
  }
  return std::move(response->body);
}

}  // namespace

Result<std::string> ask_running_agent(const ApiSettings& api, const std::string& path, std::chrono::seconds timeout) {
  return send(api, {}, path, timeout);
}

Result<std::string> tell_running_agent(const ApiSettings& api, const std::string& path, std::string body,
                                       std::chrono::seconds timeout) {
  http::Request request;
  request.method = "POST";
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  return send(api, std::move(request), path, timeout);
}

}  // namespace moenet::agent
