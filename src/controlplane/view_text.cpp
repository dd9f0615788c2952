#include "controlplane/view_text.h"

#include <boost/json.hpp>

#include "base/log.h"

namespace moenet::controlplane::view {

namespace json = boost::json;

std::string text(const json::value& object, std::string_view member, std::string_view otherwise) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(member) : nullptr;
  if (value == nullptr || value->is_null()) return std::string(otherwise);
  if (value->is_string())
    return value->get_string().empty() ? std::string(otherwise)
                                       : escape_for_log({value->get_string().data(), value->get_string().size()});
  return json::serialize(*value);
}

bool is_true(const json::value& object, std::string_view member) { return text(object, member) == "true"; }

}  // namespace moenet::controlplane::view
