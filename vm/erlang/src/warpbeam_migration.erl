%% @private How the state of an instance gets to another node, so that at all times one process has it: the new process
%% is complete before it takes over, and does so only when the old one says so, who never goes on after that.
-module(warpbeam_migration).
-export([load/1, move/3, await/1]).

-define(TIMEOUT, 30_000). % milliseconds for the new node

%% @doc The module of an instance that comes from another node.
-spec load({binary(), boolean()}) -> {ok, warpbeam:module_ref()} | warpbeam:error().
load({Binary, IsDeterministic}) -> warpbeam:load(Binary, #{deterministic => IsDeterministic}).

%% @doc For the old process: starts a new one on that node, and lets it take over. `{ok, Pid, Proxies}' has the
%% processes that answer those who wait here.
-spec move(node(), {ok, binary()} | warpbeam:error(), map()) -> {ok, pid(), [pid()]} | warpbeam:error().
move(Node, {ok, Snapshot}, #{calls := Calls, queue := Queue, results := Results, options := Options} = Moved) ->
    Leaving = [warpbeam_ticket:leaving(Ticket) || Ticket <- Calls],
    Waiting = [warpbeam_ticket:leaving(Ticket) || Ticket <- Queue],
    Computed = [{warpbeam_ticket:leaving(Ticket), Result} || {Ticket, Result} <- Results],
    Proxies = [Pid || Ticket <- Leaving ++ Waiting ++ [Ticket || {Ticket, _} <- Computed],
                      Pid <- [warpbeam_ticket:proxy(Ticket)], Pid =/= none],
    {Handlers, AreNew} = handlers(Moved),
    Go = make_ref(),
    case adopt(Node, #{module => maps:get(module, Moved), snapshot => Snapshot, calls => Leaving, queue => Waiting,
                       handlers => Handlers, options => maps:without([handler, handler_in], Options), from => self(),
                       go => Go}) of
        {ok, New} ->
            New ! {Go, maps:get(replication, Moved), Computed},
            unlink(Handlers),
            {ok, New, Proxies};
        Error ->
            lists:foreach(fun(Pid) -> exit(Pid, kill) end, Proxies),
            _ = AreNew andalso exit(Handlers, kill),
            Error
    end;
move(_Node, Error, _Moved) -> Error.

%% Handlers run on their node, also for an instance on another one.
handlers(#{ask := {handlers, Pid}}) -> {Pid, false};
handlers(#{options := Options}) ->
    {ok, Pid} = warpbeam_handlers:start(maps:get(handler, Options, fun warpbeam:no_handler/3), infinity, self()),
    {Pid, true}.

%% Whoever stops the old process must not wait for the other node: the new one ends, too, when this one has ended.
adopt(Node, Moved) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({adopted, adopt_there(Node, Moved)}) end),
    receive
        {'DOWN', Monitor, process, _, {adopted, Adopted}} -> Adopted;
        {'DOWN', Monitor, process, _, Reason} -> failed("~0tP", [Reason, 30]);
        {system, _, {terminate, _}} = Stop -> stopped(Pid, Monitor, Stop);
        {'EXIT', _, Reason} = Stop when Reason =/= normal -> stopped(Pid, Monitor, Stop)
    end.

stopped(Pid, Monitor, Stop) ->
    erlang:demonitor(Monitor, [flush]),
    exit(Pid, kill),
    self() ! Stop,
    failed("the instance is being stopped", []).

adopt_there(Node, Moved) ->
    try erpc:call(Node, warpbeam_instance, adopt, [Moved], ?TIMEOUT) of
        {ok, Pid} -> {ok, Pid};
        {error, Reason} -> failed("~0tP", [Reason, 30])
    catch
        error:{erpc, Reason} -> failed("~0tP", [Reason, 30]);
        Class:Reason -> failed("~p: ~0tP", [Class, Reason, 30])
    end.

failed(Format, Arguments) ->
    warpbeam_request:failure(migration, ["the other node did not take it: ", io_lib:format(Format, Arguments)]).

%% @doc For the new process: waits until it is to take over. Its time is longer than that of the old one, which has given
%% it up then.
-spec await(map()) -> {go, none | warpbeam_replication:replication(), list()} | given_up.
await(#{from := From, go := Go}) ->
    Monitor = erlang:monitor(process, From),
    receive
        {Go, Replication, Results} ->
            erlang:demonitor(Monitor, [flush]),
            {go, warpbeam_replication:follow(Replication, From), Results};
        {'DOWN', Monitor, process, _, _} -> given_up
    after 2 * ?TIMEOUT -> given_up
    end.
