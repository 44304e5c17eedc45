using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The guards around tensors report what they are there to report.</summary>
public class PlacedTensorTests
{
    public static TheoryData<Placement> Placements => [.. Placement.Rows, Placement.ColumnMajor];

    [Theory]
    [MemberData(nameof(Placements))]
    public void Values_survive_every_placement(Placement placement)
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        HostTensor tensor = new Seeded(1).Normals(0, DType.Float16, 1, 2, 3, 5, 7);
        using PlacedTensor placed = PlacedTensor.Input(device, tensor, placement);

        placed.Read().Should().Equal(tensor.Values);
        placed.View.Shape.ToArray().Should().Equal(2, 3, 5, 7);
        placed.Damage(isOutput: false).Should().BeNull();
    }

    [Fact]
    public void An_output_is_poison_until_it_is_written()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using PlacedTensor output = PlacedTensor.Output(device, DType.BFloat16, Placement.OddLines, 1, 2, 3, 4);
        output.Read().Should().OnlyContain(x => float.IsNaN(x));
        output.Damage(isOutput: true).Should().BeNull();
    }

    [Fact]
    public void A_write_beside_an_output_is_seen()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using PlacedTensor output = PlacedTensor.Output(device, DType.Float32, Placement.OddLines, 1, 1, 3, 5);
        using DeviceTensor a = device.Upload(new float[] { 1, 1, 1 }, 3, 1), b = device.Upload(new float[6], 1, 6);

        // A product of 6 columns where 5 were announced: the sixth falls into the gap after each line.
        TensorView wide = new(output.View.Buffer!, DType.Float32, output.View.Offset, [3, 6], [8, 1]);
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 3, N = 6, K = 1 });
        plan.Run(new MatmulTensors { A = a, B = b, C = wide });

        output.Damage(isOutput: true).Should().Contain("overwritten");
    }

    [Fact]
    public void A_changed_input_is_seen()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using PlacedTensor input = PlacedTensor.Input(device, new HostTensor(DType.Float32, [1, 2, 3], 3), Placement.Dense);
        using SoftmaxPlan plan = device.Plan(new SoftmaxProblem { Rows = 1, Columns = 3 });
        plan.Run(new SoftmaxTensors { X = input.View, Y = input.View });
        input.Damage(isOutput: false).Should().NotBeNull();
        input.Damage(isOutput: true).Should().BeNull();
    }
}
