%% @private What an instance knows of its replica: which snapshot comes next, and which it has not confirmed.
-module(warpbeam_replication).
-export([aside/1, claim/2, follow/2, is_acknowledged/1, is_pending/1, interval/1, put/2, confirmed/2, lost/2]).
-export_type([replication/0, outcome/0]).
-compile({no_auto_import, [put/2]}).

-define(TIMEOUT, 5000). % milliseconds that a replica has for an answer
-define(SERIES, 100).   % increments after which a snapshot is complete again

-record(replication, {replica, key, module :: warpbeam_migration:saved(), epoch :: reference(), number = 0 :: non_neg_integer(),
                      next = complete :: complete | next, acks :: boolean(), interval :: pos_integer(),
                      complete = 0 :: non_neg_integer(), increments = 0 :: non_neg_integer(), % bytes
                      pending = none :: none | {gen_server:request_id(), Timer :: reference()}, monitor :: reference()}).
-opaque replication() :: #replication{}.
-type outcome() :: ok | replaced | {error, #{kind := atom(), message := binary()}}.

%% @doc Makes the key of the options this process's own: `{ok, none | Replication, Snapshots}'.
-spec claim(warpbeam:module_ref(), warpbeam_instance:options()) ->
          {ok, none | replication(), [binary()]} | warpbeam:error().
claim(Module, #{replica := {Replica, Key}} = Options) ->
    Binary = warpbeam_migration:save(Module),
    case warpbeam_replica:claim(Replica, Key, Binary, ?TIMEOUT) of
        {ok, Epoch, Snapshots} ->
            {ok, #replication{replica = Replica, key = Key, module = Binary, epoch = Epoch,
                              acks = maps:get(ack, Options, none) =:= replicated,
                              interval = maps:get(replicate_every, Options, 1000),
                              monitor = erlang:monitor(process, Replica)}, Snapshots};
        Error -> Error
    end;
claim(_Module, #{ack := replicated}) -> warpbeam_request:failure(bad_argument, "ack => replicated needs a replica");
claim(_Module, _Options) -> {ok, none, []}.

%% @doc That of an instance which has moved here; its next snapshot is complete.
-spec follow(none | replication(), pid()) -> none | replication().
follow(none, _From) -> none;
follow(#replication{replica = Replica} = R, From) when is_atom(Replica) ->
    follow(R#replication{replica = {Replica, node(From)}}, From);
follow(#replication{replica = Replica, key = Key, epoch = Epoch} = R, _From) ->
    ok = warpbeam_replica:moved(Replica, Key, Epoch),
    R#replication{next = complete, monitor = erlang:monitor(process, Replica)}.

%% @doc Whether replies wait for the replica.
-spec is_acknowledged(none | replication()) -> boolean().
is_acknowledged(#replication{acks = Acks}) -> Acks;
is_acknowledged(none) -> false.

%% @doc Whether a snapshot is on its way.
-spec is_pending(none | replication()) -> boolean().
is_pending(none) -> false;
is_pending(#replication{pending = Pending}) -> Pending =/= none.

%% @doc How often it is sent, in milliseconds.
-spec interval(replication()) -> pos_integer().
interval(#replication{interval = Interval}) -> Interval.

%% @doc Sends the state: of an instance, or the snapshot that it has become.
-spec put(replication(), warpbeam:instance() | {asleep, binary()}) ->
          {ok, replication(), complete | increment, Bytes :: non_neg_integer()} | warpbeam:error().
put(#replication{next = Next} = R, Instance) ->
    case state(Instance, Next) of
        {ok, Kind, Bytes} -> {ok, sent(R, Kind, Bytes), Kind, byte_size(Bytes)};
        Error -> Error
    end.

state({asleep, Bytes}, _Next) -> {ok, complete, Bytes};
state(Instance, Next) -> aside(fun() -> warpbeam:snapshot_series(Instance, [], Next) end).

%% @doc A snapshot, which may take long, by a fun.
-spec aside(fun(() -> Snapshot)) -> Snapshot | warpbeam:error().
aside(Fun) ->
    case warpbeam_aside:run(Fun) of
        {ok, Snapshot} -> Snapshot;
        {failed, Reason} -> warpbeam_request:failure(not_replicated, io_lib:format("no snapshot: ~0tP", [Reason, 10]));
        stopped -> warpbeam_request:failure(stopped, "the instance is being stopped")
    end.

sent(#replication{replica = Replica, key = Key, epoch = Epoch, number = Before} = R, Kind, Bytes) ->
    Number = Before + 1,
    Request = warpbeam_replica:put(Replica, Key, {Epoch, Number}, Kind, Bytes),
    Timer = erlang:start_timer(?TIMEOUT, self(), put),
    Sized = case Kind of
                complete -> R#replication{complete = byte_size(Bytes), increments = 0};
                increment -> R#replication{increments = R#replication.increments + byte_size(Bytes)}
            end,
    Sized#replication{number = Number, pending = {Request, Timer}, next = next_kind(Number, Sized)}.

%% A complete one is due when the increments would be more to keep, and to restore.
next_kind(Number, #replication{complete = Complete, increments = Increments})
  when Number rem ?SERIES =:= 0; Increments > Complete -> complete;
next_kind(_Number, _R) -> next.

%% @doc Whether a message is the replica's answer to the snapshot on its way, and what that is.
-spec confirmed(term(), none | replication()) -> no | {outcome(), replication()}.
confirmed(_Message, none) -> no;
confirmed(_Message, #replication{pending = none}) -> no;
confirmed({timeout, Timer, put}, #replication{pending = {_, Timer}} = R) ->
    {warpbeam_request:failure(not_replicated, "the replica gave no answer for five seconds"), failed(R)};
confirmed(Message, #replication{pending = {Request, Timer}} = R) ->
    case gen_server:check_response(Message, Request) of
        no_reply -> no;
        Answer ->
            _ = erlang:cancel_timer(Timer),
            outcome(Answer, R)
    end.

outcome({reply, ok}, R) -> {ok, R#replication{pending = none}};
outcome({reply, replaced}, R) -> {replaced, failed(R)};
outcome({reply, gap}, R) -> {warpbeam_request:failure(not_replicated, "the replica lacks the snapshot before"), failed(R)};
outcome({reply, unknown}, #replication{replica = Replica, key = Key, module = Module} = R) ->
    %% The replica was started again, or was told to forget this key.
    case warpbeam_replica:claim(Replica, Key, Module, ?TIMEOUT) of
        {ok, Epoch, _} ->
            {warpbeam_request:failure(not_replicated, "the replica has lost what it had"),
             watched((failed(R))#replication{epoch = Epoch})};
        Error -> {Error, failed(R)}
    end;
outcome({error, {Reason, _}}, R) ->
    {warpbeam_request:failure(not_replicated, io_lib:format("the replica is gone: ~0tP", [Reason, 10])), failed(R)}.

failed(R) -> R#replication{pending = none, next = complete}.

watched(#replication{replica = Replica, monitor = Old} = R) ->
    erlang:demonitor(Old, [flush]),
    R#replication{monitor = erlang:monitor(process, Replica)}.

%% @doc Whether this is the monitor of the replica, which has ended or can't be reached. It is tried again.
-spec lost(reference(), none | replication()) -> no | replication().
lost(Monitor, #replication{monitor = Monitor} = R) -> R#replication{next = complete};
lost(_Monitor, _R) -> no.

