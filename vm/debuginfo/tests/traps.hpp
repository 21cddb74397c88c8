// Inlined into two units, so that both name this file.
namespace demo {

static inline int check(int value) {
    if (value > 10)
        __builtin_trap(); // line: check
    return value * 3;
}

} // namespace demo
