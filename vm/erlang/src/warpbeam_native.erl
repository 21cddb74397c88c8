%% @private The native functions, in this node or in another process of the operating system: where what the first
%% argument is.
-module(warpbeam_native).
-export([load/2, imports/1, exports/1, instantiate/2, start_call/4, continue/2, throw/2, resume/2, cancel/1,
         stop/1, pause/2, limit/2, binary/1, stats/1, output/2,
         memory_size/2, memory_grow/3, read/4, read_string/4, write/4, global_get/2, global_set/3,
         table_size/2, table_get/3, table_set/4, table_grow/4, snapshot/3, restore/3, fork/2]).
-compile({no_auto_import, [throw/1]}).
-include("warpbeam_remote.hrl").

-define(DISPATCH(Function, First, Others),
        case First of
            #warpbeam_remote{} -> warpbeam_remote:request(Function, First, Others);
            _ -> apply(warpbeam_nif, Function, [First | Others])
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

imports(Module) -> ?DISPATCH(imports, Module, []).
exports(Module) -> ?DISPATCH(exports, Module, []).
instantiate(Module, Options) -> ?DISPATCH(instantiate, Module, [Options]).
start_call(Instance, Function, Arguments, Options) -> ?DISPATCH(start_call, Instance, [Function, Arguments, Options]).
continue(Call, Results) -> ?DISPATCH(continue, Call, [Results]).
throw(Call, What) -> ?DISPATCH(throw, Call, [What]).
resume(Call, Input) -> ?DISPATCH(resume, Call, [Input]).
cancel(Call) -> ?DISPATCH(cancel, Call, []).
stop(Instance) -> ?DISPATCH(stop, Instance, []).
pause(Instance, IsPaused) -> ?DISPATCH(pause, Instance, [IsPaused]).
limit(Call, Options) -> ?DISPATCH(limit, Call, [Options]).
binary(Module) -> ?DISPATCH(binary, Module, []).
output(Instance, Stream) -> ?DISPATCH(output, Instance, [Stream]).
stats(Instance) -> ?DISPATCH(stats, Instance, []).
memory_size(Instance, Name) -> ?DISPATCH(memory_size, Instance, [Name]).
memory_grow(Instance, Name, Pages) -> ?DISPATCH(memory_grow, Instance, [Name, Pages]).
read(Instance, Name, Offset, Size) -> ?DISPATCH(read, Instance, [Name, Offset, Size]).
read_string(Instance, Name, Offset, Limit) -> ?DISPATCH(read_string, Instance, [Name, Offset, Limit]).
write(Instance, Name, Offset, Bytes) -> ?DISPATCH(write, Instance, [Name, Offset, Bytes]).
global_get(Instance, Name) -> ?DISPATCH(global_get, Instance, [Name]).
global_set(Instance, Name, Value) -> ?DISPATCH(global_set, Instance, [Name, Value]).
table_size(Instance, Name) -> ?DISPATCH(table_size, Instance, [Name]).
table_get(Instance, Name, Index) -> ?DISPATCH(table_get, Instance, [Name, Index]).
table_set(Instance, Name, Index, Value) -> ?DISPATCH(table_set, Instance, [Name, Index, Value]).
table_grow(Instance, Name, Count, Value) -> ?DISPATCH(table_grow, Instance, [Name, Count, Value]).
snapshot(Instance, Calls, Options) -> ?DISPATCH(snapshot, Instance, [Calls, Options]).
restore(Module, Snapshots, Options) -> ?DISPATCH(restore, Module, [Snapshots, Options]).
fork(Instance, Calls) -> ?DISPATCH(fork, Instance, [Calls]).
