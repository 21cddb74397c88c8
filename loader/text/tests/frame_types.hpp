/// What the tests of `ModuleAccess::frame_types` share.
#pragma once

#include "wat.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/type_printer.hpp>

#include <algorithm>

namespace warpbeam::text {

using FrameTypes = ModuleAccess::FrameTypes;

/// Types with their indices in a module.
class TypeList final : private TypePrinter {
public:
    explicit TypeList(const Module& module) : module_{module} {}
    std::string of(std::span<const ValType> types) {
        text_.clear();
        values(types);
        return "[" + (text_.empty() ? text_ : text_.substr(1)) + "]";
    }

private:
    void add(std::string_view text) noexcept override { text_ += text; }
    void defined(TypeId id) noexcept override {
        text_ += std::to_string(std::ranges::find(module_.types(), id) - module_.types().begin());
    }

    const Module& module_;
    std::string text_;
};

inline std::expected<void, Error> find(const Module& module, uint32_t func, size_t offset,
                                       FrameTypes& types) {
    return ModuleAccess::frame_types(module, func, static_cast<uint32_t>(offset), types,
                                     Allocator::standard());
}

inline ErrorCode fault_at(const Module& module, uint32_t func, size_t offset) {
    FrameTypes types{Allocator::standard()};
    const auto found = find(module, func, offset, types);
    EXPECT_FALSE(found) << offset;
    return found ? ErrorCode::usage : found.error().code();
}

inline const FuncBody& body_of(const Module& module, uint32_t func) {
    return module.bodies()[func - module.imported_funcs()];
}

/// Where instructions begin in a function.
inline std::vector<size_t> instructions(const Module& module, uint32_t func) {
    std::vector<size_t> offsets;
    InstrReader in{module, body_of(module, func).code};
    while (!in.done()) {
        offsets.push_back(in.offset());
        EXPECT_TRUE(in.skip(row_of(in.op()).imm));
    }
    return offsets;
}

/// One line for each instruction of a function: the types of the locals and operands before it.
inline std::string all_types(const Module& module, uint32_t func) {
    std::string all;
    const std::span<const uint8_t> code = body_of(module, func).code;
    const std::vector<size_t> begins = instructions(module, func);
    for (size_t offset = 0; offset < code.size() + 20; ++offset) {
        if (!std::ranges::binary_search(begins, offset)) {
            EXPECT_EQ(fault_at(module, func, offset), ErrorCode::invalid) << offset;
            continue;
        }
        FrameTypes types{Allocator::standard()};
        const auto found = find(module, func, offset, types);
        InstrReader in{module, code.subspan(offset)};
        all += std::string{row_of(in.op()).text()} + ": ";
        TypeList list{module};
        if (found)
            all += list.of(types.locals) + " " + list.of(types.operands) + "\n";
        else
            all += found.error().code() == ErrorCode::invalid ? "unreachable\n" : "failed\n";
    }
    return "\n" + all;
}

/// All types in a function at once, as `all_types` has them for the reachable instructions.
struct AllAtOnce final : ModuleAccess::FrameTypesSink {
    AllAtOnce(const Module& m, uint32_t f) : module{m}, func{f} {}
    std::expected<void, Error> take(size_t position, FrameTypes& types) noexcept override {
        FrameTypes alone{Allocator::standard()};
        EXPECT_TRUE(find(module, func, offsets[position], alone));
        EXPECT_TRUE(std::ranges::equal(types.locals, alone.locals)) << offsets[position];
        EXPECT_TRUE(std::ranges::equal(types.operands, alone.operands)) << offsets[position];
        taken.push_back(offsets[position]);
        if (taken.size() == last)
            return std::unexpected(Error{ErrorCode::limit});
        return {};
    }
    std::expected<void, Error> find_all() {
        return ModuleAccess::frame_types(module, func, offsets, *this, Allocator::standard());
    }

    const Module& module;
    uint32_t func;
    std::vector<uint32_t> offsets, taken;
    size_t last = SIZE_MAX;
};

} // namespace warpbeam::text
