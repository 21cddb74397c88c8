#include "store/host_func.hpp"
#include "store/link.hpp"
#include "store/use.hpp"

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

    /// The two parts of the name, one after the other.
    Vec<char> text;
    size_t module_size = 0;
    Extern object;
    /// The definition, if it is a host function.
    Ref<vm::HostFunc> host;
};

namespace {

// The engine stays the same when a linker moves.
uint32_t hash_of(const Engine& engine, std::string_view module, std::string_view name) noexcept {
    return SeededHash{&engine.types()}.add(module).add(name).finish();
}

} // namespace

Linker::Linker(const Engine& engine) noexcept
    : engine_{engine}, definitions_{engine.allocator()}, by_name_{engine.allocator()} {}

Linker::Linker(Linker&& other) noexcept : Linker{other.engine_} { *this = std::move(other); }

Linker& Linker::operator=(Linker&& other) noexcept {
    if (this == &other)
        return *this;
    clear();
    engine_ = other.engine_;
    definitions_ = std::move(other.definitions_);
    by_name_ = std::move(other.by_name_);
    shadowing_ = other.shadowing_;
    other.clear();
    return *this;
}

Linker::~Linker() { clear(); }

void Linker::clear() noexcept {
    for (Definition* const definition : definitions_)
        destroy(engine_.allocator(), definition);
    definitions_ = Vec<Definition*>{engine_.allocator()};
    by_name_ = HashIndex{engine_.allocator()};
}

Linker::Definition* Linker::find(std::string_view module, std::string_view name) const noexcept {
    const uint32_t position = by_name_.find(hash_of(engine_, module, name), [&](uint32_t candidate) {
        return definitions_[candidate]->is(module, name);
    });
    return position != HashIndex::npos ? definitions_[position] : nullptr;
}

std::expected<Linker::Definition*, Error> Linker::add(std::string_view module,
                                                      std::string_view name) noexcept {
    if (Definition* const present = find(module, name)) {
        if (shadowing_)
            return present;
        return std::unexpected{Error{ErrorCode::usage, "%.*s.%.*s is already defined",
                                     static_cast<int>(module.size()), module.data(),
                                     static_cast<int>(name.size()), name.data()}};
    }
    Allocator& allocator = engine_.allocator();
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
    if (!by_name_.insert(hash_of(engine_, module, name), position)) {
        definitions_.pop();
        destroy(allocator, fresh);
        return std::unexpected{no_memory()};
    }
    return fresh;
}

std::expected<void, Error> Linker::define(std::string_view module, std::string_view name,
                                          const Extern& value) noexcept {
    if (store_number(value) == 0)
        return std::unexpected{Error{ErrorCode::usage, "an empty handle can't be defined"}};
    const auto definition = add(module, name);
    if (!definition)
        return std::unexpected{definition.error()};
    (*definition)->host = nullptr;
    (*definition)->object = value;
    return {};
}

std::expected<void, Error> Linker::define_instance(std::string_view module, Instance instance) noexcept {
    const vm::Use use{instance};
    if (!use)
        return std::unexpected{use.error()};
    for (const Export& entry : vm::Internal::inst(instance)->module->exports())
        if (auto defined = define(module, entry.name, instance.get(entry)); !defined)
            return defined;
    return {};
}

std::expected<void, Error> Linker::define_host(std::string_view module, std::string_view name,
                                               const FuncType& type,
                                               const detail::HostCallable& callable) noexcept {
    return define_host(module, name, vm::HostFunc::create(engine_, type, callable));
}
std::expected<void, Error> Linker::define_host(std::string_view module, std::string_view name, TypeId type,
                                               const detail::HostCallable& callable) noexcept {
    return define_host(module, name, vm::HostFunc::create(engine_, type, callable));
}
std::expected<void, Error> Linker::define_host(std::string_view module, std::string_view name,
                                               const std::expected<Ref<vm::HostFunc>, Error>& host) noexcept {
    if (!host)
        return std::unexpected{host.error()};
    const auto definition = add(module, name);
    if (!definition)
        return std::unexpected{definition.error()};
    (*definition)->host = *host;
    return {};
}

