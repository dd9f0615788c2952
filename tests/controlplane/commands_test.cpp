// The commands against a running service, as an operator types them.
#include "controlplane/commands.h"

#include <algorithm>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "controlplane/seeds.h"
#include "controlplane/serve.h"
#include "controlplane/service.h"
#include "http/server.h"

namespace moenet::controlplane {
namespace {

using testing::must;

constexpr const char* kKey = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=";

class Commands : public ::testing::Test {
 protected:
  Commands() : store_(must(SqlStore::open_sqlite(folder_.path() / "moenet.db", [] { return UnixMs{1}; }))) {
    testing::add_sample_nodes(*store_);
    ServiceSettings settings;
    settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
    settings.keys = {must(admin_token_of(folder_.path().string())), std::nullopt};
    service_ = must(Service::start(*store_, settings));
    port_ = service_->port();
  }

  struct Ran {
    int status = 0;
    std::string out;
    std::string err;
  };
  Ran run(std::vector<std::string> words) {
    words.insert(words.begin(), "moenet-controlplane");
    for (const std::string& word : {std::string("--url"), "http://127.0.0.1:" + std::to_string(port_),
                                    std::string("--state-dir"), folder_.path().string()}) {
      words.push_back(word);
    }
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const auto parsed = parse_command_line(static_cast<int>(argv.size()), argv.data());
    Ran ran;
    if (const int* ended = std::get_if<int>(&parsed))
      ran.status = *ended;
    else
      ran.status =
          run_command(std::get<CommandLine>(parsed), std::get<ApiCommand>(std::get<CommandLine>(parsed).command));
    ran.out = ::testing::internal::GetCapturedStdout();
    ran.err = ::testing::internal::GetCapturedStderr();
    return ran;
  }
  Ran add_peer(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"peer",       "add",   "--node", "jp1",          "--asn",
                                   "4242420101", "--key", kKey,     "--link-local", "fe80::101"};
    words.insert(words.end(), more.begin(), more.end());
    return run(std::move(words));
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<SqlStore> store_;
  std::unique_ptr<Service> service_;
  std::uint16_t port_ = 0;
};

TEST_F(Commands, TakeAPeerFromRequestToDeletion) {
  EXPECT_EQ(add_peer().status, 0);
  EXPECT_NE(run({"peer", "list"}).out.find("PENDING"), std::string::npos);
  EXPECT_NE(run({"peer", "approve", "4242420101"}).out.find("QUEUED_FOR_SETUP"), std::string::npos);
  EXPECT_NE(run({"peer", "disable", "AS4242420101"}).out.find("DISABLED"), std::string::npos);
  EXPECT_EQ(run({"peer", "delete", "4242420101"}).out, "deleted\n");
  EXPECT_EQ(run({"peer", "list"}).out, "no sessions\n");
}

TEST_F(Commands, ListAStatusInAnyCaseAndRefuseOneThatIsNone) {
  add_peer();
  EXPECT_NE(run({"peer", "list", "--status", "pending"}).out.find("PENDING"), std::string::npos);
  EXPECT_EQ(run({"peer", "list", "--status", "Enabled"}).out, "no sessions\n");
  const Ran refused = run({"peer", "list", "--status", "up"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("status: "), std::string::npos) << refused.err;
}

TEST_F(Commands, SayWhoMayPeerWithANode) {
  EXPECT_EQ(run({"node", "change", "jp1", "--max-sessions", "40", "--min-bandwidth", "100", "--closed",
                 "--peering-note", "ask first"})
                .status,
            0);
  Node node = must(store_->find_node("jp1"));
  EXPECT_EQ(node.max_sessions, 40);
  EXPECT_EQ(node.min_bandwidth_mbit, 100);
  EXPECT_TRUE(node.is_closed);
  EXPECT_EQ(node.peering_note, "ask first");
  EXPECT_NE(run({"node", "show", "jp1"}).out.find("ask first"), std::string::npos);
  EXPECT_EQ(run({"node", "change", "jp1", "--open", "--peering-note", "", "--location", "Osaka"}).status, 0);
  node = must(store_->find_node("jp1"));
  EXPECT_FALSE(node.is_closed);
  EXPECT_EQ(node.peering_note, "");
  EXPECT_EQ(node.max_sessions, 40) << "what is not named stays";
  EXPECT_NE(run({"node", "change", "jp1", "--open", "--closed"}).status, 0);
}

TEST_F(Commands, SayWhoMayPeerWithTheNetwork) {
  EXPECT_NE(run({"peering", "show"}).out.find("4242420000-4242423999"), std::string::npos);
  const Ran set =
      run({"peering", "set", "--approval", "automatic", "--asn-range", "4242420000-4242420999", "--asn-range", "64512",
           "--allow-asn", "AS4201270000", "--block-asn", "4242420666", "--private-endpoints", "--policy", "peer"});
  EXPECT_EQ(set.status, 0) << set.err;
  PeeringSettings peering = must(store_->settings()).peering;
  EXPECT_EQ(peering.approval, Approval::automatic);
  EXPECT_EQ(peering.asn_ranges, (std::vector<AsnRange>{{4'242'420'000, 4'242'420'999}, {64'512, 64'512}}));
  EXPECT_EQ(peering.allowed_asns, std::vector<model::Asn>{4'201'270'000});
  EXPECT_EQ(peering.blocked_asns, std::vector<model::Asn>{4'242'420'666});
  EXPECT_TRUE(peering.private_endpoints);
  EXPECT_EQ(peering.policy, "peer");
  EXPECT_EQ(
      run({"peering", "set", "--asn-range", "", "--block-asn", "", "--no-private-endpoints", "--policy", ""}).status,
      0);
  peering = must(store_->settings()).peering;
  EXPECT_TRUE(peering.asn_ranges.empty());
  EXPECT_TRUE(peering.blocked_asns.empty());
  EXPECT_FALSE(peering.private_endpoints);
  EXPECT_EQ(peering.policy, "");
  EXPECT_EQ(peering.allowed_asns.size(), 1u) << "what is not named stays";
  const Ran refused = run({"peering", "set", "--asn-range", "9-1"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("peering.asnRanges: "), std::string::npos) << refused.err;
}

TEST_F(Commands, SayThatANodeIsLeaving) {
  add_peer({"--approve"});
  const Ran leaving = run({"node", "delete", "jp1"});
  EXPECT_EQ(leaving.status, 0);
  EXPECT_NE(leaving.out.find("jp1 is leaving"), std::string::npos) << leaving.out;
  EXPECT_NE(run({"node", "list"}).out.find("leaving"), std::string::npos);
  EXPECT_EQ(run({"node", "delete", "jp1", "--force"}).out, "deleted\n");
  EXPECT_EQ(run({"node", "show", "jp1"}).status, 1);
}

TEST_F(Commands, SayThatAServerIsNoneOfOurs) {
  for (const auto& [status, body] : {std::pair(200, R"({"ok":true})"), std::pair(200, R"({"nodes":7,"sessions":[1]})"),
                                     std::pair(200, "[]"), std::pair(404, R"({"error":"nothing here"})")}) {
    http::ServerSettings settings;
    settings.listen = {IpAddress::v4({127, 0, 0, 1}), 0};
    const auto other = must(http::HttpServer::start(
        settings, [&](const http::Request&) -> http::Answer { return http::Response::json(status, body); }));
    port_ = other->port();
    for (const std::vector<std::string>& words : {std::vector<std::string>{"node", "list"},
                                                  {"peer", "list"},
                                                  {"peer", "show", "1"},
                                                  {"node", "token", "jp1"},
                                                  {"peer", "approve", "00000000-0000-4000-8000-000000000000"}}) {
      const Ran ran = run(words);
      EXPECT_EQ(ran.status, 1) << body << words.back();
      EXPECT_EQ(std::ranges::count(ran.err, '\n'), 1) << ran.err;
      EXPECT_NE(ran.err.find("http://127.0.0.1:" + std::to_string(port_)), std::string::npos) << ran.err;
    }
  }
}

TEST_F(Commands, SayTheFieldAndTheReasonOfARefusal) {
  const Ran refused = add_peer({"--mtu", "100"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("mtu: "), std::string::npos) << refused.err;
}

TEST_F(Commands, ShowWhatThePeerPastes) {
  add_peer({"--mp-bgp", "--extended-next-hop"});
  const std::string page = run({"peer", "show", "4242420101"}).out;
  for (const char* part :
       {"127.0.0.12:30101", "ip addr add fe80::101/64", "neighbor fe80::998:101:2:1 % 'moenet-2' as 4242420998",
        "local as 4242420101", "extended next hop on"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part << " in\n" << page;
  }
}

TEST_F(Commands, TakeThePresharedKeyFromAPrivateFileOnly) {
  const auto file = folder_.path() / "psk";
  std::ofstream(file) << "TGd4Ing/MxhIFa5mh+4wwkX6MJw78mw/OlEPWwQry+o=\n";
  ::chmod(file.c_str(), 0644);
  const Ran refused = add_peer({"--psk-file", file.string()});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("chmod 600"), std::string::npos) << refused.err;
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(add_peer({"--psk-file", file.string()}).status, 0);
  EXPECT_NE(must(store_->sessions({})).front().credential.find("TGd4Ing"), std::string::npos);
}

TEST_F(Commands, PrintANewNodesTokenAsJsonToo) {
  const Ran added = run({"node", "add", "sg1", "--region", "AS-SE", "--json"});
  const auto body = boost::json::parse(added.out);
  EXPECT_EQ(store_->node_of_token(hash_of_token(std::string(body.at("token").as_string()))), 3);
}

TEST_F(Commands, ChangeWhatIsNamedOfANodeAndShowIt) {
  const Ran changed = run({"node", "change", "jp1", "--region", "EU-W", "--loopback-ipv4", "172.22.188.40", "--rr"});
  EXPECT_EQ(changed.status, 0) << changed.err;
  for (const char* part : {"jp1: node 2, EU-W, reflector", "172.22.188.40", "fd00:4242:7777:301:2::1", "127.0.0.12"})
    EXPECT_NE(changed.out.find(part), std::string::npos) << part << " in\n" << changed.out;
  EXPECT_EQ(run({"node", "show", "jp1"}).out, changed.out);
  const Ran elsewhere = run({"node", "change", "jp1", "--location", "Tokyo"});
  EXPECT_NE(elsewhere.out.find("jp1: node 2, EU-W, reflector"), std::string::npos) << "what is not named stays";
  const Ran back = run({"node", "change", "jp1", "--loopback-ipv4", "", "--no-rr"});
  EXPECT_NE(back.out.find("jp1: node 2, EU-W, client"), std::string::npos) << back.out;
  EXPECT_NE(back.out.find("172.22.188.2\n"), std::string::npos) << back.out;
  const Ran refused = run({"node", "change", "jp1", "--loopback-ipv6", "fd00:4242:7777:302:27::1"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.err, "moenet-controlplane: loopbackIpv6: fd00:4242:7777:302:27::1 is that of de1\n");
}

TEST_F(Commands, ShowWhatANodeToldOfItself) {
  EXPECT_EQ(run({"node", "list"}).out.find("draining"), std::string::npos);
  EXPECT_EQ(run({"node", "show", "jp1"}).out.find("mesh"), std::string::npos);
  must(store_->record_heartbeat(2, {"v1", R"({"maintenance":true})", std::nullopt, std::nullopt, std::nullopt, 5}));
  must(store_->record_document(
      2, "mesh-status",
      R"({"peers":{"1":"configured","9":"error: \u001b[31m"},"links":{"1":{"handshakeAge":7,"babel":true,"rtt":2.5}}})",
      1));
  EXPECT_NE(run({"node", "list"}).out.find("draining"), std::string::npos);
  const std::string page = run({"node", "show", "jp1"}).out;
  EXPECT_NE(page.find("client, draining, seen"), std::string::npos) << page;
  EXPECT_NE(page.find("hk-rr  configured"), std::string::npos) << page;
  EXPECT_NE(page.find("7 s ago"), std::string::npos) << page;
  EXPECT_NE(page.find("neighbor"), std::string::npos) << page;
  EXPECT_NE(page.find("id 9"), std::string::npos) << page;
  EXPECT_EQ(page.find('\x1b'), std::string::npos) << page;
}

TEST_F(Commands, DeleteANode) {
  add_peer();
  EXPECT_EQ(run({"node", "delete", "jp1"}).out, "deleted\n") << "nothing of a PENDING session is on it";
  EXPECT_EQ(run({"node", "list"}).out.find("jp1"), std::string::npos);
}

TEST_F(Commands, PrintTheLineThatMakesANode) {
  const std::string own = "http://127.0.0.1:" + std::to_string(service_->port());
  EXPECT_NE(run({"node", "bootstrap", "jp1"}).out.find("\ncurl -sS " + own + "/bootstrap/"), std::string::npos);
  const Ran public_one = run({"node", "bootstrap", "jp1", "--public-url", "https://cp.example.net"});
  EXPECT_NE(public_one.out.find("curl -sS https://cp.example.net/bootstrap/"), std::string::npos) << public_one.out;
  EXPECT_NE(public_one.out.find("?dry-run=1' | sh\n"), std::string::npos) << public_one.out;
}

TEST_F(Commands, AskWhichNodeWhenAnAsPeersWithTwo) {
  add_peer();
  run({"peer", "add", "--node", "hk-rr", "--asn", "4242420101", "--key", kKey, "--link-local", "fe80::101"});
  EXPECT_NE(run({"peer", "approve", "4242420101"}).err.find("--node"), std::string::npos);
  EXPECT_NE(run({"peer", "approve", "4242420101", "--node", "jp1"}).out.find("on jp1: QUEUED_FOR_SETUP"),
            std::string::npos);
}

TEST_F(Commands, EndWithUsageWhenMistyped) { EXPECT_EQ(run({"peer", "frobnicate"}).status, 64); }

TEST_F(Commands, ServeTellsAWrongOptionFromAPortThatMayComeFree) {
  CommandLine line;
  line.state_dir = folder_.path().string();
  ServeCommand command;
  command.listen = {"localhost"};
  EXPECT_EQ(run_server(line, command), 78);
  const std::string taken = "127.0.0.1:" + std::to_string(service_->port());
  command.listen = {taken};
  EXPECT_EQ(run_server(line, command), 1);
  command.public_url = "moenet.example";
  EXPECT_EQ(run_server(line, command), 78);
}

TEST(AdminToken, IsMadeOncePrivateAndPrintedOnce) {
  const support::TemporaryFolder folder;
  ::testing::internal::CaptureStderr();
  const Secret made = must(admin_token_of((folder.path() / "state").string()));
  EXPECT_NE(::testing::internal::GetCapturedStderr().find(made.reveal()), std::string::npos);
  struct stat status{};
  ASSERT_EQ(::stat((folder.path() / "state" / "admin-token").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(must(admin_token_of((folder.path() / "state").string())).reveal(), made.reveal());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(Commands, TakeAUserFromAddingToDeletion) {
  EXPECT_NE(run({"user", "list"}).out.find("no users yet"), std::string::npos);
  EXPECT_NE(run({"user", "add", "alice", "--role", "admin"}).out.find("admin"), std::string::npos);
  EXPECT_NE(run({"user", "add", "--asn", "4242420101"}).out.find("AS4242420101"), std::string::npos);
  EXPECT_NE(run({"user", "role", "alice", "user"}).out.find("alice  user"), std::string::npos);
  EXPECT_NE(run({"user", "disable", "alice"}).out.find("disabled"), std::string::npos);
  EXPECT_EQ(run({"user", "enable", "alice"}).out.find("disabled"), std::string::npos);
  EXPECT_EQ(run({"user", "delete", "alice"}).out, "deleted\n");
  const Ran gone = run({"user", "role", "alice", "admin"});
  EXPECT_EQ(gone.status, 1);
  EXPECT_NE(gone.err.find("no user alice"), std::string::npos);
  EXPECT_NE(run({"user", "role", "AS4242420101", "king"}).err.find("role: expected"), std::string::npos);
}

TEST_F(Commands, MakeListAndRevokeTokens) {
  EXPECT_EQ(run({"token", "list"}).out, "no tokens\n");
  const Ran added = run({"--json", "token", "add", "ci", "--role", "user", "--days", "0"});
  const auto body = boost::json::parse(added.out);
  const std::string id(body.at("id").as_string());
  EXPECT_NE(run({"token", "list"}).out.find(id), std::string::npos);
  EXPECT_EQ(run({"token", "list"}).out.find(std::string(body.at("token").as_string())), std::string::npos);
  EXPECT_EQ(run({"token", "revoke", id}).out, "revoked\n");
  EXPECT_EQ(run({"token", "list"}).out, "no tokens\n");
  EXPECT_NE(run({"token", "add", "ci"}).out.find("told this once"), std::string::npos);
}

TEST_F(Commands, ReplaceANodesTokenAndRevokeIt) {
  const auto token = [&](std::vector<std::string> words) {
    return hash_of_token(std::string(boost::json::parse(run(std::move(words)).out).at("token").as_string()));
  };
  const std::string first = token({"--json", "node", "token", "jp1"});
  const std::string second = token({"--json", "node", "token", "jp1"});
  EXPECT_TRUE(store_->node_of_token(first)) << "for a day";
  const std::string third = token({"--json", "node", "token", "jp1", "--overlap", "0"});
  EXPECT_FALSE(store_->node_of_token(second));
  EXPECT_TRUE(store_->node_of_token(third));
  EXPECT_EQ(run({"node", "revoke", "jp1"}).out, "revoked\n");
  EXPECT_FALSE(store_->node_of_token(third));
}

TEST_F(Commands, ReadTheAuditLog) {
  run({"node", "change", "jp1", "--provider", "other"});
  const Ran log = run({"audit", "--object", "node jp1"});
  EXPECT_NE(log.out.find("owner node.change node jp1 from 127.0.0.1\n"), std::string::npos) << log.out;
  EXPECT_NE(log.out.find("    provider: lab -> other\n"), std::string::npos) << log.out;
  EXPECT_NE(log.out.find("    provider: + lab\n"), std::string::npos) << log.out;
  EXPECT_EQ(run({"audit", "--who", "nobody"}).out, "nothing\n");
}

}  // namespace
}  // namespace moenet::controlplane
