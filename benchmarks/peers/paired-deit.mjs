// Times a DeiT in ONNX Runtime and in binattn in turn, round after round, pinned to one core, batch 1, random weights on both sides; prints one JSON object for each image size. A round starts each
// program once; each reports its own median and minimum, and the
// median of its processor time, which leaves out other processes; of these the medians (minima) over the rounds are taken.
//   npm install --ignore-scripts && node paired-deit.mjs --model tiny --image 224,384,512,1024 --rounds 5 --cpu 1 > ../results/NAME.jsonl
import { describe, here, launcher, middle, pinnedTo, readOptions } from './paired.mjs';
import { join } from 'node:path';

const options = readOptions({ model: 'tiny', image: '224', rounds: '5', cpu: '1', seconds: '2', repeat: '15', attention: 'exact,naive-binary', quantization: 'tiled' });
const pinned = pinnedTo(options.cpu);
for (const imageSize of options.image.split(',')) {
  const lines = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const linear of ['fp32', 'int8']) {
      lines.push(...pinned('node', join(here, 'onnxruntime-deit.mjs'), options.model, imageSize, options.seconds, linear).map((line) => ({ ...line, name: `onnxruntime ${linear}` })));
      lines.push(...pinned(launcher, 'bench', 'model', '--model', `deit-${options.model}`, '--image', imageSize, '--attention', options.attention, '--linear', linear,
        '--quantization', options.quantization, '--threads', '1', '--repeat', options.repeat, '--json').map((line) => ({ ...line, name: `binattn ${line.attention} ${line.linear}` })));
    }
  }
  const results = [...new Set(lines.map((line) => line.name))].map((name) => {
    const same = lines.filter((line) => line.name === name);
    const shares = same.map((line) => line.attentionShare).filter((share) => share !== undefined);
    return {
      name,
      medianMilliseconds: middle(same.map((line) => line.medianMilliseconds)),
      minMilliseconds: Math.min(...same.map((line) => line.minMilliseconds)),
      cpuMilliseconds: middle(same.map((line) => line.cpuMilliseconds)),
      ...shares.length > 0 && { attentionShare: middle(shares) },
      rounds: same.length,
    };
  });
  console.log(JSON.stringify({
    ...describe(`DeiT-${options.model} ${imageSize} x ${imageSize}, batch 1, one thread, ONNX Runtime and binattn in alternating rounds; one-bit attention with quantization ${options.quantization}`),
    model: `deit-${options.model}`, imageSize: Number(imageSize), results,
  }));
}
