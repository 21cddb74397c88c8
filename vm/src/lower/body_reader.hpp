#pragma once

#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/module.hpp>

#include <cstdint>
#include <cstring>

namespace warpbeam::vm {

/// What the lowering needs to know of a value's type: its size and the register that it travels in.
using Kind = ValType::Kind;
/// Whether it travels in the floating-point registers.
constexpr bool is_float_kind(Kind kind) noexcept {
    return kind == ValType::f32 || kind == ValType::f64 || kind == ValType::v128;
}
constexpr Kind kind_of(Sig::Type type) noexcept {
    switch (type) {
    case Sig::i32:
        return ValType::i32;
    case Sig::i64:
        return ValType::i64;
    case Sig::f32:
        return ValType::f32;
    case Sig::f64:
        return ValType::f64;
    case Sig::v128:
        return ValType::v128;
    default:
        return ValType::bot;
    }
}
constexpr uint32_t slots_of(Kind kind) noexcept { return kind == ValType::v128 ? 2 : 1; }

/// The types of a block: a function type, or at most one result.
struct BlockType {
    const FuncType* func = nullptr;
    ValType result;
    [[nodiscard]] size_t params() const noexcept { return func != nullptr ? func->params.size() : 0; }
    [[nodiscard]] size_t results() const noexcept {
        return func != nullptr ? func->results.size() : result == ValType{} ? 0 : 1;
    }
    [[nodiscard]] Kind param(size_t i) const noexcept { return func->params[i].kind(); }
    [[nodiscard]] Kind result_kind(size_t i) const noexcept {
        return func != nullptr ? func->results[i].kind() : result.kind();
    }
};

/// Walks over the instructions of a validated body.
class BodyReader {
public:
    BodyReader(const Module& module, std::span<const uint8_t> code) noexcept
        : module_{module}, begin_{code.data()}, at_{code.data()}, end_{code.data() + code.size()} {}

    [[nodiscard]] bool done() const noexcept { return at_ == end_; }
    [[nodiscard]] size_t offset() const noexcept { return static_cast<size_t>(at_ - begin_); }

    [[nodiscard]] Op op() noexcept {
        const uint8_t byte = *at_++;
        if (byte < 0xfb)
            return static_cast<Op>(byte);
        return static_cast<Op>(uint32_t{byte} << 12 | u32());
    }
    [[nodiscard]] uint8_t byte() noexcept { return *at_++; }
    [[nodiscard]] uint32_t u32() noexcept { return static_cast<uint32_t>(u64()); }
    [[nodiscard]] uint64_t u64() noexcept {
        uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            const uint8_t b = *at_++;
            value |= static_cast<uint64_t>(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
    }
    [[nodiscard]] int64_t s64() noexcept {
        uint64_t value = 0;
        for (unsigned shift = 0;;) {
            const uint8_t b = *at_++;
            value |= static_cast<uint64_t>(b & 0x7f) << shift;
            shift += 7;
            if (b < 0x80) {
                if (shift < 64 && (b & 0x40) != 0)
                    value |= ~uint64_t{0} << shift;
                return static_cast<int64_t>(value);
            }
        }
    }
    template <typename T>
    [[nodiscard]] T fixed() noexcept {
        T value;
        std::memcpy(&value, at_, sizeof(T));
        at_ += sizeof(T);
        return value;
    }

    struct MemArg {
        uint32_t memory = 0;
        uint64_t offset = 0;
    };
    [[nodiscard]] MemArg mem_arg() noexcept {
        MemArg arg;
        if ((u32() & 0x40) != 0)
            arg.memory = u32();
        arg.offset = u64();
        return arg;
    }

    [[nodiscard]] HeapType heap_type() noexcept;
    /// Only the kind of a reference type is told.
    [[nodiscard]] ValType val_type() noexcept;
    [[nodiscard]] BlockType block_type() noexcept;
    /// Passes the immediates of an instruction.
    void skip(Imm imm) noexcept;

private:
    const Module& module_;
    const uint8_t* begin_;
    const uint8_t* at_;
    const uint8_t* end_;
};

} // namespace warpbeam::vm
