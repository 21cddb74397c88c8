/* HTTP Structured Fields (RFC 9651) from C: a pull parser and a writer that allocate nothing, and documents.
 *
 * Texts are pairs of a pointer and a length and need not end with a zero byte; those that functions return
 * borrow from the field, the buffer or the document that they come from. No function is to be called with
 * null, unless it says so; a text of length 0 may have a null pointer. Nothing is thread-safe but reading one
 * document from several threads.
 */
#ifndef WARPBEAM_SFV_H
#define WARPBEAM_SFV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A shared library exports all that follows; see export.hpp. */
#ifdef WARPBEAM_SFV_SHARED
#pragma GCC visibility push(default)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wb_sfv_field_type { WB_SFV_ITEM, WB_SFV_LIST, WB_SFV_DICTIONARY } wb_sfv_field_type;

typedef enum wb_sfv_type {
    WB_SFV_INTEGER,
    WB_SFV_DECIMAL,
    WB_SFV_STRING,
    WB_SFV_TOKEN,
    WB_SFV_BYTE_SEQUENCE,
    WB_SFV_BOOLEAN,
    WB_SFV_DATE,
    WB_SFV_DISPLAY_STRING,
    WB_SFV_INNER_LIST
} wb_sfv_type;

typedef struct wb_sfv_text {
    const char* data;
    size_t size;
} wb_sfv_text;

/* A field line, made by wb_sfv_line_of. Its contents are private; it may be copied. */
typedef struct wb_sfv_line {
    uintptr_t opaque[2];
} wb_sfv_line;
/* The bytes are borrowed as long as the line is used. */
wb_sfv_line wb_sfv_line_of(const char* data, size_t size);

/* A bare item, or the beginning of an inner list. */
typedef struct wb_sfv_value {
    wb_sfv_type type;
    /* From the pull parser: `text` differs from the value; see wb_sfv_parser_decode. Such a value is refused
     * wherever one is to be written or set, since it would be encoded twice; set `text` to what
     * wb_sfv_parser_decode gives and this to false. False elsewhere. */
    bool needs_decoding;
    /* Of an integer, a date (seconds since 1970), a boolean (0 or 1); the thousandths of a decimal. */
    int64_t number;
    /* Of a string, token, byte sequence or display string. */
    wb_sfv_text text;
} wb_sfv_value;

/* What was expected or what is wrong, as one line that ends with a zero byte. */
typedef struct wb_sfv_error {
    size_t offset; /* in the field, its lines joined by ", "; the size needed where a buffer is too small */
    char message[180];
} wb_sfv_error;

/* Bits of options for parsing; see ParseOptions in parser.hpp. */
enum {
    WB_SFV_RFC8941 = 1,
    WB_SFV_STRICT_PADDING = 2,
    WB_SFV_STRICT_PAD_BITS = 4,
    WB_SFV_STRICT_DATES = 8,
    WB_SFV_STRICT_LINES = 16
};

/* ---- Pull parser: see parser.hpp for the protocol. ---- */

/* Its contents are private; it may be copied. */
typedef struct wb_sfv_parser {
    uint64_t opaque[24];
} wb_sfv_parser;

/* Starts reading a field of `count` lines. The array and the bytes are borrowed as long as the parser and
 * the values are used. */
void wb_sfv_parser_init(wb_sfv_parser* parser, wb_sfv_field_type type, const wb_sfv_line* lines, size_t count,
                        unsigned options);
/* Each goes on to the next one; true when there is one, and then `key` and `value`, which may be null, are
 * set. The key is empty where there is none. */
bool wb_sfv_next_member(wb_sfv_parser* parser, wb_sfv_text* key, wb_sfv_value* value);
bool wb_sfv_next_inner_item(wb_sfv_parser* parser, wb_sfv_value* value);
bool wb_sfv_next_parameter(wb_sfv_parser* parser, wb_sfv_text* key, wb_sfv_value* value);
/* How long a buffer wb_sfv_parser_decode needs for the text of the value that the call directly before came
 * to; 0 when it needs none, and when that call came to no value. */
size_t wb_sfv_parser_decode_capacity(const wb_sfv_parser* parser);
/* The text of the value that the call directly before came to, decoded into the buffer where it needs
 * decoding; empty for a value without a text. False when the buffer is too small and when that call returned
 * false, since it may have skipped other values; then `error`, which may be null, is set. */
bool wb_sfv_parser_decode(const wb_sfv_parser* parser, char* buffer, size_t size, wb_sfv_text* text,
                          wb_sfv_error* error);
/* Checks the rest of the field; false when the field is malformed, and then `error`, which may be null, is
 * set. */
