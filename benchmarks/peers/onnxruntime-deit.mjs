// Times a DeiT (random weights, fused float32 attention, linear layers in float32 or dynamically quantised to 8 bits) in ONNX Runtime, batch 1, and prints one JSON line.
//   node onnxruntime-deit.mjs tiny|small|base [IMAGE_SIZE] [SECONDS] [fp32|int8]
import ort from 'onnxruntime-node';
import { visionTransformer } from './onnx-model.mjs';
import { normals, openSession, timeRuns } from './timing.mjs';

const widths = { tiny: 192, small: 384, base: 768 };
const model = process.argv[2] ?? 'tiny';
const imageSize = Number(process.argv[3] ?? 224);
const linear = process.argv[5] ?? 'fp32';
const width = widths[model];
const random = normals(7);
const session = await openSession(visionTransformer({ width, headCount: width / 64, depth: 12, imageSize, patchSize: 16, classCount: 1000, linear }, random));
const image = new ort.Tensor('float32', random(3 * imageSize * imageSize), [1, 3, imageSize, imageSize]);
console.log(JSON.stringify({ peer: 'onnxruntime-node', model: `deit-${model}`, imageSize, linear, ...await timeRuns(session, { image }, ['logits'], Number(process.argv[4] ?? 3)) }));
