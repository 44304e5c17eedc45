namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>
/// A compiled model with its thread pool; shared by runs on different copies of the inputs, so that only one pool exists.
/// </summary>
internal sealed class OrtSession(OrtApi api, nint handle, Action<OrtSession> released)
{
    private int users;

    public nint Handle => handle;

    public OrtSession Acquire()
    {
        users++;
        return this;
    }

    public void Release()
    {
        if (--users > 0) return;
        api.ReleaseSession(handle);
        released(this);
    }
}
