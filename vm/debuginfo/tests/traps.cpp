// A program for debug_info_test.cpp, which looks for the marked lines.
#include "traps.hpp"

namespace demo {

int elsewhere(int value);

template <typename T>
struct Box {
    T value;
    [[gnu::noinline]] int get(int i) const;
};

static inline int twice(int value) {
    return check(value) // line: twice
           + elsewhere(value);
}

template <typename T>
int Box<T>::get(int i) const {
    return value + twice(i); // line: get
}

// The linker leaves it out.
int unused(int value) { return check(value) + 1; }

} // namespace demo

extern "C" [[clang::export_name("go")]] int go(int n) {
    const demo::Box<int> box{n};
    return box.get(n) + 1; // line: go
}
