%% @doc Keeps the states of instances for the case that their process or their node is lost: for each key the last complete
%% snapshot, and what has changed since. It runs on another node, or on the same one to survive the end of a process only.
%%
%% A key belongs to the process that claimed it last. When that is lost, nothing more is taken from it, also if only the
%% connection was lost: so what is restored elsewhere has no second owner. With the option `restart', instances that are
%% lost are started again: not those that were stopped, or ended with `shutdown'.
-module(warpbeam_replica).
-behaviour(gen_server).
-export([start_link/1, start/1, snapshots/2, keys/1, instance/2, forget/2]).
-export([claim/4, moved/3, put/5]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).
-export_type([server/0, options/0, token/0]).
-compile({no_auto_import, [put/2]}).

-type server() :: gen_server:server_ref().
-type options() :: #{name => term(), restart => fun((Key :: term()) -> warpbeam_instance:options() |
                                                                       {node(), warpbeam_instance:options()})}.
%% `name' is as for `gen_server:start_link/4'. `restart' gives the options of the new instance, and the node for it if not
%% that of the replica. If it fails, it is asked again after a second. The new instance has this replica if the options
%% name no other one.
-type token() :: {Epoch :: reference(), Number :: non_neg_integer()}.
%% Whose snapshot it is, and which one of its series.

-define(RETRY, 1000).   % milliseconds
-define(ANSWER, 30_000). % milliseconds, after which a replica counts as gone

-record(kept, {module :: warpbeam_migration:saved(), snapshots = [] :: [binary()], % the last one first
               epoch :: reference() | lost, number = 0 :: non_neg_integer(), instance :: pid(), monitor :: reference()}).
