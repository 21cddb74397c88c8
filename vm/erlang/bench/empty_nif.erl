%% @doc Native functions that execute nothing, see empty_nif.cpp.
-module(empty_nif).
-export([empty/1, open/0, call/4, locked_call/4, ask/4, answer/2]).
-on_load(init/0).

init() -> erlang:load_nif(filename:join(filename:dirname(code:which(?MODULE)), "empty_nif"), 0).

empty(_Term) -> erlang:nif_error(not_loaded).
open() -> erlang:nif_error(not_loaded).
call(_Instance, _Name, _Arguments, _Options) -> erlang:nif_error(not_loaded).
locked_call(_Instance, _Name, _Arguments, _Options) -> erlang:nif_error(not_loaded).
ask(_Instance, _Name, _Arguments, _Options) -> erlang:nif_error(not_loaded).
answer(_Call, _Results) -> erlang:nif_error(not_loaded).
