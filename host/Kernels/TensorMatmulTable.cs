namespace AttnKernels.Kernels;

/// <summary>The instantiations of TensorMatmul for one format of A and B and one type of C, by tile and by how A and B lie.</summary>
internal static class TensorMatmulTable<T, TFormat, TC, TElementC>
    where T : unmanaged
    where TFormat : struct, IProductFormat
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    /// <summary>
    /// In the order of <see cref="TensorMatmulChoice.TilesOf"/>, four a tile: whether A is transposed, then whether B is.
    /// </summary>
    public static readonly KernelEntry<MatmulArgs<T, T, TC>>[] Entries =
        TFormat.PerChunk == 8 ? Narrow() : TFormat.IsLooped ? Parts() : Wide();

    /// <summary>
    /// The kernel that copies A and B fast where they lie row after row as given; it takes any other strides, too, slower.
    /// </summary>
    public static KernelEntry<MatmulArgs<T, T, TC>> Of(int tile, bool transposeA, bool transposeB) =>
        Entries[(4 * tile) + (transposeA ? 2 : 0) + (transposeB ? 1 : 0)];

    private static KernelEntry<MatmulArgs<T, T, TC>>[] Narrow() =>
    [
        .. Layouts<TensorTile128x256, FourRows<TFormat, TensorRow64<TFormat>>, AlongOuter>(),
        .. Layouts<TensorTile128x128, FourRows<TFormat, TensorRow64<TFormat>>, AlongOuter>(),
        .. Layouts<TensorTile64x64, TwoRows<TFormat, TensorRow32<TFormat>>, AlongOuter>(),
    ];

    private static KernelEntry<MatmulArgs<T, T, TC>>[] Wide() =>
    [
        .. Layouts<TensorTile128x128, FourRows<TFormat, TensorRow64<TFormat>>, WordsAlongOuter>(),
        .. Layouts<TensorTile64x64, TwoRows<TFormat, TensorRow32<TFormat>>, WordsAlongOuter>(),
    ];

    private static KernelEntry<MatmulArgs<T, T, TC>>[] Parts() =>
    [
        .. Layouts<TensorTile128x64, FourRows<TFormat, TensorRow32<TFormat>>, WordsAlongOuter>(),
        .. Layouts<TensorTile64x64, TwoRows<TFormat, TensorRow32<TFormat>>, WordsAlongOuter>(),
    ];

    private static KernelEntry<MatmulArgs<T, T, TC>>[] Layouts<TTile, TBlock, TOuter>()
        where TTile : struct, ITensorMatmulTile
        where TBlock : struct, ITensorBlock<TFormat>
        where TOuter : struct, ITensorOperand =>
        [
            Entry<TTile, TBlock, AlongK, TOuter>(),
            Entry<TTile, TBlock, AlongK, AlongK>(),
            Entry<TTile, TBlock, TOuter, TOuter>(),
            Entry<TTile, TBlock, TOuter, AlongK>(),
        ];

    private static KernelEntry<MatmulArgs<T, T, TC>> Entry<TTile, TBlock, TA, TB>()
        where TTile : struct, ITensorMatmulTile
        where TBlock : struct, ITensorBlock<TFormat>
        where TA : struct, ITensorOperand
        where TB : struct, ITensorOperand => new(
            $"TensorMatmul {Elements.Label<TFormat>()}->{Elements.Label<TElementC>()} " +
            $"{TTile.BM}x{TTile.BN}x{TensorMatmulTile<TFormat, TTile, TBlock>.BK} " +
            $"A-{(TA.IsAlongK ? "k" : "outer")} B-{(TB.IsAlongK ? "k" : "outer")}",
            TensorMatmul<T, TFormat, TC, TElementC, TTile, TBlock, TA, TB>.Kernel,
            TensorMatmulTile<TFormat, TTile, TBlock>.GroupSize, TensorMatmulTile<TFormat, TTile, TBlock>.SharedBytes)
        {
            NeedsTensorCores = true,
        };
}
