%% @private The native functions, in this node or in another process of the operating system: where what the first
%% argument is.
-module(warpbeam_native).
-export([load/2, imports/1, exports/1, instantiate/2, start_call/3, start_call/4, continue/2, throw/2, resume/2, cancel/1,
         stop/1, pause/2, limit/2, binary/1, stats/1, output/2,
         memory_size/2, memory_grow/3, read/4, read_string/4, write/4, global_get/2, global_set/3,
         table_size/2, table_get/3, table_set/4, table_grow/4, snapshot/3, restore/3, fork/2, isolation/1]).
-compile({no_auto_import, [throw/1]}).
-include("warpbeam_remote.hrl").

-define(DISPATCH(Function, First, Others),
        case First of
            #warpbeam_remote{} -> warpbeam_remote:request(Function, First, Others);
            _ -> apply(warpbeam_nif, Function, [First | Others])
        end).

-define(LONGEST_NAME, 16#100000). % bytes of a name

%% Bytes come to native functions as binaries: to make one of a list takes time, and only the function of Erlang lets other
%% processes run in between. What is no text stays for the error of the native function, but no list.
-define(NAMED(Given, Name, Use),
        case name(Given) of
            {error, _} = TooLong -> TooLong;
            Name -> Use
        end).

load(Module, Options) when is_map(Options) ->
    case maps:get(isolation, Options, application:get_env(warpbeam, isolation, none)) of
        none -> warpbeam_nif:load(Module, maps:remove(isolation, Options));
        process -> warpbeam_remote:load(warpbeam_port:default(), Module, Options);
        {process, Server} when is_pid(Server); is_atom(Server) -> warpbeam_remote:load(Server, Module, Options);
        {process, {Name, Node} = Server} when is_atom(Name), is_atom(Node) -> warpbeam_remote:load(Server, Module, Options);
        _ -> {error, #{kind => bad_argument, message => <<"isolation is none, process or {process, Server}, where Server is "
                                                          "a pid, a registered name or {Name, Node}">>}}
    end;
load(Module, Options) -> warpbeam_nif:load(Module, Options).

%% Where a module is.
isolation(#warpbeam_remote{}) -> process;
isolation(_Module) -> none.

imports(Module) -> ?DISPATCH(imports, Module, []).
exports(Module) -> ?DISPATCH(exports, Module, []).
instantiate(Module, Options) -> ?DISPATCH(instantiate, Module, [Options]).
%% Most calls are like this.
start_call(Instance, Function, Arguments) when is_reference(Instance), is_binary(Function) ->
    warpbeam_nif:start_call(Instance, Function, Arguments);
start_call(Instance, Function, Arguments) -> start_call(Instance, Function, Arguments, #{}).
start_call(Instance, Function, Arguments, Options) when is_reference(Instance), is_binary(Function) ->
    warpbeam_nif:start_call(Instance, Function, Arguments, Options);
start_call(Instance, {table, Name, Index}, Arguments, Options) ->
    ?NAMED(Name, Table, ?DISPATCH(start_call, Instance, [{table, Table, Index}, Arguments, Options]));
start_call(Instance, Function, Arguments, Options) ->
    ?NAMED(Function, Callee, ?DISPATCH(start_call, Instance, [Callee, Arguments, Options])).
continue(Call, Results) -> ?DISPATCH(continue, Call, [Results]).
throw(Call, {Tag, Values}) -> ?NAMED(Tag, Name, ?DISPATCH(throw, Call, [{Name, Values}]));
throw(Call, Message) -> ?DISPATCH(throw, Call, [flat(Message)]).
resume(Call, Input) -> ?DISPATCH(resume, Call, [flat(Input)]).
cancel(Call) -> ?DISPATCH(cancel, Call, []).
stop(Instance) -> ?DISPATCH(stop, Instance, []).
pause(Instance, IsPaused) -> ?DISPATCH(pause, Instance, [IsPaused]).
limit(Call, Options) -> ?DISPATCH(limit, Call, [Options]).
binary(Module) -> ?DISPATCH(binary, Module, []).
output(Instance, Stream) -> ?DISPATCH(output, Instance, [Stream]).
stats(Instance) -> ?DISPATCH(stats, Instance, []).
memory_size(Instance, Name) -> ?NAMED(Name, Known, ?DISPATCH(memory_size, Instance, [Known])).
memory_grow(Instance, Name, Pages) -> ?NAMED(Name, Known, ?DISPATCH(memory_grow, Instance, [Known, Pages])).
read(Instance, Name, Offset, Size) -> ?NAMED(Name, Known, ?DISPATCH(read, Instance, [Known, Offset, Size])).
read_string(Instance, Name, Offset, Limit) -> ?NAMED(Name, Known, ?DISPATCH(read_string, Instance, [Known, Offset, Limit])).
write(Instance, Name, Offset, Bytes) -> ?NAMED(Name, Known, ?DISPATCH(write, Instance, [Known, Offset, flat(Bytes)])).
global_get(Instance, Name) -> ?NAMED(Name, Known, ?DISPATCH(global_get, Instance, [Known])).
global_set(Instance, Name, Value) -> ?NAMED(Name, Known, ?DISPATCH(global_set, Instance, [Known, Value])).
table_size(Instance, Name) -> ?NAMED(Name, Known, ?DISPATCH(table_size, Instance, [Known])).
table_get(Instance, Name, Index) -> ?NAMED(Name, Known, ?DISPATCH(table_get, Instance, [Known, Index])).
table_set(Instance, Name, Index, Value) -> ?NAMED(Name, Known, ?DISPATCH(table_set, Instance, [Known, Index, Value])).
table_grow(Instance, Name, Count, Value) -> ?NAMED(Name, Known, ?DISPATCH(table_grow, Instance, [Known, Count, Value])).
snapshot(Instance, Calls, Options) -> ?DISPATCH(snapshot, Instance, [Calls, Options]).
restore(Module, Snapshots, Options) -> ?DISPATCH(restore, Module, [Snapshots, Options]).
fork(Instance, Calls) -> ?DISPATCH(fork, Instance, [Calls]).

flat(Text) when is_list(Text) -> try iolist_to_binary(Text) catch error:badarg -> no_bytes end;
flat(Other) -> Other.

%% Names are looked up at once.
name(Name) when is_binary(Name), byte_size(Name) =< ?LONGEST_NAME -> Name;
name(Name) when is_binary(Name) ->
    {error, #{kind => bad_argument,
              message => iolist_to_binary(io_lib:format("a name has at most ~b bytes, and this one ~b",
                                                        [?LONGEST_NAME, byte_size(Name)]))}};
name(Name) when is_list(Name) -> name(flat(Name));
name({Module, Name}) ->
    case {name(Module), name(Name)} of
        {{error, _} = TooLong, _} -> TooLong;
        {_, {error, _} = TooLong} -> TooLong;
        Both -> Both
    end;
name(Other) -> Other.
