using AttnKernels.Plans;

namespace AttnKernels.Tests.Host;

public sealed class OverlapTests : IDisposable
{
    private readonly AttentionDevice device = AttentionDevice.Open("cpu");

    public void Dispose() => device.Dispose();

    [Fact]
    public void Slices_of_packed_qkv_do_not_overlap()
    {
        using DeviceTensor packed = device.Allocate(DType.Float16, 2, 7, 4, 3, 8);
        TensorView q = packed.View.Select(2, 0).Transpose(1, 2);
        TensorView o = packed.View.Select(2, 3).Transpose(1, 2);
        Overlap.Between(q, o).Should().BeFalse();
        Overlap.Between(q, packed.View.Select(2, 0).Slice(1, 6, 1)).Should().BeTrue();
    }

    // Random slices, transpositions and broadcasts of one tensor, seen as two types: against the set of bytes of each.
    [Fact]
    public void Agrees_with_the_sets_of_bytes()
    {
        using DeviceTensor floats = device.Allocate(DType.Float32, 3, 4, 5);
        using DeviceTensor halves = device.Wrap(floats.View.Buffer!.Address + 1, DType.Float16, [3, 4, 5]);
        Random random = new(1);
        int overlapping = 0;
        for (int round = 0; round < 3000; round++)
        {
            TensorView a = Slice(random, floats);
            TensorView b = Slice(random, random.Next(2) == 0 ? floats : halves);
            HashSet<nint> bytes = [.. Bytes(a)];
            bool expected = Bytes(b).Any(bytes.Contains);
            Overlap.Between(a, b).Should().Be(expected, $"{a} at {a.Offset} and {b} at {b.Offset}");
            Overlap.Between(b, a).Should().Be(expected);
            if (expected) overlapping++;
        }
        overlapping.Should().BeInRange(500, 2500, "both answers must occur");
    }

    [Fact]
    public void An_output_that_repeats_an_element_overlaps_itself()
    {
        using DeviceTensor t = device.Allocate(DType.Float32, 2, 1, 3);
        Overlap.WithinItself(t.View.Transpose(0, 2)).Should().BeFalse();
        Overlap.WithinItself(t.View.BroadcastTo(2, 4, 3)).Should().BeTrue();
        using DeviceTensor sliding = device.Wrap(t.View.Buffer!.Address, DType.Float32, [4, 3], [1, 1]);
        Overlap.WithinItself(sliding).Should().BeTrue();
    }

    private static TensorView Slice(Random random, TensorView view)
    {
        for (int axis = 0; axis < 3; axis++)
        {
            int start = random.Next(view.Size(axis));
            view = view.Slice(axis, start, 1 + random.Next(view.Size(axis) - start));
        }
        return view.Transpose(random.Next(3), random.Next(3));
    }

    private static IEnumerable<nint> Bytes(TensorView v)
    {
        for (int i = 0; i < v.Size(0); i++)
            for (int j = 0; j < v.Size(1); j++)
                for (int k = 0; k < v.Size(2); k++)
                    for (int b = 0; b < v.Type.Size(); b++)
                        yield return v.Buffer!.Address + b +
                                        (nint)((v.Offset + (i * v.Stride(0)) + (j * v.Stride(1)) + (k * v.Stride(2))) * v.Type.Size());
    }
}
