#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/feature.hpp>
#include <warpbeam/loader/limits.hpp>
#include <warpbeam/loader/type_registry.hpp>
#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/sha256.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace warpbeam {

/// Something that a module imports.
struct Import {
    /// @{ The two parts of its name.
    std::string_view module;
    std::string_view name;
    /// @}
    ExternType type; ///< what it must be
};

/// Something that a module exports.
struct Export {
    std::string_view name;              ///< unique among its exports
    ExternKind kind = ExternKind::func; ///< what it is
    uint32_t index = 0;                 ///< in the index space of its kind
};

/// A constant expression: its validated instructions including the final `end`, and the type of its result.
/// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
struct ConstExpr {
    std::span<const uint8_t> code; ///< read by InstrReader
    ValType type;                  ///< of the result
};

/// Consecutive locals of one type.
struct LocalRun {
    uint32_t count = 0; ///< the number of these locals
    ValType type;       ///< the type of each of them
};

/// The body of a defined function. Everything in it has been validated.
struct FuncBody {
    TypeId type = 0;     ///< of the function
    uint32_t offset = 0; ///< of the body in the module: of its declarations of locals
    /// The declared locals, without the parameters.
    std::span<const LocalRun> locals;
    /// The total number of declared locals.
    uint32_t local_count = 0;
    /// The instructions, including the final `end`.
    std::span<const uint8_t> code;
    /// The offset of `code` in the module.
    uint32_t code_offset = 0;
    /// The maximum height of the operand stack, in 64-bit slots (a v128 takes two).
    uint32_t max_stack = 0;
};

/// A table that the module defines.
struct TableDecl {
    TableType type; ///< of the table
    /// The initial value of the elements; without it they are null.
    std::optional<ConstExpr> init;
};

/// A global that the module defines.
struct GlobalDecl {
    GlobalType type; ///< of the global
    ConstExpr init;  ///< its initial value
};

/// What happens to a segment: it is copied at instantiation, or by instructions, or it only declares
/// functions.
enum class SegmentMode : uint8_t { active, passive, declarative };

/// https://webassembly.github.io/spec/core/syntax/modules.html#element-segments
struct ElementSegment {
    SegmentMode mode = SegmentMode::passive; ///< what happens to it
    uint32_t table = 0;                      ///< when active
    ConstExpr offset;                        ///< when active
    ValType type;                            ///< of the elements
    std::span<const uint32_t> funcs;         ///< the elements, if all are given by function index
    std::span<const ConstExpr> exprs;        ///< otherwise the elements; one of the two spans is empty
    /// How many elements there are.
    [[nodiscard]] size_t size() const noexcept { return funcs.size() + exprs.size(); }
};

/// https://webassembly.github.io/spec/core/syntax/modules.html#data-segments
struct DataSegment {
    SegmentMode mode = SegmentMode::passive; ///< what happens to it
    uint32_t memory = 0;                     ///< when active
    ConstExpr offset;                        ///< when active
    std::span<const uint8_t> bytes;          ///< what is copied
};

/// https://webassembly.github.io/spec/core/binary/modules.html#custom-section
struct CustomSection {
    std::string_view name;          ///< what kind of section it is
    std::span<const uint8_t> bytes; ///< what follows the name
    /// The offset of `bytes` in the module.
    size_t offset = 0;
};

/// The bytes of one section, for tools.
struct SectionRange {
    uint8_t id = 0;    ///< see SectionId
    size_t offset = 0; ///< of the contents, after id and size
    size_t size = 0;   ///< of the contents
};

/// How a module is loaded.
struct LoadOptions {
    FeatureSet features = {}; ///< what it may use
    ModuleLimits limits = {}; ///< limits on its size and its parts
    /// Where types are stored. Modules that are linked with each other need the same registry, which must
    /// outlive them; without one the module makes its own.
    TypeRegistry* types = nullptr;
    Allocator* allocator = nullptr; ///< null means the default allocator
    /// The caller promises that the bytes outlive the module, unchanged; the module then makes no copy.
    bool borrow = false;
};

