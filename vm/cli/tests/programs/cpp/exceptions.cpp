// Exceptions: through many frames, by base class and by pointer, thrown again, from constructors and
// destructors' sides.
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Noisy {
    explicit Noisy(const char* name) : name{name} { std::printf("  + %s\n", name); }
    Noisy(const Noisy&) = delete;
    ~Noisy() { std::printf("  - %s, %d unwinding\n", name, std::uncaught_exceptions()); }
    const char* name;
};

struct First {
    virtual ~First() = default;
    int one = 1;
};
struct Second {
    virtual ~Second() = default;
    int two = 2;
};
struct Both : First, Second {
    int three = 3;
};

struct ThrowsInside {
    Noisy member{"member"};
    ThrowsInside() { throw std::logic_error("constructor"); }
};

[[noreturn]] void descend(int depth) {
    const Noisy noisy{depth % 2 ? "odd" : "even"};
    if (depth == 0)
        throw std::runtime_error("bottom");
    descend(depth - 1);
}

long fail_sometimes(int number) {
    if (number % 3 == 0)
        throw number;
    if (number % 3 == 1)
        throw std::to_string(number);
    return number;
}

void again() {
    try {
        throw std::out_of_range("thrown again");
    } catch (const std::logic_error& error) {
        std::printf("inner handler: %s\n", error.what());
        throw;
    }
}

// Cleans up with code that throws and catches itself.
struct Careful {
    ~Careful() {
        try {
            throw 5;
        } catch (int value) {
            std::printf("during unwinding: %d, %d uncaught\n", value, std::uncaught_exceptions());
        }
    }
};

void filtered() {
    try {
        throw 1.5;
    } catch (int) {
        std::puts("never");
    } catch (const char*) {
        std::puts("never");
    }
}

} // namespace

int main() {
    try {
        descend(3);
    } catch (const std::exception& error) {
        std::printf("caught %s\n", error.what());
    }

    try {
        throw Both{};
    } catch (const Second& second) {
        std::printf("second base %d\n", second.two);
    }
    static Both both;
    try {
        throw &both;
    } catch (Second* second) {
        std::printf("pointer to base %d\n", second->two);
    }

    try {
        auto made = std::make_unique<ThrowsInside>();
    } catch (const std::logic_error& error) {
        std::printf("caught %s\n", error.what());
    }

    try {
        again();
    } catch (const std::exception& error) {
        std::printf("outer handler: %s\n", error.what());
    }

    try {
        const Careful careful;
        throw std::string("around");
    } catch (const std::string& text) {
        std::printf("caught %s\n", text.c_str());
    }

    try {
        filtered();
    } catch (...) {
        std::puts("caught by ...");
    }

    try {
        const std::vector<int> three{1, 2, 3};
        std::printf("%d\n", three.at(3));
    } catch (const std::out_of_range&) {
        std::puts("vector::at");
    }
    try {
        const std::map<std::string, int> empty;
        std::printf("%d\n", empty.at("key"));
    } catch (const std::out_of_range&) {
        std::puts("map::at");
    }
    try {
        std::vector<int> vector;
        vector.reserve(static_cast<size_t>(-1));
    } catch (const std::length_error&) {
        std::puts("vector::reserve");
    }

    long sum = 0;
    int numbers = 0;
    size_t characters = 0;
    for (int i = 0; i < 100'000; ++i) {
        try {
            sum += fail_sometimes(i);
        } catch (int) {
            ++numbers;
        } catch (const std::string& text) {
            characters += text.size();
        }
    }
    std::printf("%ld, %d numbers, %zu characters\n", sum, numbers, characters);

    try {
        try {
            throw 1;
        } catch (int one) {
            try {
                throw one + 1;
            } catch (int two) {
                std::printf("nested %d %d\n", one, two);
                throw;
            }
        }
    } catch (int two) {
        std::printf("and again %d, %d uncaught\n", two, std::uncaught_exceptions());
    }
    return 0;
}
