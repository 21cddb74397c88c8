%% @doc WebAssembly instances.
%%
%% A call runs in the process that makes it, a slice at a time, and lets other processes run in between. When the
%% guest calls a function that it imports, the call returns that request: `start_call/3' to those who write their
%% own loop, `call/4' to a fun. Nothing that a guest or a caller passes makes atoms or crashes the node.
%%
%% An instance belongs to the process that made it: when that ends, whatever runs in the instance stops. Other
%% processes may use it, too. Errors are `{error, #{kind, message}}', of traps also with `backtrace', which has
%% the innermost function first.
-module(warpbeam).
-export([load/1, load/2, imports/1, exports/1, instantiate/1, instantiate/2, instantiate/3,
         call/3, call/4, call/5, call_indirect/3, call_indirect/4, call_indirect/5,
         start_call/3, start_call/4, continue/2, throw/2, resume/1, limit/2, cancel/1, stop/1, stats/1, answer/2,
         pause/1, unpause/1, binary/1,
         memory_size/1, memory_size/2, memory_grow/2, memory_grow/3, read/3, read/4, write/3, write/4,
         global/2, set_global/3, table_size/2, table_get/3, table_set/4, table_grow/4,
         snapshot/1, snapshot/2, snapshot_series/2,
         snapshot_series/3, restore/2, restore/3, fork/1, fork/2, no_handler/3]).
-export_type([module_ref/0, instance/0, call_ref/0, paused/0, ref/0, value/0, error/0, import/0, handler/0, callee/0,
              name/0, load_options/0, options/0, call_options/0, func_type/0, value_type/0, stats/0]).
-compile({no_auto_import, [throw/1]}).

-opaque module_ref() :: reference() | warpbeam_remote:object().
%% A loaded module.
-opaque instance() :: reference() | warpbeam_remote:object().
%% An instance of a module.
-opaque call_ref() :: reference() | warpbeam_remote:object().
%% A call that waits for the answer to an import.
-opaque ref() :: reference() | warpbeam_remote:object().
%% A reference of the guest: to a function, a structure, an array or an exception. It is of use with its instance only.
-type value() :: integer() | float() | nan | '+inf' | '-inf' | binary() | null | {i31, integer()} | ref() | term().
%% Integers may be given signed or unsigned, and come signed. A binary of 16 bytes is a v128. As an `externref' any
%% term may be given, and comes back; `null' is the null reference.
-type value_type() :: i32 | i64 | f32 | f64 | v128 | funcref | externref | reference.
-type func_type() :: {[value_type()], [value_type()]}.
-type name() :: iodata() | {Module :: iodata(), Name :: iodata()}.
%% The name of an exported memory, table, global or tag; or of one that is imported.
-type callee() :: iodata() | {table, name(), Index :: non_neg_integer()} | ref().
%% The name of an exported function, the element of a table, or a reference.
-type error() :: {error, #{kind := atom(), message := binary(), code => atom(), backtrace => [frame()],
                           offset => non_neg_integer(), status => integer(), snapshot => [binary()], reason => term(),
                           stdout => binary(), stderr => binary(),
                           exception => #{values := [value()], tag => name()}}}.
%% `code' says which trap it was, `reason' how a process ended. An uncaught exception has its values, and the name of its
%% tag if that is exported or imported. The kinds:
%% <ul>
%% <li>of modules: `malformed' (no WebAssembly, or no snapshot), `invalid', `unsupported', `unlinkable' (an import that has no
%% value, or another type);</li>
%% <li>of calls: `trap', `uncaught_exception', `exit' (with the `status' of a WASI program, or of the other process that
%% has ended), `out_of_fuel', `timeout', `stopped';</li>
%% <li>of resources: `limit' (one that was set was reached), `out_of_memory';</li>
%% <li>of the caller: `bad_argument' (a term of another form, a value out of its range), `usage' (a name that does not exist,
%% a call that has ended);</li>
%% <li>of processes, with `warpbeam_instance' and `isolation': `busy', `down', `handler_failed', `migration', `not_replicated'.</li>
%% </ul>
-type frame() :: #{function := non_neg_integer(), name => binary(), offset => non_neg_integer()}.
-type import() :: {import, call_ref(), Module :: binary(), Name :: binary(), [value()]}.
-type paused() :: {paused, call_ref()}.
%% A call of an instance that is paused; `resume/1' goes on with it.
-type handler() :: fun((Module :: binary(), Name :: binary(), [value()]) ->
                           {ok, [value()]} | {error, Message :: iodata()} | {throw, Tag :: name(), [value()]}).
