//! The same in tinywasm.

use public_peers::{expect, fail, run, Engine, Number, Type};
use tinywasm::types::WasmValue;
use tinywasm::{Module, ModuleInstance, Store};

struct TinyWasm {
    store: Store,
    instance: ModuleInstance,
}

impl TinyWasm {
    fn new(bytes: &[u8]) -> Self {
        let module = expect(tinywasm::parse_bytes(bytes), "module");
        let module: Module = module;
        let mut store = Store::default();
        let instance = expect(ModuleInstance::instantiate(&mut store, &module, None), "instance");
        Self { store, instance }
    }
}

impl Engine for TinyWasm {
    fn call(&mut self, name: &str, argument: Option<Number>, _result: Option<Type>) -> Option<Number> {
        let function = expect(self.instance.func_untyped(&self.store, name), name);
        let arguments: Vec<WasmValue> = argument
            .map(|number| match number {
                Number::I32(value) => WasmValue::I32(value),
                Number::I64(value) => WasmValue::I64(value),
                Number::F64(value) => WasmValue::F64(value),
            })
            .into_iter()
            .collect();
        let results = expect(function.call(&mut self.store, &arguments), name);
        results.first().map(|value| match value {
            WasmValue::I32(value) => Number::I32(*value),
            WasmValue::I64(value) => Number::I64(*value),
            WasmValue::F64(value) => Number::F64(*value),
            other => fail("no number", format!("{other:?}")),
        })
    }

    fn write(&mut self, address: usize, bytes: &[u8]) {
        let memory = expect(self.instance.memory("memory"), "memory");
        expect(memory.copy_from_slice(&mut self.store, address, bytes), "write");
    }

    fn read(&mut self, address: usize, bytes: &mut [u8]) {
        let memory = expect(self.instance.memory("memory"), "memory");
        expect(memory.read_exact(&self.store, address, bytes), "read");
    }
}

fn main() {
    run(TinyWasm::new);
}
