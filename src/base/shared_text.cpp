#include "base/shared_text.h"

#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

namespace moenet {

SharedText::SharedText(std::string_view text) {
  if (text.empty()) return;
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) throw std::length_error("SharedText");
  void* memory = ::operator new(sizeof(Block) + text.size());
  block_ = new (memory) Block{1, static_cast<std::uint32_t>(text.size())};
  std::memcpy(static_cast<void*>(block_ + 1), text.data(), text.size());
}

void SharedText::let_go() noexcept {
  // Who lets go last sees all that the others did before.
  if (block_ == nullptr || block_->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  block_->~Block();
  ::operator delete(block_);
}

}  // namespace moenet
