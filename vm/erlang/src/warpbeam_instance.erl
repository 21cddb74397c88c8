%% @doc An instance as a process, which is called from any node, and can move to another one.
%%
%% Calls are made in the order in which they came, one at a time unless the option `interleave' says how many; each in
%% a process of its own, so that the instance always answers, and stops at once even while its guest loops. A caller that
%% dies takes its call with it.
%%
%% A handler of arity 4 answers imports like one of arity 3, and gets a context as its fourth argument, with which it
%% calls the instance again (`reenter/3', `reenter/4'), at any depth.
-module(warpbeam_instance).
-behaviour(gen_server).
-export([start_link/1, start_link/2, start/2, call/3, call/4, cast/3, with_instance/2, with_instance/3, reenter/3,
         reenter/4, snapshot/1, hibernate/1, stats/1, migrate/2, stop/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export([adopt/1]).
-export_type([options/0, server/0, handler/0, context/0, call_options/0]).

%% Milliseconds, or `infinity'.
-define(IS_TIMEOUT(Time), (Time =:= infinity orelse (is_integer(Time) andalso Time >= 0))).

-type server() :: gen_server:server_ref().
-opaque context() :: warpbeam:instance() | {instance_process, pid()}.
-type handler() :: warpbeam:handler() | fun((binary(), binary(), [warpbeam:value()], context()) -> term()).
-type options() :: #{handler => handler(), handler_in => instance | pool | {pool, pos_integer()},
                     queue => pos_integer(), interleave => pos_integer(), limits => warpbeam:options(),
                     snapshot => binary() | [binary()], hibernate_after => pos_integer(),
                     events => fun(([atom()], map(), map()) -> term()), name => term(), groups => [term()],
                     replica => {warpbeam_replica:server(), Key :: term()}, ack => replicated,
                     replicate_every => pos_integer()}.
%% `handler_in' says where handlers run: in the processes of the calls, or in a pool of so many processes (of as many as
%% there are schedulers, if no number is given). `queue': how many calls may wait, 1,000 if it is not given; more are
%% refused with `busy'. `interleave': how many calls may be in the middle of their code at once, 1 if it is not given; see
%% the option `stacks' of `warpbeam:instantiate/2' for C programs. `snapshot': the state to begin with. `hibernate_after':
%% after so many milliseconds without a call, the instance becomes a snapshot, and its memory is freed; the next call
%% wakes it up. `events': see `docs/erlang-processes.md', as the other options.
-type call_options() :: #{timeout => timeout(), handler => handler()}.
%% With a handler, imports of the call are answered in the process of the caller.

-record(waiting, {from :: term(), what :: warpbeam_worker:what() | {call, term(), term()}, deadline = infinity :: timeout(),
                  handler :: none | {caller, pid(), reference()}, monitor :: reference() | none, begun = 0 :: integer()}).
-record(state, {module :: warpbeam:module_ref(), instance :: warpbeam:instance() | {asleep, [binary()]},
                options :: options(), ask :: instance | {handlers, pid()},
                running = #{} :: #{reference() => {warpbeam_worker:worker(), #waiting{}}},
                queue = queue:new() :: queue:queue(#waiting{}), idle = none :: none | reference()}).

%% @equiv start_link(Module, #{})
-spec start_link(warpbeam:module_ref()) -> {ok, pid()} | {error, term()}.
start_link(Module) -> start_link(Module, #{}).

%% @doc Starts a process with an instance of the module. `name' is as for `gen_server:start_link/4'. With a replica that
%% has a state under the key, that is the state to begin with, so a supervisor that restarts it goes on from there.
-spec start_link(warpbeam:module_ref(), options()) -> {ok, pid()} | {error, term()}.
start_link(Module, #{name := Name} = Options) -> gen_server:start_link(Name, ?MODULE, {Module, Options}, []);
start_link(Module, Options) -> gen_server:start_link(?MODULE, {Module, Options}, []).

%% @doc The same without a link.
-spec start(warpbeam:module_ref(), options()) -> {ok, pid()} | {error, term()}.
start(Module, #{name := Name} = Options) -> gen_server:start(Name, ?MODULE, {Module, Options}, []);
start(Module, Options) -> gen_server:start(?MODULE, {Module, Options}, []).

%% @equiv call(Server, Name, Arguments, 5000)
-spec call(server(), warpbeam:callee(), [warpbeam:value()]) -> {ok, [warpbeam:value()]} | warpbeam:error().
call(Server, Name, Arguments) -> call(Server, Name, Arguments, 5000).

%% @doc Calls a function. After the time in milliseconds, the call ends with an error of the kind `timeout', also if it
%% has not begun. If there is no such process, or it ends, that is an error of the kind `down'.
-spec call(server(), warpbeam:callee(), [warpbeam:value()], timeout() | call_options()) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
call(Server, Name, Arguments, Options) when is_map(Options) ->
    Timeout = maps:get(timeout, Options, 5000),
    case Options of
        #{handler := Handler} when ?IS_TIMEOUT(Timeout), (is_function(Handler, 3) orelse is_function(Handler, 4)) ->
            warpbeam_request:call_with(Server, {call, Name, Arguments}, Timeout, Handler);
        #{handler := _} ->
            warpbeam_request:failure(bad_argument, "a handler is a fun of arity 3 or 4, a timeout milliseconds or infinity");
        _ -> warpbeam_request:call(Server, {request, {call, Name, Arguments}, Timeout, none})
    end;
call(Server, Name, Arguments, Timeout) -> warpbeam_request:call(Server, {request, {call, Name, Arguments}, Timeout, none}).

%% @doc The same without waiting for the results.
-spec cast(server(), warpbeam:callee(), [warpbeam:value()]) -> ok.
cast(Server, Name, Arguments) -> gen_server:cast(Server, {call, Name, Arguments}).

%% @equiv with_instance(Server, Fun, 5000)
-spec with_instance(server(), fun((warpbeam:instance()) -> Result)) -> Result | warpbeam:error().
with_instance(Server, Fun) -> with_instance(Server, Fun, 5000).

%% @doc Calls a fun with the instance itself, when its turn comes, on the instance's node: to read its memory, for example.
-spec with_instance(server(), fun((warpbeam:instance()) -> Result), timeout()) -> Result | warpbeam:error().
with_instance(Server, Fun, Timeout) when is_function(Fun, 1) ->
    warpbeam_request:call(Server, {request, {apply, Fun}, Timeout, none});
with_instance(_Server, _Fun, _Timeout) -> warpbeam_request:failure(bad_argument, "with_instance needs a fun of arity 1").

%% @equiv reenter(Context, Name, Arguments, fun warpbeam:no_handler/3)
-spec reenter(context(), warpbeam:callee(), [warpbeam:value()]) -> {ok, [warpbeam:value()]} | warpbeam:error().
reenter(Context, Name, Arguments) -> reenter(Context, Name, Arguments, fun warpbeam:no_handler/3).

%% @doc For handlers: calls the instance whose import is answered.
-spec reenter(context(), warpbeam:callee(), [warpbeam:value()], warpbeam:handler()) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
reenter({instance_process, Pid}, Name, Arguments, Handler) ->
    warpbeam_request:call_with(Pid, {nested, Name, Arguments}, infinity, Handler);
reenter(Instance, Name, Arguments, Handler) -> warpbeam:call(Instance, Name, Arguments, Handler).

%% @doc The state of the instance, between two calls: it waits for those that run.
-spec snapshot(server()) -> {ok, binary()} | warpbeam:error().
snapshot(Server) -> warpbeam_request:call(Server, {request, {apply, fun warpbeam:snapshot/1}, infinity, none}).

%% @doc Makes an idle instance a snapshot now, and frees its memory; the next call wakes it up. An error of the kind
%% `busy' if calls run or wait.
-spec hibernate(server()) -> ok | warpbeam:error().
hibernate(Server) -> warpbeam_request:call(Server, hibernate).

%% @doc How many calls run and wait, and whether the instance hibernates.
-spec stats(server()) -> {ok, #{running := non_neg_integer(), waiting := non_neg_integer(), asleep := boolean()}} |
          warpbeam:error().
stats(Server) -> warpbeam_request:call(Server, stats).

%% @doc Moves the instance to another node, with the calls that are in the middle of their code and those that wait.
%% Calls whose handlers run are waited for, but no longer than five seconds: then the error has the kind `busy'. Handlers
%% stay on this node. The process forwards to the new one until all are answered, and then ends with
%% `{shutdown, {migrated, Pid}}'.
-spec migrate(server(), node()) -> {ok, pid()} | warpbeam:error().
migrate(Server, Node) -> warpbeam_request:call(Server, {migrate, Node}).

%% @doc Ends the process and what runs in it. Callers get an error of the kind `stopped'.
-spec stop(server()) -> ok.
stop(Server) -> gen_server:stop(Server).

%% @private For migrations: the process on the new node.
-spec adopt(map()) -> {ok, pid()} | {error, term()}.
adopt(Moved) -> gen_server:start(?MODULE, {moved, Moved}, []).

%% @private
init({moved, #{module := {Binary, IsDeterministic}, snapshots := Snapshots, options := Options} = Moved}) ->
    case warpbeam:load(Binary, #{deterministic => IsDeterministic}) of
        {ok, Module} ->
            #{handlers := Handlers, calls := Calls, queue := Queue} = Moved,
            ok = gen_server:call(Handlers, {follow, self()}),
            begun(Module, Options, {handlers, Handlers}, warpbeam:restore(Module, Snapshots, limits(Options)), Calls, Queue);
        {error, Reason} -> {stop, Reason}
    end;
init({Module, Options}) when is_map(Options) ->
    Handler = maps:get(handler, Options, fun warpbeam:no_handler/3),
    Ask = case maps:get(handler_in, Options, instance) of
              instance -> instance;
              pool -> pool(Handler, erlang:system_info(schedulers_online));
              {pool, Max} -> pool(Handler, Max)
          end,
    Made = case state_to_begin_with(Options) of
               [] -> warpbeam:instantiate(Module, limits(Options), plain(Handler));
               Snapshots -> warpbeam:restore(Module, Snapshots, limits(Options))
           end,
    begun(Module, Options, Ask, Made, [], []);
init(_Other) -> {stop, #{kind => bad_argument, message => <<"the options of an instance are a map">>}}.

pool(Handler, Max) ->
    {ok, Handlers} = warpbeam_handlers:start_link(Handler, Max),
    {handlers, Handlers}.

state_to_begin_with(#{snapshot := Snapshot}) -> Snapshot;
state_to_begin_with(#{replica := {Replica, Key}}) -> warpbeam_replica:snapshots(Replica, Key);
state_to_begin_with(_Options) -> [].

limits(Options) -> maps:get(limits, Options, #{}).

%% The start function is called before there is a context.
plain(Handler) when is_function(Handler, 4) -> fun(M, N, A) -> Handler(M, N, A, none) end;
plain(Handler) -> Handler.

begun(Module, Options, Ask, {ok, Instance}, [], []) -> begun(Module, Options, Ask, {ok, Instance, []}, [], []);
begun(Module, Options, Ask, {ok, Instance, Requests}, Calls, Queue) when length(Requests) =:= length(Calls) ->
    process_flag(trap_exit, true),
    State = announce(#state{module = Module, instance = Instance, options = Options, ask = Ask}),
    Going = lists:foldl(fun({Waiting, Request}, Next) ->
                                run((arrived(Waiting))#waiting{what = {go_on, Request}}, Next)
                        end, State, lists:zip(Calls, Requests)),
    {ok, lists:foldl(fun(Waiting, Next) -> add(arrived(Waiting), Next) end, Going, Queue)};
begun(_Module, _Options, _Ask, {ok, _, _}, _, _) ->
    {stop, #{kind => usage, message => <<"the snapshot has calls, for which nobody waits">>}};
begun(_Module, _Options, _Ask, {error, Reason}, _, _) -> {stop, Reason}.

announce(#state{module = Module, options = Options} = State) ->
    lists:foreach(fun(Group) -> warpbeam_group:join(Group, self()) end, maps:get(groups, Options, [])),
    case Options of
        #{replica := {Replica, Key}} ->
            ok = warpbeam_replica:announce(Replica, Key, Module, self()),
            _ = replicate(State),
            erlang:send_after(every(Options), self(), replicate);
        _ -> ok
    end,
    idle(State).

every(Options) -> maps:get(replicate_every, Options, 1000).

%% ---- Requests ----

%% @private
handle_call({request, What, Timeout, Caller}, From, State) when ?IS_TIMEOUT(Timeout) ->
    {noreply, add(waiting(From, What, Timeout, Caller), State)};
%% A handler calls the instance again: this does not wait for its turn, since the call that asks would never end.
handle_call({nested, Name, Arguments, {caller, _, _} = Caller}, From, State) ->
    {noreply, run(waiting(From, {call, Name, Arguments}, infinity, Caller), State)};
handle_call(hibernate, _From, State) ->
    case is_idle(State) of
        true ->
            case sleep(State) of
                {ok, Asleep} -> {reply, ok, Asleep};
                Error -> {reply, Error, State}
            end;
        false -> {reply, warpbeam_request:failure(busy, "calls run or wait"), State}
    end;
handle_call(stats, _From, #state{running = Running, queue = Queue, instance = Instance} = State) ->
    {reply, {ok, #{running => map_size(Running), waiting => queue:len(Queue), asleep => is_tuple(Instance)}}, State};
handle_call({migrate, Node}, From, State) ->
    case pause(State, erlang:monotonic_time(millisecond) + 5000) of
        {ok, Paused, Stopped} ->
            case move(Node, Paused, Stopped) of
                {ok, New, Proxies} ->
                    gen_server:reply(From, {ok, New}),
                    warpbeam_forwarder:become(New, Proxies);
                Failed -> {reply, Failed, go_on(Paused, Stopped)}
            end;
        {error, Error, Next} -> {reply, Error, Next}
    end;
handle_call(_Other, _From, State) ->
    {reply, warpbeam_request:failure(bad_argument, "not a request to an instance"), State}.

%% @private
handle_cast({call, Name, Arguments}, State) -> {noreply, add(waiting(none, {call, Name, Arguments}, infinity, none), State)};
handle_cast(_Other, State) -> {noreply, State}.

%% @private
handle_info({'DOWN', Monitor, process, _, Reason}, #state{running = Running} = State) ->
    case maps:take(Monitor, Running) of
        {{_, Waiting}, Others} -> {noreply, next(ended(Waiting, Reason, State#state{running = Others}))};
        error -> {noreply, caller_died(Monitor, State)}
    end;
handle_info({timeout, Timer, idle}, #state{idle = Timer} = State) ->
    case is_idle(State) andalso sleep(State) of
        {ok, Asleep} -> {noreply, Asleep};
        _ -> {noreply, State#state{idle = none}}
    end;
handle_info(replicate, #state{options = Options} = State) ->
    _ = map_size(State#state.running) =:= 0 andalso replicate(State),
    erlang:send_after(every(Options), self(), replicate),
    {noreply, State};
handle_info({'EXIT', _, Reason}, State) when Reason =/= normal -> {stop, Reason, State};
handle_info(_Other, State) -> {noreply, State}.

%% @private
terminate(_Reason, #state{running = Running, queue = Queue, instance = Instance}) ->
    _ = is_tuple(Instance) orelse warpbeam:stop(Instance),
    Stopped = warpbeam_request:failure(stopped, "the instance was stopped"),
    maps:foreach(fun(_, {{Worker, _, _}, Waiting}) -> exit(Worker, kill), reply(Waiting, Stopped) end, Running),
    lists:foreach(fun(Waiting) -> reply(Waiting, Stopped) end, queue:to_list(Queue)).

waiting(From, What, Timeout, Caller) ->
    #waiting{from = From, what = What, handler = Caller, deadline = deadline(Timeout),
             monitor = monitor_caller(From), begun = erlang:monotonic_time()}.

monitor_caller(none) -> none;
monitor_caller({Pid, _Tag}) -> erlang:monitor(process, Pid).

deadline(Timeout) when is_integer(Timeout) -> erlang:monotonic_time(millisecond) + Timeout;
deadline(infinity) -> infinity.

reply(#waiting{from = none}, _) -> ok;
reply(#waiting{from = From, monitor = Monitor}, Result) ->
    erlang:demonitor(Monitor, [flush]),
    gen_server:reply(From, Result).

%% A caller has died: its call is not made, or ends.
caller_died(Monitor, #state{running = Running, queue = Queue} = State) ->
    maps:foreach(fun(_, {{Worker, _, _}, Waiting}) ->
                         Waiting#waiting.monitor =:= Monitor andalso exit(Worker, kill)
                 end, Running),
    State#state{queue = queue:filter(fun(Waiting) -> Waiting#waiting.monitor =/= Monitor end, Queue)}.

%% ---- Calls ----

add(Waiting, #state{running = Running, queue = Queue, options = Options} = State) ->
    Max = maps:get(queue, Options, 1000),
    case {map_size(Running) < maps:get(interleave, Options, 1), queue:len(Queue) < Max} of
        {true, _} -> run(Waiting, State);
        {false, true} -> State#state{queue = queue:in(Waiting, Queue)};
        {false, false} ->
            event([busy], #{waiting => Max}, #{}, State),
            reply(Waiting, warpbeam_request:failure(busy, ["more than ", integer_to_list(Max), " calls wait"])),
            State
    end.

next(#state{queue = Queue, running = Running, options = Options} = State) ->
    case map_size(Running) < maps:get(interleave, Options, 1) andalso queue:out(Queue) of
        {{value, Waiting}, Others} -> next(run(Waiting, State#state{queue = Others}));
        _ -> idle(State)
    end.

run(Waiting, #state{instance = {asleep, _}} = State) ->
    case wake(State) of
        {ok, Awake} -> run(Waiting, Awake);
        Error ->
            reply(Waiting, Error),
            State
    end;
run(#waiting{deadline = Deadline} = Waiting, State) ->
    case left(Deadline) of
        0 ->
            reply(Waiting, warpbeam_request:failure(timeout, "the call did not begin in time")),
            State;
        Left ->
            event([call, start], #{}, #{what => name_of(Waiting)}, State),
            Worker = {_, Monitor, _} = warpbeam_worker:start(State#state.instance, work(Waiting, limits_of(Left)),
                                                            handler(Waiting, State), import_event(State)),
            State#state{running = (State#state.running)#{Monitor => {Worker, Waiting}}, idle = none}
    end.

left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

limits_of(infinity) -> #{};
limits_of(Left) -> #{timeout => Left}.

work(#waiting{what = {call, Name, Arguments}}, Limits) -> {call, Name, Arguments, Limits};
work(#waiting{what = {go_on, Request}}, Limits) -> {go_on, Request, Limits};
work(#waiting{what = {apply, Fun}}, _Limits) -> {apply, Fun};
work(_Other, _Limits) -> {apply, fun(_) -> warpbeam_request:failure(bad_argument, "not a request to an instance") end}.

name_of(#waiting{what = {call, Name, _}}) -> Name;
name_of(#waiting{what = {apply, _}}) -> apply;
name_of(_Other) -> go_on.

handler(#waiting{handler = {caller, Pid, Tag}}, _State) when is_pid(Pid) ->
    Context = {instance_process, self()},
    fun(M, N, A) -> warpbeam_request:ask_caller(Pid, Tag, M, N, A, Context) end;
handler(_Waiting, #state{ask = {handlers, Handlers}}) ->
    Context = {instance_process, self()},
    fun(M, N, A) -> warpbeam_handlers:ask(Handlers, M, N, A, Context) end;
handler(_Waiting, #state{options = Options, instance = Instance}) ->
    case maps:get(handler, Options, fun warpbeam:no_handler/3) of
        Handler when is_function(Handler, 4) -> fun(M, N, A) -> Handler(M, N, A, Instance) end;
        Handler -> Handler
    end.

ended(#waiting{begun = Begun} = Waiting, Reason, State) ->
    Result = case Reason of
                 {result, Value} -> Value;
                 killed -> warpbeam_request:failure(stopped, "the call was ended");
                 Other -> warpbeam_request:failure(handler_failed, io_lib:format("~0tP", [Other, 30]))
             end,
    event([call, stop], #{duration => erlang:monotonic_time() - Begun},
          #{what => name_of(Waiting), result => kind_of(Result)}, State),
    reply(Waiting, acknowledged(Result, State)),
    State.

kind_of({error, #{kind := Kind}}) -> Kind;
kind_of(_) -> ok.

%% ---- Events ----

event(Name, Measurements, Metadata, #state{options = #{events := Fun}}) ->
    try Fun([warpbeam | Name], Measurements, Metadata#{instance => self()})
    catch _:_ -> ok % whoever watches must not change what is watched
    end;
event(_Name, _Measurements, _Metadata, _State) -> ok.

import_event(#state{options = #{events := Fun}}) ->
    Self = self(),
    fun(#{duration := Duration} = Import) ->
            try Fun([warpbeam, import], #{duration => Duration}, (maps:remove(duration, Import))#{instance => Self})
            catch _:_ -> ok
            end
    end;
import_event(_State) -> fun(_) -> ok end.

%% ---- Snapshots ----

is_idle(#state{running = Running, queue = Queue, instance = Instance}) ->
    map_size(Running) =:= 0 andalso queue:is_empty(Queue) andalso not is_tuple(Instance).

%% Begins to count the time without calls.
idle(#state{options = #{hibernate_after := Time}} = State) ->
    case is_idle(State) of
        true -> State#state{idle = erlang:start_timer(Time, self(), idle)};
        false -> State#state{idle = none}
    end;
idle(State) -> State.

sleep(#state{instance = Instance} = State) ->
    case warpbeam:snapshot(Instance) of
        {ok, Bytes} ->
            ok = warpbeam:stop(Instance),
            event([hibernate], #{bytes => byte_size(Bytes)}, #{}, State),
            {ok, State#state{instance = {asleep, Bytes}, idle = none}};
        Error -> Error
    end.

wake(#state{instance = {asleep, Snapshot}, module = Module, options = Options} = State) ->
    Begin = erlang:monotonic_time(),
    case warpbeam:restore(Module, Snapshot, limits(Options)) of
        {ok, Instance, []} ->
            event([wake], #{duration => erlang:monotonic_time() - Begin}, #{}, State),
            {ok, State#state{instance = Instance}};
        Error -> Error
    end.

%% With `ack => replicated', a result is given only when the replica has the state in which it was computed.
acknowledged(Result, #state{options = #{ack := replicated}, running = Running} = State) when map_size(Running) =:= 0 ->
    case replicate(State) of
        ok -> Result;
        {error, #{message := Message}} ->
            warpbeam_request:failure(not_replicated, ["the call was made, but the replica lacks its effects: ", Message])
    end;
acknowledged(Result, _State) -> Result.

replicate(#state{instance = Instance, options = #{replica := {Replica, Key}}} = State) when not is_tuple(Instance) ->
    case warpbeam:snapshot_series(Instance, []) of
        {ok, Kind, Bytes} ->
            event([snapshot], #{bytes => byte_size(Bytes)}, #{kind => Kind}, State),
            warpbeam_replica:put(Replica, Key, Kind, Bytes);
        Error -> Error
    end;
replicate(_State) -> ok.

%% ---- Migration ----

%% Ends all workers, each with its call in the middle of its code or its result: `{ok, [{Waiting, Call}], State}'.
pause(#state{instance = {asleep, _}} = State, _Deadline) -> {ok, [], State};
pause(#state{instance = Instance} = State, Deadline) ->
    ok = warpbeam:pause(Instance),
    collect([], State, Deadline).

collect(Paused, #state{running = Running} = State, _Deadline) when map_size(Running) =:= 0 ->
    {ok, lists:reverse(Paused), State};
collect(Paused, #state{instance = Instance, running = Running} = State, Deadline) ->
    receive
        {'DOWN', Monitor, process, _, {paused, Call}} when is_map_key(Monitor, Running) ->
            {{_, Waiting}, Others} = maps:take(Monitor, Running),
            collect([{Waiting, Call} | Paused], State#state{running = Others}, Deadline);
        {'DOWN', Monitor, process, _, Reason} when is_map_key(Monitor, Running) ->
            {{_, Waiting}, Others} = maps:take(Monitor, Running),
            collect(Paused, ended(Waiting, Reason, State#state{running = Others}), Deadline)
    after 5 ->
            %% A handler may wait for a call of its own, which the pause holds up.
            case lists:any(fun({Worker, _}) -> warpbeam_worker:is_in_handler(Worker) end, maps:values(Running)) of
                true ->
                    ok = warpbeam:unpause(Instance),
                    timer:sleep(1),
                    case erlang:monotonic_time(millisecond) > Deadline of
                        true ->
                            Error = warpbeam_request:failure(busy, "a handler has run for five seconds"),
                            {error, Error, go_on(Paused, State)};
                        false ->
                            ok = warpbeam:pause(Instance),
                            collect(Paused, State, Deadline)
                    end;
                false -> collect(Paused, State, Deadline)
            end
    end.

%% Goes on here with calls that were paused.
go_on(Paused, #state{instance = Instance} = State) ->
    _ = is_tuple(Instance) orelse warpbeam:unpause(Instance),
    lists:foldl(fun({Waiting, Call}, Next) -> run(Waiting#waiting{what = {go_on, {paused, Call}}}, Next) end, State, Paused).

move(Node, Paused, #state{queue = Queue} = State) ->
    Begin = erlang:monotonic_time(),
    Calls = [leaving(Waiting) || {Waiting, _} <- Paused],
    Waiting = [leaving(Each) || Each <- queue:to_list(Queue)],
    Proxies = [From || #waiting{from = From} <- Calls ++ Waiting, From =/= none],
    Handlers = handlers_that_stay(State),
    case moved(Node, Paused, Calls, Waiting, Handlers, State) of
        {ok, New} ->
            _ = is_tuple(State#state.instance) orelse warpbeam:stop(State#state.instance),
            unlink(Handlers),
            event([migrate], #{duration => erlang:monotonic_time() - Begin}, #{to => New}, State),
            {ok, New, Proxies};
        Failed ->
            lists:foreach(fun({Pid, _}) -> exit(Pid, kill) end, Proxies),
            State#state.ask =:= instance andalso exit(Handlers, kill),
            Failed
    end.

moved(Node, Paused, Calls, Waiting, Handlers, #state{module = Module, instance = Instance, options = Options}) ->
    Snapshots = case Instance of
                    {asleep, Kept} -> {ok, Kept};
                    _ -> warpbeam:snapshot(Instance, [Call || {_, Call} <- Paused])
                end,
    case Snapshots of
        {ok, Bytes} ->
            start_on(Node, #{module => warpbeam:binary(Module), snapshots => Bytes, handlers => Handlers,
                             options => maps:without([handler, handler_in, name], Options), calls => Calls,
                             queue => Waiting});
        Error -> Error
    end.

%% Handlers run on this node, also for an instance on another one.
handlers_that_stay(#state{ask = {handlers, Pid}}) -> Pid;
handlers_that_stay(#state{options = Options}) ->
    {ok, Pid} = warpbeam_handlers:start(maps:get(handler, Options, fun warpbeam:no_handler/3), infinity, self()),
    Pid.

start_on(Node, Moved) ->
    try erpc:call(Node, ?MODULE, adopt, [Moved], 30_000) of
        {ok, Pid} -> {ok, Pid};
        {error, Reason} -> warpbeam_request:failure(migration, io_lib:format("~0tP", [Reason, 30]))
    catch Class:Reason -> warpbeam_request:failure(migration, io_lib:format("~p: ~0tP", [Class, Reason, 30]))
    end.

%% Clocks and monitors belong to a node, and those who wait do so here.
leaving(#waiting{deadline = Deadline, from = From} = Waiting) ->
    Waiting#waiting{deadline = left(Deadline), monitor = none,
                    from = case From of none -> none; _ -> warpbeam_forwarder:proxy(From) end}.
arrived(#waiting{deadline = Left, from = From} = Waiting) ->
    Waiting#waiting{deadline = deadline(Left), monitor = monitor_caller(From), begun = erlang:monotonic_time()}.
