// Waits for workers. An interrupt of the waiting thread must not end the wait: the workers still write into memory that is unpinned and freed when the caller leaves. It is raised again afterwards.
namespace BinaryAttention.Threading;

internal static class Uninterrupted
{
    /// <summary>Runs a wait that may be repeated until it has ended by itself.</summary>
    public static void Run(Action wait)
    {
        bool wasInterrupted = false;
        while (true)
        {
            try
            {
                wait();
                break;
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }

        if (wasInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }
}
