#pragma once

#include "store/objects.hpp"

#include <warpbeam/loader/text.hpp>
#include <warpbeam/vm/instance.hpp>

namespace warpbeam {

namespace vm {
struct HostFunc;
}

/// What an import will be bound to: an object of the store, a host function of a linker, or nothing.
struct ImportValue {
    const Extern* object = nullptr;
    vm::HostFunc* host = nullptr;
};

/// Collects the imports that can't be bound, and reports them in one error.
class LinkReport {
public:
    LinkReport(const Module& module, Allocator& allocator) noexcept;
    ~LinkReport();
    LinkReport(const LinkReport&) = delete;
    LinkReport& operator=(const LinkReport&) = delete;

    void missing(uint32_t import) noexcept;
    void mismatch(uint32_t import, const ExternType& found) noexcept;
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    /// The error; the report is empty afterwards.
    [[nodiscard]] InstantiationError take() noexcept;

private:
    [[nodiscard]] bool begin(uint32_t import, const char* problem) noexcept;

    const Module& module_;
    Ref<InstantiationError::Details> details_;
    size_t count_ = 0;
};

/// Reports an import that is missing or whose type does not match.
void check_import(LinkReport& report, uint32_t index, const Import& import, const ImportValue& value,
                  const TypeRegistry& types) noexcept;
/// The number of the store that an object belongs to, even if the store was destroyed; 0 for an empty handle.
[[nodiscard]] uint64_t store_number(const Extern& object) noexcept;

/// What the imports of a module will be bound to. Errors: `out_of_memory`.
[[nodiscard]] std::expected<Vec<ImportValue>, InstantiationError>
import_values(Store& store, const Module& module, std::span<const Extern> imports) noexcept;

/// Makes an instance of a module, its imports in the order of Module::imports.
/// https://webassembly.github.io/spec/core/exec/modules.html#instantiation
[[nodiscard]] std::expected<Instance, InstantiationError>
instantiate(Store& store, const Module& module, std::span<const ImportValue> imports) noexcept;
/// The same for imports that are all host functions, and known to match.
[[nodiscard]] std::expected<Instance, InstantiationError>
instantiate_checked(Store& store, const Module& module, std::span<const ImportValue> imports) noexcept;

/// Whether the module can be instantiated with these imports.
[[nodiscard]] std::expected<void, InstantiationError>
check_instantiation(Store& store, const Module& module, std::span<const ImportValue> imports) noexcept;
/// All of the instantiation but the start function. Precondition: the imports match.
[[nodiscard]] std::expected<vm::InstanceObject*, InstantiationError>
make_instance(Store& store, const Module& module, std::span<const ImportValue> imports) noexcept;

namespace vm {
/// Types as used for linking: the minimum is the current size.
[[nodiscard]] MemoryType type_of(MemoryInst& memory) noexcept;
[[nodiscard]] TableType type_of(const TableInst& table) noexcept;

/// An instance with nothing but its own functions, for a snapshot, which the store owns at once. The caller
/// fills the index spaces, of everything that is imported and of all other kinds, and calls
/// `set_exported_memory`.
[[nodiscard]] std::expected<InstanceObject*, Error> make_shell(StoreImpl& store,
                                                               const Module& module) noexcept;
void set_exported_memory(InstanceObject& inst) noexcept;

/// Restores an instance's state from before its start function.
[[nodiscard]] std::expected<void, InstantiationError> reset(InstanceObject& inst) noexcept;
} // namespace vm

} // namespace warpbeam
