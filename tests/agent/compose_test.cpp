#include "agent/compose.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using model::Broken;
using model::Intent;
using model::Invalid;

constexpr std::string_view kKey = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=";

class Compose : public testing::Test {
 protected:
  Compose() {
    node_.identity = {"jp1", *IpAddress::parse("172.22.188.2"), *IpAddress::parse("fd00:4242:7777:101:2::1"),
                      *IpAddress::parse("fe80::998:101:2:1")};
    node_.keepalive = std::chrono::seconds(25);
  }

  // A good row; `changes` overwrite its fields.
  static model::SessionRow row(int status, boost::json::object changes = {}) {
    boost::json::object object = {{"uuid", "3f7002fb-4d90-45bb-a646-6f30be403c9e"},
                                  {"asn", 4242420102},
                                  {"name", "x"},
                                  {"status", status},
                                  {"ipv6", "fe80::102"},
                                  {"type", "wireguard"},
                                  {"extensions", boost::json::array{"mp_bgp", "extended_nexthop"}},
                                  {"interface", "dn42_4242420102"},
                                  {"endpoint", "192.0.2.1:20998"},
                                  {"credential", kKey},
                                  {"mtu", 1420},
                                  {"port", 30102},
                                  {"policy", "full"}};
    for (auto& [key, value] : changes) object[key] = value;
    return model::read_session(object);
  }
  model::DesiredPeering composed(const model::SessionRow& session_row) {
    const auto result = compose({session_row}, node_, lookup_);
    EXPECT_EQ(result.state.peerings.size(), 1u);
    return result.state.peerings.at(0);
  }

  NodeContext node_;
  Lookup lookup_ = [](std::string_view host, auto) -> Result<std::optional<IpAddress>> {
    if (auto address = IpAddress::parse(host)) return *address;
    return std::nullopt;
  };
};

TEST_F(Compose, ActiveRowBecomesTunnelAndBirdFile) {
  const auto peering = composed(row(4));
  ASSERT_TRUE(peering.tunnel && peering.bird_file);
  EXPECT_EQ(peering.intent, Intent::present);
  EXPECT_EQ(peering.tunnel->name, "dn42_4242420102");
  EXPECT_EQ(peering.tunnel->owner, "session/3f7002fb-4d90-45bb-a646-6f30be403c9e");
  EXPECT_EQ(peering.tunnel->listen_port, 30102);
  EXPECT_EQ(peering.tunnel->configured_endpoint, "192.0.2.1:20998");
  EXPECT_EQ(peering.tunnel->peers.at(0).endpoint->text(), "192.0.2.1:20998");
  EXPECT_EQ(peering.tunnel->peers.at(0).allowed_ips.size(), 2u);
  EXPECT_EQ(peering.bird_file->name, "dn42_4242420102.conf");
  EXPECT_FALSE(peering.has_named_endpoint || peering.awaits_endpoint);
}

TEST_F(Compose, NameUnderLookupGivesATunnelThatWaitsToBeCalled) {
  const auto peering = composed(row(4, {{"endpoint", "peer.example:1"}}));
  ASSERT_TRUE(peering.tunnel);
  EXPECT_FALSE(peering.tunnel->peers.at(0).endpoint);
  EXPECT_EQ(peering.tunnel->configured_endpoint, "");
  EXPECT_EQ(peering.endpoint_problem, "");
  EXPECT_TRUE(peering.has_named_endpoint && peering.awaits_endpoint);
}

TEST_F(Compose, NameThatDoesNotResolveIsAProblemOfItsSessionOnly) {
  lookup_ = [](std::string_view, auto) -> Result<std::optional<IpAddress>> {
    return fail(Errc::not_found, "no such name");
  };
  const auto peering = composed(row(2, {{"endpoint", "peer.example:1"}}));
  EXPECT_TRUE(peering.tunnel);
  EXPECT_EQ(peering.endpoint_problem, "endpoint peer.example:1 does not resolve: no such name");
}

TEST_F(Compose, FreshRowThatIsNoSessionIsTornDown) {
  const auto peering = composed(row(4, {{"credential", "{}"}}));
  EXPECT_EQ(peering.intent, Intent::absent);
  ASSERT_TRUE(peering.verdict && std::holds_alternative<Invalid>(*peering.verdict));
}

TEST_F(Compose, EnabledRowThatTurnsInvalidKeepsWhatRuns) {
  const auto peering = composed(row(2, {{"mtu", -5}}));
  EXPECT_EQ(peering.intent, Intent::untouched);
  EXPECT_TRUE(peering.verdict && std::holds_alternative<Invalid>(*peering.verdict));
}

