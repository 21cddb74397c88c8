// A JSON parser (RFC 8259) over a generated document: a recursive descent that builds a tree of nodes,
// decodes strings and numbers, and a walk over what it built.
#include "bench.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

typedef enum { NOTHING, FALSEHOOD, TRUTH, NUMBER, STRING, ARRAY, OBJECT } Kind;

typedef struct Node {
    Kind kind;
    uint32_t size; // bytes of a string, members of an array or object
    double number;
    const char* string;
    const char* name;   // of a member of an object
    struct Node* first; // child
    struct Node* next;  // sibling
} Node;

enum { document_limit = 40000, node_limit = 6000, text_limit = 60000, depth_limit = 100 };

static char document[document_limit];
static size_t document_size;
static size_t serial_at; // digits that change with every iteration

static Node node[node_limit];
static size_t nodes;
static char text[text_limit];
static size_t text_size;

static const char* cursor;

static void skip_space(void) {
    while (*cursor == ' ' || *cursor == '\n' || *cursor == '\t' || *cursor == '\r')
        cursor++;
}

static void expect(const char* word) {
    for (; *word != '\0'; word++) {
        if (*cursor++ != *word)
            fail("JSON: expected token");
    }
}

static void put_text(uint32_t byte) {
    if (text_size == text_limit)
        fail("JSON: room for text");
    text[text_size++] = (char)byte;
}

static uint32_t parse_hex4(void) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = *cursor++;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (uint32_t)((c | 32) - 'a' + 10);
        else
            fail("JSON: hexadecimal digit");
        value = value << 4 | digit;
    }
    return value;
}

