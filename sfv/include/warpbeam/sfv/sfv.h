/** @file
 * HTTP Structured Fields (RFC 9651) from C: a pull parser and a writer that allocate nothing, and documents.
 *
 * Texts are pairs of a pointer and a length and need not end with a zero byte; returned texts borrow from the
 * field, buffer or document that they come from. Do not pass null unless a function allows it; a text of
 * length 0 may have a null pointer. Nothing is thread-safe except reading one document from several threads.
 */
#ifndef WARPBEAM_SFV_H
#define WARPBEAM_SFV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A shared library exports everything below; see export.hpp. */
#ifdef WARPBEAM_SFV_SHARED
#pragma GCC visibility push(default)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The types of fields. */
typedef enum wb_sfv_field_type { WB_SFV_ITEM, WB_SFV_LIST, WB_SFV_DICTIONARY } wb_sfv_field_type;

/** The types of values. */
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

/** A text or bytes. */
typedef struct wb_sfv_text {
    const char* data; /**< the first byte */
    size_t size;      /**< in bytes */
} wb_sfv_text;

/** A field line, made by wb_sfv_line_of. Its contents are private; it may be copied. */
typedef struct wb_sfv_line {
    uintptr_t opaque[2]; /**< private */
} wb_sfv_line;
/** The bytes are borrowed as long as the line is used. */
wb_sfv_line wb_sfv_line_of(const char* data, size_t size);

/** A bare item, or the beginning of an inner list. */
typedef struct wb_sfv_value {
    wb_sfv_type type; /**< which of the following count */
    /** From the pull parser: `text` is still encoded; see wb_sfv_parser_decode. Such a value can't be written
     * or set, since it would be encoded twice: first set `text` to the result of wb_sfv_parser_decode and
     * this to false. Otherwise false. */
    bool needs_decoding;
    /** An integer, a date (seconds since 1970), a boolean (0 or 1), or the thousandths of a decimal. */
    int64_t number;
    /** The text of a string, token, byte sequence or display string. */
    wb_sfv_text text;
} wb_sfv_value;

/** What was expected or what is wrong, as one line that ends with a zero byte. */
typedef struct wb_sfv_error {
    size_t offset;     /**< in the field, with lines joined by ", "; or the required buffer size */
    char message[180]; /**< see above */
} wb_sfv_error;

/** Option bits for parsing; see ParseOptions in parser.hpp. */
enum {
    WB_SFV_RFC8941 = 1,
    WB_SFV_STRICT_PADDING = 2,
    WB_SFV_STRICT_PAD_BITS = 4,
    WB_SFV_STRICT_DATES = 8,
    WB_SFV_STRICT_LINES = 16,
    WB_SFV_WIDE_KEYS = 32 /**< also for wb_sfv_writer_init_with */
};

/* ---- Pull parser: see parser.hpp for the protocol. ---- */

/** Its contents are private; it may be copied. */
typedef struct wb_sfv_parser {
    uint64_t opaque[24]; /**< private */
} wb_sfv_parser;

/** Starts reading a field of `count` lines. The array and the bytes are borrowed as long as the parser and
 * the values are used. */
void wb_sfv_parser_init(wb_sfv_parser* parser, wb_sfv_field_type type, const wb_sfv_line* lines, size_t count,
                        unsigned options);
/** @{ Each moves to the next one. If there is one, returns true and sets `key` and `value`, which may be
 * null. The key is empty if there is none. */
bool wb_sfv_next_member(wb_sfv_parser* parser, wb_sfv_text* key, wb_sfv_value* value);
bool wb_sfv_next_inner_item(wb_sfv_parser* parser, wb_sfv_value* value);
bool wb_sfv_next_parameter(wb_sfv_parser* parser, wb_sfv_text* key, wb_sfv_value* value);
/** @} */
/** The buffer size that wb_sfv_parser_decode needs for the value that the previous call returned; 0 if it
 * needs none, or if that call returned no value. */
size_t wb_sfv_parser_decode_capacity(const wb_sfv_parser* parser);
/** The text of the value that the previous call returned, decoded into the buffer if needed; empty for a
 * value without a text. If the buffer is too small, or that call returned false (it may have skipped values),
 * returns false and sets `error`, which may be null. */
bool wb_sfv_parser_decode(const wb_sfv_parser* parser, char* buffer, size_t size, wb_sfv_text* text,
                          wb_sfv_error* error);
/** Instead of the functions above, as the first call: reads the bare item that the field begins with, and
 * ignores the rest. Sets `value` and the number of bytes that the item takes, which may both be null;
 * wb_sfv_parser_decode decodes the value. If there is no bare item, returns false and sets `error`, which may
 * be null. */
bool wb_sfv_parser_bare_item(wb_sfv_parser* parser, wb_sfv_value* value, size_t* size, wb_sfv_error* error);
/** Checks the rest of the field. If the field is malformed, returns false and sets `error`, which may be
 * null.
 */
bool wb_sfv_parser_finish(wb_sfv_parser* parser, wb_sfv_error* error);

/* ---- Writer: see writer.hpp for the protocol. ---- */

