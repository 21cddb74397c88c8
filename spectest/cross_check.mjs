// Compares our verdicts on the modules of the official suite with other implementations: wasm-tools and WABT for the
// texts, V8 for the binaries. spectest/README.md has the results.
//
//     node [--experimental-wasm-...] spectest/cross_check.mjs BUILD SUITE
//
// BUILD is a build of Warpbeam, SUITE the directory of the suite. wasm-tools comes from the npm package
// @bytecodealliance/jco, which is installed to BUILD/cross_check; WABT is used if `wat2wasm` is on the PATH; V8 is
// that of the node that runs this. The exit status is 1 if there is an unexplained difference.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [build, suite] = process.argv.slice(2).map((path) => resolve(path));
if (!suite) {
  console.error('usage: node cross_check.mjs BUILD SUITE');
  process.exit(2);
}
const work = join(build, 'cross_check');
const dump = join(work, 'modules');
let unexplained = 0;

/** All scripts in a directory and those below it. */
const scripts = (directory) => readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
  const path = join(directory, entry.name);
  return entry.isDirectory() ? scripts(path) : path.endsWith('.wast') ? [path] : [];
}).sort();

rmSync(dump, { recursive: true, force: true });
mkdirSync(dump, { recursive: true });
execFileSync(join(build, 'spectest/warpbeam_dump_modules'), [dump, ...scripts(suite)]);
const modules = readFileSync(join(dump, 'index.tsv'), 'utf8').trimEnd().split('\n').map((row) => {
  const [number, file, line, form, expected, accepted, needs] = row.split('\t');
  const at = (extension) => join(dump, `${number}.${extension}`);
  return {
    place: `${relative(suite, file)}:${line}`, file: relative(suite, file), form, expected, accepted: accepted === 'yes',
    needs: needs ? needs.split(',') : [], wat: at('wat'), wasm: existsSync(at('wasm')) ? at('wasm') : null,
  };
});

/** Counts by outcome; unexplained ones are listed. */
class Tally {
  constructor(name) {
    this.name = name;
    this.counts = new Map();
  }
  add(outcome) { this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1); }
  differ(place, what) {
    ++unexplained;
    this.add('UNEXPLAINED');
    console.log(`${this.name}: ${place}: ${what}`);
  }
  print() {
    console.log(`\n${this.name}`);
    for (const [outcome, count] of [...this.counts].sort((a, b) => b[1] - a[1]))
      console.log(`  ${String(count).padStart(6)}  ${outcome}`);
  }
}

/** [id, contents] of each section. */
function sectionsOf(bytes) {
  const sections = [];
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
      byte = bytes[at++];
      size += (byte & 0x7f) * 2 ** shift;
    }
    sections.push([id, bytes.subarray(at, at + size)]);
    at += size;
  }
  return sections;
}
const leb = (value) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]);
const withSections = (sections) => Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  ...sections.flatMap(([id, contents]) => [id, ...leb(contents.length), ...contents])]);
const withoutCustom = (bytes) => withSections(sectionsOf(bytes).filter(([id]) => id !== 0));
const withoutDataCount = (bytes) => withSections(sectionsOf(bytes).filter(([id]) => id !== 12));
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

/** Lines of a printed module without comments and indentation. */
const linesOf = (text) => text.split('\n').map((line) => line.replace(/\(;.*?;\)/g, '').replace(/\s+/g, ' ').trim()).filter(Boolean);

/** Choices of an encoder; each function maps the lines of one choice to those of the other. */
const freedoms = {
  // https://webassembly.github.io/spec/core/binary/modules.html#element-section : form 2 can express what form 0 means
  'the longer form of an element segment for table 0': (lines) =>
    lines.map((line) => (line.startsWith('(elem ') ? line.replace('(table 0) ', '') : line)),
  // https://webassembly.github.io/spec/core/binary/types.html#recursive-types : a single type is a group of one
  'a recursive group of one type, written as a group': (lines) => lines.flatMap((line, i, all) => {
    const single = (at) => all[at] === '(rec' && all[at + 1]?.startsWith('(type ') && all[at + 2] === ')';
    return single(i) || single(i - 2) ? [] : [line];
  }),
  'an empty else': (lines) => lines.filter((line, i, all) => !(line === 'else' && all[i + 1] === 'end')),
  // https://webassembly.github.io/spec/core/text/modules.html#type-uses : "at the end", in the order of occurrence,
  // which may mean that of the text or of the binary format
  'the order of implicit types': (lines) => {
    const types = lines.filter((line) => line.startsWith('(type ')).map((line) => line.replace(/^\(type |\)$/g, ''));
    return lines.filter((line) => !line.startsWith('(type '))
      .map((line) => line.replace(/\(type (\d+)\)/g, (_, n) => `(type ${types[n]})`));
  },
  // A bug in wasm-tools: https://webassembly.github.io/spec/core/text/modules.html#abbreviations requires a type
  // that is final, alone in its group and without supertypes, not just any function type with this signature.
  'an implicit type that wasm-tools finds among those that are not final': (lines) =>
    lines.map((line) => line.replace(/\(type \(sub (?:final )?(?:\d+ )?(\(func.*?\))\)\)/, '(type $1)')),
};

