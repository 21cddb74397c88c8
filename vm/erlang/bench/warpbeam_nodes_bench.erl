%% @doc Measures instances on two nodes of this machine; see `docs/erlang-processes.md'.
%%
%% `erl +S 2 -noshell -pa ../warpbeam/ebin -eval "warpbeam_nodes_bench:main()" -extra [--rounds N]'. The median of the rounds
%% counts.
-module(warpbeam_nodes_bench).
-export([main/0]).

-define(MIB, 1_048_576).

%% @doc Measures, prints, and ends the node.
main() ->
    Rounds = case init:get_plain_arguments() of
                 ["--rounds", N] -> list_to_integer(N);
                 [] -> 11
             end,
    _ = os:cmd("epmd -daemon"), % nothing else starts it for a node that is named after its start
    {ok, _} = net_kernel:start(list_to_atom("warpbeam_bench_" ++ os:getpid() ++ "@127.0.0.1"), #{name_domain => longnames}),
    {ok, Peer, Node} = peer:start_link(#{name => warpbeam_bench_other, host => "127.0.0.1", longnames => true,
                                         args => ["-setcookie", atom_to_list(erlang:get_cookie()), "-pa" | code:get_path()]}),
    calls(Rounds, Node),
    moves(Rounds, Node),
    replication(Rounds, Node),
    peer:stop(Peer),
    halt(0).

module() ->
    {ok, Module} = warpbeam:load(
        "(module (memory (export \"memory\") 1)
           (func (export \"empty\"))
           (func (export \"fill\") (param $bytes i32) (param $byte i32)
             (if (i32.gt_u (local.get $bytes) (i32.shl (memory.size) (i32.const 16)))
               (then (drop (memory.grow (i32.sub (i32.shr_u (local.get $bytes) (i32.const 16)) (memory.size))))))
             (memory.fill (i32.const 0) (local.get $byte) (local.get $bytes))))"),
    Module.

calls(Rounds, Node) ->
    Echo = fun Loop() -> receive {From, Tag} -> From ! Tag, Loop() end end,
    [begin
         Process = erpc:call(On, erlang, spawn, [Echo]),
         {ok, Instance} = erpc:call(On, warpbeam_instance, start_binary, [warpbeam:binary(module()), #{}]),
         print("message to a process and back, ~ts", [Where],
               median(Rounds, 1000, fun() -> Tag = make_ref(), Process ! {self(), Tag}, receive Tag -> ok end end)),
         print("call of an empty function, ~ts", [Where],
               median(Rounds, 1000, fun() -> {ok, []} = warpbeam_instance:call(Instance, "empty", []) end)),
         ok = warpbeam_instance:stop(Instance)
     end || {Where, On} <- [{"this node", node()}, {"the other node", Node}]].

moves(Rounds, Node) ->
    [begin
         {ok, Pid} = warpbeam_instance:start(module(), #{}),
         {ok, []} = warpbeam_instance:call(Pid, "fill", [Size, 7], infinity),
         put(at, Pid),
         print("move of an instance with ~b MiB", [Size div ?MIB],
               median(Rounds, 1, fun() ->
                                         To = case node(get(at)) of Node -> node(); _ -> Node end,
                                         {ok, New} = warpbeam_instance:migrate(get(at), To),
                                         put(at, New)
                                 end)),
         ok = warpbeam_instance:stop(get(at))
     end || Size <- [?MIB, 16 * ?MIB, 64 * ?MIB]].

replication(Rounds, Node) ->
    {ok, Replica} = erpc:call(Node, warpbeam_replica, start, [#{}]),
    [begin
         {ok, Pid} = warpbeam_instance:start(module(), #{ack => replicated, replica => {Replica, Changed}}),
         {ok, []} = warpbeam_instance:call(Pid, "fill", [16 * ?MIB, 7], infinity),
         put(byte, 0),
         print("acknowledged call that changes ~b KiB of 16 MiB", [Changed div 1024],
               median(Rounds, 20, fun() ->
                                          put(byte, get(byte) + 1),
                                          {ok, []} = warpbeam_instance:call(Pid, "fill", [Changed, get(byte)], infinity)
                                  end)),
         ok = warpbeam_instance:stop(Pid)
     end || Changed <- [0, 4096, 65536, ?MIB]].

%% Microseconds for one.
median(Rounds, Times, Fun) ->
    Fun(),
    All = lists:sort([element(1, timer:tc(fun() -> repeat(Times, Fun) end)) / Times || _ <- lists:seq(1, Rounds)]),
    lists:nth((Rounds + 1) div 2, All).

repeat(0, _Fun) -> ok;
repeat(Times, Fun) -> Fun(), repeat(Times - 1, Fun).

print(Format, Arguments, Time) -> io:format("~-60ts ~12.1f us~n", [io_lib:format(Format, Arguments), Time]).
