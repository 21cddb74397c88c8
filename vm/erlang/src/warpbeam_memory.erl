%% @doc What is in the memory of an instance: numbers, strings, and blocks of the guest's own allocator.
%%
%% The memory is the exported one of the name `memory'; functions with one more argument take the name of another
%% one. Numbers are little-endian. Blocks are allocated by the guest's exported `malloc', or else `cabi_realloc', and
%% freed by its `free'. Whoever allocates a block owns it, and must free it; `with_bytes/3' does both.
-module(warpbeam_memory).
-export([get/3, get/4, put/4, put/5, read_string/2, read_string/3, malloc/2, malloc/3, free/2, free/3,
         write_bytes/2, write_bytes/3, write_string/2, write_string/3, with_bytes/3, with_bytes/4]).
-export_type([number_type/0]).
-compile({no_auto_import, [get/1, put/2]}).

-type number_type() :: i8 | u8 | i16 | u16 | i32 | u32 | i64 | u64 | f32 | f64.
-type address() :: non_neg_integer().

%% @equiv get(Instance, <<"memory">>, Address, Type)
-spec get(warpbeam:instance(), address(), number_type()) -> {ok, warpbeam:value()} | warpbeam:error().
get(Instance, Address, Type) -> get(Instance, <<"memory">>, Address, Type).

%% @doc The number at an address.
-spec get(warpbeam:instance(), warpbeam:name(), address(), number_type()) -> {ok, warpbeam:value()} | warpbeam:error().
get(Instance, Memory, Address, Type) ->
    case size_of(Type) of
        {error, _} = Error -> Error;
        Size ->
            case warpbeam:read(Instance, Memory, Address, Size) of
                {ok, Bytes} -> {ok, decode(Type, Bytes)};
                Error -> Error
            end
    end.

%% @equiv put(Instance, <<"memory">>, Address, Type, Number)
-spec put(warpbeam:instance(), address(), number_type(), warpbeam:value()) -> ok | warpbeam:error().
put(Instance, Address, Type, Number) -> put(Instance, <<"memory">>, Address, Type, Number).

%% @doc Writes a number to an address. Integers may be signed or unsigned. A float beyond those of 32 bits becomes an
%% infinity.
-spec put(warpbeam:instance(), warpbeam:name(), address(), number_type(), warpbeam:value()) -> ok | warpbeam:error().
put(Instance, Memory, Address, Type, Number) ->
    case encode(Type, Number) of
        {error, _} = Error -> Error;
        Bytes -> warpbeam:write(Instance, Memory, Address, Bytes)
    end.

%% @equiv read_string(Instance, <<"memory">>, Address)
-spec read_string(warpbeam:instance(), address()) -> {ok, binary()} | warpbeam:error().
read_string(Instance, Address) -> read_string(Instance, <<"memory">>, Address).

