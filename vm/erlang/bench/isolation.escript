#!/usr/bin/env escript
%%! +S 2
%% What small calls cost in this node, and in another process: isolation.escript EBIN
-mode(compile).

-define(GUEST, "(module (import \"e\" \"f\" (func $f)) (memory (export \"memory\") 32)
                  (func (export \"empty\")) (func (export \"import\") (call $f)))").

main([Ebin]) ->
    code:add_path(Ebin),
    io:format("median of 7 rounds, in microseconds~n~-32s ~10s ~10s~n", ["", "node", "process"]),
    Kinds = [{kind(none), 20_000}, {kind(process), 2_000}],
    Answer = fun(_, _, []) -> {ok, []} end,
    MiB = binary:copy(<<1>>, 1 bsl 20),
    [io:format("~-32s ~10.2f ~10.2f~n", [Name | [time(fun() -> Fun(I) end, max(20, Count div Fewer)) || {I, Count} <- Kinds]])
     || {Name, Fewer, Fun} <- [{"call of an empty function", 1, fun(I) -> {ok, []} = warpbeam:call(I, "empty", []) end},
                               {"call with an import", 1, fun(I) -> {ok, []} = warpbeam:call(I, "import", [], Answer) end},
                               {"read of 1 KiB", 1, fun(I) -> {ok, _} = warpbeam:read(I, 0, 1024) end},
                               {"read of 1 MiB", 100, fun(I) -> {ok, _} = warpbeam:read(I, 0, 1 bsl 20) end},
                               {"write of 1 MiB", 100, fun(I) -> ok = warpbeam:write(I, 0, MiB) end}]],
    io:format("~-32s ~10.2f ~10.2f~n", ["a call of one of 8 callers" | [together(I, Count) || {I, Count} <- Kinds]]).

kind(Isolation) ->
    {ok, Module} = warpbeam:load(?GUEST, #{isolation => Isolation}),
    {ok, Instance} = warpbeam:instantiate(Module),
    Instance.

time(Fun, Count) ->
    %% Results are not kept: new memory for each would be measured, which costs much more than the copy.
    median([element(1, timer:tc(fun() -> repeat(Fun, Count) end)) / Count || _ <- lists:seq(1, 7)]).

repeat(_Fun, 0) -> ok;
repeat(Fun, Count) -> Fun(), repeat(Fun, Count - 1).

together(Instance, Count) ->
    Self = self(),
    Call = fun() -> [{ok, []} = warpbeam:call(Instance, "empty", []) || _ <- lists:seq(1, Count)], Self ! done end,
    Round = fun() -> [spawn(Call) || _ <- lists:seq(1, 8)], [receive done -> ok end || _ <- lists:seq(1, 8)] end,
    median([element(1, timer:tc(Round)) / Count / 8 || _ <- lists:seq(1, 7)]).

median(Times) -> lists:nth(4, lists:sort(Times)).
