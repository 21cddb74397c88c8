%% @doc Measures the application; see the table in README.md.
%%
%% `erl +S 2 -noshell -pa ../warpbeam/ebin -eval "warpbeam_bench:main()" -extra [--check] [--calls N] [--instances N]
%% [--rounds N]'. With `--check' it fails if a limit is missed, with `--check-memory' only if memory leaks. Rounds of what is compared take turns, and of the
%% rounds the median counts.
-module(warpbeam_bench).
-export([main/0]).

-define(PER_ROUND, 100_000).

-record(options, {check = none :: none | memory | all, calls = 1_000_000 :: pos_integer(),
                  instances = 100_000 :: pos_integer(), rounds = 9 :: pos_integer()}).

%% @doc Measures everything, prints it, and ends the node.
main() ->
    Options = options(init:get_plain_arguments(), #options{}),
    Memory = leaks(Options), % first: what others have freed would hide a leak
    Speed = lists:append([call_costs(Options), copies(Options), callers(Options), fairness(), instances(Options)]),
    Limits = Speed ++ Memory,
    Checked = case Options#options.check of all -> Limits; memory -> Memory; none -> [] end,
    Missed = [Limit || {_, false} = Limit <- Checked],
    [io:format("~ts~ts~n", [case Kept of true -> "kept:   "; false -> "MISSED: " end, Text]) || {Text, Kept} <- Limits],
    halt(case Missed of [] -> 0; _ -> 1 end).

options(["--check" | Rest], Options) -> options(Rest, Options#options{check = all});
options(["--check-memory" | Rest], Options) -> options(Rest, Options#options{check = memory});
options(["--calls", N | Rest], Options) -> options(Rest, Options#options{calls = list_to_integer(N)});
options(["--instances", N | Rest], Options) -> options(Rest, Options#options{instances = list_to_integer(N)});
options(["--rounds", N | Rest], Options) -> options(Rest, Options#options{rounds = list_to_integer(N)});
options([], Options) -> Options;
options(Other, _) ->
    io:format("unknown arguments ~p; there are --check, --check-memory, --calls N, --instances N and --rounds N~n", [Other]),
    halt(2).

module() ->
    {ok, Module} = warpbeam:load(
        "(module (import \"env\" \"f\" (func $f (param i32) (result i32))) (memory (export \"memory\") 32)
           (func (export \"empty\"))
           (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
           (func (export \"ask\") (param i32) (result i32) (call $f (local.get 0)))
           (func (export \"forever\") (loop $l (br $l))))"),
    Module.

instance() ->
    {ok, Instance} = warpbeam:instantiate(module()),
    Instance.

%% The calls, against a native function that does nothing and against a message to a process and back. Results are
%% matched with patterns that need no function of the runtime system: it compares `{ok, []}' by one.
call_costs(#options{rounds = Rounds}) ->
    I = instance(),
    Nothing = empty_nif:open(),
    Echo = spawn_link(fun echo/0),
    Ask = fun(_, _, [N]) -> {ok, [N]} end,
    Measured = interleaved(Rounds, [
        {"native function that does nothing", fun() -> empty_nif:empty(I) end},
        {"only the terms of a call of an empty function", fun() -> {_, []} = empty_nif:call(Nothing, <<"empty">>, [], #{}) end},
        {"the same with a lock", fun() -> {_, []} = empty_nif:locked_call(Nothing, <<"empty">>, [], #{}) end},
        {"only the terms of an import and its answer", fun() ->
            {_, Call, _, _, [N]} = empty_nif:ask(Nothing, <<"ask">>, [5], #{}),
            {_, [5]} = empty_nif:answer(Call, [N]) end},
        {"message to a process and back", fun() -> Echo ! self(), receive Echo -> ok end end},
        {"start_call/3 of an empty function", fun() -> {_, []} = warpbeam:start_call(I, <<"empty">>, []) end},
        {"call/3 of an empty function", fun() -> {_, []} = warpbeam:call(I, <<"empty">>, []) end},
        {"call/3 of a function with two arguments", fun() -> {ok, [3]} = warpbeam:call(I, <<"add">>, [1, 2]) end},
        {"start_call/3, continue/2: import that the caller answers", fun() ->
            {import, Call, _, _, [N]} = warpbeam:start_call(I, <<"ask">>, [5]),
            {ok, [5]} = warpbeam:continue(Call, [N]) end},
        {"call/4 with a handler: the same", fun() -> {ok, [5]} = warpbeam:call(I, <<"ask">>, [5], Ask) end}]),
    unlink(Echo),
    exit(Echo, kill),
    [Empty, _, _, _, Message, Start, _, _, Import, _] = [Time || {_, Time} <- Measured],
    [io:format("~-58ts ~11.1f ns, ~6.1f times the native function, ~6.2f times the message~n",
               [Name, Time, Time / Empty, Time / Message]) || {Name, Time} <- Measured],
    [limit("an empty call takes at most 5 times the native function that does nothing", Start / Empty, 5),
     limit("an import takes at most 10 times the native function that does nothing", Import / Empty, 10)].

echo() -> receive Pid -> Pid ! self(), echo() end.

copies(#options{rounds = Rounds}) ->
    I = instance(),
    Kilobyte = binary:copy(<<7>>, 1024),
    Megabyte = binary:copy(<<7>>, 1024 * 1024),
    Small = interleaved(Rounds, [
        {"read of 1 KiB", fun() -> {ok, _} = warpbeam:read(I, 0, 1024) end},
        {"write of 1 KiB", fun() -> ok = warpbeam:write(I, 0, Kilobyte) end}]),
    Large = interleaved(Rounds, 500, [
        {"read of 1 MiB", fun() -> {ok, _} = warpbeam:read(I, 0, 1024 * 1024) end},
        {"write of 1 MiB", fun() -> ok = warpbeam:write(I, 0, Megabyte) end}]),
    [io:format("~-58ts ~11.1f ns~n", [Name, Time]) || {Name, Time} <- Small ++ Large],
    [].

%% One instance for each of 8 processes, and one for all of them.
callers(#options{rounds = Rounds}) ->
    Each = 50_000,
    Module = module(),
    Shared = instance(),
    Run = fun(Make) ->
              Begin = erlang:monotonic_time(nanosecond),
              Workers = [spawn_monitor(fun() -> Caller = Make(), repeat(Each, fun() ->
                             {ok, [3]} = warpbeam:call(Caller, <<"add">>, [1, 2]) end) end) || _ <- lists:seq(1, 8)],
              [receive {'DOWN', Monitor, _, _, Reason} -> normal = Reason end || {_, Monitor} <- Workers],
              (erlang:monotonic_time(nanosecond) - Begin) / (8 * Each)
          end,
    Own = [Run(fun() -> {ok, I} = warpbeam:instantiate(Module), I end) || _ <- lists:seq(1, Rounds)],
    Same = [Run(fun() -> Shared end) || _ <- lists:seq(1, Rounds)],
    io:format("8 callers on ~b schedulers, instances of their own: ~.2f million calls a second~n"
              "8 callers on ~b schedulers, the same instance: ~.2f million calls a second~n",
              [erlang:system_info(schedulers_online), 1000 / median(Own),
               erlang:system_info(schedulers_online), 1000 / median(Same)]),
    [].

%% How late a timer of a millisecond is while a guest loops on every scheduler, against without one.
fairness() ->
    Delays = fun() -> [element(1, timer:tc(fun() -> receive after 1 -> ok end end)) / 1000 - 1 || _ <- lists:seq(1, 300)] end,
    Idle = Delays(),
    I = [instance() || _ <- lists:seq(1, erlang:system_info(schedulers_online))],
    Loops = [spawn_monitor(fun() -> {error, #{kind := stopped}} = warpbeam:call(Instance, <<"forever">>, []) end) || Instance <- I],
    timer:sleep(50),
    Busy = Delays(),
    [ok = warpbeam:stop(Instance) || Instance <- I],
    [receive {'DOWN', Monitor, _, _, _} -> ok end || {_, Monitor} <- Loops],
    io:format("timer of 1 ms: ~.2f ms late without guests (99 %: ~.2f), ~.2f ms while one loops on each scheduler (99 %: ~.2f)~n",
              [median(Idle), percentile(Idle, 99), median(Busy), percentile(Busy, 99)]),
    [limit("looping guests delay a timer by less than 2 ms", median(Busy) - median(Idle), 2)].

instances(#options{instances = Count}) ->
    {ok, Module} = warpbeam:load("(module (memory (export \"memory\") 1) (func (export \"f\") (result i32)
        (i32.store (i32.const 0) (i32.const 7)) (i32.load (i32.const 0))))"),
    Make = fun() -> [begin {ok, I} = warpbeam:instantiate(Module), I end || _ <- lists:seq(1, Count)] end,
    Before = resident(),
    {Time, All} = timer:tc(Make),
    After = resident(),
    {CallTime, _} = timer:tc(fun() -> [{ok, [7]} = warpbeam:call(I, <<"f">>, []) || I <- All] end),
    Used = resident(),
    {StopTime, _} = timer:tc(fun() -> [ok = warpbeam:stop(I) || I <- All] end),
    io:format("~b instances with a memory of a page: ~.1f us each to make, ~.2f KiB each; a first call of each, which "
              "writes: ~.2f us, then ~.2f KiB; stop: ~.2f us~n",
              [Count, Time / Count, (After - Before) / Count, CallTime / Count, (Used - Before) / Count, StopTime / Count]),
    [].

%% Resident memory after a tenth of the calls and after all of them.
leaks(#options{calls = Calls}) ->
    I = instance(),
    Some = fun(N) ->
               {Pid, Monitor} = spawn_monitor(fun() -> mixed(N div 4, I, module()) end),
               receive {'DOWN', Monitor, process, Pid, Reason} -> normal = Reason end,
               erlang:garbage_collect()
           end,
    Some(Calls div 10),
    Tenth = resident(),
    {Time, _} = timer:tc(fun() -> Some(Calls - Calls div 10) end),
    End = resident(),
    Growth = (End - Tenth) / Tenth * 100,
    io:format("~b calls: resident memory ~b KiB at 10 %, ~b KiB at the end (~.2f %); ~b ns a call~n",
              [Calls, Tenth, End, Growth, Time * 1000 div (Calls - Calls div 10)]),
    [limit("resident memory grows by less than 1 %", Growth, 1)].

%% Four calls at a time: one that returns, one that asks, one that fails, one that is dropped while it waits; and
%% sometimes a new instance.
mixed(0, _, _) -> ok;
mixed(N, I, Module) ->
    {ok, [3]} = warpbeam:start_call(I, <<"add">>, [1, 2]),
    {import, Call, _, _, [5]} = warpbeam:start_call(I, <<"ask">>, [5]),
    {ok, [6]} = warpbeam:continue(Call, [6]),
    {error, _} = warpbeam:call(I, <<"ask">>, [5]),
    {import, Dropped, _, _, [5]} = warpbeam:start_call(I, <<"ask">>, [5]),
    case N rem 1000 of
        0 ->
            {ok, Other} = warpbeam:instantiate(Module),
            {ok, []} = warpbeam:call(Other, <<"empty">>, []),
            ok = warpbeam:stop(Other);
        _ -> ok = warpbeam:cancel(Dropped)
    end,
    mixed(N - 1, I, Module).

%% The resident memory of this process of the operating system, in KiB.
resident() ->
    erlang:garbage_collect(),
    {ok, Text} = file:read_file("/proc/self/status"),
    {match, [Number]} = re:run(Text, "VmRSS:\\s+([0-9]+) kB", [{capture, all_but_first, list}]),
    list_to_integer(Number).

%% The nanoseconds of each of several things, whose rounds take turns.
interleaved(Rounds, Things) -> interleaved(Rounds, ?PER_ROUND, Things).
interleaved(Rounds, Count, Things) ->
    Times = [[begin
                  erlang:garbage_collect(),
                  Begin = erlang:monotonic_time(nanosecond),
                  repeat(Count, Fun),
                  (erlang:monotonic_time(nanosecond) - Begin) / Count
              end || {_, Fun} <- Things] || _ <- lists:seq(1, Rounds)],
    [{Name, median([lists:nth(Index, Round) || Round <- Times])} ||
        {Index, {Name, _}} <- lists:zip(lists:seq(1, length(Things)), Things)].

repeat(0, _) -> ok;
repeat(N, Fun) -> Fun(), repeat(N - 1, Fun).

median(Numbers) -> percentile(Numbers, 50).
percentile(Numbers, Percent) ->
    Sorted = lists:sort(Numbers),
    lists:nth(max(1, (length(Sorted) * Percent + 99) div 100), Sorted).

limit(Text, Value, Limit) -> {io_lib:format("~ts (~.2f)", [Text, float(Value)]), Value < Limit}.
