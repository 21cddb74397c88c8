// libFuzzer target: a program makes any calls of WASI's functions on files. Every errno and every result must
// be what a simple model of a tree says, and the trees at the end, too: in memory, of the operating system,
// and in memory over one of the operating system, which stays as it was. Nothing outside may be reached.
//
// An input is a list of calls: a byte for the function, and some for the arguments.

#include "wasi_input.hpp"
#include "wasi_systems.hpp"

#include <cstdio>
#include <list>

namespace {

using namespace warpbeam;
using namespace warpbeam::fuzz;

constexpr uint64_t page = 65'536;
constexpr uint64_t result = 64;
constexpr uint64_t list = 256;
constexpr uint64_t paths[] = {1024, 8192};
constexpr uint64_t data = 16'384;

/// One input on all file systems.
class Run {
public:
    explicit Run(std::span<const uint8_t> bytes)
        : input_{bytes}, before_{first_tree(folder_.secret_path().string())}, model_{before_->copy()} {
        auto in_memory = must(wasi::memory_directory({UINT64_MAX}));
        fill(*in_memory, *before_);
        systems_.emplace_back("memory", std::move(in_memory), false);
        auto native = folder_.make("tree", *before_);
        if (input_.byte() % 2 != 0) // as where openat2 is missing
            native = wasi::testing::WalkingDirectory::around(std::move(native));
        systems_.emplace_back("native", std::move(native), false);
        systems_.emplace_back(
            "layered", must(wasi::layered_directory(folder_.make("lower", *before_), {UINT64_MAX})), true);
    }

    void run() {
        while (!input_.is_empty())
            step();
        for (System& system : systems_) {
            expect(is_same(*system.root, *model_.root), system, "the tree");
            expect(!contains_secret(system), system, "the memory without the secret");
        }
        expect(is_same(*must(wasi::native_directory((folder_.path() / "tree").string())), *model_.root),
               systems_.back(), "the native tree, opened again");
        expect(is_same(*must(wasi::native_directory((folder_.path() / "lower").string())), *before_),
               systems_.back(), "the tree below as it was");
        expect(folder_.is_outside_unchanged(), systems_.back(), "what lies outside as it was");
    }

private:
    // ---- Arguments ----

    enum class Wanted : uint8_t { file, directory, any };
    /// One that is open and of that kind, but for a few.
    uint32_t descriptor(Wanted wanted = Wanted::any) {
        const uint8_t choice = input_.byte();
        if (choice >= 248)
            return choice == 255 ? UINT32_MAX : choice % 16u;
        std::vector<uint32_t> fitting;
        for (const auto& [number, open] : model_.open())
            if (wanted == Wanted::any || open.node->is_directory() == (wanted == Wanted::directory))
                fitting.push_back(number);
        if (fitting.empty() || choice >= 232)
            return choice % 6u;
        // The first directory has all rights, and all below.
        return choice < 150 && wanted == Wanted::directory ? 3 : fitting[choice % fitting.size()];
    }
    /// A path of what is there, from a directory.
    std::string real_path(uint32_t fd) {
        const ModelDescriptor* const from = model_.find(fd);
        return input_.path_from(from != nullptr ? from->node.get() : nullptr);
    }
    /// Any path; often one of what is there from that directory, or a short one.
    std::string path(uint32_t fd) {
        static const std::string longest(255, 'n');
        static const std::string too_long(256, 'n');
        static const std::string far(4090, '/');
        static const std::string nul("a\0b", 3);
        static const std::string names[] = {"a",  "b", "f",        "g",    "c",   "l",   "u",    "a",  "b",
                                            "..", ".", "dangling", "loop", "out", "abs", "proc", "new"};
        const uint8_t kind = input_.byte();
        if (kind >= 160)
            return real_path(fd);
        if (kind >= 128)
            return real_path(fd) + "/" + names[input_.byte() % std::size(names)];
        std::string text;
        for (unsigned i = kind < 64 ? 0 : 3; i <= kind % 4u; ++i) {
            const uint8_t choice = input_.byte();
            if (i != 0)
                text += choice % 16 == 1 ? "//" : "/";
            text += names[choice % std::size(names)];
        }
        switch (kind / 4) {
        case 0:
        case 1:
        case 2:
        case 3:
            return text + "/";
        case 4:
            return "/" + text;
        case 5:
            return "";
        case 6:
            return nul;
        case 7:
            return text + "/" + longest;
        case 8:
            return text + "/" + too_long;
        case 9:
            return too_long + "/" + text;
        case 10:
            return far + text;
        case 11:
            return text + "/.";
        case 12:
            return text + "/..";
        case 13:
            return too_long;
        case 14:
            return longest;
        default:
            return text;
        }
    }
    /// Where the guest wants a result; sometimes it can't have it there.
    uint64_t pointer(uint64_t good, uint64_t size) {
        const uint8_t choice = input_.byte();
        if (choice % 32 != 1)
            return good;
        is_bad_ = true;
        const uint64_t choices[] = {page - size + 1, page, UINT32_MAX, UINT32_MAX - size + 1};
        return choices[choice / 32 % 4];
    }
    void add_path(std::vector<uint64_t>& arguments, const std::string& text, uint64_t address) {
        for (System& system : systems_)
            std::ranges::copy(text, system.memory().begin() + static_cast<ptrdiff_t>(address));
        arguments.push_back(text.empty() ? address : pointer(address, text.size()));
        arguments.push_back(text.size());
    }
    void put_list(std::span<const std::pair<uint64_t, uint64_t>> buffers) {
        for (System& system : systems_) {
            uint64_t at = list;
            for (const auto& [address, size] : buffers)
                for (const uint64_t value : {address, size}) {
                    detail::store_number(system.memory().data() + at, static_cast<uint32_t>(value));
                    at += 4;
                }
        }
    }

