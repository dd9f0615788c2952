#include "controlplane/peer_snippets.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

json::object node_with(std::string_view ipv4, std::string_view ipv6) {
  json::object node{{"id", 2}, {"name", "jp1"}, {"publicKey", "KEY"}};
  if (!ipv4.empty()) node["publicIpv4"] = ipv4;
  if (!ipv6.empty()) node["publicIpv6"] = ipv6;
  return node;
}

std::string endpoint_in(const json::object& session, const json::object& node) {
  const std::string text = wireguard_snippet(session, node);
  const auto at = text.find("Endpoint");
  if (at == std::string::npos) return "";
  const auto line = text.rfind('\n', at) + 1;
  return text.substr(line, text.find('\n', at) - line);
}

TEST(PeerSnippets, ThePeerDialsTheNodeWhereItIsKnown) {
  const json::object session{{"mtu", 1420}, {"port", 30101}};
  EXPECT_EQ(endpoint_in(session, node_with("192.0.2.1", "2001:db8::1")), "Endpoint = 192.0.2.1:30101");
  EXPECT_EQ(endpoint_in(session, node_with("", "2001:db8::1")), "Endpoint = [2001:db8::1]:30101");
  EXPECT_EQ(endpoint_in(session, node_with("", "")), "Endpoint = ADDRESS-OF-jp1:30101");
}

TEST(PeerSnippets, WhoCannotBeDialledDials) {
  const json::object session{{"mtu", 1420}, {"port", 30101}, {"endpoint", "198.51.100.7:51820"}};
  EXPECT_EQ(endpoint_in(session, node_with("", "")), "# no Endpoint: jp1 dials you");
  EXPECT_EQ(endpoint_in(session, node_with("192.0.2.1", "")), "Endpoint = 192.0.2.1:30101");
}

}  // namespace
}  // namespace moenet::controlplane
