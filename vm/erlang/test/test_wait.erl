%% For what other processes do at their own pace.
-module(test_wait).
-export([until/1]).

%% Returns when the condition holds; fails if that takes more than ten seconds.
until(Condition) -> until(Condition, 1000).

until(Condition, Left) ->
    case Condition() of
        true -> ok;
        false when Left > 0 -> timer:sleep(10), until(Condition, Left - 1);
        false -> error(late)
    end.
