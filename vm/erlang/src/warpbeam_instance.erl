%% @doc An instance as a process, which is called from any node, and can move to another one.
%%
%% Calls are made in the order in which they came, one at a time unless the option `interleave' says how many; each in
%% a process of its own, so that the instance always answers, and stops at once even while its guest loops. A caller that
%% dies takes its call with it.
%%
%% A handler of arity 4 answers imports like one of arity 3, and gets a context as its fourth argument, with which it
%% calls the instance again (`reenter/3', `reenter/4'), at any depth.
-module(warpbeam_instance).
-export([start_link/1, start_link/2, start/2, call/3, call/4, cast/3, with_instance/2, with_instance/3, reenter/3,
         reenter/4, snapshot/1, hibernate/1, stats/1, migrate/2, migrate/3, stop/1]).
-export([adopt/1, start_binary/2]).
-export_type([options/0, server/0, handler/0, context/0, call_options/0]).

-type server() :: gen_server:server_ref().
-opaque context() :: none | warpbeam:instance() | {instance_process, pid(), reference()}.
-type handler() :: warpbeam:handler() | fun((binary(), binary(), [warpbeam:value()], context()) -> term()).
-type options() :: #{handler => handler(), handler_in => instance | pool | {pool, pos_integer()},
                     queue => non_neg_integer(), interleave => pos_integer(), limits => warpbeam:options(),
                     snapshot => binary() | [binary()], hibernate_after => pos_integer() | infinity, crash_on_trap => boolean(),
                     events => fun(([atom()], map(), map()) -> term()), name => term(), groups => [term()],
                     replica => {warpbeam_replica:server(), Key :: term()}, ack => replicated,
                     replicate_every => pos_integer()}.
%% `handler_in' says where handlers run: in the processes of the calls, or in a pool of so many processes (of as many as
%% there are schedulers, if no number is given). `queue': how many calls may wait, 1,000 if it is not given; more are
%% refused with `busy'. `interleave': how many calls may have begun at once, 1 if it is not given: while the handler of one
%% runs, others go on; C programs need the option `stacks' of `warpbeam:instantiate/2', too.
%% `snapshot': the state to begin with. `hibernate_after': after so many milliseconds without a call, the instance becomes
%% a snapshot, and its memory is freed; the next call wakes it up. `crash_on_trap': a trap ends the process, too, with
%% `{trap, Message}'. `name' is as for `gen_server:start_link/4'. The others, and what `events' are told, are in
%% `docs/erlang-processes.md'. An unknown option is an error.
-type call_options() :: #{timeout => timeout(), handler => handler()}.
%% With a handler, imports of the call are answered in the process of the caller. A timeout has at most 2,147,483,647
%% milliseconds (24 days); a longer one is an error.

%% @equiv start_link(Module, #{})
-spec start_link(warpbeam:module_ref()) -> {ok, pid()} | {error, term()}.
start_link(Module) -> start_link(Module, #{}).

%% @doc Starts a process with an instance of the module. With a replica that has a state under the key, that is the state
%% to begin with, so one that a supervisor starts again goes on from there.
-spec start_link(warpbeam:module_ref(), options()) -> {ok, pid()} | {error, term()}.
start_link(Module, Options) -> start(start_link, Module, Options).

%% @doc The same without a link.
-spec start(warpbeam:module_ref(), options()) -> {ok, pid()} | {error, term()}.
start(Module, Options) -> start(start, Module, Options).

start(How, Module, Options) ->
    case {warpbeam_options:check(Options), Options} of
        {ok, #{name := Name}} -> gen_server:How(Name, warpbeam_server, {Module, Options}, []);
        {ok, _} -> gen_server:How(warpbeam_server, {Module, Options}, []);
        {Error, _} -> Error
    end.

%% @equiv call(Server, Name, Arguments, 5000)
-spec call(server(), warpbeam:callee(), [warpbeam:value()]) -> {ok, [warpbeam:value()]} | warpbeam:error().
call(Server, Name, Arguments) -> call(Server, Name, Arguments, 5000).

%% @doc Calls a function. After the time in milliseconds, the call ends with an error of the kind `timeout', also if it
%% has not begun. If there is no such process, or it ends, that is an error of the kind `down'.
-spec call(server(), warpbeam:callee(), [warpbeam:value()], timeout() | call_options()) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
call(Server, Name, Arguments, Options) when is_map(Options) ->
    Timeout = maps:get(timeout, Options, 5000),
    case {warpbeam_options:check_call(Options), Options} of
        {ok, #{handler := Handler}} -> warpbeam_request:call_with(Server, {call, Name, Arguments}, Timeout, Handler);
        {ok, _} -> warpbeam_request:call(Server, {request, {call, Name, Arguments}, Timeout, none});
        {Error, _} -> Error
    end;
call(Server, Name, Arguments, Timeout) -> call(Server, Name, Arguments, #{timeout => Timeout}).

%% @doc The same without waiting for the results, nor for whether there is such a process.
-spec cast(server(), warpbeam:callee(), [warpbeam:value()]) -> ok.
cast(Server, Name, Arguments) ->
    try gen_server:cast(Server, {call, Name, Arguments})
    catch error:_ -> ok % not even a name of a server
    end.

%% @equiv with_instance(Server, Fun, 5000)
-spec with_instance(server(), fun((warpbeam:instance()) -> Result)) -> Result | warpbeam:error().
with_instance(Server, Fun) -> with_instance(Server, Fun, 5000).

%% @doc Calls a fun with the instance itself, when its turn comes and no call runs, on the instance's node: to read its
%% memory, for example.
-spec with_instance(server(), fun((warpbeam:instance()) -> Result), timeout()) -> Result | warpbeam:error().
with_instance(Server, Fun, Timeout) when is_function(Fun, 1) ->
    case warpbeam_options:check_timeout(Timeout) of
        ok -> warpbeam_request:call(Server, {request, {apply, Fun}, Timeout, none});
        Error -> Error
    end;
with_instance(_Server, _Fun, _Timeout) -> warpbeam_request:failure(bad_argument, "with_instance needs a fun of arity 1").

%% @equiv reenter(Context, Name, Arguments, fun warpbeam:no_handler/3)
-spec reenter(context(), warpbeam:callee(), [warpbeam:value()]) -> {ok, [warpbeam:value()]} | warpbeam:error().
reenter(Context, Name, Arguments) -> reenter(Context, Name, Arguments, fun warpbeam:no_handler/3).

%% @doc For handlers: calls the instance whose import is answered, until then. The time limit of the call that asks
%% holds for this one, too.
-spec reenter(context(), warpbeam:callee(), [warpbeam:value()], handler()) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
reenter({instance_process, Pid, Id}, Name, Arguments, Handler) ->
    warpbeam_request:call_with(Pid, {nested, Id, Name, Arguments}, infinity, Handler);
reenter(none, _Name, _Arguments, _Handler) ->
    warpbeam_request:failure(usage, "a start function's imports can't call the instance");
reenter(Instance, Name, Arguments, Handler) ->
    warpbeam:call(Instance, Name, Arguments, warpbeam_handlers:bound(Handler, Instance)).

%% @doc The state of the instance, between two calls: it waits for those that run.
-spec snapshot(server()) -> {ok, binary()} | warpbeam:error().
snapshot(Server) -> with_instance(Server, fun warpbeam:snapshot/1, infinity).

%% @doc Makes an idle instance a snapshot now, and frees its memory; the next call wakes it up. An error of the kind
%% `busy' if calls run or wait.
-spec hibernate(server()) -> ok | warpbeam:error().
hibernate(Server) -> warpbeam_request:call(Server, hibernate).