/** Why two binaries of one text differ, if encoders may choose; else null. `print` converts them to text. */
async function freedom(ours, theirs, print) {
  if (same(ours, theirs))
    return 'the same bytes';
  [ours, theirs] = [withoutCustom(ours), withoutCustom(theirs)];
  if (same(ours, theirs))
    return 'the same except for names';
  if (same(withoutDataCount(ours), withoutDataCount(theirs)))
    return 'the same except for a data count that nothing uses';
  let [a, b] = [linesOf(await print(ours)), linesOf(await print(theirs))];
  const equal = () => a.join('\n') === b.join('\n');
  if (equal())
    return 'the same when printed: a form that the printer does not show';
  const reasons = [];
  for (const [reason, apply] of Object.entries(freedoms)) {
    const [c, d] = [apply(a), apply(b)];
    if (a.length - c.length !== b.length - d.length || c.some((line, i) => line === d[i] && a[i] !== b[i]))
      reasons.push(reason);
    [a, b] = [c, d];
    if (equal())
      return `the same except for ${reasons.length ? reasons.join(', ') : reason}`;
  }
  return null;
}

async function wasmTools() {
  const packages = join(work, 'npm');
  if (!existsSync(join(packages, 'node_modules/@bytecodealliance/jco'))) {
    mkdirSync(packages, { recursive: true });
    writeFileSync(join(packages, 'package.json'), '{"private": true}');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '@bytecodealliance/jco@1'],
      { cwd: packages, stdio: 'inherit' });
  }
  const root = join(packages, 'node_modules/@bytecodealliance/jco');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { parse, print } = await import(pathToFileURL(join(root, 'dist/api.js')).href);
  const texts = new Tally(`wasm-tools (jco ${version}), valid and invalid text modules`);
  const malformed = new Tally(`wasm-tools (jco ${version}), malformed text modules`);
  for (const module of modules) {
    if (module.form === 'binary')
      continue;
    const refuses = module.expected.startsWith('malformed');
    const tally = refuses ? malformed : texts;
    let theirs = null;
    let problem = '';
    try {
      theirs = await parse(readFileSync(module.wat, 'utf8').replace(/^\(module definition/, '(module'));
    } catch (error) {
      problem = String(error.payload ?? error.message ?? error);
    }
    if (refuses) {
      if (!theirs)
        malformed.add('refused by both');
      else
        malformed.add(`accepted by wasm-tools: ${module.place}`);
      continue;
    }
    if (!theirs) {
      tally.add(`wasm-tools refuses the text: ${/Custom\("(.*?)"\)|Lex\((\w+)/.exec(problem)?.slice(1).join('') ?? ''} (${module.file})`);
      continue;
    }
    if (!module.wasm && module.expected === 'invalid_custom') {
      tally.add('refused by us for an annotation, as the script wants; wasm-tools ignores those');
      continue;
    }
    if (!module.wasm) {
      tally.differ(module.place, 'only we refuse the text');
      continue;
    }
    let reason = null;
    try {
      reason = await freedom(readFileSync(module.wasm), theirs, print);
    } catch (error) {
      reason = 'not printed by wasm-tools';
    }
    reason ? tally.add(reason) : tally.differ(module.place, 'other binaries');
  }
  texts.print();
  malformed.print();
}

