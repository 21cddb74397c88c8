%% @doc Processes that answer the imports of instances: as many as a limit allows at once, on the node on which this
%% was started. An instance that has moved to another node still asks here.
-module(warpbeam_handlers).
-behaviour(gen_server).
-export([start_link/2, start/3, follow/2, ask/5, answer/5, bound/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-record(state, {handler :: fun(), max :: pos_integer() | infinity,
                running = #{} :: #{reference() => {gen_server:from(), Handler :: pid(), Asking :: reference()}},
                askers = #{} :: #{reference() => true},
                queue = queue:new() :: queue:queue(), instance :: reference()}).

%% @doc Starts them: that many handlers may run at once. They end with the process that starts them, also if that ends
%% normally.
-spec start_link(fun(), pos_integer() | infinity) -> {ok, pid()} | {error, term()}.
start_link(Handler, Max) -> gen_server:start_link(?MODULE, {Handler, Max, self()}, []).

%% @doc The same without a link; it ends with the process of the instance.
-spec start(fun(), pos_integer() | infinity, pid()) -> {ok, pid()} | {error, term()}.
start(Handler, Max, Instance) -> gen_server:start(?MODULE, {Handler, Max, Instance}, []).

%% @doc From now on they end with this process. It does not wait for them: their node may be lost.
-spec follow(pid(), pid()) -> ok.
follow(Pid, Instance) -> gen_server:cast(Pid, {follow, Instance}).

%% @doc Has an import answered. `Context' is what a handler of arity 4 gets. A handler that fails is an error here.
-spec ask(pid(), binary(), binary(), [warpbeam:value()], term()) -> term().
ask(Pid, Module, Name, Arguments, Context) ->
    case gen_server:call(Pid, {ask, Module, Name, Arguments, Context}, infinity) of
        {answer, Answer} -> Answer;
        {failed, Reason} -> exit(Reason)
    end.

%% @doc The answer of a handler of either arity.
-spec answer(fun(), binary(), binary(), [warpbeam:value()], term()) -> term().
answer(Handler, Module, Name, Arguments, Context) when is_function(Handler, 4) ->
    Handler(Module, Name, Arguments, Context);
answer(Handler, Module, Name, Arguments, _Context) -> Handler(Module, Name, Arguments).

%% @doc A handler of arity 3, whatever the arity of this one.
-spec bound(fun(), term()) -> warpbeam:handler().
bound(Handler, Context) when is_function(Handler, 4) -> fun(M, N, A) -> Handler(M, N, A, Context) end;
bound(Handler, _Context) -> Handler.

%% @private
init({Handler, Max, Instance}) ->
    {ok, #state{handler = Handler, max = Max, instance = erlang:monitor(process, Instance)}}.

%% @private
handle_call({ask, _, _, _, _} = Ask, {Asker, _} = From, #state{queue = Queue, askers = Askers} = State) ->
    Monitor = erlang:monitor(process, Asker),
    {noreply, next(State#state{queue = queue:in({Ask, From, Monitor}, Queue), askers = Askers#{Monitor => true}})};
handle_call(_Other, _From, State) -> {reply, {error, #{kind => bad_argument, message => <<"not a request">>}}, State}.

%% @private
handle_cast({follow, Instance}, #state{instance = Before} = State) ->
    erlang:demonitor(Before, [flush]),
    {noreply, State#state{instance = erlang:monitor(process, Instance)}};
handle_cast(_Other, State) -> {noreply, State}.

%% @private
handle_info({'DOWN', Monitor, process, _, _}, #state{instance = Monitor} = State) -> {stop, normal, State};
handle_info({'DOWN', Monitor, process, _, Reason}, #state{running = Running, askers = Askers, queue = Queue} = State) ->
    case {maps:take(Monitor, Running), maps:take(Monitor, Askers)} of
        {{{From, _, Asking}, Others}, _} ->
            erlang:demonitor(Asking, [flush]),
            gen_server:reply(From, case Reason of
                                       {answer, _} -> Reason;
                                       _ -> {failed, Reason}
                                   end),
            {noreply, next(State#state{running = Others, askers = maps:remove(Asking, Askers)})};
        {error, {_, Others}} -> % the process that asked has ended, so nothing waits for the answer
            _ = [exit(Pid, kill) || {_, Pid, Asking} <- maps:values(Running), Asking =:= Monitor],
            Left = queue:filter(fun({_, _, Asking}) -> Asking =/= Monitor end, Queue),
            {noreply, State#state{askers = Others, queue = Left}};
        {error, error} -> {noreply, State}
    end;
handle_info(_Other, State) -> {noreply, State}.

%% @private
terminate(_Reason, #state{running = Running}) ->
    lists:foreach(fun({_, Pid, _}) -> exit(Pid, kill) end, maps:values(Running)).

%% Runs the next one, if there is room.
next(#state{running = Running, max = Max} = State) when map_size(Running) >= Max -> State;
next(#state{handler = Handler, running = Running, queue = Queue} = State) ->
    case queue:out(Queue) of
        {empty, _} -> State;
        {{value, {{ask, Module, Name, Arguments, Context}, From, Asking}}, Left} ->
            {Pid, Monitor} = spawn_monitor(fun() -> exit({answer, answer(Handler, Module, Name, Arguments, Context)}) end),
            State#state{running = Running#{Monitor => {From, Pid, Asking}}, queue = Left}
    end.
