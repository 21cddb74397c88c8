%% @doc An instance as a process.
%%
%% Calls are made one after the other, in the order in which they came; each in a process of its own, so that the
%% instance always answers, and stops at once even while its guest loops. The handler of imports runs in that process;
%% it may call the instance `warpbeam:call(Instance, ...)' again, which is the second argument of a handler of arity 4.
%% A caller that dies takes its call with it.
-module(warpbeam_instance).
-behaviour(gen_server).
-export([start_link/1, start_link/2, call/3, call/4, cast/3, snapshot/1, stop/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, run_call/5]).
-export_type([options/0, handler/0]).

-type handler() :: warpbeam:handler()
                 | fun((Module :: binary(), Name :: binary(), [warpbeam:value()], warpbeam:instance()) ->
                           {ok, [warpbeam:value()]} | {error, iodata()} | {throw, warpbeam:name(), [warpbeam:value()]}).
%% Answers imports; the fourth argument is the instance.
-type options() :: #{handler => handler(), queue => pos_integer(), limits => warpbeam:options(),
                     snapshot => binary()}.
%% `queue': how many calls may wait, 1,000 if it is not given; more are refused with `busy'. `snapshot': the state to
%% begin with.

-record(waiting, {from :: gen_server:from() | none, name :: iodata(), arguments :: [warpbeam:value()],
                  options :: #{deadline => integer()}, monitor :: reference() | none}).
-record(state, {instance :: warpbeam:instance(), handler :: handler(), max_waiting :: pos_integer(),
                running = none :: none | {pid(), reference(), #waiting{}},
                queue = queue:new() :: queue:queue(#waiting{})}).

%% @equiv start_link(Module, #{})
-spec start_link(warpbeam:module_ref()) -> {ok, pid()} | {error, term()}.
start_link(Module) -> start_link(Module, #{}).

%% @doc Starts a process with an instance of the module.
-spec start_link(warpbeam:module_ref(), options()) -> {ok, pid()} | {error, term()}.
start_link(Module, Options) -> gen_server:start_link(?MODULE, {Module, Options}, []).

%% @equiv call(Pid, Name, Arguments, 5000)
-spec call(pid(), iodata(), [warpbeam:value()]) -> {ok, [warpbeam:value()]} | warpbeam:error().
call(Pid, Name, Arguments) -> call(Pid, Name, Arguments, 5000).

%% @doc Calls an exported function. After the time in milliseconds, the call ends with an error of the kind `timeout',
%% also if it has not begun.
-spec call(pid(), iodata(), [warpbeam:value()], timeout()) -> {ok, [warpbeam:value()]} | warpbeam:error().
call(Pid, Name, Arguments, Timeout) ->
    Deadline = case Timeout of
                   infinity -> infinity;
                   _ -> erlang:monotonic_time(millisecond) + Timeout
               end,
    gen_server:call(Pid, {call, Name, Arguments, Deadline}, infinity).

%% @doc The same without waiting for the results.
-spec cast(pid(), iodata(), [warpbeam:value()]) -> ok.
cast(Pid, Name, Arguments) -> gen_server:cast(Pid, {call, Name, Arguments}).

%% @doc The state of the instance between two calls; an error of the kind `busy' while one runs.
-spec snapshot(pid()) -> {ok, binary()} | warpbeam:error().
snapshot(Pid) -> gen_server:call(Pid, snapshot, infinity).

%% @doc Ends the process and what runs in it. Callers get an error of the kind `stopped'.
-spec stop(pid()) -> ok.
stop(Pid) -> gen_server:stop(Pid).

