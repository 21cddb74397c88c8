//! What `case.hpp` does, for engines in Rust: runs one program of the public collection, and prints the nanoseconds of
//! CPU time of each call of `run`. The options are the same.

pub mod wasmtime;

use std::process::exit;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number {
    I32(i32),
    I64(i64),
    F64(f64),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Type {
    I32,
    I64,
    F64,
}

pub trait Engine {
    /// Calls an export; the process ends if that fails. `result` is the type of its only result, if it has one.
    fn call(&mut self, name: &str, argument: Option<Number>, result: Option<Type>) -> Option<Number>;
    fn write(&mut self, address: usize, bytes: &[u8]);
    fn read(&mut self, address: usize, bytes: &mut [u8]);
}

pub fn fail(what: &str, which: impl std::fmt::Display) -> ! {
    eprintln!("{what}: {which}");
    exit(1)
}

/// The value, or the end of the process.
pub fn expect<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| fail(what, error))
}

fn parse(text: &str) -> Option<Number> {
    let (kind, digits) = text.split_once(':').unwrap_or((text, ""));
    let integer = || match digits.strip_prefix("0x") {
        Some(hex) => expect(u64::from_str_radix(hex, 16), text) as i64,
        None => expect(digits.parse(), text),
    };
    match kind {
        "void" => None,
        "i32" => Some(Number::I32(integer() as i32)),
        "i64" => Some(Number::I64(integer())),
        "f64" => Some(Number::F64(expect(digits.parse(), text))),
        _ => fail("no type of a number", text),
    }
}

fn type_of(number: Number) -> Type {
    match number {
        Number::I32(_) => Type::I32,
        Number::I64(_) => Type::I64,
        Number::F64(_) => Type::F64,
    }
}

fn address<E: Engine>(engine: &mut E, name: &str, argument: Option<Number>) -> usize {
    match engine.call(name, argument, Some(Type::I32)) {
        Some(Number::I32(address)) => address as u32 as usize,
        other => fail("no address", format!("{name}: {other:?}")),
    }
}

fn cpu_time() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to the argument alone.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The program: its first argument is the module.
pub fn run<E: Engine>(make: impl FnOnce(&[u8]) -> E) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() < 3 || arguments.len() % 2 == 0 {
        fail("usage", "ENGINE MODULE --run TYPE:ARGUMENT | --setup TYPE:ARGUMENT [--input FILE] [--rounds N] \
                       [--check NAME:TYPE:RESULT] [--output FILE]");
    }
    let file = |path: &str| expect(std::fs::read(path), path);
    let mut engine = make(&file(&arguments[0]));
    let (mut argument, mut result, mut rounds, mut checks, mut output) = (None, None, 1, Vec::new(), None);
    for option in arguments[1..].chunks(2) {
        let value = option[1].as_str();
        match option[0].as_str() {
            "--run" => {
                argument = parse(value);
                result = argument.map(type_of);
            }
            "--setup" => argument = engine.call("setup", parse(value), Some(Type::I32)),
            "--input" => {
                let bytes = file(value);
                let place = address(&mut engine, "input_ptr", argument);
                engine.write(place, &bytes);
            }
            "--rounds" => rounds = expect(value.parse(), value),
            "--check" => checks.push(value),
            "--output" => output = Some(file(value)),
            other => fail("no such option", other),
        }
    }
    for _ in 0..rounds {
        let start = cpu_time();
        engine.call("run", argument, result);
        println!("{}", cpu_time() - start);
    }
    for check in checks {
        let (name, expected) = check.split_once(':').unwrap_or_else(|| fail("no check", check));
        let expected = parse(expected);
        let got = engine.call(name, argument, expected.map(type_of));
        if got != expected {
            fail("a wrong result", format!("{check}: {got:?}"));
        }
    }
    if let Some(expected) = output {
        let place = address(&mut engine, "output_ptr", argument);
        let mut got = vec![0; expected.len()];
        engine.read(place, &mut got);
        if got != expected {
            fail("a wrong output", expected.len());
        }
    }
}
