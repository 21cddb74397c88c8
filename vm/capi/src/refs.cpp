#include "refs.hpp"

#include "trap.hpp"

/// What all references have: copies, identity, host info and casts.

namespace warpbeam::capi {

Object copy_of(const Object& object, wasm_store_t& store) noexcept {
    const auto copy_root = [&](const Root& root) {
        return store.store ? Root{*store.store, root.value()} : Root{};
    };
    return std::visit(
        [&]<typename T>(const T& each) -> Object {
            if constexpr (std::is_same_v<T, ForeignObject> || std::is_same_v<T, OtherObject>)
                return T{copy_root(each.root)};
            else
                return each;
        },
        object);
}

wasm_extern_t* make_extern(wasm_store_t& store, const Extern& object) noexcept {
    return std::visit([&](const auto& each) { return make_ref<wasm_extern_t>(store, each); }, object);
}

std::optional<Extern> extern_of(const wasm_ref_t* ref, const wasm_store_t& store) noexcept {
    if (ref == nullptr || ref->store.get() != &store || !store.store)
        return std::nullopt;
    return std::visit(
        []<typename T>(const T& each) -> std::optional<Extern> {
            if constexpr (std::is_constructible_v<Extern, const T&>)
                return Extern{each};
            else
                return std::nullopt;
        },
        ref->object);
}

ExternRef extern_ref(const ForeignObject& foreign) noexcept {
    return ExternRef::from_bits(foreign.root.value().slots()[0]);
}

namespace {

bool is_live(const wasm_ref_t& ref) noexcept { return ref.store && ref.store->store; }

wasm_ref_t* copy(const wasm_ref_t* ref) noexcept {
    if (ref == nullptr)
        return nullptr;
    if (!ref->store)
        return const_cast<wasm_ref_t*>(ref);
    return make_ref(*ref->store, copy_of(ref->object, *ref->store));
}

bool same_object(const TrapObject& a, const TrapObject& b) noexcept { return a.shared == b.shared; }
bool same_object(const ForeignObject& a, const ForeignObject& b) noexcept {
    return extern_ref(a) == extern_ref(b);
}
bool same_object(const OtherObject& a, const OtherObject& b) noexcept {
    return a.root.value().slots()[0] == b.root.value().slots()[0];
}
template <typename T>
bool same_object(const T& a, const T& b) noexcept {
    return a == b;
}

bool same(const wasm_ref_t* a, const wasm_ref_t* b) noexcept {
    if (a == b)
        return true;
    if (a == nullptr || b == nullptr || a->object.index() != b->object.index())
        return false;
    // A trap keeps its identity when it passes from one store to another.
    if (!std::holds_alternative<TrapObject>(a->object) && (a->store != b->store || !is_live(*a)))
        return false;
    return std::visit([&]<typename T>(const T& each) { return same_object(each, std::get<T>(b->object)); },
                      a->object);
}

/// Calls `with` with the HostInfo that the reference's object has itself, if it has one, else `without` with
/// the key of the object in the store.
template <typename With, typename Without>
auto with_info(const wasm_ref_t& ref, With&& with, Without&& without) noexcept {
    return std::visit(
        [&]<typename T>(const T& each) {
            if constexpr (std::is_same_v<T, TrapObject>) {
                return with(each.shared->info);
            } else if constexpr (std::is_same_v<T, ModuleObject>) {
                return with(each->info);
            } else if constexpr (std::is_same_v<T, ForeignObject>) {
                return with(extern_ref(each).template object<Foreign>(*ref.store->store)->info);
            } else {
                HostInfos::Key key{ref.object.index(), 0};
                if constexpr (std::is_same_v<T, OtherObject>)
                    key.id = each.root.value().slots()[0];
                else
                    key.id = each.id();
                return without(key);
            }
        },
        ref.object);
}

void* get_info(const wasm_ref_t* ref) noexcept {
    if (ref == nullptr || !is_live(*ref))
        return nullptr;
    return with_info(
        *ref, [](HostInfo& info) { return info.data(); },
        [&](const HostInfos::Key& key) { return ref->store->infos.get(key); });
}

void set_info(wasm_ref_t* ref, HostInfo info) noexcept {
    if (ref == nullptr || !is_live(*ref))
        return;
    with_info(
        *ref, [&](HostInfo& old) { old = std::move(info); },
        [&](const HostInfos::Key& key) {
            const auto* const other = std::get_if<OtherObject>(&ref->object);
            ref->store->infos.set(key, std::move(info),
                                  other != nullptr ? Root{*ref->store->store, other->root.value()} : Root{});
        });
}

void delete_ref(wasm_ref_t* ref) noexcept {
    if (ref == nullptr || !ref->store)
        return;
    const Ref<wasm_store_t> store = ref->store; // whose allocator it belongs to
    destroy(store->allocator(), ref);
}

template <typename... T>
[[nodiscard]] bool holds(const wasm_ref_t* ref) noexcept {
    return ref != nullptr && (std::holds_alternative<T>(ref->object) || ...);
}

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

#define WARPBEAM_REF_BASE(name)                                                                              \
    void wasm_##name##_delete(wasm_##name##_t* ref) { capi::delete_ref(capi::as_ref(ref)); }                 \
    wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t* ref) {                                        \
        return reinterpret_cast<wasm_##name##_t*>(capi::copy(capi::as_ref(ref)));                            \
    }                                                                                                        \
    bool wasm_##name##_same(const wasm_##name##_t* a, const wasm_##name##_t* b) {                            \
        return capi::same(capi::as_ref(a), capi::as_ref(b));                                                 \
    }                                                                                                        \
    void* wasm_##name##_get_host_info(const wasm_##name##_t* ref) {                                          \
        return capi::get_info(capi::as_ref(ref));                                                            \
    }                                                                                                        \
    void wasm_##name##_set_host_info(wasm_##name##_t* ref, void* info) {                                     \
        capi::set_info(capi::as_ref(ref), {info, nullptr});                                                  \
    }                                                                                                        \
    void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t* ref, void* info,                        \
                                                    void (*finalizer)(void*)) {                              \
        capi::set_info(capi::as_ref(ref), {info, finalizer});                                                \
    }
