// A change waits until the sessions of before are Established, and is taken back when they are not.
#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "bird/transaction_fixture.h"

namespace moenet::bird {
namespace {

using namespace std::chrono_literals;

// With two sessions of BIRD with itself, Established. That takes a second, so the oldest and the newest BIRD must do.
class MirrorsOn : public TransactionOn {
 protected:
  void SetUp() override {
    TransactionOn::SetUp();
    if (HasFatalFailure()) return;
    write_main(policy() + mirror() + "include \"peers/*.conf\";\n");
    ASSERT_TRUE(apply({{}, {}, {}, true}));
    ASSERT_NO_FATAL_FAILURE(wait_until("both ends are up", [&] { return mirrors_are_up(); }));
  }
  // Two sessions of one BIRD with itself, Established within a second.
  static std::string mirror(const std::string& second_as = "65002") {
    return "template bgp mirror { connect delay time 0; connect retry time 1; error wait time 1, 2; multihop; ipv4 { "
           "import none; export none; }; }\n"
           "protocol bgp self_a from mirror { router id 1.1.1.1; local 127.0.0.1 as 65001; neighbor 127.0.0.2 as " +
           second_as +
           "; strict bind yes; }\n"
           "protocol bgp self_b from mirror { router id 2.2.2.2; local 127.0.0.2 as 65002; neighbor 127.0.0.1 as "
           "65001; strict bind yes; passive; }\n";
  }
  bool mirrors_are_up() {
    const auto seen = survey(pool_, soon(), {});
    return seen && std::count_if(seen->protocols.begin(), seen->protocols.end(),
                                 [](const auto& p) { return p.is_established(); }) == 2;
  }
  // The operator breaks one end and does not reload: the next change brings it in.
  void break_main() { write_main(policy() + mirror("65009") + "include \"peers/*.conf\";\n"); }
  void mend_main() { write_main(policy() + mirror() + "include \"peers/*.conf\";\n"); }
  std::vector<std::string> since() {
    std::vector<std::string> times;
    const auto seen = survey(pool_, soon(), {});
    for (const auto& row : seen->protocols) {
      if (row.name.starts_with("self_")) times.push_back(row.name + row.since.substr(0, row.since.rfind('.')));
    }
    std::sort(times.begin(), times.end());
    return times;
  }
};

INSTANTIATE_TEST_SUITE_P(Bird, MirrorsOn, testing::Values(bird_programs().front(), bird_programs().back()),
                         name_of_program);

TEST_P(MirrorsOn, PutsAllBackWhenAnUntouchedSessionFalls) {
  const auto before = since();
  ASSERT_TRUE(apply({{peer(kFirst + 1), peer(kFirst + 2)}, {}, {}, false}));
  ASSERT_TRUE(apply({{}, {}, {}, true}));
  EXPECT_EQ(since(), before);
  break_main();
  settings_.gate = 300ms;
  const auto result = apply({{peer(kFirst + 1, "new"), peer(kFirst + 3)}, {"dn42_4242420002.conf"}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::conflict) << result.error().what;
  EXPECT_NE(result.error().what.find("self_"), std::string::npos);
  EXPECT_EQ(live(peer(kFirst + 1)), peer(kFirst + 1).text);
  EXPECT_TRUE(is_there("dn42_4242420002.conf"));
  EXPECT_FALSE(is_there("dn42_4242420003.conf"));
  EXPECT_FALSE(is_there(".moenet-stage"));
  EXPECT_EQ(protocols(), (std::vector<std::string>{"dn42_4242420001", "dn42_4242420002"}));
  ASSERT_NO_FATAL_FAILURE(wait_until("both ends are up again", [&] { return mirrors_are_up(); }));
}

TEST_P(MirrorsOn, IsAsBeforeWhenStoppedInTheGate) {
  break_main();
  std::stop_source source;
  std::jthread stopper([&] {
    wait_until("the swap", [&] { return is_there("dn42_4242420001.conf"); });
    source.request_stop();
  });
  BirdTransaction transaction(pool_, folder_, {}, settings_);
  const auto result = transaction.apply({{peer(kFirst + 1)}, {}, {}, false}, soon(), source.get_token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::cancelled);
  EXPECT_FALSE(is_there("dn42_4242420001.conf"));
  EXPECT_TRUE(protocols().empty());
}

TEST_P(MirrorsOn, NoticesThatBirdTookTheChangeBackByItself) {
  break_main();
  settings_.undo_timeout = 1s;
  // While the gate waits, BIRD hangs for longer than its own undo: at its next look the change is gone.
  std::jthread hang([&] {
    wait_until("the swap", [&] { return is_there("dn42_4242420001.conf"); });
    // all of it: 3.1.8 dies when its undo expires while a load is under way
    wait_until("the load", [&] { return logged("Reconfigured") > 1; });
    bird_.signal(SIGSTOP);
    ::usleep(1'200'000);
    bird_.signal(SIGCONT);
  });
  const auto result = apply({{peer(kFirst + 1)}, {}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_FALSE(is_there("dn42_4242420001.conf"));
  hang.join();
  mend_main();
  settings_.undo_timeout = 30s;
  ASSERT_NO_FATAL_FAILURE(wait_until("both ends are up again", [&] { return mirrors_are_up(); }));
  EXPECT_TRUE(apply({{peer(kFirst + 1)}, {}, {}, false}));
  EXPECT_FALSE(BirdTransaction(pool_, folder_, {}, settings_).was_cut_off());
}

TEST_P(MirrorsOn, ComesBackAfterKillMinusNineInTheMiddle) {
  ASSERT_TRUE(apply({{peer(kFirst + 1)}, {}, {}, false}));
  break_main();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    BirdPool pool(bird_.socket(), {2, 2});  // the parent's connections are the parent's
    PeerFolder folder(bird_.peers());
    (void)BirdTransaction(pool, folder, {}, settings_)
        .apply({{peer(kFirst + 1, "new"), peer(kFirst + 2)}, {}, {}, false}, soon(), {});
    ::_exit(0);
  }
  wait_until("the swap", [&] { return is_there("dn42_4242420002.conf"); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  BirdTransaction transaction(pool_, folder_, {}, settings_);
  ASSERT_TRUE(transaction.was_cut_off());
  mend_main();
  const auto result = apply({});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_TRUE(result->configured);
  EXPECT_FALSE(transaction.was_cut_off());
  EXPECT_FALSE(is_there(".moenet-stage"));
  EXPECT_EQ(protocols(), (std::vector<std::string>{"dn42_4242420001", "dn42_4242420002"}));
  EXPECT_EQ(live(peer(kFirst + 1)), peer(kFirst + 1, "new").text);
  const auto state = pool_.ask("configure status", soon(), {});
  ASSERT_TRUE(state);
  EXPECT_EQ(state->text().find("undo"), std::string::npos);  // confirmed
}

}  // namespace
}  // namespace moenet::bird
