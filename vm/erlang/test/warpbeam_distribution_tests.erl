%% Instances on several nodes, which run on this machine.
-module(warpbeam_distribution_tests).
-include_lib("eunit/include/eunit.hrl").
-export([restart_options/1]).

%% These tests may run twice at the same time.
start_node(Name) -> start_node(Name, #{}).

start_node(Name, Options) ->
    {ok, Peer, Node} = peer:start_link(Options#{name => list_to_atom(atom_to_list(Name) ++ "_" ++ os:getpid()),
                                         host => "127.0.0.1", longnames => true, wait_boot => 60_000,
                                         args => ["-setcookie", atom_to_list(erlang:get_cookie()), "-pa" | code:get_path()]}),
    unlink(Peer),
    {Peer, Node}.

stop_node({Peer, _}) -> catch peer:stop(Peer).

kill_node({_, Node}) -> erpc:cast(Node, erlang, halt, [1, [{flush, false}]]).

distributed_test_() ->
    {setup,
     fun() ->
             _ = os:cmd("epmd -daemon"),
             Name = list_to_atom("warpbeam_" ++ os:getpid() ++ "@127.0.0.1"),
             {ok, _} = net_kernel:start(Name, #{name_domain => longnames}),
             ok
     end,
     fun(_) -> net_kernel:stop() end,
     [{timeout, 120, {atom_to_list(Name), Test}} ||
         {Name, Test} <- [{remote_calls, fun remote_calls/0}, {migration, fun migration/0}, {stop_of_moved, fun stop_of_moved/0},
                          {migration_fails, fun migration_fails/0}, {groups, fun groups/0},
                          {lost_node, fun lost_node/0}, {moves_under_load, fun moves_under_load/0},
                          {handler_holds_up, fun handler_holds_up/0}, {no_second_owner, fun no_second_owner/0},
                          {elsewhere, fun elsewhere/0},
                          {lost_in_a_call, fun lost_in_a_call/0}, {left_in_a_call, fun left_in_a_call/0},
                          {stopped_in_a_move, fun stopped_in_a_move/0}, {isolated_elsewhere, fun isolated_elsewhere/0},
                          {broken_at_each_step, fun broken_at_each_step/0}, {killed_in_moves, fun killed_in_moves/0},
                          {isolated_moves, fun isolated_moves/0}, {streams_elsewhere, fun streams_elsewhere/0}]]}.

remote_calls() ->
    Peer = {_, Node} = start_node(remote),
    {Binary, false} = warpbeam:binary(warpbeam_process_tests:module()),
    {ok, Pid} = erpc:call(Node, fun() ->
                                        {ok, M} = warpbeam:load(Binary),
                                        warpbeam_instance:start(M, #{name => {local, there}})
                                end),
    {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
    {ok, [2]} = warpbeam_instance:call({there, Node}, "next", []),
    %% The handler runs here.
    Self = self(),
    {ok, [6]} = warpbeam_instance:call({there, Node}, "ask", [5],
                                       #{handler => fun(_, _, [N]) -> Self ! {here, node()}, {ok, [N + 1]} end}),
    receive {here, Here} -> ?assertEqual(node(), Here) end,
    spawn(fun() -> Self ! {lost, warpbeam_instance:call(Pid, "count", [1 bsl 60], infinity)} end),
    timer:sleep(50),
    kill_node(Peer),
    receive {lost, {error, #{kind := down, reason := {nodedown, Node}}}} -> ok after 20_000 -> error(late) end,
    stop_node(Peer).

%% A running call moves twice, with one that waits for its turn, and one in the queue; its imports are answered where they always were.
migration() ->
    Peers = [{_, First}, {_, Second}] = [start_node(first), start_node(second)],
    Self = self(),
    Handler = fun(_, _, [N], Context) ->
                      Self ! {asked, node()},
                      case N of
                          100 -> {ok, [M]} = warpbeam_instance:reenter(Context, "next", []), {ok, [M]};
                          _ -> {ok, [N * 2]}
                      end
              end,
    {ok, Pid} = warpbeam_instance:start(warpbeam_process_tests:module(), #{handler => Handler, interleave => 2}),
    {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
    Call = fun(Name, Args) -> spawn(fun() -> Self ! {Name, Args, warpbeam_instance:call(Pid, Name, Args, infinity)} end) end,
    Call("until_released", [1]),
    Call("until_released", [2]),
    Call("ask", [7]), % waits for its turn
    test_wait:until(fun() -> {ok, #{running := N, waiting := W}} = warpbeam_instance:stats(Pid), {N, W} =:= {2, 1} end),
    {ok, There} = warpbeam_instance:migrate(Pid, First),
    First = node(There),
    {ok, #{running := 2, waiting := 1}} = warpbeam_instance:stats(There),
    {ok, Back} = warpbeam_instance:migrate(There, Second),
    Second = node(Back),
    %% No call could end them, since one has the turn.
    ok = erpc:call(Second, fun() -> warpbeam:set_global(element(3, sys:get_state(Back)), "go", 1) end),
    [receive {"until_released", [N], {ok, [N]}} -> ok after 20_000 -> error(late) end || N <- [1, 2]],
    receive {"ask", [7], {ok, [14]}} -> ok after 20_000 -> error(late) end,
    receive {asked, Asked} -> ?assertEqual(node(), Asked) end,
    %% State, re-entry and new calls by way of the first process.
    {ok, [2]} = warpbeam_instance:call(Pid, "next", []),
    {ok, [3]} = warpbeam_instance:call(Back, "ask", [100]),
    Monitor = erlang:monitor(process, Pid),
    receive {'DOWN', Monitor, process, _, {shutdown, {migrated, To}}} -> ?assert(lists:member(To, [There, Back]))
    after 20_000 -> error(late)
    end,
    {ok, [4]} = warpbeam_instance:call(Back, "next", []),
    ok = warpbeam_instance:stop(Back),
    [stop_node(Peer) || Peer <- Peers].

%% Who stops the process that has moved means the instance; a supervisor that ends it does not.
stop_of_moved() ->
    {_, Node} = Peer = start_node(stops),
    Moved = fun() ->
                    {ok, Pid} = warpbeam_instance:start(warpbeam_process_tests:module(), #{}),
                    {ok, There} = warpbeam_instance:migrate(Pid, Node),
                    {Pid, There, erlang:monitor(process, There)}
            end,
    {First, There, Monitor} = Moved(),
    ok = warpbeam_instance:stop(First),
    receive {'DOWN', Monitor, process, There, shutdown} -> ok after 10_000 -> error(late) end,
    {Second, Other, _} = Moved(),
    Ended = erlang:monitor(process, Second),
    exit(Second, shutdown),
    receive {'DOWN', Ended, process, _, shutdown} -> ok after 10_000 -> error(late) end,
    {ok, [1]} = warpbeam_instance:call(Other, "next", []),
    ok = warpbeam_instance:stop(Other),
    stop_node(Peer).

%% Under load from callers of which some die, it moves to and fro; nobody gets another one's answer, or none.
moves_under_load() ->
    Peer = {_, Node} = start_node(load),
    Handler = fun(_, _, [N], Context) ->
                      {ok, [_]} = warpbeam_instance:reenter(Context, "next", []),
                      timer:sleep(N rem 2),
                      {ok, [N]}
              end,
    {ok, Pid} = warpbeam_instance:start(warpbeam_process_tests:module(), #{handler => Handler, handler_in => {pool, 2},
                                                                           interleave => 3}),
    Self = self(),
    Caller = fun Caller(_Id, Made) when Made =:= 60 -> Self ! done;
                 Caller(Id, Made) ->
                     {ok, [Id]} = warpbeam_instance:call(Pid, "ask", [Id], infinity),
                     Caller(Id, Made + 1)
             end,
    [spawn_link(fun() -> Caller(Id, 0) end) || Id <- lists:seq(1, 8)],
    Dying = spawn(fun Die() ->
                          {Short, Monitor} = spawn_monitor(fun() -> warpbeam_instance:call(Pid, "ask", [1000], infinity) end),
                          timer:sleep(1),
                          exit(Short, kill),
                          receive {'DOWN', Monitor, _, _, _} -> Die() end
                  end),
    Last = lists:foldl(fun(To, Now) ->
                               {ok, New} = warpbeam_instance:migrate(Now, To, 20_000),
                               To = node(New),
                               New
                       end, Pid, [Node, node(), Node, node()]),
    [receive done -> ok after 60_000 -> error(late) end || _ <- lists:seq(1, 8)],
    exit(Dying, kill),
    {ok, [Made]} = warpbeam_instance:call(Last, "next", [], infinity),
    ?assert(Made > 8 * 60), % one for each import, and some of those who died
    ok = warpbeam_instance:stop(Last),
    stop_node(Peer).

%% A handler that takes long holds up a move, for no longer than it is told.
handler_holds_up() ->
    Peer = {_, Node} = start_node(slow),
    Self = self(),
    Handler = fun(_, _, [N]) -> Self ! {handler, self()}, receive go_on -> {ok, [N]} end end,
    {ok, Pid} = warpbeam_instance:start(warpbeam_process_tests:module(), #{handler => Handler}),
    spawn(fun() -> Self ! {answer, warpbeam_instance:call(Pid, "ask", [3], infinity)} end),
    InHandler = receive {handler, H} -> H after 5000 -> error(late) end,
    {error, #{kind := busy}} = warpbeam_instance:migrate(Pid, Node, 50),
    spawn(fun() -> Self ! {moved, warpbeam_instance:migrate(Pid, Node)} end),
    timer:sleep(20),
    InHandler ! go_on,
    receive {answer, {ok, [3]}} -> ok after 5000 -> error(late) end,
    New = receive {moved, {ok, There}} -> There after 10_000 -> error(late) end,
    {ok, [1]} = warpbeam_instance:call(New, "next", []),
    ok = warpbeam_instance:stop(New),
    stop_node(Peer).

%% An instance of which the old process has not let go never runs.
no_second_owner() ->
    {ok, I} = warpbeam:instantiate(warpbeam_process_tests:module()),
    {ok, Snapshot} = warpbeam:snapshot(I),
    Old = spawn(fun() -> receive stop -> ok end end),
    {ok, New} = warpbeam_instance:adopt(#{module => warpbeam:binary(warpbeam_process_tests:module()), snapshot => Snapshot,
                                          calls => [], queue => [], handlers => self(), options => #{}, from => Old,
                                          go => make_ref()}),
    Monitor = erlang:monitor(process, New),
    spawn(fun() -> warpbeam_instance:call(New, "next", []) end),
    exit(Old, kill),
    receive {'DOWN', Monitor, process, New, Reason} -> ?assertEqual({shutdown, not_moved}, Reason)
    after 20_000 -> error({late, process_info(New, current_stacktrace)})
    end.

%% The instance of a lost node begins again on another one; if that is lost, too, on the next.
elsewhere() ->
    Peers = [{_, First}, {_, Second}] = [start_node(elsewhere_1), start_node(elsewhere_2)],
    Here = node(),
    Restart = fun(key) ->
                      Options = #{ack => replicated},
                      case lists:member(Second, nodes()) of
                          true -> {Second, Options};
                          false -> {Here, Options}
                      end
              end,
    {ok, Replica} = warpbeam_replica:start_link(#{restart => Restart}),
    {ok, Pid} = erpc:call(First, warpbeam_instance, start_binary,
                          [warpbeam:binary(warpbeam_process_tests:module()), #{ack => replicated, replica => {Replica, key}}]),
    {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
    OnNode = fun(Node) ->
                     test_wait:until(fun() -> case warpbeam_replica:instance(Replica, key) of
                                             {ok, Now} -> node(Now) =:= Node;
                                             {error, #{kind := down}} -> false
                                         end end),
                     {ok, Now} = warpbeam_replica:instance(Replica, key),
                     Now
             end,
    kill_node(hd(Peers)),
    {ok, [2]} = warpbeam_instance:call(OnNode(Second), "next", []),
    kill_node(lists:last(Peers)),
    Last = OnNode(Here),
    {ok, [3]} = warpbeam_instance:call(Last, "next", []),
    ok = warpbeam_instance:stop(Last),
    [stop_node(Peer) || Peer <- Peers],
    gen_server:stop(Replica).

%% If it can't move, it goes on where it is.
migration_fails() ->
    {ok, Pid} = warpbeam_instance:start(warpbeam_process_tests:module(), #{}),
    Self = self(),
    Count = 20_000_000,
    spawn(fun() -> Self ! warpbeam_instance:call(Pid, "count", [Count], infinity) end),
    timer:sleep(20),
    {error, #{kind := migration}} = warpbeam_instance:migrate(Pid, 'nobody@127.0.0.1'),
    {error, #{kind := bad_argument}} = warpbeam_instance:migrate(Pid, {not_a, node}),
    receive {ok, [Count]} -> ok after 60_000 -> error(late) end,
    {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
    ok = warpbeam_instance:stop(Pid).

groups() ->
    Peers = [start_node(Name) || Name <- [worker_1, worker_2]],
    {Binary, false} = warpbeam:binary(warpbeam_process_tests:module()),
    [{ok, _} = erpc:call(Node, fun() ->
                                       {ok, M} = warpbeam:load(Binary),
                                       warpbeam_instance:start(M, #{groups => [workers]})
                               end) || {_, Node} <- Peers],
    ok = warpbeam_group:start(),
    test_wait:until(fun() -> length(warpbeam_group:members(workers)) =:= 2 end),
    [{ok, [_]} = warpbeam_group:call(workers, "next", []) || _ <- lists:seq(1, 20)],
    kill_node(hd(Peers)),
    test_wait:until(fun() -> length(warpbeam_group:members(workers)) =:= 1 end),
    [{ok, [_]} = warpbeam_group:call(workers, "next", []) || _ <- lists:seq(1, 5)],
    {error, #{kind := down}} = warpbeam_group:call(nobody, "next", []),
    [stop_node(Peer) || Peer <- Peers].

restart_options(_Key) -> #{ack => replicated, groups => [replicated]}.

%% Nodes are killed at random during load: what was acknowledged is never lost.
lost_node() ->
    Seed = case os:getenv("WARPBEAM_SEED") of
               false -> erlang:unique_integer([positive]);
               Given -> list_to_integer(Given)
           end,
    rand:seed(exsss, Seed),
    {ok, Replica} = warpbeam_replica:start_link(#{restart => fun ?MODULE:restart_options/1}),
    {Binary, false} = warpbeam:binary(warpbeam_process_tests:module()),
    Last = lists:foldl(
             fun(Round, Acknowledged) ->
                     Peer = {_, Node} = start_node(list_to_atom("lost_" ++ integer_to_list(Round))),
                     %% From here it moves to the node that will be lost.
                     Pid = case warpbeam_replica:instance(Replica, key) of
                               {ok, Here} -> {ok, There} = warpbeam_instance:migrate(Here, Node), There;
                               _ ->
                                   {ok, There} =
                                       erpc:call(Node, fun() ->
                                           {ok, M} = warpbeam:load(Binary),
                                           warpbeam_instance:start(M, (restart_options(key))#{replica => {Replica, key}})
                                       end),
                                   There
                           end,
                     erlang:send_after(rand:uniform(200), self(), kill),
                     Known = load(Pid, Acknowledged, Peer),
                     stop_node(Peer),
                     test_wait:until(fun() -> case warpbeam_replica:instance(Replica, key) of
                                                     {ok, Now} -> node(Now) =:= node();
                                                     {error, #{kind := down}} -> false
                                                 end end),
                     {ok, Again} = warpbeam_replica:instance(Replica, key),
                     {ok, [N]} = warpbeam_instance:call(Again, "next", []),
                     %% The call that was lost may have been kept or not.
                     ?assert(N =:= Known + 1 orelse N =:= Known + 2),
                     N
             end, 0, lists:seq(1, 4)),
    ?debugFmt("seed ~b: ~b calls were acknowledged", [Seed, Last]),
    gen_server:stop(Replica).

load(Pid, Acknowledged, Peer) ->
    receive kill -> kill_node(Peer) after 0 -> ok end,
    case warpbeam_instance:call(Pid, "next", []) of
        {ok, [N]} ->
            ?assertEqual(Acknowledged + 1, N),
            load(Pid, N, Peer);
        {error, #{kind := down}} -> Acknowledged
    end.

%% An instance that has moved in the middle of a call, of which the replica has nothing from there, is its owner's all
%% the same.
moved_in_a_call(Replica, From, To) ->
    {ok, Pid} = erpc:call(From, warpbeam_instance, start_binary,
                          [warpbeam:binary(warpbeam_process_tests:module()), #{replica => {Replica, key}, ack => replicated}]),
    {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
    ok = warpbeam_instance:cast(Pid, "until_released", [1]),
    test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(Pid), N =:= 1 end),
    {ok, There} = warpbeam_instance:migrate(Pid, To),
    {Pid, There}.

%% The new node is lost: the instance begins again.
lost_in_a_call() ->
    Peer = {_, Node} = start_node(lost_in_a_call),
    {ok, Replica} = warpbeam_replica:start_link(#{restart => fun(key) -> #{ack => replicated} end}),
    {Old, There} = moved_in_a_call(Replica, node(), Node),
    Caller = spawn(fun() -> warpbeam_instance:call(There, "next", [], infinity) end),
    kill_node(Peer),
    test_wait:until(fun() -> case warpbeam_replica:instance(Replica, key) of
                                 {ok, Now} -> not lists:member(Now, [Old, There]);
                                 {error, #{kind := down}} -> false
                             end end),
    {ok, Again} = warpbeam_replica:instance(Replica, key),
    {ok, [2]} = warpbeam_instance:call(Again, "next", []),
    ok = warpbeam_instance:stop(Again),
    exit(Caller, kill),
    stop_node(Peer),
    gen_server:stop(Replica).

%% The old node is lost, or the old process has ended: the new process goes on, with all that it did.
left_in_a_call() ->
    {ok, Replica} = warpbeam_replica:start_link(#{restart => fun(key) -> #{ack => replicated} end}),
    Leave = fun(Peer, From, To) ->
                    {Old, There} = moved_in_a_call(Replica, From, To),
                    Monitor = erlang:monitor(process, Old),
                    Peer =/= none andalso kill_node(Peer),
                    receive {'DOWN', Monitor, process, _, _} -> ok after 20_000 -> error(late) end,
                    {ok, There} = warpbeam_replica:instance(Replica, key),
                    ok = erpc:call(To, fun() -> warpbeam:set_global(element(3, sys:get_state(There)), "go", 1) end),
                    {ok, [2]} = warpbeam_instance:call(There, "next", []),
                    {ok, There} = warpbeam_replica:instance(Replica, key),
                    ok = warpbeam_instance:stop(There),
                    ok = warpbeam_replica:forget(Replica, key)
            end,
    First = {_, Node} = start_node(left_in_a_call),
    Leave(none, node(), Node),
    Leave(First, Node, node()),
    stop_node(First),
    gen_server:stop(Replica).

%% The end of an instance does not wait for a node that does not answer.
stopped_in_a_move() ->
    Peer = {_, Node} = start_node(stands_still),
    {ok, Pid} = warpbeam_instance:start(warpbeam_process_tests:module(), #{}),
    {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
    Still = erpc:call(Node, os, getpid, []),
    _ = os:cmd("kill -STOP " ++ Still),
    Self = self(),
    spawn(fun() -> Self ! {moved, warpbeam_instance:migrate(Pid, Node)} end),
    test_wait:until(fun() -> {current_function, {F, _, _}} = process_info(Pid, current_function), F =:= warpbeam_aside end),
    {Time, ok} = timer:tc(fun() -> warpbeam_instance:stop(Pid) end),
    _ = os:cmd("kill -CONT " ++ Still),
    ?assert(Time < 3_000_000), % it was up to 30 seconds
    receive {moved, {error, #{kind := Kind}}} -> ?assert(lists:member(Kind, [migration, down])) after 10_000 -> error(late) end,
    stop_node(Peer).

%% The process of the operating system may belong to another node.
isolated_elsewhere() ->
    Peer = {_, Node} = start_node(isolated),
    {ok, _} = erpc:call(Node, gen_server, start, [{local, there}, warpbeam_port, #{}, []]),
    Server = {there, Node},
    {ok, Pid} = warpbeam_port:os_pid(Server) =:= none andalso
        begin
            {ok, M} = warpbeam:load("(module (func (export \"five\") (result i32) (i32.const 5)) (memory (export \"memory\") 1))",
                                    #{isolation => {process, Server}}),
            {ok, I} = warpbeam:instantiate(M),
            {ok, [5]} = warpbeam:call(I, "five", []),
            ok = warpbeam:write(I, 0, "abc"),
            {ok, Bytes} = warpbeam:snapshot(I),
            {ok, Copy, []} = warpbeam:restore(M, Bytes),
            {ok, <<"abc">>} = warpbeam:read(Copy, 0, 3),
            warpbeam_port:os_pid(Server)
        end,
    ?assert(is_integer(Pid)),
    kill_node(Peer),
    test_wait:until(fun() -> not lists:member(Node, nodes()) end),
    {error, #{kind := exit}} = warpbeam:load("(module)", #{isolation => {process, Server}}),
    stop_node(Peer).

%% So may the devices of a program, by name.
streams_elsewhere() ->
    Peer = {_, Node} = start_node(streams),
    Self = self(),
    Device = fun Device() ->
                     receive {io_request, From, As, Request} ->
                             Self ! Request,
                             From ! {io_reply, As, case Request of {get_line, _, _} -> "line\n"; _ -> ok end},
                             Device()
                     end
             end,
    true = erpc:call(Node, fun() -> register(device, spawn(Device)) end),
    %% Writes what it reads.
    {ok, M} = warpbeam:load("(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export \"memory\") 1)
        (func (export \"_start\")
            (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 50))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (i32.store (i32.const 4) (i32.load (i32.const 8)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"),
    There = {device, {device, Node}},
    {ok, #{status := 0}} = warpbeam_wasi:run(M, #{stdin => There, stdout => There}),
    receive {put_chars, latin1, Written} -> ?assertEqual(<<"line\n">>, iolist_to_binary(Written)) after 5000 -> error(late) end,
    stop_node(Peer).

%% The connection breaks, or a side ends, at each step of taking over.
broken_at_each_step() ->
    Peer = {_, Node} = start_node(broken, #{connection => standard_io}), % it goes on without the other one
    Self = self(),
    Here = node(),
    Adopt = fun(Old, Go) ->
                    {ok, I} = warpbeam:instantiate(warpbeam_process_tests:module()),
                    {ok, [1]} = warpbeam:call(I, "next", []),
                    {ok, Snapshot} = warpbeam:snapshot(I),
                    {ok, New} = erpc:call(Node, warpbeam_instance, adopt,
                                          [#{module => warpbeam:binary(warpbeam_process_tests:module()), snapshot => Snapshot,
                                             calls => [], queue => [], handlers => Old, options => #{}, from => Old, go => Go}]),
                    New
            end,
    Word = fun() -> {take_over, make_ref(), none, []} end,
    Cut = fun() -> true = erlang:disconnect_node(Node), test_wait:until(fun() -> not lists:member(Node, nodes()) end) end,
    %% Nothing breaks; then it is asked again.
    {take_over, Go, _, _} = First = Word(),
    New = Adopt(Self, Go),
    taken = warpbeam_migration:take_over(New, First, 5000),
    {ok, [2]} = warpbeam_instance:call(New, "next", []),
    taken = warpbeam_migration:take_over(New, First, 5000),
    {ok, [3]} = warpbeam_instance:call(New, "next", []),
    ok = warpbeam_instance:stop(New),
    %% Before the word: the new process waits for it.
    {take_over, Go2, _, _} = Second = Word(),
    New2 = Adopt(Self, Go2),
    Cut(),
    timer:sleep(100),
    Taken = warpbeam_migration:take_over(New2, Second, 10_000),
    ?assert(lists:member(Taken, [taken, cut])),
    {ok, [2]} = warpbeam_instance:call(New2, "next", []),
    ok = warpbeam_instance:stop(New2),
    %% After the word, before the answer: the old one asks again.
    Loses = fun(Then) ->
                    spawn(Node, fun() ->
                                        receive {{take_over, Ref, _, _}, _} -> erlang:disconnect_node(Here), Then(Ref) end
                                end)
            end,
    cut = warpbeam_migration:take_over(Loses(fun(Ref) -> receive {{take_over, Ref, _, _}, Asker} -> Asker ! {Ref, taken} end end),
                                       Word(), 10_000),
    %% It took over, or it did not, and has ended since.
    in_doubt = warpbeam_migration:take_over(Loses(fun(_) -> exit(normal) end), Word(), 10_000),
    %% It ends without a word; the connection is there.
    refused = warpbeam_migration:take_over(spawn(Node, fun() -> receive _ -> exit(oops) end end), Word(), 10_000),
    %% The old process has ended: the new one does not begin.
    Old = spawn(fun() -> receive stop -> ok end end),
    New3 = Adopt(Old, make_ref()),
    Monitor = erlang:monitor(process, New3),
    exit(Old, kill),
    receive {'DOWN', Monitor, process, _, Reason} -> ?assertEqual({shutdown, not_moved}, Reason) after 10_000 -> error(late) end,
    %% The node is lost with the word.
    in_doubt = warpbeam_migration:take_over(Loses(fun(_) -> halt(1, [{flush, false}]) end), Word(), 1000),
    stop_node(Peer).

%% The other node is killed at random times: the instance goes on here with all that it did, or its end says where it was.
killed_in_moves() ->
    [begin
         Peer = {_, Node} = start_node(list_to_atom("killed_in_a_move_" ++ integer_to_list(Delay))),
         {ok, Pid} = warpbeam_instance:start(warpbeam_process_tests:module(), #{}),
         {ok, []} = warpbeam_instance:call(Pid, "fill", [100, 7], infinity),
         {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
         Monitor = erlang:monitor(process, Pid),
         Self = self(),
         spawn(fun() -> Self ! {moved, warpbeam_instance:migrate(Pid, Node)} end),
         timer:sleep(Delay),
         kill_node(Peer),
         receive
             {moved, {error, #{kind := migration}}} ->
                 case warpbeam_instance:call(Pid, "next", []) of
                     {ok, [2]} -> ok = warpbeam_instance:stop(Pid);
                     {error, #{kind := down}} ->
                         receive {'DOWN', Monitor, process, _, Why} -> {migration, {in_doubt, _}} = Why end
                 end;
             {moved, {ok, New}} ->
                 Node = node(New),
                 receive {'DOWN', Monitor, process, _, Reason} -> {shutdown, _} = Reason after 20_000 -> error(late) end
         after 60_000 -> error(late)
         end,
         stop_node(Peer)
     end || Delay <- [0, 5, 10, 20, 40]].

%% Instances in a process of the operating system move, in the middle of calls and with stacks in the guest's memory, and are
%% in such a process there. So are those that a replica starts again.
isolated_moves() ->
    Peer = {_, Node} = start_node(isolated_moves),
    {ok, M} = warpbeam:load("(module (import \"env\" \"ask\" (func $ask (param i32) (result i32)))
        (memory (export \"memory\") 2) (global $sp (export \"__stack_pointer\") (mut i32) (i32.const 65536))
        (global $top (mut i32) (i32.const 65536)) (global $go (export \"go\") (mut i32) (i32.const 0))
        (global $n (mut i32) (i32.const 0))
        (func (export \"malloc\") (param i32) (result i32)
            (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 0))))
        (func (export \"free\") (param i32))
        (func (export \"next\") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
        ;; Keeps its argument in a frame of the stack, meanwhile.
        (func (export \"framed\") (param i32) (result i32) (local $frame i32)
            (local.set $frame (i32.sub (global.get $sp) (i32.const 16)))
            (global.set $sp (local.get $frame))
            (i32.store (local.get $frame) (local.get 0))
            (drop (call $ask (local.get 0)))
            (loop $l (br_if $l (i32.eqz (global.get $go))))
            (global.set $sp (i32.add (local.get $frame) (i32.const 16)))
            (i32.load (local.get $frame))))", #{isolation => process}),
    {ok, Replica} = warpbeam_replica:start_link(#{restart => fun(key) -> #{ack => replicated} end}),
    {ok, Pid} = warpbeam_instance:start(M, #{interleave => 3, handler => fun(_, _, [N]) -> {ok, [N]} end,
                                             limits => #{stacks => 4096}, replica => {Replica, key}, ack => replicated}),
    {ok, [1]} = warpbeam_instance:call(Pid, "next", []),
    Self = self(),
    [spawn(fun() -> Self ! {N, warpbeam_instance:call(Pid, "framed", [N], infinity)} end) || N <- [11, 22]],
    test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(Pid), N =:= 2 end),
    {ok, There} = warpbeam_instance:migrate(Pid, Node),
    Node = node(There),
    Instance = erpc:call(Node, fun() -> element(3, sys:get_state(There)) end),
    ?assertEqual(process, warpbeam_native:isolation(Instance)),
    {ok, _} = erpc:call(Node, warpbeam_port, os_pid, [warpbeam_port]),
    ok = erpc:call(Node, fun() -> warpbeam:set_global(Instance, "go", 1) end),
    [receive {N, {ok, [N]}} -> ok after 20_000 -> error(late) end || N <- [11, 22]],
    {ok, [2]} = warpbeam_instance:call(There, "next", []),
    kill_node(Peer),
    test_wait:until(fun() -> case warpbeam_replica:instance(Replica, key) of
                                 {ok, Now} -> node(Now) =:= node();
                                 {error, #{kind := down}} -> false
                             end end),
    {ok, Again} = warpbeam_replica:instance(Replica, key),
    {ok, [3]} = warpbeam_instance:call(Again, "next", []),
    ?assertEqual(process, warpbeam_native:isolation(element(3, sys:get_state(Again)))),
    ok = warpbeam_instance:stop(Again),
    stop_node(Peer),
    gen_server:stop(Replica).
