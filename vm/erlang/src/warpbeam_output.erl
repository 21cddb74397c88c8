%% @private What is written to a port whose process may not read. The caller is never suspended: what the port does not
%% take waits here, in order.
-module(warpbeam_output).
-export([new/1, put/3, drop/2, size/1, is_blocked/1, written/2]).
-export_type([output/0]).
-compile({no_auto_import, [put/2, size/1]}).

-type tag() :: term().
-record(output, {port :: port(), waiting = queue:new() :: queue:queue({tag(), iodata(), non_neg_integer()}),
                 bytes = 0 :: non_neg_integer(), % that wait, also those of the writer
                 writer = none :: none | {reference(), non_neg_integer()}}).
-opaque output() :: #output{}.

%% @doc Nothing waits.
-spec new(port()) -> output().
new(Port) -> #output{port = Port}.

%% @doc Writes a frame, now or later. The tag names it for `drop/2'.
-spec put(tag(), iodata(), output()) -> output().
put(_Tag, Data, #output{writer = none, port = Port} = Output) ->
    try port_command(Port, Data, [nosuspend]) of
        true -> Output;
        false -> write(Data, iolist_size(Data), Output#output{bytes = iolist_size(Data)})
    catch error:badarg -> Output % it has just been closed: its end is a message that comes next
    end;
put(Tag, Data, #output{waiting = Waiting, bytes = Bytes} = Output) ->
    Size = iolist_size(Data),
    Output#output{waiting = queue:in({Tag, Data, Size}, Waiting), bytes = Bytes + Size}.

%% @doc Forgets those that wait and have one of these tags.
-spec drop(#{tag() => term()}, output()) -> output().
drop(Tags, #output{waiting = Waiting, bytes = Bytes} = Output) ->
    {Dropped, Left} = lists:partition(fun({Tag, _, _}) -> is_map_key(Tag, Tags) end, queue:to_list(Waiting)),
    Output#output{waiting = queue:from_list(Left), bytes = Bytes - lists:sum([Size || {_, _, Size} <- Dropped])}.

%% @doc How many bytes wait.
-spec size(output()) -> non_neg_integer().
size(#output{bytes = Bytes}) -> Bytes.

%% @doc Whether something waits.
-spec is_blocked(output()) -> boolean().
is_blocked(#output{writer = Writer}) -> Writer =/= none.

%% @doc For the monitor of a process that has ended: whether the port takes more now.
-spec written(reference(), output()) -> no | output().
written(Monitor, #output{writer = {Monitor, Size}, bytes = Bytes} = Output) ->
    next(Output#output{writer = none, bytes = Bytes - Size});
written(_Monitor, _Output) -> no.

next(#output{waiting = Waiting} = Output) ->
    case queue:out(Waiting) of
        {{value, {Tag, Data, Size}}, Others} ->
            %% Taken at once, it is written without a process; then the next one is.
            Before = Output#output{waiting = Others, bytes = 0},
            case put(Tag, Data, Before) of
                #output{writer = none} = Free -> next(Free#output{bytes = Output#output.bytes - Size});
                Blocked -> Blocked#output{bytes = Output#output.bytes}
            end;
        {empty, _} -> Output
    end.

%% Who is suspended is another process, which ends when the port has taken the frame or was closed.
write(Data, Size, #output{port = Port} = Output) ->
    {_, Monitor} = spawn_monitor(fun() -> catch port_command(Port, Data) end),
    Output#output{writer = {Monitor, Size}}.
