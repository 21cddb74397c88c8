#include "handlers/stop_points.hpp"

#include "handlers/dispatch.hpp"
#include "handlers/instance_data.hpp"

#include <algorithm>
#include <bit>

namespace warpbeam::vm {

namespace {

Handler original(const StopPoint& point) noexcept {
    return std::bit_cast<Handler>(std::to_array(point.handler));
}

void set_handler(const Code& code, const StopPoint& point, bool stops) noexcept {
    // The memory is not const; only running code sees it so.
    auto* const instr = const_cast<Instr*>(
        code.entry()->after(point.position)); // NOLINT(cppcoreguidelines-pro-type-const-cast)
    std::atomic_ref{instr->handler}.store(stops ? stop_handler() : original(point),
                                          std::memory_order_relaxed);
}

void set_handlers(const Code& code, bool stop) noexcept {
    for (const StopPoint& point : std::span{stop_points_of(code), code.stop_points})
        set_handler(code, point, stop);
}

} // namespace

// ---- The handler ----

#if WARPBEAM_TAIL_CALLS
namespace {
WARPBEAM_PRESERVE_NONE Exit stop(const Instr* ip, Slot* fp, uint8_t* mem, uint64_t mem_size,
                                 InstanceData* inst, Record* rp, uint64_t acc, uint64_t l0, uint64_t l1,
                                 Vector facc, Vector f0) {
    Execution& execution = *inst->execution;
    if (execution.is_interrupted())
        WARPBEAM_MUSTTAIL return leave(ip, fp,
                                       reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(Exit::interrupted)),
                                       mem_size, inst, rp, acc, l0, l1, facc, f0);
    const Handler next = execution.interrupt->stop_points->handler_at(ip);
    WARPBEAM_MUSTTAIL return next(ip, fp, mem, mem_size, inst, rp, acc, l0, l1, facc, f0);
}
} // namespace
#else
namespace {
Exit stop(Regs& r) {
    Execution& execution = *r.inst->execution;
    return execution.is_interrupted() ? Exit::interrupted
                                      : execution.interrupt->stop_points->handler_at(r.ip)(r);
}
} // namespace
#endif

Handler stop_handler() noexcept { return &stop; }

// ---- Requests ----

void StopPoints::lock() noexcept {
    while (!try_lock())
        locked_.wait(true, std::memory_order_relaxed);
}

void StopPoints::unlock() noexcept {
    locked_.clear(std::memory_order_seq_cst);
    locked_.notify_one();
}

void StopPoints::settle() noexcept {
    // Whoever finds the lock taken leaves the work to its holder, which looks again after the release.
    while ((requests_.load(std::memory_order_seq_cst) != 0) != are_set_.load(std::memory_order_seq_cst)) {
        if (!try_lock())
            return;
        const bool stops = requests_.load(std::memory_order_seq_cst) != 0;
        if (stops != are_set_.load(std::memory_order_relaxed)) {
            for (const Owned& owned : codes_)
                set_handlers(*owned.code, stops);
            are_set_.store(stops, std::memory_order_seq_cst);
        }
        unlock();
    }
}

void StopPoints::request() noexcept {
    requests_.fetch_add(1, std::memory_order_seq_cst);
    settle();
}

void StopPoints::withdraw() noexcept {
    requests_.fetch_sub(1, std::memory_order_seq_cst);
    settle();
}

// ---- The code ----

bool StopPoints::add(const Code& code, const void* owner) noexcept {
    lock();
    const bool added = code.stop_points == 0 || codes_.push({&code, owner});
    if (added && are_set_.load(std::memory_order_relaxed))
        set_handlers(code, true);
    unlock();
    settle();
    return added;
}

void StopPoints::remove(const void* owner) noexcept {
    lock();
    size_t kept = 0;
    size_t sorted = 0;
    for (size_t i = 0; i < codes_.size(); ++i)
        if (codes_[i].owner != owner) {
            sorted += i < sorted_ ? 1 : 0;
            codes_[kept++] = codes_[i];
        }
    (void)codes_.resize(kept); // to fewer
    sorted_ = sorted;
    unlock();
    settle();
}

Handler StopPoints::handler_at(const Instr* ip) noexcept {
    lock();
    const auto entry = [](const Owned& owned) { return reinterpret_cast<uintptr_t>(owned.code->entry()); };
    // Addresses mostly increase, so code added since then is near its place.
    const auto begin = codes_.begin();
    for (; sorted_ != codes_.size(); ++sorted_) {
        const auto fresh = begin + sorted_;
        std::rotate(std::ranges::upper_bound(begin, fresh, entry(*fresh), {}, entry), fresh, fresh + 1);
    }
    const Code& code = *std::ranges::upper_bound(codes_, reinterpret_cast<uintptr_t>(ip), {}, entry)[-1].code;
    const std::span points{stop_points_of(code), code.stop_points};
    const auto position = static_cast<uint32_t>(position_in(code, ip, false));
    const Handler handler = original(*std::ranges::lower_bound(points, position, {}, &StopPoint::position));
    unlock();
    settle();
    return handler;
}

} // namespace warpbeam::vm
