#include "store/errors.hpp"
#include "store/host_func.hpp"
#include "store/link.hpp"

#include <warpbeam/vm/linker.hpp>

/// A module whose imports have been looked up and checked.

namespace warpbeam {

struct LinkedModule::Impl : RefCounted<Impl> {
    Impl(const Engine& of, const Module& linked) noexcept
        : RefCounted{of.allocator()}, engine{of}, module{linked}, hosts{of.allocator()} {}
    const Engine engine;
    const Module module;
    Vec<Ref<vm::HostFunc>> hosts; ///< one for each import
};

LinkedModule::LinkedModule() noexcept = default;
LinkedModule::LinkedModule(const LinkedModule&) noexcept = default;
LinkedModule& LinkedModule::operator=(const LinkedModule&) noexcept = default;
LinkedModule::~LinkedModule() = default;
LinkedModule::LinkedModule(Ref<Impl> impl) noexcept : impl_{std::move(impl)} {}

Module LinkedModule::module() const noexcept { return impl_ ? impl_->module : Module{}; }

std::expected<LinkedModule, InstantiationError> Linker::resolve(const Module& module) const noexcept {
    Allocator& allocator = engine_.allocator();
    const auto refuse = [&](const Error& error) {
        return std::unexpected{InstantiationError{error, allocator}};
    };
    if (!module)
        return refuse(no_module());
    if (&module.type_registry() != &engine_.types())
        return refuse(other_engine());
    bool has_memory = false;
    const Vec<ImportValue> values = look_up(module, has_memory);
    auto impl = Ref<LinkedModule::Impl>::adopt(create<LinkedModule::Impl>(allocator, engine_, module));
    if (!has_memory || !impl)
        return refuse(no_memory());
    LinkReport report{module, allocator};
    for (uint32_t i = 0; i < values.size(); ++i) {
        const Import& import = module.imports()[i];
        if (values[i].object != nullptr)
            return refuse(
                Error{allocator, ErrorCode::usage,
                      "%.*s.%.*s belongs to one store, so a module that imports it can't be resolved "
                      "for all stores",
                      static_cast<int>(import.module.size()), import.module.data(),
                      static_cast<int>(import.name.size()), import.name.data()});
        if (!impl->hosts.push(Ref<vm::HostFunc>::share(values[i].host)))
            return refuse(no_memory());
        check_import(report, i, import, values[i], engine_.types());
    }
    if (!report.empty())
        return std::unexpected{report.take()};
    return LinkedModule{std::move(impl)};
}

std::expected<Vec<ImportValue>, InstantiationError> LinkedModule::imports(Store& store) const noexcept {
    Allocator& allocator = store.engine().allocator();
    if (!impl_)
        return std::unexpected{InstantiationError{no_module(), allocator}};
    if (store.engine() != impl_->engine)
        return std::unexpected{InstantiationError{other_engine(), allocator}};
    Vec<ImportValue> values{allocator};
    if (!values.resize(impl_->hosts.size()))
        return std::unexpected{InstantiationError{no_memory(), allocator}};
    for (size_t i = 0; i < values.size(); ++i)
        values[i].host = impl_->hosts[i].get();
    return values;
}

std::expected<Instance, InstantiationError> LinkedModule::instantiate(Store& store) const noexcept {
    const auto values = imports(store);
    return values ? instantiate_checked(store, impl_->module, *values) : std::unexpected{values.error()};
}

} // namespace warpbeam
