#include "bird/transaction.h"

#include <algorithm>
#include <sys/stat.h>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bird/control.h"
#include "bird/real_bird.h"

namespace moenet::bird {
namespace {

using namespace std::chrono_literals;

constexpr model::Asn kFirst = 4242420000;

model::BirdFile file_with(model::Asn asn, const std::string& body) {
  const model::Owner owner = fmt::format("session/0b9f1f2e-0000-4000-8000-{:012}", asn);
  return {protocol_name(asn) + ".conf", owner, ownership_line(owner) + body};
}

model::BirdFile peer(model::Asn asn, const std::string& description = "peer",
                     model::SessionPolicy policy = model::SessionPolicy::full) {
  model::Session session;
  session.uuid = fmt::format("0b9f1f2e-0000-4000-8000-{:012}", asn);
  session.asn = asn;
  session.description = description;
  session.interface_name = protocol_name(asn);
  session.policy = policy;
  const model::Peering peering{
      IpAddress::parse("fe80::1").value(), IpAddress::parse("fe80::2").value(), true, true, true, {}};
  return render_peer(session, peering, {}).value();
}

class TransactionOn : public testing::TestWithParam<BirdProgram> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup, and ./dev test unpack it";
    write_main(policy() + "include \"peers/*.conf\";\n");
    ASSERT_NO_FATAL_FAILURE(bird_.start());
  }

