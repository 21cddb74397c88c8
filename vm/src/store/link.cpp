#include "store/link.hpp"

#include "store/host_func.hpp"
#include "store/store_impl.hpp"
#include "store/use.hpp"
#include "trap/type_text.hpp"

#include <warpbeam/build.hpp>

namespace warpbeam {

struct InstantiationError::Details : RefCounted<Details> {
    explicit Details(Allocator& from) noexcept : RefCounted{from}, text{from}, imports{from} {}
    Text text;
    Vec<uint32_t> imports;
};

InstantiationError::InstantiationError(const Error& error, Allocator& allocator) noexcept
    : code_{error.code()}, details_{Ref<Details>::adopt(create<Details>(allocator, allocator))} {
    if (details_)
        details_->text.add(error.message());
}
InstantiationError::InstantiationError(ErrorCode code, Ref<Details> details) noexcept
    : code_{code}, details_{std::move(details)} {}
InstantiationError::InstantiationError(Trap trap) noexcept : trap_{std::move(trap)} {}
InstantiationError::InstantiationError(const InstantiationError&) noexcept = default;
InstantiationError& InstantiationError::operator=(const InstantiationError&) noexcept = default;
InstantiationError::~InstantiationError() = default;

std::string_view InstantiationError::message() const noexcept {
    if (trap_)
        return trap_->message();
    if (details_ && !details_->text.view().empty())
        return details_->text.view();
    return code_ == ErrorCode::unlinkable ? "incompatible import type" : "out of memory";
}

std::span<const uint32_t> InstantiationError::imports() const noexcept {
    return details_ ? std::span<const uint32_t>{details_->imports} : std::span<const uint32_t>{};
}

LinkReport::LinkReport(const Module& module, Allocator& allocator) noexcept
    : module_{module}, details_{Ref<InstantiationError::Details>::adopt(
                           create<InstantiationError::Details>(allocator, allocator))} {}
LinkReport::~LinkReport() = default;

bool LinkReport::begin(uint32_t import, const char* problem) noexcept {
    ++count_;
    if (!details_ || !details_->imports.push(import))
        return false;
    const Import& wanted = module_.imports()[import];
    Text& text = details_->text;
    if (!text.view().empty())
        text.add_line();
    text.add(problem).add(wanted.module).add(".").add(wanted.name).add(": ");
    add_type(text, wanted.type, module_.type_registry());
    return true;
}

void LinkReport::missing(uint32_t import) noexcept {
    if (begin(import, "unknown import ") && WARPBEAM_WASI == 0 &&
        module_.imports()[import].module == "wasi_snapshot_preview1")
        details_->text.add(", this build is without WASI (WARPBEAM_WASI=0)");
}

void LinkReport::mismatch(uint32_t import, const ExternType& found) noexcept {
    if (!begin(import, "incompatible import type for "))
        return;
    Text& text = details_->text;
    text.add(", found ");
    const size_t start = text.view().size();
    add_type(text, found, module_.type_registry());
    const std::string_view words = text.view().substr(start);
    if (text.view().substr(0, start - std::string_view{", found "}.size()).ends_with(words))
        text.add(", which only looks the same: the import's type is open, has a supertype, or belongs to a "
                 "recursive group (a host function needs its TypeId)");
}

InstantiationError LinkReport::take() noexcept {
    count_ = 0;
    return InstantiationError{ErrorCode::unlinkable, std::move(details_)};
}

MemoryType vm::type_of(MemoryInst& memory) noexcept {
    (void)memory.refresh();
    MemoryType type = memory.type;
    type.limits.min = memory.size >> type.page_size_log2;
    return type;
}

TableType vm::type_of(const TableInst& table) noexcept {
    TableType type = table.type;
    type.limits.min = table.size;
    return type;
}

ExternType type_of(const Extern& external) noexcept {
    const bool usable =
        std::visit([](const auto& handle) { return static_cast<bool>(vm::Use{handle}); }, external);
    if (!usable)
        return {};
    ExternType type;
    type.kind = kind_of(external);
    if (const auto* const func = std::get_if<Func>(&external)) {
        type.func = vm::Internal::inst(*func)->type;
        type.exact = true;
    } else if (const auto* const table = std::get_if<Table>(&external)) {
        type.table = vm::type_of(*vm::Internal::inst(*table));
    } else if (const auto* const memory = std::get_if<Memory>(&external)) {
        type.memory = vm::type_of(*vm::Internal::inst(*memory));
    } else if (const auto* const global = std::get_if<Global>(&external)) {
        type.global = vm::Internal::inst(*global)->type;
    } else if (const auto* const tag = std::get_if<Tag>(&external)) {
        type.tag = {vm::Internal::inst(*tag)->type};
    }
    return type;
}

std::expected<Vec<ImportValue>, InstantiationError> import_values(Store& store, const Module& module,
                                                                  std::span<const Extern> imports) noexcept {
    Allocator& allocator = store.engine().allocator();
    Vec<ImportValue> values{allocator};
    if (!values.resize(module.imports().size()))
        return std::unexpected{InstantiationError{no_memory(), allocator}};
    for (size_t i = 0; i < values.size() && i < imports.size(); ++i)
        values[i].object = &imports[i];
    return values;
}

uint64_t store_number(const Extern& object) noexcept {
    return std::visit([](const auto& handle) { return vm::Internal::store_number(handle); }, object);
}

namespace {

/// The type of the object to be bound.
ExternType type_of_value(const ImportValue& value) noexcept {
    if (value.host == nullptr)
        return type_of(*value.object);
    ExternType type;
    type.func = value.host->type;
    type.exact = true;
    return type;
}

} // namespace

void check_import(LinkReport& report, uint32_t index, const Import& import, const ImportValue& value,
                  const TypeRegistry& types) noexcept {
    if (value.object == nullptr && value.host == nullptr)
        return report.missing(index);
    if (const ExternType found = type_of_value(value); !types.matches(found, import.type))
        report.mismatch(index, found);
}

} // namespace warpbeam
