//! The baseline compiler of wasmtime.

fn main() {
    let mut config = wasmtime::Config::new();
    config.strategy(wasmtime::Strategy::Winch);
    public_peers::wasmtime::run_with(&config);
}