    // ---- Outcomes ----

    void expect(bool is_fine, const System& system, const char* what) const {
        if (is_fine)
            return;
        (void)std::fwrite(log_.data(), 1, log_.size(), stderr); // paths may have any bytes
        std::fprintf(stderr, "%.*s: expected %s\n", static_cast<int>(system.name.size()), system.name.data(),
                     what);
        std::abort();
    }
    static bool contains_secret(const System& system) {
        return !std::ranges::search(system.memory(), ScratchFolder::secret).empty();
    }

    /// Makes a call in each system, and looks at what it did. `model` says what to expect.
    template <typename Ask, typename Look>
    void call(std::string_view name, const std::vector<uint64_t>& arguments, Ask model, Look look,
              bool is_loose = false) {
        log_ += name;
        for (const uint64_t argument : arguments)
            log_ += " " + std::to_string(argument);
        for (const std::string& text : texts_)
            log_ += " '" + (text.size() < 100 ? text : std::to_string(text.size()) + " bytes") + "'";
        model_.is_dry = is_bad_;
        const Errno expected = model();
        log_ += " = " + std::to_string(static_cast<int>(expected)) + (is_bad_ ? " or a fault\n" : "\n");
        for (System& system : systems_) {
            const Errno errno_ = system.call(name, arguments);
            const bool is_fault = is_bad_ && errno_ == Errno::fault;
            const bool is_expected = errno_ == expected && !(is_bad_ && expected == Errno::success);
            // A file below a layer that is open to be read does not see later changes, and takes no times.
            if (is_loose && system.is_layered)
                continue;
            expect(is_fault || is_expected, system,
                   ("errno " + std::to_string(static_cast<int>(expected)) + ", not " +
                    std::to_string(static_cast<int>(errno_)))
                       .c_str());
            if (errno_ == Errno::success)
                look(system);
        }
        model_.is_dry = false;
        is_bad_ = false;
        texts_.clear();
    }
    template <typename Ask>
    void call(std::string_view name, const std::vector<uint64_t>& arguments, Ask model,
              bool is_loose = false) {
        call(name, arguments, model, [](System&) {}, is_loose);
    }
    bool is_loose(uint32_t fd) {
        const ModelDescriptor* const at = model_.find(fd);
        return at != nullptr && !at->node->is_directory() && !at->writes;
    }

