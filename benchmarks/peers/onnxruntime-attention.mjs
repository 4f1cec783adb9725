// Times ONNX Runtime's fused float32 attention (contrib MultiHeadAttention, which is its FlashAttention on the CPU) on one shape and prints one JSON line.
//   node onnxruntime-attention.mjs BATCHxHEADSxTOKENSxDIMENSION [VALUE_DIMENSION] [SECONDS]
import ort from 'onnxruntime-node';
import { multiHeadAttention } from './onnx-model.mjs';

const [batchSize, headCount, length, headDimension] = process.argv[2].split('x').map(Number);
const valueDimension = Number(process.argv[3] ?? headDimension);
const seconds = Number(process.argv[4] ?? 2);

// Standard-normal inputs from a small seeded generator (xorshift and Box-Muller).
function normal(count, seed) {
  let state = seed;
  const uniform = () => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return ((state >>> 0) + 0.5) / 4294967296; };
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

const session = await ort.InferenceSession.create(multiHeadAttention({ batchSize, headCount, length, headDimension, valueDimension }),
  { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'all' });
const shape = [batchSize, length, headCount * headDimension];
const valueShape = [batchSize, length, headCount * valueDimension];
const feeds = {
  query: new ort.Tensor('float32', normal(batchSize * length * headCount * headDimension, 11), shape),
  key: new ort.Tensor('float32', normal(batchSize * length * headCount * headDimension, 22), shape),
  value: new ort.Tensor('float32', normal(batchSize * length * headCount * valueDimension, 33), valueShape),
};
const output = { output: new ort.Tensor('float32', new Float32Array(batchSize * length * headCount * valueDimension), valueShape) };
for (let i = 0; i < 3; i++) await session.run(feeds, output);
const times = [];
for (const end = performance.now() + seconds * 1000; performance.now() < end || times.length < 5;) {
  const start = performance.now();
  await session.run(feeds, output);
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ peer: `onnxruntime-node ${ort.env.versions.node ?? ''}`.trim(), operator: 'MultiHeadAttention', batchSize, headCount, length, headDimension, valueDimension,
  threads: 1, runs: times.length, medianMilliseconds: times[times.length >> 1], minMilliseconds: times[0] }));
