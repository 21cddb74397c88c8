#pragma once

#include <warpbeam/wasi/errno.hpp>
#include <warpbeam/wasi/types.hpp>

#include <algorithm>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// A tree of files as POSIX describes it, in the plainest way: what file systems are compared with.

namespace warpbeam::fuzz {

using wasi::Errno;
using wasi::FileType;

struct Node;
using NodeRef = std::shared_ptr<Node>;

struct Node {
    FileType type;
    std::string bytes = {};                      ///< contents of a file, or the target of a symbolic link
    std::map<std::string, NodeRef> entries = {}; ///< of a directory
    uint64_t links = 1;
    bool is_removed = false;               ///< a directory that only descriptors refer to
    std::optional<uint64_t> modified = {}; ///< if a call has set it, and nothing has changed since

    [[nodiscard]] bool is_directory() const { return type == FileType::directory; }
    [[nodiscard]] bool is_link() const { return type == FileType::symbolic_link; }
    [[nodiscard]] Node* find(const std::string& name) const {
        const auto found = entries.find(name);
        return found != entries.end() ? found->second.get() : nullptr;
    }
    void add(const std::string& name, NodeRef node) {
        entries[name] = std::move(node);
        modified.reset();
    }
    void remove(const std::string& name) {
        entries.erase(name);
        modified.reset();
    }
    /// Whether another one is this directory, or below it.
    [[nodiscard]] bool contains(const Node& other) const {
        return this == &other ||
               std::ranges::any_of(entries, [&](const auto& entry) { return entry.second->contains(other); });
    }
    [[nodiscard]] NodeRef copy() const {
        NodeRef result = std::make_shared<Node>(*this);
        for (auto& [name, node] : result->entries)
            node = node->copy();
        return result;
    }
};

inline NodeRef make_node(FileType type, std::string bytes = {}) {
    return std::make_shared<Node>(Node{.type = type, .bytes = std::move(bytes)});
}

constexpr size_t max_name_size = 255;

/// Where a path leads: an entry that may be missing, or, without a name, the directory itself.
struct Place {
    NodeRef directory;
    std::string name;
    bool needs_directory = false; ///< a slash follows
    size_t depth = 0;             ///< of the directory below the one where the path begins

    /// What is there; null if nothing is.
    [[nodiscard]] Node* node() const { return name.empty() ? directory.get() : directory->find(name); }
    [[nodiscard]] NodeRef shared() const {
        return name.empty() ? directory : directory->entries.find(name)->second;
    }
};

/// What a symbolic link at the end of a path stands for.
enum class Last : uint8_t {
    follow, ///< what it refers to
    keep,   ///< itself, unless a slash follows
    entry,  ///< itself
};

/// Goes along a path. It can't lead out of the directory where it begins.
inline std::expected<Place, Errno> walk(const NodeRef& base, std::string rest, Last last) {
    constexpr unsigned max_links = 40;
    if (rest[0] == '/')
        return std::unexpected{Errno::notcapable};
    std::vector<NodeRef> way{base};
    for (unsigned links = 0;;) {
        const size_t slash = rest.find('/');
        const std::string name = rest.substr(0, slash);
        const bool has_slash = slash != std::string::npos;
        const size_t next = has_slash ? rest.find_first_not_of('/', slash) : slash;
        rest = next != std::string::npos ? rest.substr(next) : "";
        const bool is_last = rest.empty();
        if (name == "..") {
            if (way.size() == 1)
                return std::unexpected{Errno::notcapable};
            way.pop_back();
        } else if (name != "." && !name.empty()) {
            const Node* const node = way.back()->find(name);
            if (node != nullptr && node->is_link() &&
                (!is_last || last == Last::follow || (has_slash && last == Last::keep))) {
                if (++links > max_links)
                    return std::unexpected{Errno::loop};
                if (node->bytes[0] == '/')
                    return std::unexpected{Errno::notcapable};
                rest = node->bytes + (has_slash ? "/" : "") + rest;
                continue;
            }
            if (is_last)
                return Place{way.back(), name, has_slash, way.size() - 1};
            if (name.size() > max_name_size)
                return std::unexpected{Errno::nametoolong};
            if (node == nullptr)
                return std::unexpected{Errno::noent};
            if (!node->is_directory())
                return std::unexpected{Errno::notdir};
            way.push_back(way.back()->entries.find(name)->second);
        }
        if (is_last)
            return Place{way.back(), "", true, way.size() - 1};
    }
}

/// Whether a link's text leads out of the tree if it is made at that depth.
inline bool leads_out(const std::string& target, size_t depth) {
    for (size_t start = 0; start <= target.size();) {
        const size_t end = std::min(target.find('/', start), target.size());
        const std::string name = target.substr(start, end - start);
        if (name == ".." && depth-- == 0)
            return true;
        if (name != ".." && name != "." && !name.empty())
            ++depth;
        start = end + 1;
    }
    return false;
}

} // namespace warpbeam::fuzz
