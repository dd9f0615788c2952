// Signing in over real sockets: proofs with real keys, tokens, cookies, and who may what then.
#include <algorithm>
#include <atomic>

#include "controlplane/registry_folder.h"
#include "controlplane/service_fixture.h"
#include "controlplane/signing_keys.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr std::int64_t kAsn = 4'242'420'101;

class AuthTest : public ServiceTest {
 protected:
  AuthTest() {
    registry_.put_as("4242420101", "EXAMPLE-MNT");
    registry_.put_maintainer("EXAMPLE-MNT", "auth: " + keys_.ssh_key("right"));
    keys_.ssh_key("wrong");
    serve("http://127.0.0.1");
  }
  void serve(const std::string& url, bool is_behind_proxy = false) {
    service_.reset();
    ServiceSettings settings;
    settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}, false}};
    settings.keys = {Secret(admin_token_), std::nullopt};
    settings.auth = {registry_.path().string(), url};
    if (is_behind_proxy) settings.proxies.proxies = {IpPrefix::parse("127.0.0.0/8").value()};
    settings.now = [this] { return WallTime(now_.load()); };  // asked by the service's threads too
    service_ = must(Service::start(*store_, settings));
  }

  http::Response call(std::string_view method, const std::string& path, const json::value& body = nullptr,
                      HeaderList headers = {}) {
    return moenet::testing::exchange(service_->port(), method, "/api/v1/" + path, headers,
                                     body.is_null() ? "" : json::serialize(body));
  }
  json::value challenge(std::int64_t asn = kAsn) {
    return json::parse(call("POST", "auth/challenge", json::object{{"asn", asn}}).body);
  }
  http::Response prove(const json::value& challenge, const std::string& key, HeaderList headers = {}) {
    const std::string signature = keys_.ssh_sign(key, std::string(challenge.at("text").as_string()));
    return call("POST", "auth/proof", json::object{{"id", challenge.at("id")}, {"signature", signature}},
                std::move(headers));
  }
  // A browser with a web session.
  struct Browser {
    std::string cookie;
    std::string csrf;
  };
  static Browser browser_of(const http::Response& signed_in) {
    EXPECT_EQ(signed_in.status, 200) << signed_in.body;
    const std::string set(signed_in.headers.find("Set-Cookie").value_or(""));
    return {set.substr(0, set.find(';')), std::string(json::parse(signed_in.body).at("csrf").as_string())};
  }
  Browser sign_in_by_token(const std::string& token) {
    return browser_of(call("POST", "auth/token", json::object{{"token", token}}));
  }
  http::Response by(const Browser& browser, std::string_view method, const std::string& path,
                    const json::value& body = nullptr, HeaderList more = {}) {
    more.emplace_back("Cookie", "other=1; " + browser.cookie);
    if (method != "GET") more.emplace_back("X-CSRF-Token", browser.csrf);
    return call(method, path, body, std::move(more));
  }
  http::Response bearer(const std::string& token, std::string_view method, const std::string& path,
                        const json::value& body = nullptr) {
    return call(method, path, body, {{"Authorization", "Bearer " + token}});
  }
  std::string role_of(const http::Response& me) {
    return me.status == 200 ? std::string(json::parse(me.body).at("role").as_string()) : std::to_string(me.status);
  }

  std::string admin_token_ = testing::kAdminToken;
  void pass(WallTime::duration time) { now_ = now_.load() + time; }

  std::atomic<WallTime::duration> now_{seconds(1'800'000'000)};
  testing::RegistryFolder registry_;
  testing::SigningKeys keys_;
};

TEST_F(AuthTest, AMaintainerSignsIn) {
  const auto asked = challenge();
  EXPECT_EQ(asked.at("namespace").as_string(), "moenet");
  const std::string text(asked.at("text").as_string());
  EXPECT_NE(text.find("AS4242420101"), std::string::npos);
  EXPECT_NE(text.find("http://127.0.0.1"), std::string::npos);
  const auto answer = prove(asked, "right");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string cookie(answer.headers.find("Set-Cookie").value_or(""));
  EXPECT_TRUE(cookie.starts_with("moenet=")) << cookie;
  for (const char* part : {"; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"})
    EXPECT_NE(cookie.find(part), std::string::npos) << cookie;
  const auto body = json::parse(answer.body);
  EXPECT_EQ(body.at("role").as_string(), "user");
  EXPECT_EQ(body.at("asn").as_int64(), kAsn);
  EXPECT_EQ(body.at("expiresAt").as_int64(), 1'800'043'200'000);
  const Browser browser = browser_of(answer);
  const auto me = json::parse(by(browser, "GET", "auth/me").body);
  EXPECT_EQ(me.at("name").as_string(), "AS4242420101");
  EXPECT_EQ(me.at("csrf"), body.at("csrf"));
  EXPECT_EQ(me.at("features"), json::array{"asn-proof"});
  pass(std::chrono::hours(12));
  EXPECT_EQ(by(browser, "GET", "auth/me").status, 401) << "its time is over";
}

TEST_F(AuthTest, AProofIsGoodOnceAndInTime) {
  const auto asked = challenge();
  EXPECT_EQ(prove(asked, "right").status, 200);
  EXPECT_EQ(prove(asked, "right").status, 401) << "used";
  const auto late = challenge();
  pass(std::chrono::minutes(10));
  EXPECT_EQ(prove(late, "right").status, 401) << "expired";
  auto mixed = challenge().as_object();
  mixed["text"] = challenge().at("text");
  EXPECT_EQ(prove(mixed, "right").status, 401) << "another challenge's text";
  const auto failed = challenge();
  EXPECT_EQ(prove(failed, "wrong").status, 401);
  EXPECT_EQ(prove(failed, "right").status, 401) << "one try each";
}

TEST_F(AuthTest, NothingTellsWhichAsnsThereAre) {
  registry_.put("aut-num", "AS8", "broken");
  const auto members = [](const json::value& value) {
    std::vector<std::string> names;
    for (const auto& [name, member] : value.as_object()) names.emplace_back(name);
    return names;
  };
  const auto known = challenge();
  const auto refused = prove(known, "wrong");
  for (const std::int64_t asn : {7LL, 8LL}) {
    const auto unknown = challenge(asn);
    EXPECT_EQ(members(unknown), members(known));
    const auto answer = prove(unknown, "right");
    EXPECT_EQ(answer.status, refused.status);
    EXPECT_EQ(answer.body, refused.body);
  }
}

TEST_F(AuthTest, BodiesNameTheFaultyMember) {
  for (const json::value& asn : {json::value(0), json::value("AS7"), json::value(4'294'967'296), json::value(nullptr)})
    expect_field(call("POST", "auth/challenge", json::object{{"asn", asn}}), "asn");
  EXPECT_EQ(call("POST", "auth/proof", json::array{}).status, 401);
  EXPECT_EQ(call("POST", "auth/token", json::object{{"token", 7}}).status, 401);
  EXPECT_EQ(call("POST", "auth/token", json::object{{"token", ""}}).status, 401);
}

TEST_F(AuthTest, WithoutARegistryItSaysSo) {
  service_.reset();
  start(std::nullopt);
  const auto answer = call("POST", "auth/challenge", json::object{{"asn", kAsn}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(json::parse(answer.body).at("hint").as_string(), "sign in with a token");
  EXPECT_EQ(call("POST", "auth/proof").status, 503);
}

TEST_F(AuthTest, AnAddressThatFailsOftenWaitsLongerEachTime) {
  std::vector<std::string> waits;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(prove(challenge(7), "right").status, 401);
    const auto early = prove(challenge(), "right");
    const std::string wait(early.headers.find("Retry-After").value_or("0"));
    if (wait != "0") {
      EXPECT_EQ(early.status, 429);
      waits.push_back(wait);
    }
    pass(seconds(60 + std::stoi(wait)));  // challenges have a limit of their own
  }
  EXPECT_EQ(waits, (std::vector<std::string>{})) << "a good proof in between takes it all back";
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(prove(challenge(7), "right").status, 401);
    const auto early = call("POST", "auth/proof", json::object{});
    pass(seconds(60));
    if (early.status == 429) {
      waits.emplace_back(early.headers.find("Retry-After").value_or(""));
      pass(seconds(std::stoi(waits.back())));
    }
  }
  ASSERT_GE(waits.size(), 2u);
  EXPECT_LT(std::stoi(waits.front()), std::stoi(waits.back()));
}

TEST_F(AuthTest, AnAccountThatFailsOftenIsLockedFromAnywhere) {
  serve("http://127.0.0.1", true);
  int locked = 0;
  for (int i = 0; i < 22; ++i) {
    const HeaderList from{{"X-Forwarded-For", "198.51.100." + std::to_string(i)}};
    const auto asked = call("POST", "auth/challenge", json::object{{"asn", kAsn}}, from);
    const auto answer = prove(json::parse(asked.body), "wrong", from);
    if (answer.status == 429) ++locked;
  }
  EXPECT_GE(locked, 1);
  const HeaderList from{{"X-Forwarded-For", "203.0.113.1"}};
  const auto asked = json::parse(call("POST", "auth/challenge", json::object{{"asn", kAsn}}, from).body);
  EXPECT_EQ(prove(asked, "right", from).status, 429);
  pass(std::chrono::minutes(15));
  const auto later = json::parse(call("POST", "auth/challenge", json::object{{"asn", kAsn}}, from).body);
  EXPECT_EQ(prove(later, "right", from).status, 200);
}

TEST_F(AuthTest, ChallengesAreLimitedPerAddress) {
  for (int i = 0; i < 30; ++i) ASSERT_EQ(call("POST", "auth/challenge", json::object{{"asn", kAsn}}).status, 200) << i;
  const auto answer = call("POST", "auth/challenge", json::object{{"asn", kAsn}});
  EXPECT_EQ(answer.status, 429);
  EXPECT_TRUE(answer.headers.find("Retry-After"));
}

TEST_F(AuthTest, ACookieNeedsItsCsrfTokenAndOrigin) {
  const Browser owner = sign_in_by_token(admin_token_);
  const json::value body = json::object{{"name", "alice"}};
  EXPECT_EQ(call("POST", "users", body, {{"Cookie", owner.cookie}}).status, 403) << "no token";
  EXPECT_EQ(call("POST", "users", body, {{"Cookie", owner.cookie}, {"X-CSRF-Token", "wrong"}}).status, 403);
  EXPECT_EQ(by(owner, "POST", "users", body, {{"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(by(owner, "POST", "users", body, {{"Origin", "null"}}).status, 403);
  const Browser other = sign_in_by_token(admin_token_);
  EXPECT_EQ(by({owner.cookie, other.csrf}, "POST", "users", body).status, 403) << "another session's";
  EXPECT_EQ(by({"moenet=" + owner.csrf, owner.csrf}, "POST", "users", body).status, 403) << "no cookie of ours";
  EXPECT_EQ(by(owner, "POST", "users", body, {{"Origin", "http://127.0.0.1"}}).status, 201);
  EXPECT_EQ(by(owner, "POST", "admin/nodes/jp1/token", nullptr).status, 200) << "the admin API takes it too";
  EXPECT_EQ(call("POST", "admin/nodes/jp1/token", nullptr, {{"Cookie", owner.cookie}}).status, 403);
  EXPECT_EQ(bearer(admin_token_, "POST", "users", json::object{{"name", "bob"}}).status, 201) << "no cookie, no CSRF";
}

TEST_F(AuthTest, BehindHttpsTheCookieIsOfTheHostAlone) {
  serve("https://moenet.example");
  const auto signed_in = call("POST", "auth/token", json::object{{"token", admin_token_}});
  const std::string cookie(signed_in.headers.find("Set-Cookie").value_or(""));
  EXPECT_TRUE(cookie.starts_with("__Host-moenet=")) << cookie;
  EXPECT_NE(cookie.find("; Secure"), std::string::npos) << cookie;
  const Browser owner = browser_of(signed_in);
  EXPECT_EQ(by(owner, "POST", "auth/logout", nullptr, {{"Origin", "http://moenet.example"}}).status, 403);
  EXPECT_EQ(by({owner.cookie.substr(7), owner.csrf}, "GET", "auth/me").status, 401) << "by its whole name";
  EXPECT_EQ(by(owner, "POST", "auth/logout", nullptr, {{"Origin", "https://moenet.example"}}).status, 204);
}

TEST_F(AuthTest, LogoutEndsTheSessionAndTakesTheCookie) {
  const Browser owner = sign_in_by_token(admin_token_);
  EXPECT_EQ(role_of(by(owner, "GET", "auth/me")), "owner");
  const auto out = by(owner, "POST", "auth/logout");
  EXPECT_EQ(out.status, 204);
  EXPECT_TRUE(out.headers.find("Set-Cookie")->starts_with("moenet=; ")) << *out.headers.find("Set-Cookie");
  EXPECT_NE(out.headers.find("Set-Cookie")->find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(by(owner, "GET", "auth/me").status, 401);
}

TEST_F(AuthTest, AnotherAdminTokenEndsTheOwnersSessions) {
  const Browser owner = sign_in_by_token(admin_token_);
  admin_token_ = "another admin token";
  serve("http://127.0.0.1");
  EXPECT_EQ(by(owner, "GET", "auth/me").status, 401);
}

TEST_F(AuthTest, ADisabledUserIsOutAtOnce) {
  const Browser peer = browser_of(prove(challenge(), "right"));
  const auto token = json::parse(by(peer, "POST", "tokens", json::object{{"label", "ci"}}).body);
  const std::string secret(token.at("token").as_string());
  EXPECT_EQ(role_of(bearer(secret, "GET", "auth/me")), "user");
  EXPECT_EQ(bearer(admin_token_, "PATCH", "users/AS4242420101", json::object{{"disabled", true}}).status, 200);
  EXPECT_EQ(by(peer, "GET", "auth/me").status, 401);
  EXPECT_EQ(bearer(secret, "GET", "auth/me").status, 401);
  EXPECT_EQ(prove(challenge(), "right").status, 403);
}

TEST_F(AuthTest, ARaisedRoleHoldsAtOnce) {
  const Browser peer = browser_of(prove(challenge(), "right"));
  EXPECT_EQ(by(peer, "GET", "users").status, 403);
  EXPECT_EQ(by(peer, "GET", "admin/nodes").status, 403);
  EXPECT_EQ(bearer(admin_token_, "PATCH", "users/AS4242420101", json::object{{"role", "admin"}}).status, 200);
  EXPECT_EQ(by(peer, "GET", "users").status, 200);
  EXPECT_EQ(by(peer, "GET", "admin/nodes").status, 200);
}

}  // namespace
}  // namespace moenet::controlplane
