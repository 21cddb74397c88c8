# Sourced by .ci/run: steps that are counted; a failing step does not stop the following ones.

total_passed=0
total_failed=0
failed_steps=()

# step NAME COMMAND...: a command that ends with `N passed, N failed` counts for those numbers, any other command as one.
step() {
    local name=$1 log status counts passed failed began=$SECONDS
    shift
    log=$(mktemp)
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
    if [ -n "$counts" ]; then
        passed=${counts%% *}
        failed=${counts#*, }
        failed=${failed%% *}
    else
        passed=1
        failed=0
    fi
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        [ -n "$counts" ] || passed=0
        failed=1
    fi
    rm -f "$log"
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    [ "$failed" -eq 0 ] || failed_steps+=("$name")
    echo "-- $name: $passed passed, $failed failed ($((SECONDS - began)) s)"
}

# Prints the totals; the exit status is 1 if anything failed.
summary() {
    printf '\n'
    [ ${#failed_steps[@]} -eq 0 ] || printf 'failed: %s\n' "${failed_steps[@]}"
    echo "$total_passed passed, $total_failed failed"
    [ "$total_failed" -eq 0 ]
}
