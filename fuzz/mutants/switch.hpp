#pragma once

#if __cplusplus >= 202002L // not what CMake compiles to look at the compiler
#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <type_traits>
#include <unistd.h>
#include <utility>

/// Included before every file of a build that has many mutants at once, of which the variable WARPBEAM_MUTANT
/// of the environment chooses one by its number. What the compiler evaluates stays as it was written.
/// WARPBEAM_MUTANTS_REACHED names a file with a byte for each mutant, which becomes 1 when its code runs.
///
/// A mark between two operators changes the operator without a look at where its operands begin and end:
/// `a + b < c` becomes `a + b < Mark<7>{} < c`, since both operators have the same precedence and go from
/// left to right.
namespace mutant {

inline const int active = [] {
    const char* const number = std::getenv("WARPBEAM_MUTANT");
    return number != nullptr ? std::atoi(number) : 0;
}();

inline constexpr size_t max_mutants = size_t{1} << 16;

/// Null before it is initialised.
inline unsigned char* const reached = [] {
    static unsigned char nowhere[max_mutants];
    const char* const path = std::getenv("WARPBEAM_MUTANTS_REACHED");
    const int file = path != nullptr ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return nowhere;
    void* const shared = mmap(nullptr, max_mutants, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return shared != MAP_FAILED ? static_cast<unsigned char*>(shared) : nowhere;
}();

#define WARPBEAM_INLINED [[gnu::always_inline]] constexpr

template <int id>
WARPBEAM_INLINED bool on() {
    if (std::is_constant_evaluated())
        return false;
    if (reached != nullptr)
        reached[id] = 1;
    return active == id;
}

/// Makes an operator another one.
template <int id>
struct Mark {};
/// Leaves out an operator and what follows it.
template <int id>
struct Omit {};

enum class Operator { less, less_equal, greater, greater_equal, equal, unequal, plus, minus };
template <typename Change, Operator op, typename L>
struct Left {
    const L& left;
};

/// Between two operators `op`, a mark makes what `changed` says of them.
#define WARPBEAM_MARKED(mark, name, op, changed)                                                             \
    template <int id, typename L>                                                                            \
    WARPBEAM_INLINED auto operator op(const L& left, mark<id>) {                                             \
        return Left<mark<id>, Operator::name, L>{left};                                                      \
    }                                                                                                        \
    template <int id, typename L, typename R>                                                                \
    WARPBEAM_INLINED auto operator op(Left<mark<id>, Operator::name, L> l, const R& right)                   \
        ->decltype(l.left op right) {                                                                        \
        return on<id>() ? static_cast<decltype(l.left op right)>(changed) : l.left op right;                 \
    }
WARPBEAM_MARKED(Mark, less, <, l.left <= right)
WARPBEAM_MARKED(Mark, less_equal, <=, l.left < right)
WARPBEAM_MARKED(Mark, greater, >, l.left >= right)
WARPBEAM_MARKED(Mark, greater_equal, >=, l.left > right)
WARPBEAM_MARKED(Mark, equal, ==, l.left != right)
WARPBEAM_MARKED(Mark, unequal, !=, l.left == right)
WARPBEAM_MARKED(Mark, plus, +, l.left - right)
WARPBEAM_MARKED(Mark, minus, -, l.left + right)
WARPBEAM_MARKED(Omit, plus, +, l.left)
WARPBEAM_MARKED(Omit, minus, -, l.left)
#undef WARPBEAM_MARKED

/// `!x` is `Not<7>{}->*x`, which binds tighter than any other binary operator.
template <int id>
struct Not {};
template <int id, typename T>
WARPBEAM_INLINED bool operator->*(Not<id>, const T& value) {
    return static_cast<bool>(value) == on<id>();
}

template <int id>
WARPBEAM_INLINED bool flip(bool value) {
    return value != on<id>();
}
template <int id, typename T>
WARPBEAM_INLINED const T& min(const T& a, const T& b) {
    return on<id>() ? std::max(a, b) : std::min(a, b);
}
template <int id, typename T>
WARPBEAM_INLINED const T& max(const T& a, const T& b) {
    return on<id>() ? std::min(a, b) : std::max(a, b);
}
/// ++value, or --value.
template <int id, typename T>
WARPBEAM_INLINED T& step(T& value) {
    if (on<id>())
        --value;
    else
        ++value;
    return value;
}
template <int id, typename T>
WARPBEAM_INLINED T step_after(T& value) {
    T old = value;
    step<id>(value);
    return old;
}
/// What is added or subtracted.
template <int id, typename T>
WARPBEAM_INLINED T negate(T value) {
    return on<id>() ? static_cast<T>(T{} - value) : value;
}

#undef WARPBEAM_INLINED

} // namespace mutant
#endif