%% @private
init({Module, Options}) ->
    process_flag(trap_exit, true),
    Handler = maps:get(handler, Options, fun warpbeam:no_handler/3),
    Limits = maps:get(limits, Options, #{}),
    Made = case Options of
               #{snapshot := Snapshot} -> warpbeam:restore(Module, Snapshot, Limits);
               _ -> warpbeam:instantiate(Module, Limits, Handler)
           end,
    State = fun(Instance) ->
                    {ok, #state{instance = Instance, handler = Handler, max_waiting = maps:get(queue, Options, 1000)}}
            end,
    case Made of
        {ok, Instance} -> State(Instance);
        {ok, Instance, []} -> State(Instance);
        {ok, _, _} -> {stop, calls_in_snapshot};
        {error, Reason} -> {stop, Reason}
    end.

%% @private
handle_call({call, Name, Arguments, Deadline}, From, State) ->
    {Caller, _} = From,
    add(#waiting{from = From, name = Name, arguments = Arguments, options = deadline(Deadline),
                 monitor = erlang:monitor(process, Caller)}, State);
handle_call(snapshot, _From, #state{running = none} = State) ->
    {reply, warpbeam:snapshot(State#state.instance), State};
handle_call(snapshot, _From, State) ->
    {reply, failure(busy, "a call is running"), State};
handle_call(_Other, _From, State) ->
    {reply, failure(bad_argument, "not a request to an instance"), State}.

%% @private
handle_cast({call, Name, Arguments}, State) ->
    add(#waiting{from = none, name = Name, arguments = Arguments, options = #{}, monitor = none}, State);
handle_cast(_Other, State) -> {noreply, State}.

%% @private
handle_info({'DOWN', Monitor, process, _, Reason}, #state{running = {_, Monitor, Waiting}} = State) ->
    Result = case Reason of
                 {result, Value} -> Value;
                 Other -> failure(handler_failed, io_lib:format("~P", [Other, 30]))
             end,
    reply(Waiting, Result),
    {noreply, next(State#state{running = none})};
%% A caller has died: its call is not made, or ends.
handle_info({'DOWN', Monitor, process, _, _}, #state{running = {Worker, _, #waiting{monitor = Monitor}}} = State) ->
    exit(Worker, kill),
    {noreply, State};
handle_info({'DOWN', Monitor, process, _, _}, State) ->
    Others = queue:filter(fun(#waiting{monitor = Other}) -> Other =/= Monitor end, State#state.queue),
    {noreply, State#state{queue = Others}};
handle_info({'EXIT', _, Reason}, State) when Reason =/= normal -> {stop, Reason, State};
handle_info(_Other, State) -> {noreply, State}.

%% @private
terminate(_Reason, #state{running = Running, queue = Queue, instance = Instance}) ->
    _ = warpbeam:stop(Instance),
    Stopped = failure(stopped, "the instance was stopped"),
    _ = case Running of
            {Worker, _, Waiting} -> exit(Worker, kill), reply(Waiting, Stopped);
            none -> ok
        end,
    lists:foreach(fun(Waiting) -> reply(Waiting, Stopped) end, queue:to_list(Queue)).

deadline(infinity) -> #{};
deadline(Deadline) -> #{deadline => Deadline}.

failure(Kind, Message) -> {error, #{kind => Kind, message => iolist_to_binary(Message)}}.

reply(#waiting{from = none}, _) -> ok;
reply(#waiting{from = From, monitor = Monitor}, Result) ->
    erlang:demonitor(Monitor, [flush]),
    gen_server:reply(From, Result).

add(Waiting, #state{running = none} = State) -> {noreply, run(Waiting, State)};
add(Waiting, #state{queue = Queue, max_waiting = Max} = State) ->
    case queue:len(Queue) < Max of
        true -> {noreply, State#state{queue = queue:in(Waiting, Queue)}};
        false ->
            reply(Waiting, failure(busy, ["more than ", integer_to_list(Max), " calls wait"])),
            {noreply, State}
    end.

next(#state{queue = Queue} = State) ->
    case queue:out(Queue) of
        {empty, _} -> State;
        {{value, Waiting}, Others} -> run(Waiting, State#state{queue = Others})
    end.

run(#waiting{name = Name, arguments = Arguments, options = Options} = Waiting,
    #state{instance = Instance, handler = Handler} = State) ->
    {Worker, Monitor} = spawn_monitor(?MODULE, run_call, [Instance, Name, Arguments, Handler, Options]),
    State#state{running = {Worker, Monitor, Waiting}}.

%% @private
-spec run_call(warpbeam:instance(), iodata(), [warpbeam:value()], handler(), #{deadline => integer()}) -> no_return().
run_call(Instance, Name, Arguments, Handler, Options) ->
    exit({result, work(Instance, Name, Arguments, Handler, Options)}).

work(Instance, Name, Arguments, Handler, #{deadline := Deadline}) ->
    case Deadline - erlang:monotonic_time(millisecond) of
        Left when Left > 0 -> warpbeam:call(Instance, Name, Arguments, bind(Handler, Instance), #{timeout => Left});
        _ -> failure(timeout, "the call did not begin in time")
    end;
work(Instance, Name, Arguments, Handler, _) -> warpbeam:call(Instance, Name, Arguments, bind(Handler, Instance)).

bind(Handler, Instance) when is_function(Handler, 4) -> fun(M, F, A) -> Handler(M, F, A, Instance) end;
bind(Handler, _) -> Handler.
