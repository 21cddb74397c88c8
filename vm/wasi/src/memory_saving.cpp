#include "memory_directory.hpp"

#include <limits.h>

/// Trees in memory as bytes. A name that is not there any more in the directory below is an entry, too.

namespace warpbeam::wasi {

namespace {

enum class Kind : uint8_t { gone, file, link, directory };

void write_times(ByteWriter& out, const Filestat& stat) noexcept {
    out.number(stat.accessed);
    out.number(stat.modified);
}
void read_times(ByteReader& in, File& node) noexcept {
    const auto accessed = in.number<uint64_t>();
    const auto modified = in.number<uint64_t>();
    (void)node.set_times({NewTimes::Change::set, NewTimes::Change::set, accessed, modified});
}

} // namespace

Result<> MemoryDirectory::save(SnapshotSink& sink) noexcept {
    ByteWriter out{sink};
    forget_numbers();
    uint32_t linked = 0;
    write_tree(out, linked);
    return out.ok() ? Result<>{} : failed(Errno::io);
}

Result<> MemoryDirectory::restore(SnapshotSource& source) noexcept {
    ByteReader in{source};
    Vec<Ref<File>> linked{node_.system().allocator()};
    return read_tree(in, *this, linked);
}

void MemoryDirectory::forget_numbers() noexcept {
    (void)entries_.all_of([](const MemoryEntry& entry) {
        if (entry.node && entry.node->type() == FileType::regular_file)
            static_cast<MemoryFile&>(*entry.node).number = 0;
        return true;
    });
    each_directory([](MemoryDirectory& inner) { inner.forget_numbers(); });
}

void MemoryDirectory::write_tree(ByteWriter& out, uint32_t& linked) noexcept {
    write_times(out, node_.stat());
    out.number(static_cast<uint8_t>(has_lower_));
    out.text(has_lower_ ? std::string_view{lower_path_.data(), lower_path_.size()} : std::string_view{});
    out.number(static_cast<uint32_t>(entries_.size()));
    (void)entries_.all_of([&](const MemoryEntry& entry) {
        out.text(entry.view());
        if (!entry.node) {
            out.number(static_cast<uint8_t>(Kind::gone));
        } else if (entry.node->type() == FileType::directory) {
            out.number(static_cast<uint8_t>(Kind::directory));
            static_cast<MemoryDirectory&>(*entry.node).write_tree(out, linked);
        } else if (entry.node->type() == FileType::symbolic_link) {
            auto& link = static_cast<MemoryLink&>(*entry.node);
            out.number(static_cast<uint8_t>(Kind::link));
            out.text(link.target());
            write_times(out, link.node().stat());
        } else {
            auto& file = static_cast<MemoryFile&>(*entry.node);
            out.number(static_cast<uint8_t>(Kind::file));
            // A file with several names comes once, and then as its number.
            const bool is_known = file.number != 0;
            if (!is_known && file.node().stat().links > 1)
                file.number = ++linked;
            out.number(file.number);
            if (!is_known) {
                out.number(static_cast<uint64_t>(file.bytes().size()));
                out.raw(file.bytes());
                write_times(out, file.node().stat());
            }
        }
        return out.ok();
    });
}

Result<> MemoryDirectory::read_tree(ByteReader& in, MemoryDirectory& root, Vec<Ref<File>>& linked) noexcept {
    while (!entries_.empty()) {
        node_.system().give_back(size_of(entries_.back().name.size()));
        entries_.pop();
    }
    node_.system().forget(open_lower_);
    const auto accessed = in.number<uint64_t>();
    const auto modified = in.number<uint64_t>();
    const bool was_above = in.number<uint8_t>() != 0;
    lower_path_ = in.text(max_lower_path, node_.system().allocator());
    if (!in.ok())
        return failed(in.error());
    // A directory lies over nothing if the root does not, and only the root has no path.
    const bool may_be_above = this == &root ? was_above == has_lower_ : !was_above || root.has_lower_;
    if (!may_be_above || lower_path_.empty() != (this == &root || !was_above))
        return failed(Errno::inval);
    has_lower_ = was_above;
    if (const auto below = lower(); !below || (was_above && !*below))
        return failed(!below && below.error() == Errno::nomem ? Errno::nomem : Errno::inval);
    const auto count = in.number<uint32_t>();
    for (uint32_t i = 0; i < count && in.ok(); ++i)
        if (const Result<> entry = read_entry(in, root, linked); !entry)
            return entry;
    if (!in.ok())
        return failed(in.error());
    return set_times({NewTimes::Change::set, NewTimes::Change::set, accessed, modified});
}

Result<> MemoryDirectory::read_entry(ByteReader& in, MemoryDirectory& root, Vec<Ref<File>>& linked) noexcept {
    const Vec<char> text = in.text(max_name, node_.system().allocator());
    const std::string_view name{text.data(), text.size()};
    const auto kind = in.number<uint8_t>();
    if (!in.ok())
        return failed(in.error());
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos ||
        name.find('\0') != std::string_view::npos || (!entries_.empty() && entries_.back().view() >= name))
        return failed(Errno::inval); // they are sorted, so that each goes to the end
    Result<Ref<File>> node = nullptr;
    switch (static_cast<Kind>(kind)) {
    case Kind::gone:
        break;
    case Kind::file:
        node = read_contents(in, linked);
        break;
    case Kind::link: {
        const Vec<char> target = in.text(PATH_MAX, node_.system().allocator());
        node = make_link({target.data(), target.size()});
        if (node)
            read_times(in, **node);
        break;
    }
    case Kind::directory: {
        node = depth_ < max_depth ? make_node<MemoryDirectory>(nullptr, depth_ + 1) : failed(Errno::inval);
        if (node)
            if (const Result<> read_all = static_cast<MemoryDirectory&>(**node).read_tree(in, root, linked);
                !read_all)
                return read_all;
        break;
    }
    default:
        return failed(Errno::inval);
    }
    if (!node)
        return failed(node.error());
    return in.ok() ? put(name, std::move(*node)) : failed(in.error());
}
Result<Ref<File>> MemoryDirectory::read_contents(ByteReader& in, Vec<Ref<File>>& linked) noexcept {
    const auto number = in.number<uint32_t>();
    if (in.ok() && number != 0 && number <= linked.size()) {
        const Ref<File> file = linked[number - 1];
        ++node_of(*file).stat().links;
        return file;
    }
    const auto size = in.number<uint64_t>();
    if (!in.ok() || (number != 0 && number != linked.size() + 1))
        return failed(in.ok() ? Errno::inval : in.error());
    const Result<Ref<File>> file = make_file();
    if (!file)
        return file;
    uint8_t bytes[4096];
    for (uint64_t done = 0; done < size;) {
        const auto part =
            std::span{bytes}.first(static_cast<size_t>(std::min<uint64_t>(size - done, sizeof bytes)));
        in.raw(part);
        if (!in.ok())
            break;
        if (const Result<size_t> written = (*file)->write_at(part, done); !written)
            return failed(written.error());
        done += part.size();
    }
    read_times(in, **file);
    if (number != 0 && !linked.push(*file))
        return failed(Errno::nomem);
    return file;
}

} // namespace warpbeam::wasi
