// The second unit of the program.
#include "traps.hpp"

namespace demo {

[[gnu::noinline]] int elsewhere(int value) {
    return check(value) - 1; // line: elsewhere
}

} // namespace demo
