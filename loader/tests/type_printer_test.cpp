#include <gtest/gtest.h>
#include <warpbeam/loader/type_printer.hpp>

#include <string>

namespace warpbeam {
namespace {

/// Names defined types by their numbers.
class Written final : private TypePrinter {
public:
    static std::string definition(const SubType& type) {
        Written written;
        static_cast<TypePrinter&>(written).definition(type);
        return written.text_;
    }

private:
    void add(std::string_view text) noexcept override { text_ += text; }
    void defined(TypeId id) noexcept override { text_ += "t" + std::to_string(id); }

    std::string text_;
};

TEST(TypePrinter, definitions_are_as_short_as_possible) {
    const ValType params[] = {ValType::i32, ValType::f64};
    const FieldType fields[] = {{ValType::i8, true}, {ValType::i64, false}};
    SubType func;
    func.func = {params, {}};
    EXPECT_EQ(Written::definition(func), "(func (param i32 f64))");
    SubType structure;
    structure.kind = CompositeKind::struct_;
    structure.fields = fields;
    EXPECT_EQ(Written::definition(structure), "(struct (field (mut i8)) (field i64))");
    structure.is_final = false;
    EXPECT_EQ(Written::definition(structure), "(sub (struct (field (mut i8)) (field i64)))");
    structure.supertype = 3;
    EXPECT_EQ(Written::definition(structure), "(sub t3 (struct (field (mut i8)) (field i64)))");
    structure.is_final = true;
    structure.fields = {};
    EXPECT_EQ(Written::definition(structure), "(sub final t3 (struct))");
    SubType array;
    array.kind = CompositeKind::array;
    array.fields = std::span{fields}.first(1);
    EXPECT_EQ(Written::definition(array), "(array (mut i8))");
    SubType cont;
    cont.kind = CompositeKind::cont;
    cont.cont = 7;
    EXPECT_EQ(Written::definition(cont), "(cont t7)");
}

TEST(TypePrinter, definitions_name_their_descriptor_and_what_they_describe) {
    SubType type;
    type.kind = CompositeKind::struct_;
    type.descriptor = 5;
    EXPECT_EQ(Written::definition(type), "(descriptor t5) (struct)");
    type.described = 4;
    type.supertype = 0;
    EXPECT_EQ(Written::definition(type), "(sub final t0 (describes t4) (descriptor t5) (struct))");
}

} // namespace
} // namespace warpbeam
