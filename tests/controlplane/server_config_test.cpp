#include "controlplane/server_config.h"

#include <fstream>
#include <map>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

class ServerConfigTest : public ::testing::Test {
 protected:
  std::string write(const std::string& text, mode_t mode = 0600) {
    const std::string file = (folder_.path() / "config.json").string();
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  auto load(const std::string& text, const json::object& over = {}, mode_t mode = 0600) {
    return load_server_config(write(text, mode), over, [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    });
  }
  LoadedServerConfig loaded(const std::string& text, const json::object& over = {}) {
    auto result = load(text, over);
    if (!result) throw std::runtime_error(model::texts_of(result.error()));
    return std::move(*result);
  }
  std::string faults(const std::string& text, mode_t mode = 0600) {
    const auto result = load(text, {}, mode);
    return result ? "" : model::texts_of(result.error());
  }

  support::TemporaryFolder folder_;
  std::map<std::string, std::string> environment_;
};

TEST_F(ServerConfigTest, WithoutAWordItIsALoopbackServerOnOneFile) {
  const ServerConfig config = loaded("{}").config;
  ASSERT_EQ(config.listen.size(), 1u);
  EXPECT_EQ(config.listen[0].text(), "http://127.0.0.1:8080");
  EXPECT_EQ(config.database.shown(), "/var/lib/moenet-controlplane/moenet.db");
  EXPECT_TRUE(config.proxies.proxies.empty());
  EXPECT_EQ(config.drain, std::chrono::seconds(0));
}

TEST_F(ServerConfigTest, ReadsEveryKey) {
  const auto [config, warnings, words] = loaded(R"({
    "_comment": "ours", "listen": ["127.0.0.1:8080", "https://[::]:8443", ":9000"], "stateDir": "/srv/cp",
    "database": "postgresql://cp@db.example.net/moenet", "publicUrl": "https://cp.example.net/",
    "tls": {"certificate": "/etc/cp.crt", "key": "/etc/cp.key", "_comment": ""}, "trustedProxies": ["10.0.0.0/8", "::1"],
    "proxyHeader": "Forwarded", "sharedKeyFile": "/etc/shared", "metricsTokenFile": "/etc/metrics",
    "registry": "/srv/registry", "limits": {"connections": 100, "connectionsPerAddress": 10, "workers": 8},
    "drain": 5, "logLevel": "warning"})");
  EXPECT_TRUE(warnings.empty()) << warnings.front();
  ASSERT_EQ(config.listen.size(), 3u);
  EXPECT_EQ(config.listen[1].text(), "https://[::]:8443");
  EXPECT_EQ(config.listen[2].text(), "http://[::]:9000");
  EXPECT_EQ(config.state_folder, "/srv/cp");
  EXPECT_EQ(config.database.shown(), "postgresql://cp@db.example.net/moenet");
  EXPECT_EQ(config.public_url, "https://cp.example.net");
  EXPECT_EQ(config.tls_certificate, "/etc/cp.crt");
  EXPECT_EQ(config.tls_key, "/etc/cp.key");
  EXPECT_TRUE(config.proxies.includes(*IpAddress::parse("10.1.2.3")));
  EXPECT_EQ(config.proxies.header, http::ProxyHeader::forwarded);
  EXPECT_EQ(config.shared_key_file, "/etc/shared");
  EXPECT_EQ(config.metrics_token_file, "/etc/metrics");
  EXPECT_EQ(config.registry, "/srv/registry");
  EXPECT_EQ(config.most_connections, 100u);
  EXPECT_EQ(config.most_connections_per_address, 10u);
  EXPECT_EQ(config.workers, 8u);
  EXPECT_EQ(config.drain, std::chrono::seconds(5));
  EXPECT_EQ(config.log_level, log::Level::warning);
}