    void look_at_stat(System& system, const NodeRef& node, bool is_loose) {
        expect(system.at<uint8_t>(result + 16) == static_cast<uint8_t>(node->type), system, "another type");
        if (is_loose && system.is_layered)
            return;
        if (!node->is_directory())
            expect(system.at<uint64_t>(result + 32) == node->bytes.size(), system, "another size");
        if (node->modified)
            expect(system.at<uint64_t>(result + 48) == *node->modified, system, "another time");
        if (system.is_layered)
            return;
        if (!node->is_directory()) // directories have as many links as a file system likes
            expect(system.at<uint64_t>(result + 24) == node->links, system, "another number of links");
        expect(system.inodes.try_emplace(node.get(), system.at<uint64_t>(result + 8)).first->second ==
                   system.at<uint64_t>(result + 8),
               system, "the same inode as before");
        seen_.push_back(node); // so that its address stays its own
    }
    void look_at_number(System& system, uint64_t expected) const {
        expect(system.at<uint64_t>(result) == expected, system, "another number");
    }

    // ---- Calls ----

    void step() {
        switch (input_.byte() % 32) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
            return open();
        case 5:
        case 6:
            return read(false);
        case 7:
            return read(true);
        case 8:
        case 9:
            return write(false);
        case 10:
            return write(true);
        case 11:
            return seek();
        case 12:
            return set_size();
        case 13:
        case 14:
            return rename();
        case 15:
            return link();
        case 16:
            return symlink();
        case 17:
        case 18:
            return on_path("path_unlink_file", &Model::unlink);
        case 19:
        case 20:
            return on_path("path_create_directory", &Model::make_directory);
        case 21:
            return on_path("path_remove_directory", &Model::remove_directory);
        case 22:
        case 23:
            return read_directory();
        case 24:
            return stat();
        case 25:
            return read_link();
        case 26:
            return set_times();
        case 27:
            return describe();
        case 28:
            return change_descriptor();
        case 29:
            return close();
        case 30:
            return allocate();
        default:
            return ask();
        }
    }

