#include "store/execution_object.hpp"
#include "store/stack_pointer.hpp"
#include "store/use.hpp"

#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/vm/guest_stacks.hpp>

#include <algorithm>
#include <cinttypes>

namespace warpbeam {
namespace vm {

/// The state of a GuestStacks, which its executions share.
class GuestStackBlocks final : public RefCounted<GuestStackBlocks>, public GuestStackPool {
public:
    GuestStackBlocks(Allocator& allocator, const GuestAllocator& source, GlobalInst& pointer, uint64_t size,
                     uint64_t store) noexcept
        : RefCounted{allocator}, source_{source}, pointer_{pointer}, size_{size}, store_{store},
          unused_{allocator} {}

    void retain() noexcept override { RefCounted::retain(); }
    void release() noexcept override { RefCounted::release(); }
    void give_back(uint64_t block) noexcept override { (void)unused_.push(block); } // there is room

    [[nodiscard]] uint64_t store() const noexcept { return store_; }
    [[nodiscard]] size_t count() const noexcept { return count_; }
    [[nodiscard]] size_t unused() const noexcept { return unused_.size(); }

    /// Gives an execution a stack.
    [[nodiscard]] std::expected<void, Trap> give(GuestStack& to) noexcept;
    [[nodiscard]] std::expected<void, Trap> trim() noexcept;
    [[nodiscard]] std::expected<void, Error> adopt(GuestStack& stack) noexcept;

private:
    [[nodiscard]] std::expected<uint64_t, Trap> allocate() noexcept;

    const GuestAllocator source_;
    GlobalInst& pointer_;
    const uint64_t size_;
    const uint64_t store_; ///< its number
    size_t count_ = 0;
    Vec<uint64_t> unused_; ///< with room for all blocks
};

namespace {

/// What the C ABI promises to every frame.
constexpr uint64_t stack_alignment = 16;

constexpr std::string_view default_name = "__stack_pointer";

/// The global of that name, as an import, an export, or in the name section; otherwise `no_stack_pointer`.
uint32_t find_global(const Module& module, std::string_view name) noexcept {
    uint32_t index = 0;
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::global) {
            if (import.name == name)
                return index;
            ++index;
        }
    const Export* const entry = module.find_export(name);
    if (entry != nullptr && entry->kind == ExternKind::global)
        return entry->index;
    for (const CustomSection& section : module.custom_sections())
        if (section.name == "name") {
            NameReader names{section.bytes, NameSpace::global, NameSpace::global};
            while (const auto found = names.next())
                if (found->space == NameSpace::global && found->name == name &&
                    found->index < module.globals().size())
                    return found->index;
        }
    return no_stack_pointer;
}

Trap trap_of_error(const Error& error) noexcept {
    const TrapCode code = error.code() == ErrorCode::limit           ? TrapCode::limit
                          : error.code() == ErrorCode::out_of_memory ? TrapCode::out_of_memory
                                                                     : TrapCode::usage;
    return Trap::with_message(code, "%.*s", static_cast<int>(error.message().size()), error.message().data());
}

} // namespace

std::expected<uint64_t, Trap> GuestStackBlocks::allocate() noexcept {
    auto block = source_.allocate(size_, stack_alignment);
    if (!block)
        return std::unexpected{std::move(block.error())};
    // Only now, since what the guest calls to allocate may have made a stack here, too.
    if (!unused_.reserve(count_ + 1))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    ++count_;
    return block->release();
}

std::expected<void, Trap> GuestStackBlocks::give(GuestStack& to) noexcept {
    std::expected<uint64_t, Trap> block;
    if (unused_.empty()) {
        block = allocate();
        if (!block)
            return std::unexpected{std::move(block.error())};
    } else {
        block = unused_.back();
        unused_.pop();
    }
    // The block may begin below the aligned address by less than that, and is larger by as much.
    const uint64_t begin = (*block + stack_alignment - 1) & ~(stack_alignment - 1);
    to.own(Ref<GuestStackPool>::share(this), *block, size_, pointer_, begin + size_);
    return {};
}

std::expected<void, Error> GuestStackBlocks::adopt(GuestStack& stack) noexcept {
    if (!stack.is_lost(pointer_, size_))
        return std::unexpected{
            Error{ErrorCode::usage,
                  "the execution has no stack that was restored, or it is not one of this guest "
                  "with %" PRIu64 " bytes",
                  size_}};
    if (!unused_.reserve(count_ + 1))
        return std::unexpected{Error{ErrorCode::out_of_memory}};
    ++count_;
    stack.find(Ref<GuestStackPool>::share(this));
    return {};
}

std::expected<void, Trap> GuestStackBlocks::trim() noexcept {
    while (!unused_.empty()) {
        const uint64_t block = unused_.back();
        unused_.pop();
        --count_;
        if (auto freed = source_.free(block); !freed)
            return freed;
    }
    return {};
}

} // namespace vm

