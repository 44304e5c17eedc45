namespace AttnKernels.Kernels;

/// <summary>The instantiations of TensorMatmul for one type of A and B and one of C, by tile and by how A and B lie.</summary>
internal static class TensorMatmulTable<TStored, TElement, TC, TElementC>
    where TStored : struct, IElement<ushort>
    where TElement : struct, ITensorElement
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    /// <summary>In the order of <see cref="TensorMatmulChoice.Tiles"/>, four a tile: whether A is transposed, then whether B is.</summary>
    public static readonly KernelEntry<MatmulArgs<ushort, ushort, TC>>[] Entries =
    [
        .. Layouts<TensorTile128x256, FourRows<TElement, TensorRow64<TElement>>>(),
        .. Layouts<TensorTile128x128, FourRows<TElement, TensorRow64<TElement>>>(),
        .. Layouts<TensorTile64x64, TwoRows<TElement, TensorRow32<TElement>>>(),
    ];

    /// <summary>
    /// The kernel that copies A and B fast where they lie row after row as given; it takes any other strides, too, slower.
    /// </summary>
    public static KernelEntry<MatmulArgs<ushort, ushort, TC>> Of(int tile, bool transposeA, bool transposeB) =>
        Entries[(4 * tile) + (transposeA ? 2 : 0) + (transposeB ? 1 : 0)];

    private static KernelEntry<MatmulArgs<ushort, ushort, TC>>[] Layouts<TTile, TBlock>()
        where TTile : struct, ITensorMatmulTile
        where TBlock : struct, ITensorBlock<TElement> =>
        [
            Entry<TTile, TBlock, AlongK, AlongOuter>(),
            Entry<TTile, TBlock, AlongK, AlongK>(),
            Entry<TTile, TBlock, AlongOuter, AlongOuter>(),
            Entry<TTile, TBlock, AlongOuter, AlongK>(),
        ];

    private static KernelEntry<MatmulArgs<ushort, ushort, TC>> Entry<TTile, TBlock, TA, TB>()
        where TTile : struct, ITensorMatmulTile
        where TBlock : struct, ITensorBlock<TElement>
        where TA : struct, ITensorOperand
        where TB : struct, ITensorOperand => new(
            $"TensorMatmul {Elements.Label<TStored>()}->{Elements.Label<TElementC>()} {TTile.BM}x{TTile.BN}x{TensorMatmulSteps.BK} " +
            $"A-{(TA.IsAlongK ? "k" : "outer")} B-{(TB.IsAlongK ? "k" : "outer")}",
            TensorMatmul<TElement, TC, TElementC, TTile, TBlock, TA, TB>.Kernel,
            TensorMatmulTile<TElement, TTile, TBlock>.GroupSize, TensorMatmulTile<TElement, TTile, TBlock>.SharedBytes)
        {
            NeedsTensorCores = true,
        };
}
