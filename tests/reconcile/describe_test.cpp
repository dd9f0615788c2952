#include <gtest/gtest.h>

#include "reconcile/peerings.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {
namespace {

TEST(Describe, ShowsOneLinePerChangeInTheOrderOfExecution) {
  auto changed = peering_of(2);
  edit(changed.tunnel).mtu_bytes = 1400;
  edit(changed.bird_file).text = "new";
  const auto state = state_of(desired_of({peering_of(2), peering_of(3)}));
  EXPECT_EQ(
      describe(plan(desired_of({peering_of(1), changed}), state)),
      "+ dn42_4242420001  create wireguard tunnel, mtu 1420, port 30001, 1 address, endpoint peer1.example:51820\n"
      "~ dn42_4242420002  mtu 1400\n"
      "+ dn42_4242420001.conf  write BIRD file\n"
      "~ dn42_4242420002.conf  write BIRD file\n"
      "- dn42_4242420003.conf  remove BIRD file\n"
      "- dn42_4242420003  remove tunnel\n");
}

TEST(Describe, SaysWhereGreLeads) {
  auto changed = gre_peering_of(2);
  edit(changed.tunnel).gre->key = 9;
  const auto state = state_of(desired_of({gre_peering_of(2)}));
  auto desired = desired_of({gre_peering_of(1), changed});
  desired.wants_firewall = true;
  EXPECT_EQ(describe(plan(desired, state)),
            "~ firewall  let in 0 UDP ports, 2 GRE peers and 2 tunnels\n"
            "+ dn42_4242420001  create gre tunnel, mtu 1420, remote 192.0.2.1 ttl 64, 1 address, endpoint "
            "peer1.example\n"
            "~ dn42_4242420002  GRE header (remote 192.0.2.2 key 9 ttl 64)\n"
            "+ dn42_4242420001.conf  write BIRD file\n");
}

TEST(Describe, ShowsNoSecret) {
  auto changed = peering_of(1);
  edit(changed.tunnel).private_key = key_of(0xabc);
  edit(changed.tunnel).peers[0].preshared_key = key_of(0xdef);
  edit(changed.bird_file).text = "password \"hunter2\"";
  const auto state = state_of(desired_of({peering_of(1)}));
  for (const std::string& text :
       {describe(plan(desired_of({changed}), state)), describe(plan(desired_of({changed}), NodeState()))}) {
    EXPECT_EQ(text.find(key_of(0xabc).base64().substr(0, 8)), std::string::npos) << text;
    EXPECT_EQ(text.find(key_of(0xdef).base64().substr(0, 8)), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  }
}

TEST(Describe, NamesTheFieldsOfAnUpdate) {
  const UpdateTunnel update{.name = "dn42_1",
                            .owner = "session/x",
                            .configured_endpoint = "a.example:1",
                            .mtu_bytes = 1300,
                            .set_up = true,
                            .add_addresses = {{IpPrefix::host(v4(1)), v4(2)}},
                            .remove_addresses = {{IpPrefix::host(v4(3)), std::nullopt}},
                            .private_key = key_of(9),
                            .listen_port = 7,
                            .remove_peers = {},
                            .peers = {}};
  EXPECT_EQ(describe(TunnelAction(update)),
            "~ dn42_1  endpoint a.example:1, mtu 1300, remove address 172.20.0.3/32, add address 172.20.0.1/32 peer "
            "172.20.0.2, "
            "private key, port 7, set up");
}

TEST(Describe, KeepsAHostileNameOnItsLine) {
  Plan made;
  made.bird.remove = {"x\ny.conf"};
  const std::string text = describe(made);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
}

}  // namespace
}  // namespace moenet::reconcile
