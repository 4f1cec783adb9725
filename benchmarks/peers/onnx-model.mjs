// The protobuf messages that the peers' graphs need, and the two graphs. Field numbers are those of onnx.proto3; only length-delimited fields and varints occur.
const varint = (value) => {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 0x80n) { bytes.push(Number(rest)); return Buffer.from(bytes); }
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
};
const integer = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const message = (field, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
};
const text = (field, value) => message(field, Buffer.from(value, 'utf8'));

const FLOAT = 1;
const INT8 = 3;
const INT64 = 7;
const CONTRIB = 'com.microsoft';

/** Collects nodes, inputs, outputs and constants; makeNode returns the name of its first output. */
class Graph {
  parts = [];
  count = 0;

  value(field, name, shape) {
    this.parts.push(message(field, text(1, name), message(2, message(1, integer(1, FLOAT), message(2, ...shape.map((size) => message(1, integer(1, size))))))));
    return name;
  }

  input(name, shape) { return this.value(11, name, shape); }

  output(name, shape) { return this.value(12, name, shape); }

  constant(shape, array) {
    const name = `constant${this.count++}`;
    const type = array instanceof BigInt64Array ? INT64 : array instanceof Int8Array ? INT8 : FLOAT;
    this.parts.push(message(5, ...shape.map((size) => integer(1, size)), integer(2, type), text(8, name), message(9, Buffer.from(array.buffer, array.byteOffset, array.byteLength))));
    return name;
  }

  integers(...values) { return this.constant([values.length], BigInt64Array.from(values, BigInt)); }

  makeNode(operator, inputs, { attributes = {}, outputs = 1, name, domain = '' } = {}) {
    const names = Array.from({ length: outputs }, () => name ?? `value${this.count++}`);
    const encoded = Object.entries(attributes).map(([key, value]) => Array.isArray(value)
      ? message(5, text(1, key), ...value.map((item) => integer(8, item)), integer(20, 7))
      : message(5, text(1, key), integer(3, BigInt.asUintN(64, BigInt(value))), integer(20, 2)));
    this.parts.push(message(1, ...inputs.map((input) => text(1, input)), ...names.map((output) => text(2, output)), text(4, operator), ...encoded, text(7, domain)));
    return outputs === 1 ? names[0] : names;
  }

  model() {
    return Buffer.concat([integer(1, 8), message(7, ...this.parts, text(2, 'graph')),
      message(8, text(1, ''), integer(2, 17)), message(8, text(1, CONTRIB), integer(2, 1))]);
  }
}

/** One MultiHeadAttention node over [batch, tokens, heads * dimension] inputs. */
export function multiHeadAttention({ batchSize, headCount, length, headDimension, valueDimension }) {
  const graph = new Graph();
  const shape = [batchSize, length, headCount * headDimension];
  const valueShape = [batchSize, length, headCount * valueDimension];
  graph.input('query', shape);
  graph.input('key', shape);
  graph.input('value', valueShape);
  graph.makeNode('MultiHeadAttention', ['query', 'key', 'value'], { name: 'output', domain: CONTRIB, attributes: { num_heads: headCount } });
  graph.output('output', valueShape);
  return graph.model();
}

/** Weights [inputs, outputs] in 8 bits, symmetric per output. */
function quantize(weights, inputs, outputs) {
  const quantized = new Int8Array(inputs * outputs);
  const scales = new Float32Array(outputs);
  for (let column = 0; column < outputs; column++) {
    for (let row = 0; row < inputs; row++) scales[column] = Math.max(scales[column], Math.abs(weights[row * outputs + column]) / 127);
    for (let row = 0; row < inputs; row++) quantized[row * outputs + column] = Math.round(weights[row * outputs + column] / scales[column]);
  }
  return { quantized, scales };
}

/**
 * A DeiT of the given width with random weights: what its time depends on is its shape. random(count, deviation) gives weights. With linear "int8" the blocks' linear layers and the head are
 * quantised as ONNX Runtime's own dynamic quantisation does it, in the form of nodes that it fuses.
 */
export function visionTransformer({ width, headCount, depth, imageSize, patchSize, classCount, linear: precision = 'fp32' }, random) {
  const graph = new Graph();
  const grid = imageSize / patchSize;
  const tokens = grid * grid + 1;
  const weights = (...shape) => graph.constant(shape, random(shape.reduce((a, b) => a * b, 1), 1 / Math.sqrt(shape[0])));
  const ones = (size) => graph.constant([size], new Float32Array(size).fill(1));
  const product = (input, inputs, outputs) => {
    if (precision === 'fp32') return graph.makeNode('MatMul', [input, weights(inputs, outputs)]);
    const { quantized, scales } = quantize(random(inputs * outputs, 1 / Math.sqrt(inputs)), inputs, outputs);
    const [bytes, scale, zero] = graph.makeNode('DynamicQuantizeLinear', [input], { outputs: 3 });
    const sums = graph.makeNode('MatMulInteger', [bytes, graph.constant([inputs, outputs], quantized), zero, graph.constant([outputs], new Int8Array(outputs))]);
    return graph.makeNode('Mul', [graph.makeNode('Cast', [sums], { attributes: { to: FLOAT } }), graph.makeNode('Mul', [scale, graph.constant([outputs], scales)])]);
  };
  const linear = (input, inputs, outputs, options) => graph.makeNode('Add', [product(input, inputs, outputs), weights(outputs)], options);
  const normalise = (input) => graph.makeNode('LayerNormalization', [input, ones(width), weights(width)], { attributes: { axis: -1 } });
  graph.input('image', [1, 3, imageSize, imageSize]);
  const patches = graph.makeNode('Conv', ['image', weights(width, 3, patchSize, patchSize), weights(width)], { attributes: { kernel_shape: [patchSize, patchSize], strides: [patchSize, patchSize] } });
  const rows = graph.makeNode('Transpose', [graph.makeNode('Reshape', [patches, graph.integers(1, width, grid * grid)])], { attributes: { perm: [0, 2, 1] } });
  let hidden = graph.makeNode('Add', [graph.makeNode('Concat', [weights(1, 1, width), rows], { attributes: { axis: 1 } }), weights(1, tokens, width)]);
  for (let block = 0; block < depth; block++) {
    const fused = linear(normalise(hidden), width, 3 * width);
    const [query, key, value] = graph.makeNode('Split', [fused, graph.integers(width, width, width)], { attributes: { axis: -1 }, outputs: 3 });
    const attended = graph.makeNode('MultiHeadAttention', [query, key, value], { domain: CONTRIB, attributes: { num_heads: headCount } });
    hidden = graph.makeNode('Add', [hidden, linear(attended, width, width)]);
    const expanded = graph.makeNode('Gelu', [linear(normalise(hidden), width, 4 * width)], { domain: CONTRIB });
    hidden = graph.makeNode('Add', [hidden, linear(expanded, 4 * width, width)]);
  }
  const first = graph.makeNode('Gather', [normalise(hidden), graph.constant([], BigInt64Array.of(0n))], { attributes: { axis: 1 } });
  linear(first, width, classCount, { name: 'logits' });
  graph.output('logits', [1, classCount]);
  return graph.model();
}
