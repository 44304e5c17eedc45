namespace AttnKernels.Tests.Host;

public sealed class ViewTests : IDisposable
{
    private readonly AttentionDevice device = AttentionDevice.Open("cpu");
    private readonly DeviceTensor tensor;

    public ViewTests() => tensor = device.Allocate(DType.Float32, 2, 6, 4);

    public void Dispose()
    {
        tensor.Dispose();
        device.Dispose();
    }

    [Fact]
    public void A_whole_tensor_is_dense()
    {
        TensorView view = tensor;
        view.Shape.ToArray().Should().Equal(2, 6, 4);
        view.Strides.ToArray().Should().Equal(24, 4, 1);
        view.IsContiguous.Should().BeTrue();
        view.Count.Should().Be(48);
        view.ToString().Should().Be("Float32 (2, 6, 4)");
        tensor.ToString().Should().Be("Float32 (2, 6, 4) on cpu");
    }

    [Fact]
    public void Views_move_sizes_strides_and_offset_without_copying()
    {
        Expect(tensor.View.Transpose(0, -1), 0, [4, 6, 2], [1, 4, 24]);
        Expect(tensor.View.Slice(1, 2, 3), 8, [2, 3, 4], [24, 4, 1]);
        Expect(tensor.View.Slice(-1, 3, 1), 3, [2, 6, 1], [24, 4, 1]);
        Expect(tensor.View.Select(1, 5), 20, [2, 4], [24, 1]);
        Expect(tensor.View.SplitAxis(1, 3, 2), 0, [2, 3, 2, 4], [24, 8, 4, 1]);
        Expect(tensor.View.Unsqueeze(0), 0, [1, 2, 6, 4], [0, 24, 4, 1]);
        Expect(tensor.View.Unsqueeze(-1), 0, [2, 6, 4, 1], [24, 4, 1, 0]);
        Expect(tensor.View.Reshape(12, 4), 0, [12, 4], [4, 1]);
        Expect(tensor.View.Select(0, 1).Reshape(24), 24, [24], [1]);
        Expect(tensor.View.Slice(1, 0, 1).BroadcastTo(3, 2, 6, 4), 0, [3, 2, 6, 4], [0, 24, 0, 1]);
    }

    [Fact]
    public void Packed_qkv_and_rank_3_layouts_are_views()
    {
        using DeviceTensor packed = device.Allocate(DType.Float16, 2, 7, 3, 4, 8);
        Expect(packed.View.Select(2, 1).Transpose(1, 2), 32, [2, 4, 7, 8], [672, 8, 96, 1]);
        using DeviceTensor rank3 = device.Allocate(DType.Float16, 2, 7, 32);
        Expect(rank3.View.SplitAxis(2, 4, 8).Transpose(1, 2), 0, [2, 4, 7, 8], [224, 8, 32, 1]);
    }

    [Fact]
    public void Impossible_views_are_refused_with_the_view()
    {
        TensorView view = tensor;
        FluentActions.Invoking(() => view.Slice(1, 4, 3)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*axis 1*(2, 6, 4)*");
        FluentActions.Invoking(() => view.Slice(1, int.MaxValue, 2)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => view.Size(3)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*3 axes*");
        FluentActions.Invoking(() => view.Transpose(0, -4)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => view.SplitAxis(1, 4, 2)).Should().Throw<ArgumentException>().WithMessage("*not 4 x 2*");
        FluentActions.Invoking(() => view.Squeeze(0)).Should().Throw<ArgumentException>().WithMessage("*size 1*");
        FluentActions.Invoking(() => view.Reshape(5, 5)).Should().Throw<ArgumentException>().WithMessage("*(5, 5)*");
        FluentActions.Invoking(() => view.Transpose(0, 1).Reshape(48)).Should().Throw<ArgumentException>().WithMessage("*contiguous*");
        FluentActions.Invoking(() => view.BroadcastTo(2, 5, 4)).Should().Throw<ArgumentException>().WithMessage("*(2, 5, 4)*");
        FluentActions.Invoking(() => view.Unsqueeze(0).Unsqueeze(0).Unsqueeze(0))
            .Should().Throw<ArgumentException>().WithMessage("*5 axes*");
        FluentActions.Invoking(() => default(TensorView).Transpose(0, 1)).Should().Throw<InvalidOperationException>();
    }

    private static void Expect(TensorView view, long offset, int[] shape, long[] strides)
    {
        view.Offset.Should().Be(offset);
        view.Shape.ToArray().Should().Equal(shape);
        view.Strides.ToArray().Should().Equal(strides);
    }
}
