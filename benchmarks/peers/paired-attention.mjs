// Times ONNX Runtime and binattn in turn, round after round, pinned to one core, so that both meet the same machine; prints one JSON object with medians over rounds and ratios.
//   npm install --ignore-scripts && node paired-attention.mjs --shapes 1x1x1024x64,1x1x4096x64 --rounds 5 --cpu 1 > ../results/NAME.json
import { describe, here, launcher, middle, pinnedTo, readOptions } from './paired.mjs';
import { join } from 'node:path';

const options = readOptions({ shapes: '1x1x1024x64,1x1x4096x64', 'value-dimension': '', rounds: '5', cpu: '1', seconds: '2', repeat: '31' });
const pinned = pinnedTo(options.cpu);

const results = [];
for (const shape of options.shapes.split(',')) {
  const valueDimension = options['value-dimension'] || shape.split('x')[3];
  const lines = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    lines.push(...pinned('node', join(here, 'onnxruntime-attention.mjs'), shape, valueDimension, options.seconds).map((line) => ({ ...line, name: 'onnxruntime' })));
    lines.push(...pinned(launcher, 'bench', 'attention', '--shape', shape, '--value-dimension', valueDimension, '--threads', '1', '--repeat', options.repeat, '--json')
      .map((line) => ({ ...line, name: `binattn ${line.operation} ${line.kernel}` })));
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
