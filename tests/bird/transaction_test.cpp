// What is changed, and who is to blame for what BIRD refuses. Sessions that fall by a change are
// transaction_gate_test.cpp.
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "bird/transaction_fixture.h"

namespace moenet::bird {
namespace {

using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(Bird, TransactionOn, testing::ValuesIn(bird_programs()), name_of_program);

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

}  // namespace
}  // namespace moenet::bird
