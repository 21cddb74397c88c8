#include "../arena.hpp"
#include "board.hpp"

#include <warpbeam/vm/linker.hpp>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

/// A program for a microcontroller that runs a module: it counts prime numbers, is then asked for more than
/// its memory holds, and finally another module is refused. bench/small/firmware/run.py checks what it
/// prints.

namespace {

// (module
//   (import "board" "print" (func $print (param i32)))
//   (memory 1)
//   (func (export "primes") (param $below i32) (result i32)
//     (local $number i32) (local $multiple i32) (local $count i32)
//     (local.set $number (i32.const 2))
//     (loop $next
//       (if (i32.eqz (i32.load8_u (local.get $number)))
//         (then
//           (local.set $count (i32.add (local.get $count) (i32.const 1)))
//           (local.set $multiple (local.get $number))
//           (loop $cross
//             (i32.store8 (local.get $multiple) (i32.const 1))
//             (br_if $cross
//               (i32.lt_u
//                 (local.tee $multiple (i32.add (local.get $multiple) (local.get $number)))
//                 (local.get $below))))))
//       (br_if $next
//         (i32.lt_u
//           (local.tee $number (i32.add (local.get $number) (i32.const 1)))
//           (local.get $below))))
//     (call $print (local.get $count))
//     (local.get $count)))
constexpr uint8_t primes_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0a, 0x02, 0x60, 0x01, 0x7f, 0x00, 0x60, 0x01,
    0x7f, 0x01, 0x7f, 0x02, 0x0f, 0x01, 0x05, 0x62, 0x6f, 0x61, 0x72, 0x64, 0x05, 0x70, 0x72, 0x69, 0x6e,
    0x74, 0x00, 0x00, 0x03, 0x02, 0x01, 0x01, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x0a, 0x01, 0x06, 0x70,
    0x72, 0x69, 0x6d, 0x65, 0x73, 0x00, 0x01, 0x0a, 0x49, 0x01, 0x47, 0x01, 0x03, 0x7f, 0x41, 0x02, 0x21,
    0x01, 0x03, 0x40, 0x20, 0x01, 0x2d, 0x00, 0x00, 0x45, 0x04, 0x40, 0x20, 0x03, 0x41, 0x01, 0x6a, 0x21,
    0x03, 0x20, 0x01, 0x21, 0x02, 0x03, 0x40, 0x20, 0x02, 0x41, 0x01, 0x3a, 0x00, 0x00, 0x20, 0x02, 0x20,
    0x01, 0x6a, 0x22, 0x02, 0x20, 0x00, 0x49, 0x0d, 0x00, 0x0b, 0x0b, 0x20, 0x01, 0x41, 0x01, 0x6a, 0x22,
    0x01, 0x20, 0x00, 0x49, 0x0d, 0x00, 0x0b, 0x20, 0x03, 0x10, 0x00, 0x20, 0x03, 0x0b,
};
// (module (func (v128.const i64x2 0 0) (drop)))
constexpr uint8_t vector_bytes[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01,
                                    0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x0a, 0x17, 0x01, 0x15,
                                    0x00, 0xfd, 0x0c, 0,    0,    0,    0,    0,    0,    0,    0,
                                    0,    0,    0,    0,    0,    0,    0,    0,    0x1a, 0x0b};

/// Prints one line.
void print(std::string_view text) {
    char line[160];
    const size_t size = text.size() < sizeof line - 2 ? text.size() : sizeof line - 2;
    std::memcpy(line, text.data(), size);
    line[size] = '\n';
    line[size + 1] = 0;
    board::print(line);
}
void print(int64_t number) {
    char digits[24];
    print(std::string_view{digits, std::to_chars(digits, digits + sizeof digits, number).ptr});
}

small::Arena arena;

/// The first error, or an empty text.
std::string_view error_of(const auto&... results) {
    std::string_view why;
    ((why = why.empty() && !results ? results.error().message() : why), ...);
    return why;
}

} // namespace

int main() {
    warpbeam::Config config;
    config.allocator = &arena;
    warpbeam::Engine engine{config};
    warpbeam::Linker linker{engine};
    warpbeam::Store store{engine};
    const auto defined = linker.func("board", "print", [](int32_t number) { print(number); });
    const auto module = engine.load(primes_bytes, {.borrow = true});
    const auto instance = linker.instantiate(store, module.value_or(warpbeam::Module{}));
    const auto primes = instance.value_or(warpbeam::Instance{}).func<int32_t(int32_t)>("primes");
    if (const std::string_view why = error_of(defined, module, instance, primes); !why.empty()) {
        print(why);
        return 1;
    }
    const auto count = (*primes)(50'000);
    print(count ? std::string_view{"counted"} : count.error().message());
    const auto outside = (*primes)(100'000);
    print(outside ? std::string_view{"not stopped"} : outside.error().message());
    const auto refused = engine.load(vector_bytes);
    print(refused ? std::string_view{"not refused"} : refused.error().message());
    print(static_cast<int64_t>(arena.peak()));
    return 0;
}
