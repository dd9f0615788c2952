// The Store's contract: what nodes report, and the settings.
#include <thread>

#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::must;

class StoreDocuments : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(All, StoreDocuments, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StoreDocuments, KeepsTheLatestReportOnly) {
  const NodeId jp = add("jp1");
  must(store_->record_reports(jp, {{"dn42_1", "{}", 1}, {"dn42_2", "{}", 1}}, Store::Reports::replace));
  must(store_->record_reports(jp, {{"dn42_2", R"({"state":"up"})", 2}}, Store::Reports::replace));
  const auto reports = must(store_->reports_of(jp));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports.front().json, R"({"state":"up"})");
}

TEST_P(StoreDocuments, AFurtherPartOfAReportLeavesTheFirst) {
  const NodeId jp = add("jp1");
  must(store_->record_reports(jp, {{"dn42_1", "{}", 1}}, Store::Reports::replace));
  must(store_->record_reports(jp, {{"dn42_2", "{}", 1}}, Store::Reports::add));
  EXPECT_EQ(must(store_->reports_of(jp)).size(), 2u);
}

TEST_P(StoreDocuments, KeepsTheLatestDocumentOfAKind) {
  const NodeId jp = add("jp1");
  EXPECT_EQ(must(store_->document_of(jp, "rtt")), std::nullopt);
  must(store_->record_document(jp, "rtt", "{}", 1));
  must(store_->record_document(jp, "rtt", R"({"a":1})", 2));
  must(store_->record_document(jp, "mesh-status", "[]", 3));
  EXPECT_EQ(must(store_->document_of(jp, "rtt")), (Document{R"({"a":1})", 2}));
}

TEST_P(StoreDocuments, KeepsSettings) {
  Settings settings;
  settings.asn = 4'242'421'111;
  settings.mesh.preshared_keys = true;
  settings.policy->blocked_asns = {1, 4'294'967'295};
  settings.policy->blocked_prefixes = {IpPrefix::parse("172.20.1.0/24").value(),
                                       IpPrefix::parse("fd00:1::/48").value()};
  must(store_->change_settings(testing::kTester, [&](const Settings&) -> Checked<Settings> { return settings; }));
  EXPECT_EQ(must(store_->settings()), settings);
  settings.policy.reset();
  must(store_->change_settings(testing::kTester, [&](const Settings&) -> Checked<Settings> { return settings; }));
  EXPECT_EQ(must(store_->settings()), settings);
}

TEST_P(StoreDocuments, CountsTheVersionsOfSettings) {
  const auto set_asn = [&](model::Asn asn, ExpectedVersion seen) {
    return store_->change_settings(
        testing::kTester,
        [&](Settings settings) -> Checked<Settings> {
          settings.asn = asn;
          return settings;
        },
        seen);
  };
  EXPECT_EQ(must(store_->versioned_settings()).version, 0);
  EXPECT_EQ(must(set_asn(4'242'421'111, 0)).version, 1);
  EXPECT_EQ(set_asn(4'242'422'222, 0).error().field, "version");
  EXPECT_EQ(must(set_asn(4'242'421'111, 1)).version, 1) << "which changes nothing";
  EXPECT_EQ(must(set_asn(4'242'422'222, 1)).version, 2);
  EXPECT_EQ(must(store_->versioned_settings()).settings.asn, 4'242'422'222u);
}

TEST_P(StoreDocuments, MakesTheNetworksSecretOnce) {
  std::vector<Secret> secrets(8);
  {
    std::vector<std::jthread> askers;
    for (Secret& secret : secrets) askers.emplace_back([&] { secret = must(store_->network_secret()); });
  }
  for (const Secret& secret : secrets) EXPECT_TRUE(secret == secrets.front());
  EXPECT_GE(secrets.front().reveal().size(), 43u);
  EXPECT_TRUE(must(database_->open()->network_secret()) == secrets.front()) << "after a restart";
}

TEST_P(StoreDocuments, LosesNoneOfTwoEditsAtATime) {
  add("jp1");
  store_->set_change_listener({});  // the fixture's is for one thread
  constexpr int kRounds = 200;
  const auto edit = [&](auto change_node, auto change_settings) {
    for (int i = 1; i <= kRounds; ++i) {
      must(store_->change_node(testing::kTester, "jp1", [&](Node node) -> Checked<Node> {
        change_node(node);
        return node;
      }));
      must(store_->change_settings(testing::kTester, [&](Settings settings) -> Checked<Settings> {
        change_settings(settings);
        return settings;
      }));
    }
  };
  {
    std::jthread one([&] {
      edit([](Node& node) { node.region_code++; }, [](Settings& settings) { settings.policy->ebgp_import_limit++; });
    });
    edit([](Node& node) { node.location += "x"; }, [](Settings& settings) { settings.policy->ebgp_import_limit++; });
  }
  EXPECT_EQ(must(store_->find_node("jp1")).region_code, 101 + kRounds);
  EXPECT_EQ(must(store_->find_node("jp1")).location.size(), std::string_view("jp1").size() + kRounds);
  EXPECT_EQ(must(store_->settings()).policy->ebgp_import_limit, PolicySettings{}.ebgp_import_limit + 2 * kRounds);
}

}  // namespace
}  // namespace moenet::controlplane
