#include "fixture.hpp"

/// Continuations. https://github.com/WebAssembly/stack-switching

namespace warpbeam {
namespace {

Config with_stack_switching() {
    Config config;
    config.features.enable(Feature::stack_switching);
    return config;
}

class ContinuationTest : public VmTest {
protected:
    ContinuationTest() : VmTest{with_stack_switching()} {}
};

TEST_F(ContinuationTest, are_refused_by_name) {
    const auto module = engine.load(assemble("(module (tag $t) (func (suspend $t)))"));
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().code(), ErrorCode::unsupported);
    EXPECT_NE(module.error().message().find("this engine does not run continuations"), std::string_view::npos)
        << module.error().message();
}

} // namespace
} // namespace warpbeam
