#pragma once

#include "refs.hpp"

namespace warpbeam::capi {

/// Loads a module for a store, which must not be deleted. Errors: as for Engine::load.
[[nodiscard]] std::expected<wasm_module_t*, Error> load_module(wasm_store_t& store,
                                                               const wasm_byte_vec_t& binary) noexcept;

/// The module of a reference; none for null, or if the store was deleted.
[[nodiscard]] Module module_of(const wasm_module_t* module) noexcept;

} // namespace warpbeam::capi
