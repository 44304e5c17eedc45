using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Tests.Simulator;

public class ExecutionTests
{
    private struct SumArgs
    {
        public ArrayView<float> X;
        public ArrayView<float> Y;
    }

    private static void GroupSum(SumArgs args)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(256);
        int i = Group.IdxX;
        sums[i] = args.X[Grid.IdxX * 256 + i];
        Group.Barrier();
        for (int half = 128; half > 0; half /= 2)
        {
            if (i < half)
                sums[i] += sums[i + half];
            Group.Barrier();
        }
        float w = sums[0];
        w += Warp.ShuffleXor(w, 1);
        if (i == 0)
            args.Y[Grid.IdxX] = w;
    }

    [Fact]
    public void A_tree_of_barriers_sums_a_group()
    {
        using var device = new SimulatedDevice();
        using SimulatedBuffer x = device.Allocate(1024 * 4, "x");
        using SimulatedBuffer y = device.Allocate(4 * 4, "y");
        for (int i = 0; i < 1024; i++)
            x.Span<float>()[i] = i;
        LaunchReport report = device.Launch(GroupSum, new SumArgs { X = x.View<float>(), Y = y.View<float>() }, (4, 1, 1), (256, 1, 1));
        report.Findings.Should().BeEmpty();
        for (int g = 0; g < 4; g++)
            y.Span<float>()[g].Should().Be(2 * (256f * g * 256 + 255 * 128));
        report.BarriersPerGroup.Should().Be(9);
    }
}
