#include "lower/lowering.hpp"

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
    if (!choose_pins(module_, body_, kinds, choice_))
        return false;
    pins_ = choice_.sets[0];
    return true;
}

void Lowering::lower() noexcept {
    if (!prepare()) {
        fail(Exit::out_of_memory);
        return;
    }
    BlockType type;
    type.func = &module_.type_registry().func(body_.type);
    if (!control_.push({ControlKind::func, type, 0, height_, pins_})) {
        fail(Exit::out_of_memory);
        return;
    }
    if (large_)
        open_frame();
    emit_poll();
    // The work of making locals zero, where it counts.
    constexpr uint64_t free_locals = 1024;
    uint64_t bytes = 0;
    for (const LocalRun& run : body_.locals)
        bytes += uint64_t{run.count} * slots_of(run.type.kind()) * sizeof(Slot);
    if (bytes > free_locals)
        emit_charge(bytes);
    while (failure() == Exit::none && !reader_.done()) {
        offset_ = reader_.offset();
        lower_instr(reader_.op());
        while (failure() == Exit::none && !control_.empty() && !control_.back().reachable)
            skip_unreachable(0);
    }
}

Code* Lowering::run(uint32_t func) noexcept {
    lower();
    if (failure() != Exit::none)
        return nullptr;
    thread_jumps();
    Allocator& allocator = code_.allocator();
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
                    static_cast<uint32_t>(safepoints_.size())};
    void* const memory = allocator.allocate(bytes_of(head), alignof(Code));
    if (memory == nullptr) {
        fail(Exit::out_of_memory);
        return nullptr;
    }
    auto* const code = ::new (memory) Code{head};
    auto* to = reinterpret_cast<uint8_t*>(code + 1);
    const auto append = [&](const auto& part) {
        const size_t bytes = part.size() * sizeof(part[0]);
        if (bytes != 0)
            std::memcpy(to, part.data(), bytes);
        to += bytes;
    };
    append(code_);
    append(regions_);
    append(clauses_);
    append(reference_runs_);
    append(reference_nodes_);
    append(safepoints_);
    return code;
}

Exit Lowering::locate(Vec<CodeMark>& marks) noexcept {
    marks_ = &marks;
    lower();
    return failure();
}

} // namespace warpbeam::vm
