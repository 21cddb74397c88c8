#pragma once

#include "isa/instr.hpp"

#include <warpbeam/memory/vec.hpp>

#include <algorithm>
#include <span>

namespace warpbeam::vm {

/// The code of functions, to be found by the address of an instruction. Adding is cheap: what was added is
/// sorted in when something is looked for.
class CodeIndex {
public:
    explicit CodeIndex(Allocator& allocator) noexcept : codes_{allocator} {}

    [[nodiscard]] bool reserve(size_t count) noexcept { return codes_.reserve(count); }
    /// False if memory runs out, which it does not if room was reserved.
    [[nodiscard]] bool add(const Code& code) noexcept { return codes_.push(&code); }
    /// Removes all code that another one has.
    void remove(CodeIndex& others) noexcept {
        size_t kept = 0;
        size_t kept_sorted = 0;
        for (size_t i = 0; i < codes_.size(); ++i) {
            const Code* const code = codes_[i];
            if (others.find(code->entry(), false) == code)
                continue;
            kept_sorted += i < sorted_ ? 1 : 0;
            codes_[kept++] = code;
        }
        codes_.truncate(kept);
        sorted_ = kept_sorted;
    }
    /// The code that contains an instruction, or with `after` set the call before a return address; null if
    /// there is none.
    [[nodiscard]] const Code* find(const Instr* ip, bool after) noexcept {
        // Addresses mostly increase, so code added since then is near its place.
        const auto begin = codes_.begin();
        for (; sorted_ != codes_.size(); ++sorted_) {
            const auto fresh = begin + sorted_;
            std::rotate(std::ranges::upper_bound(begin, fresh, entry_of(*fresh), {}, entry_of), fresh,
                        fresh + 1);
        }
        const uintptr_t address = reinterpret_cast<uintptr_t>(ip) - (after ? 1 : 0);
        const auto above = std::ranges::upper_bound(codes_, address, {}, entry_of);
        return above != begin && contains(*above[-1], ip, after) ? above[-1] : nullptr;
    }
    [[nodiscard]] std::span<const Code* const> all() const noexcept { return {codes_.data(), codes_.size()}; }

private:
    static uintptr_t entry_of(const Code* code) noexcept {
        return reinterpret_cast<uintptr_t>(code->entry());
    }

    Vec<const Code*> codes_;
    size_t sorted_ = 0; ///< how many are sorted by address
};

} // namespace warpbeam::vm
