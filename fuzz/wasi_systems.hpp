#pragma once

#include "guest_module.hpp"
#include "walking_directory.hpp"
#include "wasi_tree.hpp"

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

/// The file systems that are compared with the model, each with a program that uses it.

namespace warpbeam::fuzz {

/// For what can't fail here.
template <typename T>
auto must(T outcome) {
    if (!outcome)
        std::abort();
    if constexpr (!std::is_void_v<typename T::value_type>)
        return std::move(*outcome);
}

/// A folder of the system with trees in it, and beside them what no program may reach.
class ScratchFolder {
public:
    ScratchFolder() {
        std::error_code missing;
        const bool has_memory = std::filesystem::is_directory("/dev/shm", missing);
        const std::filesystem::path parent =
            has_memory ? std::filesystem::path{"/dev/shm"} : std::filesystem::temp_directory_path();
        std::string name = (parent / "warpbeam-fuzz-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            std::abort();
        path_ = name;
        std::filesystem::create_directory(path_ / "outside");
        std::ofstream{secret_path()} << secret;
        written_ = std::filesystem::last_write_time(secret_path());
    }
    ~ScratchFolder() { std::filesystem::remove_all(path_); }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    static constexpr std::string_view secret = "nobody may read this";
    [[nodiscard]] std::filesystem::path secret_path() const { return path_ / "outside" / "secret"; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// Makes a tree below.
    [[nodiscard]] Ref<wasi::Directory> make(const char* name, const Node& tree) const {
        std::filesystem::create_directory(path_ / name);
        fill(path_ / name, tree);
        return must(wasi::native_directory((path_ / name).string()));
    }
    /// Nothing has been done to what lies outside of the trees.
    [[nodiscard]] bool is_outside_unchanged() const {
        std::ifstream file{secret_path()};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const auto outside = std::filesystem::directory_iterator{path_ / "outside"};
        return text == secret && std::distance(begin(outside), end(outside)) == 1 &&
               std::filesystem::last_write_time(secret_path()) == written_ &&
               std::filesystem::hard_link_count(secret_path()) == 1;
    }

private:
    static void fill(const std::filesystem::path& path, const Node& tree) {
        for (const auto& [name, node] : tree.entries)
            if (node->is_directory()) {
                std::filesystem::create_directory(path / name);
                fill(path / name, *node);
            } else if (node->is_link()) {
                std::filesystem::create_symlink(node->bytes, path / name);
            } else {
                std::ofstream{path / name, std::ios::binary} << node->bytes;
            }
    }
    std::filesystem::path path_;
    std::filesystem::file_time_type written_;
};

inline void fill(wasi::Directory& directory, const Node& tree) {
    for (const auto& [name, node] : tree.entries)
        if (node->is_directory()) {
            must(directory.make_directory(name));
            fill(*must(directory.enter(name)), *node);
        } else if (node->is_link()) {
            must(directory.symlink(node->bytes, name));
        } else {
            const auto file = must(directory.open(name, {.write = true, .create = true}));
            (void)must(file->write_at(
                {reinterpret_cast<const uint8_t*>(node->bytes.data()), node->bytes.size()}, 0));
        }
}

/// Whether a directory has what the tree has, and nothing else.
inline bool is_same(wasi::Directory& directory, const Node& tree) {
    Vec<wasi::DirectoryEntry> entries;
    must(directory.list(entries));
    if (entries.size() != tree.entries.size())
        return false;
    return std::ranges::all_of(tree.entries, [&](const auto& each) {
        const auto& [name, node] = each;
        const auto stat = directory.stat_entry(name);
        if (!stat || stat->type != node->type)
            return false;
        if (node->is_directory())
            return is_same(*must(directory.enter(name)), *node);
        if (node->is_link()) {
            const auto target = must(directory.read_link(name));
            return std::string_view{target.data(), target.size()} == node->bytes;
        }
        std::vector<uint8_t> bytes(node->bytes.size() + 1);
        const auto size = must(must(directory.open(name, {.read = true}))->read_at(bytes, 0));
        return size == node->bytes.size() && std::equal(node->bytes.begin(), node->bytes.end(), bytes.begin(),
                                                        [](char a, uint8_t b) { return a == char(b); });
    });
}

/// A program with a tree, which it has twice: see Model.
class System {
public:
    System(std::string_view called, Ref<wasi::Directory> tree, bool layered)
        : name{called}, root{std::move(tree)}, is_layered{layered} {
        static Engine engine;
        static const Module module = load(engine);
        linker_.emplace(engine);
        store_.emplace(engine);
        must(wasi::define(*linker_, context));
        must(context.add_directory("/", root));
        must(context.add_directory("/only", root, wasi::Access::read_only));
        for (uint32_t number = 0; number < 3; ++number)
            context.descriptors().close(number);
        instance_.emplace(must(linker_->instantiate(*store_, module)));
        memory_.emplace(instance_->memory("memory").value());
    }

    [[nodiscard]] Errno call(std::string_view function, std::span<const uint64_t> arguments) {
        const auto* const signature =
            std::ranges::find(wasi::testing::signatures, function, &wasi::testing::Signature::name);
        std::vector<Value> values;
        for (size_t i = 0; i < arguments.size(); ++i)
            if (signature->params[i] == 'l')
                values.emplace_back(arguments[i]);
            else
                values.emplace_back(static_cast<uint32_t>(arguments[i]));
        Value returned;
        if (!instance_->func(function)->call(values, {&returned, 1}))
            std::abort();
        return static_cast<Errno>(returned.as<uint32_t>());
    }
    [[nodiscard]] std::span<uint8_t> memory() const { return memory_->data(); }
    template <typename T>
    [[nodiscard]] T at(uint64_t address) const {
        return MemoryView{*memory_}.read<T>(address).value();
    }
    [[nodiscard]] std::string text(uint64_t address, size_t size) const {
        const auto bytes = memory().subspan(address, size);
        return {bytes.begin(), bytes.end()};
    }

    std::string_view name;
    Ref<wasi::Directory> root;
    /// Files of the directory below keep neither number nor count of links when they are copied up.
    bool is_layered;
    wasi::Context context;
    std::map<const Node*, uint64_t> inodes; ///< which numbers the files have

private:
    static Module load(Engine& engine) {
        return must(engine.load(must(parse_wat(wasi::testing::guest_text({})))));
    }
    std::optional<Linker> linker_;
    std::optional<Store> store_;
    std::optional<Instance> instance_;
    std::optional<Memory> memory_;
};

} // namespace warpbeam::fuzz