WARPBEAM_REF_BASE(ref)
WARPBEAM_REF_NAMES(WARPBEAM_REF_BASE)

#define WARPBEAM_CAST(from, to, ...)                                                                         \
    wasm_##to##_t* wasm_##from##_as_##to(wasm_##from##_t* ref) {                                             \
        return capi::holds<__VA_ARGS__>(capi::as_ref(ref)) ? reinterpret_cast<wasm_##to##_t*>(ref)           \
                                                           : nullptr;                                        \
    }                                                                                                        \
    const wasm_##to##_t* wasm_##from##_as_##to##_const(const wasm_##from##_t* ref) {                         \
        return wasm_##from##_as_##to(const_cast<wasm_##from##_t*>(ref));                                     \
    }
/// To the type that it is one of, and back.
#define WARPBEAM_CASTS(name, general, ...)                                                                   \
    WARPBEAM_CAST(name, general, __VA_ARGS__)                                                                \
    WARPBEAM_CAST(general, name, __VA_ARGS__)
WARPBEAM_CASTS(trap, ref, capi::TrapObject)
WARPBEAM_CASTS(foreign, ref, capi::ForeignObject)
WARPBEAM_CASTS(module, ref, capi::ModuleObject)
WARPBEAM_CASTS(func, ref, Func)
WARPBEAM_CASTS(global, ref, Global)
WARPBEAM_CASTS(table, ref, Table)
WARPBEAM_CASTS(memory, ref, Memory)
WARPBEAM_CASTS(extern, ref, Func, Table, Memory, Global, Tag)
WARPBEAM_CASTS(instance, ref, Instance)
WARPBEAM_CASTS(func, extern, Func)
WARPBEAM_CASTS(global, extern, Global)
WARPBEAM_CASTS(table, extern, Table)
WARPBEAM_CASTS(memory, extern, Memory)

wasm_foreign_t* wasm_foreign_new(wasm_store_t* store) {
    if (store == nullptr || !store->store)
        return nullptr;
    const RootScope scope{*store->store};
    const auto made = ExternRef::create(*store->store, capi::Foreign{});
    if (!made)
        return nullptr;
    return capi::make_ref<wasm_foreign_t>(*store, capi::ForeignObject{Root{*store->store, *made}});
}
