using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>The attention weights of chosen rows of one problem.</summary>
public sealed class WeightsPlan : Plan<WeightsProblem, WeightsTensors>
{
    private static readonly string[] Names =
    [
        "P", "Rows", "Q", "K", "Lse", "Mask", "Bias", "KeyLengths", "AlibiSlopes",
        "Sinks", "HeadScales", "DocumentsQ", "DocumentsKv", "BlockMask", "BlockTable", "KScales",
    ];

    internal WeightsPlan(AttentionDevice device, WeightsProblem problem, Executable<WeightsTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override void CheckAndLaunch(in WeightsTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        WeightsTensors t = Check(tensors);
        AttentionTensors a = t.Attention;
        ReadOnlySpan<TensorView> views =
        [
            t.P, t.Rows, a.Q, a.K, a.Lse, a.Mask, a.Bias, a.KeyLengths, a.AlibiSlopes,
            a.Sinks, a.HeadScales, a.DocumentsQ, a.DocumentsKv, a.BlockMask, a.BlockTable, a.KScales,
        ];
        Launch(t, views, Names, outputs: 1, queue, cancel);
    }

    private WeightsTensors Check(in WeightsTensors t)
    {
        AttentionProblem p = Problem.Attention;
        TensorCheck check = new(Device);
        AttentionTensors attention = AttentionPlan.Check(Device, p, t.Attention, hasValues: false);
        WeightsTensors checkedTensors = new()
        {
            // Kernels take V and O and do not touch them: K and Q stand in.
            Attention = attention with { V = attention.K, VScales = attention.KScales, O = attention.Q },
            Rows = check.Rows(nameof(t.Rows), t.Rows, DType.Int32, Problem.Rows, 3),
            P = check.Rows(nameof(t.P), t.P, DType.Float32, Problem.Rows, p.SeqKv),
        };
        RequireInRange(nameof(t.Rows), checkedTensors.Rows, p);
        TensorCheck.RequireDistinct(nameof(t.P), checkedTensors.P);
        return checkedTensors;
    }

    /// <summary>Refuses rows that do not exist, where the memory can be read here.</summary>
    private static unsafe void RequireInRange(string name, in TensorView rows, AttentionProblem p)
    {
        if (rows.Buffer!.Address == 0) return;
        ReadOnlySpan<int> sizes = [p.Batch, p.HeadsQ, p.SeqQ];
        for (int n = 0; n < rows.Size(0); n++)
        {
            int* row = (int*)rows.Buffer.Address + rows.Offset + (n * rows.Stride(0));
            for (int axis = 0; axis < 3; axis++)
            {
                if (row[axis] >= 0 && row[axis] < sizes[axis]) continue;
                throw new ArgumentOutOfRangeException(
                    name, row[axis],
                    $"{name}[{n}] = ({row[0]}, {row[1]}, {row[2]}) is no row (batch entry, head, query) of " +
                    $"{p.Batch} x {p.HeadsQ} x {p.SeqQ}.");
            }
        }
    }
}
