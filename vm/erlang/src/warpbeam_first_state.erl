%% @private What an instance in a process begins with: its state, and who answers its imports.
-module(warpbeam_first_state).
-export([make/4, ask/2, limits/1]).

%% @doc An instance of the module: a new one, or the one of snapshots. Only a new one may call imports, by its start
%% function.
-spec make(warpbeam:module_ref(), [] | binary() | [binary()], warpbeam_instance:handler() | none,
           warpbeam_instance:options()) -> {ok, warpbeam:instance()} | warpbeam:error().
make(Module, [], Handler, Options) ->
    warpbeam:instantiate(Module, limits(Options), warpbeam_handlers:bound(Handler, none));
make(Module, Snapshot, _Handler, Options) ->
    Begin = erlang:monotonic_time(),
    case warpbeam:restore(Module, Snapshot, limits(Options)) of
        {ok, Instance, []} ->
            warpbeam_events:tell(Options, [restore], #{duration => warpbeam_events:since(Begin)}, #{instance => self()}),
            {ok, Instance};
        {ok, Instance, [_ | _]} ->
            _ = warpbeam:stop(Instance),
            warpbeam_request:failure(usage, "the snapshot has calls, for which nobody waits");
        Error -> Error
    end.

%% @doc Where handlers run; starts the pool if there is one, with a link.
-spec ask(warpbeam_instance:handler(), warpbeam_instance:options()) -> instance | {handlers, pid()}.
ask(Handler, Options) ->
    case maps:get(handler_in, Options, instance) of
        instance -> instance;
        pool -> ask(Handler, Options#{handler_in := {pool, erlang:system_info(schedulers_online)}});
        {pool, Max} ->
            {ok, Handlers} = warpbeam_handlers:start_link(Handler, Max),
            {handlers, Handlers}
    end.

%% @doc The limits of the instance.
-spec limits(warpbeam_instance:options()) -> warpbeam:options().
limits(Options) -> maps:get(limits, Options, #{}).
