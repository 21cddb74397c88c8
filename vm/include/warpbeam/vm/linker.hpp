#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/host_func.hpp>
#include <warpbeam/vm/instance.hpp>

namespace warpbeam {

/// Names for what modules import. Host functions in it serve any number of stores; other definitions belong
/// to the store of their object. The engine must outlive it.
/// https://webassembly.github.io/spec/core/exec/modules.html#instantiation
///
/// Thread-safety: as long as nothing is defined, several threads may instantiate (each in its own store).
class WARPBEAM_API Linker {
public:
    /// A linker without definitions.
    explicit Linker(Engine& engine) noexcept;
    ~Linker();
    Linker(const Linker&) = delete;
    Linker& operator=(const Linker&) = delete;

    /// Whether a later definition may replace an earlier one of the same name; at first it may not.
    void allow_shadowing(bool allow) noexcept { shadowing_ = allow; }

    /// Defines one name. Errors of all definitions: `usage` when the name is taken; `out_of_memory`. Names
    /// are copied.
    std::expected<void, Error> define(std::string_view module, std::string_view name,
                                      const Extern& value) noexcept;
    /// Defines all exports of an instance under their names. On an error, the exports before the failing one
    /// stay.
    std::expected<void, Error> define_instance(std::string_view module, Instance instance) noexcept;
    /// Defines a typed host function: `linker.func("env", "add", [](int32_t a, int32_t b) { return a + b;
    /// })`. See host_func.hpp.
    template <typename F>
    std::expected<void, Error> func(std::string_view module, std::string_view name, F callable) noexcept {
        return define_host(module, name, detail::typed_signature<F>(engine_->types()),
                           detail::wrap_typed(engine_->allocator(), std::move(callable)));
    }
    /// Defines a host function of any type with an untyped callback. See host_func.hpp.
    template <typename F>
    std::expected<void, Error> func(std::string_view module, std::string_view name, const FuncType& type,
                                    F callback) noexcept {
        return define_host(module, name, type,
                           detail::wrap_untyped(engine_->allocator(), std::move(callback)));
    }

    /// Whether something is defined under that name.
    [[nodiscard]] bool defines(std::string_view module, std::string_view name) const noexcept {
        return find(module, name) != nullptr;
    }

    /// Binds every import to the definition of its name and instantiates. Errors: as for Instance::create;
    /// all imports that are missing or do not fit are reported at once.
    [[nodiscard]] std::expected<Instance, InstantiationError>
    instantiate(Store& store, const Module& module) const noexcept;

private:
    struct Definition;
    std::expected<void, Error> define_host(std::string_view module, std::string_view name,
                                           const FuncType& type,
                                           const detail::HostCallable& callable) noexcept;
    std::expected<Definition*, Error> add(std::string_view module, std::string_view name) noexcept;
    [[nodiscard]] Definition* find(std::string_view module, std::string_view name) const noexcept;

    Engine* engine_;
    Vec<Definition*> definitions_;
    HashIndex by_name_;
    bool shadowing_ = false;
};

} // namespace warpbeam