TEST_F(ServerConfigTest, NamesWhatItDoesNotKnow) {
  const auto warnings = loaded(R"({"listne": 1, "limits": {"threads": 1}, "_commentary": 1})").warnings;
  EXPECT_EQ(warnings,
            (std::vector<std::string>{"unknown key listne is ignored", "unknown key limits.threads is ignored"}));
}

TEST_F(ServerConfigTest, AFaultNamesItsKeyAndReason) {
  const std::string all = faults(R"({"listen": ["localhost:80"], "drain": 21, "logLevel": "loud", "stateDir": "here",
    "trustedProxies": ["10.0.0.1/8"], "publicUrl": "cp.example.net", "proxyHeader": "Via", "limits": {"workers": 0}})");
  for (const char* start :
       {"and not 'localhost:80'", "and not '10.0.0.1/8'", "drain: 21 is not ", "logLevel: 'loud' is not ",
        "stateDir: 'here' is not ", "publicUrl: 'cp.example.net' is not ", "proxyHeader: 'Via' is not ",
        "limits.workers: 0 is not "})
    EXPECT_NE(all.find(start), std::string::npos) << start << " in " << all;
  EXPECT_NE(faults("[]").find("expected a JSON object"), std::string::npos);
  EXPECT_NE(faults("{").find("config.json"), std::string::npos);
}

TEST_F(ServerConfigTest, TlsIsWhole) {
  EXPECT_NE(faults(R"({"listen": "https://[::]:443"})").find("tls"), std::string::npos);
  EXPECT_NE(faults(R"({"tls": {"key": "/etc/cp.key"}})").find("tls"), std::string::npos);
  EXPECT_EQ(loaded(R"({"tls": {"key": "/k", "certificate": "/c"}})").warnings.size(), 1u);
}

TEST_F(ServerConfigTest, APasswordIsForItsOwnerAlone) {
  const std::string text = R"({"database": "postgresql://cp:sesame@db.example.net/moenet"})";
  EXPECT_EQ(faults(text), "");
  const std::string told = faults(text, 0644);
  EXPECT_NE(told.find("chmod o="), std::string::npos) << told;
  EXPECT_EQ(told.find("sesame"), std::string::npos);
  EXPECT_NE(faults(R"({"database": "/a", "databaseFile": "/b"})").find("either"), std::string::npos);
}

TEST_F(ServerConfigTest, TheCommandLineWinsOverTheEnvironmentAndThatOverTheFile) {
  const std::string text = R"({"listen": "127.0.0.1:1", "stateDir": "/file", "databaseFile": "/none"})";
  environment_ = {{"MOENET_CP_LISTEN", "127.0.0.1:2, https://127.0.0.1:3"},
                  {"MOENET_CP_DATABASE", "/environment.db"},
                  {"MOENET_CP_STATE_DIR", "/environment"},
                  {"MOENET_CP_TLS_CERTIFICATE", "/c"},
                  {"MOENET_CP_TLS_KEY", "/k"}};
  const ServerConfig config = loaded(text, {{"stateDir", "/line"}}).config;
  ASSERT_EQ(config.listen.size(), 2u);
  EXPECT_EQ(config.listen[1].text(), "https://127.0.0.1:3");
  EXPECT_EQ(config.database.shown(), "/environment.db");
  EXPECT_EQ(config.state_folder, "/line");
}

TEST_F(ServerConfigTest, SaysWhatOfAChangeNeedsARestart) {
  const auto words = [](const char* text) { return json::parse(text).as_object(); };
  EXPECT_EQ(keys_for_a_restart(words(R"({"listen":"a","limits":{"workers":1},"drain":1})"),
                               words(R"({"limits":{"workers":2},"drain":2,"trustedProxies":[]})")),
            "listen, limits");
  EXPECT_EQ(keys_for_a_restart(words(R"({"registry":"/a"})"), words(R"({"registry":"/a","tls":{}})")), "");
}

}  // namespace
}  // namespace moenet::controlplane
