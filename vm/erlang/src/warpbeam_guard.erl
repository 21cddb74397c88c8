%% @private References that send a message when nothing refers to them any more.
-module(warpbeam_guard).
-export([make/2]).
-on_load(init/0).

init() ->
    Folder = filename:dirname(filename:dirname(code:which(?MODULE))),
    erlang:load_nif(filename:join([Folder, "priv", "warpbeam_guard"]), 0).

%% @doc `Process' gets `Message' after the last copy of the reference is gone. A registered name is looked up now.
-spec make(warpbeam_port:server(), term()) -> reference() | none.
make(Process, Message) when is_pid(Process) -> new(Process, Message);
make(Name, Message) when is_atom(Name) ->
    case whereis(Name) of
        Pid when is_pid(Pid) -> new(Pid, Message);
        _ -> none
    end;
make(_, _) -> none.

new(_Pid, _Message) -> erlang:nif_error(not_loaded).
