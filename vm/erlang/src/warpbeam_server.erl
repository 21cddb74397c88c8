%% @private The process of a `warpbeam_instance': its calls, snapshots and moves.
-module(warpbeam_server).
-behaviour(gen_server).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-define(TICK, 5). % milliseconds between two looks at calls that are to be paused

%% Whoever sends other requests than the functions of `warpbeam_instance' do is refused, too.
-define(IS_TIMEOUT(Timeout), (Timeout =:= infinity orelse is_integer(Timeout) andalso Timeout >= 0 andalso Timeout < 1 bsl 31)).
-define(IS_WHAT(What), (element(1, What) =:= call andalso tuple_size(What) =:= 3
                        orelse element(1, What) =:= apply andalso is_function(element(2, What), 1))).
-define(IS_ASKS(Asks), (Asks =:= none orelse element(1, Asks) =:= caller andalso tuple_size(Asks) =:= 3
                        andalso is_pid(element(2, Asks)) andalso is_reference(element(3, Asks)))).

-record(moving, {from :: gen_server:from(), node :: node(), deadline :: timeout(), holds = true :: boolean(),
                 paused = [] :: [{warpbeam_ticket:ticket(), warpbeam:call_ref()}]}).
-record(state, {module :: warpbeam:module_ref(), instance :: warpbeam:instance() | {asleep, binary()},
                options :: warpbeam_instance:options(), ask :: instance | {handlers, pid()},
                running = #{} :: #{reference() => {warpbeam_worker:worker(), warpbeam_ticket:ticket()}},
                queue = queue:new() :: queue:queue(warpbeam_ticket:ticket()),
                replication = none :: none | warpbeam_replication:replication(),
                changed = false :: boolean(),  % since the last snapshot for the replica
                is_due = false :: boolean(),   % the next one
                results = [] :: results(),     % that the next one confirms
                confirming = [] :: results(),  % by the one on its way
                leaving = warpbeam_worker:leaving() :: warpbeam_worker:leaving(),
                turns = warpbeam_turns:new() :: warpbeam_turns:turns(),
                taken = none :: none | reference(), % by which the old process knows this one
                idle = none :: none | reference(), moving = none :: none | #moving{}}).
-type results() :: [{warpbeam_ticket:ticket(), term()}].

%% ---- The beginning ----

%% @private
init({moved, #{module := Binary, snapshot := Snapshot, options := Options, calls := Calls} = Moved}) ->
    process_flag(trap_exit, true),
    case warpbeam_migration:load(Binary) of
        {ok, Module} ->
            case warpbeam:restore(Module, Snapshot, warpbeam_first_state:limits(Options)) of
                {ok, Instance, Requests} when length(Requests) =:= length(Calls) ->
                    State = #state{module = Module, instance = Instance, options = Options,
                                   ask = {handlers, maps:get(handlers, Moved)}},
                    {ok, State, {continue, {moved, Moved, Requests}}};
                {ok, _, _} -> {stop, #{kind => usage, message => <<"the snapshot has other calls">>}};
                {error, Reason} -> {stop, Reason}
            end;
        {error, Reason} -> {stop, Reason}
    end;
init({Module, Options}) ->
    process_flag(trap_exit, true),
    case warpbeam_replication:claim(Module, Options) of
        {ok, Replication, Kept} ->
            Handler = maps:get(handler, Options, fun warpbeam:no_handler/3),
            case warpbeam_first_state:make(Module, maps:get(snapshot, Options, Kept), Handler, Options) of
                {ok, Instance} ->
                    State = #state{module = Module, instance = Instance, options = Options, replication = Replication,
                                   ask = warpbeam_first_state:ask(Handler, Options)},
                    {ok, begun(State)};
                {error, Reason} -> {stop, Reason}
            end;
        {error, Reason} -> {stop, Reason}
    end.

begun(#state{options = Options, replication = Replication} = State) ->
    lists:foreach(fun(Group) -> warpbeam_group:join(Group, self()) end, maps:get(groups, Options, [])),
    case Replication of
        none -> next(State);
        _ ->
            erlang:send_after(warpbeam_replication:interval(Replication), self(), replicate),
            next(State#state{changed = true, is_due = true})
    end.

%% @private The old process says when this one takes over. If it does not, it goes on itself.
handle_continue({moved, #{handlers := Handlers, calls := Calls, queue := Queue} = Moved, Requests}, State) ->
    case warpbeam_migration:await(Moved) of
        {go, Replication, Results} ->
            ok = warpbeam_handlers:follow(Handlers, self()),
            Going = [warpbeam_ticket:going_on(warpbeam_ticket:arrived(Ticket), Request)
                     || {Ticket, Request} <- lists:zip(Calls, Requests)],
            Waiting = [warpbeam_ticket:arrived(Ticket) || Ticket <- Queue],
            Arrived = [{warpbeam_ticket:arrived(Ticket), Result} || {Ticket, Result} <- Results],
            Running = lists:foldl(fun run/2, State#state{replication = Replication, results = Arrived}, Going),
            {noreply, begun(Running#state{queue = queue:from_list(Waiting), taken = maps:get(go, Moved)})};
        given_up -> {stop, {shutdown, not_moved}, State}
    end.

%% ---- Requests ----

%% @private
handle_call({request, What, Timeout, Asks}, From, State)
  when ?IS_WHAT(What), ?IS_TIMEOUT(Timeout), ?IS_ASKS(Asks) ->
    {noreply, add(warpbeam_ticket:new(From, What, Timeout, Asks), State)};
%% A handler calls the instance again: this does not wait for its turn, since the call that asks would never end.
handle_call({nested, Id, Name, Arguments, Asks}, From, #state{running = Running} = State) when ?IS_ASKS(Asks) ->
    case [Ticket || {Worker, Ticket} <- maps:values(Running), warpbeam_ticket:id(Ticket) =:= Id,
                    warpbeam_worker:is_in_handler(Worker)] of
        [Outer] -> {noreply, run(warpbeam_ticket:nested(From, {call, Name, Arguments}, Asks, Outer), State)};
        [] -> {reply, warpbeam_request:failure(usage, "the import of that context has been answered"), State}
    end;
handle_call(hibernate, _From, #state{instance = {asleep, _}} = State) -> {reply, ok, State};
handle_call(hibernate, _From, State) ->
    case is_idle(State) of
        true ->
            case sleep(State) of
                {ok, Asleep} -> {reply, ok, Asleep, hibernate};
                Error -> {reply, Error, State}
            end;
        false -> {reply, warpbeam_request:failure(busy, "calls run or wait"), State}
    end;
handle_call(stats, _From, #state{running = Running, queue = Queue, instance = Instance} = State) ->
    {reply, {ok, #{running => map_size(Running), waiting => queue:len(Queue), asleep => is_asleep(Instance)}}, State};
handle_call({migrate, Node, Timeout}, From, #state{moving = none} = State)
  when is_atom(Node), ?IS_TIMEOUT(Timeout) ->
    pause(State),
    erlang:send_after(?TICK, self(), tick),
    Deadline = case Timeout of
                   infinity -> infinity; % which is later than every number
                   _ -> erlang:monotonic_time(millisecond) + Timeout
               end,
    move(State#state{moving = #moving{from = From, node = Node, deadline = Deadline}});
handle_call({migrate, Node, Timeout}, _From, State) when is_atom(Node), ?IS_TIMEOUT(Timeout) ->
    {reply, warpbeam_request:failure(busy, "it moves already"), State};
handle_call(_Other, _From, State) ->
    {reply, warpbeam_request:failure(bad_argument, "not a request to an instance"), State}.

%% @private
handle_cast({call, Name, Arguments}, State) -> {noreply, add(warpbeam_ticket:cast({call, Name, Arguments}), State)};
handle_cast(_Other, State) -> {noreply, State}.

%% @private
handle_info(Message, #state{replication = Replication} = State) ->
    case warpbeam_replication:confirmed(Message, Replication) of
        no -> told(Message, State);
        {Outcome, Next} -> confirmed(Outcome, State#state{replication = Next})
    end.

told({'DOWN', Monitor, process, Pid, Reason}, #state{running = Running, replication = Replication, turns = Turns} = State) ->
    case {maps:take(Monitor, Running), warpbeam_replication:lost(Monitor, Replication)} of
        {{{_, Ticket}, Others}, _} ->
            %% What its handlers have begun ends with it.
            maps:foreach(fun(_, {{Worker, _, _}, Nested}) ->
                                 warpbeam_ticket:is_nested_in(Nested, Ticket) andalso exit(Worker, kill)
                         end, Others),
            ended(Ticket, Reason, State#state{running = Others, turns = warpbeam_turns:left(Pid, Turns)});
        {error, no} -> {noreply, caller_died(Monitor, State)};
        {error, Lost} -> {noreply, State#state{replication = Lost, changed = true}}
    end;
told({timeout, Timer, idle}, #state{idle = Timer} = State) ->
    case is_idle(State) andalso sleep(State#state{idle = none}) of
        {ok, Asleep} -> {noreply, Asleep, hibernate};
        _ -> {noreply, idle(State#state{idle = none})}
    end;
told(replicate, #state{replication = Replication, changed = Changed} = State) when Replication =/= none ->
    erlang:send_after(warpbeam_replication:interval(Replication), self(), replicate),
    {noreply, next(State#state{is_due = Changed})};
told({turn, Pid, Tag}, #state{turns = Turns} = State) when is_pid(Pid) ->
    {noreply, State#state{turns = warpbeam_turns:asked(Pid, Tag, Turns)}};
told({turn_is_over, Pid}, #state{turns = Turns} = State) ->
    {noreply, State#state{turns = warpbeam_turns:left(Pid, Turns)}};
told({timeout, Timer, late}, State) -> move(late(Timer, State));
told({{take_over, Go, _, _}, Asker}, #state{taken = Go} = State) when is_reference(Go), is_pid(Asker) ->
    Asker ! {Go, taken}, % it has not got the first answer
    {noreply, State};
told(tick, #state{moving = #moving{}} = State) -> tick(State);
told({'EXIT', _, Reason}, State) when Reason =/= normal -> {stop, Reason, State};
told(_Other, State) -> {noreply, State}.

%% @private
terminate(_Reason, #state{running = Running, queue = Queue, instance = Instance, moving = Moving} = State) ->
    _ = is_asleep(Instance) orelse warpbeam:stop(Instance),
    Stopped = warpbeam_request:failure(stopped, "the instance was stopped"),
    maps:foreach(fun(_, {{Worker, _, _}, Ticket}) ->
                         exit(Worker, kill),
                         warpbeam_ticket:reply(Ticket, Stopped)
                 end, Running),
    lists:foreach(fun(Ticket) -> warpbeam_ticket:reply(Ticket, Stopped) end, queue:to_list(Queue)),
    lists:foreach(fun({Ticket, _}) -> warpbeam_ticket:reply(Ticket, Stopped) end,
                  State#state.results ++ State#state.confirming ++ paused(Moving)).

paused(none) -> [];
paused(#moving{paused = Paused}) -> Paused.

%% A caller has died: its call is not made, or ends.
caller_died(Monitor, #state{running = Running, queue = Queue, moving = Moving} = State) ->
    maps:foreach(fun(_, {{Worker, _, _}, Ticket}) ->
                         warpbeam_ticket:is_of(Monitor, Ticket) andalso exit(Worker, kill)
                 end, Running),
    Left = case Moving of
               none -> none;
               #moving{paused = Paused} ->
                   {Died, Others} = lists:partition(fun({Ticket, _}) -> warpbeam_ticket:is_of(Monitor, Ticket) end, Paused),
                   lists:foreach(fun({_, Call}) -> warpbeam:cancel(Call) end, Died),
                   Moving#moving{paused = Others}
           end,
    State#state{queue = queue:filter(fun(Ticket) -> not warpbeam_ticket:is_of(Monitor, Ticket) end, Queue), moving = Left}.

%% The time of a call is over, wherever it is. The process of one that runs is killed, and its end answers the caller.
late(Timer, #state{running = Running, moving = Moving} = State) ->
    IsLate = fun(Ticket) -> warpbeam_ticket:is_late(Timer, Ticket) end,
    Failure = warpbeam_request:failure(timeout, "the call has not ended in time"),
    Ending = maps:map(fun(_, {{Worker, _, _} = W, Ticket} = Entry) ->
                              case IsLate(Ticket) of
                                  true ->
                                      exit(Worker, kill), % a handler may trap other exits
                                      {W, warpbeam_ticket:late(Ticket)};
                                  false -> Entry
                              end
                      end, Running),
    {Waiting, Queue} = lists:partition(IsLate, queue:to_list(State#state.queue)),
    {Computed, Results} = lists:partition(fun({Ticket, _}) -> IsLate(Ticket) end, State#state.results),
    {Sent, Confirming} = lists:partition(fun({Ticket, _}) -> IsLate(Ticket) end, State#state.confirming),
    {Held, Paused} = lists:partition(fun({Ticket, _}) -> IsLate(Ticket) end, paused(Moving)),
    lists:foreach(fun({_, Call}) -> warpbeam:cancel(Call) end, Held),
    lists:foreach(fun(Ticket) -> warpbeam_ticket:reply(Ticket, Failure) end,
                  Waiting ++ [Ticket || {Ticket, _} <- Computed ++ Sent ++ Held]),
    State#state{running = Ending, queue = queue:from_list(Queue), results = Results, confirming = Confirming,
                moving = case Moving of none -> none; _ -> Moving#moving{paused = Paused} end}.

%% ---- Calls ----

add(Ticket, #state{queue = Queue, options = Options} = State) ->
    Max = maps:get(queue, Options, 1000),
    case {queue:is_empty(Queue) andalso may_begin(Ticket, State), queue:len(Queue) < Max} of
        {true, _} -> run(Ticket, State);
        {false, true} -> State#state{queue = queue:in(Ticket, Queue)};
        {false, false} ->
            event(Options, [busy], #{waiting => Max}, #{}),
            Busy = warpbeam_request:failure(busy, ["as many calls wait as may (queue): ", integer_to_list(Max)]),
            warpbeam_ticket:reply(Ticket, Busy),
            State
    end.

%% Calls don't begin before a snapshot that is wanted, since it is made when none runs.
may_begin(Ticket, #state{running = Running, options = Options, moving = none} = State) ->
    map_size(Running) < maps:get(interleave, Options, 1)
        andalso not (wants_snapshot(State) andalso not warpbeam_replication:is_pending(State#state.replication))
        andalso (map_size(Running) =:= 0 orelse not warpbeam_ticket:is_alone(Ticket))
        andalso not lists:any(fun({_, Other}) -> warpbeam_ticket:is_alone(Other) end, maps:values(Running));
may_begin(_Ticket, _State) -> false.

%% Does what has become possible.
next(State) -> start_waiting(replicate(State)).

start_waiting(#state{queue = Queue} = State) ->
    case queue:peek(Queue) of
        {value, Ticket} ->
            case may_begin(Ticket, State) of
                true -> start_waiting(run(Ticket, State#state{queue = queue:drop(Queue)}));
                false -> State
            end;
        empty -> idle(State)
    end.

run(Ticket, #state{instance = {asleep, _}} = State) ->
    case wake(State) of
        {ok, Awake} -> run(Ticket, Awake);
        Error ->
            warpbeam_ticket:reply(Ticket, Error),
            State
    end;
run(Ticket, #state{options = Options} = State) ->
    case warpbeam_ticket:left(Ticket) of
        0 ->
            warpbeam_ticket:reply(Ticket, warpbeam_request:failure(timeout, "the call did not begin in time")),
            State;
        Left ->
            event(Options, [call, start], #{}, #{name => warpbeam_ticket:name(Ticket)}),
            Worker = {_, Monitor, _} = warpbeam_worker:start(State#state.instance, Ticket, limits_of(Left),
                                                            handler(Ticket, State), Options, State#state.leaving),
            awake(State#state{running = (State#state.running)#{Monitor => {Worker, warpbeam_ticket:begin_now(Ticket)}}})
    end.

limits_of(infinity) -> #{};
limits_of(Left) -> #{timeout => Left}.

handler(Ticket, #state{ask = Ask, options = Options, instance = Instance}) ->
    Context = {instance_process, self(), warpbeam_ticket:id(Ticket)},
    case {warpbeam_ticket:asks(Ticket), Ask} of
        {{caller, Pid, Tag}, _} -> fun(M, N, A) -> warpbeam_request:ask_caller(Pid, Tag, M, N, A, Context) end;
        {none, {handlers, Handlers}} -> fun(M, N, A) -> warpbeam_handlers:ask(Handlers, M, N, A, Context) end;
        {none, instance} ->
            Own = case Options of
                      #{interleave := Max} when Max > 1 -> Context; % there, other calls may have their turn
                      _ -> Instance
                  end,
            warpbeam_handlers:bound(maps:get(handler, Options, fun warpbeam:no_handler/3), Own)
    end.

ended(Ticket, {paused, Call}, #state{moving = #moving{paused = Paused} = Moving} = State) ->
    move(State#state{moving = Moving#moving{paused = [{Ticket, Call} | Paused]}});
ended(Ticket, {paused, Call}, State) -> % the move has been given up meanwhile
    {noreply, run(warpbeam_ticket:going_on(Ticket, {paused, Call}), State)};
ended(Ticket, Reason, #state{options = Options} = State) ->
    {Result, Fuel} = case Reason of
                         {result, Value, Used} -> {Value, Used};
                         killed -> {killed(Ticket), 0};
                         Other -> {warpbeam_request:failure(handler_failed, io_lib:format("~0tP", [Other, 30])), 0}
                     end,
    event(Options, [call, stop], #{duration => warpbeam_ticket:duration(Ticket), fuel => Fuel},
          #{name => warpbeam_ticket:name(Ticket), result => kind_of(Result)}),
    case Result of
        {error, #{kind := trap, message := Message}} when map_get(crash_on_trap, Options) ->
            event(Options, [crash], #{}, #{message => Message}),
            warpbeam_ticket:reply(Ticket, Result),
            {stop, {trap, Message}, State};
        _ -> move(answered(Ticket, Result, State#state{changed = true}))
    end.

killed(Ticket) ->
    case warpbeam_ticket:is_over(Ticket) of
        true -> warpbeam_request:failure(timeout, "the call has not ended in time");
        false -> warpbeam_request:failure(stopped, "the call was ended")
    end.

%% With `ack => replicated', a result is given only when the replica has the state in which it was computed.
answered(Ticket, Result, #state{replication = Replication, results = Results} = State) ->
    case warpbeam_replication:is_acknowledged(Replication) andalso not warpbeam_ticket:is_nested(Ticket) of
        true -> State#state{results = [{Ticket, Result} | Results]};
        false ->
            warpbeam_ticket:reply(Ticket, Result),
            State
    end.

kind_of({error, #{kind := Kind}}) -> Kind;
kind_of(_) -> ok.

event(Options, Name, Measurements, Metadata) ->
    warpbeam_events:tell(Options, Name, Measurements, Metadata#{instance => self()}).

%% ---- Snapshots ----

%% Instances may be tuples, too.
is_asleep({asleep, _}) -> true;
is_asleep(_Instance) -> false.

is_idle(#state{running = Running, queue = Queue, instance = Instance, results = Results, confirming = Confirming,
               moving = Moving}) ->
    map_size(Running) =:= 0 andalso queue:is_empty(Queue) andalso not is_asleep(Instance) andalso Results =:= []
        andalso Confirming =:= [] andalso Moving =:= none.

%% Begins to count the time without calls.
idle(#state{options = #{hibernate_after := Time}, idle = none} = State) when Time =/= infinity ->
    case is_idle(State) of
        true -> State#state{idle = erlang:start_timer(Time, self(), idle)};
        false -> State
    end;
idle(State) -> State.

awake(#state{idle = none} = State) -> State;
awake(#state{idle = Timer} = State) ->
    _ = erlang:cancel_timer(Timer),
    State#state{idle = none}.

sleep(#state{instance = Instance, options = Options} = State) ->
    case warpbeam_replication:aside(fun() -> warpbeam:snapshot(Instance) end) of
        {ok, Bytes} ->
            _ = warpbeam:stop(Instance),
            event(Options, [hibernate], #{bytes => byte_size(Bytes)}, #{}),
            {ok, awake(State#state{instance = {asleep, Bytes}})};
        Error -> Error
    end.

wake(#state{instance = {asleep, Snapshot}, module = Module, options = Options} = State) ->
    case warpbeam_first_state:make(Module, Snapshot, none, Options) of
        {ok, Instance} -> {ok, State#state{instance = Instance}};
        Error -> Error
    end.

wants_snapshot(#state{results = Results, is_due = IsDue}) -> IsDue orelse Results =/= [].

%% Sends the state to the replica if that is wanted, no call runs, and no other one is on its way.
replicate(#state{running = Running, replication = Replication, moving = none} = State)
  when Replication =/= none, map_size(Running) =:= 0 ->
    case wants_snapshot(State) andalso not warpbeam_replication:is_pending(Replication) of
        true -> put_snapshot(State);
        false -> State
    end;
replicate(State) -> State.

put_snapshot(#state{replication = Replication, instance = Instance, options = Options, results = Results} = State) ->
    Begin = erlang:monotonic_time(),
    case warpbeam_replication:put(Replication, Instance) of
        {ok, Sent, Kind, Size} ->
            event(Options, [snapshot], #{duration => warpbeam_events:since(Begin), bytes => Size}, #{kind => Kind}),
            State#state{replication = Sent, results = [], confirming = Results, changed = false, is_due = false};
        Error -> answer_all(Results, Error, State#state{results = [], is_due = false})
    end.

confirmed(replaced, State) -> {stop, {shutdown, replaced}, State};
confirmed(Outcome, #state{confirming = Results, changed = Changed} = State) ->
    Answered = answer_all(Results, Outcome, State#state{confirming = []}),
    move(Answered#state{changed = Changed orelse Outcome =/= ok}).

answer_all(Results, ok, State) ->
    lists:foreach(fun({Ticket, Result}) -> warpbeam_ticket:reply(Ticket, Result) end, lists:reverse(Results)),
    State;
answer_all(Results, {error, #{message := Message}}, State) ->
    Failure = warpbeam_request:failure(not_replicated, ["the call was made, but its effects may get lost: ", Message]),
    lists:foreach(fun({Ticket, _}) -> warpbeam_ticket:reply(Ticket, Failure) end, Results),
    State.

%% ---- Moves ----

%% Moves to another node as soon as all calls are paused or have ended; without a move, does what has become possible.
move(#state{moving = none} = State) -> {noreply, next(State)};
move(#state{running = Running, replication = Replication, moving = #moving{holds = true} = Moving} = State)
  when map_size(Running) =:= 0 ->
    case warpbeam_replication:is_pending(Replication) of
        true -> {noreply, State};
        false -> leave(Moving, State)
    end;
move(State) -> {noreply, State}.

leave(#moving{from = From, node = Node, paused = Paused}, #state{instance = Instance, options = Options} = State) ->
    Begin = erlang:monotonic_time(),
    Snapshot = fun() ->
                       case Instance of
                           {asleep, Kept} -> {ok, Kept};
                           _ -> warpbeam:snapshot(Instance, [Call || {_, Call} <- Paused])
                       end
               end,
    Moved = #{module => warpbeam_migration:save(State#state.module), calls => [Ticket || {Ticket, _} <- Paused],
              queue => queue:to_list(State#state.queue), results => State#state.results,
              replication => State#state.replication, ask => State#state.ask,
              options => maps:without([name, snapshot], Options)},
    case warpbeam_migration:move(Node, Snapshot, Moved) of
        {ok, New, Proxies} ->
            has_left(From, New, Begin, Options),
            _ = is_asleep(Instance) orelse warpbeam:stop(Instance),
            lists:foreach(fun(Group) -> warpbeam_group:leave(Group, self()) end, maps:get(groups, Options, [])),
            warpbeam_forwarder:become(New, Proxies);
        {cut, New} ->
            has_left(From, New, Begin, Options),
            {stop, {shutdown, {migrated, New}}, State};
        {in_doubt, New} ->
            gen_server:reply(From, warpbeam_request:failure(migration, ["the connection to the other node broke while ",
                                                                        "it took over: it has the instance, or nobody"])),
            {stop, {migration, {in_doubt, New}}, State};
        Failed -> stay(Failed, State)
    end.

has_left(From, New, Begin, Options) ->
    event(Options, [migrate], #{duration => warpbeam_events:since(Begin)}, #{to => New}),
    gen_server:reply(From, {ok, New}).

%% A handler may call the instance, or wait for a call of its own: so calls go on for a tick, every other tick.
tick(#state{running = Running, moving = #moving{holds = Holds, deadline = Deadline} = Moving} = State) ->
    InHandler = lists:any(fun({Worker, _}) -> warpbeam_worker:is_in_handler(Worker) end, maps:values(Running)),
    erlang:send_after(?TICK, self(), tick),
    case erlang:monotonic_time(millisecond) > Deadline of
        true -> stay(warpbeam_request:failure(busy, "a handler still runs"), State);
        false when not Holds ->
            pause(State),
            move(State#state{moving = Moving#moving{holds = true}});
        false when InHandler -> {noreply, go_on(State#state{moving = Moving#moving{holds = false}})};
        false -> {noreply, State}
    end.

stay(Failure, #state{moving = #moving{from = From}} = State) ->
    gen_server:reply(From, Failure),
    {noreply, next((go_on(State))#state{moving = none})}.

%% Calls end when they see the pause.
pause(#state{instance = Instance, leaving = Leaving}) ->
    warpbeam_worker:leave(Leaving, true),
    _ = is_asleep(Instance) orelse warpbeam:pause(Instance),
    ok.

go_on(#state{instance = Instance, leaving = Leaving, moving = #moving{paused = Paused} = Moving} = State) ->
    warpbeam_worker:leave(Leaving, false),
    _ = is_asleep(Instance) orelse warpbeam:unpause(Instance),
    lists:foldl(fun({Ticket, Call}, Next) -> run(warpbeam_ticket:going_on(Ticket, {paused, Call}), Next) end,
                State#state{moving = Moving#moving{paused = []}}, Paused).