static void put_utf8(uint32_t point) {
    if (point < 0x80) {
        put_text(point);
    } else if (point < 0x800) {
        put_text(0xc0 | point >> 6);
        put_text(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        put_text(0xe0 | point >> 12);
        put_text(0x80 | (point >> 6 & 0x3f));
        put_text(0x80 | (point & 0x3f));
    } else {
        put_text(0xf0 | point >> 18);
        put_text(0x80 | (point >> 12 & 0x3f));
        put_text(0x80 | (point >> 6 & 0x3f));
        put_text(0x80 | (point & 0x3f));
    }
}

static void parse_escape(void) {
    char c = *cursor++;
    switch (c) {
    case 'b':
        put_text('\b');
        break;
    case 'f':
        put_text('\f');
        break;
    case 'n':
        put_text('\n');
        break;
    case 'r':
        put_text('\r');
        break;
    case 't':
        put_text('\t');
        break;
    case '"':
    case '\\':
    case '/':
        put_text((uint8_t)c);
        break;
    case 'u': {
        uint32_t point = parse_hex4();
        if (point >= 0xd800 && point < 0xdc00) {
            expect("\\u");
            point = 0x10000 + ((point - 0xd800) << 10) + (parse_hex4() - 0xdc00);
        }
        put_utf8(point);
        break;
    }
    default:
        fail("JSON: known escape");
    }
}

static const char* parse_string(uint32_t* size) {
    expect("\"");
    size_t start = text_size;
    while (*cursor != '"') {
        if ((uint8_t)*cursor < 0x20)
            fail("JSON: closed string");
        if (*cursor == '\\') {
            cursor++;
            parse_escape();
        } else {
            put_text((uint8_t)*cursor++);
        }
    }
    cursor++;
    *size = (uint32_t)(text_size - start);
    put_text('\0');
    return text + start;
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

// Exact for up to 15 digits and powers of ten up to 22, which is all that the document has.
static double parse_number(void) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int negative = *cursor == '-';
    cursor += negative;
    if (!is_digit(*cursor))
        fail("JSON: digit");
    uint64_t digits = 0;
    int scale = 0;
    while (is_digit(*cursor))
        digits = digits * 10 + (uint64_t)(*cursor++ - '0');
    if (*cursor == '.') {
        for (cursor++; is_digit(*cursor); scale--)
            digits = digits * 10 + (uint64_t)(*cursor++ - '0');
    }
    if ((*cursor | 32) == 'e') {
        cursor++;
        int minus = *cursor == '-', exponent = 0;
        cursor += minus || *cursor == '+';
        while (is_digit(*cursor) && exponent < 1000)
            exponent = exponent * 10 + (*cursor++ - '0');
        scale += minus ? -exponent : exponent;
    }
    if (scale < -22 || scale > 22)
        fail("JSON: exponent in range");
    double value = scale < 0 ? (double)digits / powers[-scale] : (double)digits * powers[scale];
    return negative ? -value : value;
}

static Node* parse_value(int depth);

static void parse_members(Node* parent, char close, int depth) {
    if (depth == depth_limit)
        fail("JSON: shallow nesting");
    Node** link = &parent->first;
    cursor++;
    skip_space();
    if (*cursor == close) {
        cursor++;
        return;
    }
    for (;;) {
        const char* name = NULL;
        if (parent->kind == OBJECT) {
            uint32_t size;
            skip_space();
            name = parse_string(&size);
            skip_space();
            expect(":");
        }
        *link = parse_value(depth + 1);
        (*link)->name = name;
        link = &(*link)->next;
        parent->size++;
        skip_space();
        if (*cursor == close) {
            cursor++;
            return;
        }
        expect(",");
    }
}

static Node* parse_value(int depth) {
    if (nodes == node_limit)
        fail("JSON: room for nodes");
    Node* value = &node[nodes++];
    *value = (Node){.kind = NOTHING};
    skip_space();
    switch (*cursor) {
    case 'n':
        expect("null");
        break;
    case 't':
        expect("true"), value->kind = TRUTH;
        break;
    case 'f':
        expect("false"), value->kind = FALSEHOOD;
        break;
    case '"':
        value->kind = STRING, value->string = parse_string(&value->size);
        break;
    case '[':
        value->kind = ARRAY, parse_members(value, ']', depth);
        break;
    case '{':
        value->kind = OBJECT, parse_members(value, '}', depth);
        break;
    default:
        value->kind = NUMBER, value->number = parse_number();
    }
    return value;
}

static const Node* member(const Node* object, const char* name) {
    for (const Node* m = object->first; m != NULL; m = m->next) {
        if (strcmp(m->name, name) == 0)
            return m;
    }
    fail("JSON: member");
}

static uint32_t checksum_tree(uint32_t sum, const Node* value) {
    sum = checksum(sum, (uint32_t)value->kind << 24 ^ value->size);
    if (value->name != NULL)
        sum = checksum_bytes(sum, value->name, strlen(value->name));
    if (value->kind == NUMBER) {
        uint64_t bits;
        memcpy(&bits, &value->number, sizeof bits);
        sum = checksum(checksum(sum, (uint32_t)bits), (uint32_t)(bits >> 32));
    } else if (value->kind == STRING) {
        sum = checksum_bytes(sum, value->string, value->size);
    }
    for (const Node* child = value->first; child != NULL; child = child->next)
        sum = checksum_tree(sum, child);
    return sum;
}

static void write(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(document + document_size, document_limit - document_size, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= document_limit - document_size)
        fail("room for the document");
    document_size += (size_t)size;
}

static void write_document(void) {
    static const char* const cities[] = {"Ljubljana", "S\\u00e3o Paulo", "Troms\xc3\xb8", "Ulan\\tBator"};
    static const char* const notes[] = {"", "said \\\"yes\\\"", "C:\\\\temp\\\\x",
                                        "moon \\ud83c\\udf19 \\u2603"};
    uint32_t seed = 8259;
    write("{\n  \"serial\": ");
    serial_at = document_size;
    write("100000000,\n  \"people\": [\n");
    for (int i = 0; i < 150; i++) {
        uint32_t r[9]; // drawn in statements of their own: the order of arguments is the compiler's choice
        for (int k = 0; k < 9; k++)
            r[k] = next_random(&seed);
        write("    {\"id\": %d, \"name\": \"person %" PRIx32 "\", \"city\": \"%s\", \"active\": %s,\n", i,
              r[0], cities[r[1] % 4], r[2] % 2 ? "true" : "false");
        write("     \"balance\": -%" PRIu32 ".%02" PRIu32 ", \"score\": %" PRIu32 "e-%" PRIu32
              ", \"boss\": null,\n",
              r[3] % 100000, r[4] % 100, r[5], r[6] % 12);
        write("     \"note\": \"%s\", \"tags\": [[], [%" PRIu32 ", %" PRIu32
              "], {\"deep\": [{\"er\": %d}]}]}%s\n",
              notes[r[7] % 4], r[8] % 10, r[8] / 10 % 1000, i * i, i < 149 ? "," : "");
    }
    write("  ]\n}\n");
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 60);
    uint32_t sum = checksum_start;
    double total = 0;
    write_document();
    for (uint32_t i = 0; i < count; i++) {
        uint32_t serial = i;
        for (size_t digit = 8; digit > 0; digit--, serial /= 10)
            document[serial_at + digit] = (char)('0' + serial % 10);

        nodes = 0;
        text_size = 0;
        cursor = document;
        const Node* root = parse_value(0);
        skip_space();
        if (cursor != document + document_size)
            fail("JSON: end of document");

        total += member(root, "serial")->number - 1e8;
        for (const Node* person = member(root, "people")->first; person != NULL; person = person->next)
            total += member(person, "balance")->number;
        sum = checksum_tree(sum, root);
    }
    printf("%zu bytes parsed %" PRIu32 " times into %zu values, total %.2f: %08" PRIx32 "\n", document_size,
           count, nodes, total, sum);
    return 0;
}
