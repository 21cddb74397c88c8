#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/host_func.hpp>
#include <warpbeam/vm/instance.hpp>

namespace warpbeam {

struct ImportValue;

/// A module with host functions for all that it imports, see Linker::resolve: ready to be instantiated in any
/// store of the engine. A value that is cheap to copy; it keeps its module and functions alive, also after
/// the end of the linker.
///
/// Thread-safety: any number of threads may instantiate at once, each in its own store.
class WARPBEAM_API LinkedModule {
public:
    /// Empty: to instantiate it is an error.
    LinkedModule() noexcept;
    LinkedModule(const LinkedModule&) noexcept;
    LinkedModule& operator=(const LinkedModule&) noexcept;
    ~LinkedModule();

    /// The module that it was made from; empty for an empty LinkedModule.
    [[nodiscard]] Module module() const noexcept;
    /// Makes an instance. Errors: as for Instance::create.
    [[nodiscard]] std::expected<Instance, InstantiationError> instantiate(Store& store) const noexcept;

private:
    friend class Linker;
    struct Impl;
    explicit LinkedModule(Ref<Impl> impl) noexcept;
    Ref<Impl> impl_;
};

/// Names for what modules import. Host functions in it serve any number of stores; other definitions belong
/// to the store of their object.
/// https://webassembly.github.io/spec/core/exec/modules.html#instantiation
///
/// Thread-safety: as long as nothing is defined, several threads may instantiate (each in its own store).
class WARPBEAM_API Linker {
public:
    /// A linker without definitions.
    explicit Linker(const Engine& engine) noexcept;
    /// The other linker is then empty, of the same engine.
    Linker(Linker&& other) noexcept;
    Linker& operator=(Linker&& other) noexcept;
    ~Linker();

    /// The engine that it was created with.
    [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

    /// Whether a later definition may replace an earlier one of the same name; at first it may not.
    void allow_shadowing(bool allow) noexcept { shadowing_ = allow; }

    /// Defines one name. Errors of all definitions: `usage` when the name is taken; `out_of_memory`. Names
    /// are copied.
    [[nodiscard]] std::expected<void, Error> define(std::string_view module, std::string_view name,
                                                    const Extern& value) noexcept;
    /// Defines all exports of an instance under their names. On an error, the exports before the failing one
    /// stay.
    [[nodiscard]] std::expected<void, Error> define_instance(std::string_view module,
                                                             Instance instance) noexcept;
    /// Defines a typed host function: `linker.func("env", "add", [](int32_t a, int32_t b) { return a + b;
    /// })`. See host_func.hpp.
    template <typename F>
    [[nodiscard]] std::expected<void, Error> func(std::string_view module, std::string_view name,
                                                  F callable) noexcept {
        return define_host(module, name, detail::typed_signature<F>(engine_.types()),
                           detail::wrap_typed(engine_.allocator(), std::move(callable)));
    }
    /// Defines a host function of any type with an untyped callback. See host_func.hpp.
    template <typename F>
    [[nodiscard]] std::expected<void, Error> func(std::string_view module, std::string_view name,
                                                  const FuncType& type, F callback) noexcept {
        return define_host(module, name, type,
                           detail::wrap_untyped(engine_.allocator(), std::move(callback)));
    }

    /// Defines what a module exports, of a fresh instance of it. Errors: as for `instantiate`, and those of
    /// definitions.
    [[nodiscard]] std::expected<Instance, InstantiationError>
    define_module(Store& store, std::string_view name, const Module& module) noexcept;

    /// What a function does that a module imports and that is not defined.
    enum class Stub : uint8_t {
        trap, ///< a call of one traps with `host` and says which it is
        zero, ///< a call of one returns zeros and nulls; it traps if a result can't be null
    };
    /// Defines stubs for all functions that the module imports and that are not defined yet.
    [[nodiscard]] std::expected<void, Error> stub_unknown(const Module& module, Stub stub) noexcept;

    /// What is defined under a name, as an object of the store: a host function becomes a fresh function of
    /// it. Errors: `usage` when there is none, or it belongs to another store; `out_of_memory`.
    [[nodiscard]] std::expected<Extern, Error> get(Store& store, std::string_view module,
                                                   std::string_view name) const noexcept;
    /// A definition, valid until the next change of the linker.
    struct Entry {
        std::string_view module; ///< the first of the two names
        std::string_view name;   ///< the second
        ExternKind kind;         ///< what it is
        bool is_host;            ///< a host function, which serves any store
    };
    /// The number of definitions, and those in the order in which their names were first defined.
    [[nodiscard]] size_t size() const noexcept { return definitions_.size(); }
    /// Precondition: `i` is less than `size()`.
    [[nodiscard]] Entry operator[](size_t i) const noexcept;

    /// Whether something is defined under that name.
    [[nodiscard]] bool defines(std::string_view module, std::string_view name) const noexcept {
        return find(module, name) != nullptr;
    }

    /// Binds every import to the definition of its name and instantiates. Errors: as for Instance::create;
    /// all imports that are missing or do not fit are reported at once.
    [[nodiscard]] std::expected<Instance, InstantiationError>
    instantiate(Store& store, const Module& module) const noexcept;
    /// Looks up every import and compares its type once, for a module that is to be instantiated many times.
    /// Errors: as for `instantiate`, and `usage` for a definition that is not a host function, since that
    /// belongs to one store.
    [[nodiscard]] std::expected<LinkedModule, InstantiationError>
    resolve(const Module& module) const noexcept;

private:
    struct Definition;
    void clear() noexcept;
    /// What the module's imports are to be bound to; `has_memory` says whether there was any for that.
    [[nodiscard]] Vec<ImportValue> look_up(const Module& module, bool& has_memory) const noexcept;
    [[nodiscard]] std::expected<void, Error> define_host(std::string_view module, std::string_view name,
                                                         const FuncType& type,
                                                         const detail::HostCallable& callable) noexcept;
    [[nodiscard]] std::expected<Definition*, Error> add(std::string_view module,
                                                        std::string_view name) noexcept;
    [[nodiscard]] Definition* find(std::string_view module, std::string_view name) const noexcept;

    Engine engine_;
    Vec<Definition*> definitions_;
    HashIndex by_name_;
    bool shadowing_ = false;
};

} // namespace warpbeam
