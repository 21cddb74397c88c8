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
-export([load/1, imports/1, exports/1, instantiate/1, instantiate/2, instantiate/3,
         call/3, call/4, call/5, start_call/3, start_call/4, continue/2, throw/2, cancel/1, stop/1,
         memory_size/1, memory_size/2, read/3, read/4, write/3, write/4, global/2, set_global/3,
         snapshot/1, snapshot/2, restore/2, restore/3, fork/1, fork/2, no_handler/3]).
-export_type([module_ref/0, instance/0, call_ref/0, value/0, error/0, import/0, handler/0, options/0,
              func_type/0, value_type/0]).
-compile({no_auto_import, [throw/1]}).

-opaque module_ref() :: reference().
%% A loaded module.
-opaque instance() :: reference().
%% An instance of a module.
-opaque call_ref() :: reference().
%% A call that waits for the answer to an import.
-type value() :: integer() | float() | nan | '+inf' | '-inf' | binary() | null.
%% Integers may be given signed or unsigned, and come signed. A binary of 16 bytes is a v128.
-type value_type() :: i32 | i64 | f32 | f64 | v128 | funcref | externref | reference.
-type func_type() :: {[value_type()], [value_type()]}.
-type error() :: {error, #{kind := atom(), message := binary(), backtrace => [frame()],
                           offset => non_neg_integer(), status => integer()}}.
-type frame() :: #{function := non_neg_integer(), name => binary(), offset => non_neg_integer()}.
-type import() :: {import, call_ref(), Module :: binary(), Name :: binary(), [value()]}.
-type handler() :: fun((Module :: binary(), Name :: binary(), [value()]) ->
                           {ok, [value()]} | {error, Message :: iodata()}).
%% Answers imports.
-type options() :: #{fuel => non_neg_integer(), timeout => non_neg_integer(),
                     memory => non_neg_integer(), heap => non_neg_integer()}.
%% `fuel' and `timeout' (in milliseconds) of a call; `memory' and `heap' in bytes of an instance.

%% @doc Loads a module in the binary or text format: checks it, and makes all its code.
-spec load(iodata()) -> {ok, module_ref()} | error().
load(Module) -> warpbeam_nif:load(Module).

%% @doc What the module imports: kind, names, and the types of functions.
-spec imports(module_ref()) -> [{atom(), binary(), binary(), func_type() | none}] | error().
imports(Module) -> warpbeam_nif:imports(Module).

%% @doc What the module exports.
-spec exports(module_ref()) -> [{atom(), binary(), func_type() | none}] | error().
exports(Module) -> warpbeam_nif:exports(Module).

%% @equiv instantiate(Module, #{})
-spec instantiate(module_ref()) -> {ok, instance()} | error().
instantiate(Module) -> instantiate(Module, #{}).

%% @doc Makes an instance. A start function that calls imports is refused; use `instantiate/3' for it.
-spec instantiate(module_ref(), options()) -> {ok, instance()} | error().
instantiate(Module, Options) -> instantiate(Module, Options, fun no_handler/3).

%% @doc Makes an instance; the handler answers what its start function imports.
-spec instantiate(module_ref(), options(), handler()) -> {ok, instance()} | error().
instantiate(Module, Options, Handler) -> answer(warpbeam_nif:instantiate(Module, Options), Handler).

%% @equiv call(Instance, Name, Arguments, fun(_, _, _) -> {error, "..."} end)
-spec call(instance(), iodata(), [value()]) -> {ok, [value()]} | error().
call(Instance, Name, Arguments) -> call(Instance, Name, Arguments, fun no_handler/3).

