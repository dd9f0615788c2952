// HttpSample: one captured exchange from tests/samples/*.http. The files hold an optional comment, the raw request, and
// the raw response, with line ends normalised to \n; bodies of the size tests are elided.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moenet::testing {

struct HttpMessage {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> headers;  // names as sent
  std::string body;
  bool is_elided = false;  // the body stands for one that was too large to keep

  // Names are compared without case.
  std::optional<std::string> header(std::string_view name) const {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    for (const auto& [key, value] : headers) {
      const bool same = std::equal(key.begin(), key.end(), name.begin(), name.end(),
                                   [&](char a, char b) { return lower(a) == lower(b); });
      if (same) return value;
    }
    return std::nullopt;
  }
};

struct HttpSample {
  std::string file;     // "28-sessions-jp1.http"
  std::string comment;  // of the leading "# " lines
  std::string method;
  std::string target;
  HttpMessage request;
  int status = 0;
  HttpMessage response;
};

namespace sample_detail {

inline std::string take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// Where the response starts: the status line, which follows an empty line.
inline std::size_t response_start(std::string_view text) {
  const std::size_t found = text.find("\n\nHTTP/1.1 ");
  if (found == std::string_view::npos) throw std::runtime_error("sample without a response");
  return found + 2;
}

inline HttpMessage read_message(std::string_view text) {
  HttpMessage message;
  message.start_line = take_line(text);
  for (std::string line = take_line(text); !line.empty(); line = take_line(text)) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) throw std::runtime_error("sample with a bad header: " + line);
    message.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  while (text.ends_with('\n')) text.remove_suffix(1);  // of the file; no captured body ends in a line end
  message.body = text;
  message.is_elided = text.starts_with('(') && text.ends_with("elided)");
  return message;
}

}  // namespace sample_detail

// Throws std::runtime_error on a file that is no sample: a fault of the test tree.
inline HttpSample parse_http_sample(std::string_view text, std::string file = {}) {
  HttpSample sample;
  sample.file = std::move(file);
  while (text.starts_with('#')) {
    std::string line = sample_detail::take_line(text);
    if (!sample.comment.empty()) sample.comment += '\n';
    sample.comment += line.substr(std::min(line.find_first_not_of("# "), line.size()));
  }
  const std::size_t split = sample_detail::response_start(text);
  sample.request = sample_detail::read_message(text.substr(0, split));
  sample.response = sample_detail::read_message(text.substr(split));
  const std::string& start = sample.request.start_line;
  const std::size_t first = start.find(' ');
  const std::size_t last = start.rfind(' ');
  if (first == std::string::npos || first == last) throw std::runtime_error("sample with a bad request line: " + start);
  sample.method = start.substr(0, first);
  sample.target = start.substr(first + 1, last - first - 1);
  const std::string& status_line = sample.response.start_line;
  const char* digits = status_line.data() + std::string_view("HTTP/1.1 ").size();
  std::from_chars(digits, status_line.data() + status_line.size(), sample.status);
  return sample;
}

inline HttpSample read_http_sample(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return parse_http_sample(text, path.filename().string());
}

// All samples of a folder, by name.
inline std::vector<HttpSample> read_http_samples(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".http") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<HttpSample> samples;
  for (const auto& path : paths) samples.push_back(read_http_sample(path));
  return samples;
}

}  // namespace moenet::testing
