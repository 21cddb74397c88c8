%% @private A call of an instance, in a process of its own. It ends with `{result, Result, Fuel}', or with `{paused, Call}'
%% when the instance is paused, so that its call can go on elsewhere. Those that are interleaved have turns.
-module(warpbeam_worker).
-export([start/5, is_in_handler/1]).
-export_type([worker/0]).

-type worker() :: {pid(), Monitor :: reference(), atomics:atomics_ref()}.

%% @doc Starts one; with `events' in the options, it tells of imports, and counts fuel.
-spec start(warpbeam:instance(), warpbeam_ticket:ticket(), warpbeam:call_options(), warpbeam:handler(),
            warpbeam_instance:options()) -> worker().
start(Instance, Ticket, Limits, Handler, Options) ->
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
                                           Result = run(Instance, What, Limits, Flagged, Flag),
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

run(Instance, {call, Name, Arguments}, Limits, Handler, _Flag) ->
    case warpbeam:start_call(Instance, Name, Arguments, Limits) of
        {paused, _} = Paused -> exit(Paused); % `answer' would go on with it
        Request -> outcome(warpbeam:answer(Request, Handler))
    end;
run(_Instance, {go_on, _Name, {paused, Call} = Paused}, Limits, Handler, _Flag) ->
    _ = warpbeam:limit(Call, Limits),
    outcome(warpbeam:answer(Paused, Handler));
run(Instance, {apply, Fun}, _Limits, _Handler, Flag) ->
    atomics:put(Flag, 1, 1),
    Fun(Instance).

outcome({paused, _} = Paused) -> exit(Paused);
outcome(Result) -> Result.
