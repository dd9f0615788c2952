#include "agent/local_client.h"

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

}  // namespace

Result<std::string> ask_running_agent(const ApiSettings& api, const std::string& path, std::chrono::seconds timeout) {
  http::ClientSettings settings;
  settings.retry.max_retries = 0;
  http::HttpClient client(settings);
  http::Request request;
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
    return fail(Errc::unavailable, fmt::format("the agent answered HTTP {}: {}", response->status, response->body));
  }
  return std::move(response->body);
}

}  // namespace moenet::agent
