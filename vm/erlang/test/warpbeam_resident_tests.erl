%% What is freed, by the memory of the process in which the instances are: here the node.
-module(warpbeam_resident_tests).
-include_lib("eunit/include/eunit.hrl").

%% One that hibernates has no memory but its snapshot.
memory_is_freed_test_() ->
    {timeout, 60,
     fun() ->
             Size = 64 * 1024 * 1024,
             {ok, P} = warpbeam_instance:start_link(warpbeam_process_tests:module(), #{}),
             wait_for_others(Size div 64),
             Before = resident(),
             {ok, []} = warpbeam_instance:call(P, "fill", [Size div 65536, 1], infinity),
             {ok, []} = warpbeam_instance:call(P, "fill", [Size div 65536, 0], infinity),
             ?assert(resident() - Before > Size div 2),
             ok = warpbeam_instance:hibernate(P),
             test_wait:until(fun() -> resident() - Before < Size div 4 end),
             {ok, <<0>>} = warpbeam_instance:with_instance(P, fun(I) -> warpbeam:read(I, Size - 1, 1) end),
             ok = warpbeam_instance:stop(P)
     end}.

%% An instance that is stopped has no memory either, although terms still refer to it: also if it is stopped at the
%% instant at which the last call of another process ends.
memory_of_stopped_test_() ->
    {timeout, 60,
     fun() ->
             Pages = 32,
             {ok, Module} = warpbeam:load(io_lib:format("(module (memory (export \"memory\") ~b) (func (export \"empty\")))", [Pages])),
             Size = Pages * 65536,
             wait_for_others(Size),
             Before = resident(),
             %% One for all, so that it gets a scheduler of its own.
             Caller = spawn_link(fun call_what_is_sent/0),
             Stop = fun(_) ->
                            {ok, I} = warpbeam:instantiate(Module),
                            [ok = warpbeam:write(I, At * 4096, <<1>>) || At <- lists:seq(0, Size div 4096 - 1)],
                            Calls = atomics:new(2, []),
                            Caller ! {self(), I, Calls},
                            wait_for_calls(Calls, rand:uniform(100)),
                            ok = atomics:put(Calls, 2, 1),
                            ok = warpbeam:stop(I),
                            receive Calls -> I end
                    end,
             Instances = lists:map(Stop, lists:seq(1, 500)),
             test_wait:until(fun() -> resident() - Before < 4 * Size end),
             [?assertMatch({error, #{kind := stopped}}, warpbeam:stats(I)) || I <- Instances],
             unlink(Caller),
             exit(Caller, kill)
     end}.

%% The types of a module go with it, also those of a module that is refused: three million are as many as an engine has room
%% for.
types_of_modules_test_() ->
    {timeout, 120,
     fun() ->
             ?assertMatch({error, #{kind := malformed}}, load_types(999999, <<3, 2, 1, 1>>)),
             [?assertMatch({ok, _}, load_types(Count, <<>>)) || Count <- [999998, 999997, 999996]]
     end}.

%% A module with one group of so many types. What it returns is no longer referred to after the call.
load_types(Count, More) ->
    Group = [1, 16#4e, leb(Count), binary:copy(<<16#60, 0, 0>>, Count)],
    Result = warpbeam:load([<<0, "asm", 1, 0, 0, 0, 1>>, leb(iolist_size(Group)), Group, More]),
    true = erlang:garbage_collect(),
    Result.

leb(Number) when Number < 128 -> [Number];
leb(Number) -> [Number rem 128 + 128 | leb(Number div 128)].

call_what_is_sent() ->
    receive {From, I, Calls} ->
        call_until_told(I, Calls),
        From ! Calls,
        call_what_is_sent()
    end.

call_until_told(I, Calls) ->
    _ = warpbeam:call(I, "empty", []),
    ok = atomics:add(Calls, 1, 1),
    case atomics:get(Calls, 2) of
        0 -> call_until_told(I, Calls);
        1 -> ok
    end.

wait_for_calls(Calls, Count) ->
    case atomics:get(Calls, 1) of
        Made when Made < Count -> wait_for_calls(Calls, Count);
        _ -> ok
    end.

resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    list_to_integer(lists:nth(2, string:lexemes(binary_to_list(Text), " "))) * 4096.

%% What other tests have left is freed at its own pace.
wait_for_others(Change) ->
    test_wait:until(fun() ->
                            Now = resident(),
                            timer:sleep(500),
                            abs(resident() - Now) < Change
                    end).
