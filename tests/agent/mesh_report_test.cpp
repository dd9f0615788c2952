#include "agent/mesh_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using std::chrono::seconds;

BackboneView neighbor(std::optional<seconds> handshake_age, bool is_heard,
                      model::Condition condition = model::InPlace{}) {
  return {"mesh/3", std::move(condition), {}, handshake_age, is_heard, {}};
}

TEST(MeshReport, SaysConfiguredOnlyOfALinkThatIsAliveAndHeard) {
  EXPECT_EQ(mesh_state(neighbor(seconds(5), true)), "configured");
  EXPECT_EQ(mesh_state(neighbor(seconds(180), true)), "configured") << "WireGuard renews at 120 s, and may be late";
  EXPECT_EQ(mesh_state(neighbor(seconds(5), false)), "error: Babel hears no neighbor");
  EXPECT_EQ(mesh_state(neighbor(std::nullopt, true)), "error: no handshake yet");
  EXPECT_EQ(mesh_state(neighbor(seconds(840), true)), "error: no handshake for 14 min");
  EXPECT_EQ(mesh_state(neighbor(seconds(5), true, model::Broken{"listen port 51823 is in use"})),
            "error: listen port 51823 is in use");
  EXPECT_EQ(mesh_state(neighbor(seconds(5), true, model::Unchanged{})), "error: not set up");
}

TEST(MeshReport, NamesNeighborsByNodeAndLeavesTheLoopbackOut) {
  NodeReport report;
  report.finished = WallTime(seconds(1'800'000'000));
  report.backbone = {{"loopback", model::InPlace{}, {}, {}, false, {}}, neighbor(seconds(5), true)};
  EXPECT_EQ(
      boost::json::serialize(mesh_status_body("jp1", report, nullptr)),
      R"({"node_id":"jp1","timestamp":1800000000,"peers":{"3":"configured"},"links":{"3":{"handshakeAge":5,"babel":true}}})");
}

TEST(MeshReport, TellsTheRoundTripOfANeighborThatAnsweredLast) {
  NodeReport report;
  report.backbone = {neighbor(seconds(5), true)};
  const auto link = [&](const LinkQualities& qualities) {
    return mesh_status_body("jp1", report, &qualities).at_pointer("/links/3").as_object();
  };
  LinkQuality answers;
  answers.owner = "mesh/3";
  answers.rtt_ms = 12.3456789;
  answers.smoothed_rtt_ms = 40;
  LinkQuality other = answers;
  other.owner = "mesh/30";
  EXPECT_EQ(link({answers, other}).at("rtt"), 12.346);
  EXPECT_FALSE(link({other}).contains("rtt"));
  answers.rtt_ms.reset();
  EXPECT_FALSE(link({answers, other}).contains("rtt")) << "it answers no more";
}

}  // namespace
}  // namespace moenet::agent