%% @doc How many calls run and wait, and whether the instance hibernates.
-spec stats(server()) -> {ok, #{running := non_neg_integer(), waiting := non_neg_integer(), asleep := boolean()}} |
          warpbeam:error().
stats(Server) -> warpbeam_request:call(Server, stats).

%% @equiv migrate(Server, Node, 5000)
-spec migrate(server(), node()) -> {ok, pid()} | warpbeam:error().
migrate(Server, Node) -> migrate(Server, Node, 5000).

%% @doc Moves the instance to another node, with the calls that are in the middle of their code and those that wait.
%% Handlers that run are waited for, so many milliseconds; if one still runs then, the error has the kind `busy', and the
%% instance goes on where it is. Handlers stay on their node. The process forwards to the new one until all are answered,
%% and then ends with `{shutdown, {migrated, Pid}}'.
-spec migrate(server(), node(), timeout()) -> {ok, pid()} | warpbeam:error().
migrate(Server, Node, Timeout) when is_atom(Node) ->
    case warpbeam_options:check_timeout(Timeout) of
        ok -> warpbeam_request:call(Server, {migrate, Node, Timeout});
        Error -> Error
    end;
migrate(_Server, _Node, _Timeout) -> warpbeam_request:failure(bad_argument, "a node is an atom").

%% @doc Ends the process and what runs in it. Callers get an error of the kind `stopped'.
-spec stop(server()) -> ok.
stop(Server) ->
    try gen_server:stop(Server)
    catch _:_ -> ok % it has ended before, or is not even a name
    end.

%% @private For migrations: the process on the new node.
-spec adopt(map()) -> {ok, pid()} | {error, term()}.
adopt(Moved) -> gen_server:start(warpbeam_server, {moved, Moved}, []).

%% @private For replicas: starts an instance of a module that comes from another node.
-spec start_binary(warpbeam_migration:saved(), options()) -> {ok, pid()} | {error, term()}.
start_binary(Binary, Options) ->
    case warpbeam_migration:load(Binary) of
        {ok, Module} -> start(Module, Options);
        Error -> Error
    end.
