%% @doc HyperBEAM's module for the memory of instances, over `warpbeam': the same functions, arguments and results.
%% Errors are `{error, Text}'; nothing is out of bounds without one. The memory is the first one that the module
%% exports.
-module(hb_beamr_io).
-export([size/1, read/3, write/3, read_string/2, read_string/3, write_string/2, malloc/2, free/2]).

%% @doc How many bytes the memory has.
-spec size(pid()) -> {ok, non_neg_integer()} | {error, string()}.
size(WASM) when is_pid(WASM) -> with_memory(WASM, fun hb_beamr_image:size/2).

%% @doc Reads bytes.
-spec read(pid(), integer(), integer()) -> {ok, binary()} | {error, string()}.
read(WASM, Offset, Size) when is_pid(WASM), is_integer(Offset), is_integer(Size) ->
    with_memory(WASM, fun(Instance, Memory) -> hb_beamr_image:read(Instance, Memory, Offset, Size) end).

%% @doc Writes bytes.
-spec write(pid(), integer(), binary()) -> ok | {error, string()}.
write(WASM, Offset, Bytes) when is_pid(WASM), is_integer(Offset), is_binary(Bytes) ->
    with_memory(WASM, fun(Instance, Memory) -> hb_beamr_image:write(Instance, Memory, Offset, Bytes) end).

%% @doc Reads the bytes before the next zero.
-spec read_string(pid(), integer()) -> {ok, binary()} | {error, string()}.
read_string(WASM, Offset) when is_pid(WASM), is_integer(Offset) ->
    with_memory(WASM, fun(Instance, Memory) -> hb_beamr_image:read_string(Instance, Memory, Offset) end).

%% @equiv read_string(WASM, Offset)
-spec read_string(pid(), integer(), integer()) -> {ok, binary()} | {error, string()}.
read_string(WASM, Offset, ChunkSize) when is_integer(ChunkSize) -> read_string(WASM, Offset).

%% @doc Allocates a block for bytes and a zero after them, by the guest's `malloc'. The caller owns it.
-spec write_string(pid(), iodata()) -> {ok, non_neg_integer()} | {error, string() | malloc_failed}.
write_string(WASM, Text) when is_pid(WASM), is_list(Text) ->
    try iolist_to_binary(Text) of
        Bytes -> write_string(WASM, Bytes)
    catch error:badarg -> {error, "The text is no list of bytes."}
    end;
write_string(WASM, Text) when is_pid(WASM), is_binary(Text) ->
    case malloc(WASM, byte_size(Text) + 1) of
        {ok, Address} ->
            case write(WASM, Address, <<Text/binary, 0>>) of
                ok -> {ok, Address};
                Error -> Error
            end;
        Error -> Error
    end.

%% @doc Allocates a block by the guest's `malloc'.
-spec malloc(pid(), integer()) -> {ok, non_neg_integer()} | {error, string() | malloc_failed}.
malloc(WASM, Size) when is_pid(WASM), is_integer(Size) ->
    case hb_beamr:call(WASM, <<"malloc">>, [Size]) of
        {ok, [0]} -> {error, malloc_failed};
        {ok, [Address]} when is_integer(Address) -> {ok, unsigned(Address)};
        {ok, _} -> {error, "The guest's malloc does not return an address."};
        Error -> Error
    end.

%% Addresses come signed.
unsigned(Address) when Address >= 0 -> Address;
unsigned(Address) when Address >= -16#80000000 -> Address + 16#100000000;
unsigned(Address) -> Address + 16#10000000000000000.

%% @doc Frees a block by the guest's `free'.
-spec free(pid(), integer()) -> ok | {error, string()}.
free(WASM, Address) when is_pid(WASM), is_integer(Address) ->
    case hb_beamr:call(WASM, <<"free">>, [Address]) of
        {ok, _} -> ok;
        Error -> Error
    end.

with_memory(WASM, Fun) ->
    case hb_beamr_turn:instance(WASM) of
        {ok, {Instance, Memory}} -> Fun(Instance, Memory);
        Error -> Error
    end.