%% Answers imports: with results, with a failure that is a trap, or with an exception that the guest may catch.
-type load_options() :: #{deterministic => boolean(), isolation => none | process | {process, warpbeam_port:server()}}.
%% `deterministic': whether code gives the same results, traps and fuel on every machine; see `docs/determinism.md' of
%% the project. `isolation': whether the module and its instances are in this node, or in another process of the
%% operating system; see {@link warpbeam_port}. Without it the key `isolation' of the application `warpbeam' says it.
-type call_options() :: #{fuel => non_neg_integer(), timeout => non_neg_integer()}.
%% How much fuel a call may use, and for how long it may run, in milliseconds: up to 2,147,483,647 (24 days); a longer
%% time is an error.
-type options() :: #{memory => non_neg_integer(), heap => non_neg_integer(), stack => non_neg_integer(),
                     stacks => non_neg_integer(), tables => non_neg_integer(), fuel => non_neg_integer(),
                     timeout => non_neg_integer(),
                     imports => #{{iodata(), iodata()} => new | value()}, wasi => warpbeam_wasi:options()}.
%% What an instance may use: the bytes of its memories, of its garbage-collected heap, and of the stacks of its calls
%% (how deep they may be), and the elements of its tables. `fuel' and `timeout' hold for each call that does not give its
%% own. `imports' are the values of imported globals, and `new' for memories, tables and tags. `stacks' gives each call a
%% stack of so many bytes in the guest's memory, which its `malloc' allocates: so calls of a C program that wait for imports
%% may end in any order. An unknown option is an error, so that no limit is lost by a misspelt name.
-type stats() :: #{memory := non_neg_integer(), heap := non_neg_integer(), stack := non_neg_integer(),
                   tables := non_neg_integer(), executions := non_neg_integer(), calls := non_neg_integer(),
                   fuel := non_neg_integer(), collections := non_neg_integer()}.

