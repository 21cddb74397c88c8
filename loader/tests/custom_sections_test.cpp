#include "module_bytes.hpp"

#include <warpbeam/loader/custom_sections.hpp>

namespace warpbeam::test {
namespace {

Bytes subsection(NameSpace space, const Bytes& contents) {
    return Bytes{static_cast<uint8_t>(space)} + sized(contents);
}

/// The names that are read, and how the reading ended.
std::string names(const Bytes& bytes, bool funcs_only = false) {
    std::string text;
    NameReader in = funcs_only ? NameReader{bytes, NameSpace::module, NameSpace::func} : NameReader{bytes};
    while (const auto entry = in.next())
        text += std::to_string(static_cast<int>(entry->space)) + " " + std::to_string(entry->owner) + " " +
                std::to_string(entry->index) + " " + std::string{entry->name} + ", ";
    EXPECT_FALSE(in.next());
    return text + (in.canonical() ? "canonical" : in.good() ? "good" : "bad");
}

TEST(CustomSections, names) {
    const Bytes module = subsection(NameSpace::module, name("m"));
    const Bytes func = subsection(NameSpace::func, vec({leb(0) + name("f"), leb(300) + name("g")}));
    const Bytes local = subsection(
        NameSpace::local, vec({leb(1) + vec({leb(0) + name("x")}), leb(2) + vec({leb(3) + name("y")})}));
    EXPECT_EQ(names({}), "canonical");
    EXPECT_EQ(names(module + func + local), "0 0 0 m, 1 0 0 f, 1 0 300 g, 2 1 0 x, 2 2 3 y, canonical");
    EXPECT_EQ(names(module + func + local, true), "0 0 0 m, 1 0 0 f, 1 0 300 g, canonical");
    // Unwanted name spaces are not looked into.
    EXPECT_EQ(names(func + subsection(NameSpace::local, {9, 9}), true), "1 0 0 f, 1 0 300 g, canonical");
    EXPECT_EQ(names(func + Bytes{77} + sized({1, 2})), "1 0 0 f, 1 0 300 g, good");
    EXPECT_EQ(names(func + Bytes{name_space_count} + sized({1, 2})), "1 0 0 f, 1 0 300 g, good");
    const Bytes first = subsection(
        NameSpace::local,
        vec({leb(0) + vec({leb(0) + name("x"), leb(1) + name("y")}), leb(1) + vec({leb(0) + name("z")})}));
    EXPECT_EQ(names(first), "2 0 0 x, 2 0 1 y, 2 1 0 z, canonical");
}

TEST(CustomSections, names_up_to_the_fault) {
    const Bytes func = subsection(NameSpace::func, vec({leb(0) + name("f")}));
    EXPECT_EQ(names(func + func), "1 0 0 f, bad") << "twice";
    EXPECT_EQ(names(subsection(NameSpace::type, vec({leb(1) + name("a"), leb(1) + name("b")}))),
              "4 0 1 a, bad");
    EXPECT_EQ(names(subsection(NameSpace::type, vec({leb(1) + name("a")}) + Bytes{0})), "4 0 1 a, bad");
    EXPECT_EQ(names(subsection(NameSpace::type, vec({leb(1) + name("\xff")}))), "bad");
    EXPECT_EQ(names(subsection(NameSpace::field, vec({leb(1) + vec({leb(0) + name("a")}),
                                                      leb(1) + vec({leb(1) + name("b")})}))),
              "10 1 0 a, bad");
    EXPECT_EQ(names(subsection(NameSpace::type, {5, 1})), "bad");
    EXPECT_EQ(names({1, 9, 0}), "bad");
    EXPECT_EQ(names(subsection(NameSpace::type, {})), "bad");
}

TEST(CustomSections, names_that_text_cannot_express) {
    EXPECT_EQ(names(subsection(NameSpace::type, vec({}))), "good");
    EXPECT_EQ(names(subsection(NameSpace::local, vec({leb(1) + vec({})}))), "good");
    EXPECT_EQ(names(subsection(NameSpace::type, vec({Bytes{0x81, 0} + name("a")}))), "4 0 1 a, good");
}

std::string hints(const Bytes& bytes) {
    std::string text;
    BranchHintReader in{bytes};
    while (const auto hint = in.next())
        text += std::to_string(hint->func) + " " + std::to_string(hint->offset) +
                (hint->likely ? " likely, " : " unlikely, ");
    EXPECT_FALSE(in.next());
    return text + (in.canonical() ? "canonical" : in.good() ? "good" : "bad");
}

TEST(CustomSections, branch_hints) {
    const Bytes first = leb(1) + vec({leb(3) + Bytes{1, 0}, leb(5) + Bytes{1, 1}});
    const Bytes second = leb(2) + vec({leb(3) + Bytes{1, 1}});
    EXPECT_EQ(hints(vec({first, second})), "1 3 unlikely, 1 5 likely, 2 3 likely, canonical");
    const Bytes neighbours = leb(0) + vec({leb(0) + Bytes{1, 0}, leb(1) + Bytes{1, 1}});
    EXPECT_EQ(hints(vec({neighbours, first})),
              "0 0 unlikely, 0 1 likely, 1 3 unlikely, 1 5 likely, canonical");
    EXPECT_EQ(hints(vec({leb(1) + vec({leb(3) + Bytes{1, 0}, leb(3) + Bytes{1, 1}})})),
              "1 3 unlikely, 1 3 likely, good");
    EXPECT_EQ(hints(vec({leb(1) + vec({leb(3) + Bytes{0}})})), "bad");
    EXPECT_EQ(hints(vec({second, first})), "2 3 likely, 1 3 unlikely, 1 5 likely, good");
    EXPECT_EQ(hints(vec({})), "good");
    EXPECT_EQ(hints(vec({leb(1) + vec({})})), "good");
    EXPECT_EQ(hints(vec({first}) + Bytes{0}), "1 3 unlikely, 1 5 likely, bad");
    EXPECT_EQ(hints(vec({first, leb(2) + vec({leb(3) + Bytes{1, 2}})})), "1 3 unlikely, 1 5 likely, bad");
    EXPECT_EQ(hints(vec({leb(1) + vec({leb(3) + Bytes{2, 1, 1}})})), "bad");
    EXPECT_EQ(hints({}), "bad");
    EXPECT_EQ(hints({2, 1}), "bad");
}

} // namespace
} // namespace warpbeam::test
