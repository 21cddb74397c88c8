#pragma once

#include "disassembly/finding.hpp"
#include "isa/code_index.hpp"
#include "isa/flag_lock.hpp"
#include "lower/code_mark.hpp"
#include "lower/frame_state.hpp"

#include <warpbeam/build.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam {
class WorkerPool;
class Observer;
} // namespace warpbeam

namespace warpbeam::vm {

class Layouts;
class StopPoints;
struct Execution;

/// What the engine requires of code; fixed when the engine is made.
struct CodeOptions {
    bool fuel = false;      ///< count it at calls and loop heads
    bool interrupt = false; ///< it may stop there
    /// Where code registers the places at which it can be stopped; null: it checks for interrupts itself.
    StopPoints* stop_points = nullptr;
    bool guard_pages = false;   ///< every memory with 32-bit addresses and 64 KiB pages is guarded
    bool deterministic = false; ///< canonical NaNs; the stack is counted in WebAssembly's terms
    Layouts* layouts = nullptr;
    /// The allocator for code; never null.
    Allocator* allocator = nullptr;
    bool observes_calls = false;    ///< tell the observer of them
    bool observes_accesses = false; ///< to memories
    /// Null, or tells the observer when a function's lowering begins and ends.
    void (*tell)(Observer& observer, const Module& module, uint32_t func, bool begins) noexcept = nullptr;
    Observer* observer = nullptr;
    /// @{ The same, for code that is not in a build without them.
    [[nodiscard]] bool is_deterministic() const noexcept { return WARPBEAM_REPLAY != 0 && deterministic; }
    [[nodiscard]] bool shows_calls() const noexcept { return WARPBEAM_REPLAY != 0 && observes_calls; }
    [[nodiscard]] bool is_observed() const noexcept {
        return WARPBEAM_REPLAY != 0 && (observes_calls || observes_accesses);
    }
    /// @}
};

/// The threaded code of one module, shared by its instances and threads.
class ModuleCode {
public:
    ModuleCode(const Module& module, const CodeOptions& options) noexcept;
    ModuleCode(const ModuleCode&) = delete;
    ModuleCode& operator=(const ModuleCode&) = delete;
    ~ModuleCode();
    /// Call once, before anything else; false if memory runs out.
    [[nodiscard]] bool prepare() noexcept;

    /// The cell of a function that the module defines, by its index in the function index space.
    [[nodiscard]] CodeCell* cell(uint32_t func) noexcept;
    /// Lowers a function now, unless it is already lowered. Any thread may call this. Returns `none`,
    /// out_of_memory, or `limit` if the frame is too large for an instruction's operands. While a large
    /// function is lowered, an execution may be interrupted: this then returns `interrupted`, and the next
    /// call continues.
    [[nodiscard]] Exit lower(uint32_t func, const Execution* execution = nullptr) noexcept;
    [[nodiscard]] Exit lower_all() noexcept;
    /// The same on a pool's threads, without a lock while a function is lowered.
    [[nodiscard]] Exit lower_all(WorkerPool& pool) noexcept;
    /// The code of a function that is already lowered.
    [[nodiscard]] const Code& code(uint32_t func) const noexcept {
        return *codes_[func - module_.imported_funcs()];
    }

    /// What is wrong with a function's code (verify_code.cpp). In builds with WARPBEAM_VERIFY_CODE, `lower`
    /// checks this, discards bad code, and returns `invalid_code`.
    [[nodiscard]] std::expected<Finding, Exit> verify(const Code& code) noexcept;
    /// What `lower` found in the last function that it refused; the function is UINT32_MAX if it refused
    /// none.
    struct Refusal {
        uint32_t func = UINT32_MAX;
        Finding finding;
    };
    [[nodiscard]] Refusal refusal() noexcept;

    /// A place in the code of a function, and what it was made from.
    struct Place {
        const Code* code = nullptr;
        size_t position = 0; ///< in the code
        size_t offset = 0;   ///< in the module; 0 until it is asked for
    };
    /// Finds the offsets of the first, and of all that are in the same function: those are many if it is
    /// recursive.
    void locate(std::span<Place> places) noexcept;
    /// Where all instructions of a function's code come from, by position. Computed by lowering again, so
    /// that nothing is stored for it. If memory runs out, those that fit.
    [[nodiscard]] Exit locate_all(uint32_t func, Vec<CodeMark>& marks) noexcept;
    /// The frame of a function that stopped at `ip`, with `after` as in `find`; or at a point. Returns
    /// `none`, `invalid_code` if the function does not stop there, or `out_of_memory`. The code is the same
    /// every time, so positions in it are.
    [[nodiscard]] Exit state_at(const Instr* ip, bool after, uint32_t& func, FrameState& state) noexcept;
    [[nodiscard]] Exit state_of(uint32_t func, FramePoint point, FrameState& state) noexcept;
    /// The frame of a function before an instruction that may trap, by its offset in the code of the body.
    /// Operands that may be only in a register are `unknown`. Returns as above.
    [[nodiscard]] Exit state_inside(uint32_t func, size_t offset, FrameState& state) noexcept;
    /// The code that contains `ip`; null if `ip` is in no function. With `after` set, `ip` is a return
    /// address, and the call before it is meant.
    [[nodiscard]] const Code* find(const Instr* ip, bool after) noexcept;
    /// The same, for a walk over frames: `last` is the code of the frame before, or null. Calls are often
    /// recursive.
    [[nodiscard]] const Code* find(const Instr* ip, bool after, const Code* last) noexcept {
        return last != nullptr && contains(*last, ip, after) ? last : find(ip, after);
    }

private:
    [[nodiscard]] std::span<CodeCell> cells() noexcept { return {cells_.data(), cells_.size()}; }
    /// A large function that is being lowered, by all threads that need it in turn.
    struct Unfinished;
    [[nodiscard]] bool step(uint32_t func, Exit& exit) noexcept;
    [[nodiscard]] Exit lower_apart(uint32_t func) noexcept;
    void tell(uint32_t func, bool begins) const noexcept {
        if (options_.tell != nullptr)
            options_.tell(*options_.observer, module_, func, begins);
    }
    [[nodiscard]] Exit publish(Code& code) noexcept;
    [[nodiscard]] Exit find_stop(uint32_t func, StopSearch search) noexcept;
    [[nodiscard]] Exit check(const Code& code) noexcept;

    const Module& module_;
    CodeOptions options_;
    Refusal refusal_;
    Unfinished* unfinished_ = nullptr;
    Vec<CodeCell> cells_;
    Vec<Code*> codes_; ///< by function
    CodeIndex by_address_;
    FlagLock lock_;
};

} // namespace warpbeam::vm
