%% Calls that go on in another node.
-module(warpbeam_node_tests).
-include_lib("eunit/include/eunit.hrl").
-export([finish/2]).

%% Another node, which is connected by its standard streams alone.
with_peer(Test) ->
    Folder = filename:dirname(code:which(warpbeam)),
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => ["-pa", Folder]}),
    try Test(fun(Module, Function, Arguments) -> peer:call(Peer, Module, Function, Arguments, 60000) end)
    after peer:stop(Peer)
    end.

%% Adds the squares from 1 to n; each comes from an import, which a table calls, and the sum is on the stack, in a
%% global and in the memory.
guest() ->
    "(module (import \"host\" \"square\" (func $square (param i64) (result i64))) (memory (export \"memory\") 1)
        (table 1 funcref) (elem (i32.const 0) $square) (global $sum (mut i64) (i64.const 0))
        (func $add (param i64) (result i64) (local i64)
            (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
            (local.set 1 (call_indirect (param i64) (result i64) (local.get 0) (i32.const 0)))
            (global.set $sum (i64.add (global.get $sum) (local.get 1)))
            (i64.store (i32.const 8) (global.get $sum))
            (i64.add (local.get 1) (call $add (i64.sub (local.get 0) (i64.const 1)))))
        (func (export \"run\") (param i64) (result i64 i64 i64)
            (call $add (local.get 0)) (global.get $sum) (i64.load (i32.const 8))))".

square(<<"host">>, <<"square">>, [N]) -> {ok, [N * N]}.

%% Goes on with a snapshot of a call, in a process of the other node.
finish(Text, Snapshot) ->
    {ok, Module} = warpbeam:load(Text),
    {ok, _, [Request]} = warpbeam:restore(Module, Snapshot),
    warpbeam:answer(Request, fun square/3).

snapshot_in_a_call_test_() ->
    {timeout, 120, fun() ->
        {ok, Module} = warpbeam:load(guest()),
        {ok, Instance} = warpbeam:instantiate(Module),
        % the 51st of 100 squares is asked for
        {Request, Call} = lists:foldl(fun(_, {{import, C, M, N, A}, _}) ->
                                              {ok, Results} = square(M, N, A),
                                              Next = warpbeam:continue(C, Results),
                                              {Next, element(2, Next)}
                                      end, {warpbeam:start_call(Instance, "run", [100]), none}, lists:seq(1, 50)),
        {import, Call, <<"host">>, <<"square">>, [50]} = Request,
        {ok, Snapshot} = warpbeam:snapshot(Instance, [Call]),
        with_peer(fun(There) ->
            % the test's own module is loaded there like any other
            Elsewhere = There(?MODULE, finish, [guest(), Snapshot]),
            Here = warpbeam:answer(Request, fun square/3),
            ?assertEqual({ok, [338350, 338350, 338350]}, Here),
            ?assertEqual(Here, Elsewhere),
            ?assertNotEqual(os:getpid(), There(os, getpid, []))
        end)
    end}.

%% An instance of HyperBEAM's at rest.
drop_in_test_() ->
    {timeout, 120, fun() ->
        Text = <<"(module (memory (export \"memory\") 2) (global $n (mut i32) (i32.const 0))
            (func (export \"next\") (result i32)
                (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))">>,
        {ok, P, _, _} = hb_beamr:start(Text),
        {ok, [1]} = hb_beamr:call(P, "next", []),
        {ok, Image} = hb_beamr:serialize(P),
        with_peer(fun(There) ->
            {ok, Q, _, _} = There(hb_beamr, start, [Text, wasm, #{linger => 60000}]),
            ok = There(hb_beamr, deserialize, [Q, Image]),
            {ok, [2]} = There(hb_beamr, call, [Q, "next", []]),
            {ok, [2]} = hb_beamr:call(P, "next", [])
        end)
    end}.
