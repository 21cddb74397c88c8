#include "error.hpp"
#include "trap.hpp"
#include "types.hpp"
#include "values.hpp"

#include <warpbeam/vm/exception.hpp>

namespace warpbeam::capi {
namespace {

/// The exception that a reference is to; none for others.
std::optional<Exception> exception_of(const wasm_ref_t* ref) noexcept {
    const OtherObject* const other = find<OtherObject>(ref);
    if (other == nullptr)
        return std::nullopt;
    const auto found = Exception::from(*ref->store->store, other->root.value());
    return found ? std::optional{*found} : std::nullopt;
}

wasm_ref_t* make_exception(wasm_store_t& store, const Exception& exception) noexcept {
    return make_ref(store, OtherObject{Root{*store.store, exception.reference()}});
}

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

wasm_extern_t* warpbeam_tag_new(wasm_store_t* store, const wasm_functype_t* type) {
    if (store == nullptr || !store->store || type == nullptr)
        return nullptr;
    const TypeId id = capi::type_id(store->engine, *type);
    if (id == SubType::no_type)
        return nullptr;
    const auto tag = Tag::create(*store->store, store->engine.types().func(id).params);
    return tag ? capi::make_extern(*store, *tag) : nullptr;
}

warpbeam_error_t* warpbeam_exception_new(const wasm_extern_t* tag, const wasm_val_vec_t* values,
                                         wasm_ref_t** out) {
    *out = nullptr;
    const Tag* const found = capi::find<Tag>(tag);
    if (found == nullptr)
        return capi::misuse("it is no tag, or its store was deleted");
    wasm_store_t& store = *capi::as_ref(tag)->store;
    const RootScope scope{*store.store};
    const auto carried = capi::values_of(store, found->params(), values);
    if (!carried)
        return capi::make_error(carried.error());
    const auto exception = Exception::create(*found, *carried);
    if (!exception)
        return capi::make_error(exception.error());
    *out = capi::make_exception(store, *exception);
    return *out != nullptr ? nullptr : capi::make_error(Error{ErrorCode::out_of_memory});
}

wasm_trap_t* warpbeam_trap_throw_new(const wasm_ref_t* exception) {
    const auto found = capi::exception_of(exception);
    return found ? capi::make_trap(*exception->store, Trap::thrown(*found)) : nullptr;
}
wasm_ref_t* warpbeam_trap_exception_new(const wasm_trap_t* trap) {
    const Trap* const found = capi::find<capi::TrapObject>(trap) != nullptr ? capi::peek_trap(trap) : nullptr;
    const auto exception = found != nullptr ? found->exception() : std::nullopt;
    return exception ? capi::make_exception(*capi::as_ref(trap)->store, *exception) : nullptr;
}

wasm_extern_t* warpbeam_exception_tag_new(const wasm_ref_t* ref) {
    const auto exception = capi::exception_of(ref);
    return exception ? capi::make_extern(*ref->store, exception->tag()) : nullptr;
}
void warpbeam_exception_values(const wasm_ref_t* ref, wasm_val_vec_t* out) {
    *out = {0, nullptr};
    const auto exception = capi::exception_of(ref);
    if (!exception)
        return;
    Vec<Value> values{ref->store->allocator()};
    if (!values.resize(exception->size()))
        return;
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = (*exception)[i];
    warpbeam_error_delete(capi::to_c(*ref->store, values, *out));
}
