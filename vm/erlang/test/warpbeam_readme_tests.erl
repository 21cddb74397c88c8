%% @doc The transcript in README.md is true.
-module(warpbeam_readme_tests).
-include_lib("eunit/include/eunit.hrl").

transcript_test() ->
    Source = proplists:get_value(source, ?MODULE:module_info(compile)),
    {ok, Text} = file:read_file(filename:join([filename:dirname(Source), "..", "README.md"])),
    {match, [Transcript]} = re:run(Text, "```\n\\$ erl [^\n]*\n(.*?)```", [dotall, {capture, all_but_first, list}]),
    Steps = re:split(Transcript, "^\\d+> ", [multiline, {return, list}]),
    ["" | Inputs] = Steps,
    ?assert(length(Inputs) >= 8),
    lists:foldl(fun step/2, erl_eval:new_bindings(), Inputs).

%% An input ends with a full stop at the end of a line; what follows is its result, if the transcript shows it.
step(Step, Bindings) ->
    {ok, Tokens, _} = erl_scan:string(Step),
    {Input, Shown} = lists:splitwith(fun(Token) -> element(1, Token) =/= dot end, Tokens),
    [Dot | Rest] = Shown,
    {ok, Expressions} = erl_parse:parse_exprs(Input ++ [Dot]),
    {value, Value, New} = erl_eval:exprs(Expressions, Bindings),
    case Rest of
        [] -> ok;
        _ ->
            {ok, Term} = erl_parse:parse_term(Rest ++ [Dot]),
            ?assertEqual(Term, Value)
    end,
    New.
