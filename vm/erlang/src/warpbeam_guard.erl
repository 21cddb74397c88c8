%% @private What the node needs for processes of the operating system: references that send a message when nothing refers
%% to them any more, and the end of a process that hangs.
-module(warpbeam_guard).
-export([make/2, kill/1, file/1]).
-on_load(init/0).

init() -> erlang:load_nif(file("warpbeam_guard"), 0).

%% @doc The path of a file in the application's folder `priv'.
-spec file(string()) -> file:filename_all().
file(Name) ->
    Priv = case code:priv_dir(warpbeam) of
               {error, _} -> filename:join(filename:dirname(filename:dirname(code:which(?MODULE))), "priv");
               Found -> Found
           end,
    filename:join(Priv, Name).

%% @doc `Process' gets `Message' after the last copy of the reference is gone. A registered name is looked up now.
-spec make(warpbeam_port:server(), term()) -> reference() | none.
make(Process, Message) when is_pid(Process) -> new(Process, Message);
make(Name, Message) when is_atom(Name) ->
    case whereis(Name) of
        Pid when is_pid(Pid) -> new(Pid, Message);
        _ -> none
    end;
make({Name, Node}, Message) when Node =:= node() -> make(Name, Message);
make(_, _) -> none. % of another node: what it has lives as long as the maker

%% @doc Kills a process of the operating system; `false' if there is none.
-spec kill(pos_integer()) -> boolean().
kill(_OsPid) -> erlang:nif_error(not_loaded).

new(_Pid, _Message) -> erlang:nif_error(not_loaded).
