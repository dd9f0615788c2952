#include "agent/status_view.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

TEST(MaintenanceView, SaysWhatPeopleWaitFor) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {R"({"state":"off","since":null,"shut_sessions":[],"message":""})", "maintenance     off\n"},
      {R"({"state":"draining","since":"2027-01-15T08:00:00Z","preferred_routes":7,"shut_sessions":[],"message":""})",
       "maintenance     draining since 2027-01-15T08:00:00Z, 7 routes of peers still preferred\n"},
      {R"({"state":"down","since":"2027-01-15T08:00:00Z","preferred_routes":null,"shut_sessions":["a","b"],"message":"m"})",
       "maintenance     down since 2027-01-15T08:00:00Z, 2 sessions shut (\"m\")\n"},
      {R"({"state":"off","since":null,"shut_sessions":["a"],"message":""})",
       "maintenance     ending, 1 session shut\n"},
  };
  for (const auto& [document, expected] : table) EXPECT_EQ(maintenance_view(document), expected);
  EXPECT_FALSE(maintenance_view("no JSON"));
}

TEST(StatusView, SpeaksOfMaintenanceOnlyWhileItIsOn) {
  const std::string off = R"({"node":"jp1","maintenance":{"state":"off","shut_sessions":[]}})";
  const std::string on = R"({"node":"jp1","maintenance":{"state":"drained","shut_sessions":[]}})";
  EXPECT_EQ(status_view(off)->find("maintenance"), std::string::npos);
  EXPECT_NE(status_view(on)->find("\nmaintenance     drained\n"), std::string::npos);
  EXPECT_TRUE(status_view(R"({"node":"jp1"})")) << "an older agent";
}

}  // namespace
}  // namespace moenet::agent
