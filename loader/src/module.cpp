#include "decode_sections.hpp"

#include <warpbeam/loader/module.hpp>

#include <algorithm>
#include <atomic>

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

/// A module with all its data, in one block; `Module` is the public part.
struct Module::Impl : ModuleData {
    explicit Impl(Allocator& a) noexcept : ModuleData{a}, allocator{a}, self{this} {}
    ~Impl() {
        if (Attachment* const attached = attachment.load(std::memory_order_acquire))
            attached->drop();
        destroy(allocator, owned_registry);
    }

    Allocator& allocator;
    TypeRegistry* owned_registry = nullptr;
    RefCount owners;
    std::atomic<Attachment*> attachment{nullptr};
    Module self;
};

Module::~Module() = default;

std::expected<Ref<const Module>, Error> Module::load(std::span<const uint8_t> bytes,
                                                     const LoadOptions& options) noexcept {
    Allocator& allocator = options.allocator != nullptr ? *options.allocator : Allocator::standard();
    Diagnostics diagnostics;
    Impl* const impl = create<Impl>(allocator, allocator);
    if (impl == nullptr) {
        diagnostics.out_of_memory();
        return std::unexpected(diagnostics.finish({}));
    }
    const Ref<const Module> module = Ref<const Module>::adopt(&impl->self);

    impl->registry = options.types;
    if (impl->registry == nullptr)
        impl->registry = impl->owned_registry = create<TypeRegistry>(allocator, allocator);
    impl->bytes = bytes;
    LoadContext context{.module = *impl,
                        .features = options.features,
                        .limits = options.limits,
                        .diagnostics = diagnostics,
                        .allocator = allocator,
                        .declared_funcs = Vec<uint64_t>{allocator},
                        .exact_imports = Vec<uint32_t>{allocator}};
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

void Module::retain() const noexcept { impl_->owners.add(); }
void Module::release() const noexcept {
    if (impl_->owners.drop())
        destroy(impl_->allocator, impl_);
}

const TypeRegistry& Module::type_registry() const noexcept { return *impl_->registry; }
std::span<const TypeId> Module::types() const noexcept { return impl_->types; }
std::span<const Import> Module::imports() const noexcept { return impl_->imports; }
std::span<const Export> Module::exports() const noexcept { return impl_->exports; }
const Export* Module::find_export(std::string_view name) const noexcept { return impl_->find_export(name); }
std::span<const TypeId> Module::funcs() const noexcept { return impl_->funcs; }
uint32_t Module::imported_funcs() const noexcept { return impl_->imported_funcs; }
std::span<const FuncBody> Module::bodies() const noexcept { return impl_->bodies; }
std::span<const TableType> Module::tables() const noexcept { return impl_->tables; }
std::span<const MemoryType> Module::memories() const noexcept { return impl_->memories; }
std::span<const GlobalType> Module::globals() const noexcept { return impl_->globals; }
std::span<const TagType> Module::tags() const noexcept { return impl_->tags; }
uint32_t Module::imported_tables() const noexcept { return impl_->imported_tables; }
uint32_t Module::imported_memories() const noexcept { return impl_->imported_memories; }
uint32_t Module::imported_globals() const noexcept { return impl_->imported_globals; }
uint32_t Module::imported_tags() const noexcept { return impl_->imported_tags; }
std::span<const TableDecl> Module::table_decls() const noexcept { return impl_->table_decls; }
std::span<const GlobalDecl> Module::global_decls() const noexcept { return impl_->global_decls; }
std::span<const ElementSegment> Module::elements() const noexcept { return impl_->elements; }
std::span<const DataSegment> Module::data() const noexcept { return impl_->data; }
std::optional<uint32_t> Module::start() const noexcept { return impl_->start; }
std::span<const CustomSection> Module::custom_sections() const noexcept { return impl_->custom_sections; }
std::span<const SectionRange> Module::sections() const noexcept { return impl_->sections; }
std::span<const uint8_t> Module::bytes() const noexcept { return impl_->bytes; }
std::string_view Module::name() const noexcept { return impl_->name; }
std::string_view Module::func_name(uint32_t func) const noexcept { return impl_->func_name(func); }

Module::Attachment* Module::attachment() const noexcept {
    return impl_->attachment.load(std::memory_order_acquire);
}

Module::Attachment* Module::attach(Attachment* fresh) const noexcept {
    Attachment* current = nullptr;
    return impl_->attachment.compare_exchange_strong(current, fresh, std::memory_order_acq_rel) ? fresh
                                                                                                : current;
}

} // namespace warpbeam
