// docs/api.yaml names every route of the control plane, and no other. Whether each answers as it says is
// tests/e2e/test_api_contract.py.
#include <cctype>
#include <fstream>
#include <map>
#include <set>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

using Routes = std::set<std::string>;  // "GET /api/v1/nodes/{node}"

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// The document's own form: paths two blanks in, methods four; a path may be another one's by "$ref". What names a
// server is the agent's, unless the control plane is among them.
Routes documented() {
  std::ifstream file(std::string(MOENET_SOURCE_DIR) + "/docs/api.yaml");
  std::map<std::string, std::set<std::string>> methods;
  std::map<std::string, std::string> same_as;
  std::string path;
  for (std::string line; std::getline(file, line) && !line.starts_with("components:");) {
    if (line.starts_with("  /")) {
      path = line.substr(2, line.find(':') - 2);
      methods[path];
      constexpr std::string_view kRef = "\"#/paths/";
      if (const auto at = line.find(kRef); at != std::string::npos) {
        const std::string name = line.substr(at + kRef.size(), line.rfind('"') - at - kRef.size());
        same_as[path] = replaced(name, "~1", "/");
      }
    } else if (line.starts_with("    servers:") && line.find("moenet-controlplane") == std::string::npos) {
      methods.erase(path);
      path.clear();
    } else {
      for (const std::string method : {"get", "post", "put", "patch", "delete"}) {
        if (!path.empty() && line.starts_with("    " + method + ":")) methods[path].insert(method);
      }
    }
  }
  Routes all;
  for (const auto& [name, own] : methods) {
    const auto other = same_as.find(name);
    for (std::string method : other == same_as.end() ? own : methods.at(other->second)) {
      for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      all.insert(method + " " + name);
    }
  }
  return all;
}

// Served by web_page.cpp, before any route.
bool is_of_page(const std::string& route) { return route == "GET /" || route == "GET /assets/{file}"; }

// One route serves all that a node says of itself; AgentApi::act knows which.
constexpr std::string_view kAgentRoute = "* /api/v1/agent/{node}/{action}";
bool is_action_of_agent(const std::string& route) {
  const std::size_t at = route.find("/api/v1/agent/{node}/");
  return at != std::string::npos && route.find('/', at + 21) == std::string::npos;
}

TEST_F(ServiceTest, TheDocumentNamesEveryRoute) {
  const Routes known = documented();
  ASSERT_GT(known.size(), 80u) << "the document is read";
  for (const std::string& route : service_->routes()) {
    if (route == kAgentRoute) continue;
    EXPECT_TRUE(known.contains(route)) << route << " is not in docs/api.yaml";
  }
}

TEST_F(ServiceTest, EveryPathOfTheDocumentIsARoute) {
  const auto all = service_->routes();
  const Routes routes(all.begin(), all.end());
  ASSERT_TRUE(routes.contains(std::string(kAgentRoute)));
  for (const std::string& route : documented()) {
    if (is_of_page(route) || is_action_of_agent(route)) continue;
    EXPECT_TRUE(routes.contains(route)) << route << " is no route of the server";
  }
}

TEST_F(ServiceTest, EveryActionOfTheDocumentIsKnownToTheServer) {
  for (const std::string& route : documented()) {
    if (!is_action_of_agent(route)) continue;
    const std::string method = route.substr(0, route.find(' '));
    const std::string action = route.substr(route.rfind('/') + 1);
    EXPECT_EQ(agent(method, action, "{}").body.find("Unknown action"), std::string::npos) << route;
  }
}

}  // namespace
}  // namespace moenet::controlplane
