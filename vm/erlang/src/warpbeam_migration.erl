%% @private How the state of an instance gets to another node, so that at no time two processes have it.
%%
%% The new process is complete before it takes over. It does so when the old one says so, and tells it; the old one keeps
%% the state until then. If the new one ends before, the old one goes on. If the connection breaks in between, the old one
%% does not know whether its word has arrived. It does not go on, since the new one may, but says it again until there is
%% an answer: the new one waits for that, or has taken over. If there is none in time, the old one ends, and its reason
%% says so.
-module(warpbeam_migration).
-export([save/1, load/1, move/3, take_over/3, await/1]).

-export_type([saved/0]).

-type saved() :: {binary(), IsDeterministic :: boolean()} | {binary(), boolean(), process}.
%% A module for another node: with the isolation that is usual there, or at least in a process of the operating system.

-define(TIMEOUT, 30_000). % milliseconds for the new node, once to make the process, and once to answer it
-define(RETRY, 100).      % milliseconds until a connection is tried again

%% @doc A module for another node. What runs in a process of the operating system does there, too, in its default one.
-spec save(warpbeam:module_ref()) -> saved() | warpbeam:error().
save(Module) ->
    case warpbeam:binary(Module) of
        {error, _} = Error -> Error;
        {Binary, IsDeterministic} ->
            case warpbeam_native:isolation(Module) of
                process -> {Binary, IsDeterministic, process};
                none -> {Binary, IsDeterministic}
            end
    end.