bool wb_sfv_parser_finish(wb_sfv_parser* parser, wb_sfv_error* error);

/* ---- Writer: see writer.hpp for the protocol. ---- */

/* Its contents are private. */
typedef struct wb_sfv_writer {
    uint64_t opaque[12];
} wb_sfv_writer;

/* The buffer may be null when its size is 0, to find out the size that is needed. */
void wb_sfv_writer_init(wb_sfv_writer* writer, wb_sfv_field_type type, char* buffer, size_t size);
void wb_sfv_write_key(wb_sfv_writer* writer, wb_sfv_text key);
/* A bare item; inner lists are begun and ended. */
void wb_sfv_write_value(wb_sfv_writer* writer, const wb_sfv_value* value);
void wb_sfv_begin_inner_list(wb_sfv_writer* writer);
void wb_sfv_end_inner_list(wb_sfv_writer* writer);
void wb_sfv_write_parameter(wb_sfv_writer* writer, wb_sfv_text key, const wb_sfv_value* value);
/* The whole field, which lies in the buffer; an empty one is to be left out. False when a call before was
 * refused or the buffer is too small, and then `error`, which may be null, is set. */
bool wb_sfv_writer_finish(const wb_sfv_writer* writer, wb_sfv_text* field, wb_sfv_error* error);

/* ---- Documents. ---- */

typedef struct wb_sfv_document wb_sfv_document;
/* An item with its parameters, or an inner list: a part of a document, as long as that is not changed. */
typedef struct wb_sfv_node wb_sfv_node;

/* An empty document (an item is ?1), or null when there is no memory. */
wb_sfv_document* wb_sfv_document_new(wb_sfv_field_type type);
/* A document of a field, or null when it is malformed or there is no memory; then `error`, which may be null,
 * is set. */
wb_sfv_document* wb_sfv_document_parse(wb_sfv_field_type type, const wb_sfv_line* lines, size_t count,
                                       unsigned options, wb_sfv_error* error);
/* Ends a document. Null is allowed. */
void wb_sfv_document_free(wb_sfv_document* document);
/* Whether both are of the same type and hold the same. */
bool wb_sfv_document_equal(const wb_sfv_document* a, const wb_sfv_document* b);

/* The number of members; of an item 1. */
size_t wb_sfv_member_count(const wb_sfv_document* document);
/* The member at a position below that count; its key, which may be null, is empty unless it is a
 * dictionary's. */
const wb_sfv_node* wb_sfv_member_at(const wb_sfv_document* document, size_t position, wb_sfv_text* key);
/* The member of a dictionary; null when there is none, and for other types. */
const wb_sfv_node* wb_sfv_member_find(const wb_sfv_document* document, wb_sfv_text key);

/* The value of an item; of an inner list only the type. */
wb_sfv_value wb_sfv_node_value(const wb_sfv_node* node);
/* The items of an inner list; of an item 0. */
size_t wb_sfv_inner_count(const wb_sfv_node* node);
const wb_sfv_node* wb_sfv_inner_at(const wb_sfv_node* node, size_t position);
size_t wb_sfv_parameter_count(const wb_sfv_node* node);
wb_sfv_value wb_sfv_parameter_at(const wb_sfv_node* node, size_t position, wb_sfv_text* key);
/* False when there is no such parameter. */
bool wb_sfv_parameter_find(const wb_sfv_node* node, wb_sfv_text key, wb_sfv_value* value);

/* Sets the item, appends a member to a list, or sets a member of a dictionary. `key` counts for dictionaries
 * only. The value may be an inner list, which then is empty. Returns the new node, or null when it is
 * refused; then `error`, which may be null, is set. */
wb_sfv_node* wb_sfv_set_member(wb_sfv_document* document, wb_sfv_text key, const wb_sfv_value* value,
                               wb_sfv_error* error);
/* Appends an item to an inner list; null when it is refused, also since the node is no inner list or the
 * value is one. */
wb_sfv_node* wb_sfv_add_inner_item(wb_sfv_node* node, const wb_sfv_value* value, wb_sfv_error* error);
/* Sets a parameter; false when it is refused. The value is no inner list. */
bool wb_sfv_set_parameter(wb_sfv_node* node, wb_sfv_text key, const wb_sfv_value* value, wb_sfv_error* error);

/* Writes the canonical field into a buffer, which may be null when `size` is 0, and returns its length, even
 * when that is more than `size`; then the buffer's contents mean nothing. */
size_t wb_sfv_document_serialize(const wb_sfv_document* document, char* buffer, size_t size);

#ifdef __cplusplus
}
#endif

#ifdef WARPBEAM_SFV_SHARED
#pragma GCC visibility pop
#endif

#endif
