#include "nif.hpp"

#include <warpbeam/text/parse.hpp>

#include <algorithm>
#include <cstring>

/// Modules: what can be asked of them without an instance.

namespace warpbeam::erlang {

namespace {

/// The module with its imports, if they are all functions.
LinkedModule link(ErlNifEnv* env, const Engine& engine, const Module& module) noexcept {
    Linker linker{engine};
    if (define_imports(env, linker, module))
        return {};
    return linker.resolve(module).value_or(LinkedModule{});
}

/// See ModuleResource. What an instance begins with is no larger than the module, but for tables and
/// memories.
bool is_small(const Module& module) noexcept {
    constexpr uint64_t max_elements = 8'192;
    constexpr uint64_t max_memory = 16 << 20;
    uint64_t elements = 0;
    for (const TableType& table : module.tables())
        elements += std::min(table.limits.min, max_elements + 1);
    uint64_t bytes = 0;
    for (const MemoryType& memory : module.memories())
        bytes += std::min(memory.limits.min, max_memory) << memory.page_size_log2;
    return module.bytes().size() <= max_copy && elements <= max_elements && bytes <= max_memory;
}

} // namespace

/// load(Binary, Options)
Term load(ErlNifEnv* env, int, const Term argv[]) {
    ErlNifBinary binary;
    if (enif_inspect_iolist_as_binary(env, argv[0], &binary) == 0 || enif_is_map(env, argv[1]) == 0)
        return bad_argument(env, "load needs the bytes of a module and a map of options");
    if (!has_only(env, argv[1], {atoms.deterministic}))
        return bad_argument(env, "a module has no options but deterministic and isolation");
    Term deterministic = atoms.false_;
    (void)enif_get_map_value(env, argv[1], atoms.deterministic, &deterministic);
    const bool is_deterministic = enif_is_identical(deterministic, atoms.true_) != 0;
    if (!is_deterministic && enif_is_identical(deterministic, atoms.false_) == 0)
        return bad_argument(env, "deterministic is true or false");
    const Engine engine = make_engine(is_deterministic);
    std::span<const uint8_t> bytes{binary.data, binary.size};
    Vec<uint8_t> assembled;
    constexpr std::string_view magic{"\0asm", 4};
    if (binary.size < magic.size() || std::memcmp(binary.data, magic.data(), magic.size()) != 0) {
        auto parsed = parse_wat({reinterpret_cast<const char*>(binary.data), binary.size});
        if (!parsed)
            return make_error(env, parsed.error());
        assembled = std::move(*parsed);
        bytes = assembled;
    }
    auto module = engine.load(bytes);
    if (!module)
        return make_error(env, module.error());
    ModuleResource made{*module, engine, link(env, engine, *module), is_small(*module)};
    Term term;
    if (make_module(env, std::move(made), term) == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for a module");
    return make_ok(env, term);
}

/// binary(Module): `{Binary, IsDeterministic}`, of which `load` makes it again.
Term binary(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr)
        return bad_argument(env, "not a module");
    const std::span<const uint8_t> bytes = resource->module.bytes();
    return enif_make_tuple2(env,
                            make_binary(env, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}),
                            resource->engine.config().deterministic ? atoms.true_ : atoms.false_);
}

namespace {

Term kind_of(ExternKind kind) noexcept {
    switch (kind) {
    case ExternKind::func:
        return atoms.func;
    case ExternKind::table:
        return atoms.table;
    case ExternKind::memory:
        return atoms.memory;
    case ExternKind::global:
        return atoms.global;
    case ExternKind::tag:
        break;
    }
    return atoms.tag;
}

/// The type of a function, and `none` for others.
Term type_of(ErlNifEnv* env, const Module& module, const ExternType& type) noexcept {
    return type.kind == ExternKind::func ? make_func_type(env, module.type_registry().func(type.func))
                                         : atoms.none;
}

/// Whether a list of this length is to be made on a dirty scheduler, and this is an ordinary one.
bool is_long(size_t count) noexcept {
    constexpr size_t max_count = 1'000; // some hundred microseconds
    return count > max_count && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER;
}

} // namespace

/// imports(Module)
Term imports(ErlNifEnv* env, int argc, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr)
        return bad_argument(env, "not a module");
    const Module& module = resource->module;
    Term list = enif_make_list(env, 0);
    const auto all = module.imports();
    if (is_long(all.size()))
        return enif_schedule_nif(env, "imports", ERL_NIF_DIRTY_JOB_CPU_BOUND, imports, argc, argv);
    for (size_t i = all.size(); i-- != 0;)
        list = enif_make_list_cell(
            env,
            enif_make_tuple4(env, kind_of(all[i].type.kind), make_binary(env, all[i].module),
                             make_binary(env, all[i].name), type_of(env, module, all[i].type)),
            list);
    return list;
}

/// exports(Module)
Term exports(ErlNifEnv* env, int argc, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr)
        return bad_argument(env, "not a module");
    const Module& module = resource->module;
    Term list = enif_make_list(env, 0);
    const auto all = module.exports();
    if (is_long(all.size()))
        return enif_schedule_nif(env, "exports", ERL_NIF_DIRTY_JOB_CPU_BOUND, exports, argc, argv);
    for (size_t i = all.size(); i-- != 0;) {
        const Term type = all[i].kind == ExternKind::func
                              ? make_func_type(env, module.type_registry().func(module.funcs()[all[i].index]))
                              : atoms.none;
        list = enif_make_list_cell(
            env, enif_make_tuple3(env, kind_of(all[i].kind), make_binary(env, all[i].name), type), list);
    }
    return list;
}

} // namespace warpbeam::erlang
