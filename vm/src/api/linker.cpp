#include "store/host_func.hpp"
#include "store/link.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/memory/hash.hpp>
#include <warpbeam/vm/linker.hpp>

#include <algorithm>

namespace warpbeam {

struct Linker::Definition {
    explicit Definition(Allocator& allocator) noexcept : text{allocator} {}
    [[nodiscard]] bool is(std::string_view module, std::string_view name) const noexcept {
        const std::string_view all{text.data(), text.size()};
        return module_size == module.size() && all.substr(0, module_size) == module &&
               all.substr(module_size) == name;
    }

    /// The module's name, then the field's.
    Vec<char> text;
    size_t module_size = 0;
    Extern object;
    /// When set, it is what is defined.
    Ref<vm::HostFunc> host;
};

namespace {

uint32_t hash_of(std::string_view module, std::string_view name) noexcept {
    return warpbeam::hash_of(name, warpbeam::hash_of(module));
}

} // namespace

Linker::Linker(Engine& engine) noexcept
    : engine_{&engine}, definitions_{engine.allocator()}, by_name_{engine.allocator()} {}

Linker::~Linker() {
    for (Definition* const definition : definitions_)
        destroy(engine_->allocator(), definition);
}

Linker::Definition* Linker::find(std::string_view module, std::string_view name) const noexcept {
    const uint32_t position = by_name_.find(
        hash_of(module, name), [&](uint32_t candidate) { return definitions_[candidate]->is(module, name); });
    return position != HashIndex::npos ? definitions_[position] : nullptr;
}

std::expected<Linker::Definition*, Error> Linker::add(std::string_view module,
                                                      std::string_view name) noexcept {
    if (Definition* const present = find(module, name)) {
        if (shadowing_)
            return present;
        return std::unexpected{Error{ErrorCode::usage, "%.*s.%.*s is defined already",
                                     static_cast<int>(module.size()), module.data(),
                                     static_cast<int>(name.size()), name.data()}};
    }
    Allocator& allocator = engine_->allocator();
    auto* const fresh = create<Definition>(allocator, allocator);
    if (fresh == nullptr)
        return std::unexpected{no_memory()};
    fresh->module_size = module.size();
    const auto position = static_cast<uint32_t>(definitions_.size());
    if (!fresh->text.append({module.data(), module.size()}) ||
        !fresh->text.append({name.data(), name.size()}) || !definitions_.push(fresh)) {
        destroy(allocator, fresh);
        return std::unexpected{no_memory()};
    }
    if (!by_name_.insert(hash_of(module, name), position)) {
        definitions_.pop();
        destroy(allocator, fresh);
        return std::unexpected{no_memory()};
    }
    return fresh;
}

std::expected<void, Error> Linker::define(std::string_view module, std::string_view name,
                                          const Extern& value) noexcept {
    if (const Func* const func = std::get_if<Func>(&value); func != nullptr && func->is_null())
        return std::unexpected{Error{ErrorCode::usage, "a null function can't be defined"}};
    const auto definition = add(module, name);
    if (!definition)
        return std::unexpected{definition.error()};
    (*definition)->host = nullptr;
    (*definition)->object = value;
    return {};
}

std::expected<void, Error> Linker::define_instance(std::string_view module, Instance instance) noexcept {
    for (const Export& entry : instance.module().exports())
        if (auto defined = define(module, entry.name, instance.get(entry)); !defined)
            return defined;
    return {};
}

std::expected<void, Error> Linker::define_host(std::string_view module, std::string_view name,
                                               const FuncType& type,
                                               const detail::HostCallable& callable) noexcept {
    const auto host = vm::HostFunc::create(*engine_, type, callable);
    if (!host)
        return std::unexpected{host.error()};
    const auto definition = add(module, name);
    if (!definition)
        return std::unexpected{definition.error()};
    (*definition)->host = *host;
    return {};
}

std::expected<Instance, InstantiationError> Linker::instantiate(Store& store,
                                                                const Module& module) const noexcept {
    Allocator& allocator = engine_->allocator();
    Vec<ImportValue> values{allocator};
    if (!values.resize(module.imports().size()))
        return std::unexpected{InstantiationError{no_memory(), allocator}};
    for (size_t i = 0; i < values.size(); ++i) {
        const Import& import = module.imports()[i];
        const Definition* const definition = find(import.module, import.name);
        if (definition != nullptr && definition->host)
            values[i].host = definition->host.get();
        else if (definition != nullptr)
            values[i].object = &definition->object;
    }
    return warpbeam::instantiate(store, module, values);
}

} // namespace warpbeam
