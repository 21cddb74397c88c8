//! The optimising compiler of wasmtime.

fn main() {
    let mut config = wasmtime::Config::new();
    config.strategy(wasmtime::Strategy::Cranelift);
    public_peers::wasmtime::run_with(&config);
}
