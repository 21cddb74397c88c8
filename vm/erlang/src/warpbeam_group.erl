%% @doc Groups of instances over nodes, by OTP's `pg': whoever calls a group has one of its members do the work. Nodes that
%% are connected know each other's members.
-module(warpbeam_group).
-export([start/0, join/2, leave/2, members/1, call/3, call/4]).

-define(SCOPE, warpbeam).

%% @doc Starts the groups on this node, if they are not started; `join/2' does this, too. The process that keeps them
%% lives until the node ends.
-spec start() -> ok.
start() ->
    case pg:start(?SCOPE) of
        {ok, _} -> ok;
        {error, {already_started, _}} -> ok
    end.

%% @doc Makes a process of this node a member, until it ends: the option `groups' of `warpbeam_instance:start_link/2' does
%% this.
-spec join(term(), pid()) -> ok | warpbeam:error().
join(Group, Pid) when is_pid(Pid), node(Pid) =:= node() ->
    ok = start(),
    pg:join(?SCOPE, Group, Pid);
join(_Group, Other) -> no_member(Other).

%% @doc Ends what `join/2' began.
-spec leave(term(), pid()) -> ok | warpbeam:error().
leave(Group, Pid) when is_pid(Pid), node(Pid) =:= node() ->
    ok = start(),
    _ = pg:leave(?SCOPE, Group, Pid),
    ok;
leave(_Group, Other) -> no_member(Other).

no_member(Other) ->
    warpbeam_request:failure(bad_argument, io_lib:format("a member is a process of this node, not ~0tP", [Other, 10])).

%% @doc All members.
-spec members(term()) -> [pid()].
members(Group) ->
    ok = start(),
    pg:get_members(?SCOPE, Group).

%% @equiv call(Group, Name, Arguments, 5000)
-spec call(term(), warpbeam:callee(), [warpbeam:value()]) -> {ok, [warpbeam:value()]} | warpbeam:error().
call(Group, Name, Arguments) -> call(Group, Name, Arguments, 5000).

%% @doc Calls a function of a member, on this node if there is one. Another one is asked if the first had no room for the
%% call, or was gone before; if a member ends while it may have run the call, that is an error of the kind `down'.
-spec call(term(), warpbeam:callee(), [warpbeam:value()], timeout() | warpbeam_instance:call_options()) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
call(Group, Name, Arguments, Options) ->
    All = members(Group),
    {Here, Elsewhere} = lists:partition(fun(Pid) -> node(Pid) =:= node() end, All),
    try_each(shuffled(Here) ++ shuffled(Elsewhere), Name, Arguments, Options,
             warpbeam_request:failure(down, "the group has no members")).

try_each([], _Name, _Arguments, _Options, Last) -> Last;
try_each([Member | Others], Name, Arguments, Options, _Last) ->
    case warpbeam_instance:call(Member, Name, Arguments, Options) of
        {error, #{kind := busy}} = Busy -> try_each(Others, Name, Arguments, Options, Busy);
        {error, #{kind := down, reason := noproc}} = Gone -> try_each(Others, Name, Arguments, Options, Gone);
        Result -> Result
    end.

shuffled(List) -> [Each || {_, Each} <- lists:sort([{rand:uniform(), Each} || Each <- List])].
