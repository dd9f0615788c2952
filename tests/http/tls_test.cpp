// TLS with certificates that openssl makes, as operators and their tools do.
#include "http/tls.h"

#include <cstdlib>
#include <fstream>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fake_server.h"
#include "http/server.h"
#include "support/temporary_folder.h"

namespace moenet::http {
namespace {

class Tls : public ::testing::Test {
 protected:
  // NAME.crt and NAME.key, as common name NAME.
  void make(const std::string& name, const std::string& validity = "-days 30") {
    const std::string file = path(name);
    run(fmt::format(
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={} -keyout {}.key "
        "-out {}.csr",
        name, file, file));
    run(fmt::format("openssl x509 -req -in {0}.csr -signkey {0}.key {1} -out {0}.crt", file, validity));
  }
  static void run(const std::string& command) {
    ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0) << command;
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  Result<std::shared_ptr<const TlsIdentity>> load(const std::string& certificate, const std::string& key,
                                                  WallTime now = wall_now()) const {
    return TlsIdentity::load(path(certificate), path(key), now);
  }
  std::unique_ptr<HttpServer> serve(const std::string& name) const {
    ServerSettings settings;
    settings.listen = {IpAddress::v4({127, 0, 0, 1}), 0};
    auto identity = load(name + ".crt", name + ".key");
    EXPECT_TRUE(identity) << identity.error().what;
    settings.tls = *identity;
    auto server = HttpServer::start(settings, [](const Request& request) -> Answer {
      return Response::text(200, request.is_secure ? "secure" : "plain");
    });
    EXPECT_TRUE(server) << server.error().what;
    return std::move(*server);
  }

  support::TemporaryFolder folder_;
};

// One connection; verifies nothing, and tells whom it sees.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, const char* priorities = "NORMAL") : fd_(connected(port)) {
    gnutls_certificate_allocate_credentials(&credentials_);
    gnutls_init(&session_, GNUTLS_CLIENT);
    gnutls_priority_set_direct(session_, priorities, nullptr);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
    gnutls_transport_set_int(session_, fd_.get());
    gnutls_handshake_set_timeout(session_, 20'000);
    do {
      failed_ = gnutls_handshake(session_);
    } while (failed_ < 0 && gnutls_error_is_fatal(failed_) == 0);
  }
  ~TlsClient() {
    gnutls_deinit(session_);
    gnutls_certificate_free_credentials(credentials_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool has_shaken_hands() const { return failed_ >= 0; }
  std::string server_name() const {
    unsigned count = 0;
    const gnutls_datum_t* chain = gnutls_certificate_get_peers(session_, &count);
    if (chain == nullptr || count == 0) return {};
    gnutls_x509_crt_t certificate = nullptr;
    gnutls_x509_crt_init(&certificate);
    gnutls_x509_crt_import(certificate, chain, GNUTLS_X509_FMT_DER);
    char name[100] = "";
    std::size_t size = sizeof name;
    gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size);
    gnutls_x509_crt_deinit(certificate);
    return name;
  }
  // The answer to a GET on this connection, which stays open.
  std::string get() {
    const std::string_view text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    gnutls_record_send(session_, text.data(), text.size());
    std::string answer;
    char buffer[4096];
    while (!answer.ends_with("secure") && !answer.ends_with("plain")) {
      const ssize_t got = gnutls_record_recv(session_, buffer, sizeof buffer);
      if (got <= 0) break;
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer;
  }

 private:
  static UniqueFd connected(std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  UniqueFd fd_;
  gnutls_session_t session_ = nullptr;
  gnutls_certificate_credentials_t credentials_ = nullptr;
  int failed_ = -1;
};

TEST_F(Tls, RefusesWhatNoClientWouldBelieve) {
  make("one");
  make("other");
  make("old", "-days -1");
  EXPECT_TRUE(load("one.crt", "one.key"));
  const auto expect_refusal = [&](const char* certificate, const char* key, const std::string& what,
                                  WallTime now = wall_now()) {
    const auto loaded = load(certificate, key, now);
    ASSERT_FALSE(loaded) << what;
    EXPECT_NE(loaded.error().what.find(what), std::string::npos) << loaded.error().what;
  };
  expect_refusal("one.crt", "other.key", path("other.key") + " is not the key of " + path("one.crt"));
  expect_refusal("old.crt", "old.key", path("old.crt") + ": expired on ");
  expect_refusal("one.crt", "one.key", ": expired on ", wall_now() + std::chrono::hours(24 * 31));
  expect_refusal("one.crt", "one.key", ": not valid before ", wall_now() - std::chrono::hours(24));
  expect_refusal("none.crt", "one.key", "No such file");
  expect_refusal("one.key", "one.key", "no certificate in PEM");
  run(fmt::format("install -m 600 {} {}", path("one.crt"), path("no.key")));
  expect_refusal("one.crt", "no.key", "no usable private key in PEM");
  ::chmod(path("one.key").c_str(), 0644);
  expect_refusal("one.crt", "one.key", "chmod o= " + path("one.key"));
}

TEST_F(Tls, ServesWhoSpeaksTlsAndNobodyElse) {
  make("one");
  const auto server = serve("one");
  TlsClient client(server->port());
  ASSERT_TRUE(client.has_shaken_hands());
  EXPECT_EQ(client.server_name(), "one");
  EXPECT_TRUE(client.get().ends_with("\r\n\r\nsecure"));

  Line plain = Line::connect_to(server->port());
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = plain.read_message();
  EXPECT_EQ(answer.find("secure"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("plain"), std::string::npos) << answer;
}

TEST_F(Tls, SpeaksNoVersionBefore12) {
  make("one");
  const auto server = serve("one");
  EXPECT_FALSE(TlsClient(server->port(), "NORMAL:-VERS-ALL:+VERS-TLS1.0:+VERS-TLS1.1").has_shaken_hands());
  EXPECT_TRUE(TlsClient(server->port(), "NORMAL:-VERS-ALL:+VERS-TLS1.2").has_shaken_hands());
  EXPECT_TRUE(TlsClient(server->port(), "NORMAL:-VERS-ALL:+VERS-TLS1.3").has_shaken_hands());
}

TEST_F(Tls, ANewCertificateIsForNewConnectionsAndTheOldOnesGoOn) {
  make("one");
  make("two");
  const auto server = serve("one");
  TlsClient before(server->port());
  EXPECT_TRUE(before.get().ends_with("secure"));
  server->show(*load("two.crt", "two.key"));
  TlsClient after(server->port());
  EXPECT_EQ(after.server_name(), "two");
  EXPECT_TRUE(after.get().ends_with("secure"));
  EXPECT_TRUE(before.get().ends_with("secure")) << "the connection of before";
  EXPECT_EQ(before.server_name(), "one");
}

}  // namespace
}  // namespace moenet::http
