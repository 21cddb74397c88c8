%% @private A call of an instance, in a process of its own: it ends with `{result, Result}', or with `{paused, Call}'
%% when the instance is paused, so that its call can go on elsewhere.
-module(warpbeam_worker).
-export([start/4, is_in_handler/1]).
-export_type([worker/0, what/0]).

-type what() :: {call, warpbeam:callee(), [warpbeam:value()], warpbeam:call_options()}
              | {go_on, warpbeam:import() | warpbeam:paused(), warpbeam:call_options()}
              | {apply, fun((warpbeam:instance()) -> term())}.
-type worker() :: {pid(), Monitor :: reference(), atomics:atomics_ref()}.

%% @doc Starts one, which tells `Event' of imports.
-spec start(warpbeam:instance(), what(), warpbeam:handler(), fun((map()) -> term())) -> worker().
start(Instance, What, Handler, Event) ->
    Flag = atomics:new(1, []),
    Flagged = fun(Module, Name, Arguments) ->
                      Begin = erlang:monotonic_time(),
                      atomics:put(Flag, 1, 1),
                      try Handler(Module, Name, Arguments)
                      after
                          atomics:put(Flag, 1, 0),
                          Event(#{module => Module, name => Name, duration => erlang:monotonic_time() - Begin})
                      end
              end,
    {Pid, Monitor} = spawn_monitor(fun() -> exit(run(Instance, What, Flagged)) end),
    {Pid, Monitor, Flag}.

%% @doc Whether it runs a handler, so that a pause would not end it.
-spec is_in_handler(worker()) -> boolean().
is_in_handler({_, _, Flag}) -> atomics:get(Flag, 1) =:= 1.

run(Instance, {call, Name, Arguments, Options}, Handler) ->
    outcome(warpbeam:answer(begun(warpbeam:start_call(Instance, Name, Arguments, Options)), Handler));
run(_Instance, {go_on, Request, Options}, Handler) ->
    _ = warpbeam:limit(element(2, Request), Options),
    outcome(warpbeam:answer(Request, Handler));
run(Instance, {apply, Fun}, _Handler) -> {result, Fun(Instance)}.

%% A call of a paused instance has not begun: `answer' would go on with it.
begun({paused, _} = Paused) -> exit(Paused);
begun(Request) -> Request.

outcome({paused, _} = Paused) -> Paused;
outcome(Result) -> {result, Result}.
