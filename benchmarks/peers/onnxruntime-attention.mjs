// Times ONNX Runtime's fused float32 attention (contrib MultiHeadAttention, which is its FlashAttention on the CPU) on one shape and prints one JSON line.
//   node onnxruntime-attention.mjs BATCHxHEADSxTOKENSxDIMENSION [VALUE_DIMENSION] [SECONDS]
import ort from 'onnxruntime-node';
import { multiHeadAttention } from './onnx-model.mjs';
import { normals, openSession, timeRuns } from './timing.mjs';

const [batchSize, headCount, length, headDimension] = process.argv[2].split('x').map(Number);
const valueDimension = Number(process.argv[3] ?? headDimension);
const session = await openSession(multiHeadAttention({ batchSize, headCount, length, headDimension, valueDimension }));
const shape = [batchSize, length, headCount * headDimension];
const valueShape = [batchSize, length, headCount * valueDimension];
const random = normals(11);
const tensor = (dimensions) => new ort.Tensor('float32', random(dimensions.reduce((a, b) => a * b, 1)), dimensions);
const feeds = { query: tensor(shape), key: tensor(shape), value: tensor(valueShape) };
const fetches = { output: tensor(valueShape) };
console.log(JSON.stringify({ peer: 'onnxruntime-node', operator: 'MultiHeadAttention', batchSize, headCount, length, headDimension, valueDimension,
  ...await timeRuns(session, feeds, fetches, Number(process.argv[4] ?? 2)) }));
