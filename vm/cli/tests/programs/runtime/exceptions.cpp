// The runtime library of C++ exceptions, which Debian's libc++abi for WebAssembly does not have: what the
// compiler calls to throw and to catch, as the Itanium C++ ABI has it. One thread; no exceptions of other
// languages; no exception_ptr.
//
// WebAssembly unwinds by itself, in one phase. Each landing pad says in __wasm_lpad_context where it is and
// asks _Unwind_CallPersonality which of its handlers, if any, takes the exception.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <new>
#include <typeinfo>

namespace __cxxabiv1 {

// The beginning of libc++abi's virtual table of types, in its order.
class __shim_type_info : public std::type_info {
public:
    virtual void noop1() const;
    virtual void noop2() const;
    // Whether a handler of this type takes an exception of that type; if so, adjusts the pointer to the
    // object.
    virtual bool can_catch(const __shim_type_info* thrown, void*& object) const = 0;
};

} // namespace __cxxabiv1

namespace {

using Type = __cxxabiv1::__shim_type_info;

// What precedes the object that was thrown. Exceptions are passed by the address of the object here, which
// libunwind would pass by the address of its own header: only this file looks into it.
struct alignas(16) Thrown {
    const Type* type;
    void* (*destroy)(void*);
    Thrown* caught_before; // what was caught when this was caught
    int handlers;          // that are running; negative once it was thrown again
    void* as_caught;       // the object as the handler's type
};

Thrown* caught = nullptr; // the innermost
unsigned uncaught = 0;

Thrown* header(void* object) { return static_cast<Thrown*>(object) - 1; }

[[noreturn]] void unwind(void* object) {
    ++uncaught;
    __builtin_wasm_throw(0, object);
}

void release(Thrown* thrown) {
    if (thrown->destroy)
        thrown->destroy(thrown + 1);
    std::free(thrown);
}

uint32_t read_unsigned(const uint8_t*& at) {
    uint32_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *at++;
        value |= uint32_t{byte & 0x7fu} << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

int32_t read_signed(const uint8_t*& at) {
    uint32_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *at++;
        value |= uint32_t{byte & 0x7fu} << shift;
        shift += 7;
    } while (byte & 0x80);
    if ((byte & 0x40) && shift < 32)
        value |= ~uint32_t{0} << shift;
    return static_cast<int32_t>(value);
}

// The tables of a function that say which handlers its landing pads have.
struct Tables {
    const uint8_t* sites;
    const uint8_t* sites_end; // where the actions begin
    const Type* const* types; // the handlers' types, downwards from here

    explicit Tables(const uint8_t* at) {
        constexpr uint8_t omitted = 0xff;
        if (*at++ != omitted) // a base for landing pads, which have numbers here
            std::abort();
        types = nullptr;
        const uint8_t type_encoding = *at++;
        if (type_encoding != omitted) {
            if (type_encoding != 0) // anything but absolute addresses
                std::abort();
            const uint32_t offset = read_unsigned(at);
            types = reinterpret_cast<const Type* const*>(at + offset);
        }
        ++at; // the sites are always LEB128
        const uint32_t bytes = read_unsigned(at);
        sites = at;
        sites_end = at + bytes;
    }

    // The first action of a landing pad; null if it only cleans up.
    const uint8_t* actions(uint32_t pad) const {
        const uint8_t* at = sites;
        while (at < sites_end) {
            read_unsigned(at); // the pad's number again
            const uint32_t action = read_unsigned(at);
            if (pad-- == 0)
                return action ? sites_end + (action - 1) : nullptr;
        }
        std::abort();
    }
};

} // namespace

extern "C" {

// The tag of exceptions.
__asm__(".globl __cpp_exception\n"
        ".tagtype __cpp_exception i32\n"
        "__cpp_exception:\n");

// The compiler knows this layout.
struct LandingPad {
    uintptr_t number;
    const uint8_t* tables;
    uintptr_t selector; // the number of the handler's type; 0: go on unwinding
} __wasm_lpad_context;

// Every landing pad names it, but only _Unwind_CallPersonality is called.
void __gxx_wasm_personality_v0() {}

int _Unwind_CallPersonality(void* object) {
    LandingPad& pad = __wasm_lpad_context;
    Thrown* const thrown = header(object);
    const Tables tables{pad.tables};
    pad.selector = 0;
    const uint8_t* action = tables.actions(pad.number);
    while (action) {
        const int32_t selector = read_signed(action);
        const uint8_t* next = action;
        const int32_t distance = read_signed(next);
        if (selector < 0) // exception specifications, which C++17 removed
            std::abort();
        if (selector > 0) {
            const Type* const type = *(tables.types - selector);
            // An exception that is a pointer is adjusted as a pointer, and kept in the object's place.
            void* adjusted = object;
            if (!type || type->can_catch(thrown->type, adjusted)) {
                thrown->as_caught = adjusted;
                pad.selector = static_cast<uintptr_t>(selector);
                return 0;
            }
        }
        action = distance ? action + distance : nullptr;
    }
    return 0;
}

void _Unwind_DeleteException(void* object) { release(header(object)); }

void* __cxa_allocate_exception(size_t size) noexcept {
    void* const block = std::aligned_alloc(alignof(Thrown), (sizeof(Thrown) + size + 15) & ~size_t{15});
    if (!block)
        std::terminate();
    return new (block) Thrown{} + 1;
}

void __cxa_free_exception(void* object) noexcept { std::free(header(object)); }

[[noreturn]] void __cxa_throw(void* object, std::type_info* type, void* (*destroy)(void*)) {
    Thrown* const thrown = header(object);
    thrown->type = static_cast<const Type*>(type);
    thrown->destroy = destroy;
    thrown->as_caught = object;
    unwind(object);
}

void* __cxa_get_exception_ptr(void* object) noexcept { return header(object)->as_caught; }

void* __cxa_begin_catch(void* object) noexcept {
    Thrown* const thrown = header(object);
    thrown->handlers = thrown->handlers < 0 ? 1 - thrown->handlers : thrown->handlers + 1;
    if (thrown != caught) {
        thrown->caught_before = caught;
        caught = thrown;
    }
    --uncaught;
    return thrown->as_caught;
}

void __cxa_end_catch() {
    Thrown* const thrown = caught;
    if (thrown->handlers < 0) { // thrown again: it is someone else's
        if (++thrown->handlers == 0)
            caught = thrown->caught_before;
    } else if (--thrown->handlers == 0) {
        caught = thrown->caught_before;
        release(thrown);
    }
}

[[noreturn]] void __cxa_rethrow() {
    if (!caught)
        std::terminate();
    caught->handlers = -caught->handlers;
    unwind(caught + 1);
}

unsigned __cxa_uncaught_exceptions() noexcept { return uncaught; }

bool __cxa_uncaught_exception() noexcept { return uncaught != 0; }

} // extern "C"
