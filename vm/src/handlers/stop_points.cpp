#include "handlers/stop_points.hpp"

#include "handlers/dispatch.hpp"
#include "handlers/instance_data.hpp"

#include <warpbeam/memory/atomic_ref.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace warpbeam::vm {

namespace {

Handler original(const StopPoint& point) noexcept {
    Handler handler;
    std::memcpy(&handler, point.words, sizeof handler);
    return handler;
}

void set(const Code& code, const StopPoint& point, bool stops) noexcept {
    // The memory is not const; only running code sees it so.
    auto* const place = const_cast<Instr*>(
        code.entry()->after(point.position)); // NOLINT(cppcoreguidelines-pro-type-const-cast)
    if (point.is_distance())
        AtomicRef{*reinterpret_cast<uint32_t*>(place)}.store_relaxed(point.words[stops ? 1 : 0]);
    else
        AtomicRef{place->handler}.store_relaxed(stops ? stop_handler() : original(point));
}

void set_all(const Code& code, bool stop) noexcept {
    for (const StopPoint& point : std::span{stop_points_of(code), code.stop_points})
        set(code, point, stop);
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

void StopPoints::settle() noexcept {
    // If the lock is taken, its holder does the work: it looks again after the release.
    while ((requests_.load(std::memory_order_seq_cst) != 0) != are_set_.load(std::memory_order_seq_cst)) {
        if (!lock_.try_lock())
            return;
        const bool stops = requests_.load(std::memory_order_seq_cst) != 0;
        if (stops != are_set_.load(std::memory_order_relaxed)) {
            for (const Code* const code : codes_.all())
                set_all(*code, stops);
            are_set_.store(stops, std::memory_order_seq_cst);
        }
        lock_.unlock();
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

bool StopPoints::add(const Code& code) noexcept {
    const std::lock_guard held{*this};
    if (code.stop_points == 0)
        return true;
    if (!codes_.add(code))
        return false;
    if (are_set_.load(std::memory_order_relaxed))
        set_all(code, true);
    return true;
}

void StopPoints::remove(CodeIndex& codes) noexcept {
    const std::lock_guard held{*this};
    codes_.remove(codes);
}

Handler StopPoints::handler_at(const Instr* ip) noexcept {
    const std::lock_guard held{*this};
    const Code& code = *codes_.find(ip, false);
    const std::span points{stop_points_of(code), code.stop_points};
    const auto position = static_cast<uint32_t>(position_in(code, ip, false));
    return original(*std::ranges::lower_bound(points, position, {}, &StopPoint::position));
}

} // namespace warpbeam::vm
