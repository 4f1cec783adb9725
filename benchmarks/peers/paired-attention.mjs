// Times ONNX Runtime and binattn in turn, round after round, pinned to one core, so that both meet the same machine; prints one JSON object with medians over rounds and ratios.
// A shape is BATCHxHEADSxTOKENSxDIMENSION, with @VALUE_DIMENSION behind it where that differs. The forms are options of one-bit attention: weights and biases that the peer does not have; it runs without them.
//   npm install --ignore-scripts && node paired-attention.mjs --shapes 1x1x4096x64,1x1x4096x64@16 --forms plain,relative --rounds 5 --cpu 1 > ../results/NAME.json
import { describe, here, launcher, middle, pinnedTo, readOptions } from './paired.mjs';
import { join } from 'node:path';

const forms = {
  plain: [],
  relative: ['--bias', 'relative'],
  dense: ['--bias', 'dense'],
  learned: ['--weighting', 'learned'],
  calibrated: ['--weighting', 'per-token-query', '--bias', 'key'],
  'calibrated-key-weights': ['--weighting', 'per-token', '--bias', 'key'],
};
const options = readOptions({ shapes: '1x1x1024x64,1x1x4096x64', forms: 'plain', operation: 'both', kernels: '', rounds: '5', cpu: '1', seconds: '2', repeat: '31' });
const unknown = options.forms.split(',').filter((form) => !(form in forms));
if (unknown.length > 0) throw new Error(`--forms names ${unknown}; expected some of ${Object.keys(forms)}`);
const pinned = pinnedTo(options.cpu);

const results = [];
for (const text of options.shapes.split(',')) {
  const [shape, valueDimension = shape.split('x')[3]] = text.split('@');
  const lines = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    lines.push(...pinned('node', join(here, 'onnxruntime-attention.mjs'), shape, valueDimension, options.seconds).map((line) => ({ ...line, name: 'onnxruntime' })));
    for (const form of options.forms.split(',')) {
      const operation = form === 'plain' ? options.operation : 'binary';
      lines.push(...pinned(launcher, 'bench', 'attention', '--shape', shape, '--value-dimension', valueDimension, '--operation', operation, ...(options.kernels ? ['--kernels', options.kernels] : []),
        '--threads', '1', '--repeat', options.repeat, '--json', ...forms[form]).map((line) => ({ ...line, name: `binattn ${line.operation} ${line.kernel}${form === 'plain' ? '' : ` ${form}`}` })));
    }
  }
  const row = { shape, valueDimension: Number(valueDimension) };
  for (const name of new Set(lines.map((line) => line.name))) {
    const own = lines.filter((line) => line.name === name);
    row[name] = {
      medianMilliseconds: middle(own.map((line) => line.medianMilliseconds)),
      minMilliseconds: Math.min(...own.map((line) => line.minMilliseconds)),
      ...(own[0].packingMilliseconds === undefined ? {} : {
        packingMilliseconds: middle(own.map((line) => line.packingMilliseconds)), cyclesPerPair: middle(own.map((line) => line.cyclesPerPair)),
        clockGigahertz: middle(own.map((line) => line.clockGigahertz)), relativeError: own[0].relativeError, cosineSimilarity: own[0].cosineSimilarity,
      }),
      rounds: own.map((line) => line.medianMilliseconds),
    };
  }
  const peer = row.onnxruntime;
  for (const [name, own] of Object.entries(row)) {
    if (name.startsWith('binattn')) {
      own.timesFasterThanOnnxRuntime = peer.medianMilliseconds / own.medianMilliseconds;
      own.timesFasterThanOnnxRuntimeMinima = peer.minMilliseconds / own.minMilliseconds;
      own.timesFasterPackingIncluded = peer.medianMilliseconds / (own.medianMilliseconds + own.packingMilliseconds);
    }
  }
  results.push(row);
  console.error(JSON.stringify(row));
}
console.log(JSON.stringify({ ...describe('attention, one thread, ONNX Runtime (float32, contrib MultiHeadAttention) and binattn in alternating rounds'), results }, null, 1));
