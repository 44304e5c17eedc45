using System.Runtime.CompilerServices;

namespace AttnKernels;

/// <summary>Sizes of up to <see cref="TensorView.MaxRank"/> axes.</summary>
[InlineArray(TensorView.MaxRank)]
internal struct AxisSizes
{
    private int first;
}

/// <summary>Strides of up to <see cref="TensorView.MaxRank"/> axes, in elements.</summary>
[InlineArray(TensorView.MaxRank)]
internal struct AxisStrides
{
    private long first;
}
