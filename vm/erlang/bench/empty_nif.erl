%% @doc A native function that does nothing.
-module(empty_nif).
-export([empty/1]).
-on_load(init/0).

init() -> erlang:load_nif(filename:join(filename:dirname(code:which(?MODULE)), "empty_nif"), 0).

empty(_Term) -> erlang:nif_error(not_loaded).
