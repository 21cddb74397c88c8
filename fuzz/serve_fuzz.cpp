// libFuzzer target: a client of `warpbeam serve` that sends what the bytes say: requests with any functions
// and terms, and bytes that are no terms. Each request has one answer, and each answer is a term.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <server.hpp>
#include <unordered_set>

namespace {

using namespace warpbeam::serve;
using external::Buffer;
using external::Tag;

constexpr std::string_view guest =
    "(module (import \"e\" \"f\" (func $f (param i32 externref) (result i32)))"
    "(import \"e\" \"g\" (global $g (mut i64)))"
    "(memory (export \"memory\") 1 2) (table (export \"t\") 2 8 funcref) (global (export \"x\") (mut "
    "externref) (ref.null extern))"
    "(tag $e (export \"e\") (param externref)) (type $p (struct (field i32)))"
    "(func (export \"a\") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))"
    "(func (export \"b\") (param externref) (result externref) (global.set 1 (local.get 0)) (global.get 1))"
    "(func $c (export \"c\") (result i32) (call $f (i32.const 1) (global.get 1)))"
    "(func (export \"d\") (result funcref anyref) (ref.func $c) (struct.new $p (i32.const 5)))"
    "(func (export \"e2\") (param externref) (throw $e (local.get 0)))"
    "(func (export \"l\") (loop $l (br $l))))";

constexpr std::string_view names[] = {
    "memory",        "t",      "x",      "e",       "a",    "b",      "c",    "d",    "e2",      "l",
    "stdout",        "table",  "error",  "nan",     "+inf", "null",   "i31",  "fuel", "timeout", "memory",
    "heap",          "stack",  "tables", "imports", "new",  "series", "true", "wasi", "none",    "eof",
    "deterministic", "cancel", "ended",  "release",
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

class Client {
public:
    Client(const uint8_t* data, size_t size) : data_{data}, left_{size}, server_{"fuzz", {1 << 20, 16}} {
        take_answers();
        request([](Buffer& to) {
            external::write_tuple_header(to, 2);
            external::write_atom(to, "load");
            external::write_header(to, Tag::list, 2);
            binary(to, guest);
            external::write_header(to, Tag::map, 0);
            external::write_tag(to, Tag::nil);
        });
        request([this](Buffer& to) {
            external::write_tuple_header(to, 2);
            external::write_atom(to, "instantiate");
            external::write_header(to, Tag::list, 2);
            to.insert(to.end(), handles_.at(0).begin(), handles_.at(0).end());
            external::write_header(to, Tag::map, 1);
            external::write_atom(to, "imports");
            external::write_header(to, Tag::map, 1);
            external::write_tuple_header(to, 2);
            binary(to, "e");
            binary(to, "g");
            external::write_integer(to, false, 5);
            external::write_tag(to, Tag::nil);
        });
    }

    void run() {
        while (left_ != 0) {
            switch (byte() % 16) {
            case 0: // no term
                send([this](Buffer& to) {
                    for (size_t i = byte() % 32; i != 0; --i)
                        to.push_back(byte());
                });
                break;
            case 1:
                control();
                break;
            default:
                request([this](Buffer& to) {
                    const ErlNifEntry& all = *nif_init();
                    const ErlNifFunc& function = all.functions[byte() % all.count];
                    const unsigned count = byte() % 16 == 0 ? byte() % 5 : function.arity;
                    external::write_tuple_header(to, 2);
                    external::write_atom(to, function.name);
                    external::write_header(to, Tag::list, count);
                    for (unsigned i = 0; i != count; ++i)
                        i == 0 && byte() % 16 != 0 ? handle(to) : term(to, 3);
                    external::write_tag(to, Tag::nil);
                });
            }
        }
        for (int i = 0; i != 50 && server_.runs(); ++i) {
            server_.run_slice();
            take_answers();
        }
    }

private:
    uint8_t byte() {
        if (left_ == 0)
            return 0;
        --left_;
        return *data_++;
    }
    static void binary(Buffer& to, std::string_view text) {
        external::write_header(to, Tag::binary, static_cast<uint32_t>(text.size()));
        to.insert(to.end(), text.begin(), text.end());
    }
    void handle(Buffer& to) {
        const std::vector<uint8_t>& one = handles_.at(byte() % handles_.size());
        to.insert(to.end(), one.begin(), one.end());
    }
    void term(Buffer& to, int depth) {
        const int kind = byte() % (depth == 0 ? 7 : 12);
        const auto terms = [&](size_t count) {
            for (size_t i = 0; i != count; ++i)
                term(to, depth - 1);
        };
        const auto count = static_cast<uint8_t>(kind < 7 ? 0 : byte() % 4);
        switch (kind) {
        case 0:
            return handle(to);
        case 1:
            return external::write_integer(to, false, byte());
        case 2:
            return external::write_integer(to, byte() % 2 != 0, uint64_t{byte()} << byte() % 64);
        case 3:
            return external::write_float(to, byte() / 3.0);
        case 4:
            return external::write_atom(to, names[byte() % std::size(names)]);
        case 5:
            return binary(to, names[byte() % std::size(names)]);
        case 6:
            return external::write_tag(to, Tag::nil);
        case 7:
            external::write_tuple_header(to, count);
            return terms(count);
        case 8:
            external::write_header(to, Tag::map, count);
            return terms(2UL * count);
        case 9: // improper
            external::write_header(to, Tag::list, count);
            return terms(count + 1UL);
        case 10: // a list of bytes
            to.insert(to.end(), {107, 0, 2, byte(), byte()});
            return;
        default:
            external::write_header(to, Tag::list, count);
            terms(count);
            external::write_tag(to, Tag::nil);
        }
    }

    template <typename Write>
    void send(Write write, uint64_t id = 0) {
        Buffer frame;
        external::write(frame, 0, 4);
        external::write(frame, id, 8);
        external::write(frame, byte() % 2, 8);
        frame.push_back(external::version);
        write(frame);
        const size_t size = frame.size() - 4;
        for (size_t i = 0; i != 4; ++i)
            frame[i] = static_cast<uint8_t>(size >> 8 * (3 - i));
        if (!server_.receive(frame))
            fail("a frame was not taken");
        if (server_.runs())
            server_.run_slice();
        take_answers();
    }
    template <typename Write>
    void request(Write write) {
        waiting_.insert(++last_);
        send(write, last_);
    }
    void control() {
        const uint8_t kind = byte() % 4;
        if (kind == 0) { // it has no answer
            const uint64_t id = last_ - byte() % 8;
            waiting_.erase(id);
            return send([&](Buffer& to) {
                external::write_tuple_header(to, 2);
                external::write_atom(to, "cancel");
                external::write_integer(to, false, id);
            });
        }
        if (kind == 1) {
            cancelled_ = true;
            return send([&](Buffer& to) {
                external::write_tuple_header(to, 2);
                external::write_atom(to, "ended");
                external::write_integer(to, false, byte() % 2);
            });
        }
        send([&](Buffer& to) {
            external::write_tuple_header(to, 2);
            external::write_atom(to, "release");
            external::write_header(to, Tag::list, 1);
            kind == 2 ? handle(to) : term(to, 3);
            external::write_tag(to, Tag::nil);
        });
    }

    void take_answers() {
        external::Bytes rest = server_.output();
        while (!rest.empty()) {
            const external::Bytes frame = rest.subspan(4, external::number_at(rest, 0, 4));
            rest = rest.subspan(4 + frame.size());
            const uint64_t id = external::number_at(frame, 0, 8);
            if (id != 0 && waiting_.erase(id) == 0)
                fail("an answer without a request");
            if (frame[8] != external::version || external::size_of(frame.subspan(9)) != frame.size() - 9)
                fail("the answer is no term");
            // What looks like a handle is one, mostly.
            for (size_t i = 9; i < frame.size() && handles_.size() < 64; ++i)
                if (frame[i] == static_cast<uint8_t>(Tag::newer_reference))
                    if (const auto size = external::size_of(frame.subspan(i)))
                        handles_.emplace_back(frame.begin() + static_cast<ptrdiff_t>(i),
                                              frame.begin() + static_cast<ptrdiff_t>(i + *size));
        }
        server_.output().clear();
        if (!server_.runs() && !waiting_.empty() && !cancelled_)
            fail("a request without an answer");
    }

    const uint8_t* data_;
    size_t left_;
    Server server_;
    uint64_t last_ = 0;
    bool cancelled_ = false; ///< some requests may have no answer
    std::unordered_set<uint64_t> waiting_;
    std::vector<std::vector<uint8_t>> handles_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Client{data, size}.run();
    return 0;
}
