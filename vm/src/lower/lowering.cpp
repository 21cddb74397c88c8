#include "lower/lowering.hpp"

#include <algorithm>

namespace warpbeam::vm {

bool Lowering::prepare() noexcept {
    const FuncType& type = module_.type_registry().func(body_.type);
    Vec<Kind> kinds{code_.allocator()};
    if (!place_locals(type, kinds))
        return false;
    for (const LocalInfo& local : locals_)
        note_local(local);
    // A single result is left at the beginning of the frame, and may take two slots.
    if (height_ < 2)
        raise_height(2 - height_);
    if (!choose_pins(module_, body_, kinds, !large_, choice_))
        return false;
    own_locals_ = locals_.size();
    for (const Kind kind : choice_.params)
        if (!locals_.push({kind, Src::slot, 0}))
            return false;
    blank_ = static_cast<uint32_t>(locals_.size());
    if (!locals_.push({ValType::bot, Src::slot, 0}))
        return false;
    use_pins(choice_.sets[0]);
    return true;
}

void Lowering::begin() noexcept {
    // What is not moved when it grows is not copied at once, either. Few functions need more.
    const size_t size = body_.code.size();
    const size_t growth = size > large_body ? 8 : 5;
    if (!reserve_code(growth * size))
        fail(Exit::out_of_memory);
    if (!prepare())
        fail(Exit::out_of_memory);
    if (const auto memories = module_.memories(); !memories.empty()) {
        first_is_32_ = !memories[0].limits.is_64;
        first_option_ = access_option(memories[0]);
    }
    BlockType type;
    type.func = &module_.type_registry().func(body_.type);
    if (!control_.push({ControlKind::func, type, 0, height_, pins_}))
        fail(Exit::out_of_memory);
    if (failure() != Exit::none)
        return;
    if (options_.is_deterministic())
        emit_check_stack();
    if (large_)
        open_frame();
    // Before the fuel for the entry is taken.
    if (options_.shows_calls())
        emit_observe(Observed::enter, first_slot());
    // The work of making locals zero, where it counts.
    constexpr uint64_t free_locals = 1024;
    uint64_t bytes = 0;
    for (const LocalRun& run : body_.locals)
        bytes += uint64_t{run.count} * slots_of(run.type.kind()) * sizeof(Slot);
    if (bytes > free_locals)
        emit_charge(bytes);
    at_entry_ = true;
    if (choice_.calls_itself)
        control_[0].head = loop_head_ = here();
    emit_poll();
    at_entry_ = false;
}

/// Counts what the function's type, locals and operands say, not what the frame of this build takes.
void Lowering::emit_check_stack() noexcept {
    uint64_t slots = slots_of(module_.type_registry().func(body_.type).params);
    for (const LocalRun& run : body_.locals)
        slots += uint64_t{run.count} * slots_of(run.type.kind());
    slots = std::max<uint64_t>(slots, 2);
    excess_ = far_slots_ + height_ - slots;
    emit(Form::check_stack).set(Field::count, slots + body_.max_stack).set(Field::excess, excess_);
}

void Lowering::emit_return_excess() noexcept {
    if (excess_ != 0)
        emit(Form::return_excess).set(Field::count, excess_);
}

bool Lowering::step(uint32_t func) noexcept {
    constexpr size_t instrs_per_step = 10'000;
    switch (stage_) {
    case Stage::begin:
        begin();
        stage_ = Stage::body;
        break;
    case Stage::body:
        if (lower(instrs_per_step))
            stage_ = Stage::jumps;
        break;
    case Stage::jumps:
        if (!thread_jumps() || (WARPBEAM_JOINS && !join_instrs()))
            break;
        allocate_code(func);
        stage_ = Stage::copy;
        break;
    case Stage::copy:
        complete_ = copy_code();
        return complete_;
    }
    return failure() != Exit::none;
}

/// Replaces some of the handlers by those that also do the work of the next instructions; true when all are
/// done. What follows still has its own handlers.
bool Lowering::join_instrs() noexcept {
    constexpr size_t instrs_per_step = 50'000;
    const size_t count = instrs_.size();
    const size_t end = std::min(count, next_joined_ + instrs_per_step);
    // Those that are looked at from this step on.
    const size_t numbered = std::min(count, end + max_joined);
    if (!parts_.reserve(count + max_joined)) {
        fail(Exit::out_of_memory);
        return false;
    }
    number_parts({instrs_.begin() + parts_.size(), instrs_.begin() + numbered}, parts_.end(),
                 first_option_ == detail::option_guarded);
    parts_.set_end(parts_.begin() + numbered);
    std::fill_n(parts_.end(), max_joined, JoinedNumber{0});
    join_handlers({instrs_.begin() + next_joined_, instrs_.begin() + end}, parts_.begin() + next_joined_,
                  code_.data());
    next_joined_ = end;
    return next_joined_ == count;
}

Lowering::~Lowering() {
    if (result_ != nullptr && !complete_)
        options_.allocator->deallocate(result_, bytes_of(*result_), alignof(Code));
}

void Lowering::allocate_code(uint32_t func) noexcept {
    const Code head{frame_slots(),
                    static_cast<uint16_t>(large_ ? 0 : zero_from_),
                    static_cast<uint16_t>(large_ ? 0 : zero_count_),
                    pins_word(choice_.sets[0], 0),
                    static_cast<uint32_t>(code_.size()),
                    func,
                    static_cast<uint32_t>(regions_.size()),
                    static_cast<uint32_t>(clauses_.size()),
                    static_cast<uint32_t>(reference_runs_.size()),
                    static_cast<uint32_t>(reference_nodes_.size()),
                    static_cast<uint32_t>(safepoints_.size()),
                    static_cast<uint32_t>(stop_points_.size())};
    void* const memory = options_.allocator->allocate(bytes_of(head), alignof(Code));
    if (memory == nullptr)
        fail(Exit::out_of_memory);
    else
        result_ = ::new (memory) Code{head};
}

/// Copies a part of the instructions, and the tables with the last one.
bool Lowering::copy_code() noexcept {
    constexpr size_t bytes_per_step = 1 << 20;
    auto* to = reinterpret_cast<uint8_t*>(result_ + 1);
    const size_t part = std::min(bytes_per_step, code_.size() - copied_);
    std::memcpy(to + copied_, code_.data() + copied_, part);
    copied_ += part;
    if (copied_ != code_.size())
        return false;
    to += copied_;
    const auto append = [&](const auto& table) {
        const size_t bytes = table.size() * sizeof(table[0]);
        if (bytes != 0)
            std::memcpy(to, table.data(), bytes);
        to += bytes;
    };
    append(regions_);
    append(clauses_);
    append(reference_runs_);
    append(reference_nodes_);
    append(safepoints_);
    for (const StopPlace& place : stop_points_) {
        StopPoint point{place.position, {}};
        std::memcpy(point.words, code_.data() + place.position,
                    point.is_distance() ? sizeof point.words[0] : sizeof(Handler));
        if (point.is_distance())
            point.words[1] = point.words[0] - place.bypass;
        std::memcpy(to, &point, sizeof point);
        to += sizeof point;
    }
    return true;
}

Exit Lowering::locate(Vec<CodeMark>& marks) noexcept {
    marks_ = &marks;
    begin();
    (void)lower(SIZE_MAX);
    return failure();
}

} // namespace warpbeam::vm
