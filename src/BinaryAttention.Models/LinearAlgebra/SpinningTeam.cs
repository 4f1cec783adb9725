// Threads that wait for the next run by spinning for a while before they sleep: the stages of one forward pass follow each other within microseconds, less than waking a thread takes. Between
// passes they sleep. The threads start with the first run and hold on to the crew only, so that a team whose owner forgot it is collected and sends them home; disposing is left to that.
using BinaryAttention.Threading;

namespace BinaryAttention.Models.LinearAlgebra;

internal sealed class SpinningTeam : TileLoop
{
    private readonly Crew _crew;

    public SpinningTeam(int workers)
        : base(workers) => _crew = new Crew(Job, workers - 1);

#pragma warning disable MA0055 // threads must not wait for ever for a model that was let go
    ~SpinningTeam() => _crew.Stop();
#pragma warning restore MA0055

    protected override void WorkTogether(int workers)
    {
        _crew.Work();
        GC.KeepAlive(this);
    }

    private sealed class Crew
    {
        // Some 200 microseconds of looking: longer than a stage's imbalance, short against a time slice. Pauses are rare: a virtual machine takes the processor away from a thread that pauses again and again,
        // which cost a tenth of a pass at 1,025 tokens (2 virtual processors, Zen 5, November 2026).
        private const int Looks = 200_000;
        private const int LooksPerPause = 256;

        // The caller looks for some 20 microseconds before it lets others run.
        private const int CallerLooks = 20_000;

        private readonly Lock _startLock = new();
        private readonly object _bell = new();
        private int _generation;
        private int _working;
        private int _sleeping;
        private bool _isStarted;
        private readonly TileJob _job;
        private readonly int _helpers;
        private readonly Action _ring;
        private volatile bool _isStopped;

        public Crew(TileJob job, int helpers)
        {
            (_job, _helpers) = (job, helpers);
            _ring = Ring;
        }

        public void Work()
        {
            Start();
            Volatile.Write(ref _working, _helpers);
            Wake();
            _job.Work(worker: 0);

            // Yields, but never sleeps, so that an interrupt of this thread cannot end the wait while workers still write into the caller's memory.
            for (int look = 0; look < CallerLooks && Volatile.Read(ref _working) != 0; look++)
            {
            }

            var wait = default(SpinWait);
            while (Volatile.Read(ref _working) != 0)
            {
                wait.SpinOnce(sleep1Threshold: -1);
            }
        }

        public void Stop()
        {
            _isStopped = true;
            Wake();
        }

        private void Start()
        {
            lock (_startLock)
            {
                if (_isStarted)
                {
                    return;
                }

                _isStarted = true;
                for (int worker = 1; worker <= _helpers; worker++)
                {
                    int number = worker;
                    var thread = new Thread(() => Serve(number)) { IsBackground = true, Name = $"BinaryAttention model worker {number}" };
                    thread.UnsafeStart(); // not the first caller's execution context, which would live as long as the thread
                }
            }
        }

        // A full fence stands between the new generation and the look at the sleepers, and between a sleeper's report and its last look at the generation: one of the two sees the other.
        private void Wake()
        {
            _ = Interlocked.Increment(ref _generation);
            if (Volatile.Read(ref _sleeping) > 0)
            {
                Uninterrupted.Run(_ring);
            }
        }

        private void Ring()
        {
            lock (_bell)
            {
                Monitor.PulseAll(_bell);
            }
        }

        private void Serve(int worker)
        {
            for (int seen = 0; ; seen++)
            {
                WaitBeyond(seen);
                if (_isStopped)
                {
                    return;
                }

                _job.Work(worker);
                _ = Interlocked.Decrement(ref _working);
            }
        }

        private void WaitBeyond(int seen)
        {
            for (int look = 1; look <= Looks; look++)
            {
                if (Volatile.Read(ref _generation) != seen)
                {
                    return;
                }

                if (look % LooksPerPause == 0)
                {
                    Thread.SpinWait(1);
                }
            }

            lock (_bell)
            {
                _ = Interlocked.Increment(ref _sleeping);
                while (Volatile.Read(ref _generation) == seen)
                {
                    _ = Monitor.Wait(_bell);
                }

                _ = Interlocked.Decrement(ref _sleeping);
            }
        }
    }
}