%% @doc The bytes before the next zero byte: a string of C.
-spec read_string(warpbeam:instance(), warpbeam:name(), address()) -> {ok, binary()} | warpbeam:error().
read_string(Instance, Memory, Address) -> warpbeam_native:read_string(Instance, Memory, Address, 16#ffffffffffff).

%% @equiv malloc(Instance, Size, fun warpbeam:no_handler/3)
-spec malloc(warpbeam:instance(), non_neg_integer()) -> {ok, address()} | warpbeam:error().
malloc(Instance, Size) -> malloc(Instance, Size, fun warpbeam:no_handler/3).

%% @doc Allocates a block. If the guest has no memory for it, the error has the kind `out_of_memory'.
-spec malloc(warpbeam:instance(), non_neg_integer(), warpbeam:handler()) -> {ok, address()} | warpbeam:error().
malloc(_Instance, Size, _Handler) when not is_integer(Size); Size < 0 ->
    failure(bad_argument, io_lib:format("~0tP is no number of bytes", [Size, 12]));
malloc(Instance, Size, Handler) ->
    case call_malloc(Instance, Size, Handler) of
        {ok, [0]} -> failure(out_of_memory, io_lib:format("the guest has no memory for ~p bytes", [Size]));
        {ok, [Address]} when is_integer(Address) -> {ok, unsigned(Address)};
        {ok, _} -> failure(usage, "the guest's malloc does not return one address");
        Error -> Error
    end.

call_malloc(Instance, Size, Handler) ->
    case warpbeam:call(Instance, <<"malloc">>, [Size], Handler) of
        {error, #{kind := usage}} = Error ->
            case warpbeam:call(Instance, <<"cabi_realloc">>, [0, 0, 8, Size], Handler) of
                {error, #{kind := usage}} -> Error;
                Other -> Other
            end;
        Other -> Other
    end.

%% Results are signed; addresses are not, and those of 32 bits come as negative numbers above 2 GiB.
unsigned(Address) when Address >= 0 -> Address;
unsigned(Address) when Address >= -16#80000000 -> Address + 16#100000000;
unsigned(Address) -> Address + 16#10000000000000000.

%% @equiv free(Instance, Address, fun warpbeam:no_handler/3)
-spec free(warpbeam:instance(), address()) -> ok | warpbeam:error().
free(Instance, Address) -> free(Instance, Address, fun warpbeam:no_handler/3).

%% @doc Frees a block.
-spec free(warpbeam:instance(), address(), warpbeam:handler()) -> ok | warpbeam:error().
free(Instance, Address, Handler) ->
    case warpbeam:call(Instance, <<"free">>, [Address], Handler) of
        {ok, _} -> ok;
        Error -> Error
    end.

%% @equiv write_bytes(Instance, Bytes, fun warpbeam:no_handler/3)
-spec write_bytes(warpbeam:instance(), iodata()) -> {ok, address()} | warpbeam:error().
write_bytes(Instance, Bytes) -> write_bytes(Instance, Bytes, fun warpbeam:no_handler/3).

%% @doc Allocates a block with these bytes. The caller owns it.
-spec write_bytes(warpbeam:instance(), iodata(), warpbeam:handler()) -> {ok, address()} | warpbeam:error().
write_bytes(Instance, Bytes, Handler) ->
    case size_or_error(Bytes) of
        {error, _} = Error -> Error;
        Size ->
            case malloc(Instance, max(Size, 1), Handler) of
                {ok, Address} ->
                    case warpbeam:write(Instance, Address, Bytes) of
                        ok -> {ok, Address};
                        Error ->
                            _ = free(Instance, Address, Handler),
                            Error
                    end;
                Error -> Error
            end
    end.

%% @equiv write_string(Instance, Text, fun warpbeam:no_handler/3)
-spec write_string(warpbeam:instance(), iodata()) -> {ok, address()} | warpbeam:error().
write_string(Instance, Text) -> write_string(Instance, Text, fun warpbeam:no_handler/3).

%% @doc Allocates a block with these bytes and a zero byte after them. The caller owns it.
-spec write_string(warpbeam:instance(), iodata(), warpbeam:handler()) -> {ok, address()} | warpbeam:error().
write_string(Instance, Text, Handler) ->
    case size_or_error(Text) of
        {error, _} = Error -> Error;
        _ -> write_bytes(Instance, [Text, 0], Handler)
    end.

%% @equiv with_bytes(Instance, Bytes, Fun, fun warpbeam:no_handler/3)
-spec with_bytes(warpbeam:instance(), iodata(), fun((address()) -> Result)) -> Result | warpbeam:error().
with_bytes(Instance, Bytes, Fun) -> with_bytes(Instance, Bytes, Fun, fun warpbeam:no_handler/3).

%% @doc Calls the fun with the address of a block that has these bytes, and frees it, also if the fun fails.
-spec with_bytes(warpbeam:instance(), iodata(), fun((address()) -> Result), warpbeam:handler()) ->
          Result | warpbeam:error().
with_bytes(_Instance, _Bytes, Fun, _Handler) when not is_function(Fun, 1) ->
    failure(bad_argument, "what is done with a block is a fun of one argument, its address");
with_bytes(Instance, Bytes, Fun, Handler) ->
    case write_bytes(Instance, Bytes, Handler) of
        {ok, Address} ->
            try Fun(Address)
            after free(Instance, Address, Handler)
            end;
        Error -> Error
    end.

size_or_error(Bytes) ->
    try iolist_size(Bytes)
    catch error:_ -> failure(bad_argument, "bytes are a binary or a list of bytes")
    end.

size_of(Type) when Type =:= i8; Type =:= u8 -> 1;
size_of(Type) when Type =:= i16; Type =:= u16 -> 2;
size_of(Type) when Type =:= i32; Type =:= u32; Type =:= f32 -> 4;
size_of(Type) when Type =:= i64; Type =:= u64; Type =:= f64 -> 8;
size_of(_) -> failure(bad_argument, "the type of a number is i8, u8, i16, u16, i32, u32, i64, u64, f32 or f64").

decode(f32, <<0:16, 1:1, 0:7, Sign:1, 127:7>>) -> infinity(Sign);
decode(f32, <<Number:32/little-float>>) -> Number;
decode(f32, _) -> nan;
decode(f64, <<0:48, 15:4, 0:4, Sign:1, 127:7>>) -> infinity(Sign);
decode(f64, <<Number:64/little-float>>) -> Number;
decode(f64, _) -> nan;
decode(Type, Bytes) when Type =:= i8; Type =:= i16; Type =:= i32; Type =:= i64 ->
    Size = bit_size(Bytes),
    <<Number:Size/little-signed>> = Bytes,
    Number;
decode(_, Bytes) -> binary:decode_unsigned(Bytes, little).

infinity(0) -> '+inf';
infinity(1) -> '-inf'.

encode(f32, '+inf') -> <<16#7f800000:32/little>>;
encode(f32, '-inf') -> <<16#ff800000:32/little>>;
encode(f32, nan) -> <<16#7fc00000:32/little>>;
encode(f64, '+inf') -> <<16#7ff0000000000000:64/little>>;
encode(f64, '-inf') -> <<16#fff0000000000000:64/little>>;
encode(f64, nan) -> <<16#7ff8000000000000:64/little>>;
encode(Type, Number) when Type =:= f32 orelse Type =:= f64, is_number(Number) ->
    Size = size_of(Type) * 8,
    try <<Number:Size/little-float>>
    catch error:_ -> failure(bad_argument, ["the number is too large for an ", atom_to_list(Type)])
    end;
encode(Type, Number) when Type =/= f32, Type =/= f64 ->
    case size_of(Type) of
        {error, _} = Error -> Error;
        Size when is_integer(Number), Number >= -(1 bsl (Size * 8 - 1)), Number < 1 bsl (Size * 8) ->
            <<Number:Size/little-unit:8>>;
        Size ->
            failure(bad_argument, io_lib:format("~0tP is no integer from ~b to ~b, as ~s ~s needs",
                                                [Number, 12, -(1 bsl (Size * 8 - 1)), (1 bsl (Size * 8)) - 1, article(Type), Type]))
    end;
encode(_, Number) -> failure(bad_argument, io_lib:format("~0tP is no number, nan, '+inf' or '-inf'", [Number, 12])).

%% As they are spoken: a u8, an i8.
article(Type) -> case atom_to_list(Type) of "u" ++ _ -> "a"; _ -> "an" end.

failure(Kind, Message) -> {error, #{kind => Kind, message => unicode:characters_to_binary(Message)}}.
