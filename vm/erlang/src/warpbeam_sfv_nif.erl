%% @private The native functions of warpbeam_sfv, in a library of their own: they need nothing of WebAssembly.
-module(warpbeam_sfv_nif).
-export([parse/4, parse_bare_item/2, serialize/3, serialize_bare_item/1]).
-on_load(init/0).

init() ->
    Priv = case code:priv_dir(warpbeam) of
               {error, _} -> filename:join(filename:dirname(filename:dirname(code:which(?MODULE))), "priv");
               Found -> Found
           end,
    erlang:load_nif(filename:join(Priv, "warpbeam_sfv_nif"), 0).

parse(_Type, _Lines, _MaxBytes, _OptionBits) -> erlang:nif_error(not_loaded).
parse_bare_item(_Binary, _OptionBits) -> erlang:nif_error(not_loaded).
serialize(_Type, _Term, _OptionBits) -> erlang:nif_error(not_loaded).
serialize_bare_item(_BareItem) -> erlang:nif_error(not_loaded).
