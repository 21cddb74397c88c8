#include "nif.hpp"

#include <warpbeam/vm/extern.hpp>

/// What instances import, and how their objects are found.

namespace warpbeam::erlang {

namespace {

/// The index among those of its kind of what the module imports under this name; none if there is none.
std::optional<uint32_t> import_index(const Module& module, ExternKind kind, std::string_view from,
                                     std::string_view name) noexcept {
    uint32_t index = 0;
    for (const Import& import : module.imports()) {
        if (import.type.kind != kind)
            continue;
        if (import.module == from && import.name == name)
            return index;
        ++index;
    }
    return std::nullopt;
}

template <typename Object>
struct Kind;
template <>
struct Kind<Table> {
    static constexpr auto kind = ExternKind::table;
    static constexpr auto exported = [](const Instance& in, std::string_view name) { return in.table(name); };
    static constexpr auto at = [](const Instance& in, uint32_t index) { return in.table_at(index); };
};
template <>
struct Kind<Memory> {
    static constexpr auto kind = ExternKind::memory;
    static constexpr auto exported = [](const Instance& in, std::string_view name) {
        return in.memory(name);
    };
    static constexpr auto at = [](const Instance& in, uint32_t index) { return in.memory_at(index); };
};
template <>
struct Kind<Global> {
    static constexpr auto kind = ExternKind::global;
    static constexpr auto exported = [](const Instance& in, std::string_view name) {
        return in.global(name);
    };
    static constexpr auto at = [](const Instance& in, uint32_t index) { return in.global_at(index); };
};
template <>
struct Kind<Tag> {
    static constexpr auto kind = ExternKind::tag;
    static constexpr auto exported = [](const Instance& in, std::string_view name) { return in.tag(name); };
    static constexpr auto at = [](const Instance& in, uint32_t index) { return in.tag_at(index); };
};

/// The object for an import; `given` is `new`, or the value of a global.
std::expected<Extern, Term> make_object(ErlNifEnv* env, InstanceResource& instance, const Import& import,
                                        Term given) noexcept {
    const auto wrap = [env](auto&& made) -> std::expected<Extern, Term> {
        if (!made)
            return std::unexpected{make_error(env, made.error())};
        return Extern{*made};
    };
    const ExternType& type = import.type;
    if (type.kind == ExternKind::global) {
        std::string why;
        const auto value = read_value(env, instance, given, type.global.content, why);
        if (!value)
            return std::unexpected{bad_argument(env, "the value of the import " + std::string{import.module} +
                                                         "." + std::string{import.name} + " " + why)};
        return wrap(Global::create(instance.store, type.global, *value));
    }
    if (enif_is_identical(given, atoms.new_) == 0)
        return std::unexpected{bad_argument(env, "the import " + std::string{import.module} + "." +
                                                     std::string{import.name} +
                                                     " is no global, and can only be given as new")};
    switch (type.kind) {
    case ExternKind::memory:
        return wrap(Memory::create(instance.store, type.memory));
    case ExternKind::table:
        return wrap(Table::create(instance.store, type.table, Value::null(type.table.element.heap())));
    default:
        return wrap(Tag::create(instance.store, instance.store.engine().types().func(type.tag.type).params));
    }
}

} // namespace

template <typename Object>
std::expected<Object, Term> find_object(ErlNifEnv* env, const Instance& instance, Term name) noexcept {
    ErlNifBinary text;
    if (enif_inspect_iolist_as_binary(env, name, &text) != 0) {
        const auto found = Kind<Object>::exported(instance, text_of(text));
        if (!found)
            return std::unexpected{make_error(env, found.error())};
        return *found;
    }
    int arity;
    const Term* elements;
    ErlNifBinary module;
    if (enif_get_tuple(env, name, &arity, &elements) == 0 || arity != 2 ||
        enif_inspect_iolist_as_binary(env, elements[0], &module) == 0 ||
        enif_inspect_iolist_as_binary(env, elements[1], &text) == 0)
        return std::unexpected{bad_argument(env, "the name of an export is a text, that of an import is "
                                                 "{Module, Name}")};
    const auto index =
        instance ? import_index(instance.module(), Kind<Object>::kind, text_of(module), text_of(text))
                 : std::nullopt;
    if (!index)
        return std::unexpected{
            make_error(env, atoms.usage,
                       "no such import: " + std::string{text_of(module)} + "." + std::string{text_of(text)})};
    return Kind<Object>::at(instance, *index);
}
template std::expected<Table, Term> find_object(ErlNifEnv*, const Instance&, Term) noexcept;
template std::expected<Memory, Term> find_object(ErlNifEnv*, const Instance&, Term) noexcept;
template std::expected<Global, Term> find_object(ErlNifEnv*, const Instance&, Term) noexcept;
template std::expected<Tag, Term> find_object(ErlNifEnv*, const Instance&, Term) noexcept;

std::optional<Term> define_imports(ErlNifEnv* env, Linker& linker, const Module& module) noexcept {
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::func && !linker.defines(import.module, import.name))
            if (const auto defined = linker.host_call(import.module, import.name, import.type.func); !defined)
                return make_error(env, defined.error());
    return std::nullopt;
}

std::optional<Term> provide_imports(ErlNifEnv* env, Linker& linker, InstanceResource& instance,
                                    const Module& module, Term map) noexcept {
    for (const Import& import : module.imports()) {
        if (import.type.kind == ExternKind::func || linker.defines(import.module, import.name))
            continue;
        const Term key =
            enif_make_tuple2(env, make_binary(env, import.module), make_binary(env, import.name));
        Term given;
        if (enif_get_map_value(env, map, key, &given) == 0)
            continue; // it is missing, which linking reports
        const auto made = make_object(env, instance, import, given);
        if (!made)
            return made.error();
        if (const auto defined = linker.define(import.module, import.name, *made); !defined)
            return make_error(env, defined.error());
    }
    return std::nullopt;
}

} // namespace warpbeam::erlang
