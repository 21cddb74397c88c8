%% @doc Keeps the states of instances for the case that their process or their node is lost: the last complete snapshot
%% and what has changed since. It is started on another node, or on the same one to survive crashes of the process only.
%%
%% With the option `restart', it starts instances here that are lost: not those that were stopped, or end with
%% `shutdown'.
-module(warpbeam_replica).
-behaviour(gen_server).
-export([start_link/1, start_link/2, announce/4, put/4, snapshots/2, keys/1, instance/2, forget/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).
-export_type([server/0, options/0]).
-compile({no_auto_import, [put/2]}).

-type server() :: gen_server:server_ref().
-type options() :: #{restart => fun((Key :: term()) -> warpbeam_instance:options()), name => term()}.
%% `restart' gives the options for the instance of that key, without `replica': it gets this one.

-record(kept, {module :: {binary(), boolean()}, snapshots = [] :: [binary()], instance :: pid(), monitor :: reference()}).
-record(state, {options :: options(), kept = #{} :: #{term() => #kept{}}}).

%% @equiv start_link(#{})
-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(#{name := Name} = Options) -> gen_server:start_link(Name, ?MODULE, Options, []);
start_link(Options) -> gen_server:start_link(?MODULE, Options, []).

%% @doc The same with a name, as for `gen_server:start_link/4'.
-spec start_link(term(), options()) -> {ok, pid()} | {error, term()}.
start_link(Name, Options) -> start_link(Options#{name => Name}).

%% @doc For an instance: says which process has that key, and of which module it is.
-spec announce(server(), term(), warpbeam:module_ref(), pid()) -> ok | warpbeam:error().
announce(Replica, Key, Module, Pid) -> warpbeam_request:call(Replica, {announce, Key, warpbeam:binary(Module), Pid}).

%% @doc For an instance: a snapshot of the series. When this returns, it is kept.
-spec put(server(), term(), complete | increment, binary()) -> ok | warpbeam:error().
put(Replica, Key, Kind, Bytes) -> warpbeam_request:call(Replica, {put, Key, Kind, self(), Bytes}).

%% @doc The snapshots to restore the last state from; none if there is no such key, or no such process.
-spec snapshots(server(), term()) -> [binary()].
snapshots(Replica, Key) ->
    case warpbeam_request:call(Replica, {snapshots, Key}) of
        {ok, Snapshots} -> Snapshots;
        _ -> []
    end.

%% @doc All keys.
-spec keys(server()) -> [term()] | warpbeam:error().
keys(Replica) -> warpbeam_request:call(Replica, keys).

%% @doc The process that has a key now: the one that was started here, after the first was lost.
-spec instance(server(), term()) -> {ok, pid()} | warpbeam:error().
instance(Replica, Key) -> warpbeam_request:call(Replica, {instance, Key}).

%% @doc Forgets a key with its state.
-spec forget(server(), term()) -> ok | warpbeam:error().
forget(Replica, Key) -> warpbeam_request:call(Replica, {forget, Key}).

%% @private
init(Options) -> {ok, #state{options = Options}}.

%% @private
handle_call({announce, Key, Module, Pid}, _From, #state{kept = Kept} = State) ->
    Before = case Kept of
                 #{Key := #kept{monitor = Old, snapshots = Snapshots}} ->
                     erlang:demonitor(Old, [flush]),
                     Snapshots;
                 _ -> []
             end,
    New = #kept{module = Module, snapshots = Before, instance = Pid, monitor = erlang:monitor(process, Pid)},
    {reply, ok, State#state{kept = Kept#{Key => New}}};
handle_call({put, Key, Kind, Pid, Bytes}, _From, #state{kept = Kept} = State) ->
    case Kept of
        %% One that was believed lost must not write over the state of its successor.
        #{Key := #kept{instance = Pid, snapshots = Before} = Entry} ->
            Snapshots = case Kind of
                            complete -> [Bytes];
                            increment -> Before ++ [Bytes]
                        end,
            {reply, ok, State#state{kept = Kept#{Key := Entry#kept{snapshots = Snapshots}}}};
        _ -> {reply, warpbeam_request:failure(usage, "another process has this key"), State}
    end;
handle_call({snapshots, Key}, _From, #state{kept = Kept} = State) ->
    {reply, case Kept of
                #{Key := #kept{snapshots = Snapshots}} -> {ok, Snapshots};
                _ -> missing()
            end, State};
handle_call({instance, Key}, _From, #state{kept = Kept} = State) ->
    {reply, case Kept of
                #{Key := #kept{instance = Pid}} -> {ok, Pid};
                _ -> missing()
            end, State};
handle_call(keys, _From, #state{kept = Kept} = State) -> {reply, maps:keys(Kept), State};
handle_call({forget, Key}, _From, #state{kept = Kept} = State) -> {reply, ok, State#state{kept = maps:remove(Key, Kept)}};
handle_call(_Other, _From, State) ->
    {reply, warpbeam_request:failure(bad_argument, "not a request to a replica"), State}.

missing() -> warpbeam_request:failure(usage, "there is no such key").

%% @private
handle_cast(_Other, State) -> {noreply, State}.

%% @private
handle_info({'DOWN', Monitor, process, _, Reason}, #state{kept = Kept, options = Options} = State) ->
    Lost = [Key || {Key, #kept{monitor = Other}} <- maps:to_list(Kept), Other =:= Monitor],
    case {Lost, is_end(Reason), Options} of
        {[Key], false, #{restart := Restart}} -> restart(Key, maps:get(Key, Kept), Restart);
        _ -> ok
    end,
    {noreply, State};
handle_info(_Other, State) -> {noreply, State}.

is_end(normal) -> true;
is_end(shutdown) -> true;
is_end({shutdown, _}) -> true;
is_end(_) -> false.

%% In a process of its own: the instance that is started asks here for its state.
restart(Key, #kept{module = {Binary, IsDeterministic}}, Restart) ->
    Self = self(),
    spawn(fun() ->
                  {ok, Module} = warpbeam:load(Binary, #{deterministic => IsDeterministic}),
                  {ok, _} = warpbeam_instance:start(Module, (Restart(Key))#{replica => {Self, Key}})
          end).
