%% @private Tells the fun of the option `events' what happens in an instance. The names, measurements and metadata are in
%% `docs/erlang-processes.md'.
-module(warpbeam_events).
-export([tell/4, since/1]).

%% @doc Tells it. Whoever watches does not change what is watched: exceptions are ignored.
-spec tell(warpbeam_instance:options(), [atom()], map(), map()) -> ok.
tell(#{events := Fun}, Name, Measurements, Metadata) ->
    try
        _ = Fun([warpbeam | Name], Measurements, Metadata),
        ok
    catch _:_ -> ok
    end;
tell(_Options, _Name, _Measurements, _Metadata) -> ok.

%% @doc The time since then, in native units.
-spec since(integer()) -> integer().
since(Begin) -> erlang:monotonic_time() - Begin.
