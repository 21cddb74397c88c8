#include "decode_sections.hpp"
#include "module_impl.hpp"

#include <warpbeam/loader/built_features.hpp>
#include <warpbeam/loader/module.hpp>

#include <algorithm>

namespace warpbeam {

const Export* ModuleData::find_export(std::string_view wanted) const noexcept {
    const auto name_of_export = [this](uint32_t position) { return exports[position].name; };
    const auto found = std::ranges::lower_bound(exports_by_name, wanted, {}, name_of_export);
    if (found == exports_by_name.end() || exports[*found].name != wanted)
        return nullptr;
    return &exports[*found];
}

std::string_view ModuleData::func_name(uint32_t func) const noexcept {
    const auto named = std::ranges::lower_bound(func_names, func, {}, &NamedFunc::func);
    if (named != func_names.end() && named->func == func)
        return named->name;
    const auto index_of_export = [this](uint32_t position) { return exports[position].index; };
    const auto exported = std::ranges::lower_bound(exports_by_func, func, {}, index_of_export);
    if (exported != exports_by_func.end() && exports[*exported].index == func)
        return exports[*exported].name;
    return {};
}

Module::Module(const Module& other) noexcept : impl_{other.impl_} {
    if (impl_ != nullptr)
        impl_->owners.add();
}

Module::~Module() {
    if (impl_ != nullptr && impl_->owners.drop())
        destroy(impl_->allocator, impl_);
}

std::expected<Module, Error> Module::load(std::span<const uint8_t> bytes,
                                          const LoadOptions& options) noexcept {
    Allocator& allocator = options.allocator != nullptr ? *options.allocator : Allocator::standard();
    Diagnostics diagnostics{allocator};
    Impl* const impl = create<Impl>(allocator, allocator);
    if (impl == nullptr) {
        diagnostics.out_of_memory();
        return std::unexpected(diagnostics.finish({}));
    }
    Module module{impl};

    impl->registry = options.types;
    if (impl->registry == nullptr)
        impl->registry = impl->owned_registry = create<TypeRegistry>(allocator, allocator);
    impl->bytes = bytes;
    impl->features = options.features;
    impl->features.restrict_to(built_features);
    LoadContext context{.module = *impl,
                        .features = impl->features,
                        .limits = options.limits,
                        .diagnostics = diagnostics,
                        .allocator = allocator};
    if (impl->registry == nullptr)
        diagnostics.out_of_memory();
    // Modules over the limit are refused before they are copied.
    if (!options.borrow && bytes.size() <= options.limits.module_size) {
        if (impl->owned_bytes.assign(bytes))
            impl->bytes = impl->owned_bytes;
        else
            diagnostics.out_of_memory();
    }
    if (diagnostics.failed() || !decode_module(context)) {
        const bool in_function = diagnostics.function() != Error::no_function;
        return std::unexpected(
            diagnostics.finish(in_function ? impl->func_name(diagnostics.function()) : std::string_view{}));
    }
    return module;
}

template <typename T, typename Member>
T Module::answer(Member member) const noexcept {
    return impl_ != nullptr ? T{impl_->*member} : T{};
}

const TypeRegistry& Module::type_registry() const noexcept {
    if (impl_ != nullptr)
        return *impl_->registry;
    static const TypeRegistry none{Allocator::standard()};
    return none;
}
std::span<const TypeId> Module::types() const noexcept {
    return answer<std::span<const TypeId>>(&ModuleData::types);
}
std::span<const Import> Module::imports() const noexcept {
    return answer<std::span<const Import>>(&ModuleData::imports);
}
std::span<const Export> Module::exports() const noexcept {
    return answer<std::span<const Export>>(&ModuleData::exports);
}
std::span<const TypeId> Module::funcs() const noexcept {
    return answer<std::span<const TypeId>>(&ModuleData::funcs);
}
uint32_t Module::imported_funcs() const noexcept { return answer<uint32_t>(&ModuleData::imported_funcs); }
std::span<const FuncBody> Module::bodies() const noexcept {
    return answer<std::span<const FuncBody>>(&ModuleData::bodies);
}
std::span<const TableType> Module::tables() const noexcept {
    return answer<std::span<const TableType>>(&ModuleData::tables);
}
std::span<const MemoryType> Module::memories() const noexcept {
    return answer<std::span<const MemoryType>>(&ModuleData::memories);
}
std::span<const GlobalType> Module::globals() const noexcept {
    return answer<std::span<const GlobalType>>(&ModuleData::globals);
}
std::span<const TagType> Module::tags() const noexcept {
    return answer<std::span<const TagType>>(&ModuleData::tags);
}
uint32_t Module::imported_tables() const noexcept { return answer<uint32_t>(&ModuleData::imported_tables); }
uint32_t Module::imported_memories() const noexcept {
    return answer<uint32_t>(&ModuleData::imported_memories);
}
uint32_t Module::imported_globals() const noexcept { return answer<uint32_t>(&ModuleData::imported_globals); }
uint32_t Module::imported_tags() const noexcept { return answer<uint32_t>(&ModuleData::imported_tags); }
std::span<const TableDecl> Module::table_decls() const noexcept {
    return answer<std::span<const TableDecl>>(&ModuleData::table_decls);
}
std::span<const GlobalDecl> Module::global_decls() const noexcept {
    return answer<std::span<const GlobalDecl>>(&ModuleData::global_decls);
}
std::span<const ElementSegment> Module::elements() const noexcept {
    return answer<std::span<const ElementSegment>>(&ModuleData::elements);
}
std::span<const DataSegment> Module::data() const noexcept {
    return answer<std::span<const DataSegment>>(&ModuleData::data);
}
std::optional<uint32_t> Module::start() const noexcept {
    return answer<std::optional<uint32_t>>(&ModuleData::start);
}
std::span<const CustomSection> Module::custom_sections() const noexcept {
    return answer<std::span<const CustomSection>>(&ModuleData::custom_sections);
}
std::span<const SectionRange> Module::sections() const noexcept {
    return answer<std::span<const SectionRange>>(&ModuleData::sections);
}
std::span<const uint8_t> Module::bytes() const noexcept {
    return answer<std::span<const uint8_t>>(&ModuleData::bytes);
}
std::string_view Module::name() const noexcept { return answer<std::string_view>(&ModuleData::name); }
bool Module::defines(const Export& entry) const noexcept {
    switch (entry.kind) {
    case ExternKind::func:
        return entry.index < funcs().size();
    case ExternKind::table:
        return entry.index < tables().size();
    case ExternKind::memory:
        return entry.index < memories().size();
    case ExternKind::global:
        return entry.index < globals().size();
    case ExternKind::tag:
        return entry.index < tags().size();
    }
    return false;
}
ExternType Module::type_of(const Export& entry) const noexcept {
    ExternType type;
    type.kind = entry.kind;
    if (!defines(entry))
        return type;
    switch (entry.kind) {
    case ExternKind::func:
        type.func = funcs()[entry.index];
        type.exact = true;
        break;
    case ExternKind::table:
        type.table = tables()[entry.index];
        break;
    case ExternKind::memory:
        type.memory = memories()[entry.index];
        break;
    case ExternKind::global:
        type.global = globals()[entry.index];
        break;
    case ExternKind::tag:
        type.tag = tags()[entry.index];
        break;
    }
    return type;
}
const Export* Module::find_export(std::string_view name) const noexcept {
    return impl_ != nullptr ? impl_->find_export(name) : nullptr;
}
std::string_view Module::func_name(uint32_t func) const noexcept {
    return impl_ != nullptr ? impl_->func_name(func) : std::string_view{};
}

ModuleAccess::Attachment* ModuleAccess::attachment(const Module& module) noexcept {
    return module.impl_->attachment.load(std::memory_order_acquire);
}
ModuleAccess::Attachment* ModuleAccess::attach(const Module& module, Attachment* fresh) noexcept {
    Attachment* current = nullptr;
    return module.impl_->attachment.compare_exchange_strong(current, fresh, std::memory_order_acq_rel)
               ? fresh
               : current;
}
const Module& ModuleAccess::self(const Module& module) noexcept { return module.impl_->self; }
void ModuleAccess::retain(const Module& module) noexcept { module.impl_->owners.add(); }
void ModuleAccess::release(const Module& module) noexcept {
    if (module.impl_->owners.drop())
        destroy(module.impl_->allocator, module.impl_);
}
ModuleData* ModuleAccess::data(const Module& module) noexcept { return module.impl_; }

} // namespace warpbeam
