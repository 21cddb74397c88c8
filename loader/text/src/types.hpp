#pragma once

#include "encode.hpp"

#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/memory/hash.hpp>
#include <warpbeam/memory/hash_index.hpp>

#include <cstdint>
#include <span>

namespace warpbeam::text {

inline void write(const HeapCode& heap, Bytes& out) noexcept {
    if (heap.exact) {
        out.byte(type_code::exact);
        out.u32(static_cast<uint32_t>(heap.code));
    } else {
        out.s64(heap.code);
    }
}

/// A reference type as written in the binary format.
struct RefType {
    bool nullable = false;
    HeapCode heap;

    [[nodiscard]] constexpr bool is_funcref() const noexcept {
        return nullable && heap == HeapCode::of(*row_of(HeapType::func));
    }
    /// The shortest form, so that equal types have equal bytes.
    void write(Bytes& out) const noexcept {
        if (!nullable || heap.is_index())
            out.byte(nullable ? type_code::ref_null : type_code::ref);
        text::write(heap, out);
    }
};

/// A function type that is being read.
struct Signature {
    Bytes params;
    Bytes results;
    uint32_t param_count = 0;
    uint32_t result_count = 0;

    Signature(Fault& fault, Allocator& allocator) noexcept
        : params{fault, allocator}, results{fault, allocator} {}
    void clear() noexcept;
    [[nodiscard]] bool empty() const noexcept { return param_count == 0 && result_count == 0; }
    void write(Bytes& out) const noexcept;
};

/// The types of a module in the binary format, with what the parser asks about them. Function types that are
/// used without being defined are added at the end.
/// https://webassembly.github.io/spec/core/text/types.html#type-uses
class TypeTable {
public:
    TypeTable(Fault& fault, Allocator& allocator) noexcept
        : fault_{&fault}, section_{fault, allocator}, composites_{fault, allocator}, types_{allocator},
          plain_functions_{allocator}, scratch_{fault, allocator} {}
    // Its address is the seed of its hashes.
    TypeTable(const TypeTable&) = delete;
    TypeTable& operator=(const TypeTable&) = delete;

    [[nodiscard]] uint32_t size() const noexcept { return static_cast<uint32_t>(types_.size()); }
    /// Whether it is defined and is a function type.
    [[nodiscard]] bool is_func(uint32_t index) const noexcept {
        return index < types_.size() && types_[index].kind == CompositeKind::func;
    }
    [[nodiscard]] uint32_t param_count(uint32_t func) const noexcept { return types_[func].params; }

    /// Begins a recursive group with this many members; then `add` each of them.
    void begin_group(uint32_t members) noexcept;
    /// Adds a type; it is its own group unless a group was begun. `composite` and the supertypes' indices are
    /// in the binary format.
    struct Definition {
        CompositeKind kind = CompositeKind::func;
        bool is_final = true;
        uint32_t supertype_count = 0;
        std::span<const uint8_t> supertypes;
        std::span<const uint8_t> composite;
        uint32_t params = 0;
    };
    void add(const Definition& definition) noexcept;

    /// The index of the first type equal to this function type; it is added if there is none.
    uint32_t find_or_add(const Signature& signature) noexcept;
    /// Whether a function type equals the signature.
    [[nodiscard]] bool equals(uint32_t func, const Signature& signature) noexcept;

    [[nodiscard]] const Section& section() const noexcept { return section_; }

private:
    struct Type {
        CompositeKind kind;
        size_t begin;
        size_t size;
        uint32_t params;
    };
    [[nodiscard]] std::span<const uint8_t> composite(uint32_t index) const noexcept {
        return composites_.view().subspan(types_[index].begin, types_[index].size);
    }
    [[nodiscard]] uint32_t hash(std::span<const uint8_t> composite) const noexcept {
        return SeededHash{this}.add(composite).finish();
    }

    Fault* fault_;
    Section section_;
    Bytes composites_;
    Vec<Type> types_;
    /// The function types that are final, without supertype, and alone in their group.
    HashIndex plain_functions_;
    Bytes scratch_;
    uint32_t members_left_ = 0;
};

} // namespace warpbeam::text
