%% @private The native functions; see warpbeam for what they do.
-module(warpbeam_nif).
-export([load/2, imports/1, exports/1, instantiate/2, start_call/3, start_call/4, continue/2, throw/2, resume/2, cancel/1, stop/1,
         pause/2, limit/2, binary/1,
         stats/1, output/2,
         memory_size/2, memory_grow/3, read/4, read_string/4, write/4, global_get/2, global_set/3,
         table_size/2, table_get/3, table_set/4, table_grow/4, snapshot/3, restore/3, fork/2]).
-on_load(init/0).
-compile({no_auto_import, [throw/1]}).

init() ->
    Priv = case code:priv_dir(warpbeam) of
               {error, _} -> filename:join(filename:dirname(filename:dirname(code:which(?MODULE))), "priv");
               Found -> Found
           end,
    erlang:load_nif(filename:join(Priv, "warpbeam_nif"), 0).

load(_Binary, _Options) -> erlang:nif_error(not_loaded).
imports(_Module) -> erlang:nif_error(not_loaded).
exports(_Module) -> erlang:nif_error(not_loaded).
instantiate(_Module, _Options) -> erlang:nif_error(not_loaded).
%% A node that loads this module anew may still have a library without this function.
start_call(Instance, Function, Arguments) -> start_call(Instance, Function, Arguments, #{}).
start_call(_Instance, _Function, _Arguments, _Options) -> erlang:nif_error(not_loaded).
continue(_Call, _Results) -> erlang:nif_error(not_loaded).
throw(_Call, _What) -> erlang:nif_error(not_loaded).
resume(_Call, _Input) -> erlang:nif_error(not_loaded).
cancel(_Call) -> erlang:nif_error(not_loaded).
stop(_Instance) -> erlang:nif_error(not_loaded).
pause(_Instance, _IsPaused) -> erlang:nif_error(not_loaded).
limit(_Call, _Options) -> erlang:nif_error(not_loaded).
binary(_Module) -> erlang:nif_error(not_loaded).
output(_Instance, _Stream) -> erlang:nif_error(not_loaded).
stats(_Instance) -> erlang:nif_error(not_loaded).
memory_size(_Instance, _Name) -> erlang:nif_error(not_loaded).
memory_grow(_Instance, _Name, _Pages) -> erlang:nif_error(not_loaded).
read(_Instance, _Name, _Offset, _Size) -> erlang:nif_error(not_loaded).
read_string(_Instance, _Name, _Offset, _Limit) -> erlang:nif_error(not_loaded).
write(_Instance, _Name, _Offset, _Bytes) -> erlang:nif_error(not_loaded).
global_get(_Instance, _Name) -> erlang:nif_error(not_loaded).
global_set(_Instance, _Name, _Value) -> erlang:nif_error(not_loaded).
table_size(_Instance, _Name) -> erlang:nif_error(not_loaded).
table_get(_Instance, _Name, _Index) -> erlang:nif_error(not_loaded).
table_set(_Instance, _Name, _Index, _Value) -> erlang:nif_error(not_loaded).
table_grow(_Instance, _Name, _Count, _Value) -> erlang:nif_error(not_loaded).
snapshot(_Instance, _Calls, _Options) -> erlang:nif_error(not_loaded).
restore(_Module, _Snapshots, _Options) -> erlang:nif_error(not_loaded).
fork(_Instance, _Calls) -> erlang:nif_error(not_loaded).
