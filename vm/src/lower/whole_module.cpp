#include "lower/lowering.hpp"
#include "lower/module_code.hpp"
#include "lower/recycler.hpp"

#include <warpbeam/vm/worker_pool.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>

/// Lowering a whole module at once, on several threads if there are some.

namespace warpbeam::vm {

Exit ModuleCode::lower_all() noexcept {
    for (const CodeCell& cell : cells_)
        if (const Exit exit = lower(cell.func); exit != Exit::none)
            return exit;
    return Exit::none;
}

Exit ModuleCode::lower_all(WorkerPool& pool) noexcept {
    const std::span<const FuncBody> bodies = module_.bodies();
    if (bodies.empty())
        return Exit::none;
    // A part is what begins within this number of bytes, so that the parts take about the same time and a
    // large function is not followed by others in its part.
    constexpr size_t part_size = 64 * 1024;
    struct Lower final : WorkerPool::Work {
        Lower(ModuleCode& in, std::span<const FuncBody> all) noexcept : code{in}, bodies{all} {}
        void part(size_t number) noexcept override {
            const size_t begin = bodies.front().code_offset + number * part_size;
            Recycler tables{*code.options_.allocator};
            auto body = std::ranges::lower_bound(bodies, begin, {}, &FuncBody::code_offset);
            for (; body != bodies.end() && body->code_offset < begin + part_size; ++body) {
                if (exit.load(std::memory_order_relaxed) != Exit::none)
                    return;
                if (const Exit found = lower(static_cast<size_t>(body - bodies.begin()), tables);
                    found != Exit::none)
                    exit.store(found, std::memory_order_relaxed);
            }
        }
        /// Lowers a function without holding the lock meanwhile. If another thread was faster, its code is
        /// kept.
        Exit lower(size_t index, Allocator& tables) noexcept {
            {
                const std::lock_guard lock{code.lock_};
                if (code.codes_[index] != nullptr)
                    return Exit::none;
            }
            const auto func = static_cast<uint32_t>(code.module_.imported_funcs() + index);
            code.tell(func, true);
            Exit found = Exit::none;
            {
                Lowering lowering{code.module_, code.options_, code.cells(), bodies[index], tables};
                while (!lowering.step(func)) {
                }
                Code* const made = lowering.code();
                const std::lock_guard lock{code.lock_};
                if (made == nullptr)
                    found = lowering.failure();
                else if (code.codes_[index] == nullptr)
                    found = code.publish(*made);
                else
                    code.options_.allocator->deallocate(made, bytes_of(*made), alignof(Code));
            }
            code.tell(func, false);
            return found;
        }
        ModuleCode& code;
        std::span<const FuncBody> bodies;
        std::atomic<Exit> exit = Exit::none;
    } work{*this, bodies};
    pool.run(work, (bodies.back().code_offset - bodies.front().code_offset) / part_size + 1);
    return work.exit.load(std::memory_order_relaxed);
}

} // namespace warpbeam::vm
