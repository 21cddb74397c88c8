#pragma once

#include <gtest/gtest.h>
#include <warpbeam/wasi/file_systems.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace warpbeam::wasi::testing {

inline std::span<const uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// What is in a file with positions.
inline std::string contents(File& file) {
    std::string result;
    uint8_t bytes[100];
    for (;;) {
        const auto size = file.read_at(bytes, result.size());
        if (!size || *size == 0)
            return result;
        result.append(bytes, bytes + *size);
    }
}

/// A directory of the test's own, which is removed with what is in it.
class Scratch {
public:
    Scratch() {
#ifdef _WIN32
        path_ = std::filesystem::temp_directory_path() /
                ("warpbeam-test-" + std::to_string(std::random_device{}()));
        EXPECT_TRUE(std::filesystem::create_directory(path_));
#else
        std::string name = (std::filesystem::temp_directory_path() / "warpbeam-test-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        path_ = name;
#endif
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
#ifndef _WIN32 // there, what is still open stays
        EXPECT_FALSE(ignored) << path_ << " was left behind: " << ignored.message();
#endif
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    [[nodiscard]] Ref<Directory> open() const { return native_directory(path_.string()).value(); }

    void write(std::string_view name, std::string_view text) const {
        std::ofstream file{path_ / name, std::ios::binary};
        file << text;
        EXPECT_TRUE(file) << name;
    }
    [[nodiscard]] std::string read(std::string_view name) const {
        std::ifstream file{path_ / name, std::ios::binary};
        EXPECT_TRUE(file) << name;
        return {std::istreambuf_iterator<char>{file}, {}};
    }

private:
    std::filesystem::path path_;
};

} // namespace warpbeam::wasi::testing
