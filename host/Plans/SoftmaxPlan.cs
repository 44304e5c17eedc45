using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated softmax problem with its kernels.</summary>
public sealed class SoftmaxPlan : Plan<SoftmaxProblem, SoftmaxTensors>
{
    private static readonly string[] Names =
    [
        "Y", "Lse", "X", "Mask", "Bias", "KeyLengths", "AlibiSlopes",
        "Sinks", "HeadScales", "DocumentsQ", "DocumentsKv", "BlockMask",
    ];

    internal SoftmaxPlan(AttentionDevice device, SoftmaxProblem problem, Executable<SoftmaxTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override void CheckAndLaunch(in SoftmaxTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        SoftmaxTensors t = Check(tensors);
        TensorView x = Overlap.Same(t.X, t.Y) ? default : t.X;
        ReadOnlySpan<TensorView> views =
        [
            t.Y, t.Lse, x, t.Mask, t.Bias, t.KeyLengths, t.AlibiSlopes,
            t.Sinks, t.HeadScales, t.DocumentsQ, t.DocumentsKv, t.BlockMask,
        ];
        Launch(t, views, Names, outputs: 2, queue, cancel);
    }

    private SoftmaxTensors Check(in SoftmaxTensors t)
    {
        SoftmaxProblem p = Problem;
        TensorCheck check = new(Device);
        SoftmaxTensors checkedTensors = new()
        {
            X = check.Rows(nameof(t.X), t.X, p.Type, p.Batch, p.Heads, p.Rows, p.Columns),
            Y = check.Rows(nameof(t.Y), t.Y, p.OutputType, p.Batch, p.Heads, p.Rows, p.Columns),
            Lse = ScoreCheck.Lse(check, p, t.Lse),
            Mask = ScoreCheck.Mask(check, p, t.Mask),
            Bias = ScoreCheck.Bias(check, p, t.Bias),
            KeyLengths = ScoreCheck.KeyLengths(check, p, t.KeyLengths),
            AlibiSlopes = ScoreCheck.AlibiSlopes(check, p, t.AlibiSlopes),
            Sinks = ScoreCheck.PerHead(nameof(t.Sinks), check, p, p.Sinks, t.Sinks),
            HeadScales = ScoreCheck.PerHead(nameof(t.HeadScales), check, p, p.HeadScales, t.HeadScales),
            DocumentsQ = ScoreCheck.Documents(nameof(t.DocumentsQ), check, p, p.ScoreRows, t.DocumentsQ),
            DocumentsKv = ScoreCheck.Documents(nameof(t.DocumentsKv), check, p, p.ScoreColumns, t.DocumentsKv),
            BlockMask = ScoreCheck.BlockMask(check, p, t.BlockMask),
        };
        TensorCheck.RequireDistinct(nameof(t.Y), checkedTensors.Y);
        return checkedTensors;
    }
}
