#include "store/link.hpp"
#include "store/store_impl.hpp"
#include "store/use.hpp"

#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/vm/instance.hpp>

namespace warpbeam {

Instance Frame::instance() const noexcept {
    return vm::Internal::handle<Instance>(instance_data, store_number);
}

Module Instance::module() const noexcept {
    const vm::Use use{*this};
    return use ? *inst_->module : Module{};
}
Store* Instance::store() const noexcept {
    const vm::Use use{*this};
    return use ? &inst_->store->handle() : nullptr;
}

std::optional<Extern> Instance::find_export(std::string_view name) const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::nullopt;
    const Export* const entry = inst_->module->find_export(name);
    return entry != nullptr ? std::optional{get(*entry)} : std::nullopt;
}

Extern Instance::get(const Export& entry) const noexcept {
    const vm::Use use{*this};
    if (!use || !inst_->module->defines(entry))
        return {};
    switch (entry.kind) {
    case ExternKind::func:
        return vm::make_func(inst_->funcs[entry.index]);
    case ExternKind::table:
        return vm::make_handle<Table>(inst_->tables[entry.index]);
    case ExternKind::memory:
        return vm::make_handle<Memory>(inst_->memories[entry.index]);
    case ExternKind::global:
        return vm::make_handle<Global>(inst_->globals[entry.index]);
    case ExternKind::tag:
        break;
    }
    return vm::make_handle<Tag>(inst_->tags[entry.index]);
}

namespace {

template <typename T>
std::expected<T, Error> find(const Instance& instance, std::string_view name, ExternKind kind) noexcept {
    const vm::Use use{instance};
    if (!use)
        return std::unexpected{use.error()};
    const auto found = instance.find_export(name);
    if (!found)
        return std::unexpected{
            Error{ErrorCode::usage, "no export named `%.*s`", static_cast<int>(name.size()), name.data()}};
    const T* const object = std::get_if<T>(&*found);
    if (object == nullptr)
        return std::unexpected{Error{ErrorCode::usage, "the export `%.*s` is not a %s",
                                     static_cast<int>(name.size()), name.data(), row_of(kind).name}};
    return *object;
}

} // namespace

std::expected<Func, Error> Instance::func(std::string_view name) const noexcept {
    return find<Func>(*this, name, ExternKind::func);
}
std::expected<Table, Error> Instance::table(std::string_view name) const noexcept {
    return find<Table>(*this, name, ExternKind::table);
}
std::expected<Memory, Error> Instance::memory(std::string_view name) const noexcept {
    return find<Memory>(*this, name, ExternKind::memory);
}
std::expected<Global, Error> Instance::global(std::string_view name) const noexcept {
    return find<Global>(*this, name, ExternKind::global);
}
std::expected<Tag, Error> Instance::tag(std::string_view name) const noexcept {
    return find<Tag>(*this, name, ExternKind::tag);
}

Func Instance::func_at(uint32_t index) const noexcept {
    const vm::Use use{*this};
    return use && index < inst_->module->funcs().size() ? vm::make_handle<Func>(inst_->funcs[index]) : Func{};
}
Table Instance::table_at(uint32_t index) const noexcept {
    const vm::Use use{*this};
    return use && index < inst_->module->tables().size() ? vm::make_handle<Table>(inst_->tables[index])
                                                         : Table{};
}
Memory Instance::memory_at(uint32_t index) const noexcept {
    const vm::Use use{*this};
    return use && index < inst_->module->memories().size() ? vm::make_handle<Memory>(inst_->memories[index])
                                                           : Memory{};
}
Global Instance::global_at(uint32_t index) const noexcept {
    const vm::Use use{*this};
    return use && index < inst_->module->globals().size() ? vm::make_handle<Global>(inst_->globals[index])
                                                          : Global{};
}
Tag Instance::tag_at(uint32_t index) const noexcept {
    const vm::Use use{*this};
    return use && index < inst_->module->tags().size() ? vm::make_handle<Tag>(inst_->tags[index]) : Tag{};
}

std::expected<Instance, InstantiationError> Instance::create(Store& store, const Module& module,
                                                             std::span<const Extern> imports) noexcept {
    const auto values = import_values(store, module, imports);
    return values ? instantiate(store, module, *values) : std::unexpected{values.error()};
}

std::expected<void, InstantiationError> Instance::reset() const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{InstantiationError{use.error()}};
    return vm::reset(*static_cast<vm::InstanceObject*>(inst_));
}

} // namespace warpbeam
