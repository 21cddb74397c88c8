#include "lower/lowering.hpp"
#include "lower/module_code.hpp"

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

/// Lowers a function without holding the lock meanwhile. If another thread was faster, its code is kept.
Exit ModuleCode::lower_apart(uint32_t func) noexcept {
    const size_t index = func - module_.imported_funcs();
    {
        const std::lock_guard lock{lock_};
        if (codes_[index] != nullptr)
            return Exit::none;
    }
    tell(func, true);
    Exit exit = Exit::none;
    {
        Lowering lowering{module_, options_, cells(), module_.bodies()[index], *options_.allocator};
        while (!lowering.step(func)) {
        }
        Code* const code = lowering.code();
        const std::lock_guard lock{lock_};
        if (code == nullptr)
            exit = lowering.failure();
        else if (codes_[index] == nullptr)
            exit = publish(*code);
        else
            options_.allocator->deallocate(code, bytes_of(*code), alignof(Code));
    }
    tell(func, false);
    return exit;
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
            auto body = std::ranges::lower_bound(bodies, begin, {}, &FuncBody::code_offset);
            for (; body != bodies.end() && body->code_offset < begin + part_size; ++body) {
                if (exit.load(std::memory_order_relaxed) != Exit::none)
                    return;
                const auto index = static_cast<uint32_t>(body - bodies.begin());
                if (const Exit found = code.lower_apart(code.module_.imported_funcs() + index);
                    found != Exit::none)
                    exit.store(found, std::memory_order_relaxed);
            }
        }
        ModuleCode& code;
        std::span<const FuncBody> bodies;
        std::atomic<Exit> exit = Exit::none;
    } work{*this, bodies};
    pool.run(work, (bodies.back().code_offset - bodies.front().code_offset) / part_size + 1);
    return work.exit.load(std::memory_order_relaxed);
}

} // namespace warpbeam::vm
