#include "bird/render.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bird/peer_folder.h"
#include "bird/real_bird.h"

namespace moenet::bird {
namespace {

using namespace std::string_literals;

constexpr const char* kSource = MOENET_SOURCE_DIR "/";

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

struct Case {
  std::string name;
  model::Session session;
  model::Peering peering;
};

model::Session session(model::Asn asn, model::SessionPolicy policy) {
  model::Session session;
  session.uuid = "0b9f1f2e-0000-4000-8000-00000000000" + std::to_string(asn % 10);
  session.asn = asn;
  session.name = "Peer " + std::to_string(asn);
  session.interface_name = "dn42_" + std::to_string(asn);
  session.policy = policy;
  return session;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  Case mp{"mp_bgp_link_local", session(4242420001, model::SessionPolicy::full), {}};
  mp.session.description = "MP-BGP, extended next hop";
  mp.peering = {ip("fe80::1"), ip("fe80::998:101:1:1"), true, true, true, {}};
  all.push_back(mp);

  Case v4{"ipv4_password_limit", session(4242420002, model::SessionPolicy::peer), {}};
  v4.session.interface_name = "dn42-2.x";
  v4.session.bgp_password = Secret("p%w{};\\ #/*");
  v4.session.import_limit = 1000;
  v4.peering = {ip("172.20.1.9"), ip("172.22.188.1"), true, false, false, {}};
  all.push_back(v4);

  Case ula{"ula_upstream", session(4242420003, model::SessionPolicy::upstream), {}};
  ula.session.name = "";
  ula.peering = {ip("fd00:1::9"), ip("fd00:4242:7777:101:1::1"), false, true, false, {}};
  all.push_back(ula);

  Case hostile{"hostile_description", session(4242420004, model::SessionPolicy::downstream), {}};
  hostile.session.description =
      "a\"; } protocol static x { route 0.0.0.0/0 reject; }\n# "s + '\0' + " \x1b[31m /* %s \xff é";
  hostile.peering = {ip("fe80::4"), ip("fe80::998:101:1:1"), true, true, false, {}};
  all.push_back(hostile);
  return all;
}

BaseConfig base_config() {
  BaseConfig base;
  base.node = {"jp1", ip("172.22.188.1"), ip("fd00:4242:7777:101:1::1"), ip("fe80::998:101:1:1")};
  base.local_asn = 4242420998;
  base.peer_folder = "/etc/bird/peers";
  base.own_prefixes = {IpPrefix::parse("fd00:4242:7777::/48").value(), IpPrefix::parse("172.22.188.0/26").value()};
  return base;
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = kSource + name;
  if (std::getenv("MOENET_UPDATE_GOLDEN") != nullptr) write_file(path, text);
  EXPECT_EQ(text, text_of(path)) << "run with MOENET_UPDATE_GOLDEN=1 when this change is meant";
}

TEST(RenderPeer, MatchesItsGoldenFile) {
  for (const Case& c : cases()) {
    const auto file = render_peer(c.session, c.peering, {});
    ASSERT_TRUE(file) << c.name;
    EXPECT_EQ(file->name, protocol_name(c.session.asn) + ".conf");
    EXPECT_EQ(owner_in(file->text), model::owner_of_session(c.session.uuid));
    expect_golden("tests/golden/bird/peer_" + c.name + ".conf", file->text);
  }
}

TEST(RenderBase, MatchesItsGoldenFile) { expect_golden("tests/golden/bird/base.conf", render_base(base_config())); }

// What an operator may begin with who keeps bird.conf: the same, without our mark.
TEST(RenderBase, IsTheExampleForOperators) {
  const std::string text = render_base(base_config());
  expect_golden(
      "packaging/bird.example.conf",
      "# An example of a bird.conf that is yours (bird.ownership: \"peers\"): put in your own addresses, AS number and "
      "prefixes.\n# The agent needs the template, the filters and the last line.\n" +
          text.substr(text.find('\n') + 1));
}

TEST(RenderBase, DoesNotDependOnTheOrderOfItsPrefixes) {
  BaseConfig turned = base_config();
  std::swap(turned.own_prefixes[0], turned.own_prefixes[1]);
  EXPECT_EQ(render_base(turned), render_base(base_config()));
}

TEST(RenderPeer, RefusesAPasswordThatBirdCannotExpress) {
  Case c = cases().front();
  for (const char* password : {"a\"b", "a\nb", "\xff"}) {
    c.session.bgp_password = Secret(password);
    const auto file = render_peer(c.session, c.peering, {});
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::invalid);
    EXPECT_EQ(file.error().what.find(password), std::string::npos);
  }
}

TEST(RenderPeer, NamesNoAddressOfOursWhereBirdIsToFindIt) {
  const Case c = cases().front();
  std::string with = render_peer(c.session, c.peering, {})->text;
  const std::string line = "  local fe80::998:101:1:1;\n";
  ASSERT_NE(with.find(line), std::string::npos);
  EXPECT_EQ(render_peer(c.session, c.peering, {}, nullptr, false)->text, with.erase(with.find(line), line.size()));
}

TEST(RenderPeer, TakesOtherNames) {
  PolicyNames names{"t", "a", "b", "c", "d"};
  const auto text_for = [&](model::SessionPolicy policy) {
    Case c = cases().front();
    c.session.policy = policy;
    return render_peer(c.session, c.peering, names)->text;
  };
  EXPECT_NE(text_for(model::SessionPolicy::full).find("import filter a;\n    export filter b;"), std::string::npos);
  EXPECT_NE(text_for(model::SessionPolicy::peer).find("import filter c;\n    export filter d;"), std::string::npos);
  EXPECT_NE(text_for(model::SessionPolicy::upstream).find("import filter c;\n    export filter b;"), std::string::npos);
  EXPECT_NE(text_for(model::SessionPolicy::downstream).find("import filter a;\n    export filter d;"),
            std::string::npos);
  EXPECT_NE(text_for(model::SessionPolicy::full).find(" from t {"), std::string::npos);
}

RC_GTEST_PROP(Quote, IsOneStringOnOneLineOfValidUtf8, (const std::string& text)) {
  const std::string quoted = quote(text);
  RC_ASSERT(quoted.size() >= 2 && quoted.size() <= 130);
  RC_ASSERT(quoted.front() == '"' && quoted.back() == '"');
  const std::string inner = quoted.substr(1, quoted.size() - 2);
  for (const char c : inner) RC_ASSERT(c != '"' && c != '\x7f' && static_cast<unsigned char>(c) >= 0x20);
  RC_ASSERT(quote(inner) == quoted);
}

TEST(Quote, KeepsWhatCanStand) {
  EXPECT_EQ(quote("Zoë's % {node}; \\n /* # 日本"), "\"Zoë's % {node}; \\n /* # 日本\"");
  EXPECT_EQ(quote("a\"b\nc\0d"s), "\"a'b?c?d\"");
  EXPECT_EQ(quote("\xC0\xAF\xED\xA0\x80\xC2\x85"), "\"??????\"");
  EXPECT_EQ(quote(std::string(127, 'x') + "é").size(), 129u);  // no half character
}

class RenderOn : public testing::TestWithParam<BirdProgram> {};
INSTANTIATE_TEST_SUITE_P(Bird, RenderOn, testing::ValuesIn(bird_programs()), name_of_program);

TEST_P(RenderOn, BirdAcceptsAllThatIsRendered) {
  ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup, and ./dev test unpack it";
  support::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "peers");
  BaseConfig base = base_config();
  base.peer_folder = folder / "peers";
  for (const Case& c : cases()) {
    const auto file = render_peer(c.session, c.peering, {});
    write_file(folder / "peers/" + file->name, file->text);
  }
  const auto parses = [&](const std::string& text) {
    write_file(folder / "bird.conf", text);
    const std::string command =
        GetParam().path + " -p -c " + (folder / "bird.conf") + " >" + (folder / "out") + " 2>&1";
    const bool done = std::system(command.c_str()) == 0;
    // 3 warns of functions without a return type and of passwords without `authentication`; only the latter is expected
    EXPECT_EQ(text_of(folder / "out").find("return type"), std::string::npos);
    return done ? std::string() : text_of(folder / "out");
  };
  EXPECT_EQ(parses(render_base(base)), "");

  const PolicyNames names;
  std::string by_snippets = "protocol device {}\n";
  for (const std::string& name :
       {names.import_filter, names.export_filter, names.import_theirs, names.export_own, names.peer_template}) {
    by_snippets += snippet_for(name, names);
  }
  EXPECT_EQ(parses("router id 1.1.1.1;\n" + by_snippets + include_line(base.peer_folder) + "\n"), "");
  EXPECT_EQ(snippet_for("other", names), "");

  const std::string documented = text_of(std::string(kSource) + "docs/operations.md");
  const std::size_t from = documented.find("# Babel carries the loopbacks");
  const std::size_t to = documented.find("```", from);
  ASSERT_NE(to, std::string::npos);
  const std::string include = include_line(base.peer_folder);
  std::string joined = render_base(base);
  joined.insert(joined.find(include), documented.substr(from, to - from));
  EXPECT_EQ(parses(joined), "") << "what an operator pastes for the mesh";

  base.own_prefixes.clear();
  base.node.ipv4.reset();
  base.node.ipv6.reset();
  EXPECT_EQ(parses(render_base(base)), "");
}

}  // namespace
}  // namespace moenet::bird
