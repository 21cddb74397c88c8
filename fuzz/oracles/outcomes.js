// What modules do in V8, as outcomes.cpp prints it for Warpbeam: node outcomes.js PLAN MODULE...
'use strict';
const fs = require('fs');
const zlib = require('zlib');

// V8's messages, in the words of Warpbeam's. Several may fit one message of V8's: then any of them does.
const TRAPS = [
  [/^unreachable/, 'unreachable'],
  [/divide by zero|remainder by zero/, 'integer divide by zero'],
  [/divide result unrepresentable/, 'integer overflow'],
  [/float unrepresentable in integer range/, 'conversion'],
  [/memory access out of bounds|data segment.*out of bounds/, 'out of bounds memory access'],
  [/table index is out of bounds|element segment.*out of bounds|table access out of bounds/, 'table'],
  [/function signature mismatch/, 'call'],
  [/operation does not support unaligned accesses/, 'unaligned atomic'],
  [/dereferencing a null pointer|rethrowing null value/, 'null'],
  [/illegal cast/, 'cast failure'],
  [/array element access out of bounds/, 'out of bounds array access'],
  [/requested new array is too large/, 'resources'],
  [/Atomics.wait cannot be called|Maximum call stack size exceeded/, 'resources'],
];

const trapText = message => {
  const found = TRAPS.find(([pattern]) => pattern.test(message));
  return 'trap ' + (found ? found[1] : message);
};

const outcomeOf = error => {
  if (error instanceof WebAssembly.Exception) return 'exception';
  if (error instanceof WebAssembly.RuntimeError) return trapText(error.message);
  if (error instanceof RangeError) return 'trap resources';
  return 'error ' + error;
};

const view = new DataView(new ArrayBuffer(8));
const fromBits = (type, hex) => {
  view.setBigUint64(0, BigInt('0x' + hex));
  switch (type) {
    case 'i32': return view.getInt32(4);
    case 'i64': return view.getBigInt64(0);
    case 'f32': return view.getFloat32(4);
    case 'f64': return view.getFloat64(0);
    default: return null;
  }
};

const toText = (type, value) => {
  switch (type) {
    case 'i32': return 'i32:' + (value >>> 0).toString(16);
    case 'i64': return 'i64:' + BigInt.asUintN(64, value).toString(16);
    case 'f32': view.setFloat32(0, value); return 'f32:' + view.getUint32(0).toString(16);
    case 'f64': view.setFloat64(0, value); return 'f64:' + view.getBigUint64(0).toString(16);
    default: return value === null ? 'null' : 'ref';
  }
};

const run = (bytes, plan) => {
  const lines = [];
  let crc = 0;
  let logged = 0;
  const log = (...numbers) => {
    const data = new DataView(new ArrayBuffer(8 * numbers.length));
    numbers.forEach((number, i) => data.setBigUint64(8 * i, BigInt.asUintN(64, number), true));
    crc = zlib.crc32(new Uint8Array(data.buffer), crc);
    return logged++;
  };
  const bits32 = x => { view.setFloat32(0, x); return BigInt(view.getUint32(0)); };
  const bits64 = x => { view.setFloat64(0, x); return view.getBigUint64(0); };
  const host = {
    count: () => log(0n),
    numbers: (a, b, c, d) => { log(BigInt(a >>> 0), b, bits32(c), bits64(d)); },
    half: x => { log(bits64(x)); return 0.5; },
    both: x => { log(x); return [-1, x]; },
  };
  const end = () => { lines.push(`host ${logged} ${crc.toString(16)}`); return lines; };
  let module;
  let instance;
  try {
    module = new WebAssembly.Module(bytes);
  } catch (error) {
    return ['not valid: ' + error.message];
  }
  try {
    instance = new WebAssembly.Instance(module, {host});
  } catch (error) {
    const unlinkable = error instanceof WebAssembly.LinkError || error instanceof TypeError;
    lines.push('instance ' + (unlinkable ? 'unlinkable' : outcomeOf(error)));
    return end();
  }
  lines.push('instance made');
  const names = WebAssembly.Module.exports(module).map(({name}) => name);
  for (const [kind, ...step] of plan) {
    if (kind === 'state') {
      const [when, reads] = step;
      for (const [number, what] of reads) {
        const object = instance.exports[names[number]];
        if (what === 'memory') {
          const data = new Uint8Array(object.buffer);
          lines.push(`${when}memory ${number} ${data.length} ${zlib.crc32(data).toString(16)}`);
        } else if (what === 'table') {
          const length = Number(object.length);
          const big = typeof object.length === 'bigint';
          let nulls = '';
          for (let at = 0; at < Math.min(length, 64); ++at)
            nulls += object.get(big ? BigInt(at) : at) === null ? '0' : '1';
          lines.push(`${when}table ${number} ${length} ${nulls}`);
        } else {
          lines.push(`${when}global ${number} ${toText(what, object.value)}`);
        }
      }
      continue;
    }
    const [number, round, args, results] = step;
    const name = `call ${number}.${round}`;
    try {
      const value = instance.exports[names[number]](...args.map(([type, hex]) => fromBits(type, hex)));
      const values = results.length === 0 ? [] : results.length === 1 ? [value] : [...value];
      lines.push([name, ...values.map((each, i) => toText(results[i], each))].join(' '));
    } catch (error) {
      lines.push(name + ' ' + outcomeOf(error));
    }
  }
  return end();
};

const [planFile, ...files] = process.argv.slice(2);
const plans = fs.readFileSync(planFile, 'utf8').split('\n');
files.forEach((file, i) => {
  const plan = JSON.parse(plans[i]);
  console.log(['module ' + file, ...run(fs.readFileSync(file), plan || [])].join('\n'));
});
