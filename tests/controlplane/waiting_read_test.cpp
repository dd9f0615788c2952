// Reads that the server holds until something changes, over real sockets.
#include <chrono>
#include <thread>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

class WaitingRead : public ServiceTest {
 protected:
  // A read of jp1 that is held by the server.
  std::unique_ptr<moenet::testing::RawConnection> hold(const std::string& action, int seconds) {
    const std::string tag(*agent("GET", action).headers.find("ETag"));
    auto connection = std::make_unique<moenet::testing::RawConnection>(service_->port());
    connection->send(moenet::testing::request_text("GET", "/api/v1/agent/jp1/" + action,
                                                   {{"Authorization", "Bearer token-of-jp1"},
                                                    {"If-None-Match", tag},
                                                    {"Prefer", "wait=" + std::to_string(seconds)}},
                                                   ""));
    for (int i = 0; i < 1000 && service_->waiting_reads() == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(service_->waiting_reads(), 1u);
    return connection;
  }
};

TEST_F(WaitingRead, IsAnsweredAsSoonAsAnApprovalChangesIt) {
  const std::string uuid = add(draft());
  const auto held = hold("sessions", 50);
  EXPECT_FALSE(held->has_answer_within(0));
  const auto begin = steady_now();
  admin("POST", "sessions/" + uuid + "/approve");
  const auto answer = held->response();
  EXPECT_LT(steady_now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("\"status\":4"), std::string::npos);
}

TEST_F(WaitingRead, EndsWithNotModifiedWhenItsTimeIsOver) {
  const auto held = hold("mesh", 1);
  const auto answer = held->response();
  EXPECT_EQ(answer.status, 304);
  EXPECT_TRUE(answer.headers.find("ETag"));
  EXPECT_TRUE(answer.headers.find("X-Request-ID"));
}

TEST_F(WaitingRead, OfTheMeshHearsOfAnotherNodesKey) {
  const auto held = hold("mesh", 50);
  const std::string heartbeat = std::string(R"({"node_id":"hk-rr","status":{"meshPublicKey":")") + kKey + R"("}})";
  request("POST", "/api/v1/agent/heartbeat", "token-of-hk-rr", {}, heartbeat);
  const auto answer = held->response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(kKey), std::string::npos);
}

TEST_F(WaitingRead, OfBirdConfigHearsOfASetting) {
  const auto held = hold("bird-config", 50);
  EXPECT_EQ(admin("PATCH", "settings", {{"policy", {{"ebgpImportLimit", 9000}}}}).status, 200);
  const auto answer = held->response();
  EXPECT_EQ(json::parse(answer.body).at("data").at("policy").at("ebgpImportLimit").as_int64(), 9000);
}

TEST_F(WaitingRead, OfTheMeshHearsThatThereArePresharedKeys) {
  const auto held = hold("mesh", 50);
  EXPECT_EQ(admin("PATCH", "settings", {{"mesh", {{"presharedKeys", true}}}}).status, 200);
  EXPECT_NE(held->response().body.find("presharedKey"), std::string::npos);
}

// jp1 and its reflector are in AS-E; in EU-C it has another neighbour's region, and other addresses.
TEST_F(WaitingRead, OfANeighbourHearsThatANodeMoves) {
  for (const std::string action : {"mesh", "bird-config"}) {
    const auto held = hold(action, 50);
    const std::string to = action == "mesh" ? "EU-C" : "AS-E";
    ASSERT_EQ(admin("PATCH", "nodes/hk-rr", {{"region", to}}).status, 200);
    const auto answer = held->response();
    ASSERT_EQ(answer.status, 200);
    const auto data = json::parse(answer.body).at("data");
    const auto& peers = data.at(action == "mesh" ? "peers" : "ibgpPeers").as_array();
    EXPECT_EQ(peers.size(), to == "EU-C" ? 0u : 1u) << answer.body;
  }
}

TEST_F(WaitingRead, OfTheNodeThatMovesHearsOfItsNewAddresses) {
  const auto held = hold("mesh", 50);
  const auto moved = admin("PATCH", "nodes/jp1", {{"region", "EU-C"}});
  EXPECT_EQ(json::parse(moved.body).at("loopbackIpv6").as_string(), "fd00:4242:7777:302:2::1") << moved.body;
  EXPECT_EQ(json::parse(moved.body).at("linkLocal").as_string(), "fe80::998:302:2:1");
  const auto data = json::parse(held->response().body).at("data");
  EXPECT_EQ(data.at("self").at("loopbackIpv6").as_string(), "fd00:4242:7777:302:2::1");
  EXPECT_EQ(data.at("self").at("regionCode").as_int64(), 302);
  ASSERT_EQ(data.at("peers").as_array().size(), 1u);
  EXPECT_EQ(data.at("peers").at(0).at("nodeName").as_string(), "de1");
}

TEST_F(WaitingRead, OfADeletedNodeIsRefusedAtOnceAndTheNextOneOfItsIdWaits) {
  const auto held = hold("mesh", 50);
  EXPECT_EQ(admin("DELETE", "nodes/jp1").status, 204);
  EXPECT_EQ(held->response().status, 401);
  must(store_->add_node(testing::kTester, testing::node_of(2, "jp1", 101, false, "1G"), hash_of_token("token-of-jp1")));
  const auto again = hold("mesh", 1);
  EXPECT_EQ(again->response().status, 304);
}

TEST_F(WaitingRead, DoesNotKeepTheServiceFromStopping) {
  const auto held = hold("sessions", 50);
  const auto begin = steady_now();
  service_.reset();
  EXPECT_LT(steady_now() - begin, std::chrono::seconds(2));
}

// Commits that end while the service stops still tell the feed, which must not find its workers gone.
TEST_F(WaitingRead, AndWritesUnderWayOutliveAStop) {
  for (int round = 0; round < 10; ++round) {
    const auto held = hold("mesh", 50);
    std::vector<std::unique_ptr<moenet::testing::RawConnection>> writers;
    for (int i = 0; i < 16; ++i) {
      const std::string body =
          R"({"node_id":"hk-rr","status":{"publicIpv4":"192.0.2.)" + std::to_string(round * 16 + i + 1) + R"("}})";
      writers.push_back(std::make_unique<moenet::testing::RawConnection>(service_->port()));
      writers.back()->send(moenet::testing::request_text("POST", "/api/v1/agent/heartbeat",
                                                         {{"Authorization", "Bearer token-of-hk-rr"}}, body));
    }
    EXPECT_TRUE(writers.front()->has_answer_within(5'000));
    start(std::nullopt);
  }
}

TEST_F(WaitingRead, OfARevokedTokenIsRefusedAtTheNextChange) {
  const auto held = hold("sessions", 50);
  must(store_->replace_node_token(testing::kTester, 2, hash_of_token("new"), 0));
  add(draft());
  EXPECT_EQ(held->response().status, 401);
}

TEST_F(WaitingRead, AllAreAnsweredWhenTheServerStops) {
  const auto first = agent("GET", "sessions");
  const std::string tag(first.headers.find("ETag").value());
  std::vector<std::unique_ptr<moenet::testing::RawConnection>> held;
  for (int i = 0; i < 300; ++i) {
    held.push_back(std::make_unique<moenet::testing::RawConnection>(service_->port()));
    held.back()->send(
        "GET /api/v1/agent/jp1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-jp1\r\n"
        "If-None-Match: " +
        tag + "\r\nPrefer: wait=50\r\n\r\n");
  }
  // Some wait by now, some are being looked at, some have not been read yet.
  EXPECT_TRUE(service_->finish(Deadline::after(std::chrono::seconds(20))));
  for (const auto& connection : held) {
    const auto answer = connection->response();
    ASSERT_EQ(answer.status, 304);
    EXPECT_EQ(answer.headers.find("ETag"), tag);
    EXPECT_EQ(answer.headers.find("Connection"), "close");
  }
}

}  // namespace
}  // namespace moenet::controlplane