std::expected<void, Error> Linker::host_call(std::string_view module, std::string_view name,
                                             const FuncType& type) noexcept {
    return define_host(module, name, vm::HostFunc::create_owners(engine_, type));
}
std::expected<void, Error> Linker::host_call(std::string_view module, std::string_view name,
                                             TypeId type) noexcept {
    return define_host(module, name, vm::HostFunc::create_owners(engine_, type));
}

Vec<ImportValue> Linker::look_up(const Module& module, bool& has_memory) const noexcept {
    Vec<ImportValue> values{engine_.allocator()};
    has_memory = values.resize(module.imports().size());
    for (size_t i = 0; has_memory && i < values.size(); ++i) {
        const Import& import = module.imports()[i];
        const Definition* const definition = find(import.module, import.name);
        if (definition != nullptr && definition->host)
            values[i].host = definition->host.get();
        else if (definition != nullptr)
            values[i].object = &definition->object;
    }
    return values;
}

std::expected<Instance, InstantiationError> Linker::instantiate(Store& store,
                                                                const Module& module) const noexcept {
    if (store.engine() != engine_)
        return std::unexpected{InstantiationError{other_engine(), engine_.allocator()}};
    bool has_memory = false;
    const Vec<ImportValue> values = look_up(module, has_memory);
    if (!has_memory)
        return std::unexpected{InstantiationError{no_memory(), engine_.allocator()}};
    return warpbeam::instantiate(store, module, values);
}

std::expected<Instance, InstantiationError> Linker::define_module(Store& store, std::string_view name,
                                                                  const Module& module) noexcept {
    auto instance = instantiate(store, module);
    if (!instance)
        return instance;
    if (auto defined = define_instance(name, *instance); !defined)
        return std::unexpected{InstantiationError{defined.error(), engine_.allocator()}};
    return instance;
}

std::expected<Extern, Error> Linker::get(Store& store, std::string_view module,
                                         std::string_view name) const noexcept {
    const auto refuse = [&](const char* why) {
        return std::unexpected{Error{engine_.allocator(), ErrorCode::usage, "%.*s.%.*s %s",
                                     static_cast<int>(module.size()), module.data(),
                                     static_cast<int>(name.size()), name.data(), why}};
    };
    const Definition* const definition = find(module, name);
    if (definition == nullptr)
        return refuse("is not defined");
    if (store.engine() != engine_)
        return std::unexpected{other_engine()};
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    if (definition->host) {
        vm::FuncInst* const func = impl.objects.make_host_func(*definition->host);
        if (func == nullptr)
            return std::unexpected{no_memory()};
        return vm::make_func(func);
    }
    if (store_number(definition->object) != impl.number())
        return refuse("belongs to another store");
    return definition->object;
}

Linker::Entry Linker::operator[](size_t i) const noexcept {
    const Definition& definition = *definitions_[i];
    const std::string_view all{definition.text.data(), definition.text.size()};
    return {all.substr(0, definition.module_size), all.substr(definition.module_size),
            definition.host ? ExternKind::func : kind_of(definition.object),
            static_cast<bool>(definition.host)};
}

namespace {

/// A host function that replaces a missing one.
struct StubFunc {
    Text name;
    Linker::Stub stub;

    std::expected<void, Trap> operator()(Caller& caller, std::span<const Value>, std::span<Value>) const {
        if (stub == Linker::Stub::zero)
            return {}; // the results are zeros already, and will be checked
        return std::unexpected{Trap::with_message(caller.store().engine().allocator(), TrapCode::host,
                                                  "the imported function %.*s is not defined",
                                                  static_cast<int>(name.view().size()), name.view().data())};
    }
};

} // namespace

std::expected<void, Error> Linker::stub_unknown(const Module& module, Stub stub) noexcept {
    if (!module)
        return std::unexpected{Error{ErrorCode::usage, "no module: the handle is empty"}};
    if (&module.type_registry() != &engine_.types())
        return std::unexpected{other_engine()};
    for (const Import& import : module.imports()) {
        if (import.type.kind != ExternKind::func || defines(import.module, import.name))
            continue;
        StubFunc stand_in{Text{engine_.allocator()}, stub};
        stand_in.name.add(import.module).add(".").add(import.name);
        if (auto defined = define_host(import.module, import.name, import.type.func,
                                       detail::wrap_untyped(engine_.allocator(), std::move(stand_in)));
            !defined)
            return defined;
    }
    return {};
}

} // namespace warpbeam