-record(state, {options :: options(), kept = #{} :: #{term() => #kept{}}, restarts = #{} :: #{reference() => term()},
                restarted = #{} :: #{term() => true}}). % within the last second

%% @doc Starts one.
-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(#{name := Name} = Options) -> gen_server:start_link(Name, ?MODULE, Options, []);
start_link(Options) -> gen_server:start_link(?MODULE, Options, []).

%% @doc The same without a link: for `erpc:call/4', whose process ends.
-spec start(options()) -> {ok, pid()} | {error, term()}.
start(#{name := Name} = Options) -> gen_server:start(Name, ?MODULE, Options, []);
start(Options) -> gen_server:start(?MODULE, Options, []).

%% @doc The snapshots of a key, with which `warpbeam:restore/2' makes its last state.
-spec snapshots(server(), term()) -> {ok, [binary()]} | warpbeam:error().
snapshots(Replica, Key) -> warpbeam_request:call(Replica, {snapshots, Key}, ?ANSWER).

%% @doc All keys.
-spec keys(server()) -> {ok, [term()]} | warpbeam:error().
keys(Replica) -> warpbeam_request:call(Replica, keys, ?ANSWER).

%% @doc The process that has a key now. An error of the kind `down' if it is lost and no other one has claimed the key.
-spec instance(server(), term()) -> {ok, pid()} | warpbeam:error().
instance(Replica, Key) -> warpbeam_request:call(Replica, {instance, Key}, ?ANSWER).

%% @doc Forgets a key with its state. If its process still runs, it begins anew with its next snapshot.
-spec forget(server(), term()) -> ok | warpbeam:error().
forget(Replica, Key) -> warpbeam_request:call(Replica, {forget, Key}, ?ANSWER).

%% @private For an instance: makes the key its own, and gives the state to begin with.
-spec claim(server(), term(), warpbeam_migration:saved(), timeout()) ->
          {ok, Epoch :: reference(), [binary()]} | warpbeam:error().
claim(Replica, Key, Module, Timeout) -> warpbeam_request:call(Replica, {claim, Key, Module, self()}, Timeout).

%% @private For an instance: it has moved to this process, which may take long until its first snapshot.
-spec moved(server(), term(), Epoch :: reference()) -> ok.
moved(Replica, Key, Epoch) -> gen_server:cast(Replica, {moved, Key, Epoch, self()}).

%% @private For an instance: sends a snapshot. The answer is a message for `gen_server:check_response/2': `ok',
%% `replaced' if the key has another owner, `unknown' if there is no such key, `gap' if the snapshot before is missing.
-spec put(server(), term(), token(), complete | increment, binary()) -> gen_server:request_id().
put(Replica, Key, Token, Kind, Bytes) -> gen_server:send_request(Replica, {put, Key, Token, Kind, self(), Bytes}).

%% @private
init(Options) when is_map(Options) ->
    case maps:keys(maps:without([name, restart], Options)) of
        [] -> {ok, #state{options = Options}};
        [Key | _] -> {stop, element(2, warpbeam_request:failure(bad_argument, io_lib:format("a replica has no option ~0tP",
                                                                                           [Key, 10])))}
    end;
init(_Other) -> {stop, #{kind => bad_argument, message => <<"the options of a replica are a map">>}}.

%% @private
handle_call({claim, Key, Module, Pid}, _From, #state{kept = Kept} = State) ->
    Epoch = make_ref(),
    Snapshots = case Kept of
                    #{Key := #kept{monitor = Old, snapshots = Before}} ->
                        erlang:demonitor(Old, [flush]),
                        Before;
                    _ -> []
                end,
    New = #kept{module = Module, snapshots = Snapshots, epoch = Epoch, instance = Pid,
                monitor = erlang:monitor(process, Pid)},
    {reply, {ok, Epoch, lists:reverse(Snapshots)}, State#state{kept = Kept#{Key => New}}};
handle_call({put, Key, {Epoch, Number}, Kind, Pid, Bytes}, _From, #state{kept = Kept} = State) ->
    case Kept of
        #{Key := #kept{epoch = Epoch, number = Before, snapshots = Snapshots} = Entry} ->
            case Kind of
                complete -> {reply, ok, keep(Key, Entry, Pid, Number, [Bytes], State)};
                increment when Number =:= Before + 1 ->
                    {reply, ok, keep(Key, Entry, Pid, Number, [Bytes | Snapshots], State)};
                increment -> {reply, gap, State}
            end;
        #{Key := _} -> {reply, replaced, State};
        _ -> {reply, unknown, State}
    end;
handle_call({snapshots, Key}, _From, State) ->
    {reply, with_key(Key, State, fun(#kept{snapshots = Snapshots}) -> {ok, lists:reverse(Snapshots)} end), State};
handle_call({instance, Key}, _From, State) ->
    {reply, with_key(Key, State, fun(#kept{epoch = lost}) -> warpbeam_request:failure(down, "the instance is lost");
                                    (#kept{instance = Pid}) -> {ok, Pid}
                                 end), State};
handle_call(keys, _From, #state{kept = Kept} = State) -> {reply, {ok, maps:keys(Kept)}, State};
handle_call({forget, Key}, _From, #state{kept = Kept} = State) ->
    case maps:take(Key, Kept) of
        {#kept{monitor = Monitor}, Others} ->
            erlang:demonitor(Monitor, [flush]),
            {reply, ok, State#state{kept = Others}};
        error -> {reply, ok, State}
    end;
handle_call(_Other, _From, State) ->
    {reply, warpbeam_request:failure(bad_argument, "not a request to a replica"), State}.

with_key(Key, #state{kept = Kept}, Fun) ->
    case Kept of
        #{Key := Entry} -> Fun(Entry);
        _ -> warpbeam_request:failure(usage, "there is no such key")
    end.

%% What comes from the process to which an instance has moved has the epoch of the one before.
keep(Key, #kept{instance = Pid} = Entry, Pid, Number, Snapshots, #state{kept = Kept} = State) ->
    State#state{kept = Kept#{Key := Entry#kept{number = Number, snapshots = Snapshots}}};
keep(Key, #kept{monitor = Old} = Entry, Pid, Number, Snapshots, State) ->
    erlang:demonitor(Old, [flush]),
    keep(Key, Entry#kept{instance = Pid, monitor = erlang:monitor(process, Pid)}, Pid, Number, Snapshots, State).

%% @private
handle_cast({moved, Key, Epoch, Pid}, #state{kept = Kept} = State) ->
    case Kept of
        #{Key := #kept{epoch = Epoch, number = Number, snapshots = Snapshots} = Entry} ->
            {noreply, keep(Key, Entry, Pid, Number, Snapshots, State)};
        _ -> {noreply, State}
    end;
handle_cast(_Other, State) -> {noreply, State}.

%% @private
handle_info({'DOWN', Monitor, process, Pid, Reason}, #state{restarts = Restarts} = State) ->
    case maps:take(Monitor, Restarts) of
        {Key, Others} -> {noreply, restart(Key, State#state{restarts = Others})}; % if it is still lost, or again
        error -> {noreply, lost(Monitor, Pid, Reason, State)}
    end;
handle_info({retry, Key}, #state{restarted = Restarted} = State) ->
    {noreply, restart(Key, State#state{restarted = maps:remove(Key, Restarted)})};
handle_info(_Other, State) -> {noreply, State}.

lost(Monitor, Pid, Reason, #state{kept = Kept} = State) ->
    case [Key || {Key, #kept{monitor = Other, instance = By}} <- maps:to_list(Kept), Other =:= Monitor, By =:= Pid] of
        [Key] ->
            #{Key := Entry} = Kept,
            Lost = State#state{kept = Kept#{Key := Entry#kept{epoch = lost}}},
            case Reason of
                {shutdown, {migrated, Next}} -> % it has not said so itself yet
                    State#state{kept = Kept#{Key := Entry#kept{instance = Next, monitor = erlang:monitor(process, Next)}}};
                _ ->
                    case is_end(Reason) of
                        true -> Lost;
                        false -> restart(Key, Lost)
                    end
            end;
        [] -> State
    end.

is_end(normal) -> true;
is_end(shutdown) -> true;
is_end({shutdown, {down, Reason}}) -> is_end(Reason); % the process had moved, and the new one is lost
is_end({shutdown, _}) -> true;
is_end(_) -> false.

is_lost(Key, #state{kept = Kept}) ->
    case Kept of
        #{Key := #kept{epoch = Epoch}} -> Epoch =:= lost;
        _ -> false
    end.

%% In a process of its own: the instance that is started asks here for its state. One at a time, and one in a second.
restart(Key, #state{options = #{restart := Restart}, kept = Kept, restarts = Restarts, restarted = Restarted} = State) ->
    case is_lost(Key, State) andalso not is_map_key(Key, Restarted) andalso not lists:member(Key, maps:values(Restarts)) of
        true ->
            #{Key := #kept{module = Module}} = Kept,
            Self = self(),
            {_, Monitor} = spawn_monitor(fun() -> start_again(Module, Restart(Key), Self, Key) end),
            _ = erlang:send_after(?RETRY, Self, {retry, Key}),
            State#state{restarts = Restarts#{Monitor => Key}, restarted = Restarted#{Key => true}};
        false -> State % somebody has claimed or forgotten it
    end;
restart(_Key, State) -> State.

start_again(Module, {Node, Options}, Replica, Key) ->
    {ok, Snapshots} = snapshots(Replica, Key),
    From = case Options of
               #{replica := _} -> #{snapshot => Snapshots}; % from here, since the other one has no state
               _ -> #{replica => {Replica, Key}}
           end,
    {ok, _} = erpc:call(Node, warpbeam_instance, start_binary, [Module, maps:merge(From, Options)], 30_000);
start_again(Module, Options, Replica, Key) -> start_again(Module, {node(), Options}, Replica, Key).
