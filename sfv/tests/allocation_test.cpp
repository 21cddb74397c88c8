// The pull parser and the writer allocate nothing; documents survive every failing allocation.

#include <gtest/gtest.h>
#include <warpbeam/sfv/convert.hpp>
#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/serialize.hpp>
#include <warpbeam/sfv/sfv.h>

#include <cstdlib>
#include <new>

namespace {

size_t allocations = 0;
size_t live = 0;
/// The number of allocations that succeed before the next one fails; by default none fails.
size_t until_failure = SIZE_MAX;
bool has_failed = false;
/// Whether all allocations fail after that, or only one.
bool fails_on = true;

void* allocate(size_t size) noexcept {
    ++allocations;
    void* const block = std::malloc(size == 0 ? 1 : size);
    live += block != nullptr;
    return block;
}

void release(void* block) noexcept {
    live -= block != nullptr;
    std::free(block);
}

} // namespace

// Counting replacements. The library uses only the nothrow ones.
void* operator new(size_t size) {
    if (void* const block = allocate(size))
        return block;
    throw std::bad_alloc();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
    if (until_failure == 0) {
        has_failed = true;
        if (!fails_on)
            until_failure = SIZE_MAX;
        return nullptr;
    }
    --until_failure;
    return allocate(size);
}
void operator delete(void* block) noexcept { release(block); }
void operator delete(void* block, size_t) noexcept { release(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { release(block); }

namespace warpbeam::sfv {
namespace {

constexpr std::string_view dictionary_text = "a=1, b=(\"string that is longer than nineteen "
                                             "characters\";x=1.5 :AAECAwQFBgcICQoLDA0ODxAREhM=: @5);y=?0, "
                                             "c=%\"%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%"
                                             "bc%c3%bc\";a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p;q;r;s;t, "
                                             "a-key-that-is-longer-than-nineteen-characters=\"esc\\\"aped\", "
                                             "d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, a=2";

size_t walk(std::span<const std::string_view> lines) {
    Parser parser{FieldType::dictionary, lines};
    char buffer[256];
    size_t seen = 0;
    const auto take = [&] {
        ++seen;
        if (parser.value().needs_decoding())
            seen += parser.value().decode(buffer)->size();
    };
    while (parser.next_member()) {
        take();
        while (parser.next_inner_item()) {
            take();
            while (parser.next_parameter())
                take();
        }
        while (parser.next_parameter())
            take();
    }
    return parser.finish() ? seen : 0;
}

TEST(Allocation, the_pull_parser_allocates_nothing) {
    const std::string_view lines[] = {dictionary_text, "z=\"split", "string\""};
    const std::string_view bad[] = {dictionary_text, "z=!"};
    const size_t before = allocations;
    const size_t seen = walk(lines);
    const size_t none = walk(bad);
    Parser parser{FieldType::dictionary, bad};
    const auto finished = parser.finish();
    const Message message = finished.error().message();
    const size_t after = allocations;
    EXPECT_GT(seen, 40U);
    EXPECT_EQ(none, 0U);
    EXPECT_FALSE(message.view().empty());
    EXPECT_EQ(after, before);
}

TEST(Allocation, the_writer_and_the_serializer_allocate_nothing) {
    const auto dictionary = Dictionary::parse(dictionary_text);
    ASSERT_TRUE(dictionary);
    char buffer[1024];
    const size_t before = allocations;
    const size_t size = serialized_size(*dictionary);
    const auto field = serialize(*dictionary, buffer);
    char small[128];
    Writer writer{FieldType::list, small};
    writer.value(0.1)
        .value("text")
        .value(DisplayString{"\u00fc"})
        .value(ByteSequence{"bytes"})
        .parameter("a", Token{"t"});
    const auto list = writer.finish();
    const size_t after = allocations;
    EXPECT_EQ(after, before);
    EXPECT_EQ(field->size(), size);
    EXPECT_TRUE(list);
}

TEST(Allocation, an_item_of_small_texts_allocates_nothing) {
    const size_t before = allocations;
    const bool read = Item::parse("\"nineteen characters\"").has_value() && Item::parse("?1").has_value();
    EXPECT_EQ(allocations, before);
    EXPECT_TRUE(read);
}

/// Fails one allocation after the other, until all succeed: the result must be out_of_memory, without leaks.
template <typename Function>
void fail_from_each(const Function& function) {
    const size_t before = live;
    size_t failures = 0;
    for (bool done = false; !done; ++failures) {
        until_failure = failures;
        has_failed = false;
        {
            const auto result = function();
            until_failure = SIZE_MAX;
            done = result.has_value();
            ASSERT_NE(done, has_failed) << failures;
            if (!done) {
                ASSERT_EQ(result.error().reason, Reason::out_of_memory);
            }
        }
        ASSERT_EQ(live, before) << failures;
        ASSERT_LT(failures, 10000U);
    }
    EXPECT_GT(failures, 1U);
}
template <typename Function>
void fail_everywhere(const Function& function) {
    fail_from_each(function);
    fails_on = false;
    fail_from_each(function);
    fails_on = true;
}

TEST(Allocation, every_failure_is_reported) {
    const auto dictionary = Dictionary::parse(dictionary_text);
    ASSERT_TRUE(dictionary);
    const auto list =
        List::parse("(a b c d e);x, 1;y=\"a string that is longer than nineteen characters\", 3, 4, 5");
    ASSERT_TRUE(list);
    fail_everywhere([] { return Dictionary::parse(dictionary_text); });
    fail_everywhere(
        [] { return List::parse("a;x, (b c d e f);y, 1, 2, 3, 4, \"a string longer than nineteen\""); });
    fail_everywhere([] { return Item::parse("\"a string longer than nineteen\";a;b;c;d;e"); });
    fail_everywhere([&] { return dictionary->clone(); });
    fail_everywhere([&] { return list->clone(); });
    fail_everywhere([&] { return serialize(*dictionary); });
    fail_everywhere([] { return item_of("a string that is longer than nineteen characters"); });
    const int numbers[] = {1, 2, 3, 4, 5};
    fail_everywhere([&] { return list_of(numbers); });
}

TEST(Allocation, what_is_assigned_to_gives_its_memory_back) {
    const auto full = [] { return std::move(*Dictionary::parse(dictionary_text)); };
    const size_t before = live;
    {
        auto dictionary = full(); // has an index
        const size_t one = live;
        dictionary = full();
        EXPECT_EQ(live, one);
        dictionary = Dictionary{};
        EXPECT_EQ(live, before);
        EXPECT_TRUE(dictionary.empty());
    }
    EXPECT_EQ(live, before);
    {
        Parameters map; // whose index grows several times
        for (int i = 0; i < 200; ++i)
            ASSERT_TRUE(map.set("k" + std::to_string(i), i));
        map = Parameters{};
        EXPECT_EQ(live, before);
    }
    EXPECT_EQ(live, before);
}

TEST(Allocation, a_text_that_gets_shorter_gives_its_memory_back) {
    const size_t before = live;
    Text text;
    ASSERT_TRUE(text.copy_from("a string that is longer than nineteen characters"));
    EXPECT_EQ(live, before + 1);
    ASSERT_TRUE(text.copy_from("another string that is longer than nineteen characters"));
    EXPECT_EQ(live, before + 1);
    ASSERT_TRUE(text.copy_from("short"));
    EXPECT_EQ(live, before);
    EXPECT_EQ(text.view(), "short");
}

TEST(Allocation, an_insertion_that_fails_leaves_the_document_as_it_was) {
    for (size_t failures = 0; failures < 3; ++failures) {
        auto dictionary = std::move(*Dictionary::parse("a=1, b=2, c=3, d=4"));
        until_failure = failures;
        const auto set =
            dictionary.set("a-key-that-is-longer-than-nineteen-characters", "a string that is just as long");
        until_failure = SIZE_MAX;
        ASSERT_FALSE(set);
        EXPECT_EQ(set.error().reason, Reason::out_of_memory);
        EXPECT_EQ(to_string(dictionary), "a=1, b=2, c=3, d=4");
        EXPECT_TRUE(dictionary.set("e", 5));
    }
}

TEST(Allocation, a_malformed_field_is_malformed_even_without_memory) {
    until_failure = 0;
    const auto list = List::parse("a, b, !");
    until_failure = SIZE_MAX;
    EXPECT_EQ(list.error(), (Error{Reason::member, '!', 6}));
}

TEST(Allocation, the_c_interface_reports_it) {
    until_failure = 0;
    wb_sfv_document* const none = wb_sfv_document_new(WB_SFV_LIST);
    const wb_sfv_line line = wb_sfv_line_of("1", 1);
    wb_sfv_error error{};
    wb_sfv_document* const unread = wb_sfv_document_parse(WB_SFV_LIST, &line, 1, 0, &error);
    until_failure = SIZE_MAX;
    EXPECT_EQ(none, nullptr);
    EXPECT_EQ(unread, nullptr);
    EXPECT_STREQ(error.message, "out of memory");
}

} // namespace
} // namespace warpbeam::sfv
