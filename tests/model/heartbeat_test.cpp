#include "model/heartbeat.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace moenet::model {
namespace {

namespace json = boost::json;

TEST(Heartbeat, ReadsBackWhatItWrote) {
  Heartbeat heartbeat;
  heartbeat.node = "jp1";
  heartbeat.agent_version = "v1";
  heartbeat.kernel = "6.1.0";
  heartbeat.load_average = "0.10 0.20 0.30";
  heartbeat.uptime = std::chrono::seconds(86400);
  heartbeat.time = std::chrono::sys_seconds(std::chrono::seconds(1795440902));
  heartbeat.sent_bytes = 1;
  heartbeat.received_bytes = 2;
  heartbeat.tcp_sockets = 3;
  heartbeat.udp_sockets = 4;
  heartbeat.public_ipv6 = IpAddress::parse("2001:db8::1").value();
  const std::string text = json::serialize(write_json(heartbeat));
  EXPECT_EQ(read_heartbeat(json::parse(text)).value(), heartbeat);
  EXPECT_EQ(text.find("meshPublicKey"), std::string::npos);
  EXPECT_EQ(text.find("publicIpv4"), std::string::npos);
  EXPECT_EQ(text.find("maintenance"), std::string::npos);
  EXPECT_EQ(text.find("lookingGlass"), std::string::npos);
}

TEST(Heartbeat, TellsWhatPeopleMayAskOfTheNode) {
  Heartbeat heartbeat;
  heartbeat.node = "jp1";
  heartbeat.looking_glass = {"route", "ping"};
  const json::value body = write_json(heartbeat);
  EXPECT_EQ(json::serialize(body.at("status").at("lookingGlass")), R"(["route","ping"])");
  EXPECT_EQ(read_heartbeat(body).value(), heartbeat);
  for (const char* other : {"true", R"({"route":1})", "[5,null]"}) {
    const auto read =
        read_heartbeat(json::parse(R"({"node_id":"x","status":{"lookingGlass":)" + std::string(other) + "}}"));
    ASSERT_TRUE(read) << other;
    EXPECT_TRUE(read->looking_glass.empty()) << other;
  }
}

TEST(Heartbeat, TellsOfMaintenanceWhileItIsOn) {
  Heartbeat heartbeat;
  heartbeat.node = "jp1";
  heartbeat.maintenance = HeartbeatMaintenance{"draining", std::chrono::sys_seconds(std::chrono::seconds(1795440902))};
  const json::value body = write_json(heartbeat);
  EXPECT_EQ(json::serialize(body.at("status").at("maintenance")), R"({"state":"draining","since":1795440902})");
  EXPECT_EQ(read_heartbeat(body).value(), heartbeat);
}

TEST(Heartbeat, ReadsAnyFormOfMaintenanceAndFaultsNone) {
  const auto state_of = [](std::string_view maintenance) {
    const auto text = R"({"node_id":"x","status":{"maintenance":)" + std::string(maintenance) + "}}";
    const auto heartbeat = read_heartbeat(json::parse(text));
    EXPECT_TRUE(heartbeat) << text;
    return heartbeat && heartbeat->maintenance ? heartbeat->maintenance->state : "";
  };
  EXPECT_EQ(state_of("true"), "draining");
  EXPECT_EQ(state_of(R"({"state":"drained","since":"soon"})"), "drained");
  for (const char* off : {"false", "null", "7", "[]", "{}", R"({"state":"off"})", R"({"state":{}})"}) {
    EXPECT_EQ(state_of(off), "") << off;
  }
}

TEST(Heartbeat, NeedsOnlyTheNodesName) {
  EXPECT_EQ(read_heartbeat(json::parse(R"({"node_id":"x"})")).value().node, "x");
  for (const char* text : {"null", "{}", R"({"node_id":""})", R"({"node_id":[]})", "[]"}) {
    EXPECT_FALSE(read_heartbeat(json::parse(text))) << text;
  }
}

TEST(Heartbeat, NamesEveryFault) {
  const auto heartbeat = read_heartbeat(json::parse(R"({"node_id":"x","status":{"tx":-1,"meshPublicKey":5}})"));
  ASSERT_FALSE(heartbeat);
  EXPECT_NE(heartbeat.error().what.find("status.tx"), std::string::npos);
  EXPECT_NE(heartbeat.error().what.find("status.meshPublicKey"), std::string::npos);
}

}  // namespace
}  // namespace moenet::model
