%% Terms of callers may be of any size: others have their turn while they are looked at, and names have a limit.
-module(warpbeam_long_terms_tests).
-include_lib("eunit/include/eunit.hrl").

instance() ->
    {ok, M} = warpbeam:load("(module (import \"env\" \"ask\" (func $ask)) (memory (export \"memory\") 1 1000)
        (table (export \"t\") 1 externref) (global (export \"g\") (mut i32) (i32.const 0)) (tag (export \"e\") (param i32))
        (func (export \"f\") (param i32)) (func (export \"ask\") (call $ask)))"),
    {ok, I} = warpbeam:instantiate(M),
    I.

%% Many bytes that take little memory; to look at them takes tens of milliseconds.
text() -> lists:duplicate(2000, lists:duplicate(10_000, $a)).

long_name() -> binary:copy(<<"n">>, 200_000_000).

%% How often a process of the same priority has had its turn while a fun ran, and what that returned.
turns(Fun) ->
    Count = counters:new(1, []),
    Other = spawn_link(fun Turn() -> counters:add(Count, 1, 1), erlang:yield(), Turn() end),
    Before = counters:get(Count, 1),
    Result = Fun(),
    Turns = counters:get(Count, 1) - Before,
    unlink(Other),
    exit(Other, kill),
    {Turns, Result}.

%% On one scheduler, a function that keeps it lets the other process run before and after, but not in between.
lists_of_bytes_test_() ->
    I = instance(),
    Text = text(),
    [{timeout, 60, {Name, fun() ->
                                  {Turns, {error, #{kind := bad_argument}}} = turns(Fun),
                                  ?assert(Turns > 20)
                          end}}
     || {Name, Fun} <- [{"callee", fun() -> warpbeam:start_call(I, Text, []) end},
                        {"table of a callee", fun() -> warpbeam:start_call(I, {table, Text, 0}, []) end},
                        {"memory", fun() -> warpbeam:memory_size(I, Text) end},
                        {"import", fun() -> warpbeam:read(I, {Text, "memory"}, 0, 1) end},
                        {"global", fun() -> warpbeam:set_global(I, {"env", Text}, 1) end},
                        {"bytes", fun() -> warpbeam:write(I, 0, Text) end},
                        {"no bytes", fun() -> warpbeam:write(I, 0, [Text | end_of_it]) end},
                        {"tag", fun() ->
                                        {import, Call, _, _, _} = warpbeam:start_call(I, "ask", []),
                                        warpbeam:throw(Call, {Text, []})
                                end}]].

message_test() ->
    I = instance(),
    {import, Call, _, _, _} = warpbeam:start_call(I, "ask", []),
    {Turns, {error, #{kind := trap, message := Message}}} = turns(fun() -> warpbeam:throw(Call, text()) end),
    ?assert(Turns > 20),
    ?assert(byte_size(Message) < 5000).

%% No more of a list of values is looked at than there are parameters.
values_test() ->
    I = instance(),
    Values = lists:seq(1, 20_000_000),
    Times = [element(1, timer:tc(fun() -> {error, #{kind := bad_argument}} = warpbeam:call(I, "f", Values) end)) || _ <- lists:seq(1, 5)],
    {Walk, _} = timer:tc(fun() -> length(Values) end),
    ?assert(lists:min(Times) < Walk div 4),
    {error, #{message := <<"1 value is needed, not more than 1001">>}} = warpbeam:call(I, "f", Values),
    {error, #{message := <<"1 value is needed, not 3">>}} = warpbeam:call(I, "f", [1, 2, 3]),
    {error, #{message := <<"the values are no list">>}} = warpbeam:call(I, "f", [1 | 2]).

names_test() ->
    I = instance(),
    Long = long_name(),
    [begin
         {error, #{kind := bad_argument, message := Message}} = Result,
         ?assertEqual(<<"a name has at most 1048576 bytes, and this one 200000000">>, Message)
     end || Result <- [warpbeam:call(I, Long, []), warpbeam:call(I, {table, Long, 1}, []), warpbeam:memory_size(I, Long),
                       warpbeam:memory_grow(I, Long, 1), warpbeam:read(I, {Long, "memory"}, 0, 1),
                       warpbeam:write(I, {"env", Long}, 0, "a"), warpbeam:global(I, Long), warpbeam:set_global(I, Long, 1),
                       warpbeam:table_size(I, Long), warpbeam:table_get(I, Long, 0), warpbeam:table_set(I, Long, 0, 1),
                       warpbeam:table_grow(I, Long, 1, 1), warpbeam_native:read_string(I, Long, 0, 10)]],
    %% One of that length is looked up.
    {error, #{kind := usage}} = warpbeam:call(I, binary:copy(<<"n">>, 1048576), []).