    void on_path(std::string_view name, Errno (Model::*model)(uint32_t, const std::string&)) {
        const uint32_t fd = descriptor(Wanted::directory);
        std::vector<uint64_t> arguments{fd};
        texts_ = {path(fd)};
        add_path(arguments, texts_[0], paths[0]);
        call(name, arguments, [&] { return (model_.*model)(fd, texts_[0]); });
    }
    void open() {
        const uint32_t fd = descriptor(Wanted::directory);
        Model::Opening as;
        as.lookup = input_.small_flags();
        std::vector<uint64_t> arguments{fd, as.lookup};
        texts_ = {path(fd)};
        add_path(arguments, texts_[0], paths[0]);
        constexpr uint32_t hows[] = {0,
                                     0,
                                     oflags::creat,
                                     oflags::creat | oflags::excl,
                                     oflags::trunc,
                                     oflags::creat | oflags::trunc,
                                     oflags::directory,
                                     oflags::directory};
        as.how = input_.once_in(32) ? input_.byte() : input_.one_of(hows);
        as.base = input_.some_rights();
        as.inheriting = input_.once_in(8) ? input_.some_rights() : rights::all;
        constexpr uint32_t flags[] = {
            0, 0, 0, 0, 0, 0, 0, 0, fdflags::append, fdflags::append, fdflags::nonblock, 31, 32};
        as.flags = input_.one_of(flags);
        // What may be asked for, more often than not.
        if (const ModelDescriptor* const at = model_.find(fd); at != nullptr && !input_.once_in(8))
            as.base &= at->inheriting;
        arguments.insert(arguments.end(), {as.how, as.base, as.inheriting, as.flags, pointer(result, 4)});
        uint32_t number = 0;
        call(
            "path_open", arguments, [&] { return model_.open(fd, texts_[0], as, number); },
            [&](System& system) {
                expect(system.at<uint32_t>(result) == number, system, "another descriptor");
            });
    }
    void read(bool has_offset) {
        const uint32_t fd = descriptor(Wanted::file);
        const uint64_t first = input_.byte();
        const uint64_t second = uint64_t{input_.byte()} * 100;
        const std::pair<uint64_t, uint64_t> buffers[] = {{data, first}, {data + first, second}};
        put_list(buffers);
        const auto where = has_offset ? std::optional{input_.offset()} : std::nullopt;
        std::vector<uint64_t> arguments{fd, pointer(list, 16), 2};
        if (has_offset)
            arguments.push_back(*where);
        arguments.push_back(pointer(result, 4));
        std::string bytes;
        const bool loose = is_loose(fd);
        call(
            has_offset ? "fd_pread" : "fd_read", arguments,
            [&] { return model_.read(fd, where, first + second, bytes); },
            [&](System& system) {
                expect(system.at<uint32_t>(result) == bytes.size(), system, "another size");
                expect(system.text(data, bytes.size()) == bytes, system, "other bytes");
            },
            loose);
    }
    void write(bool has_offset) {
        const uint32_t fd = descriptor(Wanted::file);
        const uint64_t first = input_.byte();
        const uint64_t second = input_.once_in(4) ? uint64_t{input_.byte()} * 100 : 0;
        const auto where = has_offset ? std::optional{input_.offset()} : std::nullopt;
        const uint64_t end = model_.end_of_write(fd, where, first + second);
        if (end > Model::max_file && (!where || *where <= INT64_MAX))
            return;
        std::string bytes;
        for (uint64_t i = 0; i < first + second; ++i)
            bytes += static_cast<char>('a' + (i + end) % 26);
        for (System& system : systems_)
            std::ranges::copy(bytes, system.memory().begin() + data);
        const std::pair<uint64_t, uint64_t> buffers[] = {{data, first}, {data + first, second}};
        put_list(buffers);
        std::vector<uint64_t> arguments{fd, pointer(list, 16), 2};
        if (has_offset)
            arguments.push_back(*where);
        arguments.push_back(pointer(result, 4));
        call(
            has_offset ? "fd_pwrite" : "fd_write", arguments, [&] { return model_.write(fd, where, bytes); },
            [&](System& system) {
                expect(system.at<uint32_t>(result) == bytes.size(), system, "another size");
            });
    }
    void seek() {
        const uint32_t fd = descriptor(Wanted::file);
        uint64_t position = 0;
        const bool loose = is_loose(fd);
        const auto look = [&](System& system) { look_at_number(system, position); };
        if (input_.once_in(3)) {
            call("fd_tell", {fd, pointer(result, 8)}, [&] { return model_.tell(fd, position); }, look, loose);
            return;
        }
        const uint64_t by = input_.once_in(2) ? input_.offset() : uint64_t{0} - input_.offset();
        const uint32_t whence = input_.byte() % 4;
        call(
            "fd_seek", {fd, by, whence, pointer(result, 8)},
            [&] { return model_.seek(fd, static_cast<int64_t>(by), whence, position); }, look, loose);
    }
    void set_size() {
        const uint32_t fd = descriptor(Wanted::file);
        const uint64_t size = input_.offset();
        call("fd_filestat_set_size", {fd, size}, [&] { return model_.set_size(fd, size); });
    }
    void allocate() {
        const uint32_t fd = descriptor(Wanted::file);
        const uint64_t from = input_.offset();
        const uint64_t size = input_.offset();
        call("fd_allocate", {fd, from, size}, [&] { return model_.allocate(fd, from, size); });
    }
    void rename() {
        const uint32_t from = descriptor(Wanted::directory);
        const uint32_t to = descriptor(Wanted::directory);
        texts_ = {path(from), path(to)};
        std::vector<uint64_t> arguments{from};
        add_path(arguments, texts_[0], paths[0]);
        arguments.push_back(to);
        add_path(arguments, texts_[1], paths[1]);
        call("path_rename", arguments, [&] { return model_.rename(from, texts_[0], to, texts_[1]); });
    }
    void link() {
        const uint32_t from = descriptor(Wanted::directory);
        const uint32_t to = descriptor(Wanted::directory);
        const uint32_t lookup = input_.small_flags();
        texts_ = {path(from), path(to)};
        std::vector<uint64_t> arguments{from, lookup};
        add_path(arguments, texts_[0], paths[0]);
        arguments.push_back(to);
        add_path(arguments, texts_[1], paths[1]);
        call("path_link", arguments, [&] { return model_.link(from, lookup, texts_[0], to, texts_[1]); });
    }
    void symlink() {
        const uint32_t to = descriptor(Wanted::directory);
        texts_ = {path(to), path(to)};
        std::vector<uint64_t> arguments;
        add_path(arguments, texts_[0], paths[0]);
        arguments.push_back(to);
        add_path(arguments, texts_[1], paths[1]);
        call("path_symlink", arguments, [&] { return model_.symlink(texts_[0], to, texts_[1]); });
    }
    void read_link() {
        const uint32_t fd = descriptor(Wanted::directory);
        texts_ = {path(fd)};
        std::vector<uint64_t> arguments{fd};
        add_path(arguments, texts_[0], paths[0]);
        const uint64_t room = input_.byte();
        arguments.insert(arguments.end(), {data, room, pointer(result, 4)});
        std::string target;
        call(
            "path_readlink", arguments, [&] { return model_.read_link(fd, texts_[0], target); },
            [&](System& system) {
                const std::string part = target.substr(0, room);
                expect(system.at<uint32_t>(result) == part.size(), system, "another size");
                expect(system.text(data, part.size()) == part, system, "another target");
            });
    }
    void stat() {
        const bool by_path = !input_.once_in(3);
        const uint32_t fd = descriptor(by_path ? Wanted::directory : Wanted::any);
        if (!by_path) {
            const bool loose = is_loose(fd);
            call(
                "fd_filestat_get", {fd, pointer(result, 64)},
                [&] { return model_.needs(fd, rights::fd_filestat_get); },
                [&](System& system) { look_at_stat(system, model_.find(fd)->node, loose); }, loose);
            return;
        }
        const uint32_t lookup = input_.small_flags();
        texts_ = {path(fd)};
        std::vector<uint64_t> arguments{fd, lookup};
        add_path(arguments, texts_[0], paths[0]);
        arguments.push_back(pointer(result, 64));
        NodeRef found;
        call(
            "path_filestat_get", arguments, [&] { return model_.stat(fd, lookup, texts_[0], found); },
            [&](System& system) { look_at_stat(system, found, false); });
    }
    void set_times() {
        const bool by_path = input_.once_in(2);
        const uint32_t fd = descriptor(by_path ? Wanted::directory : Wanted::any);
        const uint64_t time = input_.byte() * uint64_t{1'000'000'007};
        constexpr uint32_t choices[] = {4, 4, 5, 8, 1, 2, 0, 3, 12, 16, 0x8000'0004};
        const uint32_t flags = input_.one_of(choices);
        if (!by_path) {
            const bool loose = is_loose(fd);
            call(
                "fd_filestat_set_times", {fd, time, time, flags},
                [&] { return model_.set_times(fd, time, flags); }, loose);
            if (loose) // the layered one may have refused it
                model_.find(fd)->node->modified.reset();
            return;
        }
        const uint32_t lookup = input_.small_flags();
        texts_ = {path(fd)};
        std::vector<uint64_t> arguments{fd, lookup};
        add_path(arguments, texts_[0], paths[0]);
        arguments.insert(arguments.end(), {time, time, flags});
        call("path_filestat_set_times", arguments,
             [&] { return model_.set_path_times(fd, lookup, texts_[0], time, flags); });
    }
    void read_directory() {
        const uint32_t fd = descriptor(Wanted::directory);
        constexpr uint64_t cookies[] = {0, 0, 1, 2, 3, 5, 8, 100, UINT64_MAX};
        const uint64_t cookie = input_.one_of(cookies);
        const uint64_t room = input_.byte() * uint64_t{8};
        call(
            "fd_readdir", {fd, data, room, cookie, pointer(result, 4)},
            [&] { return model_.read_directory(fd, cookie); },
            [&](System& system) { look_at_entries(system, *model_.find(fd), cookie, room); });
    }
    /// The bytes must be those of the entries, as far as there is room; but for the inodes.
    void look_at_entries(System& system, const ModelDescriptor& at, uint64_t cookie, uint64_t room) const {
        constexpr size_t head_size = 24;
        constexpr size_t inode_at = 8;
        std::string expected;
        std::string found = system.text(data, room);
        for (uint64_t i = cookie; i < at.seen->size(); ++i) {
            const auto& [name, type] = (*at.seen)[i];
            uint8_t head[head_size] = {};
            detail::store_number(head, i + 1);
            detail::store_number(head + 16, static_cast<uint32_t>(name.size()));
            head[20] = static_cast<uint8_t>(type);
            for (size_t k = expected.size() + inode_at; k < expected.size() + 16 && k < found.size(); ++k)
                found[k] = 0;
            expected.append(head, head + head_size);
            expected += name;
        }
        expected.resize(std::min<size_t>(expected.size(), room));
        expect(system.at<uint32_t>(result) == expected.size(), system, "another size");
        expect(found.substr(0, expected.size()) == expected, system, "other entries");
    }
    void describe() {
        const uint32_t fd = descriptor();
        const ModelDescriptor* const at = model_.find(fd);
        if (input_.once_in(3)) {
            call("fd_prestat_get", {fd, pointer(result, 8)},
                 [&] { return at != nullptr && at->is_root ? Errno::success : Errno::badf; });
            return;
        }
        call(
            "fd_fdstat_get", {fd, pointer(result, 24)}, [&] { return model_.needs(fd, 0); },
            [&](System& system) {
                expect(system.at<uint8_t>(result) == static_cast<uint8_t>(at->node->type), system,
                       "another type");
                expect(system.at<uint16_t>(result + 2) == at->flags, system, "other flags");
                expect(system.at<uint64_t>(result + 8) == at->rights, system, "other rights");
                expect(system.at<uint64_t>(result + 16) == at->inheriting, system, "other rights inherited");
            });
    }
    void change_descriptor() {
        const uint32_t fd = descriptor();
        if (input_.once_in(2)) {
            constexpr uint32_t choices[] = {0, fdflags::append, fdflags::nonblock, fdflags::dsync, 32};
            const uint32_t flags = input_.one_of(choices);
            call("fd_fdstat_set_flags", {fd, flags}, [&] { return model_.set_flags(fd, flags); });
            return;
        }
        const ModelDescriptor* const at = model_.find(fd);
        Rights base = input_.once_in(4) ? input_.some_rights() : at != nullptr ? at->rights : 0;
        // Few are taken away, or soon nothing could be done.
        base &= ~(Rights{1} << input_.byte() % 30);
        const Rights inheriting = at != nullptr ? at->inheriting & ~(Rights{1} << input_.byte() % 30) : 0;
        call("fd_fdstat_set_rights", {fd, base, inheriting},
             [&] { return model_.set_rights(fd, base, inheriting); });
    }
    void close() {
        const uint32_t fd = descriptor();
        if (input_.once_in(2)) {
            const uint32_t to = descriptor();
            call("fd_renumber", {fd, to}, [&] { return model_.renumber(fd, to); });
        } else if (fd != 3) { // or nothing is left
            call("fd_close", {fd}, [&] { return model_.close(fd); });
        }
    }
    void ask() {
        const uint32_t fd = descriptor();
        const uint32_t advice = input_.byte() % 8;
        call("fd_advise", {fd, input_.offset(), input_.offset(), advice},
             [&] { return model_.advise(fd, advice); });
        if (input_.once_in(2))
            call("fd_sync", {fd}, [&] { return model_.needs(fd, rights::fd_sync); });
        else
            call("fd_datasync", {fd}, [&] { return model_.needs(fd, rights::fd_datasync); });
    }

    Input input_;
    ScratchFolder folder_;
    NodeRef before_;
    Model model_;
    std::list<System> systems_;
    std::vector<NodeRef> seen_;
    std::vector<std::string> texts_; ///< paths of the call
    bool is_bad_ = false;            ///< one of the call's addresses is
    std::string log_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    constexpr size_t max_size = 4096; // seeds of other targets may be long
    Run{{bytes, std::min(size, max_size)}}.run();
    return 0;
}
