namespace AttnKernels.Tests.Host;

/// <summary>The devices of this machine and build.</summary>
internal static class HostDevices
{
    public static TheoryData<string> All => [.. AttentionDevice.List().Select(d => d.Name)];

    public static TheoryData<string> Kernel => [.. AttentionDevice.List().Where(d => d.Kind != DeviceKind.Cpu).Select(d => d.Name)];

    /// <summary>Numbers in [-1, 1) that depend on the seed only.</summary>
    public static float[] Random(int count, int seed)
    {
        Random random = new(seed);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) numbers[i] = (random.NextSingle() * 2) - 1;
        return numbers;
    }
}
