#pragma once

#include "vectors.hpp"

#include <warpbeam/vm/engine.hpp>

#include <optional>
#include <warpbeam.h>

/// A type that refers to a defined type keeps the engine, whose registry has that.
struct wasm_valtype_t {
    warpbeam::ValType type;
    std::optional<warpbeam::Engine> engine = {};
};

struct wasm_externtype_t {
    wasm_externkind_t kind;
};

struct wasm_functype_t : wasm_externtype_t {
    wasm_functype_t() noexcept : wasm_externtype_t{WASM_EXTERN_FUNC} {}
    ~wasm_functype_t();
    wasm_valtype_vec_t params{0, nullptr};
    wasm_valtype_vec_t results{0, nullptr};
    /// The type in an engine's registry, if it comes from there.
    std::optional<warpbeam::Engine> engine = {};
    warpbeam::TypeId id = warpbeam::SubType::no_type;
};

struct wasm_globaltype_t : wasm_externtype_t {
    wasm_globaltype_t() noexcept : wasm_externtype_t{WASM_EXTERN_GLOBAL} {}
    ~wasm_globaltype_t() { wasm_valtype_delete(content); }
    wasm_valtype_t* content = nullptr;
    wasm_mutability_t mutability = WASM_CONST;
};

struct wasm_tabletype_t : wasm_externtype_t {
    wasm_tabletype_t() noexcept : wasm_externtype_t{WASM_EXTERN_TABLE} {}
    ~wasm_tabletype_t() { wasm_valtype_delete(element); }
    wasm_valtype_t* element = nullptr;
    warpbeam::Limits exact;
    wasm_limits_t limits{0, 0}; ///< the same, as far as they fit
};

struct wasm_memorytype_t : wasm_externtype_t {
    wasm_memorytype_t() noexcept : wasm_externtype_t{WASM_EXTERN_MEMORY} {}
    warpbeam::MemoryType exact;
    wasm_limits_t limits{0, 0}; ///< the same, as far as they fit
};

/// A tag's type consists of that of its function.
struct TagType : wasm_externtype_t {
    TagType() noexcept : wasm_externtype_t{WARPBEAM_EXTERN_TAG} {}
    ~TagType() { wasm_functype_delete(func); }
    wasm_functype_t* func = nullptr;
};

struct wasm_importtype_t {
    ~wasm_importtype_t();
    wasm_name_t module{0, nullptr};
    wasm_name_t name{0, nullptr};
    wasm_externtype_t* type = nullptr;
};

struct wasm_exporttype_t {
    ~wasm_exporttype_t();
    wasm_name_t name{0, nullptr};
    wasm_externtype_t* type = nullptr;
};

namespace warpbeam::capi {

/// The number, or the greatest of 32 bits.
[[nodiscard]] constexpr uint32_t clamp(uint64_t number) noexcept {
    return number < UINT32_MAX ? static_cast<uint32_t>(number) : UINT32_MAX;
}

/// The kind of a type, whose defined types belong to this registry.
[[nodiscard]] wasm_valkind_t kind_of(ValType type, const TypeRegistry& registry) noexcept;

/// Types for C. Null if memory runs out.
[[nodiscard]] wasm_externtype_t* make_externtype(const Engine& engine, const ExternType& type) noexcept;

/// The exact type of a function, for a store of this engine: its id there, or `SubType::no_type` if it refers
/// to types of another engine, or memory or ids have run out.
[[nodiscard]] TypeId type_id(const Engine& engine, const wasm_functype_t& type) noexcept;
/// Whether the type can be used with this engine.
[[nodiscard]] bool belongs_to(const wasm_valtype_t& type, const Engine& engine) noexcept;

/// A name of these bytes; false if memory runs out.
[[nodiscard]] bool make_name(wasm_name_t& out, std::string_view text) noexcept;

} // namespace warpbeam::capi
