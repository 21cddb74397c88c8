/* The C interface from C: Priority, read and written. */
#include <warpbeam/sfv/sfv.h>

#include <stdio.h>
#include <string.h>

int main(void) {
    static const char field[] = "u=1, i;why=prefetch";
    const wb_sfv_line line = wb_sfv_line_of(field, strlen(field));
    wb_sfv_parser parser;
    wb_sfv_text key;
    wb_sfv_value value;
    wb_sfv_error error;
    int64_t urgency = 3;
    wb_sfv_parser_init(&parser, WB_SFV_DICTIONARY, &line, 1, 0);
    while (wb_sfv_next_member(&parser, &key, &value))
        if (key.size == 1 && key.data[0] == 'u' && value.type == WB_SFV_INTEGER)
            urgency = value.number;
    if (!wb_sfv_parser_finish(&parser, &error)) {
        puts(error.message);
        return 1;
    }

    char buffer[32];
    wb_sfv_writer writer;
    wb_sfv_text written;
    const wb_sfv_text u = {"u", 1};
    const wb_sfv_value number = {WB_SFV_INTEGER, false, urgency + 1, {NULL, 0}};
    wb_sfv_writer_init(&writer, WB_SFV_DICTIONARY, buffer, sizeof buffer);
    wb_sfv_write_key(&writer, u);
    wb_sfv_write_value(&writer, &number);
    if (!wb_sfv_writer_finish(&writer, &written, &error))
        return 1;
    return written.size == 3 && memcmp(written.data, "u=2", 3) == 0 ? 0 : 1;
}
