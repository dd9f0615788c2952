// What real BIRDs said (capture_fixtures.py), as bytes and as replies.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "bird/reply.h"

namespace moenet::bird {

inline constexpr const char* kVersions[] = {"2.0.12", "2.17.6", "3.1.8"};

inline std::string fixture(const std::string& version, const std::string& name) {
  std::ifstream file(std::string(MOENET_SOURCE_DIR "/tests/bird/fixtures/bird-") + version + "/" + name + ".txt");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << version << "/" << name;
  return text.str();
}

inline std::vector<Reply> cut(std::string_view bytes, std::size_t piece = 1'000'000) {
  ReplyReader reader;
  std::vector<Reply> replies;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    EXPECT_TRUE(reader.feed(bytes.substr(at, piece)));
    while (auto reply = reader.next()) replies.push_back(std::move(*reply));
  }
  return replies;
}

inline Reply only(std::string_view bytes) {
  auto replies = cut(bytes);
  EXPECT_EQ(replies.size(), 1u) << bytes;
  return replies.empty() ? Reply{} : replies.front();
}

}  // namespace moenet::bird
