#pragma once

#include <warpbeam/wasi/file.hpp>

#include <utility>

/// Paths: from a directory and a path to a directory and the name of an entry, in which no symbolic link and
/// no `..` is left. A path can't leave the directory that it starts from.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#path_open

namespace warpbeam::wasi {

/// How a path is walked.
struct Walk {
    bool is_exact = false; ///< every directory is entered by itself, so that `depth` is known
    /// The entry itself is meant, in order to make, move or remove it: a symbolic link there is kept even if
    /// a slash follows, as Linux does. Otherwise the directory that the link refers to would be removed.
    bool is_for_entry = false;
};

/// Walks along a path. After `start`, the last component is at hand: `directory` and `name`. If what is there
/// is a symbolic link that is to be followed, `follow` goes on to what it refers to.
class Resolver {
public:
    Resolver(Directory& base, Walk how, Allocator& allocator) noexcept
        : path_{allocator}, stack_{allocator}, base_{&base}, how_{how} {}

    /// Goes to the last component. `path` must stay valid. Errors: `notcapable` for a path that is absolute
    /// or leads out; `loop` for more than 40 symbolic links; those of the directories.
    [[nodiscard]] Result<> start(std::string_view path) noexcept;
    /// Follows the last component, which is a symbolic link.
    [[nodiscard]] Result<> follow() noexcept;
    /// Whether it failed only because it has entered several directories at once: an exact one finds the way.
    [[nodiscard]] bool must_be_exact() const noexcept { return leads_out_ && has_jumped_; }

    [[nodiscard]] Directory& directory() const noexcept { return stack_.empty() ? *base_ : *stack_.back(); }
    /// Empty if the path ends with `.` or `..`: it is the directory itself.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    /// Whether the path ends with a slash, `.` or `..`, so that it must be a directory.
    [[nodiscard]] bool is_directory() const noexcept { return is_directory_; }
    /// How many directories lie between the base and the last component.
    [[nodiscard]] size_t depth() const noexcept { return stack_.size(); }

private:
    [[nodiscard]] bool take_component(std::string_view& component) noexcept;
    [[nodiscard]] Result<> walk() noexcept;
    [[nodiscard]] Result<> enter(std::string_view component) noexcept;
    [[nodiscard]] bool is_link_before_slash(std::string_view component, bool has_slash) noexcept;
    [[nodiscard]] Result<> replace(std::string_view component, bool has_slash) noexcept;

    Vec<char> path_; ///< what `rest_` and `name_` refer to, after a symbolic link
    std::string_view rest_;
    Vec<Ref<Directory>> stack_; ///< the directories that were entered, the innermost last
    Directory* base_;
    std::string_view name_;
    bool is_directory_ = false;
    Walk how_;
    bool has_jumped_ = false; ///< the first one was reached through several others
    bool leads_out_ = false;
    unsigned links_ = 0;
};

/// Resolves a path and does something with its last component: `operation(resolver)` returns a Result. With
/// `follow`, as long as its error is `loop`, the symbolic link is followed and the operation repeated.
template <typename Operation>
auto with_path(Directory& base, std::string_view path, bool follow, Allocator& allocator, Operation operation,
               Walk how = {}) noexcept -> decltype(operation(std::declval<Resolver&>())) {
    Resolver resolver{base, how, allocator};
    Result<> at = resolver.start(path);
    while (at) {
        auto result = operation(resolver);
        if (result || result.error() != Errno::loop || !follow)
            return result;
        at = resolver.follow();
    }
    if (resolver.must_be_exact()) {
        how.is_exact = true;
        return with_path(base, path, follow, allocator, operation, how);
    }
    return std::unexpected{at.error()};
}

} // namespace warpbeam::wasi