async function wabt() {
  const found = spawnSync('wat2wasm', ['--version'], { encoding: 'utf8' });
  if (found.error)
    return console.log('\nWABT: not on the PATH');
  const tally = new Tally(`WABT ${found.stdout.trim()}, valid text modules`);
  const out = join(work, 'wabt.wasm');
  const print = (bytes) => {
    const path = join(work, 'print.wasm');
    writeFileSync(path, bytes);
    return execFileSync('wasm2wat', ['--enable-all', '--no-check', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  };
  for (const module of modules) {
    if (module.form !== 'text' || module.expected !== 'valid')
      continue;
    const ran = spawnSync('wat2wasm', ['--enable-all', '--no-check', module.wat, '-o', out], { encoding: 'utf8' });
    if (ran.status !== 0) {
      tally.add('WABT refuses the text');
      continue;
    }
    let reason = null;
    try {
      reason = await freedom(readFileSync(module.wasm), readFileSync(out), print);
    } catch {
      reason = 'not printed by WABT';
    }
    reason ? tally.add(reason) : tally.differ(module.place, 'other binaries');
  }
  tally.print();
}

/** A tiny module for each feature that V8 may lack; every supported node has the other features. */
const probes = {
  'tail-call': '(func return_call 0)',
  'relaxed-simd': '(func (param v128) (result v128) local.get 0 local.get 0 i8x16.relaxed_swizzle)',
  'extended-const': '(global i32 i32.const 1 i32.const 2 i32.add)',
  'multi-memory': '(memory 1) (memory 1)',
  memory64: '(memory i64 1) (table i64 1 funcref)',
  'function-references': '(type $f (func)) (func (param (ref $f)) local.get 0 call_ref $f)',
  exceptions: '(tag) (func block (result exnref) try_table (catch_all_ref 0) end unreachable end drop)',
  'legacy-exceptions': '(func try catch_all end)',
  gc: '(rec (type $s (sub (struct (field (mut i8)))))) (func (param anyref) local.get 0 ref.cast (ref $s) drop)',
  threads: '(memory 1 1 shared) (func i32.const 0 i32.atomic.load drop)',
  'wide-arithmetic': '(func (param i64) (result i64 i64) local.get 0 local.get 0 i64.mul_wide_u)',
  'custom-page-sizes': '(memory 1 (pagesize 1))',
  'custom-descriptors': '(rec (type (descriptor 1) (struct)) (type (describes 0) (struct)))',
  'stack-switching': '(type $f (func)) (type $c (cont $f)) (func (param (ref $c)) local.get 0 resume $c)',
};

function v8() {
  const lacking = Object.keys(probes).filter((feature) => {
    const wasm = execFileSync(join(build, 'warpbeam'), ['wat2wasm', '--features', '+all', '-', '-o', '-'],
      { input: `(module ${probes[feature]})` });
    return !WebAssembly.validate(wasm);
  });
  const name = `V8 ${process.versions.v8} (node ${process.version}${process.execArgv.map((flag) => ` ${flag}`).join('')})`;
  console.log(`\n${name} lacks: ${lacking.join(', ') || 'nothing'}`);
  const accepted = new Tally('V8, valid modules');
  const refused = new Tally('V8, invalid and malformed binary modules');
  for (const module of modules) {
    if (!module.wasm || (module.expected === 'malformed' && module.form !== 'binary'))
      continue;
    const judged = WebAssembly.validate(readFileSync(module.wasm));
    if (module.expected === 'valid' || module.expected.endsWith('_custom')) {
      const lacks = module.needs.filter((need) => lacking.includes(need));
      if (judged)
        accepted.add('accepted by both');
      else if (lacks.length !== 0)
        accepted.add(`V8 lacks ${lacks.join(', ')}`);
      else
        accepted.differ(module.place, 'only V8 refuses it');
    } else if (!judged) {
      refused.add('refused by both');
    } else if (module.accepted) {
      refused.add('accepted by both: the script predates a feature');
    } else if (module.needs.some((need) => lacking.includes(need))) {
      refused.add(`V8 lacks ${module.needs.filter((need) => lacking.includes(need)).join(', ')}, and misreads it`);
    } else {
      refused.differ(module.place, `V8 accepts a module that is ${module.expected}`);
    }
  }
  accepted.print();
  refused.print();
}

console.log(`${modules.length} modules`);
await wasmTools();
await wabt();
v8();
console.log(`\n${unexplained} unexplained differences`);
process.exit(unexplained === 0 ? 0 : 1);