TEST_F(Compose, NeighborThatIsOurselvesIsAProblemByName) {
  const auto peering = composed(row(4, {{"ipv6", "fe80::998:101:2:1"}}));
  ASSERT_TRUE(peering.verdict && std::holds_alternative<Broken>(*peering.verdict));
  EXPECT_NE(std::get<Broken>(*peering.verdict).cause.view().find("fe80::998:101:2:1 equals our own link-local"),
            std::string::npos)
      << std::get<Broken>(*peering.verdict).cause.view();
}

TEST_F(Compose, AGreRowBecomesATunnelWithoutWireGuardAndTheSameBirdFile) {
  const auto over_wireguard = composed(row(4));
  const auto peering = composed(row(4, {{"type", "gre"}, {"data", {{"greKey", 7}}}}));
  ASSERT_TRUE(peering.tunnel && peering.bird_file);
  const model::Tunnel& tunnel = *peering.tunnel;
  EXPECT_EQ(tunnel.type, model::TunnelType::gre);
  GreHeader expected;
  expected.remote = IpAddress::v4({192, 0, 2, 1});
  expected.key = 7;
  EXPECT_EQ(tunnel.gre, expected);
  EXPECT_EQ(tunnel.configured_endpoint, "192.0.2.1");
  EXPECT_EQ(tunnel.listen_port, 0);
  EXPECT_TRUE(tunnel.private_key.is_zero() && tunnel.peers.empty());
  EXPECT_EQ(tunnel.addresses, over_wireguard.tunnel->addresses);
  EXPECT_EQ(tunnel.mtu_bytes, 1420u);
  EXPECT_EQ(peering.bird_file->text, over_wireguard.bird_file->text);
}

TEST_F(Compose, AGreNameIsLookedUpForItsFamily) {
  const auto family_asked = [&](const char* type) {
    std::optional<IpFamily> asked;
    lookup_ = [&](std::string_view, std::optional<IpFamily> family) -> Result<std::optional<IpAddress>> {
      asked = family;
      return std::nullopt;
    };
    const auto peering = composed(row(4, {{"type", type}, {"endpoint", "peer.example:1"}}));
    EXPECT_TRUE(peering.has_named_endpoint && peering.awaits_endpoint);
    return asked;
  };
  EXPECT_EQ(family_asked("gre"), IpFamily::v4);
  EXPECT_EQ(family_asked("ip6gre"), IpFamily::v6);
  EXPECT_EQ(family_asked("wireguard"), std::nullopt);
}

TEST_F(Compose, AGreLinkIsToldToBirdAsNotEncrypted) {
  node_.owns_bird = true;
  const auto text = composed(row(4, {{"type", "gre"}})).bird_file->text;
  EXPECT_NE(text.find("moenet_link(0, 0, 31)"), std::string::npos) << text;
}

TEST_F(Compose, StatusDecidesTheIntent) {
  for (const auto& [status, intent] : {std::pair{0, Intent::absent},
                                       {1, Intent::absent},
                                       {2, Intent::present},
                                       {3, Intent::untouched},
                                       {4, Intent::present},
                                       {5, Intent::absent},
                                       {6, Intent::present},
                                       {7, Intent::absent},
                                       {8, Intent::untouched},
                                       {99, Intent::untouched}}) {
    EXPECT_EQ(composed(row(status)).intent, intent) << status;
  }
}

// Rows of several sessions, sorted by uuid as read_sessions leaves them.
class ComposerTest : public Compose {
 protected:
  static std::string uuid_of(int number) { return "00000000-0000-4000-8000-00000000000" + std::to_string(number); }
  static model::SessionRow numbered(int number, boost::json::object changes = {}) {
    changes["uuid"] = uuid_of(number);
    changes["asn"] = 4242420000 + number;
    return row(2, std::move(changes));
  }
  static Composer::Rows rows(std::vector<model::SessionRow> rows) {
    return std::make_shared<const std::vector<model::SessionRow>>(std::move(rows));
  }
  const Composed& expect_as_compose(const Composer::Rows& rows) {
    const Composed& composed = composer_.compose(rows, lookup_);
    const Composed anew = compose(*rows, node_, lookup_);
    EXPECT_EQ(composed.state.peerings, anew.state.peerings);
    EXPECT_EQ(composed.status_of, anew.status_of);
    return composed;
  }

  Composer composer_{node_};
};

TEST_F(ComposerTest, ResultEqualsComposeWhateverCameBefore) {
  const auto list = rows({numbered(1), numbered(2), numbered(3)});
  expect_as_compose(list);
  expect_as_compose(list);
  expect_as_compose(rows({numbered(2, {{"mtu", 1300}}), numbered(3), numbered(4)}));
  expect_as_compose(rows({numbered(1), numbered(1, {{"mtu", 1300}}), numbered(2, {{"credential", "junk"}})}));
  expect_as_compose(rows({}));
  expect_as_compose(list);
}

