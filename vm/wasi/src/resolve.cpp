#include "resolve.hpp"

#include <algorithm>

namespace warpbeam::wasi {

namespace {

constexpr unsigned max_links = 40;

/// The part before the last component, if it consists of several names; they are entered at once.
std::string_view several_directories(std::string_view path) noexcept {
    const size_t end = path.find_last_not_of('/');
    const size_t slash = end == std::string_view::npos ? end : path.rfind('/', end);
    if (slash == std::string_view::npos)
        return {};
    // Several slashes may lie between two names.
    const std::string_view directories = path.substr(0, path.find_last_not_of('/', slash) + 1);
    return directories.contains('/') ? directories : std::string_view{};
}

} // namespace

bool Resolver::take_component(std::string_view& component) noexcept {
    const size_t size = std::min(rest_.find('/'), rest_.size());
    component = rest_.substr(0, size);
    const bool has_slash = size < rest_.size();
    rest_.remove_prefix(std::min(rest_.find_first_not_of('/', size), rest_.size()));
    return has_slash;
}

Result<> Resolver::start(std::string_view path) noexcept {
    if (path.empty())
        return std::unexpected{Errno::noent};
    if (path.front() == '/')
        return std::unexpected{Errno::notcapable};
    rest_ = path;
    const std::string_view prefix = how_.is_exact ? std::string_view{} : several_directories(path);
    if (prefix.empty())
        return walk();
    auto entered = base_->descend(prefix);
    if (!entered)
        return walk();
    if (!stack_.push(std::move(*entered)))
        return std::unexpected{Errno::nomem};
    has_jumped_ = true;
    rest_.remove_prefix(prefix.size());
    std::string_view nothing;
    (void)take_component(nothing); // the slashes
    return walk();
}

Result<> Resolver::follow() noexcept {
    rest_ = {};
    if (const Result<> replaced = replace(name_, is_directory_); !replaced)
        return replaced;
    return walk();
}

Result<> Resolver::walk() noexcept {
    for (;;) {
        std::string_view component;
        const bool has_slash = take_component(component);
        const bool is_last = rest_.empty();
        if (component == "..") {
            if (stack_.size() == (has_jumped_ ? size_t{1} : size_t{0})) {
                leads_out_ = true;
                return std::unexpected{Errno::notcapable};
            }
            stack_.pop();
        } else if (!component.empty() && component != ".") {
            if (is_last && !is_link_before_slash(component, has_slash)) {
                name_ = component;
                is_directory_ = has_slash;
                return {};
            }
            const Result<> entered = is_last ? std::unexpected{Errno::loop} : enter(component);
            if (!entered && entered.error() != Errno::loop)
                return entered;
            if (!entered) {
                if (const Result<> replaced = replace(component, has_slash); !replaced)
                    return replaced;
                continue;
            }
        }
        if (is_last) {
            name_ = {};
            is_directory_ = true;
            return {};
        }
    }
}

Result<> Resolver::enter(std::string_view component) noexcept {
    auto entered = directory().enter(component);
    if (!entered)
        return std::unexpected{entered.error()};
    if (!stack_.push(std::move(*entered)))
        return std::unexpected{Errno::nomem};
    return {};
}

/// Before a slash, a symbolic link stands for what it refers to, whether links are to be followed or not;
/// unless the link itself is meant.
bool Resolver::is_link_before_slash(std::string_view component, bool has_slash) noexcept {
    return has_slash && !how_.is_for_entry && directory().read_link(component).has_value();
}

/// Puts the target of a symbolic link before the rest of the path.
Result<> Resolver::replace(std::string_view component, bool has_slash) noexcept {
    if (++links_ > max_links)
        return std::unexpected{Errno::loop};
    auto target = directory().read_link(component);
    if (!target)
        return std::unexpected{target.error()};
    if (target->empty())
        return std::unexpected{Errno::noent};
    if ((*target)[0] == '/')
        return std::unexpected{Errno::notcapable};
    constexpr char slash = '/';
    if ((has_slash && !target->append({&slash, 1})) || !target->append({rest_.data(), rest_.size()}))
        return std::unexpected{Errno::nomem};
    path_ = std::move(*target);
    rest_ = {path_.data(), path_.size()};
    return {};
}

} // namespace warpbeam::wasi
