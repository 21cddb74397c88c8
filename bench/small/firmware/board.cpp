#include "board.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

/// Everything between a Cortex-M processor and `main`: what an operating system would do, and what the
/// compiler and the C library expect from one.

// ---- The debugger: Arm, "Semihosting for AArch32 and AArch64" ----

namespace {

enum class Request : uint32_t { write_text = 0x04, exit_extended = 0x20 };

void ask_debugger(Request request, const void* argument) noexcept {
    register auto r0 asm("r0") = static_cast<uint32_t>(request);
    register const void* r1 asm("r1") = argument;
    asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

} // namespace

void board::print(const char* text) noexcept { ask_debugger(Request::write_text, text); }

void board::end(int status) noexcept {
    constexpr uint32_t application_exit = 0x20026;
    const uint32_t reason[] = {application_exit, static_cast<uint32_t>(status)};
    for (;;)
        ask_debugger(Request::exit_extended, reason);
}

// ---- Start ----

int main();

extern "C" {

// From board.ld.
extern uint32_t stack_top;
extern uint32_t data_source, data_begin, data_end, bss_begin, bss_end;
using Initializer = void();
extern Initializer* init_begin;
extern Initializer* init_end;

[[noreturn]] void reset() {
    // The processor starts without floating point.
    auto* const coprocessors = reinterpret_cast<volatile uint32_t*>(0xe000ed88);
    *coprocessors = *coprocessors | 0xf << 20;
    asm volatile("dsb\n isb" ::: "memory");
    const auto bytes = [](const uint32_t& begin, const uint32_t& end) {
        return reinterpret_cast<uintptr_t>(&end) - reinterpret_cast<uintptr_t>(&begin);
    };
    std::memcpy(&data_begin, &data_source, bytes(data_begin, data_end));
    std::memset(&bss_begin, 0, bytes(bss_begin, bss_end));
    for (Initializer** each = &init_begin; each != &init_end; ++each)
        (*each)();
    board::end(main());
}

[[noreturn]] void fault() {
    board::print("the processor reports a fault\n");
    board::end(2);
}

// The first entries of the processor's table of vectors.
[[gnu::section(".vectors"), gnu::used]] const void* const vectors[] = {
    &stack_top,
    reinterpret_cast<const void*>(&reset),
    reinterpret_cast<const void*>(&fault), // non-maskable interrupt
    reinterpret_cast<const void*>(&fault), // hard fault
    reinterpret_cast<const void*>(&fault), // memory management
    reinterpret_cast<const void*>(&fault), // bus
    reinterpret_cast<const void*>(&fault), // usage
};

} // extern "C"

// ---- 64-bit atomic operations, which the processor lacks: with interrupts off ----

namespace {

class InterruptsOff {
public:
    InterruptsOff() noexcept { asm volatile("mrs %0, primask\n cpsid i" : "=r"(before_)::"memory"); }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;
    ~InterruptsOff() { asm volatile("msr primask, %0" ::"r"(before_) : "memory"); }

private:
    uint32_t before_;
};

uint64_t change(volatile void* place, auto&& next) noexcept {
    const InterruptsOff off;
    auto& value = *static_cast<volatile uint64_t*>(place);
    const uint64_t before = value;
    value = next(before);
    return before;
}

} // namespace

extern "C" {

// The compiler knows their names, and would compare these declarations with its own.
uint64_t load_8(const volatile void* place, int) asm("__atomic_load_8");
uint64_t load_8(const volatile void* place, int) {
    const InterruptsOff off;
    return *static_cast<const volatile uint64_t*>(place);
}
void store_8(volatile void* place, uint64_t value, int) asm("__atomic_store_8");
void store_8(volatile void* place, uint64_t value, int) {
    change(place, [value](uint64_t) { return value; });
}
uint64_t exchange_8(volatile void* place, uint64_t value, int) asm("__atomic_exchange_8");
uint64_t exchange_8(volatile void* place, uint64_t value, int) {
    return change(place, [value](uint64_t) { return value; });
}
bool compare_exchange_8(volatile void* place, void* expected, uint64_t value, bool, int,
                        int) asm("__atomic_compare_exchange_8");
bool compare_exchange_8(volatile void* place, void* expected, uint64_t value, bool, int, int) {
    uint64_t wanted = 0;
    std::memcpy(&wanted, expected, sizeof wanted);
    const uint64_t before =
        change(place, [wanted, value](uint64_t found) { return found == wanted ? value : found; });
    std::memcpy(expected, &before, sizeof before);
    return before == wanted;
}
uint64_t fetch_add_8(volatile void* place, uint64_t value, int) asm("__atomic_fetch_add_8");
uint64_t fetch_add_8(volatile void* place, uint64_t value, int) {
    return change(place, [value](uint64_t before) { return before + value; });
}
uint64_t fetch_sub_8(volatile void* place, uint64_t value, int) asm("__atomic_fetch_sub_8");
uint64_t fetch_sub_8(volatile void* place, uint64_t value, int) {
    return change(place, [value](uint64_t before) { return before - value; });
}
uint64_t fetch_and_8(volatile void* place, uint64_t value, int) asm("__atomic_fetch_and_8");
uint64_t fetch_and_8(volatile void* place, uint64_t value, int) {
    return change(place, [value](uint64_t before) { return before & value; });
}
uint64_t fetch_or_8(volatile void* place, uint64_t value, int) asm("__atomic_fetch_or_8");
uint64_t fetch_or_8(volatile void* place, uint64_t value, int) {
    return change(place, [value](uint64_t before) { return before | value; });
}

} // extern "C"

// ---- There is no heap, and there are no files ----

void operator delete(void*) noexcept { board::end(3); }
void operator delete(void*, size_t) noexcept { board::end(3); }
void operator delete(void*, size_t, std::align_val_t) noexcept { board::end(3); }
void operator delete(void*, std::align_val_t, const std::nothrow_t&) noexcept { board::end(3); }
void* operator new(size_t, std::align_val_t, const std::nothrow_t&) noexcept { return nullptr; }

extern "C" {

void* __dso_handle = nullptr; // static objects are never destroyed
// newlib's snprintf shares code with printf, which needs these.
void* _sbrk(ptrdiff_t) { return reinterpret_cast<void*>(-1); }
int _close(int) { return -1; }
int _fstat(int, void*) { return -1; }
int _isatty(int) { return 0; }
int _lseek(int, int, int) { return -1; }
int _read(int, void*, int) { return -1; }
int _write(int, const void*, int) { return -1; }
[[noreturn]] void abort() {
    board::print("aborted\n");
    board::end(4);
}

} // extern "C"
