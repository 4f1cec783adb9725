// What both timed programs share: seeded standard-normal numbers (xorshift and Box-Muller), a one-thread session, and the timing rule.
import ort from 'onnxruntime-node';

export function normals(seed) {
  let state = seed;
  const uniform = () => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return ((state >>> 0) + 0.5) / 4294967296; };
  return (count, deviation = 1) => Float32Array.from({ length: count }, () => deviation * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

export const openSession = (model) => ort.InferenceSession.create(model,
  { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'all' });

/** Runs for the given seconds (at least five runs after three to warm up) and returns count, median and minimum, and the median of the processor time, which leaves out other processes. */
export async function timeRuns(session, feeds, fetches, seconds) {
  for (let i = 0; i < 3; i++) await session.run(feeds, fetches);
  const times = [];
  const cpuTimes = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end || times.length < 5;) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await session.run(feeds, fetches);
    times.push(performance.now() - start);
    const used = process.cpuUsage(cpu);
    cpuTimes.push((used.user + used.system) / 1000);
  }
  times.sort((a, b) => a - b);
  cpuTimes.sort((a, b) => a - b);
  return { threads: 1, runs: times.length, medianMilliseconds: times[times.length >> 1], minMilliseconds: times[0], cpuMilliseconds: cpuTimes[cpuTimes.length >> 1] };
}
