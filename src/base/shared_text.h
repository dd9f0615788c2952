// SharedText: a text that never changes and is kept in many places: copies are 8 bytes and share one piece of memory,
// with a count of those who hold it. Two that were made apart are equal by their text; nobody looks for texts that are
// there already.
#pragma once

#include <atomic>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace moenet {

class SharedText {
 public:
  SharedText() noexcept = default;
  // Nothing is allocated for an empty text.
  SharedText(const char* text) : SharedText(std::string_view(text)) {}         // NOLINT: as std::string does
  SharedText(const std::string& text) : SharedText(std::string_view(text)) {}  // NOLINT: likewise
  explicit SharedText(std::string_view text);
  SharedText(const SharedText& other) noexcept : block_(other.block_) { hold(); }
  SharedText(SharedText&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedText& operator=(SharedText other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedText() { let_go(); }

  operator std::string_view() const noexcept { return view(); }  // NOLINT: it is one
  std::string_view view() const noexcept { return block_ == nullptr ? std::string_view() : block_->text(); }
  bool empty() const noexcept { return block_ == nullptr; }
  std::size_t size() const noexcept { return view().size(); }
  bool starts_with(std::string_view text) const noexcept { return view().starts_with(text); }

  friend bool operator==(const SharedText& a, const SharedText& b) noexcept {
    return a.block_ == b.block_ || a.view() == b.view();
  }
  friend std::strong_ordering operator<=>(const SharedText& a, const SharedText& b) noexcept {
    return a.block_ == b.block_ ? std::strong_ordering::equal : a.view() <=> b.view();
  }
  template <std::convertible_to<std::string_view> T>
    requires(!std::same_as<T, SharedText>)
  friend bool operator==(const SharedText& a, const T& b) {
    return a.view() == std::string_view(b);
  }
  template <std::convertible_to<std::string_view> T>
    requires(!std::same_as<T, SharedText>)
  friend std::strong_ordering operator<=>(const SharedText& a, const T& b) {
    return a.view() <=> std::string_view(b);
  }

 private:
  struct Block {  // the text follows it
    std::atomic<std::uint32_t> holders;
    std::uint32_t size;
    std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  };

  void hold() const noexcept {
    if (block_ != nullptr) block_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  void let_go() noexcept;

  Block* block_ = nullptr;
};

// `text` as a SharedText, which is `known` when that says the same.
inline SharedText shared_with(const SharedText& known, std::string_view text) {
  return known == text ? known : SharedText(text);
}

}  // namespace moenet

template <>
struct std::hash<moenet::SharedText> {
  std::size_t operator()(const moenet::SharedText& text) const noexcept {
    return std::hash<std::string_view>()(text.view());
  }
};

template <>
struct fmt::formatter<moenet::SharedText> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const moenet::SharedText& text, Context& context) const {
    return fmt::formatter<std::string_view>::format(text.view(), context);
  }
};
