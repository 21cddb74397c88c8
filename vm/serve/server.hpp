#pragma once

#include "terms.hpp"

#include <expected>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

/// The protocol of docs/serve.md, between bytes that come and bytes that go.

namespace warpbeam::serve {

inline constexpr uint32_t protocol_version = 1;

/// There may be one at a time, since the native functions have one table of resources.
class Server {
public:
    struct Limits {
        uint32_t frame_bytes = 1U << 30; ///< of what the client sends
        size_t requests = 100'000;       ///< that run at the same time
    };

    /// `version` is that of the program, for the greeting.
    Server(std::string_view version, const Limits& limits);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Takes bytes of the client, any number of them, and begins what they ask for. The error is text: with
    /// it nothing that follows can be understood.
    [[nodiscard]] std::expected<void, std::string> receive(std::span<const uint8_t> bytes);
    /// Whether requests run.
    [[nodiscard]] bool runs() const noexcept { return !requests_.empty(); }
    /// One slice of the request whose turn it is.
    void run_slice();
    /// Frames for the client. Whoever writes them clears it.
    [[nodiscard]] external::Buffer& output() noexcept { return output_; }
    /// How many bytes of a frame are there whose rest is missing; 0 between two frames.
    [[nodiscard]] size_t unfinished() const noexcept { return header_.size() + frame_.size(); }

private:
    struct Request {
        uint64_t id;
        std::unique_ptr<ErlNifEnv> env;
    };
    using Requests = std::list<Request>;

    void take_frame(std::vector<uint8_t>&& frame);
    void control(ErlNifEnv& env, ERL_NIF_TERM term);
    /// What the function table has for `{Function, Arguments}`; otherwise what is wrong.
    [[nodiscard]] static std::expected<ErlNifEnv::Function*, std::string> find_function(ErlNifEnv& env,
                                                                                        ERL_NIF_TERM term);
    void refuse(uint64_t id, std::string_view kind, std::string_view message);
    /// Calls what comes next. True if the request has been answered.
    [[nodiscard]] bool step(Request& request);
    void send(uint64_t id, ERL_NIF_TERM term);
    void end(Requests::iterator request);

    const Limits limits_;
    ErlNifEnv atoms_;             ///< of the native functions
    std::vector<uint8_t> header_; ///< of the frame that comes: what is there of its size
    size_t frame_size_ = 0;
    std::vector<uint8_t> frame_;
    external::Buffer output_;
    Requests requests_; ///< those that run, the next one first
    std::unordered_map<uint64_t, Requests::iterator> by_id_;
};

} // namespace warpbeam::serve
