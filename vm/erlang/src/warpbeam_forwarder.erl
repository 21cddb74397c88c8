%% @private What the process of an instance becomes when the instance has moved to another node: it passes on what comes,
%% until all who asked are answered and nothing has come for five seconds. Then it ends with
%% `{shutdown, {migrated, Pid}}'. If it is told to stop before, the instance stops.
-module(warpbeam_forwarder).
-behaviour(gen_server).
-export([proxy/1, become/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-define(LINGER, 5000). % milliseconds

-record(state, {to :: pid(), monitor :: reference(), waiting :: #{reference() => true}}).

%% @doc Somebody on this node to whom another node answers, and who answers that caller. It ends with the caller,
%% and with the process that made it, whose end the caller is told by its own monitor.
-spec proxy({pid(), term()}) -> {pid(), reference()}.
proxy({Caller, _} = From) ->
    Tag = make_ref(),
    Server = self(),
    Pid = spawn(fun() ->
                        _ = erlang:monitor(process, Server),
                        _ = erlang:monitor(process, Caller),
                        receive
                            {Tag, Reply} -> gen_server:reply(From, Reply);
                            {'DOWN', _, _, _, _} -> ok
                        end
                end),
    {Pid, Tag}.

%% @doc For a gen_server: goes on as a forwarder to that process, at least until these proxies have answered.
-spec become(pid(), [pid()]) -> no_return().
become(To, Proxies) ->
    Waiting = maps:from_list([{erlang:monitor(process, Pid), true} || Pid <- Proxies]),
    gen_server:enter_loop(?MODULE, [], #state{to = To, monitor = erlang:monitor(process, To), waiting = Waiting}, ?LINGER).

%% @private
init(_) -> {stop, badarg}.

%% @private
handle_call(Request, From, #state{to = To, waiting = Waiting} = State) ->
    {Pid, _} = Proxy = proxy(From),
    To ! {'$gen_call', Proxy, Request},
    {noreply, State#state{waiting = Waiting#{erlang:monitor(process, Pid) => true}}, ?LINGER}.

%% @private
handle_cast(Message, #state{to = To} = State) ->
    gen_server:cast(To, Message),
    {noreply, State, ?LINGER}.

%% @private
handle_info({'DOWN', Monitor, process, _, {shutdown, {migrated, Next}}}, #state{monitor = Monitor} = State) ->
    {noreply, State#state{to = Next, monitor = erlang:monitor(process, Next)}, ?LINGER}; % it was a forwarder, too
handle_info({'DOWN', Monitor, process, _, Reason}, #state{monitor = Monitor} = State) ->
    {stop, {shutdown, {down, Reason}}, State}; % those who wait here are told that this process has ended
handle_info({'DOWN', Monitor, process, _, _}, #state{waiting = Waiting} = State) ->
    {noreply, State#state{waiting = maps:remove(Monitor, Waiting)}, ?LINGER};
handle_info(timeout, #state{to = To, waiting = Waiting} = State) when map_size(Waiting) =:= 0 ->
    {stop, {shutdown, {migrated, To}}, State};
handle_info({'EXIT', _, Reason}, State) when Reason =/= normal -> {stop, Reason, State};
handle_info(_Other, State) -> {noreply, State, ?LINGER}.

%% @private Stopped, as by `warpbeam_instance:stop/1': then the instance is meant. A supervisor or parent that shuts down
%% ends what it has started, which has left.
terminate(normal, #state{to = To, monitor = Monitor}) ->
    exit(To, shutdown),
    receive {'DOWN', Monitor, process, _, _} -> ok after ?LINGER -> ok end;
terminate(_Reason, _State) -> ok.
