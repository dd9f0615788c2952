// Request and Response: HTTP messages as values, for client and server alike (RFC 9110).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moenet::http {

// Header names compare without case.
class Headers {
 public:
  void set(std::string_view name, std::string_view value);
  // One more line of that name: a list goes on behind a comma (RFC 9110 section 5.3), cookies behind a semicolon.
  void add(std::string_view name, std::string_view value);
  std::optional<std::string_view> find(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method = "GET";
  std::string target;  // client: an absolute URL. Server: the raw path as sent, without the query
  std::vector<std::pair<std::string, std::string>> query;  // server: decoded parameters in order
  Headers headers;
  std::string body;
  std::string peer;        // server: the caller's address, behind a trusted proxy the client's (forwarded.h)
  bool is_secure = false;  // server: the caller speaks TLS, with us or with a trusted proxy

  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;

  static Response json(int status, std::string body);
  static Response text(int status, std::string body);
  static Response html(std::string body);
};

}  // namespace moenet::http
