// The few protobuf messages that one attention operator needs. Field numbers are those of onnx.proto3; only length-delimited fields and varints occur.
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
const tensor = (field, name, shape) => message(field, text(1, name),
  message(2, message(1, integer(1, FLOAT), message(2, ...shape.map((size) => message(1, integer(1, size)))))));

/** A model of one com.microsoft MultiHeadAttention node over [batch, tokens, heads * dimension] inputs. */
export function multiHeadAttention({ batchSize, headCount, length, headDimension, valueDimension }) {
  const shape = [batchSize, length, headCount * headDimension];
  const valueShape = [batchSize, length, headCount * valueDimension];
  const heads = message(5, text(1, 'num_heads'), integer(3, headCount), integer(20, 2));
  const node = message(1, text(1, 'query'), text(1, 'key'), text(1, 'value'), text(2, 'output'), text(4, 'MultiHeadAttention'), heads, text(7, 'com.microsoft'));
  const graph = message(7, node, text(2, 'attention'),
    tensor(11, 'query', shape), tensor(11, 'key', shape), tensor(11, 'value', valueShape), tensor(12, 'output', valueShape));
  return Buffer.concat([integer(1, 8), graph, message(8, text(1, ''), integer(2, 17)), message(8, text(1, 'com.microsoft'), integer(2, 1))]);
}
