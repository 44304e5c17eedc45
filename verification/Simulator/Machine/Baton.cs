using System.Runtime.InteropServices;

namespace AttnKernels.Simulation;

/// <summary>What a thread waits on until it is its turn. One waiter; a signal given before the wait is kept.</summary>
internal abstract partial class Baton
{
    public static Baton Create() => Futex.IsSupported ? new Futex() : new Event();

    public abstract void Signal();

    public abstract void Wait();

    // A futex word of its own costs a third of what .NET's events do: no lock, no list, one system call each way.
    private sealed unsafe partial class Futex : Baton
    {
        private const int WaitPrivate = 0 | 128;
        private const int WakePrivate = 1 | 128;

        private static readonly int CallNumber = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => 202,
            Architecture.Arm64 => 98,
            _ => -1,
        };

        // Lives as long as the pooled thread, which is as long as the process.
        private readonly int* _word = (int*)NativeMemory.AlignedAlloc(64, 64);

        public Futex()
        {
            *_word = 0;
        }

        public static bool IsSupported => OperatingSystem.IsLinux() && CallNumber >= 0;

        public override void Signal()
        {
            Volatile.Write(ref *_word, 1);
            SystemCall(CallNumber, _word, WakePrivate, 1, 0, 0, 0);
        }

        public override void Wait()
        {
            // Returns early on signals and when the word has changed already.
            while (Volatile.Read(ref *_word) == 0)
                SystemCall(CallNumber, _word, WaitPrivate, 0, 0, 0, 0);
            Volatile.Write(ref *_word, 0);
        }

        [LibraryImport("libc", EntryPoint = "syscall")]
        private static partial nint SystemCall(nint number, int* word, nint operation, nint value, nint timeout, nint word2, nint value3);
    }

    private sealed class Event : Baton
    {
        private readonly object _gate = new();
        private bool _signalled;

        public override void Signal()
        {
            lock (_gate)
            {
                _signalled = true;
                Monitor.Pulse(_gate);
            }
        }

        public override void Wait()
        {
            lock (_gate)
            {
                while (!_signalled)
                    Monitor.Wait(_gate);
                _signalled = false;
            }
        }
    }
}
