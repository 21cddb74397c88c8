#include "handlers/families.hpp"
#include "lower/lowering.hpp"
#include "runtime/interface.hpp"

namespace warpbeam::vm {

namespace {

/// What every cell points to at first. The handler finds out from acc which function is meant.
struct Stub {
    Code header;
    Instr instr;
};
const Stub& stub() noexcept {
    static const Stub instance{{}, {lower_now(), 0, 0, {}}};
    return instance;
}

class Lock {
public:
    explicit Lock(std::atomic_flag& flag) noexcept : flag_{flag} {
        while (flag_.test_and_set(std::memory_order_acquire))
            flag_.wait(true, std::memory_order_relaxed);
    }
    ~Lock() {
        flag_.clear(std::memory_order_release);
        flag_.notify_one();
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

private:
    std::atomic_flag& flag_;
};

} // namespace

ModuleCode::ModuleCode(const Module& module, const CodeOptions& options) noexcept
    : module_{module}, options_{options}, cells_{*options.allocator}, codes_{*options.allocator} {}

ModuleCode* ModuleCode::of(const Module& module, const CodeOptions& options) noexcept {
    if (Module::Attachment* const attached = module.attachment(); attached != nullptr)
        return static_cast<ModuleCode*>(attached);
    CodeOptions complete = options;
    if (complete.allocator == nullptr)
        complete.allocator = &Allocator::standard();
    ModuleCode* const fresh =
        create<ModuleCode, const Module&, const CodeOptions&>(*complete.allocator, module, complete);
    if (fresh == nullptr)
        return nullptr;
    const size_t count = module.bodies().size();
    if (!fresh->cells_.resize(count) || !fresh->codes_.resize(count)) {
        fresh->drop();
        return nullptr;
    }
    for (size_t i = 0; i < count; ++i) {
        CodeCell& cell = fresh->cells_[i];
        cell.code.store(&stub().header, std::memory_order_relaxed);
        cell.owner = fresh;
        cell.func = static_cast<uint32_t>(module.imported_funcs() + i);
    }
    auto* const attached = static_cast<ModuleCode*>(module.attach(fresh));
    if (attached != fresh)
        fresh->drop();
    return attached;
}

void ModuleCode::drop() noexcept {
    Allocator& allocator = *options_.allocator;
    for (Code* const code : codes_)
        if (code != nullptr)
            allocator.deallocate(code, sizeof(Code) + code->size, alignof(Code));
    destroy(allocator, this);
}

CodeCell* ModuleCode::cell(uint32_t func) noexcept { return &cells_[func - module_.imported_funcs()]; }

Exit ModuleCode::lower(uint32_t func) noexcept {
    const size_t index = func - module_.imported_funcs();
    const Lock lock{lock_};
    if (codes_[index] != nullptr)
        return Exit::none;
    Lowering lowering{
        module_, options_, {cells_.data(), cells_.size()}, module_.bodies()[index], *options_.allocator};
    Code* const code = lowering.run(func);
    if (code == nullptr)
        return lowering.failure();
    codes_[index] = code;
    cells_[index].code.store(code, std::memory_order_release);
    return Exit::none;
}

Exit ModuleCode::lower_all() noexcept {
    for (const CodeCell& cell : cells_)
        if (const Exit exit = lower(cell.func); exit != Exit::none)
            return exit;
    return Exit::none;
}

ModuleCode::Position ModuleCode::locate(const Instr* ip, bool after) noexcept {
    const auto address = reinterpret_cast<uintptr_t>(ip) - (after ? 1 : 0);
    const Lock lock{lock_};
    for (size_t i = 0; i < codes_.size(); ++i) {
        const Code* const code = codes_[i];
        if (code == nullptr)
            continue;
        const auto begin = reinterpret_cast<uintptr_t>(code->entry());
        if (address < begin || address >= begin + code->size)
            continue;
        const FuncBody& body = module_.bodies()[i];
        Lowering lowering{module_, options_, {cells_.data(), cells_.size()}, body, *options_.allocator};
        const size_t offset = lowering.offset_at(address - begin);
        return {code->func, offset == Error::no_offset ? offset : body.code_offset + offset};
    }
    return {};
}

} // namespace warpbeam::vm