GuestStacks::GuestStacks() noexcept = default;
GuestStacks::GuestStacks(Ref<vm::GuestStackBlocks> blocks) noexcept : blocks_{std::move(blocks)} {}
GuestStacks::GuestStacks(GuestStacks&& other) noexcept = default;
GuestStacks& GuestStacks::operator=(GuestStacks&& other) noexcept {
    GuestStacks old{std::move(*this)};
    blocks_ = std::move(other.blocks_);
    return *this;
}
GuestStacks::~GuestStacks() {
    while (blocks_ && blocks_->unused() != 0)
        (void)blocks_->trim();
}

std::expected<GuestStacks, Trap> GuestStacks::of(Instance instance,
                                                 const GuestStackOptions& options) noexcept {
    const vm::Use use{instance};
    if (!use)
        return std::unexpected{use.trap()};
    const auto source = GuestAllocator::of(instance, options.allocator);
    if (!source)
        return std::unexpected{source.error()};
    const auto& inst = *static_cast<vm::InstanceObject*>(vm::Internal::inst(instance));
    uint32_t index = options.pointer.empty() ? inst.compiled->stack_pointer()
                                             : vm::find_global(*inst.module, options.pointer);
    if (index == vm::no_stack_pointer && options.pointer.empty())
        index = vm::find_global(*inst.module, vm::default_name);
    const ValType address = source->memory().type().limits.is_64 ? ValType::i64 : ValType::i32;
    if (index == vm::no_stack_pointer || !inst.globals[index]->type.is_mutable ||
        inst.globals[index]->type.content != address) {
        const std::string_view name = options.pointer.empty() ? vm::default_name : options.pointer;
        return std::unexpected{Trap::with_message(
            TrapCode::usage, "the guest has no mutable global %.*s of the type of its addresses",
            static_cast<int>(name.size()), name.data())};
    }
    const uint64_t size =
        (std::min(options.size, UINT64_MAX - vm::stack_alignment) + vm::stack_alignment - 1) &
        ~(vm::stack_alignment - 1);
    Allocator& allocator = inst.store->allocator();
    auto blocks = Ref<vm::GuestStackBlocks>::adopt(warpbeam::create<vm::GuestStackBlocks>(
        allocator, allocator, *source, *inst.globals[index], size, inst.store->number()));
    if (!blocks)
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    return GuestStacks{std::move(blocks)};
}

std::expected<Execution, Trap> GuestStacks::create(Func function, std::span<const Value> args) noexcept {
    if (!blocks_ || (function && vm::Internal::store_number(function) != blocks_->store()))
        return std::unexpected{Trap::with_message(TrapCode::usage, "%s",
                                                  blocks_ ? "the function belongs to another store"
                                                          : "the GuestStacks are empty")};
    auto made = Execution::create(function, args);
    if (!made)
        return std::unexpected{vm::trap_of_error(made.error())};
    if (auto given = blocks_->give(made->object_->guest_stack()); !given)
        return std::unexpected{std::move(given.error())};
    return std::move(*made);
}

std::expected<void, Error> GuestStacks::adopt(Execution& execution) noexcept {
    vm::ExecutionObject* const object = execution.object_.get();
    if (!blocks_ || object == nullptr || object->execution() == nullptr ||
        object->store().number() != blocks_->store())
        return std::unexpected{Error{ErrorCode::usage,
                                     "the GuestStacks or the execution are empty, or belong to "
                                     "different stores"}};
    return blocks_->adopt(object->guest_stack());
}

size_t GuestStacks::size() const noexcept { return blocks_ ? blocks_->count() : 0; }
size_t GuestStacks::unused() const noexcept { return blocks_ ? blocks_->unused() : 0; }
std::expected<void, Trap> GuestStacks::trim() noexcept {
    return blocks_ ? blocks_->trim() : std::expected<void, Trap>{};
}

} // namespace warpbeam
