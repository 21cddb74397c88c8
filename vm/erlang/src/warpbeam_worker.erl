%% @private A call of an instance, in a process of its own. It ends with `{result, Result, Fuel}', or with `{paused, Call}'
%% when the instance is paused to move, so that its call can go on elsewhere. If it is paused for another reason, the call
%% waits for the end of that. Those that are interleaved have turns.
-module(warpbeam_worker).
-export([start/6, is_in_handler/1, leaving/0, leave/2]).
-export_type([worker/0, leaving/0]).

-type worker() :: {pid(), Monitor :: reference(), atomics:atomics_ref()}.
-opaque leaving() :: atomics:atomics_ref().
%% Whether calls of an instance that is paused end.

-define(PAUSE, 5). % milliseconds from one look at whether a pause is over to the next

%% @doc They don't.
-spec leaving() -> leaving().
leaving() -> atomics:new(1, []).

%% @doc Says whether they do.
-spec leave(leaving(), boolean()) -> ok.
leave(Leaving, true) -> atomics:put(Leaving, 1, 1);
leave(Leaving, false) -> atomics:put(Leaving, 1, 0).

%% @doc Starts one; with `events' in the options, it tells of imports, and counts fuel.
-spec start(warpbeam:instance(), warpbeam_ticket:ticket(), warpbeam:call_options(), warpbeam:handler(),
            warpbeam_instance:options(), leaving()) -> worker().
start(Instance, Ticket, Limits, Handler, Options, Leaving) ->
    Server = self(),
    Flag = atomics:new(1, []),
    Turns = case Options of
                #{interleave := Max} when Max > 1 -> {Server, warpbeam_ticket:left(Ticket)};
                _ -> none
            end,
    Flagged = fun(Module, Name, Arguments) ->
                      Begin = erlang:monotonic_time(),
                      atomics:put(Flag, 1, 1),
                      warpbeam_turns:leave(Turns),
                      Answer = try Handler(Module, Name, Arguments)
                               after
                                   atomics:put(Flag, 1, 0),
                                   warpbeam_events:tell(Options, [import], #{duration => warpbeam_events:since(Begin)},
                                                        #{instance => Server, module => Module, name => Name})
                               end,
                      warpbeam_turns:take(Turns),
                      Answer
              end,
    What = warpbeam_ticket:what(Ticket),
    {Pid, Monitor} = spawn_monitor(fun() ->
                                           warpbeam_turns:take(Turns),
                                           Before = fuel(Instance, Options),
                                           Result = run(Instance, What, Limits, Flagged, {Flag, Leaving}),
                                           exit({result, Result, fuel(Instance, Options) - Before})
                                   end),
    {Pid, Monitor, Flag}.

%% @doc Whether it runs a handler or a fun of `with_instance', so that a pause would not end it.
-spec is_in_handler(worker()) -> boolean().
is_in_handler({_, _, Flag}) -> atomics:get(Flag, 1) =:= 1.

fuel(Instance, #{events := _}) ->
    case warpbeam:stats(Instance) of
        {ok, #{fuel := Fuel}} -> Fuel;
        _ -> 0
    end;
fuel(_Instance, _Options) -> 0.

run(Instance, {call, Name, Arguments}, Limits, Handler, {_Flag, Leaving}) ->
    case warpbeam:start_call(Instance, Name, Arguments, Limits) of
        {paused, _} = Paused -> paused(Paused, Handler, Leaving); % `answer' would go on with it
        Request -> outcome(warpbeam:answer(Request, Handler), Handler, Leaving)
    end;
run(_Instance, {go_on, _Name, {paused, Call} = Paused}, Limits, Handler, {_Flag, Leaving}) ->
    _ = warpbeam:limit(Call, Limits),
    outcome(warpbeam:answer(Paused, Handler), Handler, Leaving);
run(Instance, {apply, Fun}, _Limits, _Handler, {Flag, _Leaving}) ->
    atomics:put(Flag, 1, 1),
    Fun(Instance).

outcome({paused, _} = Paused, Handler, Leaving) -> paused(Paused, Handler, Leaving);
outcome(Result, _Handler, _Leaving) -> Result.

%% Nothing says that a pause is over.
paused(Paused, Handler, Leaving) ->
    case atomics:get(Leaving, 1) of
        1 -> exit(Paused);
        0 ->
            timer:sleep(?PAUSE),
            outcome(warpbeam:answer(Paused, Handler), Handler, Leaving)
    end.
