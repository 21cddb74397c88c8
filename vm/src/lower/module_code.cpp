#include "lower/module_code.hpp"

#include "handlers/handler_table.hpp"
#include "handlers/instance_data.hpp"
#include "handlers/stop_points.hpp"
#include "lower/lowering.hpp"

#include <algorithm>
#include <mutex>

namespace warpbeam::vm {

namespace {

/// What every cell points to at first. The handler learns from acc which function is meant.
struct Stub {
    Code header;
    Instr instr;
};
const Stub& stub() noexcept {
    static const Stub instance{{}, {find_handler({Form::lower_now}), 0}};
    return instance;
}

} // namespace

ModuleCode::ModuleCode(const Module& module, const CodeOptions& options) noexcept
    : module_{module}, options_{options}, cells_{*options.allocator}, codes_{*options.allocator},
      by_address_{*options.allocator} {}

struct ModuleCode::Unfinished {
    Lowering lowering;
    uint32_t func;
    Unfinished* next;
};

ModuleCode::~ModuleCode() {
    if (options_.stop_points != nullptr)
        options_.stop_points->remove(by_address_);
    while (unfinished_ != nullptr)
        destroy(*options_.allocator, std::exchange(unfinished_, unfinished_->next));
    for (Code* const code : codes_)
        if (code != nullptr)
            options_.allocator->deallocate(code, bytes_of(*code), alignof(Code));
}

bool ModuleCode::prepare() noexcept {
    const size_t count = module_.bodies().size();
    if (!cells_.resize(count) || !codes_.resize(count) || !by_address_.reserve(count))
        return false;
    for (size_t i = 0; i < count; ++i) {
        CodeCell& cell = cells_[i];
        cell.code.store(&stub().header, std::memory_order_relaxed);
        cell.owner = this;
        cell.func = static_cast<uint32_t>(module_.imported_funcs() + i);
    }
    return true;
}

CodeCell* ModuleCode::cell(uint32_t func) noexcept { return &cells_[func - module_.imported_funcs()]; }

/// Takes over finished code.
Exit ModuleCode::publish(Code& code) noexcept {
    Exit exit = Exit::none;
#ifdef WARPBEAM_VERIFY_CODE
    exit = check(code);
#endif
    if (exit == Exit::none && options_.stop_points != nullptr && !options_.stop_points->add(code))
        exit = Exit::out_of_memory;
    if (exit != Exit::none) {
        options_.allocator->deallocate(&code, bytes_of(code), alignof(Code));
        return exit;
    }
    const size_t index = code.func - module_.imported_funcs();
    codes_[index] = &code;
    (void)by_address_.add(code); // room was reserved
    cells_[index].code.store(&code, std::memory_order_release);
    return Exit::none;
}

bool ModuleCode::step(uint32_t func, Exit& exit) noexcept {
    const size_t index = func - module_.imported_funcs();
    const std::lock_guard lock{lock_};
    if (codes_[index] != nullptr)
        return true;
    const FuncBody& body = module_.bodies()[index];
    const auto finish = [&](Lowering& lowering) {
        exit = lowering.code() != nullptr ? publish(*lowering.code()) : lowering.failure();
    };
    if (body.code.size() <= large_body) {
        Lowering lowering{module_, options_, cells(), body, *options_.allocator};
        while (!lowering.step(func)) {
        }
        finish(lowering);
        return true;
    }
    Unfinished** link = &unfinished_;
    while (*link != nullptr && (*link)->func != func)
        link = &(*link)->next;
    if (*link == nullptr) {
        Allocator& allocator = *options_.allocator;
        void* const memory = allocator.allocate(sizeof(Unfinished), alignof(Unfinished));
        if (memory == nullptr) {
            exit = Exit::out_of_memory;
            return true;
        }
        *link = ::new (memory) Unfinished{{module_, options_, cells(), body, allocator}, func, nullptr};
    }
    if (!(*link)->lowering.step(func))
        return false;
    finish((*link)->lowering);
    destroy(*options_.allocator, std::exchange(*link, (*link)->next));
    return true;
}

Exit ModuleCode::lower(uint32_t func, const Execution* execution) noexcept {
    Exit exit = Exit::none;
    tell(func, true);
    while (!step(func, exit))
        if (execution != nullptr && execution->must_stop()) {
            exit = Exit::interrupted;
            break;
        }
    tell(func, false);
    return exit;
}

Exit ModuleCode::locate_all(uint32_t func, Vec<CodeMark>& marks) noexcept {
    const FuncBody& body = module_.bodies()[func - module_.imported_funcs()];
    return Lowering{module_, options_, cells(), body, *options_.allocator}.locate(marks);
}

ModuleCode::Refusal ModuleCode::refusal() noexcept {
    const std::lock_guard lock{lock_};
    return refusal_;
}

const Code* ModuleCode::find(const Instr* ip, bool after) noexcept {
    const std::lock_guard lock{lock_};
    return by_address_.find(ip, after);
}

void ModuleCode::locate(std::span<Place> places) noexcept {
    const Code* const code = places[0].code;
    Vec<CodeMark> marks{*options_.allocator};
    (void)locate_all(code->func, marks);
    const size_t start = module_.bodies()[code->func - module_.imported_funcs()].code_offset;
    for (Place& place : places)
        if (place.code == code) {
            const auto next = std::ranges::upper_bound(marks, place.position, {}, &CodeMark::position);
            place.offset = next == marks.begin() ? Error::no_offset : start + next[-1].offset;
        }
}

} // namespace warpbeam::vm
