// What becomes of a node's report of its links, whatever it holds.
#include "controlplane/mesh_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "controlplane/seeds.h"

namespace moenet::controlplane {
namespace {

std::string links(std::string_view report) {
  const std::vector<Node> nodes = {testing::node_of(1, "hk-rr", 101, true, "10G"),
                                   testing::node_of(2, "jp1", 101, false, "1G")};
  return boost::json::serialize(mesh_links(report, nodes));
}

TEST(MeshReport, ShowsEachLinkByItsNodesName) {
  EXPECT_EQ(links(R"({"timestamp":1,"peers":{"2":"configured","1":"error: no route"},
                      "links":{"1":{"handshakeAge":null,"babel":false},"2":{"handshakeAge":12,"babel":true,"rtt":1.5}}})"),
            R"([{"id":1,"node":"hk-rr","state":"error: no route","handshakeAge":null,"babel":false},)"
            R"({"id":2,"node":"jp1","state":"configured","handshakeAge":12,"babel":true,"rtt":1.5E0}])");
}

TEST(MeshReport, OfADeployedAgentTellsStatesOnly) {
  EXPECT_EQ(links(R"({"node_id":"x","timestamp":1,"peers":{"1":"configured"}})"),
            R"([{"id":1,"node":"hk-rr","state":"configured","handshakeAge":null,"babel":null}])");
}

TEST(MeshReport, NamesNoNodeWhereThereIsNone) {
  EXPECT_EQ(links(R"({"links":{"3":{"babel":1}}})"),
            R"([{"id":3,"node":null,"state":null,"handshakeAge":null,"babel":true}])");
}

TEST(MeshReport, PassesOverWhatItCannotRead) {
  for (const char* nothing : {"", "no JSON", "[]", "7", "{}", R"({"peers":[1],"links":"x"})",
                              R"({"peers":{"0":"a","1000":"b","x":"c","-1":"d","01":"e"}})"})
    EXPECT_EQ(links(nothing), "[]") << nothing;
  EXPECT_EQ(links(R"({"peers":{"1":{"a":1}},"links":{"1":{"handshakeAge":-1,"babel":"maybe","rtt":"fast"}}})"),
            R"([{"id":1,"node":"hk-rr","state":null,"handshakeAge":null,"babel":null}])");
  const std::string long_state = R"({"peers":{"1":")" + std::string(10'000, 'x') + R"("}})";
  EXPECT_LT(links(long_state).size(), 400u);
}

}  // namespace
}  // namespace moenet::controlplane
