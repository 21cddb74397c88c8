%% @doc What an image of HyperBEAM's is: a module, with an instance of it, as its driver describes and reads them.
-module(hb_beamr_image).
-export([instantiate/2, imports/1, exports/1, signature/1, text/1, size/2, read/4, read_string/3, write/4,
         save/1, restore/3, put_memory/3, is_snapshot/1]).
-export_type([memory/0]).

-type memory() :: warpbeam:name() | none.
%% The name of the first exported memory, or else of the first imported one.

-define(PAGE, 65536).

%% @doc Makes an instance of a module in the binary or text format. Functions that are imported are answered with zeros
%% during the start function.
-spec instantiate(binary(), hb_beamr:options()) ->
          {ok, warpbeam:module_ref(), warpbeam_emscripten:program(), warpbeam:instance(), memory()} |
          {error, string()}.
instantiate(<<0, "aot", _/binary>>, _Options) ->
    {error, "Failed to create module: this is an AOT image of WAMR, which only WAMR runs. Give the module in "
     "WebAssembly's own format, from which it was made."};
instantiate(Binary, Options) ->
    LoadOptions = maps:with([deterministic], maps:merge(#{deterministic => true}, Options)),
    case is_module(Binary) andalso warpbeam:load(Binary, LoadOptions) of
        {ok, Module} ->
            Program = warpbeam_emscripten:program(Module),
            Imports = warpbeam:imports(Module),
            New = [{{From, Name}, new} || {Kind, From, Name, _} <- Imports, Kind =/= func, Kind =/= global],
            Limits = maps:get(limits, Options, #{}),
            Given = maps:merge(maps:from_list(New), maps:get(imports, Limits, #{})),
            Zeros = fun(From, Name, _) ->
                            {_, Results} = warpbeam_emscripten:import_type(Program, From, Name),
                            {ok, [0 || _ <- Results]}
                    end,
            case warpbeam:instantiate(Module, Limits#{imports => Given}, Zeros) of
                {ok, Instance} ->
                    Memory = memory(Module),
                    _ = add_page(Instance, Memory, Module, Options),
                    {ok, Module, Program, Instance, Memory};
                {error, Error} ->
                    {error, "Failed to create WASM instance (although module was created): " ++ text(Error)}
            end;
        {error, Error} -> {error, "Failed to create module: " ++ text(Error)};
        false ->
            {error, lists:flatten(io_lib:format("Failed to create module: its ~b bytes begin neither as WebAssembly's "
                                                "binary format, with 0 and \"asm\", nor as text, with a parenthesis.",
                                                [byte_size(Binary)]))}
    end.

is_module(<<0, "asm", _/binary>>) -> true;
is_module(<<Blank, Others/binary>>) when Blank =:= $\s; Blank =:= $\t; Blank =:= $\n; Blank =:= $\r ->
    is_module(Others);
is_module(<<First, _/binary>>) -> First =:= $( orelse First =:= $;; % a comment
is_module(<<>>) -> false.

memory(Module) ->
    Names = [Name || {memory, Name, _} <- warpbeam:exports(Module)] ++
        [{From, Name} || {memory, From, Name, _} <- warpbeam:imports(Module)],
    case Names of
        [First | _] -> First;
        [] -> none
    end.

%% WAMR puts its own heap into the memory of guests that do not export both `malloc' and `free': a page more, unless
%% there is one page that can't grow. What can't be known here is whether a memory of one page does grow.
add_page(Instance, Memory, Module, Options) when Memory =/= none ->
    Functions = [Name || {func, Name, _} <- warpbeam:exports(Module)],
    HasAllocator = lists:member(<<"malloc">>, Functions) andalso lists:member(<<"free">>, Functions),
    case maps:get(wamr_page, Options, true) andalso not HasAllocator andalso warpbeam:memory_size(Instance, Memory) of
        {ok, Size} when Size > ?PAGE -> warpbeam:memory_grow(Instance, Memory, 1);
        _ -> ok
    end;
add_page(_Instance, none, _Module, _Options) -> ok.

%% @doc What the module imports: kind, names, and the signatures of functions.
-spec imports(warpbeam:module_ref()) -> [hb_beamr:import()].
imports(Module) ->
    [{Kind, binary_to_list(From), binary_to_list(Name), signature(Type)} ||
        {Kind, From, Name, Type} <- warpbeam:imports(Module)].

%% @doc What the module exports.
-spec exports(warpbeam:module_ref()) -> [hb_beamr:export()].
exports(Module) ->
    [{Kind, binary_to_list(Name), signature(Type)} || {Kind, Name, Type} <- warpbeam:exports(Module)].

%% @doc A letter for each parameter in parentheses, and one for each result.
-spec signature(warpbeam:func_type() | none) -> string().
signature(none) -> "";
signature({Parameters, Results}) -> "(" ++ letters(Parameters) ++ ")" ++ letters(Results).

letters(Types) -> [letter(Type) || Type <- Types].

letter(i32) -> $i;
letter(i64) -> $I;
letter(f32) -> $f;
letter(f64) -> $F;
letter(v128) -> $v;
letter(externref) -> $e;
letter(funcref) -> $f;
letter(_) -> $u.

%% @doc The message of an error as HyperBEAM has them.
-spec text(#{message := binary(), _ => _}) -> string().
text(#{message := Message}) ->
    case unicode:characters_to_list(Message) of
        Text when is_list(Text) -> Text;
        _ -> binary_to_list(Message)
    end.

%%% Memory.

%% @doc The bytes of the memory.
-spec size(warpbeam:instance(), memory()) -> {ok, non_neg_integer()} | {error, string()}.
size(_Instance, none) -> no_memory();
size(Instance, Memory) -> result(warpbeam:memory_size(Instance, Memory)).

%% @doc Reads bytes.
-spec read(warpbeam:instance(), memory(), integer(), integer()) -> {ok, binary()} | {error, string()}.
read(_Instance, none, _Offset, _Size) -> no_memory();
read(Instance, Memory, Offset, Size) -> result(warpbeam:read(Instance, Memory, Offset, Size)).

%% @doc Reads the bytes before the next zero.
-spec read_string(warpbeam:instance(), memory(), integer()) -> {ok, binary()} | {error, string()}.
read_string(_Instance, none, _Offset) -> no_memory();
read_string(Instance, Memory, Offset) -> result(warpbeam_memory:read_string(Instance, Memory, Offset)).

%% @doc Writes bytes.
-spec write(warpbeam:instance(), memory(), integer(), iodata()) -> ok | {error, string()}.
write(_Instance, none, _Offset, _Bytes) -> no_memory();
write(Instance, Memory, Offset, Bytes) -> result(warpbeam:write(Instance, Memory, Offset, Bytes)).

no_memory() -> {error, "The module has no memory."}.

result({error, Error}) -> {error, text(Error)};
result(Other) -> Other.

%%% Snapshots.

%% @doc The whole state of an instance.
-spec save(warpbeam:instance()) -> {ok, binary()} | {error, string()}.
save(Instance) -> result(warpbeam:snapshot(Instance)).

%% @doc Whether the image is of `save/1'; HyperBEAM's own ones are the bytes of a memory.
-spec is_snapshot(binary()) -> boolean().
is_snapshot(<<"wberl", _/binary>>) -> true;
is_snapshot(_) -> false.

%% @doc An instance from an image of `save/1'.
-spec restore(warpbeam:module_ref(), binary(), hb_beamr:options()) -> {ok, warpbeam:instance()} | {error, string()}.
restore(Module, Snapshot, Options) ->
    case warpbeam:restore(Module, Snapshot, maps:remove(imports, maps:get(limits, Options, #{}))) of
        {ok, Instance, []} -> {ok, Instance};
        {ok, Instance, Calls} ->
            _ = warpbeam:stop(Instance),
            {error, lists:flatten(io_lib:format("The snapshot has ~b calls that wait for imports. Restore it with "
                                                "warpbeam:restore/2, which can go on with them.", [length(Calls)]))};
        {error, Error} -> {error, text(Error)}
    end.

%% @doc Makes these bytes the beginning of the memory, which grows if it has fewer.
-spec put_memory(warpbeam:instance(), memory(), binary()) -> ok | {error, string()}.
put_memory(Instance, Memory, Bytes) ->
    case size(Instance, Memory) of
        {ok, Has} when Has < byte_size(Bytes) ->
            case warpbeam:memory_grow(Instance, Memory, (byte_size(Bytes) - Has + ?PAGE - 1) div ?PAGE) of
                {ok, _} -> write(Instance, Memory, 0, Bytes);
                {error, Error} -> {error, text(Error)}
            end;
        {ok, _} -> write(Instance, Memory, 0, Bytes);
        Error -> Error
    end.