%% @equiv load(Module, #{})
-spec load(iodata()) -> {ok, module_ref()} | error().
load(Module) -> load(Module, #{}).

%% @doc Loads a module in the binary or text format: checks it, and makes all its code.
-spec load(iodata(), load_options()) -> {ok, module_ref()} | error().
load(Module, Options) -> warpbeam_native:load(Module, Options).

%% @doc What the module imports: kind, names, and the types of functions.
-spec imports(module_ref()) -> [{atom(), binary(), binary(), func_type() | none}] | error().
imports(Module) -> warpbeam_native:imports(Module).

%% @doc What the module exports.
-spec exports(module_ref()) -> [{atom(), binary(), func_type() | none}] | error().
exports(Module) -> warpbeam_native:exports(Module).

%% @doc The module in the binary format, and whether it is deterministic: `load/2' makes it again, on any node.
-spec binary(module_ref()) -> {binary(), IsDeterministic :: boolean()} | error().
binary(Module) -> warpbeam_native:binary(Module).

%% @equiv instantiate(Module, #{})
-spec instantiate(module_ref()) -> {ok, instance()} | error().
instantiate(Module) -> instantiate(Module, #{}).

%% @doc Makes an instance. A start function that calls imports is refused; use `instantiate/3' for it.
-spec instantiate(module_ref(), options()) -> {ok, instance()} | error().
instantiate(Module, Options) -> instantiate(Module, Options, fun no_handler/3).

%% @doc Makes an instance; the handler answers what its start function imports.
-spec instantiate(module_ref(), options(), handler()) -> {ok, instance()} | error().
instantiate(Module, Options, Handler) ->
    case prepare(Options) of
        {error, _} = Error -> Error;
        Prepared -> answer(warpbeam_native:instantiate(Module, Prepared), Handler)
    end.

prepare(#{wasi := Wasi} = Options) ->
    case warpbeam_wasi:prepare(Wasi) of
        {ok, Prepared} -> named(Options#{wasi := Prepared});
        Error -> Error
    end;
prepare(Options) -> named(Options).

%% The native functions look for names that are binaries.
named(#{imports := Given} = Options) when is_map(Given) ->
    Options#{imports := maps:from_list([{name(Key), Value} || {Key, Value} <- maps:to_list(Given)])};
named(Options) -> Options.

name({Module, Name}) -> {text(Module), text(Name)};
name(Other) -> Other.

text(Text) -> try iolist_to_binary(Text) catch error:badarg -> Text end.

%% @doc Calls an exported function of a guest that calls no imports: one that does traps.
-spec call(instance(), callee(), [value()]) -> {ok, [value()]} | error().
call(Instance, Function, Arguments) -> call(Instance, Function, Arguments, fun no_handler/3).

%% @doc Calls a function. The handler runs in this process, and may call the instance again. If it
%% fails, the call ends, and its exception goes on.
-spec call(instance(), callee(), [value()], handler()) -> {ok, [value()]} | error().
call(Instance, Function, Arguments, Handler) ->
    parked(answer(warpbeam_native:start_call(Instance, Function, Arguments), Handler), Handler).

%% @doc The same with limits.
-spec call(instance(), callee(), [value()], handler(), call_options()) -> {ok, [value()]} | error().
call(Instance, Function, Arguments, Handler, Options) ->
    parked(answer(warpbeam_native:start_call(Instance, Function, Arguments, Options), Handler), Handler).

%% Whoever calls in this way waits for the end of a pause.
parked({paused, _} = Paused, Handler) ->
    timer:sleep(1),
    parked(answer(Paused, Handler), Handler);
parked(Result, _Handler) -> Result.

%% @equiv call_indirect(Instance, Index, Arguments, fun warpbeam:no_handler/3)
-spec call_indirect(instance(), non_neg_integer(), [value()]) -> {ok, [value()]} | error().
call_indirect(Instance, Index, Arguments) -> call_indirect(Instance, Index, Arguments, fun no_handler/3).

%% @equiv call_indirect(Instance, <<"__indirect_function_table">>, Index, Arguments, Handler)
-spec call_indirect(instance(), non_neg_integer(), [value()], handler()) -> {ok, [value()]} | error().
call_indirect(Instance, Index, Arguments, Handler) ->
    call_indirect(Instance, <<"__indirect_function_table">>, Index, Arguments, Handler).

%% @doc Calls the function that is an element of a table, as a pointer to a function in C is.
-spec call_indirect(instance(), name(), non_neg_integer(), [value()], handler()) -> {ok, [value()]} | error().
call_indirect(Instance, Table, Index, Arguments, Handler) ->
    call(Instance, {table, Table, Index}, Arguments, Handler).

%% @doc Answers what a call waits for, and what it waits for after that, until it ends: for what `start_call/3' or
%% `restore/2' gave.
-spec answer({ok, [value()]} | {ok, instance()} | import() | paused() | warpbeam_wasi:request() | error(), handler()) ->
          {ok, [value()]} | {ok, instance()} | paused() | error().
answer({paused, Call}, Handler) -> until_end(warpbeam_native:resume(Call, none), Handler);
answer(Request, Handler) -> until_end(Request, Handler).

until_end({import, Call, _, _, _}, Handler) when not is_function(Handler, 3) ->
    _ = warpbeam_native:cancel(Call),
    {error, #{kind => bad_argument, message => <<"a handler is a fun of three arguments: module, name, and values">>}};
until_end({import, Call, Module, Name, Arguments}, Handler) ->
    Answer = try Handler(Module, Name, Arguments)
             catch Class:Reason:Stack ->
                     warpbeam_native:cancel(Call),
                     erlang:raise(Class, Reason, Stack)
             end,
    case Answer of
        {ok, Results} ->
            until_end(failed(Call, warpbeam_native:continue(Call, Results)), Handler);
        {error, Message} -> until_end(failed(Call, warpbeam_native:throw(Call, Message)), Handler);
        {throw, Tag, Values} -> until_end(failed(Call, warpbeam_native:throw(Call, {Tag, Values})), Handler);
        Other ->
            warpbeam_native:cancel(Call),
            {error, #{kind => bad_argument,
                      message => unicode:characters_to_binary(
                                   io_lib:format("a handler answers {ok, Values}, {error, Message} or "
                                                 "{throw, Tag, Values}, not ~0tP", [Other, 20]))}}
    end;
until_end({wasi, _, _, _, _, _, _} = Request, Handler) -> until_end(warpbeam_wasi:serve(Request), Handler);
until_end(Ended, _Handler) -> Ended.

%% A call whose answer does not fit still waits, but its handler has no other answer.
failed(Call, {error, _} = Error) -> warpbeam_native:cancel(Call), Error;
failed(_Call, Next) -> Next.

%% @private The handler of those who give none.
no_handler(Module, Name, _Arguments) -> {error, ["nothing answers the import ", Module, ".", Name]}.

%% @equiv start_call(Instance, Function, Arguments, #{})
-spec start_call(instance(), callee(), [value()]) -> {ok, [value()]} | import() | paused() | warpbeam_wasi:request() | error().
start_call(Instance, Function, Arguments) -> warpbeam_native:start_call(Instance, Function, Arguments).

%% @doc Calls a function, until it ends or calls an import, or its program wants something of WASI, which
%% `warpbeam_wasi:serve/1' does.
-spec start_call(instance(), callee(), [value()], call_options()) ->
          {ok, [value()]} | import() | paused() | warpbeam_wasi:request() | error().
start_call(Instance, Function, Arguments, Options) ->
    warpbeam_native:start_call(Instance, Function, Arguments, Options).

%% @doc Goes on with a call whose import returns these values. If they don't fit, that is an error, and the call
%% still waits.
-spec continue(call_ref(), [value()]) ->
          {ok, [value()]} | {ok, instance()} | import() | paused() | warpbeam_wasi:request() | error().
continue(Call, Results) -> warpbeam_native:continue(Call, Results).

%% @doc Goes on with a call whose import fails: with a message, the guest traps; with a tag and values, the import
%% throws an exception, which the guest may catch.
-spec throw(call_ref(), iodata() | {Tag :: name(), [value()]}) ->
          {ok, [value()]} | {ok, instance()} | import() | paused() | warpbeam_wasi:request() | error().
throw(Call, What) -> warpbeam_native:throw(Call, What).

%% @doc Goes on with a call that was paused, or was restored in the middle of its code.
-spec resume(call_ref()) -> {ok, [value()]} | import() | paused() | warpbeam_wasi:request() | error().
resume(Call) -> warpbeam_native:resume(Call, none).

%% @doc Sets what a call may use from now on: for one that was restored, whose limits are those of its instance.
-spec limit(call_ref(), call_options()) -> ok | error().
limit(Call, Options) -> warpbeam_native:limit(Call, Options).

%% @doc From now on, calls of the instance stop in the middle of their code, within about a millisecond. Those of
%% `start_call/3' and the like return `{paused, Call}', and can be in a snapshot; `call/3' waits for the end of the pause.
-spec pause(instance()) -> ok | error().
pause(Instance) -> warpbeam_native:pause(Instance, true).

%% @doc Ends a pause. Calls that were paused go on with `resume/1'.
-spec unpause(instance()) -> ok | error().
unpause(Instance) -> warpbeam_native:pause(Instance, false).

%% @doc Ends a call that waits.
-spec cancel(call_ref()) -> ok | error().
cancel(Call) -> warpbeam_native:cancel(Call).

%% @doc Ends all calls of an instance, and frees it: it can't be used any more.
-spec stop(instance()) -> ok | error().
stop(Instance) -> warpbeam_native:stop(Instance).

%% @doc What an instance uses now, in the units of its limits; how many calls it has had; how much fuel they took.
-spec stats(instance()) -> {ok, stats()} | error().
stats(Instance) -> warpbeam_native:stats(Instance).

%% @equiv memory_size(Instance, <<"memory">>)
-spec memory_size(instance()) -> {ok, non_neg_integer()} | error().
memory_size(Instance) -> memory_size(Instance, <<"memory">>).

%% @doc How many bytes a memory has.
-spec memory_size(instance(), name()) -> {ok, non_neg_integer()} | error().
memory_size(Instance, Memory) -> warpbeam_native:memory_size(Instance, Memory).

%% @equiv memory_grow(Instance, <<"memory">>, Pages)
-spec memory_grow(instance(), non_neg_integer()) -> {ok, non_neg_integer()} | error().
memory_grow(Instance, Pages) -> memory_grow(Instance, <<"memory">>, Pages).

%% @doc Adds pages of zeros to a memory; returns how many it had.
-spec memory_grow(instance(), name(), non_neg_integer()) -> {ok, non_neg_integer()} | error().
memory_grow(Instance, Memory, Pages) -> warpbeam_native:memory_grow(Instance, Memory, Pages).

%% @equiv read(Instance, <<"memory">>, Offset, Size)
-spec read(instance(), non_neg_integer(), non_neg_integer()) -> {ok, binary()} | error().
read(Instance, Offset, Size) -> read(Instance, <<"memory">>, Offset, Size).

%% @doc Bytes of a memory; `warpbeam_memory' has numbers and strings.
-spec read(instance(), name(), non_neg_integer(), non_neg_integer()) -> {ok, binary()} | error().
read(Instance, Memory, Offset, Size) -> warpbeam_native:read(Instance, Memory, Offset, Size).

%% @equiv write(Instance, <<"memory">>, Offset, Bytes)
-spec write(instance(), non_neg_integer(), iodata()) -> ok | error().
write(Instance, Offset, Bytes) -> write(Instance, <<"memory">>, Offset, Bytes).

%% @doc Writes bytes to a memory.
-spec write(instance(), name(), non_neg_integer(), iodata()) -> ok | error().
write(Instance, Memory, Offset, Bytes) -> warpbeam_native:write(Instance, Memory, Offset, Bytes).

%% @doc The value of a global.
-spec global(instance(), name()) -> {ok, value()} | error().
global(Instance, Name) -> warpbeam_native:global_get(Instance, Name).

%% @doc Sets a global, which must be mutable.
-spec set_global(instance(), name(), value()) -> ok | error().
set_global(Instance, Name, Value) -> warpbeam_native:global_set(Instance, Name, Value).

%% @doc How many elements a table has.
-spec table_size(instance(), name()) -> {ok, non_neg_integer()} | error().
table_size(Instance, Table) -> warpbeam_native:table_size(Instance, Table).

%% @doc An element of a table.
-spec table_get(instance(), name(), non_neg_integer()) -> {ok, value()} | error().
table_get(Instance, Table, Index) -> warpbeam_native:table_get(Instance, Table, Index).

%% @doc Sets an element of a table.
-spec table_set(instance(), name(), non_neg_integer(), value()) -> ok | error().
table_set(Instance, Table, Index, Value) -> warpbeam_native:table_set(Instance, Table, Index, Value).

%% @doc Adds elements to a table, all of this value; returns how many it had.
-spec table_grow(instance(), name(), non_neg_integer(), value()) -> {ok, non_neg_integer()} | error().
table_grow(Instance, Table, Count, Value) -> warpbeam_native:table_grow(Instance, Table, Count, Value).

%% @equiv snapshot(Instance, [])
-spec snapshot(instance()) -> {ok, binary()} | error().
snapshot(Instance) -> snapshot(Instance, []).

%% @doc The whole state of an instance, also in the middle of calls: those of the list, which wait for answers to
%% imports. They and the instance can go on. Keep the module: `restore/2' needs it.
-spec snapshot(instance(), [call_ref()]) -> {ok, binary()} | error().
snapshot(Instance, Calls) -> warpbeam_native:snapshot(Instance, Calls, #{}).

%% @doc The same as one of a series: after a complete one, each has only the pages of memories that have changed since
%% the one before. `restore/2' takes them all, from the last complete one on. A snapshot that was lost is a gap: begin a
%% new series then, with `snapshot_series/3'.
-spec snapshot_series(instance(), [call_ref()]) -> {ok, complete | increment, binary()} | error().
snapshot_series(Instance, Calls) -> warpbeam_native:snapshot(Instance, Calls, #{series => true}).

%% @doc The same; with `complete', the first of a new series.
-spec snapshot_series(instance(), [call_ref()], next | complete) -> {ok, complete | increment, binary()} | error().
snapshot_series(Instance, Calls, next) -> snapshot_series(Instance, Calls);
snapshot_series(Instance, Calls, Which) -> warpbeam_native:snapshot(Instance, Calls, #{series => Which}).

%% @equiv restore(Module, Snapshot, #{})
-spec restore(module_ref(), binary() | [binary()]) -> {ok, instance(), [import() | paused()]} | error().
restore(Module, Snapshot) -> restore(Module, Snapshot, #{}).

%% @doc An instance from a snapshot, also of another node or machine, and the requests that its calls wait for.
%% No byte is trusted.
-spec restore(module_ref(), binary() | [binary()], options()) -> {ok, instance(), [import() | paused()]} | error().
restore(Module, Snapshot, Options) when is_binary(Snapshot) -> restore(Module, [Snapshot], Options);
restore(Module, Snapshots, Options) ->
    case prepare(Options) of
        {error, _} = Error -> Error;
        Prepared -> warpbeam_native:restore(Module, Snapshots, Prepared)
    end.

%% @equiv fork(Instance, [])
-spec fork(instance()) -> {ok, instance(), [import() | paused()]} | error().
fork(Instance) -> fork(Instance, []).

%% @doc A copy of an instance and of calls that wait: memories are shared until they are written.
-spec fork(instance(), [call_ref()]) -> {ok, instance(), [import() | paused()]} | error().
fork(Instance, Calls) -> warpbeam_native:fork(Instance, Calls).
