#pragma once

#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/text/fault.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace warpbeam::text {

/// An identifier as a number: equal identifiers get equal symbols, whatever form they were written in.
using Symbol = uint32_t;
inline constexpr Symbol no_symbol = 0;

/// The index spaces. https://webassembly.github.io/spec/core/text/conventions.html#contexts
using Space = NameSpace;

/// The identifiers of a module and what they stand for.
class Names {
public:
    Names(Fault& fault, Allocator& allocator) noexcept
        : fault_{&fault}, bytes_{allocator}, symbols_{allocator}, symbol_index_{allocator},
          bindings_{allocator}, binding_index_{allocator} {}
    // Its address is the seed of its hashes.
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;

    /// The symbol of an identifier or string token.
    Symbol intern(std::string_view token) noexcept;
    [[nodiscard]] std::string_view text(Symbol symbol) const noexcept;
    [[nodiscard]] size_t symbol_count() const noexcept { return symbols_.size() + 1; }

    /// Binds a symbol to an index in a space; `owner` is the function of a local, the type of a field, else
    /// 0. False if the symbol is already bound.
    bool bind(Space space, uint32_t owner, Symbol symbol, uint32_t index) noexcept;
    [[nodiscard]] std::optional<uint32_t> find(Space space, uint32_t owner, Symbol symbol) const noexcept;

private:
    struct Range {
        size_t begin = 0;
        size_t size = 0;
    };
    struct Binding {
        Space space;
        uint32_t owner;
        Symbol symbol;
        uint32_t index;
    };
    [[nodiscard]] uint32_t hash(Space space, uint32_t owner, Symbol symbol) const noexcept;
    [[nodiscard]] uint32_t find_binding(Space space, uint32_t owner, Symbol symbol) const noexcept;

    Fault* fault_;
    Vec<uint8_t> bytes_;
    Vec<Range> symbols_;
    HashIndex symbol_index_;
    Vec<Binding> bindings_;
    HashIndex binding_index_;
};

} // namespace warpbeam::text
