// What the paired runs share: options, commands pinned to one core whose JSON lines are read, medians, and the description of the machine.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '..', '..');
export const launcher = join(root, 'binattn');

export function readOptions(defaults) {
  const options = { ...defaults };
  for (let i = 2; i < process.argv.length; i += 2) options[process.argv[i].slice(2)] = process.argv[i + 1];
  return options;
}

export const pinnedTo = (cpu) => (...command) => execFileSync('taskset', ['-c', cpu, ...command], { encoding: 'utf8', cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  .split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));

export const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export const describe = (what) => ({ what, command: `node ${basename(process.argv[1])} ${process.argv.slice(2).join(' ')}`.trim(), date: new Date().toISOString(), cpu: cpus()[0].model, node: process.version });