/// A decoded and validated module, or an empty handle, for which every list is empty. Immutable, and cheap to
/// copy: copies are the same module, which is destroyed with the last of them.
/// https://webassembly.github.io/spec/core/syntax/modules.html
///
/// Index spaces begin with the imports, as in the specification. All spans and views live as long as the
/// module.
/// Thread-safety: any number of threads may use copies of a handle at once.
class WARPBEAM_API Module {
public:
    /// Decodes and validates. The error gives the position of the first fault (byte offset, section,
    /// function), what was expected and what was found. Its code is `malformed` if the binary format is
    /// wrong, `invalid` if a validation rule is broken. Memory use is proportional to `bytes.size()`.
    [[nodiscard]] static std::expected<Module, Error> load(std::span<const uint8_t> bytes,
                                                           const LoadOptions& options = {}) noexcept;

    /// No module.
    constexpr Module() noexcept = default;
    Module(const Module& other) noexcept;
    Module(Module&& other) noexcept : impl_{std::exchange(other.impl_, nullptr)} {}
    Module& operator=(Module other) noexcept {
        std::swap(impl_, other.impl_);
        return *this;
    }
    ~Module();
    /// Whether there is a module.
    explicit operator bool() const noexcept { return impl_ != nullptr; }
    /// Whether both are the same module, or both empty.
    friend bool operator==(const Module&, const Module&) noexcept = default;

    /// The registry with its types; an empty one without a module.
    [[nodiscard]] const TypeRegistry& type_registry() const noexcept;
    /// The module's type index space: the registry id of each type.
    [[nodiscard]] std::span<const TypeId> types() const noexcept;

    /// @{ In the order of the module.
    [[nodiscard]] std::span<const Import> imports() const noexcept;
    [[nodiscard]] std::span<const Export> exports() const noexcept;
    /// Whether an entry has an index that this module has: another module's need not.
    [[nodiscard]] bool defines(const Export& entry) const noexcept;
    /// @}
    /// The type of an entry of `exports()`, as an import of it would have it.
    [[nodiscard]] ExternType type_of(const Export& entry) const noexcept;
    /// The export of that name, or null.
    [[nodiscard]] const Export* find_export(std::string_view name) const noexcept;

    /// The type of every function; imported ones come first.
    [[nodiscard]] std::span<const TypeId> funcs() const noexcept;
    /// How many of them are imported.
    [[nodiscard]] uint32_t imported_funcs() const noexcept;
    /// The bodies of the functions that are not imported.
    [[nodiscard]] std::span<const FuncBody> bodies() const noexcept;

    /// @{ The types of all tables, memories, globals and tags (imported ones come first), and the number of
    /// imported ones.
    [[nodiscard]] std::span<const TableType> tables() const noexcept;
    [[nodiscard]] std::span<const MemoryType> memories() const noexcept;
    [[nodiscard]] std::span<const GlobalType> globals() const noexcept;
    [[nodiscard]] std::span<const TagType> tags() const noexcept;
    [[nodiscard]] uint32_t imported_tables() const noexcept;
    [[nodiscard]] uint32_t imported_memories() const noexcept;
    [[nodiscard]] uint32_t imported_globals() const noexcept;
    [[nodiscard]] uint32_t imported_tags() const noexcept;
    /// @}
    /// @{ The declarations of those that are not imported.
    [[nodiscard]] std::span<const TableDecl> table_decls() const noexcept;
    [[nodiscard]] std::span<const GlobalDecl> global_decls() const noexcept;
    /// @}

    /// @{ The segments, in the order of the module.
    [[nodiscard]] std::span<const ElementSegment> elements() const noexcept;
    [[nodiscard]] std::span<const DataSegment> data() const noexcept;
    /// @}
    /// The start function, if there is one.
    [[nodiscard]] std::optional<uint32_t> start() const noexcept;

