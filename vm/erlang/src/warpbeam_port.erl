%% @doc The operating-system process `warpbeam serve', in which modules run that were loaded with the option
%% `isolation'.
%%
%% The process is started when it is first needed, and again after it has died. What it had is lost then: each call
%% that ran, and each use of its instances from then on, has an error of the kind `exit' with the `status' (128 and the
%% number of a signal if that was the reason), and as `snapshot' the last one of the instance, for `warpbeam:restore/2',
%% if one was made. Modules carry their bytes, so they can be used again.
%%
%% `isolation => process' uses the one that is registered as `warpbeam_port'; it is started if there is none. Start it
%% in a supervisor for other options, and more of them for `isolation => {process, Server}'; one on another node is a pid of
%% it or `{Name, Node}', and frees what it has when the process that made it ends, not before.
-module(warpbeam_port).
-behaviour(gen_server).
-export([start_link/0, start_link/1, stop/1, os_pid/1, default/0, request/4, keep_snapshot/4, next_of_series/2,
         loaded_again/2, loaded_again/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export_type([options/0, server/0]).

-type server() :: pid() | atom() | {atom(), node()}.
-type options() :: #{name => atom(), executable => file:name_all(), max_requests => pos_integer(),
                     max_frame => pos_integer(), max_silence => pos_integer() | infinity}.
%% `name': under which it is registered. `executable': the command `warpbeam'; without it the key `executable' of the
%% application `warpbeam', the one in its folder `priv', or the one in `PATH'. `max_requests': how many may run at the
%% same time, 10,000 if it is not given; more are refused with `busy'. `max_frame': the bytes of a request, 1 GiB if it
%% is not given; so many bytes of requests may wait, too, while the process does not read. `max_silence': a process that
%% has requests, or had some that were given up, and says nothing for so many milliseconds, a minute if it is not given,
%% counts as hung: it is killed. Loading, snapshots and large copies keep it silent for as long as they take.

-define(PROTOCOL, 1).
-define(GRACE, 1000).     % milliseconds after its time limit, in which the process itself may end a call
-define(SERIES, 100).     % increments after which a snapshot is complete again
-define(TICKS, 4).        % of the time that the process may be silent
-define(LONGEST, 16#ffffffff). % milliseconds that timers have

-record(client, {number :: pos_integer(), monitor :: reference(), pending = #{} :: #{pos_integer() => []},
                 owns = false :: boolean()}).
-record(state, {options :: options(), port = none :: port() | none,
                output = none :: warpbeam_output:output() | none,
                os_pid = none :: pos_integer() | none,
                silent = 0 :: non_neg_integer(), % ticks of the watch since the process has said something
                watch = none :: reference() | none,
                owes = false :: boolean(), % it has not said anything since it was asked to
                incarnation = incarnation() :: integer(), % of the process that runs or will be started next
                greeted = false :: boolean(),
                statuses = #{} :: #{integer() => map()}, % the errors of those that have ended
                last = 0 :: non_neg_integer(), % number that was given
                requests = #{} :: #{pos_integer() => {gen_server:from(), Of :: reference() | none, Timer :: reference() | none}},
                clients = #{} :: #{pid() => #client{}},
                released = [] :: [reference()],
                snapshots = #{} :: #{{integer(), reference()} => [binary()]}, % of each the last one first
                modules = #{} :: #{{integer(), reference()} => term()}}).

%% @equiv start_link(#{})
-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() -> start_link(#{}).

%% @doc Starts an owner of a process, which is started itself when it is needed.
-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(#{name := Name} = Options) -> gen_server:start_link({local, Name}, ?MODULE, Options, []);
start_link(Options) -> gen_server:start_link(?MODULE, Options, []).

%% @doc Ends the process and all that runs in it.
-spec stop(server()) -> ok.
stop(Server) -> gen_server:stop(Server).

%% @doc The number of the process, if it runs.
-spec os_pid(server()) -> {ok, pos_integer()} | none.
os_pid(Server) -> gen_server:call(Server, os_pid, infinity).

%% @private The one that is registered as `warpbeam_port'.
-spec default() -> atom().
default() ->
    _ = whereis(?MODULE) =/= undefined orelse gen_server:start({local, ?MODULE}, ?MODULE, #{}, []),
    ?MODULE.

%% Also other owners, before and after this one, have other numbers.
incarnation() -> erlang:unique_integer([monotonic]).

%% @private Makes a request of a process; `current' is the one that runs or can be started. The request is about
%% an instance, and has a time limit in milliseconds, after which it is an error of the kind `timeout'. The request and
%% the answer are in the external term format.
-spec request(server(), integer() | current, {atom(), reference() | none, timeout()}, binary()) ->
          {reply, integer(), binary()} | {ended, warpbeam:error()} | warpbeam:error().
request(Server, Incarnation, About, Request) ->
    try gen_server:call(Server, {request, Incarnation, About, Request}, infinity)
    catch exit:_ -> {error, #{kind => exit, message => <<"the owner of the process has ended">>}}
    end.

%% @private The last snapshot of an instance, with those that it needs, is in its errors after the end of the process.
-spec keep_snapshot(server(), {integer(), reference()}, complete | increment, binary()) -> ok.
keep_snapshot(Server, Instance, Kind, Bytes) -> gen_server:cast(Server, {snapshot, Instance, Kind, Bytes}).

%% @private The value of the option `series' for the next snapshot of a series: `complete' when the kept ones have become too
%% many.
-spec next_of_series(server(), {integer(), reference()}) -> true | complete.
next_of_series(Server, Instance) ->
    try gen_server:call(Server, {next_of_series, Instance}, infinity)
    catch exit:_ -> true % which the request itself says
    end.

%% @private What a module of an ended process has become in the one that runs.
-spec loaded_again(server(), {integer(), reference()}) -> {ok, term()} | error | none.
loaded_again(Server, Module) ->
    try gen_server:call(Server, {module, Module}, infinity)
    catch exit:_ -> none
    end.

%% @private It has been loaded again.
-spec loaded_again(server(), {integer(), reference()}, term()) -> ok.
loaded_again(Server, Module, Again) -> gen_server:cast(Server, {module, Module, Again}).

%% @private
init(Options) ->
    process_flag(trap_exit, true),
    case is_map(Options) andalso [Key || {Key, Value} <- maps:to_list(Options), not is_option(Key, Value)] of
        [] -> {ok, #state{options = Options}};
        false -> {stop, element(2, failure(bad_argument, "the options are a map"))};
        [Key | _] -> {stop, element(2, failure(bad_argument, io_lib:format(
                                     "~0tP is no option, or has a wrong value: they are name (an atom), executable (a path), "
                                     "max_requests and max_frame (numbers of at least 1), "
                                     "max_silence (milliseconds or infinity)", [Key, 10])))}
    end.

is_option(name, Name) -> is_atom(Name);
is_option(executable, Path) -> is_list(Path) orelse is_binary(Path);
is_option(max_requests, Count) -> is_integer(Count) andalso Count > 0;
is_option(max_frame, Size) -> is_integer(Size) andalso Size > 16 andalso Size < 1 bsl 31;
is_option(max_silence, Time) -> Time =:= infinity orelse is_integer(Time) andalso Time > 0 andalso Time =< ?LONGEST;
is_option(_, _) -> false.

%% @private
handle_call({request, current, About, Request}, From, State) ->
    handle_call({request, State#state.incarnation, About, Request}, From, State);
handle_call({request, Incarnation, About, Request}, From, #state{incarnation = Incarnation, port = none} = State) ->
    case open(State) of
        {ok, Opened} -> handle_call({request, Incarnation, About, Request}, From, Opened);
        Error -> {reply, Error, State}
    end;
handle_call({request, Incarnation, About, Request}, From, #state{incarnation = Incarnation, output = Output} = State) ->
    Max = maps:get(max_requests, State#state.options, 10_000),
    MaxSize = maps:get(max_frame, State#state.options, 1 bsl 30),
    Waiting = warpbeam_output:size(Output),
    if
        map_size(State#state.requests) >= Max ->
            {reply, failure(busy, ["more than ", integer_to_list(Max), " requests run"]), State};
        byte_size(Request) + 16 > MaxSize ->
            {reply, failure(limit, ["the request has ", integer_to_list(byte_size(Request) + 16),
                                    " bytes, and max_frame is ", integer_to_list(MaxSize)]), State};
        Waiting > 0, Waiting + byte_size(Request) + 16 > MaxSize ->
            {reply, failure(busy, ["the process does not read: ", integer_to_list(Waiting),
                                   " bytes of requests wait, and max_frame is ", integer_to_list(MaxSize)]), State};
        true -> {noreply, send(About, Request, From, State)}
    end;
handle_call({request, Incarnation, {_, Of, _}, _}, _From, State) ->
    Error = maps:get(Incarnation, State#state.statuses, #{kind => exit, message => <<"the process has ended">>}),
    {reply, {ended, with_snapshot(Error, {Incarnation, Of}, State)}, State};
handle_call(os_pid, _From, #state{port = Port, os_pid = Pid} = State) ->
    case Port =/= none andalso erlang:port_info(Port, id) =/= undefined of
        true when Pid =/= none -> {reply, {ok, Pid}, State};
        _ -> {reply, none, State}
    end;
handle_call({next_of_series, Instance}, _From, #state{snapshots = Snapshots} = State) ->
    {reply, series_goes_on(Instance, Snapshots), State};
handle_call({module, Module}, _From, #state{modules = Modules} = State) ->
    {reply, maps:find(Module, Modules), State};
handle_call(_Other, _From, State) -> {reply, failure(bad_argument, "not a request"), State}.

%% @private
handle_cast({snapshot, Instance, Kind, Bytes}, #state{snapshots = Snapshots} = State) ->
    {noreply, State#state{snapshots = kept(Instance, Kind, Bytes, Snapshots)}};
handle_cast({module, Module, Again}, #state{modules = Modules} = State) ->
    {noreply, State#state{modules = Modules#{Module => Again}}};
handle_cast(_Other, State) -> {noreply, State}.

%% @private
handle_info({Port, {data, <<Id:64, Reply/binary>>}}, #state{port = Port, greeted = true} = State) ->
    {noreply, replied(Id, Reply, State#state{silent = 0, owes = false})};
handle_info({Port, {data, First}}, #state{port = Port} = State) ->
    case greeting(First) of
        ok -> {noreply, State#state{greeted = true}};
        Message ->
            end_process(State),
            {noreply, ended(#{kind => unsupported, message => iolist_to_binary(Message)}, State)}
    end;
handle_info({Port, {exit_status, Status}}, #state{port = Port} = State) ->
    {noreply, ended(exit_error(Status), State)};
handle_info({'EXIT', Port, epipe}, #state{port = Port} = State) -> % the port has closed, so that it won't say the status
    Message = <<"the process ended as a request was written to it, or reads no more: its status is unknown">>,
    {noreply, ended(#{kind => exit, message => Message}, State)};
handle_info({'EXIT', Port, Reason}, #state{port = Port} = State) ->
    Message = iolist_to_binary(io_lib:format("the connection to the process has ended: ~P", [Reason, 20])),
    {noreply, ended(#{kind => exit, message => Message}, State)};
handle_info({'EXIT', Pid, Reason}, State) when is_pid(Pid), Reason =/= normal -> {stop, Reason, State};
handle_info({'DOWN', Monitor, process, Pid, _}, #state{output = Output} = State) ->
    case Output =/= none andalso warpbeam_output:written(Monitor, Output) of
        NotOurs when NotOurs =:= no; NotOurs =:= false -> {noreply, client_ended(Pid, State)};
        Written -> {noreply, State#state{output = Written}}
    end;
handle_info({timeout, Timer, {late, Id}}, State) -> {noreply, late(Timer, Id, State)};
handle_info({timeout, Timer, watch}, #state{watch = Timer} = State) -> {noreply, watched(State#state{watch = none})};
handle_info({release, Incarnation, Reference}, State) -> {noreply, release(Incarnation, Reference, State)};
handle_info(flush, State) -> {noreply, flush(State)};
handle_info(_Other, State) -> {noreply, State}.

%% @private
terminate(_Reason, #state{port = none}) -> ok;
terminate(_Reason, State) ->
    end_process(State),
    _ = ended(#{kind => stopped, message => <<"the process was stopped">>}, State),
    ok.

failure(Kind, Message) -> {error, #{kind => Kind, message => iolist_to_binary(Message)}}.

%% An increment is of use only after all since the last complete one.
kept(Instance, complete, Bytes, Snapshots) -> Snapshots#{Instance => [Bytes]};
kept(Instance, increment, Bytes, Snapshots) ->
    case Snapshots of
        #{Instance := Before} -> Snapshots#{Instance := [Bytes | Before]};
        _ -> Snapshots
    end.

%% Increments are never more to keep than another complete snapshot, and an increment.
series_goes_on(Instance, Snapshots) ->
    case Snapshots of
        #{Instance := [_ | _] = Kept} when length(Kept) > ?SERIES -> complete;
        #{Instance := Kept} ->
            [Complete | Increments] = [byte_size(Bytes) || Bytes <- lists:reverse(Kept)],
            case lists:sum(Increments) > Complete of
                true -> complete;
                false -> true
            end;
        _ -> true
    end.

with_snapshot(Error, Instance, #state{snapshots = Snapshots}) ->
    case Snapshots of
        #{Instance := Snapshot} -> {error, Error#{snapshot => lists:reverse(Snapshot)}};
        _ -> {error, Error}
    end.

%% The process: its start and its end

open(#state{options = Options} = State) ->
    Limits = case Options of
                 #{max_frame := Bytes} -> ["--max-frame", integer_to_list(Bytes)];
                 _ -> []
             end,
    Path = executable(Options),
    {module, _} = code:ensure_loaded(warpbeam_guard), % it makes the atoms of answers
    try open_port({spawn_executable, Path},
                  [{args, ["serve", "--stdio" | Limits]}, {packet, 4}, binary, exit_status, use_stdio, hide]) of
        Port ->
            Pid = case erlang:port_info(Port, os_pid) of
                      {os_pid, Found} -> Found;
                      undefined -> none % it has ended already, which a message says
                  end,
            {ok, State#state{port = Port, os_pid = Pid, output = warpbeam_output:new(Port), greeted = false}}
    catch error:Reason ->
            failure(exit, io_lib:format("~ts can't be started: ~P", [Path, Reason, 10]))
    end.

executable(#{executable := Path}) -> Path;
executable(_) ->
    case application:get_env(warpbeam, executable) of
        {ok, Path} -> Path;
        undefined ->
            Ours = warpbeam_guard:file("warpbeam"),
            case {filelib:is_regular(Ours), os:find_executable("warpbeam")} of
                {false, Path} when is_list(Path) -> Path;
                _ -> Ours
            end
    end.

%% A process that does not read would not see the end of its input. The port may be closed already; as long as it is open,
%% no other process has this number.
end_process(#state{port = Port, os_pid = Pid}) ->
    _ = Pid =/= none andalso erlang:port_info(Port, id) =/= undefined andalso warpbeam_guard:kill(Pid),
    try port_close(Port) of _ -> ok
    catch error:badarg -> ok
    end.

%% While there are requests, and after one that nobody waits for any more, the process has to say something from time to
%% time. A call may be silent for long; so the process is asked for a function that it does not have, which it says at
%% once. Ticks are counted, not time, since the node may have stood still itself.
watch(#state{watch = none, options = Options, requests = Requests, owes = Owes} = State)
  when map_size(Requests) > 0; Owes ->
    case maps:get(max_silence, Options, 60_000) of
        infinity -> State;
        Max -> State#state{watch = erlang:start_timer(max(1, Max div ?TICKS), self(), watch)}
    end;
watch(State) -> State.

watched(#state{requests = Requests, owes = false} = State) when map_size(Requests) =:= 0 -> State#state{silent = 0};
watched(#state{silent = Silent, options = Options} = State) when Silent + 1 >= ?TICKS ->
    end_process(State),
    Message = ["the process has said nothing for ", integer_to_list(maps:get(max_silence, Options, 60_000)),
               " ms (max_silence), and was killed"],
    ended(#{kind => exit, status => 128 + 9, message => iolist_to_binary(Message)}, State);
watched(#state{silent = Silent} = State) -> watch(asked(State#state{silent = Silent + 1})).

asked(#state{owes = true} = State) -> State;
asked(#state{last = Last} = State) ->
    put(none, [<<(Last + 1):64, 0:64>>, term_to_binary({ping, []})], State#state{last = Last + 1, owes = true}).

greeting(<<0:64, Greeting/binary>>) ->
    try binary_to_term(Greeting, [safe]) of
        {warpbeam, ?PROTOCOL, _} -> ok;
        {warpbeam, Other, _} ->
            io_lib:format("warpbeam serve speaks version ~P of the protocol, not ~b", [Other, 5, ?PROTOCOL]);
        _ -> "the executable is not warpbeam"
    catch error:badarg -> "the executable is not warpbeam"
    end;
greeting(_) -> "the executable is not warpbeam".

exit_error(Status) ->
    Why = if
              Status > 128 -> ["by the signal ", integer_to_list(Status - 128)];
              true -> ["with the status ", integer_to_list(Status)]
          end,
    #{kind => exit, status => Status, message => iolist_to_binary(["the process has ended ", Why])}.

%% What ran is answered; what was there is gone.
ended(Error, #state{incarnation = Incarnation, requests = Requests, statuses = Statuses} = State) ->
    maps:foreach(fun(_, {From, Of, Timer}) ->
                         stop_timer(Timer),
                         gen_server:reply(From, {ended, with_snapshot(Error, {Incarnation, Of}, State)})
                 end, Requests),
    Clients = maps:map(fun(_, Client) -> Client#client{pending = #{}, owns = false} end, State#state.clients),
    %% Those of long ago are not kept.
    Kept = case map_size(Statuses) < 100 of
               true -> Statuses;
               false -> maps:remove(lists:min(maps:keys(Statuses)), Statuses)
           end,
    State#state{port = none, output = none, os_pid = none, silent = 0, owes = false, incarnation = incarnation(),
                statuses = Kept#{Incarnation => Error}, requests = #{}, clients = Clients, released = [], modules = #{}}.

%% Requests

send({Function, Of, Timeout}, Request, {Pid, _} = From, State) ->
    {Client, #state{last = Last, requests = Requests} = Known} = client(Pid, State),
    Id = Last + 1,
    Owns = Client#client.owns orelse lists:member(Function, [instantiate, restore, fork]),
    Asking = Client#client{pending = (Client#client.pending)#{Id => []}, owns = Owns},
    Asked = Known#state{last = Id, requests = Requests#{Id => {From, Of, timer(Timeout, Id)}},
                        clients = (Known#state.clients)#{Pid => Asking}},
    watch(put(Id, [<<Id:64, (Client#client.number):64>>, Request], Asked)).

timer(Timeout, _Id) when Timeout > ?LONGEST - ?GRACE -> none; % an atom is more than every number
timer(Timeout, Id) -> erlang:start_timer(Timeout + ?GRACE, self(), {late, Id}).

stop_timer(none) -> ok;
stop_timer(Timer) ->
    _ = erlang:cancel_timer(Timer, [{async, true}, {info, false}]),
    ok.

%% The process should have ended it itself. Its answer is of no use any more if it comes.
late(Timer, Id, #state{requests = Requests, clients = Clients} = State) ->
    case Requests of
        #{Id := {{Pid, _} = From, _, Timer}} ->
            gen_server:reply(From, failure(timeout, "the process has not answered in time")),
            #{Pid := #client{pending = Pending} = Client} = Clients,
            Left = State#state{requests = maps:remove(Id, Requests),
                               clients = Clients#{Pid => Client#client{pending = maps:remove(Id, Pending)}}},
            watch(asked(control({cancel, Id}, Left)));
        _ -> State
    end.

client(Pid, #state{clients = Clients, last = Last} = State) ->
    case Clients of
        #{Pid := Client} -> {Client, State};
        _ -> {#client{number = Last + 1, monitor = erlang:monitor(process, Pid)}, State#state{last = Last + 1}}
    end.

put(Tag, Data, #state{output = Output} = State) -> State#state{output = warpbeam_output:put(Tag, Data, Output)}.

control(Term, State) -> put(none, [<<0:128>>, term_to_binary(Term)], State).

replied(Id, Reply, #state{requests = Requests, clients = Clients, incarnation = Incarnation} = State) ->
    case maps:take(Id, Requests) of
        {{{Pid, _} = From, _, Timer}, Others} ->
            stop_timer(Timer),
            gen_server:reply(From, {reply, Incarnation, Reply}),
            #{Pid := #client{pending = Pending} = Client} = Clients,
            State#state{requests = Others, clients = Clients#{Pid => Client#client{pending = maps:remove(Id, Pending)}}};
        error ->
            %% Whoever made the request has died: nobody holds what the answer has.
            lists:foldl(fun(Reference, S) -> release(Incarnation, Reference, S) end, State,
                        warpbeam_remote:references(Reply))
    end.

client_ended(Pid, #state{clients = Clients, requests = Requests} = State) ->
    case maps:take(Pid, Clients) of
        {#client{pending = Pending, owns = false}, Others} when map_size(Pending) =:= 0 ->
            State#state{clients = Others};
        {#client{number = Number, pending = Pending}, Others} ->
            Left = State#state{clients = Others, requests = maps:without(maps:keys(Pending), Requests)},
            case Left of
                #state{output = none} -> Left;
                #state{output = Output} ->
                    Told = control({ended, Number}, Left#state{output = warpbeam_output:drop(Pending, Output)}),
                    case map_size(Pending) of
                        0 -> Told;
                        _ -> watch(asked(Told)) % whoever has waited may have been killed for it
                    end
            end;
        error -> State
    end.

%% What nothing refers to any more is given back, some at a time.

release(Incarnation, Reference, #state{incarnation = Incarnation, released = Released} = State) ->
    _ = Released =:= [] andalso erlang:send_after(100, self(), flush),
    Forgotten = forget({Incarnation, Reference}, State),
    case length(Released) < 99 of
        true -> Forgotten#state{released = [Reference | Released]};
        false -> flush(Forgotten#state{released = [Reference | Released]})
    end;
release(Incarnation, Reference, State) -> forget({Incarnation, Reference}, State).

flush(#state{released = []} = State) -> State;
flush(#state{port = none} = State) -> State#state{released = []};
flush(#state{released = Released} = State) -> control({release, Released}, State#state{released = []}).

forget(Key, #state{snapshots = Snapshots, modules = Modules} = State) ->
    State#state{snapshots = maps:remove(Key, Snapshots), modules = maps:remove(Key, Modules)}.