TEST_F(ComposerTest, EqualRowIsNotCompiledAgain) {
  const auto before = expect_as_compose(rows({numbered(1), numbered(2)})).state.peerings;
  const auto& after = expect_as_compose(rows({numbered(1, {{"mtu", 1300}}), numbered(2)})).state.peerings;
  EXPECT_NE(after.at(0).tunnel, before.at(0).tunnel);
  EXPECT_EQ(after.at(1).tunnel, before.at(1).tunnel);
}

TEST_F(ComposerTest, NameThatLeadsElsewhereIsCompiledAgain) {
  std::optional<IpAddress> known;
  lookup_ = [&known](std::string_view, auto) -> Result<std::optional<IpAddress>> { return known; };
  const auto list = rows({numbered(1, {{"endpoint", "peer.example:20998"}})});
  EXPECT_FALSE(expect_as_compose(list).state.peerings.at(0).tunnel->peers.at(0).endpoint);
  known = *IpAddress::parse("192.0.2.7");
  EXPECT_EQ(expect_as_compose(list).state.peerings.at(0).tunnel->peers.at(0).endpoint->text(), "192.0.2.7:20998");
  lookup_ = [](std::string_view, auto) -> Result<std::optional<IpAddress>> {
    return fail(Errc::not_found, "no such host");
  };
  EXPECT_NE(expect_as_compose(list).state.peerings.at(0).endpoint_problem, "");
}

TEST_F(ComposerTest, FollowsTheNameOfAGreFarEnd) {
  std::optional<IpAddress> known;
  lookup_ = [&known](std::string_view, auto) -> Result<std::optional<IpAddress>> { return known; };
  const auto list = rows({numbered(1, {{"type", "gre"}, {"endpoint", "peer.example"}})});
  const auto remote = [&] { return expect_as_compose(list).state.peerings.at(0).tunnel->gre->remote; };
  EXPECT_EQ(remote(), std::nullopt);
  for (const char* address : {"192.0.2.7", "192.0.2.8"}) {
    known = *IpAddress::parse(address);
    EXPECT_EQ(remote(), known);
  }
  EXPECT_EQ(composer_.named_endpoints().at(0).family, IpFamily::v4);
}

TEST_F(ComposerTest, AnIp6GreTunnelBeginsAtTheAddressThatTheRouteGives) {
  std::optional<IpAddress> own = *IpAddress::parse("2001:db8::2");
  node_.source_towards = [&](const IpAddress& remote) {
    EXPECT_EQ(remote.text(), "2001:db8::7");
    return own;
  };
  composer_ = Composer(node_);
  const auto list = rows({numbered(1, {{"type", "ip6gre"}, {"endpoint", "2001:db8::7"}})});
  const auto peering = [&] { return expect_as_compose(list).state.peerings.at(0); };
  EXPECT_EQ(peering().tunnel->gre->local, own);
  own = *IpAddress::parse("2001:db8::3");
  EXPECT_EQ(peering().tunnel->gre->local, own);
  own.reset();
  EXPECT_EQ(peering().tunnel->gre->remote, std::nullopt);
  EXPECT_EQ(peering().endpoint_problem, "endpoint [2001:db8::7]: no address of this node leads to 2001:db8::7");
}

LinkQuality measured(const std::string& uuid, unsigned latency_tier, unsigned loss_class) {
  LinkQuality quality;
  quality.owner = model::owner_of_session(uuid);
  quality.latency_tier = latency_tier;
  quality.loss_class = loss_class;
  return quality;
}

class MeasuredComposer : public ComposerTest {
 protected:
  MeasuredComposer() {
    node_.owns_bird = true;
    composer_ = Composer(node_);
  }
  // Also equal to compose()'s.
  std::vector<std::string> texts(const Composer::Rows& rows, const LinkQualities& qualities) {
    composer_.compose(rows, lookup_, std::make_shared<const LinkQualities>(qualities));
    const Composed anew = moenet::agent::compose(*rows, node_, lookup_, qualities);
    std::vector<std::string> texts;
    for (const auto& file : composer_.bird_files()) texts.push_back(file->text);
    std::size_t i = 0;
    for (const auto& peering : anew.state.peerings) {
      if (!peering.bird_file) continue;
      EXPECT_EQ(texts.at(i++), peering.bird_file->text);
    }
    EXPECT_EQ(i, texts.size());
    return texts;
  }
};

