// Router: method and path pattern to handler. "/agent/{node}/sessions" binds `node` to one segment, which is
// percent-decoded after the split, so an encoded slash stays in its segment.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "http/server.h"

namespace moenet::http {

using PathBindings = std::map<std::string, std::string, std::less<>>;

class Router {
 public:
  using Handler = std::function<Answer(Request&, const PathBindings&)>;

  // First match wins. `method` "*" matches any, and "GET" matches HEAD too, whose body the server leaves out.
  void add(std::string_view method, std::string_view pattern, Handler handler);
  // "METHOD PATTERN" of each, in their order.
  std::vector<std::string> routes() const;
  // 404 text/plain "404 Not Found" when no pattern fits.
  Answer dispatch(Request& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace moenet::http
