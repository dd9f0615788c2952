#include "controlplane/pagination.h"

#include <charconv>

#include <boost/json.hpp>

#include "controlplane/admin_body.h"
#include "controlplane/agent_api.h"

namespace moenet::controlplane {

namespace {

constexpr std::size_t kMostItems = 500;

}  // namespace

Checked<PartOfList> part_of_list(const http::Request& request) {
  PartOfList part;
  if (const auto text = request.parameter("limit")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), part.limit);
    const bool is_whole = error == std::errc() && end == text->data() + text->size();
    if (!is_whole || part.limit < 1 || part.limit > kMostItems)
      return refuse(Errc::invalid, "expected 1 to 500", "limit");
  }
  if (const auto after = request.parameter("after")) part.after = std::string(*after);
  return part;
}

http::Response read_answer(const http::Request& request, const boost::json::value& body) {
  http::Response answer = json_answer(200, body);
  const std::string etag = etag_of(answer.body);
  if (names_etag(request.headers.find("If-None-Match").value_or(""), etag)) answer = http::Response{304, {}, ""};
  answer.headers.set("ETag", etag);
  return answer;
}

Checked<void> check_if_match(const http::Request& request, const boost::json::value& body) {
  const auto wanted = request.headers.find("If-Match");
  if (!wanted || names_etag(*wanted, etag_of(boost::json::serialize(body)))) return {};
  return refuse(Errc::conflict, "it was changed since you read it", "version");
}

}  // namespace moenet::controlplane