%% @doc The module of an instance that comes from another node.
-spec load(saved() | warpbeam:error()) -> {ok, warpbeam:module_ref()} | warpbeam:error().
load({error, _} = Error) -> Error; % of saving it
load({Binary, IsDeterministic}) -> warpbeam:load(Binary, #{deterministic => IsDeterministic});
load({Binary, IsDeterministic, process}) ->
    warpbeam:load(Binary, #{deterministic => IsDeterministic, isolation => process});
load(_Other) -> warpbeam_request:failure(bad_argument, "a module is as warpbeam:binary/1 gives it").

%% @doc For the old process: starts a new one on that node with the snapshot that the fun makes, and lets it take over.
%% `{ok, Pid, Proxies}' has the processes that answer those who wait here; after `{cut, Pid}' they can't be answered.
%% `in_doubt' means that it may have taken over. After an error, the old one goes on.
-spec move(node(), fun(() -> {ok, binary()} | warpbeam:error()), map()) ->
          {ok, pid(), [pid()]} | {cut, pid()} | {in_doubt, pid()} | warpbeam:error().
move(Node, Snapshot, #{calls := Calls, queue := Queue, results := Results, options := Options} = Moved) ->
    Leaving = [warpbeam_ticket:leaving(Ticket) || Ticket <- Calls],
    Waiting = [warpbeam_ticket:leaving(Ticket) || Ticket <- Queue],
    Computed = [{warpbeam_ticket:leaving(Ticket), Result} || {Ticket, Result} <- Results],
    Proxies = [Pid || Ticket <- Leaving ++ Waiting ++ [Ticket || {Ticket, _} <- Computed],
                      Pid <- [warpbeam_ticket:proxy(Ticket)], Pid =/= none],
    {Handlers, AreNew} = handlers(Moved),
    Old = self(),
    Go = make_ref(),
    Work = fun() ->
                   maybe_adopt(Node, Old, Snapshot(),
                               #{module => maps:get(module, Moved), calls => Leaving, queue => Waiting, handlers => Handlers,
                                 options => maps:without([handler, handler_in], Options), from => Old, go => Go},
                               {take_over, Go, maps:get(replication, Moved), Computed})
           end,
    Outcome = aside(Work),
    Adopted = receive {Go, adopted, Pid} -> Pid after 0 -> none end,
    case Outcome of
        {taken, New} ->
            unlink(Handlers),
            {ok, New, Proxies};
        {cut, New} ->
            unlink(Handlers),
            {cut, New};
        {in_doubt, New} -> {in_doubt, New};
        Error ->
            %% If this one is stopped, the new one may just have taken over.
            _ = Adopted =/= none andalso exit(Adopted, shutdown),
            lists:foreach(fun(Proxy) -> exit(Proxy, kill) end, Proxies),
            _ = AreNew andalso exit(Handlers, kill),
            Error
    end.

%% Handlers run on their node, also for an instance on another one.
handlers(#{ask := {handlers, Pid}}) -> {Pid, false};
handlers(#{options := Options}) ->
    {ok, Pid} = warpbeam_handlers:start(maps:get(handler, Options, fun warpbeam:no_handler/3), infinity, self()),
    {Pid, true}.

%% Whoever stops the old process must not wait for the other node: the new one ends, too, when this one has ended.
aside(Work) ->
    case warpbeam_aside:run(Work) of
        {ok, Outcome} -> Outcome;
        {failed, Reason} -> failed("~0tP", [Reason, 30]);
        stopped -> failed("the instance is being stopped", [])
    end.

maybe_adopt(Node, Old, {ok, Snapshot}, Moved, {take_over, Go, _, _} = Word) ->
    case adopt_there(Node, Moved#{snapshot => Snapshot}) of
        {ok, New} ->
            Old ! {Go, adopted, New},
            case take_over(New, Word, ?TIMEOUT) of
                refused -> failed("its process has ended", []);
                Outcome -> {Outcome, New}
            end;
        Error -> Error
    end;
maybe_adopt(_Node, _Old, Error, _Moved, _Word) -> Error.

adopt_there(Node, Moved) ->
    try erpc:call(Node, warpbeam_instance, adopt, [Moved], ?TIMEOUT) of
        {ok, Pid} -> {ok, Pid};
        {error, Reason} -> failed("~0tP", [Reason, 30])
    catch
        error:{erpc, Reason} -> failed("~0tP", [Reason, 30]);
        Class:Reason -> failed("~p: ~0tP", [Class, Reason, 30])
    end.

%% @doc Tells a new process to take over, and waits until it has. `cut': it has, but the connection broke meanwhile.
%% `refused': it has ended, and had not. `in_doubt': nobody knows.
-spec take_over(pid(), {take_over, reference(), term(), list()}, timeout()) -> taken | cut | refused | in_doubt.
take_over(New, Word, Timeout) ->
    take_over(New, Word, erlang:monotonic_time(millisecond) + Timeout, {taken, refused}).

take_over(New, {take_over, Go, _, _} = Word, Deadline, {Taken, Ended}) ->
    Monitor = erlang:monitor(process, New),
    New ! {Word, self()},
    Left = max(0, Deadline - erlang:monotonic_time(millisecond)),
    receive
        {Go, taken} ->
            erlang:demonitor(Monitor, [flush]),
            Taken;
        {'DOWN', Monitor, process, _, noconnection} when Left > ?RETRY ->
            timer:sleep(?RETRY),
            take_over(New, Word, Deadline, {cut, in_doubt});
        {'DOWN', Monitor, process, _, noconnection} -> in_doubt;
        {'DOWN', Monitor, process, _, _} -> Ended % what it says arrives before
    after Left -> in_doubt
    end.

failed(Format, Arguments) ->
    warpbeam_request:failure(migration, ["the other node did not take it: ", io_lib:format(Format, Arguments)]).

%% @doc For the new process: waits until it is to take over. It is patient when the connection breaks, and its time is
%% longer than that of the old one, which has ended or given it up then.
-spec await(map()) -> {go, none | warpbeam_replication:replication(), list()} | given_up.
await(#{from := From, go := Go}) ->
    await(erlang:monitor(process, From), From, Go, erlang:start_timer(3 * ?TIMEOUT, self(), given_up)).

await(Monitor, From, Go, Timer) ->
    receive
        {{take_over, Go, Replication, Results}, Asker} ->
            erlang:demonitor(Monitor, [flush]),
            _ = erlang:cancel_timer(Timer),
            Asker ! {Go, taken},
            {go, warpbeam_replication:follow(Replication, From), Results};
        {'DOWN', Monitor, process, _, noconnection} -> await(Monitor, From, Go, Timer);
        {'DOWN', Monitor, process, _, _} -> given_up;
        {timeout, Timer, given_up} -> given_up
    end.