  static std::string policy() {
    const PolicyNames names;
    return snippet_for(names.import_filter, names) + snippet_for(names.export_filter, names) +
           snippet_for(names.peer_template, names);
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
  void write_main(const std::string& rest) {
    write_file(bird_.main(), "router id 1.1.1.1;\nlog \"" + bird_.file("log") + "\" all;\nprotocol device {}\n" + rest);
  }
  Result<TransactionResult> apply(const FileChange& change, std::chrono::milliseconds limit = 20s) {
    return BirdTransaction(pool_, folder_, {}, settings_).apply(change, Deadline::after(limit), {});
  }
  std::vector<std::string> protocols() {
    std::vector<std::string> names;
    const auto seen = survey(pool_, soon(), {});
    EXPECT_TRUE(seen);
    if (!seen) return names;
    for (const ProtocolStatus& row : seen->protocols) {
      if (row.name.starts_with("dn42_") && row.state != "stop" && row.state != "flush") names.push_back(row.name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  bool mirrors_are_up() {
    const auto seen = survey(pool_, soon(), {});
    return seen && std::count_if(seen->protocols.begin(), seen->protocols.end(),
                                 [](const auto& p) { return p.is_established(); }) == 2;
  }
  std::size_t logged(std::string_view word) const {
    const std::string log = text_of(bird_.file("log"));
    std::size_t count = 0;
    for (std::size_t at = log.find(word); at != std::string::npos; at = log.find(word, at + 1)) ++count;
    return count;
  }
  std::size_t configures() const { return logged("Reconfiguring"); }
  std::string live(const model::BirdFile& file) const { return text_of(bird_.peers() + "/" + file.name); }
  bool is_there(const std::string& name) const { return std::filesystem::exists(bird_.peers() + "/" + name); }

  RealBird bird_{GetParam().path};
  BirdPool pool_{bird_.socket(), {1, 1}};  // taking back must not need a second connection
  PeerFolder folder_{bird_.peers()};
  TransactionSettings settings_;
};
INSTANTIATE_TEST_SUITE_P(Bird, TransactionOn, testing::ValuesIn(bird_programs()), name_of_program);

// With two sessions of BIRD with itself, Established. That takes a second, so the oldest and the newest BIRD must do.
class MirrorsOn : public TransactionOn {
 protected:
  void SetUp() override {
    TransactionOn::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    write_main(policy() + mirror() + "include \"peers/*.conf\";\n");
    ASSERT_TRUE(apply({{}, {}, {}, true}));
    ASSERT_NO_FATAL_FAILURE(wait_until("both ends are up", [&] { return mirrors_are_up(); }));
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

TEST_P(TransactionOn, AddsChangesAndRemovesWithOneConfigureEach) {
  auto result = apply({{peer(kFirst + 1), peer(kFirst + 2)}, {}, {}, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_TRUE(result->configured);
  EXPECT_TRUE(result->refused.empty());
  EXPECT_EQ(protocols(), (std::vector<std::string>{"dn42_4242420001", "dn42_4242420002"}));
  EXPECT_EQ(configures(), 1u);
  struct stat status{};
  ASSERT_EQ(::stat((bird_.peers() + "/dn42_4242420001.conf").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  EXPECT_FALSE(is_there(".moenet-stage"));

  result = apply({{peer(kFirst + 1, "other")}, {"dn42_4242420002.conf"}, {}, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(live(peer(kFirst + 1)), peer(kFirst + 1, "other").text);
  EXPECT_FALSE(is_there("dn42_4242420002.conf"));
  EXPECT_EQ(protocols(), std::vector<std::string>{"dn42_4242420001"});
  EXPECT_EQ(configures(), 2u);
}

TEST_P(TransactionOn, AsksNothingOfBirdWhenTheBytesAreEqual) {
  ASSERT_TRUE(apply({{peer(kFirst + 1)}, {}, {}, false}));
  bird_.kill();
  const auto result = apply({{peer(kFirst + 1)}, {"dn42_none.conf"}, {}, false});
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->configured);
  EXPECT_FALSE(apply({{peer(kFirst + 2)}, {}, {}, false}));
}

TEST_P(TransactionOn, CutsOutTheOneOfTwentyThatBirdRefuses) {
  FileChange change;
  for (model::Asn i = 1; i <= 20; ++i) change.put.push_back(peer(kFirst + i, std::string(30, '"') + "}\n#\0{"));
  change.put[6] = file_with(kFirst + 7, "protocol bgp dn42_4242420007 from dn42_peer {\n  neighbor nonsense;\n}\n");
  auto result = apply(change);
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_TRUE(result->configured);
  ASSERT_EQ(result->refused.size(), 1u);
  EXPECT_EQ(result->refused[0].file, "dn42_4242420007.conf");
  EXPECT_TRUE(result->refused[0].message.starts_with("dn42_4242420007.conf:3:")) << result->refused[0].message;
  EXPECT_NE(result->refused[0].message.find("syntax error"), std::string::npos);
  EXPECT_EQ(protocols().size(), 19u);
  EXPECT_FALSE(is_there("dn42_4242420007.conf"));
  EXPECT_EQ(configures(), 1u);

  // a live one whose new version is refused goes, and with nothing else to do that alone is loaded
  result =
      apply({{file_with(kFirst + 8, "protocol bgp dn42_4242420008 from dn42_peer { local as 0; }\n")}, {}, {}, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(result->refused.size(), 1u);
  EXPECT_EQ(protocols().size(), 18u);

  // refused and never live: nothing is loaded
  result = apply({{file_with(kFirst + 9999, "nonsense\n")}, {}, {}, false});
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->configured);
  EXPECT_EQ(configures(), 2u);
}

TEST_P(TransactionOn, NamesWhatTheMainFileLacksWithTheSnippetThatMendsIt) {
  write_main("include \"peers/*.conf\";\n");
  auto result = apply({{peer(kFirst + 1)}, {}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  for (const char* word :
       {"template bgp dn42_peer", "filter dn42_import_filter,", "filter dn42_export_filter", "local as"}) {
    EXPECT_NE(result.error().what.find(word), std::string::npos) << result.error().what;
  }
  EXPECT_EQ(result.error().what.find("theirs"), std::string::npos);
  EXPECT_FALSE(is_there(peer(kFirst + 1).name));
  EXPECT_FALSE(is_there(".moenet-stage"));

  write_main(policy() + "include \"peers/*.conf\";\n");
  EXPECT_TRUE(apply({{peer(kFirst + 1, "x\n    import filter dn42_import_filter_theirs;")}, {}, {}, false}));
  result = apply({{peer(kFirst + 2, "", model::SessionPolicy::peer)}, {}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("filter dn42_import_filter_theirs, filter dn42_export_filter_own"),
            std::string::npos);

  write_main("include \"peers/*.conf\";\n" + policy());
  result = apply({{}, {}, {}, true});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("is defined at " + bird_.main() + ":"), std::string::npos) << result.error().what;
  EXPECT_NE(result.error().what.find("after the peer files"), std::string::npos);
}

TEST_P(TransactionOn, GivesTheIncludeLineThatIsMissing) {
  for (const std::string& rest : {std::string(), std::string("include \"peers/other_*.conf\";\n"),
                                  std::string("# include \"peers/*.conf\";\n")}) {
    write_main(policy() + rest);
    const auto result = apply({{peer(kFirst + 1)}, {}, {}, false});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::invalid);
    EXPECT_NE(result.error().what.find("add the line include \"" + bird_.peers() + "/*.conf\";"), std::string::npos)
        << result.error().what;
  }
  write_main(policy() + "include \"peers/*.conf\";\ninclude \"" + bird_.peers() + "/../peers/dn*\";\n");
  const auto twice = apply({{peer(kFirst + 1)}, {}, {}, false});
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().what.find("included twice"), std::string::npos);
}

TEST_P(TransactionOn, BlamesTheOperatorsFileForTheOperatorsError) {
  write_main(policy() + "include \"peers/*.conf\"; define x =\n ;\n");
  auto result = apply({{peer(kFirst + 1)}, {}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  const std::string lines = text_of(bird_.main());
  const auto line = std::count(lines.begin(), lines.end(), '\n');
  EXPECT_NE(result.error().what.find("bird.conf:" + std::to_string(line) + ":"), std::string::npos)
      << result.error().what;

  write_main(policy() + "include \"sub.conf\";\ninclude \"peers/*.conf\";\n");
  write_file(bird_.file("sub.conf"), "\nfoo bar;\n");
  result = apply({{peer(kFirst + 1)}, {}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("sub.conf:2:"), std::string::npos) << result.error().what;
  std::filesystem::remove(bird_.file("sub.conf"));
  result = apply({{peer(kFirst + 1)}, {}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("sub.conf"), std::string::npos) << result.error().what;
  EXPECT_FALSE(is_there(peer(kFirst + 1).name));
  EXPECT_EQ(configures(), 0u);
}

TEST_P(TransactionOn, FollowsNestedIncludesToThePeerFolder) {
  std::filesystem::create_directory(bird_.file("a"));
  std::filesystem::create_directory_symlink(bird_.peers(), bird_.file("a/link"));
  write_file(bird_.file("a/one.conf"), "include \"../two.inc\";\n");
  write_file(bird_.file("two.inc"), "define y = 1;\ninclude \"a/li?k/dn42_*.conf\";");
  write_main(policy() + "include \"a/*.conf\";\n");
  const auto result = apply({{peer(kFirst + 1)}, {}, {}, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(protocols().size(), 1u);
}

TEST_P(TransactionOn, NeverTouchesForeignFiles) {
  const std::string foreign =
      "protocol bgp dn42_4242420001 { local as 1; neighbor 192.0.2.1 as 2; multihop; ipv4 { import none; export none; "
      "}; }\n";
  write_file(bird_.peers() + "/dn42_4242420001.conf", foreign);
  write_file(bird_.peers() + "/mine.conf",
             "protocol bgp dn42_4242420002 { local as 1; neighbor 192.0.2.1 as 3; multihop; ipv4 { import none; export "
             "none; }; }\n");
  write_main(policy() +
             "include \"peers/*.conf\";\nprotocol bgp dn42_4242420003 { local as 1; neighbor 192.0.2.1 as 3; multihop; "
             "ipv4 { import none; export none; }; }\n");
  const auto result =
      apply({{peer(kFirst + 1), peer(kFirst + 2), peer(kFirst + 3), peer(kFirst + 4)}, {"mine.conf"}, {}, false});
  ASSERT_TRUE(result) << result.error().what;
  ASSERT_EQ(result->refused.size(), 3u);
  EXPECT_NE(result->refused[0].message.find("is not ours"), std::string::npos);
  EXPECT_NE(result->refused[1].message.find("is defined already, at " + bird_.peers() + "/mine.conf:1"),
            std::string::npos)
      << result->refused[1].message;
  EXPECT_NE(result->refused[2].message.find("is defined already, at " + bird_.main()), std::string::npos);
  EXPECT_EQ(text_of(bird_.peers() + "/dn42_4242420001.conf"), foreign);
  EXPECT_TRUE(is_there("mine.conf"));
  EXPECT_EQ(protocols().size(), 4u);
}

TEST_P(TransactionOn, RefusesNamesThatAreNone) {
  model::BirdFile bad = peer(kFirst + 1);
  for (const char* name : {"../x.conf", "a b.conf", ".x.conf", "x", "*.conf", "\".conf"}) {
    bad.name = name;
    const auto result = apply({{bad}, {}, {}, false});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->refused.size(), 1u) << name;
  }
  bad = peer(kFirst + 1);
  bad.owner = "session/other";
  EXPECT_EQ(apply({{bad}, {}, {}, false})->refused.size(), 1u);
}

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

TEST_P(TransactionOn, EndsAtItsDeadlineWhenBirdHangs) {
  bird_.signal(SIGSTOP);
  const SteadyTime began = steady_now();
  const auto result = apply({{peer(kFirst + 1)}, {}, {}, false}, 100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
  EXPECT_LT(steady_now() - began, 3s);
  EXPECT_FALSE(is_there("dn42_4242420001.conf"));
  bird_.signal(SIGCONT);
  EXPECT_TRUE(apply({{peer(kFirst + 1)}, {}, {}, false}));
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

TEST_P(TransactionOn, BlamesTheMainFileWhenEveryPeerIsRefusedAlike) {
  write_main(policy() + "include \"peers/*.conf\";\n");
  ASSERT_TRUE(apply({{peer(kFirst + 1), peer(kFirst + 2)}, {}, {}, false}));
  std::string twice = policy();
  twice.replace(twice.find("template bgp dn42_peer"), 22,
                "template bgp dn42_peer { local as 1; multihop; }\ntemplate bgp another");
  write_main(twice + "include \"peers/*.conf\";\n");
  const auto result = apply({{peer(kFirst + 3)}, {}, {}, false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  EXPECT_NE(result.error().what.find("every peer file"), std::string::npos) << result.error().what;
  EXPECT_TRUE(is_there("dn42_4242420001.conf"));
}

TEST_P(TransactionOn, SwapsTheMainFileThatIsOurs) {
  const auto main_text = [&](const std::string& more) {
    return ownership_line(std::string(kBaseOwner)) + "router id 1.1.1.1;\nprotocol device {}\n" + policy() + more +
           include_line(bird_.peers()) + "\n";
  };
  auto result = apply({{peer(kFirst + 1)}, {}, main_text(""), false});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().what.find("is not ours"), std::string::npos);
  write_file(bird_.main(), main_text(""));
  result = apply({{peer(kFirst + 1)}, {}, main_text("protocol static dn42_s { ipv4; }\n"), false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(protocols(), (std::vector<std::string>{"dn42_4242420001", "dn42_s"}));
  result = apply({{}, {}, main_text("nonsense\n"), false});
  ASSERT_FALSE(result);
  EXPECT_EQ(text_of(bird_.main()), main_text("protocol static dn42_s { ipv4; }\n"));
  EXPECT_FALSE(apply({{}, {}, text_of(bird_.main()), false})->configured);
}

// A BIRD that is ours: its main file is the include, and the policy lies beside the peers.
class OwnBirdOn : public TransactionOn {
 protected:
  void SetUp() override {
    TransactionOn::SetUp();
    if (HasFatalFailure()) return;
    write_file(bird_.main(), main_);
    const auto begun = apply({{base(), filters(), peer(kFirst + 1)}, {}, main_, false});
    ASSERT_TRUE(begun) << begun.error().what;
    ASSERT_TRUE(begun->configured);
  }
  static model::BirdFile policy_file(const std::string& name, const std::string& body) {
    const model::Owner owner(model::kPolicyOwner);
    return {name, owner, ownership_line(owner) + body};
  }
  model::BirdFile base(const std::string& more = "") const {
    return policy_file("00_base.conf",
                       "router id 1.1.1.1;\nlog \"" + bird_.file("log") + "\" all;\nprotocol device {}\n" + more);
  }
  static model::BirdFile filters(const std::string& more = "") {
    return policy_file("20_filters.conf", policy() + more);
  }

  const std::string main_ = ownership_line(std::string(kBaseOwner)) + include_line(bird_.peers()) + "\n";
};
INSTANTIATE_TEST_SUITE_P(Bird, OwnBirdOn, testing::ValuesIn(bird_programs()), name_of_program);

TEST_P(OwnBirdOn, ChangesWithPeersInOneConfigure) {
  const auto before = configures();
  const auto result =
      apply({{base("define MOENET_DRAIN = true;\n"), peer(kFirst + 2)}, {"dn42_4242420001.conf"}, main_, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(result->policy_refused, "");
  EXPECT_EQ(protocols(), std::vector<std::string>{"dn42_4242420002"});
  EXPECT_EQ(live(base()), base("define MOENET_DRAIN = true;\n").text);
  EXPECT_EQ(configures(), before + 1);
}

TEST_P(OwnBirdOn, IsRefusedAsAWholeAndThePeersGoOn) {
  const auto result =
      apply({{base("# new\n"), filters("filter broken { nonsense }\n"), peer(kFirst + 2)}, {}, main_, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_TRUE(result->policy_refused.starts_with("20_filters.conf:")) << result->policy_refused;
  EXPECT_TRUE(result->refused.empty());
  EXPECT_EQ(live(base()), base().text);
  EXPECT_EQ(live(filters()), filters().text);
  EXPECT_EQ(protocols(), (std::vector<std::string>{"dn42_4242420001", "dn42_4242420002"}));
}

TEST_P(OwnBirdOn, ThatBreaksByLosingAFileIsRefusedToo) {
  const auto result = apply({{base("filter uses { dn42_none(); accept; }\n")}, {"20_filters.conf"}, main_, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_NE(result->policy_refused, "");
  EXPECT_FALSE(result->configured) << "nothing was left to change";
  EXPECT_TRUE(is_there("20_filters.conf"));
}

TEST_P(OwnBirdOn, ThatIsTheFirstAndIsRefusedFailsTheWhole) {
  ASSERT_TRUE(apply({{},
                     {"00_base.conf", "20_filters.conf", "dn42_4242420001.conf"},
                     main_ + "router id 1.1.1.1;\nprotocol device {}\n",
                     false}));
  const auto result = apply({{base(), filters("nonsense\n"), peer(kFirst + 1)}, {}, main_, false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  EXPECT_NE(result.error().what.find("refuses its policy"), std::string::npos) << result.error().what;
  EXPECT_FALSE(is_there("dn42_4242420001.conf")) << "no session is judged by the policy's fault";
}

}  // namespace
}  // namespace moenet::bird
