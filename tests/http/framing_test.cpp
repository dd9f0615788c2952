#include "http/framing.h"

#include <gtest/gtest.h>

namespace moenet::http {
namespace {

struct Case {
  std::vector<std::pair<std::string_view, std::string_view>> lines;
  bool is_sound;
  std::string_view version = "HTTP/1.1";
};

TEST(Framing, EveryReaderMustSeeTheSameEnd) {
  const std::vector<Case> cases = {
      {{}, true},
      {{{"Content-Length", "5"}}, true},
      {{{"Transfer-Encoding", "Chunked"}, {"Host", "[fd00::1]:8080"}}, true},
      {{{"Content-Length", "5"}, {"content-length", "5"}}, false},
      {{{"Content-Length", "5"}, {"Content-Length", "6"}}, false},
      {{{"Content-Length", "5, 6"}}, false},
      {{{"Content-Length", "+5"}}, false},
      {{{"Content-Length", "0x5"}}, false},
      {{{"Content-Length", ""}}, false},
      {{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, false},
      {{{"Transfer-Encoding", "xchunked"}}, false},
      {{{"Transfer-Encoding", "gzip, chunked"}}, false},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "identity"}}, false},
      {{{"Transfer-Encoding", "\vchunked"}}, false},
      {{{"Transfer-Encoding", "chunked"}}, false, "HTTP/1.0"},
      {{{"Host", "a"}, {"Host", "b"}}, false},
      {{{"Content-Length ", "5"}}, false},
      {{{"X\tY", "5"}}, false},
  };
  for (const Case& one : cases) {
    Headers headers;
    std::string shown;
    for (const auto& [name, value] : one.lines) {
      headers.add(name, value);
      shown.append(name).append(": ").append(value).append("\n");
    }
    EXPECT_EQ(!framing_fault(headers, one.version), one.is_sound) << shown;
  }
}

}  // namespace
}  // namespace moenet::http
