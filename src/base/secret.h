// Secret: a token or password. It prints as `***`, wipes itself, and compares in constant time.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace moenet {

// Overwrites memory in a way that the compiler keeps (explicit_bzero(3)).
void wipe(void* memory, std::size_t bytes);

// Equal or not in a time that depends on the lengths only, never on the content.
bool equal_in_constant_time(std::string_view a, std::string_view b);

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view value) : value_(value) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.clear(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      clear();
      value_ = other.value_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      clear();
      value_ = std::move(other.value_);
      other.clear();
    }
    return *this;
  }
  ~Secret() { clear(); }

  // The one way to the content; its callers are the places to review.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  void clear();

  friend bool operator==(const Secret& a, const Secret& b) { return equal_in_constant_time(a.value_, b.value_); }

 private:
  std::string value_;
};

}  // namespace moenet

template <>
struct fmt::formatter<moenet::Secret> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const moenet::Secret&, Context& context) const {
    return fmt::formatter<std::string_view>::format("***", context);
  }
};
