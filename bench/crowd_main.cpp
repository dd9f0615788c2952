// crowd CONFIG BODY: stands in for the WireGuard daemons of all sessions in BODY (the control plane's answer) on the
// node that CONFIG (the agent's) describes, in the namespaces it is started in. Prints "ready" and serves until it is
// killed. For node_bench.py.
#include <cstdlib>
#include <unistd.h>

#include <fmt/format.h>

#include "agent/compose.h"
#include "agent/config.h"
#include "agent/keys.h"
#include "agent/session_sync.h"
#include "base/file.h"
#include "crowd.h"

namespace moenet {
namespace {

Result<void> serve(const std::string& config_path, const std::string& body_path) {
  TRY(const auto source, agent::read_config_file(config_path));
  const auto loaded = agent::understand_config(source, nullptr, [](const char*) -> const char* { return nullptr; });
  if (!loaded) return fail(Errc::invalid, loaded.error().front().text());
  const auto& config = loaded->config;
  TRY(const Key key, agent::load_or_create_private_key(config.wireguard.private_key_path));
  TRY(auto body, read_file(body_path, 64u << 20));
  TRY(const auto answer, agent::read_answer(std::move(body)));
  const auto composed = agent::compose(answer.rows, {config.node, key, config.wireguard.keepalive, config.bird.names},
                                       [](std::string_view host) -> Result<std::optional<IpAddress>> {
                                         TRY(const auto address, IpAddress::parse(host));
                                         return address;
                                       });
  TRY(const auto crowd, bench::Crowd::raise(composed.state, "/run/wireguard"));
  fmt::print("ready\n");
  std::fflush(stdout);
  for (;;) ::pause();
}

}  // namespace
}  // namespace moenet

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--body") {
    fmt::print("{}", moenet::bench::sessions_body(static_cast<unsigned>(std::atoi(argv[2]))));
    return EXIT_SUCCESS;
  }
  if (argc != 3) {
    fmt::print(stderr, "usage: crowd CONFIG BODY, or crowd --body COUNT\n");
    return 64;
  }
  const auto done = moenet::serve(argv[1], argv[2]);
  fmt::print(stderr, "crowd: {}\n", done.error().what);
  return EXIT_FAILURE;
}
