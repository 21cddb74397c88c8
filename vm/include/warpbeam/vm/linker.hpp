#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/host_func.hpp>
#include <warpbeam/vm/instance.hpp>

namespace warpbeam {

struct ImportValue;

/// A module with a host function for each of its imports, see Linker::resolve: ready to be instantiated in
/// any store of the engine. A value that is cheap to copy. It keeps its module and functions alive, even
/// after the linker was destroyed.
/// https://webassembly.github.io/spec/core/exec/modules.html#instantiation
///
/// Thread-safety: any number of threads may instantiate it at the same time, each in its own store.
class WARPBEAM_API LinkedModule {
public:
    /// Empty; instantiating it is an error.
    LinkedModule() noexcept;
    LinkedModule(const LinkedModule&) noexcept;
    LinkedModule& operator=(const LinkedModule&) noexcept;
    ~LinkedModule();

    /// Its module; empty for an empty LinkedModule.
    [[nodiscard]] Module module() const noexcept;
    /// Makes an instance. Errors: as for Instance::create.
    [[nodiscard]] std::expected<Instance, InstantiationError> instantiate(Store& store) const noexcept;

private:
    friend class Linker;
    friend class Execution; // to instantiate it, too
    struct Impl;
    explicit LinkedModule(Ref<Impl> impl) noexcept;
    [[nodiscard]] std::expected<Vec<ImportValue>, InstantiationError> imports(Store& store) const noexcept;
    Ref<Impl> impl_;
};

/// Definitions, by name, for the imports of modules. A host function defined here can be used in any number
/// of stores; any other definition belongs to the store of its object.
/// https://webassembly.github.io/spec/core/exec/modules.html#instantiation
///
/// Thread-safety: several threads may instantiate at the same time, each in its own store, as long as none
/// adds definitions.
class WARPBEAM_API Linker {
public:
    /// A linker without definitions.
    explicit Linker(const Engine& engine) noexcept;
    /// The other linker is then empty and keeps the engine.
    Linker(Linker&& other) noexcept;
    Linker& operator=(Linker&& other) noexcept;
    ~Linker();

    /// The engine that the linker was created with.
    [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

    /// Whether a later definition may replace an earlier one of the same name; initially it may not.
    void allow_shadowing(bool allow) noexcept { shadowing_ = allow; }

    /// Defines one name. Names are copied. Errors of all functions that define: `usage` if the name is
    /// already defined; `out_of_memory`.
    [[nodiscard]] std::expected<void, Error> define(std::string_view module, std::string_view name,
                                                    const Extern& value) noexcept;
    /// Defines all exports of an instance under their names. After an error, the exports before the failing
    /// one stay defined.
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
    /// The same with a type of the engine's registry, such as `import.type.func`. An import needs that if its
    /// type is open, has a supertype, or belongs to a recursive group of several types: no FuncType is equal
    /// to it. https://webassembly.github.io/spec/core/valid/matching.html#defined-types
    template <typename F>
    [[nodiscard]] std::expected<void, Error> func(std::string_view module, std::string_view name, TypeId type,
                                                  F callback) noexcept {
        return define_host(module, name, type,
                           detail::wrap_untyped(engine_.allocator(), std::move(callback)));
    }

    /// @{ Defines a host call: no function runs, the Execution that calls it waits for its answer
    /// (execution.hpp). A call that no Execution makes traps with `cannot_suspend`.
    template <typename Signature>
    [[nodiscard]] std::expected<void, Error> host_call(std::string_view module,
                                                       std::string_view name) noexcept {
        using Types = detail::Callable<Signature*>;
        return host_call(
            module, name,
            detail::TypedSignature<typename Types::Arguments, typename Types::Return>{&engine_.types()});
    }
    [[nodiscard]] std::expected<void, Error> host_call(std::string_view module, std::string_view name,
                                                       const FuncType& type) noexcept;
    [[nodiscard]] std::expected<void, Error> host_call(std::string_view module, std::string_view name,
                                                       TypeId type) noexcept;
    /// @}

    /// Instantiates a module and defines all exports of the instance. Errors: as for `instantiate` and
    /// `define`.
    [[nodiscard]] std::expected<Instance, InstantiationError>
    define_module(Store& store, std::string_view name, const Module& module) noexcept;

    /// What `stub_unknown` defines for an unknown import.
    enum class Stub : uint8_t {
        trap, ///< a function that traps with `host` and a message that names it
        zero, ///< a function that returns zeros and nulls; it traps if a result type has no null
    };
    /// Defines stubs for all functions that the module imports and that are not defined yet.
    [[nodiscard]] std::expected<void, Error> stub_unknown(const Module& module, Stub stub) noexcept;

    /// The definition of a name, as an object of the store: for a host function, a new function in it.
    /// Errors: `usage` if there is none, or it belongs to another store; `out_of_memory`.
    [[nodiscard]] std::expected<Extern, Error> get(Store& store, std::string_view module,
                                                   std::string_view name) const noexcept;
    /// A definition, valid until the linker is changed.
    struct Entry {
        std::string_view module; ///< the first part of its name
        std::string_view name;   ///< the second part
        ExternKind kind;         ///< what it is
        bool is_host;            ///< whether it is a host function, which any store can use
    };
    /// The number of definitions.
    [[nodiscard]] size_t size() const noexcept { return definitions_.size(); }
    /// Definition `i`, in the order in which the names were first defined. Precondition: `i` is less than
    /// `size()`.
    [[nodiscard]] Entry operator[](size_t i) const noexcept;

    /// Whether something is defined under that name.
    [[nodiscard]] bool defines(std::string_view module, std::string_view name) const noexcept {
        return find(module, name) != nullptr;
    }

    /// Binds every import to the definition of its name, and instantiates the module. Errors: as for
    /// Instance::create; all imports that are missing or do not fit are reported together.
    [[nodiscard]] std::expected<Instance, InstantiationError>
    instantiate(Store& store, const Module& module) const noexcept;
    /// Looks up every import and checks its type once, for a module that will be instantiated many times.
    /// Errors: as for `instantiate`, and `usage` if a definition is not a host function, since it then
    /// belongs to one store.
    [[nodiscard]] std::expected<LinkedModule, InstantiationError>
    resolve(const Module& module) const noexcept;

private:
    friend class Execution; // to instantiate modules, too
    struct Definition;
    void clear() noexcept;
    /// The definitions for the module's imports; `has_memory` becomes false if memory ran out.
    [[nodiscard]] Vec<ImportValue> look_up(const Module& module, bool& has_memory) const noexcept;
    [[nodiscard]] std::expected<void, Error> define_host(std::string_view module, std::string_view name,
                                                         const FuncType& type,
                                                         const detail::HostCallable& callable) noexcept;
    [[nodiscard]] std::expected<void, Error> define_host(std::string_view module, std::string_view name,
                                                         TypeId type,
                                                         const detail::HostCallable& callable) noexcept;
    [[nodiscard]] std::expected<void, Error>
    define_host(std::string_view module, std::string_view name,
                const std::expected<Ref<vm::HostFunc>, Error>& host) noexcept;
    [[nodiscard]] std::expected<Definition*, Error> add(std::string_view module,
                                                        std::string_view name) noexcept;
    [[nodiscard]] Definition* find(std::string_view module, std::string_view name) const noexcept;

    Engine engine_;
    Vec<Definition*> definitions_;
    HashIndex by_name_;
    bool shadowing_ = false;
};

} // namespace warpbeam
