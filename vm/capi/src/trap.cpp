#include "trap.hpp"

#include "vectors.hpp"

#include <warpbeam/loader/text.hpp>

struct wasm_frame_t {
    warpbeam::Frame frame;
    wasm_ref_t instance;
};

namespace warpbeam::capi {
namespace {

/// What a trap carries through the engine, so that it is the same one afterwards.
struct Passed {
    Ref<SharedTrap> shared;
};

wasm_frame_t* make_frame(const Ref<wasm_store_t>& store, const Frame& frame, Instance instance) noexcept {
    return create<wasm_frame_t>(store->allocator(), frame, wasm_ref_t{store, instance});
}

/// The store and frames of a trap; null if there are none.
struct Trace {
    explicit Trace(const wasm_trap_t* trap) noexcept {
        if (const Trap* const found = peek_trap(trap)) {
            store = as_ref(trap)->store;
            frames = store ? found->backtrace() : std::span<const Frame>{};
            crossed = store && std::get<TrapObject>(as_ref(trap)->object).shared->crossed;
        }
    }
    [[nodiscard]] wasm_frame_t* make(size_t i) const noexcept {
        return make_frame(store, frames[i], crossed ? Instance{} : frames[i].instance());
    }
    Ref<wasm_store_t> store;
    std::span<const Frame> frames;
    bool crossed = false;
};

/// The message that the host has given; null if it has given none.
const Vec<char>* given_message(const wasm_trap_t* trap) noexcept {
    if (trap == nullptr)
        return nullptr;
    const auto& shared = std::get<TrapObject>(as_ref(trap)->object).shared;
    return shared && shared->message ? &*shared->message : nullptr;
}

} // namespace

wasm_trap_t* constant_trap(TrapCode code) noexcept {
    // They are never destroyed, since others may hold them until the end of the process.
    struct Storage {
        explicit Storage(TrapCode of) noexcept { new (bytes) wasm_ref_t{{}, TrapObject{{}, Trap{of}}}; }
        alignas(wasm_ref_t) char bytes[sizeof(wasm_ref_t)];
    };
    static Storage no_memory{TrapCode::out_of_memory};
    static Storage misuse{TrapCode::usage};
    return reinterpret_cast<wasm_trap_t*>(code == TrapCode::usage ? misuse.bytes : no_memory.bytes);
}

namespace {

Ref<SharedTrap> new_shared(wasm_store_t& store) noexcept {
    return Ref<SharedTrap>::adopt(create<SharedTrap>(store.allocator(), store.allocator(), store));
}
wasm_trap_t* reference_to(wasm_store_t& store, Ref<SharedTrap> shared, Trap trap) noexcept {
    wasm_trap_t* const made =
        shared ? make_ref<wasm_trap_t>(store, TrapObject{std::move(shared), std::move(trap)}) : nullptr;
    return made != nullptr ? made : constant_trap(TrapCode::out_of_memory);
}

/// A trap with a message of the host's.
wasm_trap_t* trap_of_host(wasm_store_t& store, std::string_view message) noexcept {
    auto shared = new_shared(store);
    if (!shared || !shared->message.emplace(store.allocator()).append({message.data(), message.size()}))
        return constant_trap(TrapCode::out_of_memory);
    return reference_to(store, std::move(shared),
                        Trap::with_text(TrapCode::host, Text{store.allocator()}.add(message)));
}

} // namespace

wasm_trap_t* make_trap(wasm_store_t& store, Trap trap) noexcept {
    const auto* const passed = trap.payload<Passed>();
    auto shared = passed != nullptr ? passed->shared : new_shared(store);
    if (shared && shared->store.get() != &store)
        shared->crossed = true;
    return reference_to(store, std::move(shared), std::move(trap));
}

const Trap* peek_trap(const wasm_trap_t* trap) noexcept {
    return trap != nullptr ? &std::get<TrapObject>(as_ref(trap)->object).trap : nullptr;
}

Trap passed_trap(const wasm_trap_t* trap) noexcept {
    const wasm_ref_t& ref = *as_ref(trap);
    Trap passed = *peek_trap(trap);
    if (ref.store && passed.payload<Passed>() == nullptr)
        passed.with_payload(Passed{std::get<TrapObject>(ref.object).shared}, ref.store->allocator());
    return passed;
}

Trap trap_of(const char* what, size_t index, const Error& error, Allocator& allocator) noexcept {
    const TrapCode code = error.code() == ErrorCode::out_of_memory ? TrapCode::out_of_memory
                          : error.code() == ErrorCode::limit       ? TrapCode::heap_exhausted
                                                                   : TrapCode::usage;
    return Trap::with_message(allocator, code, "%s %zu: %.*s", what, index,
                              static_cast<int>(error.message().size()), error.message().data());
}

const Frame& frame_of(const wasm_frame_t& frame) noexcept { return frame.frame; }

} // namespace warpbeam::capi

using namespace warpbeam;

wasm_trap_t* wasm_trap_new(wasm_store_t* store, const wasm_message_t* message) {
    if (store == nullptr)
        return nullptr;
    if (message == nullptr)
        return capi::make_trap(*store, Trap{TrapCode::host});
    std::string_view text = message->data != nullptr ? std::string_view{message->data, message->size} : "";
    if (text.ends_with('\0'))
        text.remove_suffix(1);
    return capi::trap_of_host(*store, text);
}

void wasm_trap_message(const wasm_trap_t* trap, wasm_message_t* out) {
    const Trap* const found = capi::peek_trap(trap);
    std::string_view text = found != nullptr ? found->message() : std::string_view{};
    if (const auto* const given = capi::given_message(trap))
        text = {given->data(), given->size()};
    if (capi::make_vec(*out, text.size() + 1) && !text.empty())
        std::memcpy(out->data, text.data(), text.size());
}

wasm_frame_t* wasm_trap_origin(const wasm_trap_t* trap) {
    const capi::Trace trace{trap};
    return !trace.frames.empty() ? trace.make(0) : nullptr;
}

void wasm_trap_trace(const wasm_trap_t* trap, wasm_frame_vec_t* out) {
    const capi::Trace trace{trap};
    if (!capi::make_vec(*out, trace.frames.size()))
        return;
    for (size_t i = 0; i < out->size; ++i)
        if ((out->data[i] = trace.make(i)) == nullptr)
            return wasm_frame_vec_delete(out);
}

void wasm_frame_delete(wasm_frame_t* frame) {
    if (frame == nullptr)
        return;
    const Ref<wasm_store_t> store = frame->instance.store;
    destroy(store->allocator(), frame);
}
wasm_frame_t* wasm_frame_copy(const wasm_frame_t* frame) {
    return frame != nullptr ? capi::make_frame(frame->instance.store, frame->frame,
                                               std::get<Instance>(frame->instance.object))
                            : nullptr;
}
wasm_instance_t* wasm_frame_instance(const wasm_frame_t* frame) {
    if (frame == nullptr || !capi::handle<Instance>(&frame->instance))
        return nullptr;
    return reinterpret_cast<wasm_instance_t*>(const_cast<wasm_ref_t*>(&frame->instance));
}
uint32_t wasm_frame_func_index(const wasm_frame_t* frame) { return frame->frame.func; }
size_t wasm_frame_func_offset(const wasm_frame_t* frame) {
    const Frame& at = frame->frame;
    const uint32_t imported = at.module.imported_funcs();
    if (at.offset == Error::no_offset || at.func < imported)
        return Error::no_offset;
    return at.offset - at.module.bodies()[at.func - imported].offset;
}
size_t wasm_frame_module_offset(const wasm_frame_t* frame) { return frame->frame.offset; }
