// What an operator types after `nft`, by libnftables itself: the guest machine has no nft program.
#pragma once

#include <memory>
#include <nftables/libnftables.h>
#include <stdexcept>
#include <string>

namespace moenet::net::testing {

// Runs commands in nft's language, or in JSON, in the namespace of the caller. What it printed; throws what went wrong.
inline std::string nft(const std::string& commands, bool handles = false) {
  const std::unique_ptr<nft_ctx, void (*)(nft_ctx*)> context(nft_ctx_new(NFT_CTX_DEFAULT), nft_ctx_free);
  unsigned flags = handles ? NFT_CTX_OUTPUT_HANDLE : 0;
  if (commands.starts_with('{')) flags |= NFT_CTX_OUTPUT_JSON;  // it also decides how commands are read
  nft_ctx_output_set_flags(context.get(), flags);
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  const int status = nft_run_cmd_from_buffer(context.get(), commands.c_str());
  std::string output = nft_ctx_get_output_buffer(context.get());
  if (status != 0) throw std::runtime_error(nft_ctx_get_error_buffer(context.get()));
  return output;
}

}  // namespace moenet::net::testing