    /// The custom sections.
    [[nodiscard]] std::span<const CustomSection> custom_sections() const noexcept;
    /// All sections, custom ones included, in the order of the module.
    [[nodiscard]] std::span<const SectionRange> sections() const noexcept;
    /// The whole module in the binary format.
    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept;
    /// The SHA-256 of `bytes`, by which snapshots name the module. Computed when first asked for, and kept.
    [[nodiscard]] Digest digest() const noexcept;

    /// From the name section (a malformed one counts as absent); empty if there is none.
    /// https://webassembly.github.io/spec/core/appendix/custom.html#name-section
    [[nodiscard]] std::string_view name() const noexcept;
    /// A function's name: from the name section, else the name of its export, else empty.
    [[nodiscard]] std::string_view func_name(uint32_t func) const noexcept;

private:
    friend struct ModuleAccess;
    struct Impl;
    /// Takes over one reference count.
    explicit Module(Impl* impl) noexcept : impl_{impl} {}
    template <typename T, typename Member>
    [[nodiscard]] T answer(Member member) const noexcept;

    Impl* impl_ = nullptr;
};

struct ModuleData;

/// Access to a module that only the vm may use.
struct WARPBEAM_API ModuleAccess {
    /// Data derived from a module and stored with it (lowered code). It is released with the module by
    /// calling `drop`.
    struct Attachment {
        /// The module is being destroyed, and so must this be.
        virtual void drop() noexcept = 0;

    protected:
        ~Attachment() = default;
    };
    /// The attached data; null if there is none.
    [[nodiscard]] static Attachment* attachment(const Module& module) noexcept;
    /// Attaches `fresh`, unless something is attached already; returns what is attached.
    static Attachment* attach(const Module& module, Attachment* fresh) noexcept;

    /// The module as attached data refers to it: a handle that does not own it, valid as long as the module.
    /// Precondition: not empty.
    [[nodiscard]] static const Module& self(const Module& module) noexcept;
    /// @{ Adds or removes an owner.
    static void retain(const Module& module) noexcept;
    static void release(const Module& module) noexcept;
    /// @}

    /// What validation knows of a function where an instruction begins.
    struct FrameTypes {
        /// Empty. It takes its memory from `allocator`, which must outlive it.
        explicit FrameTypes(Allocator& allocator) noexcept : locals{allocator}, operands{allocator} {}
        /// Parameters included. A local without a default value that is not set yet has the nullable type.
        Vec<ValType> locals;
        Vec<ValType> operands; ///< the lowest first
    };
    /// Takes what `frame_types` finds.
    struct FrameTypesSink {
        /// The types for one of the offsets, which are overwritten after this call. An error ends the search.
        [[nodiscard]] virtual std::expected<void, Error> take(size_t position,
                                                              FrameTypes& types) noexcept = 0;

    protected:
        ~FrameTypesSink() = default;
    };
    /// Finds the types before the instructions at some offsets, in ascending order, in the body of a function
    /// (FuncBody::code). Those of a `loop` are the types each time it begins again: its parameters have their
    /// declared types. Any numbers may be given: the error is `invalid` if the module does not define that
    /// function, or if at an offset no instruction begins or it is unreachable. The time it takes is that of
    /// validating the body once, and of writing the types.
    [[nodiscard]] static std::expected<void, Error> frame_types(const Module& module, uint32_t func,
                                                                std::span<const uint32_t> offsets,
                                                                FrameTypesSink& sink,
                                                                Allocator& allocator) noexcept;
    /// The same for one offset; after an error `types` has no meaning.
    [[nodiscard]] static std::expected<void, Error> frame_types(const Module& module, uint32_t func,
                                                                uint32_t offset, FrameTypes& types,
                                                                Allocator& allocator) noexcept;

private:
    /// Null for no module.
    [[nodiscard]] static ModuleData* data(const Module& module) noexcept;
};

} // namespace warpbeam
