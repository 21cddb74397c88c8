%% What is freed, by the memory of the process in which the instances are: here the node.
-module(warpbeam_resident_tests).
-include_lib("eunit/include/eunit.hrl").

%% One that hibernates has no memory but its snapshot.
memory_is_freed_test_() ->
    {timeout, 60,
     fun() ->
             Resident = fun() ->
                                {ok, Text} = file:read_file("/proc/self/statm"),
                                list_to_integer(lists:nth(2, string:lexemes(binary_to_list(Text), " "))) * 4096
                        end,
             Size = 64 * 1024 * 1024,
             {ok, P} = warpbeam_instance:start_link(warpbeam_process_tests:module(), #{}),
             %% What other tests have left is freed at its own pace.
             test_wait:until(fun() ->
                                     Now = Resident(),
                                     timer:sleep(500),
                                     abs(Resident() - Now) < Size div 64
                             end),
             Before = Resident(),
             {ok, []} = warpbeam_instance:call(P, "fill", [Size div 65536, 1], infinity),
             {ok, []} = warpbeam_instance:call(P, "fill", [Size div 65536, 0], infinity),
             ?assert(Resident() - Before > Size div 2),
             ok = warpbeam_instance:hibernate(P),
             test_wait:until(fun() -> Resident() - Before < Size div 4 end),
             {ok, <<0>>} = warpbeam_instance:with_instance(P, fun(I) -> warpbeam:read(I, Size - 1, 1) end),
             ok = warpbeam_instance:stop(P)
     end}.
