%% @private The options of `warpbeam_instance': an unknown one, which may be misspelt, and a value that can't be right
%% are refused before anything begins.
-module(warpbeam_options).
-export([check/1, check_call/1, check_timeout/1]).

-define(LONGEST, 16#7fffffff). % milliseconds of a timeout: 24 days

%% @doc The options of an instance. `limits' are checked where the instance is made, `snapshot' where it is read.
-spec check(term()) -> ok | warpbeam:error().
check(Options) when is_map(Options) -> each(fun rule/2, "an instance", maps:to_list(Options));
check(_Other) -> warpbeam_request:failure(bad_argument, "the options of an instance are a map").

%% @doc The options of a call, which are a map.
-spec check_call(map()) -> ok | warpbeam:error().
check_call(Options) -> each(fun call_rule/2, "a call", maps:to_list(Options)).

%% @doc The timeout of anything else.
-spec check_timeout(term()) -> ok | warpbeam:error().
check_timeout(Timeout) -> each(fun call_rule/2, "a call", [{timeout, Timeout}]).

each(_Rule, _Of, []) -> ok;
each(Rule, Of, [{Name, Value} | Others]) ->
    case Rule(Name, Value) of
        {true, _} -> each(Rule, Of, Others);
        {false, Right} -> warpbeam_request:failure(bad_argument, io_lib:format("~0tP can't be ~0tP: it is ~s",
                                                                            [Name, 10, Value, 20, Right]));
        unknown -> warpbeam_request:failure(bad_argument, io_lib:format("~s has no option ~0tP", [Of, Name, 10]))
    end.

rule(handler, Value) -> handler(Value);
rule(handler_in, {pool, Max}) -> {is_positive(Max), "instance, pool or {pool, Max}, with a Max of at least 1"};
rule(handler_in, Value) -> {Value =:= instance orelse Value =:= pool, "instance, pool or {pool, Max}"};
rule(queue, Value) -> {is_integer(Value) andalso Value >= 0, "a natural number"};
rule(interleave, Value) -> positive(Value);
rule(limits, Value) -> {is_map(Value), "a map, as for warpbeam:instantiate/2"};
rule(snapshot, Value) -> {is_binary(Value) orelse is_list(Value), "a binary, or a list of binaries"};
rule(hibernate_after, Value) -> {Value =:= infinity orelse Value =/= 0 andalso is_time(Value), milliseconds()};
rule(crash_on_trap, Value) -> {is_boolean(Value), "true or false"};
rule(events, Value) -> {is_function(Value, 3), "a fun of arity 3"};
rule(name, {local, Name}) -> {is_atom(Name), "{local, Atom}"};
rule(name, {global, _}) -> {true, ""};
rule(name, {via, Registry, _}) -> {is_atom(Registry), "{via, Module, Name}"};
rule(name, _) -> {false, "{local, Atom}, {global, Name} or {via, Module, Name}"};
rule(groups, Value) -> {is_list(Value) andalso length_or_none(Value) =/= none, "a list of groups"};
rule(replica, Value) -> {is_tuple(Value) andalso tuple_size(Value) =:= 2, "{Replica, Key}"};
rule(replicate_every, Value) -> {Value =/= 0 andalso is_time(Value), milliseconds()};
rule(ack, Value) -> {Value =:= replicated, "replicated, or left out"};
rule(_, _) -> unknown.

call_rule(timeout, Value) -> {Value =:= infinity orelse is_time(Value), milliseconds()};
call_rule(handler, Value) -> handler(Value);
call_rule(_, _) -> unknown.

handler(Value) -> {is_function(Value, 3) orelse is_function(Value, 4), "a fun of arity 3 or 4"}.

is_time(Value) -> is_integer(Value) andalso Value >= 0 andalso Value =< ?LONGEST.

milliseconds() -> io_lib:format("a number of milliseconds, at most ~b (24 days), or infinity where that may be", [?LONGEST]).

positive(Value) -> {is_positive(Value), "a number of at least 1"}.

is_positive(Value) -> is_integer(Value) andalso Value > 0.

length_or_none(List) -> try length(List) catch error:badarg -> none end.