%% @doc Calls an exported function. The handler runs in this process, and may call the instance again. If it
%% fails, the call ends, and its exception goes on.
-spec call(instance(), iodata(), [value()], handler()) -> {ok, [value()]} | error().
call(Instance, Name, Arguments, Handler) -> call(Instance, Name, Arguments, Handler, #{}).

%% @doc The same with limits.
-spec call(instance(), iodata(), [value()], handler(), options()) -> {ok, [value()]} | error().
call(Instance, Name, Arguments, Handler, Options) ->
    answer(warpbeam_nif:start_call(Instance, Name, Arguments, Options), Handler).

answer({import, Call, Module, Name, Arguments}, Handler) ->
    Answer = try Handler(Module, Name, Arguments)
             catch Class:Reason:Stack ->
                     warpbeam_nif:cancel(Call),
                     erlang:raise(Class, Reason, Stack)
             end,
    case Answer of
        {ok, Results} ->
            case warpbeam_nif:continue(Call, Results) of
                {error, #{kind := bad_argument}} = Error ->
                    warpbeam_nif:cancel(Call),
                    Error;
                Next -> answer(Next, Handler)
            end;
        {error, Message} -> answer(warpbeam_nif:throw(Call, Message), Handler);
        Other ->
            warpbeam_nif:cancel(Call),
            {error, #{kind => bad_argument,
                      message => iolist_to_binary(io_lib:format("the handler's answer is ~P", [Other, 20]))}}
    end;
answer(Ended, _Handler) -> Ended.

%% @private The handler of those who give none.
no_handler(Module, Name, _Arguments) -> {error, ["nothing answers the import ", Module, ".", Name]}.

%% @equiv start_call(Instance, Name, Arguments, #{})
-spec start_call(instance(), iodata(), [value()]) -> {ok, [value()]} | import() | error().
start_call(Instance, Name, Arguments) -> start_call(Instance, Name, Arguments, #{}).

%% @doc Calls an exported function, until it ends or calls an import.
-spec start_call(instance(), iodata(), [value()], options()) -> {ok, [value()]} | import() | error().
start_call(Instance, Name, Arguments, Options) -> warpbeam_nif:start_call(Instance, Name, Arguments, Options).

%% @doc Goes on with a call whose import returns these values. If they don't fit, that is an error, and the call
%% still waits.
-spec continue(call_ref(), [value()]) -> {ok, [value()]} | import() | error().
continue(Call, Results) -> warpbeam_nif:continue(Call, Results).

%% @doc Goes on with a call whose import fails: the guest traps with the message.
-spec throw(call_ref(), iodata()) -> {ok, [value()]} | import() | error().
throw(Call, Message) -> warpbeam_nif:throw(Call, Message).

%% @doc Ends a call that waits.
-spec cancel(call_ref()) -> ok | error().
cancel(Call) -> warpbeam_nif:cancel(Call).

%% @doc Ends all calls of an instance, which can't be used any more.
-spec stop(instance()) -> ok | error().
stop(Instance) -> warpbeam_nif:stop(Instance).

%% @equiv memory_size(Instance, <<"memory">>)
-spec memory_size(instance()) -> {ok, non_neg_integer()} | error().
memory_size(Instance) -> memory_size(Instance, <<"memory">>).

%% @doc The bytes of an exported memory.
-spec memory_size(instance(), iodata()) -> {ok, non_neg_integer()} | error().
memory_size(Instance, Memory) -> warpbeam_nif:memory_size(Instance, Memory).

%% @equiv read(Instance, <<"memory">>, Offset, Size)
-spec read(instance(), non_neg_integer(), non_neg_integer()) -> {ok, binary()} | error().
read(Instance, Offset, Size) -> read(Instance, <<"memory">>, Offset, Size).

%% @doc Bytes of an exported memory.
-spec read(instance(), iodata(), non_neg_integer(), non_neg_integer()) -> {ok, binary()} | error().
read(Instance, Memory, Offset, Size) -> warpbeam_nif:read(Instance, Memory, Offset, Size).

%% @equiv write(Instance, <<"memory">>, Offset, Bytes)
-spec write(instance(), non_neg_integer(), iodata()) -> ok | error().
write(Instance, Offset, Bytes) -> write(Instance, <<"memory">>, Offset, Bytes).

%% @doc Writes bytes to an exported memory.
-spec write(instance(), iodata(), non_neg_integer(), iodata()) -> ok | error().
write(Instance, Memory, Offset, Bytes) -> warpbeam_nif:write(Instance, Memory, Offset, Bytes).

%% @doc The value of an exported global.
-spec global(instance(), iodata()) -> {ok, value()} | error().
global(Instance, Name) -> warpbeam_nif:global_get(Instance, Name).

%% @doc Sets an exported global, which must be mutable.
-spec set_global(instance(), iodata(), value()) -> ok | error().
set_global(Instance, Name, Value) -> warpbeam_nif:global_set(Instance, Name, Value).

%% @equiv snapshot(Instance, [])
-spec snapshot(instance()) -> {ok, binary()} | error().
snapshot(Instance) -> snapshot(Instance, []).

%% @doc The whole state of an instance, also in the middle of calls: those of the list, which wait for answers to
%% imports. They and the instance can go on. Keep the module: `restore/2' needs it.
-spec snapshot(instance(), [call_ref()]) -> {ok, binary()} | error().
snapshot(Instance, Calls) -> warpbeam_nif:snapshot(Instance, Calls).

%% @equiv restore(Module, Snapshot, #{})
-spec restore(module_ref(), binary()) -> {ok, instance(), [import()]} | error().
restore(Module, Snapshot) -> restore(Module, Snapshot, #{}).

%% @doc An instance from a snapshot, also of another node or machine, and the requests that its calls wait for.
%% No byte is trusted.
-spec restore(module_ref(), binary(), options()) -> {ok, instance(), [import()]} | error().
restore(Module, Snapshot, Options) -> warpbeam_nif:restore(Module, Snapshot, Options).

%% @equiv fork(Instance, [])
-spec fork(instance()) -> {ok, instance(), [import()]} | error().
fork(Instance) -> fork(Instance, []).

%% @doc A copy of an instance and of calls that wait: memories are shared until they are written.
-spec fork(instance(), [call_ref()]) -> {ok, instance(), [import()]} | error().
fork(Instance, Calls) -> warpbeam_nif:fork(Instance, Calls).
