%% @private What an instance is asked to do, for whom, and until when.
-module(warpbeam_ticket).
-export([new/4, nested/4, cast/1, id/1, what/1, going_on/2, name/1, left/1, duration/1, begin_now/1, is_nested/1,
         is_nested_in/2, is_alone/1, is_of/2, is_late/2, late/1, is_over/1, asks/1, reply/2, leaving/1, proxy/1, arrived/1]).
-export_type([ticket/0, what/0]).

-type what() :: {call, warpbeam:callee(), [warpbeam:value()]} | {apply, fun((warpbeam:instance()) -> term())}
              | {go_on, Name :: term(), warpbeam:paused()}.
-type asks() :: none | {caller, pid(), reference()}.
%% Whether imports are answered by the caller, who knows the call by this reference.

-record(ticket, {id = make_ref() :: reference(), outer = none :: none | reference(), from :: none | gen_server:from(),
                 what :: what(), deadline :: timeout(), asks :: asks(), monitor :: none | reference(),
                 timer = none :: none | reference(),
                 begun :: none | integer(), over = false :: boolean()}).
-opaque ticket() :: #ticket{}.

-define(GRACE, 5). % milliseconds, in which the guest's own limit ends the call first, with a backtrace

%% @doc A request of a caller, whom the process monitors. When its time is over, the process gets
%% `{timeout, Timer, late}', also if the call waits for its turn, or a handler does not end.
-spec new(gen_server:from(), what(), timeout(), asks()) -> ticket().
new({Pid, _} = From, What, Timeout, Asks) ->
    #ticket{from = From, what = What, deadline = deadline(Timeout), asks = Asks, monitor = erlang:monitor(process, Pid),
            timer = timer(Timeout), begun = none}.

%% @doc A request from a handler, on which that call waits: it has no more time.
-spec nested(gen_server:from(), what(), asks(), ticket()) -> ticket().
nested(From, What, Asks, #ticket{id = Id} = Outer) -> (new(From, What, left(Outer), Asks))#ticket{outer = Id}.

%% @doc Whether it is from a handler of that call.
-spec is_nested_in(ticket(), ticket()) -> boolean().
is_nested_in(#ticket{outer = Outer}, #ticket{id = Id}) -> Outer =:= Id.

%% @doc By which its handlers know it, on every node.
-spec id(ticket()) -> reference().
id(#ticket{id = Id}) -> Id.

%% @doc One for which nobody waits.
-spec cast(what()) -> ticket().
cast(What) -> #ticket{from = none, what = What, deadline = infinity, asks = none, monitor = none, begun = none}.

-spec what(ticket()) -> what().
what(#ticket{what = What}) -> What.

%% @doc The same call, which was paused.
-spec going_on(ticket(), warpbeam:paused()) -> ticket().
going_on(Ticket, Paused) -> Ticket#ticket{what = {go_on, name(Ticket), Paused}}.

%% @doc The function that is called, or `apply'.
-spec name(ticket()) -> term().
name(#ticket{what = {apply, _}}) -> apply;
name(#ticket{what = What}) -> element(2, What).

%% @doc The milliseconds until its time is over.
-spec left(ticket()) -> timeout().
left(#ticket{deadline = infinity}) -> infinity;
left(#ticket{deadline = Deadline}) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

deadline(infinity) -> infinity;
deadline(Timeout) -> erlang:monotonic_time(millisecond) + Timeout.

timer(infinity) -> none;
timer(Timeout) -> erlang:start_timer(Timeout + ?GRACE, self(), late).

%% @doc How long ago it began, in native units.
-spec duration(ticket()) -> integer().
duration(#ticket{begun = Begun}) -> erlang:monotonic_time() - Begun.

-spec begin_now(ticket()) -> ticket().
begin_now(#ticket{begun = none} = Ticket) -> Ticket#ticket{begun = erlang:monotonic_time()};
begin_now(Ticket) -> Ticket.

-spec is_nested(ticket()) -> boolean().
is_nested(#ticket{outer = Outer}) -> Outer =/= none.

%% @doc Whether no calls may run beside it.
-spec is_alone(ticket()) -> boolean().
is_alone(#ticket{what = What}) -> element(1, What) =:= apply.

%% @doc Whether this is the monitor of its caller.
-spec is_of(reference(), ticket()) -> boolean().
is_of(Monitor, #ticket{monitor = Monitor}) -> true;
is_of(_, _) -> false.

%% @doc Whether this is the timer of its time.
-spec is_late(reference(), ticket()) -> boolean().
is_late(Timer, #ticket{timer = Timer}) -> true;
is_late(_, _) -> false.

%% @doc The same, whose time is over.
-spec late(ticket()) -> ticket().
late(Ticket) -> Ticket#ticket{over = true}.

%% @doc Whether it was said to be late.
-spec is_over(ticket()) -> boolean().
is_over(#ticket{over = Over}) -> Over.

-spec asks(ticket()) -> asks().
asks(#ticket{asks = Asks}) -> Asks.

-spec reply(ticket(), term()) -> ok.
reply(#ticket{from = none}, _Result) -> ok;
reply(#ticket{from = From, monitor = Monitor, timer = Timer}, Result) ->
    erlang:demonitor(Monitor, [flush]),
    _ = Timer =:= none orelse erlang:cancel_timer(Timer, [{async, true}, {info, false}]),
    gen_server:reply(From, Result).

%% @doc For another node, which has other clocks: its caller is answered by a process here (`warpbeam_forwarder:proxy/1').
-spec leaving(ticket()) -> ticket().
leaving(#ticket{from = From} = Ticket) ->
    Ticket#ticket{deadline = left(Ticket), monitor = none, timer = none, begun = none,
                  from = case From of none -> none; _ -> warpbeam_forwarder:proxy(From) end}.

%% @doc The process that answers the caller of one that leaves.
-spec proxy(ticket()) -> none | pid().
proxy(#ticket{from = none}) -> none;
proxy(#ticket{from = {Pid, _}}) -> Pid.

%% @doc One that came from another node.
-spec arrived(ticket()) -> ticket().
arrived(#ticket{deadline = Left, from = From} = Ticket) ->
    Ticket#ticket{deadline = deadline(Left), timer = timer(Left),
                  monitor = case From of none -> none; {Pid, _} -> erlang:monitor(process, Pid) end}.
