#include "handlers/entry_points.hpp"
#include "store/link.hpp"
#include "store/store_impl.hpp"
#include "store/use.hpp"
#include "store/values.hpp"

#include <warpbeam/vm/table.hpp>

#include <cinttypes>

namespace warpbeam {

namespace {

Error wrong_type() noexcept {
    return Error{ErrorCode::usage, "the value does not match the table's element type"};
}
Error no_element(uint64_t index, uint64_t size) noexcept {
    return Error{ErrorCode::usage,
                 "table index %" PRIu64 " out of range: the table has %" PRIu64 " element%s", index, size,
                 size == 1 ? "" : "s"};
}

} // namespace

std::expected<Table, Error> Table::create(Store& store, const TableType& type, const Value& init) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    if (!type.element.is_ref() || !vm::fits(init, type.element, impl))
        return std::unexpected{wrong_type()};
    if (type.limits.has_max && type.limits.max < type.limits.min)
        return std::unexpected{Error{ErrorCode::usage, "the table's minimum is greater than its maximum"}};
    const auto table = impl.objects.make_table(type, init.slots()[0]);
    if (!table)
        return std::unexpected{table.error()};
    return vm::make_handle<Table>(static_cast<vm::TableInst*>(*table));
}

TableType Table::type() const noexcept {
    const vm::Use use{*this};
    return use ? vm::type_of(*inst_) : TableType{};
}

uint64_t Table::size() const noexcept {
    const vm::Use use{*this};
    return use ? inst_->size : 0;
}

std::expected<Value, Error> Table::get(uint64_t index) const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (index >= inst_->size)
        return std::unexpected{no_element(index, inst_->size)};
    if (!vm::keep({&inst_->type.element, 1}, inst_->elements + index, *inst_->store))
        return std::unexpected{no_memory()};
    return vm::to_value(inst_->type.element, inst_->elements + index, inst_->store->types());
}

std::expected<void, Error> Table::set(uint64_t index, const Value& value) const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (index >= inst_->size)
        return std::unexpected{no_element(index, inst_->size)};
    if (!vm::fits(value, inst_->type.element, *inst_->store))
        return std::unexpected{wrong_type()};
    inst_->elements[index] = value.slots()[0];
    return {};
}

std::expected<uint64_t, Error> Table::grow(uint64_t count, const Value& value) const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (!vm::fits(value, inst_->type.element, *inst_->store))
        return std::unexpected{wrong_type()};
    const int64_t old = vm::grow(*inst_, count, value.slots()[0]);
    if (old < 0)
        return std::unexpected{Error{ErrorCode::limit,
                                     "a table of %" PRIu64 " element%s can't grow by %" PRIu64, inst_->size,
                                     inst_->size == 1 ? "" : "s", count}};
    return static_cast<uint64_t>(old);
}

} // namespace warpbeam
