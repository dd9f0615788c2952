#include "http/forwarded.h"

#include <gtest/gtest.h>

namespace moenet::http {
namespace {

ProxyTrust trust(std::initializer_list<const char*> prefixes, ProxyHeader header = ProxyHeader::x_forwarded_for) {
  ProxyTrust result;
  for (const char* text : prefixes) result.proxies.push_back(*IpPrefix::parse(text));
  result.header = header;
  return result;
}

Headers headers(std::initializer_list<std::pair<const char*, const char*>> lines) {
  Headers result;
  for (const auto& [name, value] : lines) result.add(name, value);
  return result;
}

TEST(Forwarded, WhatAStrangerSaysChangesNothing) {
  const auto said = headers({{"X-Forwarded-For", "198.51.100.1"},
                             {"X-Forwarded-Proto", "https"},
                             {"Forwarded", "for=198.51.100.1;proto=https"}});
  for (const auto& of : {trust({}), trust({"192.0.2.1"}), trust({"192.0.2.1"}, ProxyHeader::forwarded)}) {
    const Origin origin = origin_of("203.0.113.9", false, said, of);
    EXPECT_EQ(origin.address, "203.0.113.9");
    EXPECT_FALSE(origin.is_secure);
  }
}

TEST(Forwarded, TheRightMostStrangerIsTheClient) {
  struct Case {
    const char* said;
    const char* client;
  };
  for (const auto& [said, client] : {
           Case{"198.51.100.1", "198.51.100.1"},
           Case{"6.6.6.6, 198.51.100.1", "198.51.100.1"},            // the left one is the client's own word
           Case{"6.6.6.6, 198.51.100.1, 10.0.0.7", "198.51.100.1"},  // two proxies
           Case{"10.0.0.9, 10.0.0.7", "10.0.0.9"},                   // nobody but proxies
           Case{"198.51.100.1:4711", "198.51.100.1"},
           Case{"[2001:db8::1]:4711", "2001:db8::1"},
           Case{"2001:DB8:0::1", "2001:db8::1"},
           Case{"::ffff:198.51.100.1", "198.51.100.1"},
           Case{"6.6.6.6, unknown", "10.0.0.1"},  // no address: the proxy that said so
           Case{"6.6.6.6, ", "10.0.0.1"},
           Case{"6.6.6.6, nonsense, 10.0.0.7", "10.0.0.7"},
           Case{"", "10.0.0.1"},
       }) {
    EXPECT_EQ(origin_of("10.0.0.1", false, headers({{"X-Forwarded-For", said}}), trust({"10.0.0.0/8"})).address, client)
        << said;
  }
}

TEST(Forwarded, LinesOfOneNameAreOneList) {
  const auto said = headers({{"X-Forwarded-For", "6.6.6.6"}, {"x-forwarded-for", "198.51.100.1"}});
  EXPECT_EQ(origin_of("10.0.0.1", false, said, trust({"10.0.0.1"})).address, "198.51.100.1");
}

TEST(Forwarded, OnlyTheHeaderThatTheProxyWritesCounts) {
  const auto said = headers({{"X-Forwarded-For", "6.6.6.6"},
                             {"X-Forwarded-Proto", "http"},
                             {"Forwarded", R"(for=7.7.7.7;proto=http, For="[2001:db8::1]:4711";by=_a;Proto="https")"}});
  const Origin origin = origin_of("10.0.0.1", false, said, trust({"10.0.0.1"}, ProxyHeader::forwarded));
  EXPECT_EQ(origin.address, "2001:db8::1");
  EXPECT_TRUE(origin.is_secure);
  EXPECT_EQ(origin_of("10.0.0.1", false, said, trust({"10.0.0.1"})).address, "6.6.6.6");
}

TEST(Forwarded, AQuotedSeparatorSeparatesNothing) {
  const auto said = headers({{"Forwarded", R"(for="6.6.6.6, for=7.7.7.7";proto=http)"}});
  EXPECT_EQ(origin_of("10.0.0.1", false, said, trust({"10.0.0.1"}, ProxyHeader::forwarded)).address, "10.0.0.1");
}

TEST(Forwarded, TheSchemeIsTheNearestProxys) {
  const auto secure = [](const char* said, bool is_tls) {
    return origin_of("10.0.0.1", is_tls, headers({{"X-Forwarded-Proto", said}}), trust({"10.0.0.1"})).is_secure;
  };
  EXPECT_TRUE(secure("https", false));
  EXPECT_TRUE(secure("http, HTTPS", false));
  EXPECT_FALSE(secure("https, http", false));
  EXPECT_FALSE(secure("http", true)) << "the client spoke plainly with the proxy";
  EXPECT_TRUE(secure("", true));
}

}  // namespace
}  // namespace moenet::http
