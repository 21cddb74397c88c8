// What everyday C++ programs use: streams, strings, containers, sorting, numbers as text, files.
#include <algorithm>
#include <array>
#include <bitset>
#include <cstdio>
#include <deque>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};
struct Square : Shape {
    explicit Square(double side) : side{side} {}
    double area() const override { return side * side; }
    double side;
};
struct Circle : Shape {
    explicit Circle(double radius) : radius{radius} {}
    double area() const override { return 3.14159265358979 * radius * radius; }
    double radius;
};

void words() {
    std::map<std::string, int> ordered;
    std::unordered_map<std::string, int> hashed;
    std::string word;
    size_t characters = 0;
    while (std::cin >> word) {
        characters += word.size();
        ++ordered[word];
        ++hashed[word];
    }
    std::cout << ordered.size() << " words, " << characters << " characters\n";
    std::vector<std::pair<std::string, int>> most(hashed.begin(), hashed.end());
    std::sort(most.begin(), most.end(), [](const auto& a, const auto& b) {
        return std::tuple{-a.second, a.first} < std::tuple{-b.second, b.first};
    });
    for (size_t i = 0; i < std::min<size_t>(5, most.size()); ++i)
        std::cout << std::setw(12) << most[i].first << std::setw(6) << most[i].second << '\n';
    for (const auto& [name, count] : ordered)
        if (name.size() == 1)
            std::cout << name << '=' << count << ' ';
    std::cout << '\n';
}

void sorting() {
    std::mt19937_64 random{42};
    std::vector<uint64_t> numbers(200'000);
    std::generate(numbers.begin(), numbers.end(), std::ref(random));
    auto copy = numbers;
    std::sort(numbers.begin(), numbers.end());
    std::stable_sort(copy.begin(), copy.end(), std::greater<>{});
    std::cout << numbers.front() << ' ' << numbers[numbers.size() / 2] << ' ' << numbers.back() << ' '
              << std::equal(numbers.begin(), numbers.end(), copy.rbegin()) << '\n';
    std::set<uint64_t> set(numbers.begin(), numbers.begin() + 1000);
    std::priority_queue<uint64_t> heap(numbers.begin(), numbers.begin() + 1000);
    std::deque<uint64_t> deque(set.begin(), set.end());
    std::cout << set.size() << ' ' << (heap.top() == *set.rbegin()) << ' ' << (deque.back() == heap.top())
              << '\n';
    std::list<int> list{5, 3, 9, 1};
    list.sort();
    std::copy(list.begin(), list.end(), std::ostream_iterator<int>(std::cout, " "));
    std::cout << std::accumulate(list.begin(), list.end(), 0) << '\n';
}

void numbers_as_text() {
    std::cout << std::fixed << std::setprecision(6) << 1.0 / 3 << ' ' << std::scientific << 12345.678 << ' '
              << std::defaultfloat << 1e100 << ' ' << std::hexfloat << 0.1 << std::defaultfloat << '\n';
    std::cout << std::hex << std::showbase << 255 << ' ' << std::oct << 8 << std::dec << ' ' << std::boolalpha
              << true << ' ' << std::setfill('*') << std::setw(8) << std::left << 42 << std::setfill(' ')
              << '\n';
    std::istringstream in{"17 2.5 word 0x1f"};
    int whole = 0;
    double real = 0;
    std::string text;
    unsigned hex = 0;
    in >> whole >> real >> text >> std::hex >> hex;
    std::cout << whole + 1 << ' ' << real * 2 << ' ' << text << ' ' << hex << '\n';
    std::cout << std::stod("6.02e23") << ' ' << std::to_string(-7) << ' ' << std::bitset<10>(777) << '\n';
}

void objects() {
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Square>(3));
    shapes.push_back(std::make_unique<Circle>(2));
    double area = 0;
    int squares = 0;
    for (const auto& shape : shapes) {
        area += shape->area();
        squares += dynamic_cast<const Square*>(shape.get()) != nullptr;
    }
    const std::variant<int, std::string> either = std::string{"text"};
    const std::optional<int> none;
    std::cout << std::setprecision(10) << area << ' ' << squares << ' ' << std::get<std::string>(either)
              << ' ' << none.value_or(-1) << '\n';
}

// With C's functions: Debian's libc++ for WebAssembly has no file streams.
void files(const std::string& directory) {
    using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
    const std::string path = directory + "/lines.txt";
    if (const File out{std::fopen(path.c_str(), "w"), std::fclose}) {
        for (int i = 0; i < 1000; ++i)
            std::fprintf(out.get(), "line %d\n", i);
    }
    if (const File both{std::fopen(path.c_str(), "r+"), std::fclose}) {
        std::fseek(both.get(), 5, SEEK_SET);
        std::fputc('X', both.get());
    }
    std::string contents;
    if (const File in{std::fopen(path.c_str(), "r"), std::fclose}) {
        std::array<char, 1000> part;
        while (const size_t size = std::fread(part.data(), 1, part.size(), in.get()))
            contents.append(part.data(), size);
    }
    std::istringstream in{contents};
    std::string line;
    std::getline(in, line);
    const auto lines = std::count(contents.begin(), contents.end(), '\n');
    const File none{std::fopen((directory + "/none").c_str(), "r"), std::fclose};
    std::cout << line << ", " << lines << " lines, a missing file opens: " << (none != nullptr) << '\n';
}

} // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    words();
    sorting();
    numbers_as_text();
    objects();
    if (argc > 1)
        files(argv[1]);
    std::cerr << "end\n";
    return argc;
}
