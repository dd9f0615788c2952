// JSON at random, with the words that a reader looks for, so that a property reaches further than its first refusal.
#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>
#include <rapidcheck.h>

namespace moenet::model {

// `words` are keys and strings alike.
inline boost::json::value any_json(const std::vector<std::string>& words, int depth) {
  namespace json = boost::json;
  switch (*rc::gen::inRange(0, depth == 0 ? 5 : 7)) {
    case 0: return nullptr;
    case 1: return *rc::gen::arbitrary<bool>();
    case 2: return *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::inRange<std::int64_t>(0, 70));
    case 3: return *rc::gen::arbitrary<double>();
    case 4: return json::value(*rc::gen::oneOf(rc::gen::arbitrary<std::string>(), rc::gen::elementOf(words)));
    case 5: {
      json::array array;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) array.push_back(any_json(words, depth - 1));
      return array;
    }
    default: {
      json::object object;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
        object[*rc::gen::elementOf(words)] = any_json(words, depth - 1);
      }
      return object;
    }
  }
}

}  // namespace moenet::model