/** Its contents are private. */
typedef struct wb_sfv_writer {
    uint64_t opaque[12]; /**< private */
} wb_sfv_writer;

/** The buffer may be null if its size is 0, to find out the required size. */
void wb_sfv_writer_init(wb_sfv_writer* writer, wb_sfv_field_type type, char* buffer, size_t size);
/** The same with option bits, of which only WB_SFV_WIDE_KEYS has a meaning for a writer. */
void wb_sfv_writer_init_with(wb_sfv_writer* writer, wb_sfv_field_type type, char* buffer, size_t size,
                             unsigned options);
/** The key of the member of a dictionary that follows. */
void wb_sfv_write_key(wb_sfv_writer* writer, wb_sfv_text key);
/** Writes a bare item; for inner lists see begin and end. */
void wb_sfv_write_value(wb_sfv_writer* writer, const wb_sfv_value* value);
/** @{ The values between these are the items of an inner list. */
void wb_sfv_begin_inner_list(wb_sfv_writer* writer);
void wb_sfv_end_inner_list(wb_sfv_writer* writer);
/** @} */
/** A parameter of the value before, or of the inner list that has just ended. */
void wb_sfv_write_parameter(wb_sfv_writer* writer, wb_sfv_text key, const wb_sfv_value* value);
/** The whole field, which lies in the buffer; an empty field should be left out. If a previous call was
 * refused or the buffer is too small, returns false and sets `error`, which may be null. */
bool wb_sfv_writer_finish(const wb_sfv_writer* writer, wb_sfv_text* field, wb_sfv_error* error);

/* ---- Documents. ---- */

/** A field as a value of its own. */
typedef struct wb_sfv_document wb_sfv_document;
/** An item with its parameters, or an inner list: a part of a document, valid until the document changes. */
typedef struct wb_sfv_node wb_sfv_node;

/** An empty document (an item is ?1), or null if memory runs out. */
wb_sfv_document* wb_sfv_document_new(wb_sfv_field_type type);
/** Parses a field. If it is malformed or memory runs out, returns null and sets `error`, which may be null.
 */
wb_sfv_document* wb_sfv_document_parse(wb_sfv_field_type type, const wb_sfv_line* lines, size_t count,
                                       unsigned options, wb_sfv_error* error);
/** Frees a document. Null is allowed. */
void wb_sfv_document_free(wb_sfv_document* document);
/** Whether both have the same type and contents. */
bool wb_sfv_document_equal(const wb_sfv_document* a, const wb_sfv_document* b);

/** The number of members; 1 for an item. */
size_t wb_sfv_member_count(const wb_sfv_document* document);
/** The member at a position below that count. `key` may be null; it is empty unless the document is a
 * dictionary. */
const wb_sfv_node* wb_sfv_member_at(const wb_sfv_document* document, size_t position, wb_sfv_text* key);
/** The member of a dictionary; null if there is none, and for other types. */
const wb_sfv_node* wb_sfv_member_find(const wb_sfv_document* document, wb_sfv_text key);

/** The value of an item; only the type for an inner list. */
wb_sfv_value wb_sfv_node_value(const wb_sfv_node* node);
/** The number of items in an inner list; 0 for an item. */
size_t wb_sfv_inner_count(const wb_sfv_node* node);
/** The item of an inner list at a position below that count. */
const wb_sfv_node* wb_sfv_inner_at(const wb_sfv_node* node, size_t position);
/** The number of parameters. */
size_t wb_sfv_parameter_count(const wb_sfv_node* node);
/** The parameter at a position below that count; `key` may be null. */
wb_sfv_value wb_sfv_parameter_at(const wb_sfv_node* node, size_t position, wb_sfv_text* key);
/** False if there is no such parameter. */
bool wb_sfv_parameter_find(const wb_sfv_node* node, wb_sfv_text key, wb_sfv_value* value);

/** Sets the item, appends a member to a list, or sets a member of a dictionary. `key` only matters for
 * dictionaries. The value may be an inner list, which is then empty. Returns the new node; if refused,
 * returns null and sets `error`, which may be null. */
wb_sfv_node* wb_sfv_set_member(wb_sfv_document* document, wb_sfv_text key, const wb_sfv_value* value,
                               wb_sfv_error* error);
/** Appends an item to an inner list; null if refused, for example if the node is not an inner list or the
 * value is one. */
wb_sfv_node* wb_sfv_add_inner_item(wb_sfv_node* node, const wb_sfv_value* value, wb_sfv_error* error);
/** Sets a parameter; false if refused. The value can't be an inner list. */
bool wb_sfv_set_parameter(wb_sfv_node* node, wb_sfv_text key, const wb_sfv_value* value, wb_sfv_error* error);

/** Writes the canonical field into a buffer, which may be null if `size` is 0, and returns its length. If
 * that is more than `size`, the buffer's contents are meaningless. */
size_t wb_sfv_document_serialize(const wb_sfv_document* document, char* buffer, size_t size);

#ifdef __cplusplus
}
#endif

#ifdef WARPBEAM_SFV_SHARED
#pragma GCC visibility pop
#endif

#endif
