// Times DeiT-Tiny in ONNX Runtime and in binattn in turn, round after round, pinned to one core, batch 1; prints one JSON object. binattn classifies the sample photographs, whose
// forward passes alone are timed (decoding and preprocessing are not).
//   npm install --ignore-scripts && node paired-deit.mjs --rounds 5 --cpu 1 > ../results/NAME.json
import { describe, here, launcher, middle, pinnedTo, readOptions, root } from './paired.mjs';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const options = readOptions({ rounds: '5', cpu: '1', seconds: '2', quantization: 'full' });
const pinned = pinnedTo(options.cpu);
const folder = join(root, 'samples', 'photos');
const photos = readdirSync(folder).map((name) => join(folder, name));
const lines = [];
for (let round = 0; round < Number(options.rounds); round++) {
  lines.push(...pinned('node', join(here, 'onnxruntime-deit.mjs'), 'tiny', '224', options.seconds).map((line) => ({ name: 'onnxruntime float32', milliseconds: line.medianMilliseconds })));
  lines.push(...pinned(launcher, 'classify', ...photos, ...photos, '--threads', '1', '--quantization', options.quantization, '--json').map((line) => ({ name: `binattn ${line.attention}`, milliseconds: line.milliseconds })));
}
const results = [...new Set(lines.map((line) => line.name))].map((name) => {
  const times = lines.filter((line) => line.name === name).map((line) => line.milliseconds);
  return { name, medianMilliseconds: middle(times), minMilliseconds: Math.min(...times), samples: times.length };
});
console.log(JSON.stringify({ ...describe(`DeiT-Tiny 224, batch 1, one thread, ONNX Runtime and binattn in alternating rounds; one-bit attention with quantization ${options.quantization}`), results }, null, 1));