TEST_F(MeasuredComposer, FilesSayWhatIsMeasured) {
  const auto list = rows({numbered(1), numbered(2)});
  const auto before = texts(list, {});
  EXPECT_NE(before[0].find("moenet_link(0, 0, 34); moenet_import_valid();"), std::string::npos) << before[0];
  const auto wide = texts(rows({numbered(1, {{"data", boost::json::object{{"bandwidthMbit", 100}}}})}), {});
  EXPECT_NE(wide[0].find("moenet_link(0, 100, 34);"), std::string::npos) << wide[0];
  const auto after = texts(list, {measured(uuid_of(2), 4, 91)});
  EXPECT_EQ(after[0], before[0]);
  EXPECT_NE(after[1].find("moenet_link(4, 0, 34); moenet_link_loss(91); moenet_import_valid();"), std::string::npos)
      << after[1];
  EXPECT_EQ(texts(list, {}), before);
}

TEST_F(MeasuredComposer, OnlyTheLinkWithOtherTagsIsCompiledAgain) {
  const auto list = rows({numbered(1), numbered(2), numbered(3)});
  texts(list, {measured(uuid_of(1), 3, 91), measured(uuid_of(2), 4, 91)});
  const auto before = composer_.bird_files();
  LinkQualities moved = {measured("00000000-0000-4000-8000-000000000000", 9, 94), measured(uuid_of(1), 3, 91),
                         measured(uuid_of(2), 5, 91)};
  moved[1].rtt_ms = 17;
  texts(list, moved);
  const auto after = composer_.bird_files();
  EXPECT_EQ(after[0], before[0]) << "the same object";
  EXPECT_NE(after[1], before[1]);
  EXPECT_EQ(after[2], before[2]);
}

TEST_F(MeasuredComposer, TagsStayWhenOtherRowsComeAndGo) {
  const LinkQualities qualities = {measured(uuid_of(1), 3, 91), measured(uuid_of(3), 5, 94)};
  texts(rows({numbered(1), numbered(3)}), qualities);
  const auto kept = composer_.bird_files().at(1);
  texts(rows({numbered(2), numbered(3)}), qualities);
  EXPECT_EQ(composer_.bird_files().at(1), kept);
  texts(rows({numbered(2), numbered(3)}), {measured(uuid_of(2), 7, 0)});
}

TEST_F(ComposerTest, ATunnelIsNoLargerThanItsPathCarriesAndItsFileKnowsNothingOfIt) {
  const auto list = rows({numbered(1), numbered(2, {{"mtu", 1300}}), numbered(3)});
  const auto mtus = [&](const Composer::Rows& rows, const MtuLimits& limits) {
    const Composed& composed = composer_.compose(rows, lookup_, nullptr, std::make_shared<const MtuLimits>(limits));
    EXPECT_EQ(composed.state.peerings, compose(*rows, node_, lookup_, {}, limits).state.peerings);
    std::vector<std::uint32_t> found;
    for (const auto& peering : composed.state.peerings) found.push_back(peering.tunnel->mtu_bytes);
    return found;
  };
  const auto limit = [](int number, std::uint32_t bytes) {
    return MtuLimit{model::owner_of_session(uuid_of(number)), bytes};
  };
  using Mtus = std::vector<std::uint32_t>;
  EXPECT_EQ(mtus(list, {}), (Mtus{1420, 1300, 1420}));
  const auto before = composer_.compose(list, lookup_).state.peerings;
  const auto files = composer_.bird_files();
  EXPECT_EQ(mtus(list, {{"mesh/3", 1290}, limit(1, 1340), limit(2, 1340)}), (Mtus{1340, 1300, 1420}));
  EXPECT_EQ(mtus(list, {limit(1, 1340), limit(2, 1240)}), (Mtus{1340, 1280, 1420})) << "IPv6 needs 1280";
  const auto after =
      composer_.compose(list, lookup_, nullptr, std::make_shared<const MtuLimits>(MtuLimits{limit(1, 1340)}));
  EXPECT_EQ(after.state.peerings.at(2).tunnel, before.at(2).tunnel) << "what did not change is the same object";
  ASSERT_EQ(composer_.bird_files().size(), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) EXPECT_EQ(*composer_.bird_files()[i], *files[i]);
  const auto fewer = rows({numbered(1, {{"mtu", 1330}}), numbered(3)});
  EXPECT_EQ(mtus(fewer, {limit(1, 1340), limit(3, 1290)}), (Mtus{1330, 1290})) << "never more than the row says";
  EXPECT_EQ(mtus(list, {}), (Mtus{1420, 1300, 1420}));
}

TEST_F(ComposerTest, WhereBirdIsTheOperatorsNothingThatIsMeasuredChangesAFile) {
  const auto list = rows({numbered(1)});
  expect_as_compose(list);
  const auto before = composer_.bird_files();
  composer_.compose(list, lookup_, std::make_shared<const LinkQualities>(LinkQualities{measured(uuid_of(1), 4, 91)}));
  EXPECT_EQ(composer_.bird_files(), before);
}

}  // namespace
}  // namespace moenet::agent
